-- Every role of the server: what a new one of that name would be like, and whether this database has a use for it. Serves 10 and newer.
select r.rolname::text,
       r.rolinherit,
       r.rolcanlogin,
       exists (select from pg_catalog.pg_shdepend as s
                where s.dbid = d.oid and s.refobjid = r.oid
                  and s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass)
         or d.datdba = r.oid
         or exists (select from pg_catalog.pg_db_role_setting as s where s.setdatabase = d.oid and s.setrole = r.oid),
       exists (select from pg_catalog.pg_largeobject_metadata as l where l.lomowner = r.oid)
  from pg_catalog.pg_roles as r
 cross join pg_catalog.pg_database as d
 where d.datname = pg_catalog.current_database()
 order by r.rolname
