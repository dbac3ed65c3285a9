//! The statements of every step, one small function each.

use crate::model::catalog::{Column, Table};
use crate::model::connection::{DatabaseFacts, Endpoint, TlsMode};
use crate::model::name::ObjectName;
use crate::model::plan::PASSWORD_MARKER;

use super::quote::{ident, ident_list, literal, qualified};

pub const BEGIN: &str = "BEGIN";
pub const COMMIT: &str = "COMMIT";
pub const ROLLBACK: &str = "ROLLBACK";
pub const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
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
pub fn local_lock_timeout(seconds: u32) -> String {
    format!("SET LOCAL lock_timeout = '{seconds}s'")
}

/// `CREATE DATABASE` with the source's encoding and locale; template0 so that nothing of template1 comes along.
pub fn create_database(name: &str, like: &DatabaseFacts) -> String {
    format!(
        "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}",
        ident(name),
        literal(&like.encoding),
        literal(&like.collate),
        literal(&like.ctype)
    )
}

fn column_list<'a>(columns: impl IntoIterator<Item = &'a Column>) -> String {
    let names = ident_list(columns.into_iter().map(|column| column.name.as_str()));
    // Without columns the list is left out: COPY and INSERT do not take an empty one.
    if names.is_empty() {
        names
    } else {
        format!(" ({names})")
    }
}

fn copy_format(is_binary: bool) -> &'static str {
    if is_binary {
        "FORMAT binary"
    } else {
        "FORMAT text"
    }
}

/// COPY of a plain table or a partition reads that relation alone, never its children (manual, COPY).
pub fn copy_out(table: &Table, is_binary: bool) -> String {
    let columns = column_list(table.copied_columns());
    match &table.extension_config {
        Some(config) if !config.condition.trim().is_empty() => format!(
            "COPY (SELECT {} FROM ONLY {} {}) TO STDOUT ({})",
            ident_list(table.copied_columns().map(|c| c.name.as_str())),
            qualified(&table.name),
            config.condition,
            copy_format(is_binary)
        ),
        _ => format!(
            "COPY {}{columns} TO STDOUT ({})",
            qualified(&table.name),
            copy_format(is_binary)
        ),
    }
}

/// `freeze` is legal only in the transaction that created or truncated the table (manual, COPY FREEZE).
pub fn copy_in(table: &Table, is_binary: bool, freeze: bool) -> String {
    let columns = column_list(table.copied_columns());
    let freeze = if freeze { ", FREEZE" } else { "" };
    format!(
        "COPY {}{columns} FROM STDIN ({}{freeze})",
        qualified(&table.name),
        copy_format(is_binary)
    )
}

pub fn truncate_only(name: &ObjectName) -> String {
    format!("TRUNCATE ONLY {}", qualified(name))
}

/// Empties several tables at once, so that foreign keys among them do not object.
pub fn truncate_all<'a>(names: impl IntoIterator<Item = &'a ObjectName>) -> String {
    let list: Vec<String> = names
        .into_iter()
        .map(|n| format!("ONLY {}", qualified(n)))
        .collect();
    format!("TRUNCATE {}", list.join(", "))
}

/// Removes an object that is in the way. `kind` and `identity` are the server's own (`pg_identify_object`).
pub fn drop_existing(kind: &str, identity: &str) -> String {
    format!("DROP {} IF EXISTS {identity} CASCADE", kind.to_uppercase())
}

/// How the rows of a table are measured on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measurement {
    Count,
    /// Count and the sum of a 64-bit hash of each row's text, independent of the rows' order. A sum, not an exclusive or:
    /// two equal rows that are both missing would cancel out there. `hashtextextended` came with 11.
    HashedText,
    /// The same with md5's first half, where a side is 10.
    Md5,
}

impl Measurement {
    /// The best that servers of both versions have.
    pub fn checksum(source_version_num: u32, destination_version_num: u32) -> Self {
        if source_version_num.min(destination_version_num) >= 110_000 {
            Self::HashedText
        } else {
            Self::Md5
        }
    }

    fn select_list(self, table: &Table) -> String {
        let count = "SELECT pg_catalog.count(*)";
        if self == Self::Count {
            return count.to_owned();
        }
        let names: Vec<String> = table
            .columns
            .iter()
            .map(|column| format!("x.{}", ident(&column.name)))
            .collect();
        let row = format!("ROW({})::pg_catalog.text", names.join(", "));
        let hash = match self {
            Self::HashedText => format!("pg_catalog.hashtextextended({row}, 0)"),
            _ => format!(
                "('x' || pg_catalog.left(pg_catalog.md5({row}), 16))::pg_catalog.bit(64)::pg_catalog.int8"
            ),
        };
        format!(
            "{count},\n    coalesce(pg_catalog.sum({hash}::pg_catalog.numeric), 0)::pg_catalog.text"
        )
    }
}

