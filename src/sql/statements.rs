//! The statements of every step, one small function each.

use crate::model::catalog::Table;
use crate::model::connection::{Endpoint, TlsMode};
use crate::model::feature::Feature;
use crate::model::name::ObjectName;
use crate::model::plan::PASSWORD_MARKER;

use super::quote::{ident, ident_list, literal, qualified};

/// Asked once by each session, so that what it waits for can be told, and so that it can be ended when its connection is lost.
pub const WHICH_BACKEND: &str = "SELECT pid, backend_start::text FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()";
/// Ends a session whose client has lost it; `$1` and `$2` are what it said of itself. No row: it is gone.
pub const END_BACKEND: &str = "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND backend_start::text = $2";
/// Whether a session still is one.
pub const ALIVE: &str = "SELECT 1";
pub const BEGIN: &str = "BEGIN";
pub const COMMIT: &str = "COMMIT";
pub const ROLLBACK: &str = "ROLLBACK";
pub const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
/// A transaction of [`BEGIN_SNAPSHOT`] sees what was committed before its first query, which a LOCK is not.
pub const TAKE_SNAPSHOT: &str = "SELECT 1";
pub const EXPORT_SNAPSHOT: &str = "SELECT pg_catalog.pg_export_snapshot()";
pub const SAVEPOINT: &str = "SAVEPOINT howdah_table";
pub const RELEASE_SAVEPOINT: &str = "RELEASE SAVEPOINT howdah_table";
pub const ROLLBACK_TO_SAVEPOINT: &str = "ROLLBACK TO SAVEPOINT howdah_table";

/// Joins a session to the exported snapshot.
pub fn import_snapshot(id: &str) -> String {
    format!("SET TRANSACTION SNAPSHOT {}", literal(id))
}

/// Locks in one statement; `mode` is `ACCESS SHARE` or `SHARE`.
pub fn lock_tables<'a>(
    tables: impl IntoIterator<Item = &'a ObjectName>,
    mode: &str,
) -> Option<String> {
    let list: Vec<String> = tables
        .into_iter()
        .map(|name| format!("ONLY {}", qualified(name)))
        .collect();
    (!list.is_empty()).then(|| format!("LOCK TABLE {} IN {mode} MODE", list.join(", ")))
}

/// How long the barrier may wait behind a writer before it lets go and tries again.
/// However many tables one statement locks, one after another.
pub fn local_statement_timeout(seconds: u32) -> String {
    format!("SET LOCAL statement_timeout = '{seconds}s'")
}

fn column_list(columns: &[&str]) -> String {
    let names = ident_list(columns.iter().copied());
    // Without columns the list is left out: COPY and INSERT do not take an empty one.
    if names.is_empty() {
        names
    } else {
        format!(" ({names})")
    }
}

/// The form of what a COPY sends or takes.
#[derive(Clone, Copy, Debug)]
pub enum CopyFormat<'a> {
    Binary,
    /// In the session's encoding.
    Text,
    /// In this one.
    TextIn(&'a str),
}

impl CopyFormat<'_> {
    fn options(self) -> String {
        match self {
            Self::Binary => "FORMAT binary".to_owned(),
            Self::Text => "FORMAT text".to_owned(),
            Self::TextIn(encoding) => format!("FORMAT text, ENCODING {}", literal(encoding)),
        }
    }
}

/// What stands behind the table's name where only a part of its rows is meant: an extension's own condition, or the user's. Line
/// ends keep a comment in it from swallowing the parenthesis.
pub(super) fn condition(table: &Table, filter: Option<&str>) -> Option<String> {
    match (filter, &table.extension_config) {
        (Some(filter), _) => Some(format!("WHERE (\n{filter}\n)")),
        (None, Some(config)) if !config.condition.trim().is_empty() => {
            Some(config.condition.clone())
        }
        _ => None,
    }
}

