-- Materialized views of the user. Serves 10 and newer.
select c.oid, n.nspname::text, c.relname::text, c.relispopulated, pg_catalog.pg_table_size(c.oid)
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where c.relkind = 'm'
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
   and not exists (select from pg_catalog.pg_depend as d
                    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
 order by n.nspname, c.relname