/// Rows of one table itself, without its children.
pub fn measure_rows(table: &Table, measurement: Measurement) -> String {
    let condition = match &table.extension_config {
        Some(config) if !config.condition.trim().is_empty() => format!(" {}", config.condition),
        _ => String::new(),
    };
    let list = measurement.select_list(table);
    format!(
        "{list} FROM ONLY {} AS x{condition}",
        qualified(&table.name)
    )
}

/// The same through a foreign table: what the transaction that read the rows still sees on the source.
pub fn measure_foreign(table: &Table, foreign: &ObjectName, measurement: Measurement) -> String {
    format!(
        "{} FROM {} AS x",
        measurement.select_list(table),
        qualified(foreign)
    )
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

pub fn analyze(name: &ObjectName) -> String {
    format!("ANALYZE {}", qualified(name))
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
    if address.destination_version_num >= 140_000 {
        options.push(("truncatable", "false".to_owned()));
    }
    if tls.mode != TlsMode::Prefer {
        options.push(("sslmode", tls.mode.keyword().to_owned()));
    }
    if let Some(root) = path(&tls.root_cert) {
        options.push(("sslrootcert", root));
    }
    if address.endpoint.connect_timeout_secs > 0 {
        options.push((
            "connect_timeout",
            address.endpoint.connect_timeout_secs.to_string(),
        ));
    }
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

/// Keeps the password out of the server's own log where the role may decide that (superusers).
pub const UNLOGGED_SETTINGS: [&str; 3] = [
    "SET LOCAL log_statement = 'none'",
    "SET LOCAL log_min_duration_statement = -1",
    "SET LOCAL log_min_error_statement = 'panic'",
];

/// What was there before [`UNLOGGED_SETTINGS`], for the rest of the transaction.
pub const LOGGED_SETTINGS: [&str; 3] = [
    "SET LOCAL log_statement TO DEFAULT",
    "SET LOCAL log_min_duration_statement TO DEFAULT",
    "SET LOCAL log_min_error_statement TO DEFAULT",
];

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

/// Only what is asked for by name: a bare import would bring views and materialized views too, and skip partitions.
pub fn import_foreign_schema<'a>(
    source_schema: &str,
    tables: impl IntoIterator<Item = &'a str>,
    session: u16,
    into: &str,
    destination_version_num: u32,
) -> String {
    let generated = if destination_version_num >= 140_000 {
        ", import_generated 'false'"
    } else {
        ""
    };
    format!(
        "IMPORT FOREIGN SCHEMA {} LIMIT TO ({})\n    FROM SERVER {} INTO {}\n    \
         OPTIONS (import_default 'false', import_collate 'false', import_not_null 'false'{generated})",
        ident(source_schema),
        ident_list(tables),
        fdw_server(session),
        ident(into)
    )
}

/// A table's own rows-per-round-trip, where the server's default would hold too much in memory.
pub fn set_fetch_size(foreign: &ObjectName, fetch_size: u64) -> String {
    format!(
        "ALTER FOREIGN TABLE {} OPTIONS (ADD fetch_size '{fetch_size}')",
        qualified(foreign)
    )
}

/// Opens the remote transaction: postgres_fdw begins it at the first use of a foreign table.
pub fn touch_foreign(foreign: &ObjectName) -> String {
    format!("SELECT 1 FROM {} LIMIT 1", qualified(foreign))
}

/// OVERRIDING SYSTEM VALUE keeps the values of GENERATED ALWAYS identity columns.
pub fn insert_from_foreign(table: &Table, foreign: &ObjectName) -> String {
    let names = ident_list(table.copied_columns().map(|c| c.name.as_str()));
    format!(
        "INSERT INTO {} ({names})\n    OVERRIDING SYSTEM VALUE\n    SELECT {names} FROM {}",
        qualified(&table.name),
        qualified(foreign)
    )
}

/// A window on the source's `pg_database`, for the question whether the destination server reaches the source at all.
pub const CREATE_FDW_PROBE: &str = "CREATE FOREIGN TABLE howdah.probe (oid oid, datname name) SERVER howdah_source_1 OPTIONS (schema_name 'pg_catalog', table_name 'pg_database')";
/// `$1` the database's name.
pub const READ_FDW_PROBE: &str = "SELECT oid FROM howdah.probe WHERE datname = $1::text";

/// Which of these tables hold at least one row, by position in the list.
pub fn tables_with_rows<'a>(names: impl IntoIterator<Item = &'a ObjectName>) -> String {
    let parts: Vec<String> = names
        .into_iter()
        .enumerate()
        .map(|(at, name)| {
            format!(
                "SELECT {at} WHERE EXISTS (SELECT FROM ONLY {})",
                qualified(name)
            )
        })
        .collect();
    parts.join("\nUNION ALL\n")
}

