-- Foreign keys as the user declared them; the copies that partitions bring along are left out. Serves 10, where partitions have none.
select k.conname::text, k.conrelid, k.confrelid, pg_catalog.pg_get_constraintdef(k.oid), k.oid,
       array(select a.attname::text
               from pg_catalog.unnest(k.conkey) with ordinality as u (attnum, place)
               join pg_catalog.pg_attribute as a on a.attrelid = k.conrelid and a.attnum = u.attnum
              order by u.place),
       array(select a.attname::text
               from pg_catalog.unnest(k.confkey) with ordinality as u (attnum, place)
               join pg_catalog.pg_attribute as a on a.attrelid = k.confrelid and a.attnum = u.attnum
              order by u.place),
       array(select n.nspname::text
               from pg_catalog.unnest(k.conpfeqop) with ordinality as u (oid, place)
               join pg_catalog.pg_operator as o on o.oid = u.oid
               join pg_catalog.pg_namespace as n on n.oid = o.oprnamespace
              order by u.place),
       array(select o.oprname::text
               from pg_catalog.unnest(k.conpfeqop) with ordinality as u (oid, place)
               join pg_catalog.pg_operator as o on o.oid = u.oid
              order by u.place),
       k.confmatchtype = 'f'
  from pg_catalog.pg_constraint as k
 where k.contype = 'f'
 order by k.conrelid, k.conname
