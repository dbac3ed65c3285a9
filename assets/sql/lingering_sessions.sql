-- Who is connected to this database beside howdah. Serves 10 and newer.
select coalesce(nullif(application_name, ''), 'a program that tells no name'),
       usename::text,
       coalesce(pg_catalog.host(client_addr), 'its own machine'),
       pg_catalog.count(*)
  from pg_catalog.pg_stat_activity
 where datname = pg_catalog.current_database()
   and backend_type = 'client backend'
   and application_name !~ '^(howdah|postgres_fdw$)'
   and pid <> pg_catalog.pg_backend_pid()
 group by 1, 2, 3
 order by 4 desc, 1, 2, 3
 limit 10
