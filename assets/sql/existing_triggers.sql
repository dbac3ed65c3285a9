-- Triggers of the user that an INSERT, a COPY, a DELETE or a TRUNCATE fires. Those of constraints are left out; the copies that
-- partitions have of their root's triggers are not (before 15 such copies are called internal, before 13 they name no root).
-- Serves 10 and newer.
select t.tgrelid, t.tgname::text, t.tgenabled::text, t.tgtype & 4 <> 0 as on_insert, t.tgtype & 8 <> 0 as on_delete,
       t.tgtype & 32 <> 0 as on_truncate, t.tgisinternal,
       coalesce((pg_catalog.to_jsonb(t) ->> 'tgparentid')::pg_catalog.oid <> 0, t.tgisinternal) as is_copy
  from pg_catalog.pg_trigger as t
  join pg_catalog.pg_class as c on c.oid = t.tgrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where (not t.tgisinternal or t.tgconstraint = 0)
   and t.tgtype & 44 <> 0
   and c.relkind in ('r', 'p', 'f')
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
 order by t.tgrelid, t.tgname
