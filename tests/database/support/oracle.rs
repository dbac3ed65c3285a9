//! Is one database equal to another? Facts are read from both sides by queries of its own and compared as text.

use std::collections::BTreeMap;

use howdah::model::connection::Endpoint;
use tokio_postgres::Client;

use super::role::{PROVIDED, is_owner, superuser};
use super::{connect, rows};

/// What changes how values are printed, pinned; one snapshot for all facts of a side.
const SETTINGS: &str = "
set search_path = ''; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set timezone = 'UTC';
set extra_float_digits = 3; set bytea_output = 'hex'; set lc_monetary = 'C'; set row_security = off;
set statement_timeout = 0; set client_min_messages = error;
begin isolation level repeatable read read only";

/// Facts of the catalogs, each query giving a name and what is true of it. `{user}` stands for the condition on namespace
/// `n` that leaves out the system's schemas.
const DEFINITIONS: [(&str, &str); 21] = [
    (
        "schema",
        "select nspname, concat_ws(' ', nspowner::regrole, (select string_agg(a::text, ',' order by a::text) from unnest(nspacl) a))
         from pg_namespace n where {user}",
    ),
    ("extension", "select extname, extversion from pg_extension"),
    ("foreign data wrapper", "select fdwname, (select string_agg(o, ',' order by o) from unnest(fdwoptions) o) from pg_foreign_data_wrapper"),
    ("foreign server", "select srvname, (select string_agg(o, ',' order by o) from unnest(srvoptions) o) from pg_foreign_server"),
    ("user mapping", "select srvname || ' for ' || usename, '' from pg_user_mappings"),
    (
        "relation",
        "select format('%I.%I', n.nspname, c.relname), concat_ws(' ', c.relkind, c.relpersistence, c.relowner::regrole, c.relrowsecurity,
           c.relforcerowsecurity, c.relreplident, array_to_string(c.reloptions, ','),
           pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid), am.amname, ts.spcname,
           (select string_agg(i.inhparent::regclass::text, ',' order by i.inhseqno) from pg_inherits i where i.inhrelid = c.oid),
           (select string_agg(a::text, ',' order by a::text) from unnest(coalesce(c.relacl,
             acldefault(case c.relkind when 'S' then 's' else 'r' end::pg_catalog.\"char\", c.relowner))) a))
         from pg_class c join pg_namespace n on n.oid = c.relnamespace left join pg_am am on am.oid = c.relam
         left join pg_tablespace ts on ts.oid = c.reltablespace where {user} and c.relkind not in ('i', 'I')",
    ),
    (
        "column",
        "select format('%I.%I', n.nspname, c.relname) || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull,
           a.attidentity, to_jsonb(a) ->> 'attgenerated', a.attstorage, a.attislocal, a.attinhcount, a.attstattarget,
           (select l.collname from pg_collation l where l.oid = a.attcollation), to_jsonb(a) ->> 'attcompression', array_to_string(a.attoptions, ','),
           (select string_agg(x::text, ',' order by x::text) from unnest(a.attacl) x), pg_get_expr(d.adbin, d.adrelid),
           (select count(*) from pg_attribute b where b.attrelid = a.attrelid and b.attnum between 1 and a.attnum and not b.attisdropped))
         from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
         left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
         where {user} and a.attnum > 0 and not a.attisdropped and c.relkind not in ('i', 'I', 'S', 't')",
    ),
    (
        "constraint",
        "select concat_ws('.', nullif(c.conrelid, 0)::regclass, nullif(c.contypid, 0)::regtype, c.conname),
           concat_ws(' ', pg_get_constraintdef(c.oid), c.convalidated, c.conislocal)
         from pg_constraint c join pg_namespace n on n.oid = c.connamespace where {user}",
    ),
    (
        "index",
        "select format('%I.%I', n.nspname, c.relname), concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisprimary, i.indisunique,
           i.indisclustered, i.indisreplident, array_to_string(c.reloptions, ','),
           (select h.inhparent::regclass::text from pg_inherits h where h.inhrelid = c.oid))
         from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace where {user}",
    ),
    (
        "trigger",
        "select format('%I.%I', n.nspname, c.relname) || '.' || t.tgname, concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled)
         from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
         where {user} and not t.tgisinternal
         union all select evtname, concat_ws(' ', evtevent, evtenabled, evtfoid::regprocedure, array_to_string(evttags, ','))
         from pg_event_trigger",
    ),
    (
        "rule",
        "select format('%I.%I', n.nspname, c.relname) || '.' || r.rulename, concat_ws(' ', pg_get_ruledef(r.oid), r.ev_enabled)
         from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace where {user}",
    ),
    (
        "policy",
        "select schemaname || '.' || tablename || '.' || policyname, to_jsonb(p)::text from pg_policies p",
    ),
    (
        "function",
        "select p.oid::regprocedure::text, concat_ws(' ', p.proowner::regrole,
           case when coalesce(to_jsonb(p) ->> 'prokind', case when to_jsonb(p) ->> 'proisagg' = 'true' then 'a' end) = 'a'
             then (select concat_ws(' ', aggtransfn, aggtranstype::regtype, agginitval) from pg_aggregate where aggfnoid = p.oid)
             else pg_get_functiondef(p.oid) end,
           (select string_agg(a::text, ',' order by a::text) from unnest(p.proacl) a))
         from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where {user} and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')",
    ),
    (
        "type",
        "select format('%I.%I', n.nspname, t.typname), concat_ws(' ', t.typtype, t.typowner::regrole, t.typnotnull, t.typdefault,
           format_type(nullif(t.typbasetype, 0), t.typtypmod),
           (select string_agg(enumlabel, ',' order by enumsortorder) from pg_enum where enumtypid = t.oid),
           (select rngsubtype::regtype::text from pg_range where rngtypid = t.oid))
         from pg_type t join pg_namespace n on n.oid = t.typnamespace where {user} and t.typelem = 0",
    ),
    (
        "sequence definition",
        "select format('%I.%I', n.nspname, c.relname), concat_ws(' ', format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmax, s.seqmin,
           s.seqcache, s.seqcycle, (select concat_ws(' ', d.refobjid::regclass, a.attname, d.deptype) from pg_depend d
           join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i') and d.refobjsubid > 0))
         from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace where {user}",
    ),
    (
        "view",
        "select format('%I.%I', n.nspname, c.relname), pg_get_viewdef(c.oid) from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where {user} and c.relkind in ('v', 'm')",
    ),
    (
        "statistics object",
        "select format('%I.%I', n.nspname, s.stxname), pg_get_statisticsobjdef(s.oid) from pg_statistic_ext s
         join pg_namespace n on n.oid = s.stxnamespace where {user}",
    ),
    (
        "comment",
        "select type || ' ' || identity, description from pg_description d,
           lateral pg_identify_object(d.classoid, d.objoid, d.objsubid) i where d.objoid >= 16384",
    ),
    (
        "object",
        "select type || ' ' || identity, '' from (select 'pg_operator'::regclass::oid, oid from pg_operator
           union all select 'pg_opclass'::regclass, oid from pg_opclass union all select 'pg_opfamily'::regclass, oid from pg_opfamily
           union all select 'pg_amop'::regclass, oid from pg_amop union all select 'pg_amproc'::regclass, oid from pg_amproc
           union all select 'pg_cast'::regclass, oid from pg_cast union all select 'pg_collation'::regclass, oid from pg_collation
           union all select 'pg_conversion'::regclass, oid from pg_conversion union all select 'pg_am'::regclass, oid from pg_am
           union all select 'pg_language'::regclass, oid from pg_language union all select 'pg_transform'::regclass, oid from pg_transform
           union all select 'pg_ts_parser'::regclass, oid from pg_ts_parser union all select 'pg_ts_dict'::regclass, oid from pg_ts_dict
           union all select 'pg_ts_template'::regclass, oid from pg_ts_template
           union all select 'pg_ts_config'::regclass, oid from pg_ts_config) o (class, oid), lateral pg_identify_object(class, oid, 0) i
         where oid >= 16384",
    ),
    (
        "default privileges",
        "select concat_ws(' ', defaclrole::regrole, nullif(defaclnamespace, 0)::regnamespace, defaclobjtype),
           (select string_agg(a::text, ',' order by a::text) from unnest(defaclacl) a) from pg_default_acl",
    ),
    (
        "publication",
        "select pubname, (to_jsonb(p) - 'oid' || jsonb_build_object('pubowner', pubowner::regrole))::text from pg_publication p",
    ),
];

