-- What the server and the role are. PostgreSQL 10 and newer.
select current_setting('server_version_num'),
       split_part(current_setting('server_version'), ' ', 1),
       current_user,
       (select rolsuper from pg_roles where rolname = current_user),
       pg_is_in_recovery(),
       has_function_privilege(to_regprocedure('pg_control_system()')::oid, 'execute'),
       (select setting::bigint * 8 from pg_settings where name = 'shared_buffers'),
       (select setting from pg_settings where name = 'maintenance_work_mem'),
       exists (select from pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals))
