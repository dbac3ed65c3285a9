-- What the database is and how much is in it; extension members and system objects do not count. PostgreSQL 10 and newer.
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
       current_setting('DateStyle')
  from pg_database d
 where d.datname = current_database()
