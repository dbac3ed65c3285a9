-- The sample shop's functions, triggers, views, rules, policies and comments.
create function shop.net(gross numeric, vat numeric) returns numeric
  language sql immutable strict as 'select round(gross * 100 / (100 + vat), 2)';
comment on function shop.net(numeric, numeric) is 'Price without VAT';

create function shop.count_version() returns trigger language plpgsql as $body$
begin
  -- A header look-alike, to be left alone: "-- Name: nothing; Type: TABLE; Schema: shop; Owner: nobody"
  new.version := old.version + 1;
  return new;
end
$body$;
create trigger count_version before update on shop.product for each row
  when (old.price is distinct from new.price or old.name is distinct from new.name) execute function shop.count_version();

create function audit.note_price() returns trigger language plpgsql as $body$
begin
  insert into audit.event (happened_at, actor, action, payload)
  values (current_timestamp, current_user, 'price changed', jsonb_build_object('product', new.id, 'was', old.price, 'is', new.price));
  return null;
end
$body$;
create trigger "note price" after update of price on shop.product for each row
  when (old.price <> new.price) execute function audit.note_price();

create procedure shop.ship(order_id bigint) language sql as
  $$ update shop."order" set state = 'shipped' where id = order_id $$;

create aggregate shop.product_of(numeric) (sfunc = numeric_mul, stype = numeric, initcond = '1');

create view shop.order_total as
  select o.id, o.customer_id, o.state, o.placed_at, sum(l.amount) as total
  from shop."order" o left join shop.order_line l on l.order_id = o.id
  group by o.id;
create view shop.cheap_product as select id, name, price from shop.product where price < 50 with local check option;

create materialized view shop.sales_by_day as
  select (placed_at at time zone 'UTC')::date as day, count(*) as orders, sum(total) as total
  from shop.order_total group by 1;
create unique index on shop.sales_by_day (day);
create materialized view shop.sales_by_month as
  select date_trunc('month', day)::date as month, sum(orders) as orders, sum(total) as total
  from shop.sales_by_day group by 1;
create unique index on shop.sales_by_month (month);

create rule keep_vouchers as on delete to shop.voucher do instead nothing;

alter table "Back Office".salary enable row level security;
create policy "own department" on "Back Office".salary for select using (employee_id % 12 = 0);

comment on table shop.customer is 'People who ordered, or may one day';
comment on column shop.customer.newest_order is 'Closes a circle of foreign keys with shop."order"';
comment on table shop."order" is 'A reserved word as a name';
comment on column shop.product.gross is 'Price with VAT, computed by the server';
comment on constraint sensible_vat on shop.product is 'No country takes more';
comment on index shop.customer_by_name is 'For the search as you type';
comment on type shop.order_state is 'In the order an order passes them';
comment on trigger "note price" on shop.product is 'Prices leave a trace';
comment on view shop.order_total is E'Two lines:\nwith a total''s sum';
comment on sequence audit.event_numbers is 'A sequence whose name does not end in _seq';
