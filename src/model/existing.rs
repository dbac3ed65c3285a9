//! What a destination already holds before anything is carried.

use super::name::ObjectName;

/// An object of the destination that belongs to neither the system nor an extension.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExistingObject {
    /// `table`, `view`, `materialized view`, `sequence`, `function`, `procedure`, `aggregate`, `type`, `domain`, `schema` … as
    /// `pg_identify_object` names it.
    pub kind: String,
    pub name: ObjectName,
    /// `pg_identify_object`'s quoted identity, ready for SQL.
    pub identity: String,
    /// For tables: rows, 0 or 1 told exactly (is it empty?), more by estimate.
    pub rows: Option<u64>,
    /// For tables: column names in order.
    pub columns: Vec<String>,
}
