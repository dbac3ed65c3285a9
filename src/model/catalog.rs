//! What the source holds, read once from its system catalogs.

use serde::{Deserialize, Serialize};

use super::name::ObjectName;
use super::provider::Provided;
use super::roles::SourceRole;
use super::text::Text;

/// The source database as the planner and the wizard see it. Tables and sequences stand in name order and
/// are referred to by their position.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub tables: Vec<Table>,
    pub sequences: Vec<Sequence>,
    pub foreign_keys: Vec<ForeignKey>,
    pub materialized_views: Vec<MaterializedView>,
    pub large_objects: LargeObjects,
    pub database: DatabaseProperties,
    /// Of the whole server, in name order.
    pub roles: Vec<SourceRole>,
    /// What belongs to the service that runs the source; none on a server of one's own.
    pub provided: Option<Provided>,
}

impl Catalog {
    /// The service that runs the source has this table for itself.
    pub fn is_provided_table(&self, table: &Table) -> bool {
        let extension = table.extension_config.as_ref();
        self.is_provided(&table.name, extension.map(|one| one.extension.as_str()))
    }

    pub fn is_provided_sequence(&self, sequence: &Sequence) -> bool {
        self.is_provided(&sequence.name, sequence.extension.as_deref())
    }

    fn is_provided(&self, name: &ObjectName, extension: Option<&str>) -> bool {
        self.provided.as_ref().is_some_and(|provided| {
            provided.by.has_schema(&name.schema)
                || extension.is_some_and(|one| provided.extensions.contains(one))
        })
    }
}

/// What the source says of the database itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseProperties {
    pub owner: String,
    pub comment: Option<String>,
    pub connection_limit: Option<i32>,
    pub is_template: bool,
    /// None: nobody ever granted or revoked anything.
    pub privileges: Option<Vec<Privilege>>,
    pub settings: Vec<DatabaseSetting>,
}

/// `ALTER DATABASE … SET`, or `ALTER ROLE … IN DATABASE … SET`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseSetting {
    pub role: Option<String>,
    pub name: String,
    pub value: String,
}

/// One right of one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Privilege {
    pub grantor: String,
    /// None is PUBLIC.
    pub grantee: Option<String>,
    /// `SELECT`, `CONNECT` …
    pub privilege: String,
    pub is_grantable: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaterializedView {
    pub oid: u32,
    pub name: ObjectName,
    /// `relispopulated`: a view that was never refreshed stays so.
    pub is_populated: bool,
    pub bytes: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TableKind {
    #[default]
    Ordinary,
    /// A partitioned parent: holds no rows itself.
    Partitioned,
    /// Rows are elsewhere; only the definition is carried.
    Foreign,
}

/// A relation that can hold, or stand for, rows.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub oid: u32,
    pub name: ObjectName,
    pub kind: TableKind,
    pub is_unlogged: bool,
    /// Unlogged, and this is a standby: the rows are on the primary alone.
    pub is_out_of_reach: bool,
    pub owner: Text,
    /// The partitioned table this is a partition of (position in [`Catalog::tables`]).
    pub partition_of: Option<usize>,
    /// Plain inheritance parents (positions).
    pub inherits: Vec<usize>,
    /// Other tables inherit from this one (not partitions): a remote SELECT would return their rows too.
    pub has_inheritance_children: bool,
    pub columns: Vec<Column>,
    pub indexes: Vec<Index>,
    /// `reltuples`; none when the table was never analyzed.
    pub estimated_rows: Option<u64>,
    /// Pages of its main file, and whether they are those of a heap, whose rows lie where their `ctid` says.
    pub page_count: u64,
    pub is_heap: bool,
    /// Heap, TOAST and maps: `pg_table_size`.
    pub table_bytes: u64,
    pub index_bytes: u64,
    pub comment: Option<Text>,
    /// Row-level security is on and would apply to the role that reads.
    pub rows_hidden_by_policy: bool,
    pub can_select: bool,
    /// The role may take a SHARE lock (before 17: UPDATE, DELETE or TRUNCATE; from 17 also MAINTAIN).
    pub can_lock: bool,
    /// How a partitioned table is parted, and what of its parent's rows a partition holds, as the server says it.
    pub partition_key: Option<Text>,
    pub partition_bound: Option<Text>,
    /// Partitioned by a hash of values of which every server may make another: a row need not belong to the same partition there.
    pub hashes_oids: bool,
    /// An `ON INSERT` rule, which COPY does not know and `INSERT` obeys.
    pub has_insert_rule: bool,
    /// The extension this configuration table belongs to, with its dump condition (`extcondition`).
    pub extension_config: Option<ExtensionConfig>,
    /// A check of the table, or of a domain in it, calls a function that may read other tables.
    pub has_reading_check: bool,
    pub statistics: Statistics,
}

