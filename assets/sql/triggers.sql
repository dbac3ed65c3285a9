-- The user's triggers; those of constraints, and the copies that partitions have, come and go with what they belong to. Serves 10 and newer.
select t.tgrelid, t.tgname::text, t.tgenabled::text
  from pg_catalog.pg_trigger as t
 where not t.tgisinternal
 order by t.tgrelid, t.tgname
