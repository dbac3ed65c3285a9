-- What rows that come again into a table would run into, though the rows before them did not: rules, and constraints that
-- were added without a look at the rows. Of one that is inherited the topmost first. Serves 10 and newer.
with recursive above (child, parent) as (
    select i.inhrelid, i.inhparent from pg_catalog.pg_inherits as i
    union
    select a.child, i.inhparent from above as a join pg_catalog.pg_inherits as i on i.inhrelid = a.parent
)
select 'rule', n.nspname::text, c.relname::text, w.rulename::text, 0::bigint as depth
  from pg_catalog.pg_rewrite as w
  join pg_catalog.pg_class as c on c.oid = w.ev_class
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where w.ev_type in ('3', '4') and c.relkind in ('r', 'p')
union all
select case k.contype when 'c' then 'check' else 'not null' end, n.nspname::text, c.relname::text, k.conname::text,
       (select count(*) from above as a where a.child = c.oid)
  from pg_catalog.pg_constraint as k
  join pg_catalog.pg_class as c on c.oid = k.conrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where k.contype in ('c', 'n') and not k.convalidated
union all
select 'domain', n.nspname::text, t.typname::text, k.conname::text, 0
  from pg_catalog.pg_constraint as k
  join pg_catalog.pg_type as t on t.oid = k.contypid
  join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
 where k.contype = 'c' and not k.convalidated
 order by depth, 1, 2, 3, 4
