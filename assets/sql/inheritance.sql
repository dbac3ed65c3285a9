-- Parents of partitions and of inheriting tables. Serves 10 and newer.
select i.inhrelid, i.inhparent, c.relispartition
  from pg_catalog.pg_inherits as i
  join pg_catalog.pg_class as c on c.oid = i.inhrelid
 where c.relkind in ('r', 'p', 'f')
 order by i.inhrelid, i.inhseqno