/// COPY of a plain table or a partition reads that relation alone, never its children (manual, COPY).
///
/// As a query where only some rows are meant, or where a column is computed there: COPY of a table does not give those.
pub fn copy_out(
    table: &Table,
    columns: &[&str],
    format: CopyFormat<'_>,
    filter: Option<&str>,
) -> String {
    let is_computed = |name: &&str| {
        let mut generated = table.columns.iter().filter(|c| c.is_generated);
        generated.any(|column| column.name == **name)
    };
    let condition = condition(table, filter);
    let format = format.options();
    let name = qualified(&table.name);
    if condition.is_none() && !columns.iter().any(is_computed) {
        return format!("COPY {name}{} TO STDOUT ({format})", column_list(columns));
    }
    let condition = condition.map_or_else(String::new, |text| format!(" {text}"));
    format!(
        "COPY (SELECT {} FROM ONLY {name}{condition}) TO STDOUT ({format})",
        ident_list(columns.iter().copied()),
    )
}

/// Asks the server whether it understands the condition; prepared, never run.
pub fn try_filter(table: &ObjectName, filter: &str) -> String {
    format!("SELECT FROM ONLY {} WHERE (\n{filter}\n)", qualified(table))
}

/// `freeze` is legal only in the transaction that created or truncated the table (manual, COPY FREEZE).
pub fn copy_in(
    name: &ObjectName,
    columns: &[&str],
    format: CopyFormat<'_>,
    freeze: bool,
) -> String {
    let columns = column_list(columns);
    let freeze = if freeze { ", FREEZE" } else { "" };
    format!(
        "COPY {}{columns} FROM STDIN ({}{freeze})",
        qualified(name),
        format.options()
    )
}

pub fn truncate_only(name: &ObjectName) -> String {
    format!("TRUNCATE ONLY {}", qualified(name))
}

/// One like that.
pub fn empties(sql: &str) -> bool {
    sql.starts_with("TRUNCATE ")
}

/// Removes an object that is in the way. `kind` and `identity` are the server's own (`pg_identify_object`).
pub fn drop_existing(kind: &str, identity: &str) -> String {
    let kind = match kind {
        "statistics object" => "STATISTICS".to_owned(),
        _ => kind.to_uppercase().replace('-', " "),
    };
    format!("DROP {kind} IF EXISTS {identity} CASCADE")
}

pub fn read_sequence(name: &ObjectName) -> String {
    format!("SELECT last_value, is_called FROM {}", qualified(name))
}

/// `$1` is last_value, `$2` is is_called, both as read on the source.
pub fn set_sequence(name: &ObjectName) -> String {
    format!(
        "SELECT pg_catalog.setval({}::pg_catalog.regclass, $1, $2)",
        literal(&qualified(name))
    )
}

/// Bytes of the heap, uncommitted rows included: how far an `INSERT … SELECT` has come.
pub fn relation_size(name: &ObjectName) -> String {
    format!(
        "SELECT pg_catalog.pg_relation_size({}::pg_catalog.regclass)",
        literal(&qualified(name))
    )
}

pub fn refresh_materialized_view(name: &ObjectName) -> String {
    format!("REFRESH MATERIALIZED VIEW {}", qualified(name))
}

// ---- postgres_fdw ---------------------------------------------------------------------------------

/// Every scaffold bears howdah's name, so that it can be told from anything of the user's. Each FDW session has a server of
/// its own, made and dropped in its one transaction: nobody else ever sees it.
pub fn fdw_server(session: u16) -> String {
    format!("howdah_source_{}", session + 1)
}

/// Foreign schemas bear this prefix, the session's number and that of the source schema.
pub const FDW_SCHEMA_PREFIX: &str = "howdah_fdw_";

pub const CREATE_FDW_EXTENSION: &str =
    "CREATE EXTENSION IF NOT EXISTS postgres_fdw WITH SCHEMA public";
pub const IS_FDW_INSTALLED: &str =
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'postgres_fdw')";
pub const DROP_FDW_EXTENSION: &str = "DROP EXTENSION IF EXISTS postgres_fdw";

