-- Every role of the server, and whether the connecting role may give objects to it and change them then. Serves 16 and newer.
select r.rolname::text,
       pg_catalog.pg_has_role(r.oid, 'SET') and pg_catalog.pg_has_role(r.oid, 'USAGE')
  from pg_catalog.pg_roles as r
