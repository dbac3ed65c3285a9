-- What a database holds that belongs to neither the system nor an extension. Serves 10 and newer.
with objects (classid, objid, namespace, name, kind) as (
    select 'pg_catalog.pg_class'::pg_catalog.regclass::oid, c.oid, c.relnamespace, c.relname::text, c.relkind::text
      from pg_catalog.pg_class as c
     where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'c') and c.relpersistence <> 't'
       and not (c.relkind = 'S' and exists (select from pg_catalog.pg_depend as d where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                              and d.objid = c.oid and d.deptype in ('a', 'i')))
    union all
    select 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, p.pronamespace, p.proname::text, 'function' from pg_catalog.pg_proc as p
    union all
    select 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, t.typnamespace, t.typname::text, 'type'
      from pg_catalog.pg_type as t where t.typtype in ('d', 'e', 'r') or t.typtype = 'b' and t.typelem = 0
    union all
    select 'pg_catalog.pg_namespace'::pg_catalog.regclass, n.oid, n.oid, n.nspname::text, 'schema'
      from pg_catalog.pg_namespace as n where n.nspname <> 'public'
)
select i.type,
       n.nspname::text,
       o.name,
       i.identity,
       o.kind in ('r', 'f') as may_hold_rows
  from objects as o
  join pg_catalog.pg_namespace as n on n.oid = o.namespace
 cross join lateral pg_catalog.pg_identify_object(o.classid, o.objid, 0) as i
 where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
   and not exists (select from pg_catalog.pg_depend as d where d.classid = o.classid and d.objid = o.objid and d.deptype = 'e')
   and not exists (select from pg_catalog.pg_depend as d where d.classid = o.classid and d.objid = o.objid and d.deptype = 'i' and d.refobjid <> d.objid)
union all
select 'large objects', '', pg_catalog.count(*)::text, pg_catalog.count(*)::text, false
  from pg_catalog.pg_largeobject_metadata
having pg_catalog.count(*) > 0
 order by 1, 2, 3
