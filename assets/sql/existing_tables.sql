-- What the role may do with each table, and what stands in the way of rows that arrive. Serves 10 and newer.
select c.oid,
       pg_catalog.pg_has_role(c.relowner, 'USAGE') as is_owned,
       pg_catalog.has_table_privilege(c.oid, 'INSERT') and pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE') as can_insert,
       pg_catalog.has_table_privilege(c.oid, 'TRUNCATE') as can_truncate,
       pg_catalog.has_table_privilege(c.oid, 'DELETE') as can_delete,
       pg_catalog.has_table_privilege(c.oid, 'REFERENCES') as can_reference,
       exists (select from pg_catalog.pg_constraint as k
                where k.conrelid = c.oid and k.contype in ('p', 'u', 'x') and k.condeferrable) as has_deferrable_key
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'f')
   and c.relpersistence <> 't'
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
