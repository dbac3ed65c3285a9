//! In which encoding a table's characters travel. It decides nothing else about a table's way.

use crate::model::catalog::{Column, Table, WireType};

use super::Context;

/// Every character of these has one of UTF8, and comes back from it as it was.
const WHOLE_IN_UTF8: [&str; 2] = ["UTF8", "LATIN1"];

/// First words of the built-in types that hold no characters; what they send means the same in every encoding.
const WITHOUT_CHARACTERS: [&str; 14] = [
    "smallint",
    "integer",
    "bigint",
    "boolean",
    "bytea",
    "real",
    "double",
    "numeric",
    "date",
    "time",
    "timestamp",
    "interval",
    "uuid",
    "oid",
];

impl Context<'_> {
    /// The encoding of both databases, where a way through UTF8 would change characters (EUC_JP) or end the copy (SQL_ASCII).
    pub(super) fn encoding_of_both(&self) -> Option<&str> {
        let source = self.inspection.source.database.as_ref()?;
        let there = self.inspection.destination.database.as_ref();
        // A database yet to be made takes the source's encoding.
        let is_one = there.is_none_or(|there| there.encoding == source.encoding);
        (is_one && !WHOLE_IN_UTF8.contains(&&*source.encoding)).then_some(&source.encoding)
    }

    /// Binary COPY sends characters in the session's encoding, which is UTF8 so that errors can be read; text COPY in any.
    pub(super) fn binary_would_convert(&self, table: &Table) -> bool {
        self.encoding_of_both().is_some() && table.copied_columns().any(may_hold_characters)
    }
}

fn may_hold_characters(column: &Column) -> bool {
    let first = column.type_name.split([' ', '(', '[']).next();
    column.wire != WireType::BuiltIn
        || !first.is_some_and(|word| WITHOUT_CHARACTERS.contains(&word))
}
