-- What newer servers do not have any more, with the version that removed it: for rows that would lose something, and for
-- definitions that would be refused. Serves 10 and 11.
select 12, 'the column oid of WITH OIDS', c.oid::pg_catalog.regclass::text
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where c.relhasoids and c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all
select 12, 'type ' || t.typname::text, a.attrelid::pg_catalog.regclass::text || '.' || a.attname::text
  from pg_catalog.pg_attribute as a
  join pg_catalog.pg_type as t on t.oid = a.atttypid
  join pg_catalog.pg_class as c on c.oid = a.attrelid
 where t.typname in ('abstime', 'reltime', 'tinterval', '_abstime', '_reltime', '_tinterval')
   and a.attrelid >= 16384 and not a.attisdropped and c.relkind in ('r', 'p', 'f', 'm')
union all
select 14, 'postfix operators', o.oid::pg_catalog.regoperator::text
  from pg_catalog.pg_operator as o
 where o.oprright = 0 and o.oid >= 16384
union all
select 14, 'aggregates over functions of anyarray', a.aggfnoid::pg_catalog.regprocedure::text
  from pg_catalog.pg_aggregate as a
  join pg_catalog.pg_proc as p on p.oid in (a.aggtransfn, a.aggfinalfn)
 where a.aggfnoid >= 16384 and p.oid < 16384
   and p.proname in ('array_append', 'array_cat', 'array_prepend', 'array_remove', 'array_replace', 'array_position', 'array_positions', 'width_bucket')
 order by 1, 2, 3
