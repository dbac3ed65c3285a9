-- What the server and the role are. PostgreSQL 10 and newer.
select current_setting('server_version_num'),
       split_part(current_setting('server_version'), ' ', 1),
       current_user,
       (select rolsuper from pg_roles where rolname = current_user),
       pg_is_in_recovery(),
       has_function_privilege(to_regprocedure('pg_control_system()')::oid, 'execute')
