//! Foreign keys that rows break.

use crate::model::catalog::{ForeignKey, KeyColumn, Table};
use crate::model::name::ObjectName;

use super::existing::relation;
use super::quote::{ident, qualified};

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
