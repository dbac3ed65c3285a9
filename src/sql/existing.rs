//! Statements for rows that go into tables that are there: silencing triggers, setting foreign keys aside, counting what came.

use crate::model::catalog::{Table, TableKind};
use crate::model::existing::{Trigger, TriggerState};
use crate::model::feature::Feature;
use crate::model::name::ObjectName;

use super::quote::{ident, literal, qualified};

/// Whether this role may silence ordinary triggers and foreign keys for its own transactions.
pub fn may_silence(version_num: u32) -> &'static str {
    if Feature::ParameterPrivileges.is_in(version_num) {
        "SELECT rolsuper OR pg_catalog.has_parameter_privilege('session_replication_role', 'SET') \
         FROM pg_catalog.pg_roles WHERE rolname = current_user"
    } else {
        "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"
    }
}

/// Everything the transaction sees of other sessions stays as it is, so that a count before and a count after differ by what
/// this transaction has added.
pub const BEGIN_COUNTING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ";

/// Undoes the silence of an earlier table in the same transaction.
pub const UNSILENCED: &str = "SET LOCAL session_replication_role = origin";

/// Deferred checks are done at the end of each statement: a table with checks still to do cannot be altered.
pub const CHECK_AT_ONCE: &str = "SET CONSTRAINTS ALL IMMEDIATE";

/// The name in SQL, without the tables that inherit from it; a partitioned table's rows are those of its partitions.
pub(super) fn relation(table: &Table) -> String {
    let only = if table.kind == TableKind::Partitioned {
        ""
    } else {
        "ONLY "
    };
    format!("{only}{}", qualified(&table.name))
}

fn alter_triggers<'a>(
    table: &ObjectName,
    triggers: impl IntoIterator<Item = &'a Trigger>,
    verb: impl Fn(&Trigger) -> &'static str,
) -> String {
    let list: Vec<String> = triggers
        .into_iter()
        .map(|trigger| format!("{} TRIGGER {}", verb(trigger), ident(&trigger.name)))
        .collect();
    format!(
        "ALTER TABLE ONLY {} {}",
        qualified(table),
        list.join(",\n    ")
    )
}

pub fn disable_triggers<'a>(
    table: &ObjectName,
    triggers: impl IntoIterator<Item = &'a Trigger>,
) -> String {
    alter_triggers(table, triggers, |_| "DISABLE")
}

/// Each as it was before.
pub fn restore_triggers<'a>(
    table: &ObjectName,
    triggers: impl IntoIterator<Item = &'a Trigger>,
) -> String {
    alter_triggers(table, triggers, |trigger| match trigger.state {
        TriggerState::Origin => "ENABLE",
        TriggerState::Replica => "ENABLE REPLICA",
        TriggerState::Always => "ENABLE ALWAYS",
        TriggerState::Disabled => "DISABLE",
    })
}

/// Rows that this session has inserted into the table and its partitions, as the server keeps count of them. Where many tables'
/// rows are added to one, counting what is there would read it again for each.
pub fn count_inserted(table: &Table) -> String {
    format!(
        "SELECT CASE WHEN pg_catalog.current_setting('track_counts')::pg_catalog.bool THEN (\n    \
         WITH RECURSIVE tree (oid) AS (\n        \
         SELECT {}::pg_catalog.regclass::pg_catalog.oid UNION\n        \
         SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i JOIN tree ON i.inhparent = tree.oid)\n    \
         SELECT coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_xact_tuples_inserted(oid)), 0)::pg_catalog.int8 FROM tree)\n    \
         ELSE (SELECT pg_catalog.count(*) FROM {}) END",
        literal(&qualified(&table.name)),
        relation(table)
    )
}

/// A table that is emptied, alone or with all its partitions.
pub fn truncate<'a>(tables: impl IntoIterator<Item = &'a Table>) -> String {
    let list: Vec<String> = tables.into_iter().map(relation).collect();
    format!("TRUNCATE {}", list.join(", "))
}

