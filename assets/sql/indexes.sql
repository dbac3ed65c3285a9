-- Indexes of the user's tables. Serves 10 and newer.
select i.indrelid,
       ic.relname::text,
       pg_catalog.pg_get_indexdef(i.indexrelid),
       i.indisprimary,
       i.indisunique,
       i.indisvalid,
       pg_catalog.pg_relation_size(i.indexrelid)
  from pg_catalog.pg_index as i
  join pg_catalog.pg_class as ic on ic.oid = i.indexrelid
  join pg_catalog.pg_class as c on c.oid = i.indrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p')
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
 order by i.indrelid, ic.relname
