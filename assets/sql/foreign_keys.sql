-- Foreign keys as the user declared them; the copies that partitions bring along are left out. Serves 11 and newer.
select k.conname::text, k.conrelid, k.confrelid, pg_catalog.pg_get_constraintdef(k.oid)
  from pg_catalog.pg_constraint as k
 where k.contype = 'f' and k.conparentid = 0
 order by k.conrelid, k.conname