/// What the server knows of the values in a table, for its planner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Statistics {
    /// Never gathered, or not since a column or an index over an expression was added.
    #[default]
    Incomplete,
    /// Objects of `CREATE STATISTICS` are part of them.
    Extended,
    Complete,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionConfig {
    pub extension: String,
    pub condition: String,
}

impl Table {
    /// Rows live in this relation itself and are to be copied.
    pub fn holds_rows(&self) -> bool {
        self.kind == TableKind::Ordinary
    }

    /// Columns that a copy must name: generated ones are computed by the destination.
    pub fn copied_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| !column.is_generated)
    }
}

/// In which form a column's values go into a checksum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HashForm {
    /// Values that hash alike are written alike: the value itself.
    Value,
    #[default]
    Text,
    /// Type `"char"`, whose text depends on the version: its number.
    Byte,
    /// A built-in type that holds floats, whose text depends on the version: what this function sends.
    Sent(Text),
    /// Floats inside of a type of the user's, for which there is nothing but text.
    NestedFloats,
}

#[derive(Clone, Debug)]
pub struct Column {
    pub name: Text,
    /// `format_type`, for people.
    pub type_name: Text,
    pub wire: WireType,
    pub is_not_null: bool,
    pub is_identity: bool,
    pub is_generated: bool,
    pub hash_form: HashForm,
    pub default: Option<Text>,
}

/// How a column's type may travel; domains are looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireType {
    /// Built-in scalar, range or array of such: binary form holds nothing that differs between servers.
    BuiltIn,
    /// Binary form is the label.
    Enum,
    /// `regclass` and kin: binary form is an OID of this very server.
    ObjectIdentifier,
    /// Everything else: composites, arrays of user types, extension types, types without binary functions.
    Other,
}

#[derive(Clone, Debug)]
pub struct Index {
    pub name: Text,
    pub definition: Text,
    pub is_primary: bool,
    pub is_unique: bool,
    pub is_valid: bool,
    pub bytes: u64,
}

/// A foreign key between two tables (positions in [`Catalog::tables`]); copies on partitions are left out.
#[derive(Clone, Debug)]
pub struct ForeignKey {
    /// OID of its `pg_constraint` row.
    pub oid: u32,
    pub name: String,
    pub table: usize,
    pub references: usize,
    pub definition: String,
    pub columns: Vec<KeyColumn>,
    /// `MATCH FULL`: a row with some of the columns null breaks the key too.
    pub is_match_full: bool,
}

/// One column of a foreign key with the column it refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyColumn {
    pub column: String,
    pub references: String,
    /// Schema and name of the operator that compares them, the referenced value on its left (`conpfeqop`).
    pub operator: ObjectName,
}

#[derive(Clone, Debug, Default)]
pub struct Sequence {
    pub oid: u32,
    pub name: ObjectName,
    pub owner: Text,
    /// The column that owns it: table position, column name, and whether it is an identity column's.
    pub owned_by: Option<SequenceOwner>,
    /// `pg_sequences.last_value` at reading time; none when never used or not readable.
    pub last_value: Option<i64>,
    pub can_select: bool,
    /// Unlogged, and this is a standby.
    pub is_out_of_reach: bool,
    /// It belongs to an extension's configuration.
    pub extension: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceOwner {
    pub table: usize,
    pub column: Text,
    pub is_identity: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LargeObjects {
    pub count: u64,
    /// Estimated from pages; 2 KiB each.
    pub bytes: u64,
}
