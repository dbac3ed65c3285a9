-- Settings of the database, and of roles in it, one a row. Serves 10 and newer.
select case when s.setrole <> 0 then pg_catalog.pg_get_userbyid(s.setrole)::text end,
       pg_catalog.split_part(x.setting, '=', 1),
       pg_catalog.substr(x.setting, pg_catalog.strpos(x.setting, '=') + 1)
  from pg_catalog.pg_db_role_setting as s
  join pg_catalog.pg_database as d on d.oid = s.setdatabase,
       pg_catalog.unnest(s.setconfig) with ordinality as x (setting, position)
 where d.datname = pg_catalog.current_database()
 order by s.setrole <> 0, pg_catalog.pg_get_userbyid(s.setrole), x.position
