-- What newer servers do not have any more, with the version that removed it: definitions that would be refused. Serves 12 and 13.
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
