//! The statements of every step, one small function each.

use crate::model::catalog::{Column, ForeignKey, KeyColumn, Table, TableKind};
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

/// What stands behind the table's name where only a part of its rows is meant: an extension's own condition, or the user's. Line
/// ends keep a comment in it from swallowing the parenthesis.
fn condition(table: &Table, filter: Option<&str>) -> Option<String> {
    match (filter, &table.extension_config) {
        (Some(filter), _) => Some(format!("WHERE (\n{filter}\n)")),
        (None, Some(config)) if !config.condition.trim().is_empty() => {
            Some(config.condition.clone())
        }
        _ => None,
    }
}

/// COPY of a plain table or a partition reads that relation alone, never its children (manual, COPY).
pub fn copy_out(table: &Table, is_binary: bool, filter: Option<&str>) -> String {
    let columns = column_list(table.copied_columns());
    match condition(table, filter) {
        Some(condition) => format!(
            "COPY (SELECT {} FROM ONLY {} {condition}) TO STDOUT ({})",
            ident_list(table.copied_columns().map(|c| c.name.as_str())),
            qualified(&table.name),
            copy_format(is_binary)
        ),
        None => format!(
            "COPY {}{columns} TO STDOUT ({})",
            qualified(&table.name),
            copy_format(is_binary)
        ),
    }
}

/// Asks the server whether it understands the condition; prepared, never run.
pub fn try_filter(table: &ObjectName, filter: &str) -> String {
    format!("SELECT FROM ONLY {} WHERE (\n{filter}\n)", qualified(table))
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

/// How the rows of a table are measured on both sides. A checksum is the sum of a 64-bit hash of each row, independent of the
/// rows' order. A sum, not an exclusive or: two equal rows that are both missing would cancel out there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measurement {
    Count,
    /// `hash_record_extended` (14 and newer). What the hash takes for equal though it is not written alike is hashed as text.
    HashedRecord,
    /// `hashtextextended` (11 and newer) of the row's text.
    HashedText,
    /// md5's first half of the row's text, where a side is 10, or where the sides' encodings differ.
    Md5,
}

impl Measurement {
    /// The best that servers of both versions have.
    pub fn checksum(
        source_version_num: u32,
        destination_version_num: u32,
        is_one_encoding: bool,
    ) -> Self {
        match source_version_num.min(destination_version_num) {
            _ if !is_one_encoding => Self::Md5,
            140_000.. => Self::HashedRecord,
            110_000.. => Self::HashedText,
            _ => Self::Md5,
        }
    }

    /// For the report.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Count => "the number of rows",
            Self::HashedRecord => {
                "the number of rows and the sum of hash_record_extended over all rows"
            }
            Self::HashedText => {
                "the number of rows and the sum of hashtextextended over all rows as text"
            }
            Self::Md5 => "the number of rows and the sum of md5 over all rows as text",
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
            .map(|column| {
                let name = format!("x.{}", ident(&column.name));
                if self == Self::HashedRecord && !column.hashes_exactly {
                    format!("{name}::pg_catalog.text COLLATE pg_catalog.\"C\"")
                } else {
                    name
                }
            })
            .collect();
        let row = format!("ROW({})", names.join(", "));
        let hash = match self {
            Self::HashedRecord => format!("pg_catalog.hash_record_extended({row}, 0)"),
            Self::HashedText => format!("pg_catalog.hashtextextended({row}::pg_catalog.text, 0)"),
            _ => format!(
                "('x' || pg_catalog.left(pg_catalog.md5(pg_catalog.convert_to({row}::pg_catalog.text, 'UTF8')), 16))::pg_catalog.bit(64)::pg_catalog.int8"
            ),
        };
        format!(
            "{count},\n    coalesce(pg_catalog.sum({hash}::pg_catalog.numeric), 0)::pg_catalog.text"
        )
    }
}

/// Rows of one table itself, without its children; of the source only those that satisfy the filter.
pub fn measure_rows(table: &Table, measurement: Measurement, filter: Option<&str>) -> String {
    let list = measurement.select_list(table);
    let name = qualified(&table.name);
    match condition(table, filter) {
        // The condition may name the table's columns by the table.
        Some(condition) => {
            format!("{list} FROM (SELECT * FROM ONLY {name} {condition}) AS x")
        }
        None => format!("{list} FROM ONLY {name} AS x"),
    }
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

/// For the rest of the transaction. The path is the source's own text, so it goes as a value, never as SQL.
pub fn local_search_path(path: &str) -> String {
    format!(
        "SELECT pg_catalog.set_config('search_path', {}, true)",
        literal(path)
    )
}

// ---- foreign keys that the rows break -------------------------------------------------------------

/// The same constraint, holding for new rows alone (manual, ALTER TABLE, NOT VALID).
pub fn not_valid(add_constraint: &str) -> String {
    let bare = add_constraint.trim_end().trim_end_matches(';');
    format!("{bare} NOT VALID;")
}

pub fn validate_constraint(table: &ObjectName, name: &str) -> String {
    format!(
        "ALTER TABLE {} VALIDATE CONSTRAINT {};",
        qualified(table),
        ident(name)
    )
}

/// How many rows refer to nothing, and the keys of the first few. A plain table is read without the tables that inherit from
/// it, a partitioned one whole, as the constraint's own check does.
pub fn orphans(key: &ForeignKey, referencing: &Table, referenced: &Table) -> String {
    let relation = |table: &Table| {
        let only = if table.kind == TableKind::Partitioned {
            ""
        } else {
            "ONLY "
        };
        format!("{only}{}", qualified(&table.name))
    };
    let all = |text: fn(&KeyColumn) -> String, glue: &str| {
        key.columns.iter().map(text).collect::<Vec<_>>().join(glue)
    };
    let is_set = all(|c| format!("c.{} IS NOT NULL", ident(&c.column)), " AND ");
    let matches = all(
        |c| {
            format!(
                "p.{} OPERATOR({}.{}) c.{}",
                ident(&c.references),
                ident(&c.operator.schema),
                c.operator.name,
                ident(&c.column)
            )
        },
        " AND ",
    );
    let mut breaks = format!(
        "{is_set} AND NOT EXISTS (SELECT FROM {} AS p WHERE {matches})",
        relation(referenced)
    );
    if key.is_match_full {
        let any = all(|c| format!("c.{} IS NOT NULL", ident(&c.column)), " OR ");
        breaks = format!("({breaks}) OR (({any}) AND NOT ({is_set}))");
    }
    let values = all(|c| format!("c.{}", ident(&c.column)), ", ");
    let from = format!("FROM {} AS c WHERE {breaks}", relation(referencing));
    format!(
        "SELECT pg_catalog.count(*),\n    ARRAY(SELECT DISTINCT pg_catalog.left(ROW({values})::pg_catalog.text, 100) {from} LIMIT 5)\n    {from}"
    )
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
