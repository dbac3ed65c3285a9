//! What every session pins before it does anything, so that no setting of a role, a database or a server changes data,
//! hides rows or ends a long statement.

use crate::model::connection::ServerFacts;
use crate::model::feature::Feature;
use crate::model::options::{Options, ToastCompression};

use super::quote::{ident, literal};

/// Settings that decide how values are written and read, and which rows are seen. They hold on both sides.
///
/// `row_security = off` turns a policy that would hide rows into an error (manual, "Row Security Policies").
const PINNED: &[(&str, &str)] = &[
    ("client_encoding", "'UTF8'"),
    ("standard_conforming_strings", "on"),
    ("search_path", "''"),
    ("row_security", "off"),
    ("datestyle", "'ISO, YMD'"),
    ("intervalstyle", "'postgres'"),
    ("timezone", "'UTC'"),
    ("extra_float_digits", "3"),
    ("bytea_output", "'hex'"),
    ("lc_monetary", "'C'"),
    ("xmloption", "'content'"),
    // Off takes the NULL in {NULL} for a word.
    ("array_nulls", "on"),
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
];

/// Of [`PINNED`], what an expression may depend on: the time zone, and how dates are written.
const EVALUATED: [&str; 2] = ["timezone", "datestyle"];

/// Names of the pinned time zone.
const UTC: [&str; 6] = ["UTC", "Etc/UTC", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu"];

/// Which of them a session on the source has otherwise by itself, with that value as a literal.
fn otherwise(time_zone: &str, date_style: &str) -> impl Iterator<Item = (&'static str, String)> {
    let is_other = [!UTC.contains(&time_zone), !is_iso(date_style)];
    let values = [time_zone, date_style].map(literal);
    EVALUATED
        .into_iter()
        .zip(values)
        .zip(is_other)
        .filter_map(|(setting, is_other)| is_other.then_some(setting))
}

/// What is written is the same then; the order is that in which a date is read that does not begin with its year.
fn is_iso(date_style: &str) -> bool {
    date_style.starts_with("ISO, ")
}

/// The order of a date's parts as a session on the source has it by itself.
pub fn with_dates_of(date_style: &str, mut settings: Vec<String>) -> Vec<String> {
    let pin = |one: &&mut String| one.starts_with("SET datestyle ") && is_iso(date_style);
    if let Some(pin) = settings.iter_mut().find(pin) {
        *pin = format!("SET datestyle = {}", literal(date_style));
    }
    settings
}

/// For a transaction on the destination that evaluates expressions: as a session on the source has it by itself. Rows are read
/// alike all the same, for they come in ISO form and with their offset from UTC.
pub fn as_on_source(time_zone: &str, date_style: &str) -> Vec<String> {
    otherwise(time_zone, date_style)
        .map(|(name, value)| format!("SET LOCAL {name} = {value}"))
        .collect()
}

/// A parameter of somebody's own, for one transaction.
pub fn local_parameter(name: &str, value: &str) -> String {
    format!("SET LOCAL {} = {}", ident(name), literal(value))
}

/// Takes that back.
pub fn as_pinned(time_zone: &str, date_style: &str) -> Vec<String> {
    let pin = |name| PINNED.iter().find(|(one, _)| *one == name);
    otherwise(time_zone, date_style)
        .filter_map(|(name, _)| pin(name))
        .map(|(name, value)| format!("SET LOCAL {name} = {value}"))
        .collect()
}

/// Timeouts that only newer servers know.
const NEWER_TIMEOUTS: [(Feature, &str); 2] = [
    (Feature::IdleSessionTimeout, "idle_session_timeout"),
    (Feature::TransactionTimeout, "transaction_timeout"),
];

fn pinned(version_num: u32) -> Vec<String> {
    let newer = NEWER_TIMEOUTS
        .iter()
        .filter(|(feature, _)| feature.is_in(version_num));
    PINNED
        .iter()
        .copied()
        .chain(newer.map(|(_, name)| (*name, "0")))
        .map(|(name, value)| format!("SET {name} = {value}"))
        .collect()
}

/// For every session on the source: pinned, and unable to write.
pub fn source(version_num: u32) -> Vec<String> {
    let mut settings = pinned(version_num);
    settings.push("SET default_transaction_read_only = on".to_owned());
    settings
}

/// For every session on the destination. What pg_restore sets too: function bodies are not checked while what they need
/// may not be there yet. `synchronous_commit` off: a lost server is noticed and resumed from, so no commit waits for a disk.
pub fn destination(version_num: u32) -> Vec<String> {
    let mut settings = pinned(version_num);
    settings.extend(
        [
            "SET check_function_bodies = off",
            "SET client_min_messages = warning",
            "SET synchronous_commit = off",
            "SET default_transaction_read_only = off",
            // pg_dump says where something lies elsewhere than in the database's own.
            "SET default_tablespace = ''",
        ]
        .map(str::to_owned),
    );
    if Feature::TableAccessMethods.is_in(version_num) {
        settings.push("SET default_table_access_method = heap".to_owned());
    }
    settings
}

/// Memory that one index build may have at most, in KiB.
const MOST_INDEX_MEMORY: u64 = 2 * 1024 * 1024;

/// What makes loading faster without changing what is loaded, beside [`destination`]. As many index builds as `jobs` share a
/// half of what the server gives its cache, which is the one hint at its memory that every role may read; what the server
/// gives a build by itself is never taken away. Builds side by side need no parallel workers of their own.
pub fn loading(facts: &ServerFacts, options: &Options) -> Vec<String> {
    let mut settings = Vec::new();
    if Feature::ParallelIndexBuilds.is_in(facts.version_num) && options.jobs > 1 {
        settings.push("SET max_parallel_maintenance_workers = 0".to_owned());
    }
    let share = facts.shared_buffers_kib / 2 / options.jobs.max(1) as u64;
    let memory = share.min(MOST_INDEX_MEMORY);
    if memory > facts.maintenance_work_mem_kib {
        settings.push(format!("SET maintenance_work_mem = '{memory}kB'"));
    }
    if facts.has_lz4 && options.toast_compression == ToastCompression::Fast {
        settings.push("SET default_toast_compression = 'lz4'".to_owned());
    }
    settings
}

/// An index that outweighs all that is built beside it may use parallel workers, as many as the server allows by itself.
pub const WITH_PARALLEL_WORKERS: &str = "SET LOCAL max_parallel_maintenance_workers TO DEFAULT";

/// libpq `options` for the sessions that postgres_fdw opens on the source. postgres_fdw itself sets search_path, time zone,
/// DateStyle, IntervalStyle and extra_float_digits there. What one FETCH returns is kept by the source until it is sent, and
/// written to its disk where it exceeds `work_mem`: this holds one of about 8 MiB with what each row costs beside its values.
pub fn fdw_options(version_num: u32) -> String {
    let mut options = "-c row_security=off -c statement_timeout=0 -c lock_timeout=0 \
                       -c idle_in_transaction_session_timeout=0 -c default_transaction_read_only=on \
                       -c bytea_output=hex -c lc_monetary=C -c xmloption=content -c work_mem=32MB"
        .to_owned();
    for (feature, name) in NEWER_TIMEOUTS {
        if feature.is_in(version_num) {
            options.push_str(&format!(" -c {name}=0"));
        }
    }
    options
}

/// For rows that enter tables whose triggers and foreign keys stand already: none of them fires for this transaction
/// (superusers, or roles granted the setting on 15 and newer).
pub const QUIET_REPLICA: &str = "SET LOCAL session_replication_role = replica";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_timeouts_go_to_newer_servers_only() {
        let has = |version: u32, name: &str| source(version).iter().any(|s| s.contains(name));
        assert!(!has(130_000, "idle_session_timeout"));
        assert!(has(140_000, "idle_session_timeout"));
        assert!(!has(160_000, "transaction_timeout"));
        assert!(has(170_000, "transaction_timeout"));
    }

    #[test]
    fn the_source_cannot_be_written() {
        assert!(source(150_000).contains(&"SET default_transaction_read_only = on".to_owned()));
        assert!(fdw_options(150_000).contains("default_transaction_read_only=on"));
    }
}