/// The source as the destination server sees it.
#[derive(Clone, Debug)]
pub struct FdwAddress<'a> {
    pub host: &'a str,
    pub port: u16,
    pub endpoint: &'a Endpoint,
    pub session: u16,
    pub source_version_num: u32,
    pub destination_version_num: u32,
    pub fetch_size: u64,
}

/// `updatable` and `truncatable` off: nothing can be written to the source by accident. `truncatable` is known from 14 on.
pub fn create_fdw_server(address: &FdwAddress<'_>) -> String {
    let tls = &address.endpoint.tls;
    let path =
        |p: &Option<std::path::PathBuf>| p.as_ref().map(|p| p.to_string_lossy().into_owned());
    let mut options = vec![
        ("host", address.host.to_owned()),
        ("port", address.port.to_string()),
        ("dbname", address.endpoint.database.clone()),
        (
            "options",
            super::settings::fdw_options(address.source_version_num),
        ),
        ("fetch_size", address.fetch_size.to_string()),
        ("updatable", "false".to_owned()),
    ];
    if Feature::ForeignTruncate.is_in(address.destination_version_num) {
        options.push(("truncatable", "false".to_owned()));
    }
    if tls.mode != TlsMode::Prefer {
        options.push(("sslmode", tls.mode.keyword().to_owned()));
    }
    // Of the server, not of the user mapping, where only superusers may give them.
    for (name, file) in [
        ("sslrootcert", path(&tls.root_cert)),
        ("sslcert", path(&tls.client_cert)),
        ("sslkey", path(&tls.client_key)),
    ] {
        options.extend(file.map(|file| (name, file)));
    }
    // A libpq before 13 does not know it, whatever the server's version is, and refuses it: better than to go without.
    if tls.requires_channel_binding {
        options.push(("channel_binding", "require".to_owned()));
    }
    if address.endpoint.connect_timeout_secs > 0 {
        options.push((
            "connect_timeout",
            address.endpoint.connect_timeout_secs.to_string(),
        ));
    }
    // Between the two servers nobody else would notice that one of them is gone.
    let silence = address.endpoint.silence.parameters();
    options.extend(silence.map(|(name, value)| (name, value.to_string())));
    let list: Vec<String> = options
        .iter()
        .map(|(name, value)| format!("{name} {}", literal(value)))
        .collect();
    format!(
        "CREATE SERVER {} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (\n    {}\n)",
        fdw_server(address.session),
        list.join(",\n    ")
    )
}

/// The password's place holds [`PASSWORD_MARKER`] until the moment of sending.
pub fn create_user_mapping(session: u16, user: &str, has_password: bool) -> String {
    let password = if has_password {
        format!(", password {PASSWORD_MARKER}")
    } else {
        String::new()
    };
    format!(
        "CREATE USER MAPPING FOR CURRENT_USER SERVER {} OPTIONS (user {}{password})",
        fdw_server(session),
        literal(user)
    )
}

/// CASCADE reaches only foreign tables and mappings of this very server.
pub fn drop_fdw_server(name: &str) -> String {
    format!("DROP SERVER IF EXISTS {} CASCADE", ident(name))
}

pub fn create_schema(name: &str) -> String {
    format!("CREATE SCHEMA {}", ident(name))
}

pub fn drop_schema(name: &str) -> String {
    format!("DROP SCHEMA IF EXISTS {} CASCADE", ident(name))
}

/// As an import of its schema would make it, but without asking the source, whose answer would begin the state that is read.
pub fn create_foreign_table(
    foreign: &ObjectName,
    table: &Table,
    session: u16,
    fetch_size: Option<u64>,
) -> String {
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| format!("\n    {} {}", ident(&column.name), column.type_name))
        .collect();
    // A table's own rows per round trip, where the server's default would hold too much in memory.
    let fetch_size = fetch_size.map_or_else(String::new, |rows| format!(", fetch_size '{rows}'"));
    format!(
        "CREATE FOREIGN TABLE {} ({}\n)\n    SERVER {} OPTIONS (schema_name {}, table_name {}{fetch_size})",
        qualified(foreign),
        columns.join(","),
        fdw_server(session),
        literal(&table.name.schema),
        literal(&table.name.name)
    )
}

