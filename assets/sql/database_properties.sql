-- What is said of the database itself besides its settings. Serves 10 and newer.
select pg_catalog.pg_get_userbyid(d.datdba)::text,
       pg_catalog.shobj_description(d.oid, 'pg_database'),
       nullif(d.datconnlimit, -1),
       d.datistemplate,
       d.datacl is not null
  from pg_catalog.pg_database as d
 where d.datname = pg_catalog.current_database()
