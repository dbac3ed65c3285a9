//! What this role may read on the source.

use crate::model::catalog::{Catalog, Table};
use crate::model::connection::ServerFacts;
use crate::model::finding::{Finding, Fix, Level};
use crate::model::options::Options;
use crate::model::selection::{Carry, Selection};
use crate::sql::statements;

fn selected<'a>(catalog: &'a Catalog, options: &Options) -> impl Iterator<Item = &'a Table> {
    let selection = Selection::of(catalog, options);
    catalog
        .tables
        .iter()
        .zip(selection.tables)
        .filter(|(_, carry)| *carry != Carry::Nothing)
        .map(|(table, _)| table)
}

/// pg_dump locks and reads every table of the database, so all must be readable, not only the selected ones.
pub(super) fn tables_readable(
    catalog: &Catalog,
    source: &ServerFacts,
    options: &Options,
) -> Vec<Finding> {
    let tables: Vec<&Table> = catalog.tables.iter().filter(|t| !t.can_select).collect();
    let sequences: Vec<_> = catalog.sequences.iter().filter(|s| !s.can_select).collect();
    if tables.is_empty() && sequences.is_empty() {
        let count = selected(catalog, options).count();
        return vec![Finding::fine(format!(
            "{count} tables and {} sequences are readable",
            catalog.sequences.len()
        ))];
    }
    let fixes: Vec<String> = tables
        .iter()
        .map(|t| statements::grant("SELECT", "TABLE", &t.name, &source.user))
        .chain(
            sequences
                .iter()
                .map(|s| statements::grant("SELECT", "SEQUENCE", &s.name, &source.user)),
        )
        .collect();
    let objects = tables
        .iter()
        .map(|t| &t.name)
        .chain(sequences.iter().map(|s| &s.name))
        .map(ToString::to_string);
    vec![
        Finding::new(
            Level::Blocking,
            format!(
                "{} tables and {} sequences cannot be read by {}",
                tables.len(),
                sequences.len(),
                source.user
            ),
            "Their rows and values would be missing from the copy, so nothing is started. A superuser, or the owner, can grant the right.",
        )
        .objects(objects.collect())
        .fix(Fix::on_source(fixes, "their owner or a superuser")),
    ]
}

pub(super) fn row_security(
    catalog: &Catalog,
    source: &ServerFacts,
    options: &Options,
) -> Vec<Finding> {
    let hidden: Vec<String> = selected(catalog, options)
        .filter(|t| t.rows_hidden_by_policy)
        .map(|t| t.name.to_string())
        .collect();
    if hidden.is_empty() {
        return vec![Finding::fine("Every row is visible")];
    }
    vec![
        Finding::new(
            Level::Blocking,
            format!("Row-level security hides rows of {} tables from {}", hidden.len(), source.user),
            "This role sees only a part of the rows, and the copy would silently lack the rest. Connect as the tables' owner, or let the role see all rows.",
        )
        .objects(hidden)
        .fix(Fix::on_source(
            vec![statements::bypass_policies(&source.user)],
            "a superuser",
        )),
    ]
}
