-- Tables, partitioned tables, partitions and foreign tables that are the user's. Serves 10 and newer.
--
-- A check may read other tables through a function (one declared immutable promises not to). It does so for a table's rows
-- when it is the table's own, or that of a domain some column holds, be it in an array, a composite or a range.
with recursive reading_check as (
    select k.conrelid, k.contypid
      from pg_catalog.pg_constraint as k
      join pg_catalog.pg_depend as d
        on d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and d.objid = k.oid
       and d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
      join pg_catalog.pg_proc as p on p.oid = d.refobjid and p.provolatile <> 'i' and p.oid >= 16384
     where k.contype = 'c' and k.convalidated
), reading_type (oid) as (
    select k.contypid from reading_check as k where k.contypid <> 0
    union
    select h.holder
      from reading_type as r
      join (select t.typbasetype as held, t.oid as holder from pg_catalog.pg_type as t where t.typtype = 'd'
            union all select t.typelem, t.oid from pg_catalog.pg_type as t where t.typelem <> 0
            union all select g.rngsubtype, g.rngtypid from pg_catalog.pg_range as g
            union all select a.atttypid, c.reltype from pg_catalog.pg_attribute as a
                        join pg_catalog.pg_class as c on c.oid = a.attrelid and c.reltype <> 0
                       where a.attnum > 0 and not a.attisdropped) as h on h.held = r.oid
)
select c.oid,
       n.nspname::text,
       c.relname::text,
       c.relkind::text,
       c.relpersistence = 'u' as is_unlogged,
       pg_catalog.pg_get_userbyid(c.relowner)::text,
       case when c.reltuples < 0 or c.relpages = 0 and c.reltuples = 0 then null else c.reltuples::bigint end,
       coalesce(pg_catalog.pg_relation_size(c.oid), 0) / pg_catalog.current_setting('block_size')::bigint,
       coalesce(pg_catalog.pg_table_size(c.oid), 0),
       coalesce(pg_catalog.pg_indexes_size(c.oid), 0),
       pg_catalog.obj_description(c.oid, 'pg_class'),
       c.relrowsecurity
         and not (select r.rolbypassrls or r.rolsuper from pg_catalog.pg_roles as r where r.rolname = current_user)
         and (c.relforcerowsecurity or not pg_catalog.pg_has_role(c.relowner, 'USAGE')) as hides_rows,
       pg_catalog.has_table_privilege(c.oid, 'SELECT')
         and pg_catalog.has_schema_privilege(n.oid, 'USAGE') as can_select,
       pg_catalog.has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE') as can_lock,
       x.extname::text,
       x.condition,
       exists (select from reading_check as k where k.conrelid = c.oid)
         or exists (select from pg_catalog.pg_attribute as a join reading_type as r on r.oid = a.atttypid
                     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as has_reading_check,
       case when c.relkind = 'p' then pg_catalog.pg_get_partkeydef(c.oid) end,
       pg_catalog.pg_get_expr(c.relpartbound, c.oid),
       exists (select from pg_catalog.pg_rewrite as w where w.ev_class = c.oid and w.ev_type = '3') as has_insert_rule,
       c.relpersistence = 'u' and pg_catalog.pg_is_in_recovery() as is_out_of_reach,
       coalesce((select m.amname = 'heap' from pg_catalog.pg_am as m where m.oid = c.relam), true) as is_heap,
       -- Classes whose hash has OIDs in it, or may have: the label of an enum, the type of an array's elements.
       exists (select from pg_catalog.pg_partitioned_table as h
                 join pg_catalog.pg_opclass as o on o.oid = any (h.partclass)
                where h.partrelid = c.oid and h.partstrat = 'h' and o.opcnamespace = 'pg_catalog'::pg_catalog.regnamespace
                  and o.opcname in ('enum_ops', 'oid_ops', 'array_ops', 'range_ops', 'multirange_ops', 'record_ops')) as hashes_oids
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  left join pg_catalog.pg_depend as d
    on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.objsubid = 0 and d.deptype = 'e'
  left join lateral (
        select e.extname, e.extcondition[pg_catalog.array_position(e.extconfig, c.oid)] as condition
          from pg_catalog.pg_extension as e
         where e.oid = d.refobjid and c.oid = any (e.extconfig)) as x on true
 where c.relkind in ('r', 'p', 'f')
   and c.relpersistence <> 't'
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
   and (d.objid is null or x.extname is not null)
 order by n.nspname, c.relname