/// Connects and begins the remote transaction, but reads nothing: postgres_fdw does that when a scan begins, and sends its
/// query when the first row is fetched. The remote transaction's state is not chosen by that (manual, SET TRANSACTION).
pub fn connect_foreign(foreign: &ObjectName) -> [String; 2] {
    [
        format!(
            "DECLARE howdah_begin NO SCROLL CURSOR FOR\n    SELECT 1 FROM {}",
            qualified(foreign)
        ),
        "CLOSE howdah_begin".to_owned(),
    ]
}

/// The first query chooses the state that the remote transaction sees. Of a heap it reads one page: what was emptied and not yet
/// vacuumed would be read to its end for a first row.
pub fn touch_foreign(foreign: &ObjectName, is_heap: bool) -> String {
    let which = if is_heap {
        "WHERE ctid = '(0,1)'"
    } else {
        "LIMIT 1"
    };
    format!("SELECT 1 FROM {} {which}", qualified(foreign))
}

/// OVERRIDING SYSTEM VALUE keeps the values of GENERATED ALWAYS identity columns.
pub fn insert_from_foreign(
    into: &ObjectName,
    columns: &[&str],
    foreign: &ObjectName,
    filter: Option<&str>,
) -> String {
    let names = ident_list(columns.iter().copied());
    let filter = filter.map_or_else(String::new, |filter| format!("\n    WHERE {filter}"));
    format!(
        "INSERT INTO {} ({names})\n    OVERRIDING SYSTEM VALUE\n    SELECT {names} FROM {}{filter}",
        qualified(into),
        qualified(foreign)
    )
}

/// Made and rolled back by a check; the journal's schema may be there.
pub const FDW_PROBE_SCHEMA: &str = "howdah_fdw_0";
/// A window on the source's `pg_database`, for the question whether the destination server reaches the source at all.
pub const CREATE_FDW_PROBE: &str = "CREATE FOREIGN TABLE howdah_fdw_0.probe (oid oid, datname name) SERVER howdah_source_1 OPTIONS (schema_name 'pg_catalog', table_name 'pg_database')";
/// `$1` the database's name.
pub const READ_FDW_PROBE: &str = "SELECT oid FROM howdah_fdw_0.probe WHERE datname = $1::text";

/// For the rest of the transaction. The path is the source's own text, so it goes as a value, never as SQL.
pub fn local_search_path(path: &str) -> String {
    format!(
        "SELECT pg_catalog.set_config('search_path', {}, true)",
        literal(path)
    )
}

/// Every new database has it. Whatever is in it stays, and it with that: there is no CASCADE.
pub const DROP_PUBLIC_SCHEMA: &str = "DROP SCHEMA IF EXISTS public";
/// What a server from 15 on is made with.
pub const CLOSE_PUBLIC_SCHEMA: &str = "REVOKE CREATE ON SCHEMA public FROM PUBLIC;";

// ---- questions of the checks ----------------------------------------------------------------------

/// Two sessions that are told the same are sessions of one server: no two are started in the same microsecond.
pub const STARTED_AT: &str = "SELECT pg_catalog.to_char(pg_catalog.pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')";
pub const AVAILABLE_EXTENSIONS: &str =
    "SELECT name::text, default_version, installed_version FROM pg_catalog.pg_available_extensions";
/// What only a superuser may install, and whether one has; servers before 13 trust nothing.
pub const UNTRUSTED_EXTENSIONS: &str = "SELECT e.name::text, e.installed_version IS NOT NULL \
     FROM pg_catalog.pg_available_extensions e JOIN pg_catalog.pg_available_extension_versions v \
     ON v.name = e.name AND v.version = e.default_version \
     WHERE v.superuser AND (pg_catalog.to_jsonb(v) ->> 'trusted')::boolean IS NOT TRUE";
