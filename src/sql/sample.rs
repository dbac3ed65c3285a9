//! A sample of a table's rows, carried by both methods into a temporary table within a transaction that is rolled back.
//!
//! Every column is text there: a type that the destination does not know yet stops nothing, and both methods have the same
//! work.

use crate::model::catalog::Table;
use crate::model::name::ObjectName;
use crate::model::sample::Sample;

use super::quote::{ident, literal, qualified};
use super::statements;

/// Where the rows go.
pub const MAKE_ROOM: &str = "TRUNCATE pg_temp.howdah_sample";

fn columns_as_text(table: &Table) -> String {
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|column| format!("{} pg_catalog.text", ident(&column.name)))
        .collect();
    columns.join(", ")
}

fn names(table: &Table) -> String {
    let names: Vec<_> = table
        .columns
        .iter()
        .map(|column| ident(&column.name))
        .collect();
    names.join(", ")
}

/// After the pinned settings, which know no limit.
pub fn patience() -> String {
    let seconds = Sample::MOST_SECONDS;
    format!("SET statement_timeout = '{seconds}s'; SET lock_timeout = '{seconds}s'")
}

pub fn create_target(table: &Table) -> String {
    format!(
        "CREATE TEMPORARY TABLE howdah_sample ({}) ON COMMIT DROP",
        columns_as_text(table)
    )
}

pub fn copy_out(table: &Table, rows: u64) -> String {
    format!(
        "COPY (SELECT {} FROM ONLY {} LIMIT {rows}) TO STDOUT (FORMAT text)",
        names(table),
        qualified(&table.name)
    )
}

pub fn copy_in(table: &Table) -> String {
    format!(
        "COPY pg_temp.howdah_sample ({}) FROM STDIN (FORMAT text)",
        names(table)
    )
}

fn foreign() -> ObjectName {
    ObjectName::new(statements::FDW_PROBE_SCHEMA, "sample")
}

pub fn create_foreign(table: &Table) -> String {
    format!(
        "CREATE FOREIGN TABLE {} ({}) SERVER {} OPTIONS (schema_name {}, table_name {})",
        qualified(&foreign()),
        columns_as_text(table),
        statements::fdw_server(0),
        literal(&table.name.schema),
        literal(&table.name.name)
    )
}

pub fn pull(table: &Table, rows: u64) -> String {
    let names = names(table);
    format!(
        "INSERT INTO pg_temp.howdah_sample ({names}) SELECT {names} FROM {} LIMIT {rows}",
        qualified(&foreign())
    )
}
