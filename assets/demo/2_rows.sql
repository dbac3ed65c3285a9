-- The sample shop's rows: plain arithmetic, no random() and no clock, so that every demo holds the same ones.
set local timezone = 'UTC';
set local work_mem = '64MB';

insert into public.country values
  ('AT', 'Österreich', 'EUR', 20), ('CH', 'Schweiz', 'CHF', 8.1), ('CZ', 'Česko', 'CZK', 21), ('DE', 'Deutschland', 'EUR', 19),
  ('DK', 'Danmark', 'DKK', 25), ('ES', 'España', 'EUR', 21), ('FR', 'France', 'EUR', 20), ('GR', 'Ελλάδα', 'EUR', 24),
  ('IN', 'भारत', 'INR', 18), ('JP', '日本', 'JPY', 10), ('LK', 'ශ්‍රී ලංකාව', 'LKR', 18), ('TH', 'ประเทศไทย', 'THB', 7);

insert into shop.category (id, parent_id, name)
select i, case when i > 6 then 1 + i % 6 end, 'Category ' || i from generate_series(1, 40) i;

insert into shop.product (sku, category_id, name, price, vat, tags, details, thumbnail, sold_in, weight, volume)
select md5('sku' || i)::uuid,
  7 + i % 34,
  (array['Oak', 'Steel', 'Silk', 'Copper', 'Bamboo', 'Wool', 'Glass'])[1 + i % 7] || ' '
    || (array['table', 'lamp', 'kettle', 'scarf', 'saddle', 'basket', 'drum', 'rope', 'bell', 'parasol', 'cushion'])[1 + i % 11] || ' ' || i,
  (i * 7919 % 50000) / 100.0,
  (array[19, 7, 0])[1 + i % 3],
  (array['{}', '{new}', '{sale,"last pieces"}', '{heavy,"with \"quotes\"",NULL}'])[1 + i % 4]::text[],
  case when i % 5 > 0 then json_build_object('colour', 'c' || i % 17, 'sizes', json_build_array(i % 3, i % 5), 'eco', i % 2 = 0) end,
  case when i % 10 = 0 then decode(repeat(md5(i::text), 40), 'hex') end,
  daterange('2022-01-01'::date + i % 900, case when i % 4 > 0 then '2026-01-01'::date + i % 300 end),
  i / 7.0, i / 3.0::float8
from generate_series(1, 8000) i;
update shop.product set weight = 'NaN', volume = 'Infinity' where id % 1000 = 0;

insert into shop.customer (email, full_name, level, home, country, favourites, preferences, joined_at, born, referred_by)
select 'customer' || i || '@shop' || i % 20 || '.example',
  (array['Ada', 'Björn', 'Chandra', 'Dilini', 'Émile', 'Fatima', 'Grace', 'Hiroshi', 'Ines', 'Jürgen', 'Κατερίνα', 'Luis', 'Minh'])[1 + i % 13] || ' '
    || (array['Abel', 'Brown', 'Costa', 'Dvořák', 'Evans', 'Fernando', 'O''Neill', 'Groß', 'Hansen', 'Ito', 'Jones'])[1 + i % 11],
  (array['None', 'None', 'Silver', 'Gold'])[1 + i % 4]::shop."Loyalty Level",
  case when i % 9 > 0 then row(i % 300 || ' Main "Old" Street', 'City, ' || i % 500, lpad((i % 99999)::text, 5, '0'), 'DE')::shop.address end,
  (array['AT', 'CH', 'CZ', 'DE', 'DK', 'ES', 'FR', 'GR', 'IN', 'JP', 'LK', 'TH'])[1 + i % 12],
  case when i % 3 > 0 then array[1 + i % 8000, 1 + i * 31 % 8000, null] end,
  jsonb_build_object('news', i % 2 = 0, 'theme', (array['dark', 'light'])[1 + i % 2], 'seen', i % 1000),
  '2023-01-01 00:00+00'::timestamptz + i * interval '23 minutes 17.123456 seconds',
  case when i % 6 > 0 then '1950-01-01'::date + i * 13 % 20000 end,
  case when i > 100 and i % 5 = 0 then 1000 + i / 7 end
from generate_series(0, 59999) i;