pub const INSTALLED_EXTENSIONS: &str =
    "SELECT extname::text, extversion FROM pg_catalog.pg_extension";
/// Free connections for ordinary roles, locks that one transaction may take beside others, age of the oldest frozen number.
pub const LIMITS: &str = "SELECT pg_catalog.current_setting('max_connections')::bigint \
     - pg_catalog.current_setting('superuser_reserved_connections')::bigint \
     - (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE datid IS NOT NULL), \
     pg_catalog.current_setting('max_locks_per_transaction')::bigint \
     * (pg_catalog.current_setting('max_connections')::bigint + pg_catalog.current_setting('max_prepared_transactions')::bigint), \
     (SELECT pg_catalog.age(datfrozenxid)::bigint FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())";
pub const EVENT_TRIGGERS: &str = "SELECT evtname::text, pg_catalog.pg_get_userbyid(evtowner)::text FROM pg_catalog.pg_event_trigger WHERE evtenabled IN ('O', 'A') ORDER BY evtname";
/// Open transactions that may hold locks, prepared ones among them.
pub const LONG_TRANSACTIONS: &str = "SELECT 'process ' || pid::text || ' (' || coalesce(application_name, '') || '), since ' || xact_start::timestamp(0)::text \
     FROM pg_catalog.pg_stat_activity \
     WHERE datname = pg_catalog.current_database() AND backend_xid IS NOT NULL AND xact_start < pg_catalog.now() - '5 minutes'::interval \
     UNION ALL SELECT 'prepared ' || gid || ', since ' || prepared::timestamp(0)::text \
     FROM pg_catalog.pg_prepared_xacts \
     WHERE database = pg_catalog.current_database() AND prepared < pg_catalog.now() - '5 minutes'::interval";
/// Committed later, what these have written is on the source alone: no snapshot sees it.
pub const PREPARED_TRANSACTIONS: &str = "SELECT gid || ', of ' || owner::text || ', since ' || prepared::timestamp(0)::text \
     FROM pg_catalog.pg_prepared_xacts WHERE database = pg_catalog.current_database() ORDER BY prepared, gid";
pub const MAY_CREATE: &str =
    "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')";
pub const MAY_CREATE_DATABASE: &str =
    "SELECT rolcreatedb OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user";
/// Leftovers of a run that died: every scaffold bears howdah's name. Schemas of a user's may bear it too: the journal is known by
/// its tables, and those of FDW by holding nothing but foreign tables.
pub const LEFTOVERS: &str = "SELECT 'server', srvname::text FROM pg_catalog.pg_foreign_server WHERE srvname ~ '^howdah_source_[0-9]+$' \
     UNION ALL SELECT 'schema', n.nspname::text FROM pg_catalog.pg_namespace AS n \
     WHERE n.nspname = 'howdah' AND 2 = (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class AS c \
         JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid \
         WHERE c.relnamespace = n.oid AND c.relkind = 'r' AND (c.relname, a.attname) IN (('run', 'request'), ('step', 'way'))) \
     OR n.nspname ~ '^howdah_fdw_[0-9_]+$' AND NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c \
         WHERE c.relnamespace = n.oid AND c.relkind <> 'f')";

pub fn update_extension(name: &str, version: &str) -> String {
    format!(
        "ALTER EXTENSION {} UPDATE TO {};",
        ident(name),
        literal(version)
    )
}

pub fn disable_event_trigger(name: &str) -> String {
    format!("ALTER EVENT TRIGGER {} DISABLE;", ident(name))
}

pub fn grant(rights: &str, kind: &str, name: &ObjectName, role: &str) -> String {
    format!(
        "GRANT {rights} ON {kind} {} TO {};",
        qualified(name),
        ident(role)
    )
}

pub fn bypass_policies(role: &str) -> String {
    format!("ALTER ROLE {} BYPASSRLS;", ident(role))
}

