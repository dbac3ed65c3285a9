-- What the sessions of a run wait for. Serves 10 and 11.
select a.pid,
       coalesce(a.wait_event_type, ''),
       coalesce(a.wait_event, ''),
       case when a.wait_event_type = 'Lock' then
         array(select pg_catalog.concat_ws(' ', nullif(b.application_name, ''), 'as', b.usename, 'in process', b.pid)
                 from pg_catalog.pg_stat_activity as b
                where b.pid = any (pg_catalog.pg_blocking_pids(a.pid))
                limit 3)
       else '{}'::text[] end,
       '',
       0::bigint,
       0::bigint
  from pg_catalog.pg_stat_activity as a
 where a.pid = any ($1)
