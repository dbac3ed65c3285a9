//! A sample of rows, carried by both methods into a temporary table within a transaction that is rolled back. The rows are those of
//! a table, or, where none is large enough, are made by joining two catalogs of the source with each other: nothing is created there.
//!
//! Every column is text: a type that the destination does not know yet stops nothing, and both methods have the same work.

use crate::model::catalog::Table;
use crate::model::name::ObjectName;
use crate::model::sample::Sample;

use super::quote::{ident, literal, qualified};
use super::statements;

/// Where the rows go.
pub const MAKE_ROOM: &str = "TRUNCATE pg_temp.howdah_sample";

/// Each server has thousands of functions and hundreds of types, which everybody may read: together more than a million rows.
const FUNCTIONS: (&str, &[&str]) = ("pg_proc", &["proname", "prorettype", "proargtypes"]);
const TYPES: (&str, &[&str]) = ("pg_type", &["typname", "typlen", "typarray"]);

/// What is carried.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    Of(&'a Table),
    Made,
}

impl Rows<'_> {
    fn columns(self) -> Vec<String> {
        match self {
            Self::Of(table) => table.columns.iter().map(|one| ident(&one.name)).collect(),
            Self::Made => [FUNCTIONS, TYPES]
                .iter()
                .flat_map(|(_, columns)| columns.iter().map(|name| ident(name)))
                .collect(),
        }
    }

    fn names(self) -> String {
        self.columns().join(", ")
    }

    pub fn create_target(self) -> String {
        format!(
            "CREATE TEMPORARY TABLE howdah_sample ({}) ON COMMIT DROP",
            as_text(&self.columns())
        )
    }

    pub fn copy_out(self, rows: u64) -> String {
        let from = match self {
            Self::Of(table) => format!("ONLY {}", qualified(&table.name)),
            Self::Made => format!(
                "pg_catalog.{} CROSS JOIN pg_catalog.{}",
                FUNCTIONS.0, TYPES.0
            ),
        };
        format!(
            "COPY (SELECT {} FROM {from} LIMIT {rows}) TO STDOUT (FORMAT text)",
            self.names()
        )
    }

    pub fn copy_in(self) -> String {
        format!(
            "COPY pg_temp.howdah_sample ({}) FROM STDIN (FORMAT text)",
            self.names()
        )
    }

    /// Of two tables the source makes the join, not the destination: a join there costs more than any other way.
    pub fn create_foreign(self) -> Vec<String> {
        match self {
            Self::Of(table) => vec![create_foreign("sample", &table.name, &self.columns())],
            Self::Made => [FUNCTIONS, TYPES]
                .iter()
                .map(|(name, columns)| {
                    let columns: Vec<_> = columns.iter().map(|column| ident(column)).collect();
                    create_foreign(name, &ObjectName::new("pg_catalog", *name), &columns)
                })
                .chain(["SET LOCAL enable_nestloop = off".to_owned()])
                .collect(),
        }
    }

    pub fn pull(self, rows: u64) -> String {
        let names = self.names();
        let from = match self {
            Self::Of(_) => qualified(&foreign("sample")),
            Self::Made => format!(
                "{} CROSS JOIN {}",
                qualified(&foreign(FUNCTIONS.0)),
                qualified(&foreign(TYPES.0))
            ),
        };
        format!(
            "INSERT INTO pg_temp.howdah_sample ({names}) SELECT {names} FROM {from} LIMIT {rows}"
        )
    }
}

/// After the pinned settings, which know no limit.
pub fn patience() -> String {
    let seconds = Sample::MOST_SECONDS;
    format!("SET statement_timeout = '{seconds}s'; SET lock_timeout = '{seconds}s'")
}

fn as_text(columns: &[String]) -> String {
    let columns = columns.iter().map(|name| format!("{name} pg_catalog.text"));
    columns.collect::<Vec<_>>().join(", ")
}

fn foreign(name: &'static str) -> ObjectName {
    ObjectName::new(statements::FDW_PROBE_SCHEMA, name)
}

fn create_foreign(name: &'static str, remote: &ObjectName, columns: &[String]) -> String {
    format!(
        "CREATE FOREIGN TABLE {} ({}) SERVER {} OPTIONS (schema_name {}, table_name {})",
        qualified(&foreign(name)),
        as_text(columns),
        statements::fdw_server(0),
        literal(&remote.schema),
        literal(&remote.name)
    )
}