pub fn drop_domain_constraint(domain: &ObjectName, name: &str) -> String {
    format!(
        "ALTER DOMAIN {} DROP CONSTRAINT IF EXISTS {}",
        qualified(domain),
        ident(name)
    )
}

pub fn drop_rule(table: &ObjectName, name: &str) -> String {
    format!(
        "DROP RULE IF EXISTS {} ON {}",
        ident(name),
        qualified(table)
    )
}

/// An extension's table holds rows of its own; only the user's are removed.
pub fn delete_user_rows(table: &Table, condition: &str) -> String {
    format!("DELETE FROM {} {condition}", relation(table))
}

/// Only rows that the step of this key has brought: they and the step's row in the journal were written by one transaction, and
/// whoever changes a row of them writes it anew.
pub(super) fn brought_by(key: &str) -> String {
    format!(
        "WHERE xmin = (SELECT s.xmin FROM howdah.step AS s WHERE s.key = {})",
        literal(key)
    )
}

/// Takes back what the step of this key has brought, to the row, and nothing else. Where not every one of those rows is still
/// there as it came, nothing is taken: unless a crash has emptied the table, which it does to one that `is_unlogged`, and no row
/// is there but the run's own.
pub fn take_back(table: &Table, is_unlogged: bool, key: &str) -> String {
    let unless_emptied = if is_unlogged {
        format!(
            " AND (gone > 0 OR EXISTS (\n        SELECT FROM {} WHERE xmin NOT IN (SELECT s.xmin FROM howdah.step AS s)))",
            relation(table)
        )
    } else {
        String::new()
    };
    let body = format!(
        "DECLARE
    wanted pg_catalog.int8;
    gone pg_catalog.int8;
BEGIN
    SELECT rows INTO wanted FROM howdah.step WHERE key = {};
    DELETE FROM {} {};
    GET DIAGNOSTICS gone = ROW_COUNT;
    IF gone IS DISTINCT FROM wanted{unless_emptied} THEN
        RAISE 'of % rows that the run has copied into %, % are there unchanged', wanted, {}, gone
            USING HINT = 'The others have been changed or removed since, so none is removed. Correct the table by hand, or start over.';
    END IF;
END",
        literal(key),
        relation(table),
        brought_by(key),
        literal(&qualified(&table.name)),
    );
    format!("DO {}", literal(&body))
}

/// The next value is never one that rows which are there may hold already. `$1` and `$2` as for `setval`.
pub fn advance_sequence(name: &ObjectName) -> String {
    let sequence = format!("{}::pg_catalog.regclass", literal(&qualified(name)));
    format!(
        "SELECT pg_catalog.setval({sequence}, $1, $2)\n    \
         FROM {} AS here JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = {sequence}\n    \
         WHERE CASE WHEN s.seqincrement > 0 THEN $1 > here.last_value ELSE $1 < here.last_value END\n       \
         OR $1 = here.last_value AND $2 AND NOT here.is_called",
        qualified(name)
    )
}

/// Rows counted exactly; where there are more, that many and one are told.
pub const FEW_ROWS: u64 = 1000;

/// How many rows each of these tables holds, by position in the list, as far as [`FEW_ROWS`]. `conditions` are an extension's own.
pub fn count_few<'a>(tables: impl IntoIterator<Item = (&'a Table, &'a str)>) -> String {
    let parts: Vec<String> = tables
        .into_iter()
        .enumerate()
        .map(|(at, (table, condition))| {
            format!(
                "SELECT {at}, pg_catalog.count(*) FROM (SELECT FROM {} {condition} LIMIT {}) AS x",
                relation(table),
                FEW_ROWS + 1
            )
        })
        .collect();
    parts.join("\nUNION ALL\n")
}

// ---- foreign keys ---------------------------------------------------------------------------------

/// Where a crash can be recovered from: the statements that put back what was taken away.
pub const CREATE_SET_ASIDE: &str = "CREATE TABLE IF NOT EXISTS howdah.set_aside (\n    key text NOT NULL PRIMARY KEY,\n    statement text NOT NULL,\n    about text NOT NULL\n)";

