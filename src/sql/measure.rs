//! Counting rows, and checksums over them: the same question to both sides.

use crate::model::catalog::{Column, ExtensionConfig, Table};
use crate::model::name::ObjectName;

use super::quote::{ident, qualified};
use super::statements::condition;

/// A column whose values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComparedColumn<'a> {
    pub name: &'a str,
    /// See [`Column::hashes_exactly`].
    pub hashes_exactly: bool,
}

impl<'a> From<&'a Column> for ComparedColumn<'a> {
    fn from(column: &'a Column) -> Self {
        Self {
            name: &column.name,
            hashes_exactly: column.hashes_exactly,
        }
    }
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

    fn select_list(self, columns: &[ComparedColumn<'_>]) -> String {
        let count = "SELECT pg_catalog.count(*)";
        if self == Self::Count {
            return count.to_owned();
        }
        let names: Vec<String> = columns
            .iter()
            .map(|column| {
                let name = format!("x.{}", ident(column.name));
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

/// Rows of one table of the source itself, without its children, as far as they satisfy the filter.
pub fn measure_source(
    table: &Table,
    columns: &[ComparedColumn<'_>],
    measurement: Measurement,
    filter: Option<&str>,
) -> String {
    let list = measurement.select_list(columns);
    let name = qualified(&table.name);
    match condition(table, filter) {
        // The condition may name the table's columns by the table.
        Some(condition) => {
            format!("{list} FROM (SELECT * FROM ONLY {name} {condition}) AS x")
        }
        None => format!("{list} FROM ONLY {name} AS x"),
    }
}

/// The same on the destination; a partitioned table with all its partitions.
pub fn measure_destination(
    name: &ObjectName,
    columns: &[ComparedColumn<'_>],
    measurement: Measurement,
    config: Option<&ExtensionConfig>,
    is_partitioned: bool,
) -> String {
    let list = measurement.select_list(columns);
    let only = if is_partitioned { "" } else { "ONLY " };
    let name = qualified(name);
    match config.map(|config| config.condition.trim()) {
        Some(condition) if !condition.is_empty() => {
            format!("{list} FROM (SELECT * FROM {only}{name} {condition}) AS x")
        }
        _ => format!("{list} FROM {only}{name} AS x"),
    }
}

/// The same through a foreign table: what the transaction that read the rows still sees on the source.
pub fn measure_foreign(
    columns: &[ComparedColumn<'_>],
    foreign: &ObjectName,
    measurement: Measurement,
) -> String {
    format!(
        "{} FROM {} AS x",
        measurement.select_list(columns),
        qualified(foreign)
    )
}
