-- Comments on foreign keys. Serves 10 and newer.
select k.oid, d.description
  from pg_catalog.pg_constraint as k
  join pg_catalog.pg_description as d
    on d.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and d.objoid = k.oid
 where k.contype = 'f'