// ---- questions of the checks ----------------------------------------------------------------------

pub const AVAILABLE_EXTENSIONS: &str =
    "SELECT name::text, default_version FROM pg_catalog.pg_available_extensions";
pub const INSTALLED_EXTENSIONS: &str = "SELECT extname::text FROM pg_catalog.pg_extension";
pub const MAY_CREATE: &str =
    "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')";
pub const MAY_CREATE_DATABASE: &str =
    "SELECT rolcreatedb OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user";
/// Leftovers of a run that died: every scaffold bears howdah's name.
pub const LEFTOVERS: &str = "SELECT 'server', srvname::text FROM pg_catalog.pg_foreign_server WHERE srvname ~ '^howdah_source_[0-9]+$' \
     UNION ALL SELECT 'schema', nspname::text FROM pg_catalog.pg_namespace WHERE nspname = 'howdah' OR nspname ~ '^howdah_fdw_[0-9_]+$'";

pub fn grant_select(kind: &str, name: &ObjectName, role: &str) -> String {
    format!(
        "GRANT SELECT ON {kind} {} TO {};",
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

// ---- large objects --------------------------------------------------------------------------------

/// Numbers, owners and comments, in the run's snapshot.
pub const LIST_LARGE_OBJECTS: &str = "SELECT m.oid, pg_catalog.pg_get_userbyid(m.lomowner)::text, \
     pg_catalog.obj_description(m.oid, 'pg_largeobject') \
     FROM pg_catalog.pg_largeobject_metadata AS m ORDER BY m.oid";
/// `$1` object, `$2` offset, `$3` length.
pub const READ_LARGE_OBJECT: &str = "SELECT pg_catalog.lo_get($1, $2, $3)";
/// Takes a large object of this number away, if there is one.
pub const UNLINK_LARGE_OBJECT: &str = "SELECT pg_catalog.lo_unlink(m.oid) FROM pg_catalog.pg_largeobject_metadata AS m WHERE m.oid = $1";
pub const CREATE_LARGE_OBJECT: &str = "SELECT pg_catalog.lo_create($1)";
/// `$1` object, `$2` offset, `$3` bytes.
pub const WRITE_LARGE_OBJECT: &str = "SELECT pg_catalog.lo_put($1, $2, $3)";
/// Count and an order-independent sum over the contents' digests; read where the role may read `pg_largeobject`'s
/// contents through `lo_get`.
pub const MEASURE_LARGE_OBJECTS: &str = "SELECT pg_catalog.count(*), \
     coalesce(pg_catalog.sum(('x' || pg_catalog.left(pg_catalog.md5(pg_catalog.lo_get(m.oid)), 15))::pg_catalog.bit(60)::pg_catalog.int8), 0)::pg_catalog.text \
     FROM pg_catalog.pg_largeobject_metadata AS m";

pub fn own_large_object(oid: u32, owner: &str) -> String {
    format!("ALTER LARGE OBJECT {oid} OWNER TO {}", ident(owner))
}

pub fn comment_large_object(oid: u32, comment: &str) -> String {
    format!("COMMENT ON LARGE OBJECT {oid} IS {}", literal(comment))
}

// ---- journal --------------------------------------------------------------------------------------

pub const JOURNAL_SCHEMA: &str = "howdah";

/// The journal: one row per finished step, written in the step's own transaction.
pub const CREATE_JOURNAL: [&str; 3] = [
    "CREATE SCHEMA howdah",
    "CREATE TABLE howdah.run (\n    started_at timestamptz NOT NULL DEFAULT pg_catalog.now(),\n    source text NOT NULL,\n    schema_digest text NOT NULL\n)",
    "CREATE TABLE howdah.step (\n    key text NOT NULL PRIMARY KEY,\n    rows bigint,\n    bytes bigint,\n    finished_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()\n)",
];

pub const DROP_JOURNAL: &str = "DROP SCHEMA IF EXISTS howdah CASCADE";

pub fn begin_journal(source: &str, schema_digest: u64) -> String {
    format!(
        "INSERT INTO howdah.run (source, schema_digest) VALUES ({}, '{schema_digest:016x}')",
        literal(source)
    )
}

/// `$1` rows, `$2` bytes.
pub fn journal_step(key: &str) -> String {
    format!(
        "INSERT INTO howdah.step (key, rows, bytes) VALUES ({}, $1, $2)",
        literal(key)
    )
}

/// For steps whose rows and bytes mean nothing.
pub fn journal_done(key: &str) -> String {
    format!("INSERT INTO howdah.step (key) VALUES ({})", literal(key))
}
