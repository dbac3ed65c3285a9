-- How many large objects there are, and about how many bytes (2 KiB a page). Serves 10 and newer.
select (select pg_catalog.count(*) from pg_catalog.pg_largeobject_metadata),
       (select c.reltuples::bigint * 2048 from pg_catalog.pg_class as c where c.oid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass)