pub fn grant_create(database: &str, role: &str) -> String {
    format!(
        "GRANT CREATE ON DATABASE {} TO {};",
        ident(database),
        ident(role)
    )
}

// ---- journal --------------------------------------------------------------------------------------

pub const JOURNAL_SCHEMA: &str = "howdah";

/// An unlogged table is empty after a crash of the server, and on a standby that took over: what was committed without waiting
/// for the disk may be lost then. A server that was stopped in order keeps it.
const MARK_UNBROKEN: &str = "CREATE UNLOGGED TABLE howdah.unbroken AS SELECT true AS is_so";
pub const MARK_UNBROKEN_AGAIN: &str =
    "INSERT INTO howdah.unbroken SELECT true WHERE NOT EXISTS (SELECT FROM howdah.unbroken)";
pub const IS_UNBROKEN: &str = "SELECT EXISTS (SELECT FROM howdah.unbroken)";

/// The journal: one row per finished step, written in the step's own transaction.
pub const CREATE_JOURNAL: [&str; 4] = [
    "CREATE SCHEMA howdah",
    "CREATE TABLE howdah.run (\n    started_at timestamptz NOT NULL DEFAULT pg_catalog.now(),\n    request text NOT NULL\n)",
    "CREATE TABLE howdah.step (\n    key text NOT NULL PRIMARY KEY,\n    rows bigint,\n    bytes bigint,\n    way text,\n    finished_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()\n)",
    MARK_UNBROKEN,
];

/// For a commit that nothing may take back any more, nor anything before it.
pub const WAIT_FOR_DISK: &str = "SET LOCAL synchronous_commit = on";

pub const DROP_JOURNAL: &str = "DROP SCHEMA IF EXISTS howdah CASCADE";

/// `request` is all that a later start needs to go on.
pub fn begin_journal(request: &str) -> String {
    format!(
        "INSERT INTO howdah.run (request) VALUES ({})",
        literal(request)
    )
}

pub const HAS_JOURNAL: &str = "SELECT pg_catalog.to_regclass('howdah.run') IS NOT NULL AND pg_catalog.to_regclass('howdah.step') IS NOT NULL";
pub const READ_RUN: &str =
    "SELECT pg_catalog.to_char(started_at, 'YYYY-MM-DD HH24:MI TZ'), request FROM howdah.run";
pub const READ_STEPS: &str = "SELECT key, way FROM howdah.step";
/// Without what has only begun.
pub const READ_DONE: &str = "SELECT key FROM howdah.step WHERE way IS DISTINCT FROM 'begun'";
/// The same of one; `$1` the key.
pub const READ_STEP: &str =
    "SELECT way FROM howdah.step WHERE key = $1::text AND way IS DISTINCT FROM 'begun'";
/// Sessions of howdah's that are at work in this database beside this one; those of its checks end by themselves.
pub const AT_WORK: &str = "SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity \
     WHERE datname = pg_catalog.current_database() AND application_name LIKE 'howdah %' \
     AND application_name <> 'howdah check' AND pid <> pg_catalog.pg_backend_pid()";

/// `$1` the database's name.
pub const HAS_DATABASE: &str =
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = $1::text)";

pub fn is_step_done(key: &str) -> String {
    format!(
        "SELECT EXISTS (SELECT FROM howdah.step WHERE key = {})",
        literal(key)
    )
}

/// Steps that are to be done once more.
pub fn forget_steps<'a>(keys: impl IntoIterator<Item = &'a str>) -> String {
    let keys: Vec<String> = keys.into_iter().map(literal).collect();
    format!("DELETE FROM howdah.step WHERE key IN ({})", keys.join(", "))
}

pub fn drop_constraint(table: &ObjectName, name: &str) -> String {
    format!(
        "ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}",
        qualified(table),
        ident(name)
    )
}

pub fn drop_trigger(table: &ObjectName, name: &str) -> String {
    format!(
        "DROP TRIGGER IF EXISTS {} ON {}",
        ident(name),
        qualified(table)
    )
}
