-- Every sequence that is the user's, however it is named, identity columns' too. Serves 10 and newer.
select c.oid,
       n.nspname::text,
       c.relname::text,
       pg_catalog.pg_get_userbyid(c.relowner)::text,
       o.refobjid,
       a.attname::text,
       o.deptype = 'i',
       case when pg_catalog.has_sequence_privilege(c.oid, 'USAGE, SELECT')
             and pg_catalog.has_schema_privilege(n.oid, 'USAGE') 
             -- An unlogged one is not on a standby, and 15 and 16 say so by an error.
             and not (c.relpersistence = 'u' and pg_catalog.pg_is_in_recovery()) then pg_catalog.pg_sequence_last_value(c.oid) end,
       pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
         and pg_catalog.has_schema_privilege(n.oid, 'USAGE'),
       x.extname::text,
       c.relpersistence = 'u' and pg_catalog.pg_is_in_recovery()
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  left join pg_catalog.pg_depend as o
    on o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and o.objid = c.oid
   and o.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and o.refobjsubid > 0 and o.deptype in ('a', 'i')
  left join pg_catalog.pg_attribute as a on a.attrelid = o.refobjid and a.attnum = o.refobjsubid
  left join pg_catalog.pg_depend as d
    on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e'
  left join pg_catalog.pg_extension as x on x.oid = d.refobjid and c.oid = any (x.extconfig)
 where c.relkind = 'S'
   and c.relpersistence <> 't'
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
   and (d.objid is null or x.extname is not null)
 order by n.nspname, c.relname
