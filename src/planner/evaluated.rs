//! What the destination evaluates by itself: checks and generated columns of rows on their way in, expressions of indexes,
//! materialized views. All these may depend on the time zone and on how dates are written; they see those that a session on the
//! source has by itself, for the one transaction, where howdah's own pins would give other values.

use foldhash::HashSet;

use crate::model::archive::{Archive, Entry};
use crate::model::options::Keep;
use crate::model::plan::Text;
use crate::sql::settings;

use super::Context;

/// Entries of tables whose rows are evaluated as they come: a check, also of a domain, a generated column, a partition key.
pub(super) fn tables(archive: &Archive) -> HashSet<u32> {
    let entries = || archive.entries.iter();
    let has_checked_domains = entries().any(|one| one.kind == "DOMAIN" && has_check(one));
    entries()
        .filter(|one| one.kind == "TABLE")
        .filter(|one| {
            has_checked_domains
                || has_check(one)
                || one.sql.contains("GENERATED ALWAYS AS (")
                || one
                    .sql
                    .split_once("PARTITION BY ")
                    .is_some_and(|(_, key)| has_expression(key))
        })
        .map(|one| one.id)
        .collect()
}

fn has_check(entry: &Entry) -> bool {
    entry.sql.contains("CHECK (")
}

/// The list of columns alone has one pair of parentheses.
fn has_expression(text: &str) -> bool {
    text.matches('(').nth(1).is_some()
}

impl Context<'_> {
    /// What comes before such a step's own statements, in its transaction.
    pub(super) fn as_on_source(&self) -> Vec<Text> {
        let source = self.inspection.source.database.as_ref();
        let own = source.map(|one| settings::as_on_source(&one.time_zone, &one.date_style));
        own.into_iter().flatten().map(Text::from).collect()
    }

    /// Takes it back in the same transaction, for what must be read alike on both sides.
    pub(super) fn as_pinned(&self) -> Vec<Text> {
        let source = self.inspection.source.database.as_ref();
        let pinned = source.map(|one| settings::as_pinned(&one.time_zone, &one.date_style));
        pinned.into_iter().flatten().map(Text::from).collect()
    }

    /// Parameters of somebody's own (`app.tenant`) that the database gives its sessions, as on the source. Only what is no
    /// expression can depend on them: a query.
    pub(super) fn parameters_of_database(&self) -> Vec<Text> {
        let settings = self.inspection.catalog.database.settings.iter();
        // Their values may be secrets: who leaves them out does not want them in a plan either.
        settings
            .filter(|_| self.options.database_settings == Keep::Keep)
            .filter(|one| one.role.is_none() && one.name.contains('.'))
            .map(|one| settings::local_parameter(&one.name, &one.value).into())
            .collect()
    }

    /// The rows of a table are evaluated as they come. What tables that are there do with them is not known.
    pub(super) fn rows_are_evaluated(&self, table: usize) -> bool {
        let tables = &self.inspection.catalog.tables;
        let mut chain = std::iter::successors(Some(table), |at| tables[*at].partition_of);
        self.landing(table).is_some()
            || chain.any(|at| {
                let entry = self.entry_of_table.get(&at);
                entry.is_some_and(|id| self.evaluated_tables.contains(id))
            })
    }
}

/// An index or a constraint that is more than a list of columns.
pub(super) fn is_evaluated(entry: &Entry) -> bool {
    match entry.kind.as_str() {
        "INDEX" | "CONSTRAINT" | "CHECK CONSTRAINT" => has_expression(&entry.sql),
        _ => false,
    }
}
