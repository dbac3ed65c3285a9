//! Counting rows, and checksums over them: the same question to both sides.

use crate::model::catalog::{Column, ExtensionConfig, HashForm, Table};
use crate::model::feature::Feature;
use crate::model::name::ObjectName;

use super::quote::{ident, qualified};
use super::statements::condition;

/// A column whose values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComparedColumn<'a> {
    pub name: &'a str,
    pub form: &'a HashForm,
}

impl<'a> From<&'a Column> for ComparedColumn<'a> {
    fn from(column: &'a Column) -> Self {
        Self {
            name: &column.name,
            form: &column.hash_form,
        }
    }
}

/// How the rows of a table are measured on both sides. A checksum is the sum of a 64-bit hash of each row, independent of the
/// rows' order. A sum, not an exclusive or: two equal rows that are both missing would cancel out there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measurement {
    Count,
    /// `hash_record_extended` (14 and newer). What the hash takes for equal though it is not written alike is hashed
    /// as what the type's output function writes.
    HashedRecord,
    /// `hashtextextended` (11 and newer) of the row's text.
    HashedText(Floats),
    /// md5's first half of the row's text, where a side is 10.
    Md5(Floats),
    /// The same of the text in UTF8, where the sides' encodings differ.
    Md5InUtf8(Floats),
}

/// Whether both servers write a float with the same digits. Where they do not, what has no other form is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floats {
    Alike,
    Unlike,
}

impl Measurement {
    /// The best that servers of both versions have.
    pub fn checksum(
        source_version_num: u32,
        destination_version_num: u32,
        is_one_encoding: bool,
    ) -> Self {
        let older = source_version_num.min(destination_version_num);
        let floats =
            if Feature::ShortestFloats.is_between(source_version_num, destination_version_num) {
                Floats::Unlike
            } else {
                Floats::Alike
            };
        if is_one_encoding && Feature::HashOfRecords.is_in(older) {
            Self::HashedRecord
        } else if is_one_encoding && Feature::HashOfText.is_in(older) {
            Self::HashedText(floats)
        } else if is_one_encoding {
            Self::Md5(floats)
        } else {
            Self::Md5InUtf8(floats)
        }
    }

    /// Whether the column's values are part of the measure.
    pub fn includes(self, form: &HashForm) -> bool {
        !(*form == HashForm::NestedFloats
            && matches!(
                self,
                Self::HashedText(Floats::Unlike)
                    | Self::Md5(Floats::Unlike)
                    | Self::Md5InUtf8(Floats::Unlike)
            ))
    }

    /// A value of a column, so that two values are one only where they are written alike.
    fn term(self, column: &ComparedColumn<'_>) -> String {
        let name = format!("x.{}", ident(column.name));
        match (self, column.form) {
            (Self::HashedRecord, HashForm::Value | HashForm::Byte) => name,
            // Not a cast, which may be one of the user's, or leave something out: char(n) without its blanks.
            (Self::HashedRecord, _) => format!(
                "CASE pg_catalog.num_nulls({name}) WHEN 0 THEN pg_catalog.concat({name}) COLLATE pg_catalog.\"C\" END"
            ),
            (_, HashForm::Byte) => format!("{name}::pg_catalog.int4"),
            (_, HashForm::Sent(function)) => format!("pg_catalog.{}({name})", ident(function)),
            _ => name,
        }
    }

    /// For the report.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Count => "the number of rows",
            Self::HashedRecord => {
                "the number of rows and the sum of hash_record_extended over all rows"
            }
            Self::HashedText(_) => {
                "the number of rows and the sum of hashtextextended over all rows as text"
            }
            Self::Md5(_) | Self::Md5InUtf8(_) => {
                "the number of rows and the sum of md5 over all rows as text"
            }
        }
    }

    fn select_list(self, columns: &[ComparedColumn<'_>]) -> String {
        let count = "SELECT pg_catalog.count(*)";
        if self == Self::Count {
            return count.to_owned();
        }
        let names: Vec<String> = columns
            .iter()
            .filter(|column| self.includes(column.form))
            .map(|column| self.term(column))
            .collect();
        let row = format!("ROW({})", names.join(", "));
        let text = format!("{row}::pg_catalog.text");
        let half = |of: String| {
            format!(
                "('x' || pg_catalog.left(pg_catalog.md5({of}), 16))::pg_catalog.bit(64)::pg_catalog.int8"
            )
        };
        let hash = match self {
            Self::HashedRecord => format!("pg_catalog.hash_record_extended({row}, 0)"),
            Self::HashedText(_) => format!("pg_catalog.hashtextextended({text}, 0)"),
            Self::Md5InUtf8(_) => half(format!("pg_catalog.convert_to({text}, 'UTF8')")),
            // A way through UTF8 would make characters one that are not, or end there.
            _ => half(text),
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

/// The same of those rows alone that the step of this key has brought into a table with others.
pub fn measure_brought(
    name: &ObjectName,
    columns: &[ComparedColumn<'_>],
    measurement: Measurement,
    is_partitioned: bool,
    key: &str,
) -> String {
    let list = measurement.select_list(columns);
    let only = if is_partitioned { "" } else { "ONLY " };
    let name = qualified(name);
    let condition = super::existing::brought_by(key);
    format!("{list} FROM (SELECT * FROM {only}{name} {condition}) AS x")
}

/// The same through a foreign table: what the transaction that read the rows still sees on the source.
pub fn measure_foreign(
    columns: &[ComparedColumn<'_>],
    foreign: &ObjectName,
    measurement: Measurement,
    filter: Option<&str>,
) -> String {
    let filter = filter.map_or_else(String::new, |filter| format!(" WHERE {filter}"));
    format!(
        "{} FROM {} AS x{filter}",
        measurement.select_list(columns),
        qualified(foreign)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_between_two_encodings_is_text_taken_to_a_third() {
        let converts = |older, is_one_encoding| {
            let how = Measurement::checksum(older, 150_000, is_one_encoding);
            how.select_list(&[]).contains("convert_to")
        };
        assert!(converts(150_000, false) && converts(100_000, false));
        assert!(!converts(150_000, true) && !converts(100_000, true));
    }
}
