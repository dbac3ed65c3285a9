-- Whether the role may set each sequence and look at it. Serves 10 and newer.
select c.oid,
       pg_catalog.has_sequence_privilege(c.oid, 'UPDATE') and pg_catalog.has_sequence_privilege(c.oid, 'SELECT') and pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')
  from pg_catalog.pg_class as c
 where c.relkind = 'S' and c.relpersistence <> 't'
