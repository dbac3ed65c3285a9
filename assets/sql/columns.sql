-- Live columns with what decides how their values may travel. Domains are looked through. Serves 12 and newer.
with recursive base (oid, base_oid) as (
    select t.oid, t.oid from pg_catalog.pg_type as t where t.typtype <> 'd'
    union all
    select t.oid, b.base_oid from pg_catalog.pg_type as t join base as b on b.oid = t.typbasetype where t.typtype = 'd'
), floating (oid) as (
    select t.oid from pg_catalog.pg_type as t
     where t.oid < 16384 and t.typname in ('float4', 'float8', 'point', 'lseg', 'box', 'path', 'polygon', 'line', 'circle')
    union
    select h.holder
      from floating as f
      join (select t.typbasetype as held, t.oid as holder from pg_catalog.pg_type as t where t.typtype = 'd'
            union all select t.typelem, t.oid from pg_catalog.pg_type as t where t.typelem <> 0
            union all select g.rngsubtype, g.rngtypid from pg_catalog.pg_range as g
            union all select b.atttypid, c.reltype from pg_catalog.pg_attribute as b
                        join pg_catalog.pg_class as c on c.oid = b.attrelid and c.reltype <> 0
                       where b.attnum > 0 and not b.attisdropped) as h on h.held = f.oid
)
select a.attrelid,
       a.attname::text,
       pg_catalog.format_type(a.atttypid, a.atttypmod),
       case when t.typtype = 'e' then 'enum'
            when t.typtype = 'b' and t.typname ~ '^_?reg' and t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace then 'oid'
            when t.oid < 16384 and t.typsend <> 0 and t.typreceive <> 0 and t.typtype in ('b', 'r', 'm')
             -- An empty tsquery is sent in binary form but refused when it arrives ("malformed tsquery").
             and t.typname not in ('_aclitem', 'aclitem', '_record', 'tsquery', '_tsquery') then 'built-in'
            else 'other' end,
       a.attnotnull,
       a.attidentity <> '',
       a.attgenerated <> '',
       pg_catalog.pg_get_expr(ad.adbin, ad.adrelid),
       -- The form for checksums; null is the text. Two values are one for the hash only where they are written alike: not numeric
       -- (1.0 and 1.00), interval, jsonb, char(n), arrays (their bounds) …
       case when t.oid < 16384 and t.typname = 'char' then 'byte'
            when t.oid < 16384 and t.typtype = 'b'
             and t.typname in ('bool', 'bytea', 'name', 'int2', 'int4', 'int8', 'oid', 'text', 'varchar', 'date', 'time', 'timetz',
                               'timestamp', 'timestamptz', 'uuid', 'inet', 'cidr', 'macaddr', 'macaddr8')
             and coalesce((select l.collisdeterministic from pg_catalog.pg_collation as l where l.oid = a.attcollation), true) then 'value'
            when t.oid not in (select f.oid from floating as f) then null
            when t.oid < 16384 then (select p.proname::text from pg_catalog.pg_proc as p where p.oid = t.typsend)
            else 'nested' end
  from pg_catalog.pg_attribute as a
  join pg_catalog.pg_class as c on c.oid = a.attrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join base as b on b.oid = a.atttypid
  join pg_catalog.pg_type as t on t.oid = b.base_oid
  left join pg_catalog.pg_attrdef as ad on ad.adrelid = a.attrelid and ad.adnum = a.attnum
 where a.attnum > 0 and not a.attisdropped
   and c.relkind in ('r', 'p', 'f')
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
 order by a.attrelid, a.attnum
