-- What a database holds that belongs to neither the system nor an extension. Serves 10 and newer.
with objects (classid, objid, namespace, name, kind) as (
    select 'pg_catalog.pg_class'::pg_catalog.regclass::oid, c.oid, c.relnamespace, c.relname::text, c.relkind::text
      from pg_catalog.pg_class as c
     where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S') and c.relpersistence <> 't'
       and not (c.relkind = 'S' and exists (select from pg_catalog.pg_depend as d where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                              and d.objid = c.oid and d.deptype in ('a', 'i')))
    union all
    select 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, p.pronamespace, p.proname::text, 'function' from pg_catalog.pg_proc as p
    union all
    select 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, t.typnamespace, t.typname::text, 'type'
      from pg_catalog.pg_type as t left join pg_catalog.pg_class as c on c.oid = t.typrelid
     where t.typtype in ('d', 'e', 'r') or t.typtype = 'b' and t.typelem = 0 or c.relkind = 'c'
    union all
    select 'pg_catalog.pg_namespace'::pg_catalog.regclass, n.oid, n.oid, n.nspname::text, 'schema'
      from pg_catalog.pg_namespace as n where n.nspname <> 'public'
    union all
    select 'pg_catalog.pg_collation'::pg_catalog.regclass, x.oid, x.collnamespace, x.collname::text, '' from pg_catalog.pg_collation as x
    union all
    select 'pg_catalog.pg_conversion'::pg_catalog.regclass, x.oid, x.connamespace, x.conname::text, '' from pg_catalog.pg_conversion as x
    union all
    select 'pg_catalog.pg_operator'::pg_catalog.regclass, x.oid, x.oprnamespace, x.oprname::text, '' from pg_catalog.pg_operator as x
    union all
    select 'pg_catalog.pg_opclass'::pg_catalog.regclass, x.oid, x.opcnamespace, x.opcname::text, '' from pg_catalog.pg_opclass as x
    union all
    select 'pg_catalog.pg_opfamily'::pg_catalog.regclass, x.oid, x.opfnamespace, x.opfname::text, '' from pg_catalog.pg_opfamily as x
    union all
    select 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, x.oid, x.stxnamespace, x.stxname::text, '' from pg_catalog.pg_statistic_ext as x
    union all
    select 'pg_catalog.pg_ts_config'::pg_catalog.regclass, x.oid, x.cfgnamespace, x.cfgname::text, '' from pg_catalog.pg_ts_config as x
    union all
    select 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, x.oid, x.dictnamespace, x.dictname::text, '' from pg_catalog.pg_ts_dict as x
    union all
    select 'pg_catalog.pg_ts_parser'::pg_catalog.regclass, x.oid, x.prsnamespace, x.prsname::text, '' from pg_catalog.pg_ts_parser as x
    union all
    select 'pg_catalog.pg_ts_template'::pg_catalog.regclass, x.oid, x.tmplnamespace, x.tmplname::text, '' from pg_catalog.pg_ts_template as x
), of_no_schema (classid, objid, name) as (
    select 'pg_catalog.pg_publication'::pg_catalog.regclass::oid, x.oid, x.pubname::text from pg_catalog.pg_publication as x
    union all
    select 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass, x.oid, x.fdwname::text from pg_catalog.pg_foreign_data_wrapper as x
    union all
    select 'pg_catalog.pg_foreign_server'::pg_catalog.regclass, x.oid, x.srvname::text from pg_catalog.pg_foreign_server as x
    union all
    select 'pg_catalog.pg_event_trigger'::pg_catalog.regclass, x.oid, x.evtname::text from pg_catalog.pg_event_trigger as x
    union all
    select 'pg_catalog.pg_language'::pg_catalog.regclass, x.oid, x.lanname::text from pg_catalog.pg_language as x
    union all
    -- Named as pg_dump does.
    select 'pg_catalog.pg_cast'::pg_catalog.regclass, x.oid,
           pg_catalog.format('CAST (%s AS %s)', pg_catalog.format_type(x.castsource, null), pg_catalog.format_type(x.casttarget, null))
      from pg_catalog.pg_cast as x
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
select i.type, '', o.name, i.identity, false
  from of_no_schema as o
 cross join lateral pg_catalog.pg_identify_object(o.classid, o.objid, 0) as i
 -- The server's own have lower numbers.
 where o.objid >= 16384
   and not exists (select from pg_catalog.pg_depend as d where d.classid = o.classid and d.objid = o.objid and d.deptype = 'e')
union all
select 'large objects', '', pg_catalog.count(*)::text, pg_catalog.count(*)::text, false
  from pg_catalog.pg_largeobject_metadata
having pg_catalog.count(*) > 0
 order by 1, 2, 3