/// `about` is what a later start needs to go on, as text of its own.
pub fn remember(key: &str, statements: &[String], about: &str) -> String {
    let text = format!("{};", statements.join(";\n"));
    format!(
        "INSERT INTO howdah.set_aside (key, statement, about) VALUES ({}, {}, {})\n    \
         ON CONFLICT (key) DO UPDATE SET statement = excluded.statement, about = excluded.about",
        literal(key),
        literal(&text),
        literal(about)
    )
}

pub fn forget(key: &str) -> String {
    format!("DELETE FROM howdah.set_aside WHERE key = {}", literal(key))
}

pub const HAS_SET_ASIDE: &str = "SELECT pg_catalog.to_regclass('howdah.set_aside') IS NOT NULL";
pub const SET_ASIDE: &str = "SELECT statement FROM howdah.set_aside ORDER BY key";
pub const KEYS_ASIDE: &str = "SELECT about FROM howdah.set_aside ORDER BY key";

/// The journal stays while it holds the only way back.
pub const DROP_JOURNAL_IF_ALL_IS_BACK: &str = "DO $howdah$
BEGIN
    IF pg_catalog.to_regclass('howdah.set_aside') IS NOT NULL THEN
        IF EXISTS (SELECT FROM howdah.set_aside) THEN
            RAISE 'foreign keys were dropped for the copy and not put back; howdah.set_aside has the statements that do it';
        END IF;
    END IF;
    DROP SCHEMA IF EXISTS howdah CASCADE;
END
$howdah$";

pub fn drop_key(table: &ObjectName, name: &str) -> String {
    format!(
        "ALTER TABLE {} DROP CONSTRAINT {}",
        qualified(table),
        ident(name)
    )
}

/// `definition` is the server's own (`pg_get_constraintdef`).
pub fn add_key(table: &ObjectName, name: &str, definition: &str) -> String {
    format!(
        "ALTER TABLE {} ADD CONSTRAINT {} {definition}",
        qualified(table),
        ident(name)
    )
}

pub fn comment_key(table: &ObjectName, name: &str, comment: &str) -> String {
    format!(
        "COMMENT ON CONSTRAINT {} ON {} IS {}",
        ident(name),
        qualified(table),
        literal(comment)
    )
}

/// Has the server look at every row of a key that is in force but was not checked.
pub fn check_key_again(table: &ObjectName, name: &str, definition: &str) -> String {
    format!(
        "ALTER TABLE {} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {definition};",
        qualified(table),
        name = ident(name)
    )
}

// ---- questions of the checks ----------------------------------------------------------------------

/// `$1` types of the source, `$2` types of the destination: for each pair whether values of the one may be assigned to the
/// other, or are text that the other reads; null where the destination does not know the first. (Several arrays are unnested only under the bare name.)
pub const ASSIGNABLE: &str = "SELECT CASE
           WHEN pg_catalog.to_regtype(p.a) IS NULL OR pg_catalog.to_regtype(p.b) IS NULL THEN NULL
           ELSE a.oid = b.oid OR 'S' IN (a.typcategory, b.typcategory) OR EXISTS (
                SELECT FROM pg_catalog.pg_cast AS c
                 WHERE c.castsource = a.oid AND c.casttarget = b.oid AND c.castcontext IN ('a', 'i'))
       END
  FROM unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) WITH ORDINALITY AS p (a, b, place)
  LEFT JOIN LATERAL (SELECT u.oid, u.typcategory
                       FROM pg_catalog.pg_type AS t
                       JOIN pg_catalog.pg_type AS u ON u.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
                      WHERE t.oid = pg_catalog.to_regtype(p.a)) AS a ON true
  LEFT JOIN LATERAL (SELECT u.oid, u.typcategory
                       FROM pg_catalog.pg_type AS t
                       JOIN pg_catalog.pg_type AS u ON u.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
                      WHERE t.oid = pg_catalog.to_regtype(p.b)) AS b ON true
 ORDER BY p.place";
