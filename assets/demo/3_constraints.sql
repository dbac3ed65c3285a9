-- The sample shop's keys, indexes and foreign keys.
set local maintenance_work_mem = '256MB';

alter table public.country add primary key (code);
alter table shop.customer add primary key (id), add constraint "one account per address" unique (email);
alter table shop.category add primary key (id), add unique (parent_id, name);
alter table shop.product add primary key (id), add unique (sku),
  add constraint sensible_vat check (vat between 0 and 30);
alter table shop.product_manual add primary key (product_id, language);
alter table shop."order" add primary key (id);
alter table shop.order_line add primary key (order_id, line_no), add check (quantity > 0);
alter table shop.review add primary key (product_id, customer_id, written_on), add check (stars between 1 and 5);
alter table shop.voucher add primary key (id), add unique (code) deferrable initially deferred;
alter table shop.cart add primary key (customer_id);
alter table stock.warehouse add primary key (id);
alter table stock.employee add primary key (id);
alter table stock.level add primary key (product_id, warehouse_id);
alter table stock.document add primary key (id), add constraint after_opening check (written_on >= '2020-01-01');
alter table stock.delivery_note add primary key (id);
alter table audit.event add primary key (id, happened_at);
alter table "Back Office"."Price List; 2025" add primary key ("No.", "Valid From");
alter table "Back Office".salary add primary key (employee_id, month);

create index on shop.customer (country);
create index customer_by_name on shop.customer (lower(full_name) text_pattern_ops);
create index gold_customers on shop.customer (joined_at) where level = 'Gold';
create index on shop.customer using gin (preferences);
create index on shop.product using gin (words);
create index on shop.product using gist (sold_in);
create index on shop.product (category_id, price desc nulls last);
create index on shop."order" (customer_id);
create index on shop."order" using brin (placed_at);
create index open_orders on shop."order" (state) where state in ('new', 'paid');
create index on shop.order_line (product_id);
create index on audit.event (actor, happened_at);
create index on stock.document (written_on);
create index on stock.delivery_note using hash (carrier);
create unique index "Größe; unique" on "Back Office"."Price List; 2025" ("No.", upper("Größe"));
create statistics shop.order_state_by_customer (dependencies) on customer_id, state from shop."order";
alter table shop.order_line cluster on order_line_pkey;

alter table shop.category add foreign key (parent_id) references shop.category;
alter table shop.product add foreign key (category_id) references shop.category;
alter table shop.product_manual add foreign key (product_id) references shop.product on delete cascade;
alter table shop.customer
  add foreign key (country) references public.country,
  add foreign key (referred_by) references shop.customer on delete set null,
  add constraint customer_newest_order_fkey foreign key (newest_order) references shop."order" deferrable initially deferred;
alter table shop."order" add foreign key (customer_id) references shop.customer;
alter table shop.order_line
  add foreign key (order_id) references shop."order" on delete cascade,
  add foreign key (product_id) references shop.product;
alter table shop.review
  add foreign key (product_id) references shop.product,
  add foreign key (customer_id) references shop.customer;
alter table shop.cart add foreign key (customer_id) references shop.customer;
alter table stock.warehouse add foreign key (manager_id) references stock.employee;
alter table stock.employee
  add foreign key (warehouse_id) references stock.warehouse,
  add foreign key (boss_id) references stock.employee;
alter table stock.level
  add foreign key (product_id) references shop.product,
  add foreign key (warehouse_id) references stock.warehouse;
alter table "Back Office".salary add foreign key (employee_id) references stock.employee;
