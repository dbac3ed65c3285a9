-- What is known of the values in the user's tables. Serves 10 to 17, which have no virtual columns.
--
-- 'complete': every column that has statistics at all has them, over the children's rows too where there are any, and so has
-- every expression that an index is over. 'extended': the table has statistics objects, which must be gathered.
with known as (
    select s.schemaname, s.tablename, s.attname, s.inherited from pg_catalog.pg_stats as s
), relation as (
    select c.oid, c.relkind, c.relhassubclass, n.nspname, c.relname
      from pg_catalog.pg_class as c
      join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and c.relpersistence <> 't'
       and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
), lacking as (
    select r.oid,
           pg_catalog.bool_or(own.attname is null) as own,
           pg_catalog.bool_or(of_all.attname is null) as of_all
      from relation as r
      join pg_catalog.pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
       and coalesce(a.attstattarget, -1) <> 0
      left join known as own
        on own.schemaname = r.nspname and own.tablename = r.relname and own.attname = a.attname and not own.inherited
      left join known as of_all
        on of_all.schemaname = r.nspname and of_all.tablename = r.relname and of_all.attname = a.attname and of_all.inherited
     group by r.oid
), unknown_expression as (
    select x.indrelid
      from pg_catalog.pg_index as x
      join relation as r on r.oid = x.indrelid
      join pg_catalog.pg_class as i on i.oid = x.indexrelid and i.relkind = 'i'
      left join known as k on k.schemaname = r.nspname and k.tablename = i.relname
     where x.indexprs is not null and k.attname is null
)
select r.oid,
       case when exists (select from pg_catalog.pg_statistic_ext as e where e.stxrelid = r.oid) then 'extended'
            when (r.relkind = 'p' or not l.own) and (not r.relhassubclass or not l.of_all)
             and not exists (select from unknown_expression as u where u.indrelid = r.oid) then 'complete' end
  from relation as r
  join lacking as l on l.oid = r.oid