insert into shop."order" (customer_id, state, placed_at, placed_from, delivery_window, patience, note)
select 1000 + i * 37::bigint % 60000,
  (array['new', 'paid', 'packed', 'shipped', 'shipped', 'shipped', 'returned'])[1 + i % 7]::shop.order_state,
  '2023-02-01 00:00+00'::timestamptz + i * interval '9 minutes 30.5 seconds',
  case when i % 4 > 0 then '10.0.0.0'::inet + i % 1000000 else '2001:db8::1'::inet + i end,
  tstzrange('2023-02-03 08:00+00'::timestamptz + i * interval '9 minutes', '2023-02-03 12:00+00'::timestamptz + i * interval '9 minutes'),
  make_interval(days => i % 30, mins => i % 600),
  case when i % 25 = 0 then E'Ring twice.\nBackslash \\ and tab\there' end
from generate_series(1, 150000) i;

insert into shop.order_line (order_id, line_no, product_id, quantity, unit_price)
select o, l, 1 + (o * 13 + l * 101) % 8000, 1 + (o + l) % 5, ((o * 7919 + l) % 50000) / 100.0
from generate_series(1, 150000) o, generate_series(1, 1 + o % 5) l;

update shop.customer c set newest_order = o.newest
from (select customer_id, max(id) as newest from shop."order" group by customer_id) o where o.customer_id = c.id;

insert into shop.review
select 1 + i * 17 % 8000, 1000 + i % 60000, 1 + i % 5,
  case when i % 11 > 0 then repeat((array['Sturdy. ', 'Would buy again. ', 'Too small for an elephant. '])[1 + i % 3], 1 + i % 6) else '' end,
  '2024-01-01'::date + i % 600
from generate_series(1, 50000) i;

insert into shop.cart
select 1000 + i * 11, jsonb_build_array(jsonb_build_object('product', 1 + i % 8000, 'pieces', 1 + i % 3)) from generate_series(1, 5000) i;

insert into stock.warehouse select i, 'Warehouse ' || i, point(40 + i / 3.0, 5 + i / 7.0) from generate_series(1, 12) i;
insert into stock.employee (name, warehouse_id, boss_id, badge, shifts)
select 'Employee ' || i, 1 + i % 12, case when i > 12 then 1 + i % 12 end, ('08:00:2b:00:' || to_hex(i / 256) || ':' || to_hex(i % 256))::macaddr,
  array[int4range(8, 12), int4range(13, 16 + i % 3)]
from generate_series(1, 600) i;
update stock.warehouse set manager_id = id;
insert into stock.level select p, w, (p * w) % 250 from generate_series(1, 8000) p, generate_series(1, 5) w;
insert into stock.document (warehouse_id, written_on, remark)
select 1 + i % 12, '2023-01-01'::date + i % 900, 'Stocktaking ' || i from generate_series(1, 4000) i;
insert into stock.delivery_note (warehouse_id, written_on, remark, carrier, parcels)
select 1 + i % 12, '2023-01-01'::date + i % 900, null, (array['Elephant Express', 'Mahout & Sons', 'Post'])[1 + i % 3], 1 + i % 9
from generate_series(1, 26000) i;

insert into audit.event (happened_at, actor, address, action, payload)
select '2022-12-01 00:00+00'::timestamptz + i * interval '7 minutes 19 seconds', 'user' || i % 300,
  case when i % 3 > 0 then network(set_masklen('10.0.0.0'::inet + i % 60000 * 256, 24)) end,
  (array['login', 'logout', 'price changed', 'order packed'])[1 + i % 4], jsonb_build_object('n', i, 'ok', i % 50 > 0)
from generate_series(1, 240000) i;

insert into "Back Office"."Price List; 2025" select i, '2025-01-01'::date + i % 365, i / 16.0, chr(65 + i % 26) || '„“' from generate_series(1, 2000) i;
insert into "Back Office".salary select i, '2025-01-01', (2500 + i)::money from generate_series(1, 600) i;

-- Large objects, with numbers of their own choice so that the rows which name them are the same in every demo.
select lo_from_bytea(900000 + i, convert_to(repeat('Manual ' || i || E': seat, straps, elephant.\n', i * 900), 'UTF8')) from generate_series(1, 8) i;
insert into shop.product_manual select i, case when i % 2 = 0 then 'de' else 'en' end, 900000 + i from generate_series(1, 8) i;
comment on large object 900001 is 'The first manual';

-- Called, set by hand, never called: the three states of a counter.
select nextval('shop.invoice_number'), nextval('shop.invoice_number');
select setval('shop.lottery', 4711, false);
