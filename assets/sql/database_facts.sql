-- What the database is and how much is in it; extension members and system objects do not count. PostgreSQL 10 and newer; columns
-- that came later (provider and version from 15 on, rules from 16, datlocale for daticulocale from 17) are asked for by way of JSON.
select d.datname,
       d.oid,
       pg_encoding_to_char(d.encoding),
       d.datcollate,
       d.datctype,
       pg_database_size(d.oid),
       (select count(*)
          from pg_class c
          join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
           and n.nspname <> 'information_schema'
           and n.nspname !~ '^pg_'
           and not exists (select from pg_depend m
                            where m.classid = 'pg_class'::regclass and m.objid = c.oid and m.deptype = 'e')),
       current_setting('search_path'),
       current_setting('TimeZone'),
       current_setting('DateStyle'),
       coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'),
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
       to_jsonb(d) ->> 'daticurules',
       to_jsonb(d) ->> 'datcollversion',
       exists (select from pg_namespace where nspname = 'public')
  from pg_database d
 where d.datname = current_database()
