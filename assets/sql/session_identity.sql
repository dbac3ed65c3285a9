-- Which process of which server answers. Serves 10 and newer.
select pg_catalog.pg_backend_pid(),
       pg_catalog.concat_ws(' ', 'started ' || pg_catalog.pg_postmaster_start_time()::text,
                            'at ' || pg_catalog.host(pg_catalog.inet_server_addr()),
                            'port ' || pg_catalog.inet_server_port(),
                            case when pg_catalog.pg_is_in_recovery() then 'a standby' end)
