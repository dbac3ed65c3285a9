-- Every role of the server, and whether the connecting role may give objects to it and change them then. Serves 10 to 15.
select r.rolname::text,
       pg_catalog.pg_has_role(r.oid, 'MEMBER') and pg_catalog.pg_has_role(r.oid, 'USAGE')
  from pg_catalog.pg_roles as r
