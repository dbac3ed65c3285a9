-- Who may do what with the database, in the order in which it was granted. Serves 10 and newer.
select pg_catalog.pg_get_userbyid(x.grantor)::text,
       case when x.grantee <> 0 then pg_catalog.pg_get_userbyid(x.grantee)::text end,
       x.privilege,
       x.is_grantable
  from pg_catalog.pg_database as d,
       pg_catalog.aclexplode(d.datacl) with ordinality as x (grantor, grantee, privilege, is_grantable, position)
 where d.datname = pg_catalog.current_database()
 order by x.position
