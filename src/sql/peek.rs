//! A look at a table's first rows.

use crate::model::catalog::{Table, TableKind};
use crate::model::peek::Peek;

use super::quote::{ident, qualified};
use super::statements::condition;

/// The rows that would be carried, in no order, cut on the server so that no long value travels.
pub fn first_rows(table: &Table, filter: Option<&str>) -> String {
    let most = Peek::CHARACTERS + 1;
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|column| format!("left({}::text, {most})", ident(&column.name)))
        .collect();
    // A partitioned table's rows are those of its partitions.
    let only = match table.kind {
        TableKind::Partitioned => "",
        _ => "ONLY ",
    };
    let condition = condition(table, filter).map_or_else(String::new, |text| format!(" {text}"));
    format!(
        "SELECT {} FROM {only}{}{condition} LIMIT {}",
        columns.join(", "),
        qualified(&table.name),
        Peek::ROWS
    )
}

/// After the pinned settings, which know no limit.
pub fn patience() -> String {
    let seconds = Peek::SECONDS;
    format!("SET statement_timeout = '{seconds}s'; SET lock_timeout = '{seconds}s'")
}
