-- What the sessions of a run wait for, and how far an index build is. Serves 12 and newer.
select a.pid,
       coalesce(a.wait_event_type, ''),
       coalesce(a.wait_event, ''),
       case when a.wait_event_type = 'Lock' then
         array(select pg_catalog.concat_ws(' ', nullif(b.application_name, ''), 'as', b.usename, 'in process', b.pid)
                 from pg_catalog.pg_stat_activity as b
                where b.pid = any (pg_catalog.pg_blocking_pids(a.pid))
                limit 3)
       else '{}'::text[] end,
       coalesce(p.phase, ''),
       coalesce(nullif(p.tuples_done, 0), p.blocks_done, 0),
       case when p.tuples_done > 0 then p.tuples_total else coalesce(p.blocks_total, 0) end
  from pg_catalog.pg_stat_activity as a
  left join pg_catalog.pg_stat_progress_create_index as p on p.pid = a.pid
 where a.pid = any ($1)
