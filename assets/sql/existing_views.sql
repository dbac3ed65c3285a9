-- Filled materialized views with the tables they read, directly or through views; each after those it reads. Serves 10 and newer.
with recursive reads (view, relation) as (
    select distinct r.ev_class, d.refobjid
      from pg_catalog.pg_rewrite as r
      join pg_catalog.pg_depend as d
        on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = r.oid
       and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid <> r.ev_class
     where r.rulename = '_RETURN'
), reaches (view, relation) as (
    select view, relation from reads
    union
    select w.view, r.relation from reaches as w join reads as r on r.view = w.relation
)
select n.nspname::text,
       c.relname::text,
       array(select w.relation from reaches as w where w.view = c.oid)
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where c.relkind = 'm' and c.relispopulated
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
 order by (select pg_catalog.count(*)
             from reaches as w join pg_catalog.pg_class as m on m.oid = w.relation and m.relkind = 'm'
            where w.view = c.oid), 1, 2