/// What no dump of the definitions holds.
const CONTENTS: [(&str, &str); 2] = [
    (
        "database",
        "select 'locale', concat_ws(' ', pg_encoding_to_char(encoding), datcollate, datctype) from pg_database
         where datname = current_database()
         union all select 'itself', concat_ws(' ', datdba::regrole, datconnlimit, datistemplate, shobj_description(oid, 'pg_database'),
           (select string_agg(a::text, ',' order by a::text) from unnest(datacl) a)) from pg_database where datname = current_database()
         union all select 'settings of role ' || setrole::regrole::text, array_to_string(setconfig, ';') from pg_db_role_setting s
         join pg_database d on d.oid = s.setdatabase where d.datname = current_database()",
    ),
    (
        "large object",
        "select oid::text, concat_ws(' ', md5(lo_get(oid)), lomowner::regrole, (select string_agg(a::text, ',' order by a::text)
           from unnest(lomacl) a), obj_description(oid, 'pg_largeobject')) from pg_largeobject_metadata",
    ),
];

const USER_SCHEMAS: &str = r"n.nspname !~ '^pg_' and n.nspname <> 'information_schema'";

/// The relations that hold rows, each with its columns in name order. A value is taken in a form that every version writes alike:
/// floats (before 12 with other digits) as they are sent, a "char" (whose upper half is no text before 15) as its number.
const ROW_HOLDERS: &str = r#"
select format('%I.%I', n.nspname, c.relname), coalesce(string_agg(case a.atttypid
         when 'float4'::regtype then format('float4send(%I)', a.attname)
         when 'float8'::regtype then format('float8send(%I)', a.attname)
         when 'float8[]'::regtype then format('array_send(%I)', a.attname)
         when 'point'::regtype then format('point_send(%I)', a.attname)
         when '"char"'::regtype then format('%I::int', a.attname)
         else quote_ident(a.attname) end, ', ' order by a.attname), ''), c.relispopulated
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where {user} and c.relkind in ('r', 'm')
group by c.oid, n.nspname, c.relname, c.relispopulated"#;

