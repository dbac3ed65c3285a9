//! Foreign keys that rows break, and triggers and keys that stand in the way of rows.

use crate::model::catalog::{ForeignKey, KeyColumn, Table, TableKind, TriggerState};
use crate::model::name::ObjectName;

use super::quote::{ident, literal, qualified};

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

/// Keeps a trigger silent until the end of the transaction puts it back, be it by [`wake_trigger`] or by rolling back.
pub fn silence_trigger(table: &ObjectName, trigger: &str) -> String {
    format!(
        "ALTER TABLE ONLY {} DISABLE TRIGGER {}",
        qualified(table),
        ident(trigger)
    )
}

/// As it was before.
pub fn wake_trigger(table: &ObjectName, trigger: &str, state: TriggerState) -> String {
    let how = match state {
        TriggerState::Always => "ENABLE ALWAYS",
        TriggerState::Replica => "ENABLE REPLICA",
        TriggerState::Origin => "ENABLE",
        TriggerState::Disabled => "DISABLE",
    };
    format!(
        "ALTER TABLE ONLY {} {how} TRIGGER {}",
        qualified(table),
        ident(trigger)
    )
}

pub fn drop_constraint(table: &ObjectName, name: &str) -> String {
    format!(
        "ALTER TABLE {} DROP CONSTRAINT {}",
        qualified(table),
        ident(name)
    )
}

/// `definition` is the server's own (`pg_get_constraintdef`).
pub fn add_constraint(table: &ObjectName, name: &str, definition: &str) -> String {
    format!(
        "ALTER TABLE {} ADD CONSTRAINT {} {definition};",
        qualified(table),
        ident(name)
    )
}

/// Keeps in the journal what must be done again, should the run die before it has.
pub fn journal_promise(statement: &str) -> String {
    format!(
        "INSERT INTO howdah.step (key) VALUES ({})",
        literal(&format!("{PROMISE}{statement}"))
    )
}

pub fn journal_kept(statement: &str) -> String {
    format!(
        "DELETE FROM howdah.step WHERE key = {}",
        literal(&format!("{PROMISE}{statement}"))
    )
}

/// Begins the key of a promise.
const PROMISE: &str = "to do: ";

/// What a dead run has promised and not done; only where there is a journal.
pub const PROMISES: &str =
    "SELECT pg_catalog.substr(key, 8) FROM howdah.step WHERE key LIKE 'to do: %' ORDER BY key";
