-- Tables, partitioned tables, partitions and foreign tables that are the user's. Serves 10 and newer.
select c.oid,
       n.nspname::text,
       c.relname::text,
       c.relkind::text,
       c.relpersistence = 'u' as is_unlogged,
       pg_catalog.pg_get_userbyid(c.relowner)::text,
       case when c.reltuples < 0 or c.relpages = 0 and c.reltuples = 0 then null else c.reltuples::bigint end,
       c.relpages::bigint,
       coalesce(pg_catalog.pg_table_size(c.oid), 0),
       coalesce(pg_catalog.pg_indexes_size(c.oid), 0),
       pg_catalog.obj_description(c.oid, 'pg_class'),
       c.relrowsecurity
         and not (select r.rolbypassrls or r.rolsuper from pg_catalog.pg_roles as r where r.rolname = current_user)
         and (c.relforcerowsecurity or not pg_catalog.pg_has_role(c.relowner, 'USAGE')) as hides_rows,
       pg_catalog.has_table_privilege(c.oid, 'SELECT')
         and pg_catalog.has_schema_privilege(n.oid, 'USAGE') as can_select,
       pg_catalog.has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE') as can_lock,
       x.extname::text,
       x.condition
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  left join pg_catalog.pg_depend as d
    on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.objsubid = 0 and d.deptype = 'e'
  left join lateral (
        select e.extname, e.extcondition[pg_catalog.array_position(e.extconfig, c.oid)] as condition
          from pg_catalog.pg_extension as e
         where e.oid = d.refobjid and c.oid = any (e.extconfig)) as x on true
 where c.relkind in ('r', 'p', 'f')
   and c.relpersistence <> 't'
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
   and (d.objid is null or x.extname is not null)
 order by n.nspname, c.relname