const SEQUENCES: &str = r"
select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where {user} and c.relkind = 'S'";

/// One line per difference, empty when the databases are equal. What the destination alone has is one, too.
pub(crate) async fn differences(source: &Endpoint, destination: &Endpoint) -> Vec<String> {
    differences_by(source, source, destination).await
}

/// The same, where the definitions must be those of a third database: servers of two versions write one object in two ways, so
/// what the source's dump makes of an empty database of the destination's version is what the destination must have.
pub(crate) async fn differences_by(
    reference: &Endpoint,
    source: &Endpoint,
    destination: &Endpoint,
) -> Vec<String> {
    let (reference, source, destination) = (
        superuser(reference),
        superuser(source),
        superuser(destination),
    );
    let (definitions, contents, destination) =
        tokio::join!(definitions(&reference), contents(&source), async {
            let mut facts = definitions(&destination).await;
            facts.extend(contents(&destination).await);
            facts
        });
    let mut source = definitions;
    source.extend(contents);
    let mut lines = Vec::new();
    for (name, value) in &source {
        match destination.get(name) {
            None => lines.push(format!("{name}: only in the source")),
            Some(other) if other != value => lines.push(format!(
                "{name}: source has <{value}>, destination has <{other}>"
            )),
            Some(_) => {}
        }
    }
    for name in destination
        .keys()
        .filter(|name| !source.contains_key(*name))
    {
        lines.push(format!("{name}: only in the destination"));
    }
    lines.retain(|line| !(is_owner() && PROVIDED.contains(&line.as_str())));
    lines
}

type Facts = BTreeMap<String, String>;

async fn session(endpoint: &Endpoint) -> Client {
    let client = connect(endpoint).await;
    client.batch_execute(SETTINGS).await.unwrap();
    client
}

async fn listed(client: &Client, questions: &[(&str, &str)]) -> Facts {
    let mut facts = Facts::new();
    for (category, sql) in questions {
        for row in query(client, sql).await {
            let [name, value] = row.as_slice() else {
                panic!("the facts of {category} need two columns");
            };
            let old = facts.insert(format!("{category} {name}"), value.clone());
            assert!(old.is_none(), "{category} {name} was found twice");
        }
    }
    facts
}

async fn definitions(endpoint: &Endpoint) -> Facts {
    listed(&session(endpoint).await, &DEFINITIONS).await
}

async fn contents(endpoint: &Endpoint) -> Facts {
    let client = session(endpoint).await;
    let mut facts = listed(&client, &CONTENTS).await;
    for row in query(&client, ROW_HOLDERS).await {
        let [name, columns, populated] = row.as_slice() else {
            panic!("three columns expected");
        };
        if populated == "t" {
            facts.insert(
                format!("rows {name}"),
                content(&client, name, columns).await,
            );
        }
    }
    for row in query(&client, SEQUENCES).await {
        let sql = format!("select last_value, is_called from {}", row[0]);
        let state = query(&client, &sql).await.concat().join(" ");
        facts.insert(format!("sequence {}", row[0]), state);
    }
    facts
}

/// Row count and the sum of a hash of each row: a sum, since an xor would not see two equal rows come or go.
async fn content(client: &Client, table: &str, columns: &str) -> String {
    let sql = format!(
        "select count(*), coalesce(sum(('x' || substr(md5(row({columns})::text), 1, 16))::bit(64)::bigint::numeric), 0)
         from only {table}"
    );
    query(client, &sql).await.concat().join(" ")
}

async fn query(client: &Client, sql: &str) -> Vec<Vec<String>> {
    rows(client, &sql.replace("{user}", USER_SCHEMAS))
        .await
        .into_iter()
        .map(|row| row.into_iter().map(Option::unwrap_or_default).collect())
        .collect()
}
