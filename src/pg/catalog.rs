//! Reads the system catalogs: what the source holds, and what a destination already has.
//!
//! A constant number of queries, whatever the number of tables. Reads only.

use std::collections::HashMap;

use tokio_postgres::{Client, Row};

use crate::model::catalog::{
    Catalog, Column, DatabaseProperties, DatabaseSetting, ExtensionConfig, ForeignKey, HashForm,
    Index, KeyColumn, LargeObjects, MaterializedView, Privilege, Sequence, SequenceOwner,
    Statistics, Table, TableKind, WireType,
};
use crate::model::existing::ExistingObject;
use crate::model::feature::Feature;
use crate::model::name::ObjectName;
use crate::model::problem::Problem;
use crate::model::roles::{DestinationRole, SourceRole};
use crate::model::text::{Repeated, Text};

use super::problem::problem;

const TABLES: &str = include_str!("../../assets/sql/tables.sql");
const INHERITANCE: &str = include_str!("../../assets/sql/inheritance.sql");
const COLUMNS: &str = include_str!("../../assets/sql/columns.sql");
const COLUMNS_10: &str = include_str!("../../assets/sql/columns_10.sql");
const STATISTICS: &str = include_str!("../../assets/sql/statistics.sql");
const STATISTICS_10: &str = include_str!("../../assets/sql/statistics_10.sql");
const INDEXES: &str = include_str!("../../assets/sql/indexes.sql");
const FOREIGN_KEYS: &str = include_str!("../../assets/sql/foreign_keys.sql");
const FOREIGN_KEYS_10: &str = include_str!("../../assets/sql/foreign_keys_10.sql");
const SEQUENCES: &str = include_str!("../../assets/sql/sequences.sql");
const MATERIALIZED_VIEWS: &str = include_str!("../../assets/sql/materialized_views.sql");
const LARGE_OBJECTS: &str = include_str!("../../assets/sql/large_objects.sql");
const DATABASE_PROPERTIES: &str = include_str!("../../assets/sql/database_properties.sql");
const DATABASE_PRIVILEGES: &str = include_str!("../../assets/sql/database_privileges.sql");
const DATABASE_SETTINGS: &str = include_str!("../../assets/sql/database_settings.sql");
const ROLES: &str = include_str!("../../assets/sql/roles.sql");
const DESTINATION_ROLES: &str = include_str!("../../assets/sql/destination_roles.sql");
const DESTINATION_ROLES_16: &str = include_str!("../../assets/sql/destination_roles_16.sql");
const EXISTING: &str = include_str!("../../assets/sql/existing.sql");

pub(super) async fn rows(client: &Client, what: &str, sql: &str) -> Result<Vec<Row>, Problem> {
    client.query(sql, &[]).await.map_err(|error| {
        problem(
            format!("Could not read the {what} from the system catalogs"),
            &error,
        )
    })
}

fn bytes(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// Reads the whole catalog of the database `client` is connected to; `version` is `server_version_num`.
pub async fn read(client: &Client, version: u32) -> Result<Catalog, Problem> {
    // Owners, types, and most names of columns come again and again.
    let mut repeated = Repeated::default();
    let mut tables: Vec<Table> = rows(client, "tables", TABLES)
        .await?
        .iter()
        .map(|row| table_from(row, &mut repeated))
        .collect();
    let position: HashMap<u32, usize> = tables
        .iter()
        .enumerate()
        .map(|(at, table)| (table.oid, at))
        .collect();

    for row in rows(client, "partitions and inheritance", INHERITANCE).await? {
        let (child, parent, is_partition): (u32, u32, bool) = (row.get(0), row.get(1), row.get(2));
        let (Some(&child), Some(&parent)) = (position.get(&child), position.get(&parent)) else {
            continue;
        };
        if is_partition {
            tables[child].partition_of = Some(parent);
        } else {
            tables[child].inherits.push(parent);
            tables[parent].has_inheritance_children = true;
        }
    }
    let columns = if Feature::GeneratedColumns.is_in(version) {
        COLUMNS
    } else {
        COLUMNS_10
    };
    for row in rows(client, "columns", columns).await? {
        if let Some(&at) = position.get(&row.get::<_, u32>(0)) {
            tables[at].columns.push(column_from(&row, &mut repeated));
        }
    }
    for row in rows(client, "indexes", INDEXES).await? {
        if let Some(&at) = position.get(&row.get::<_, u32>(0)) {
            tables[at].indexes.push(Index {
                name: Text::of(row.get(1)),
                definition: Text::of(row.get(2)),
                is_primary: row.get(3),
                is_unique: row.get(4),
                is_valid: row.get(5),
                bytes: bytes(row.get(6)),
            });
        }
    }
    // Each table has two such lists, and most of them are short.
    for table in &mut tables {
        table.columns.shrink_to_fit();
        table.indexes.shrink_to_fit();
    }
    let statistics = if Feature::VirtualColumns.is_in(version) {
        STATISTICS
    } else {
        STATISTICS_10
    };
    for row in rows(client, "statistics", statistics).await? {
        if let Some(&at) = position.get(&row.get::<_, u32>(0)) {
            tables[at].statistics = match row.get(1) {
                Some("complete") => Statistics::Complete,
                Some("extended") => Statistics::Extended,
                _ => Statistics::Incomplete,
            };
        }
    }
    let foreign_keys = if Feature::PartitionedKeys.is_in(version) {
        FOREIGN_KEYS
    } else {
        FOREIGN_KEYS_10
    };
    let foreign_keys = rows(client, "foreign keys", foreign_keys)
        .await?
        .iter()
        .filter_map(|row| foreign_key_from(row, &position))
        .collect();
    let sequences = rows(client, "sequences", SEQUENCES)
        .await?
        .iter()
        .map(|row| sequence_from(row, &position, &mut repeated))
        .collect();
    let materialized_views = rows(client, "materialized views", MATERIALIZED_VIEWS)
        .await?
        .iter()
        .map(|row| MaterializedView {
            oid: row.get(0),
            name: ObjectName::new(row.get::<_, String>(1), row.get::<_, String>(2)),
            is_populated: row.get(3),
            bytes: bytes(row.get(4)),
        })
        .collect();
    let large_objects = rows(client, "large objects", LARGE_OBJECTS)
        .await?
        .first()
        .map(|row| LargeObjects {
            count: bytes(row.get(0)),
            bytes: row.get::<_, Option<i64>>(1).map_or(0, bytes),
        })
        .unwrap_or_default();
    let roles = rows(client, "roles", ROLES)
        .await?
        .iter()
        .map(|row| SourceRole {
            name: row.get(0),
            inherits: row.get(1),
            can_log_in: row.get(2),
            is_in_use: row.get(3),
            owns_large_objects: row.get(4),
        })
        .collect();
    Ok(Catalog {
        tables,
        sequences,
        foreign_keys,
        materialized_views,
        large_objects,
        database: read_database(client).await?,
        roles,
        provided: None,
    })
}

fn foreign_key_from(row: &Row, position: &HashMap<u32, usize>) -> Option<ForeignKey> {
    let names = |at: usize| row.get::<_, Vec<String>>(at);
    let operators = names(7)
        .into_iter()
        .zip(names(8))
        .map(|(schema, name)| ObjectName::new(schema, name));
    Some(ForeignKey {
        oid: row.get(4),
        name: row.get(0),
        table: *position.get(&row.get::<_, u32>(1))?,
        references: *position.get(&row.get::<_, u32>(2))?,
        definition: row.get(3),
        columns: names(5)
            .into_iter()
            .zip(names(6))
            .zip(operators)
            .map(|((column, references), operator)| KeyColumn {
                column,
                references,
                operator,
            })
            .collect(),
        is_match_full: row.get(9),
    })
}

async fn read_database(client: &Client) -> Result<DatabaseProperties, Problem> {
    let privileges = rows(client, "privileges of the database", DATABASE_PRIVILEGES)
        .await?
        .iter()
        .map(|row| Privilege {
            grantor: row.get(0),
            grantee: row.get(1),
            privilege: row.get(2),
            is_grantable: row.get(3),
        })
        .collect();
    let settings = rows(client, "settings of the database", DATABASE_SETTINGS)
        .await?
        .iter()
        .map(|row| DatabaseSetting {
            role: row.get(0),
            name: row.get(1),
            value: row.get(2),
        })
        .collect();
    let properties = rows(client, "properties of the database", DATABASE_PROPERTIES).await?;
    Ok(properties
        .first()
        .map(|row| DatabaseProperties {
            owner: row.get(0),
            comment: row.get(1),
            connection_limit: row.get(2),
            is_template: row.get(3),
            privileges: row.get::<_, bool>(4).then_some(privileges),
            settings,
        })
        .unwrap_or_default())
}

fn table_from(row: &Row, repeated: &mut Repeated) -> Table {
    let extension: Option<String> = row.get(14);
    let condition: Option<String> = row.get(15);
    Table {
        oid: row.get(0),
        name: ObjectName::new(row.get::<_, String>(1), row.get::<_, String>(2)),
        kind: match row.get::<_, String>(3).as_str() {
            "p" => TableKind::Partitioned,
            "f" => TableKind::Foreign,
            _ => TableKind::Ordinary,
        },
        is_unlogged: row.get(4),
        is_out_of_reach: row.get(20),
        owner: repeated.keep(row.get(5)),
        partition_of: None,
        inherits: Vec::new(),
        has_inheritance_children: false,
        columns: Vec::new(),
        indexes: Vec::new(),
        estimated_rows: row.get::<_, Option<i64>>(6).map(bytes),
        page_count: bytes(row.get(7)),
        is_heap: row.get(21),
        hashes_oids: row.get(22),
        table_bytes: bytes(row.get(8)),
        index_bytes: bytes(row.get(9)),
        comment: row.get::<_, Option<&str>>(10).map(Text::of),
        rows_hidden_by_policy: row.get(11),
        can_select: row.get(12),
        can_lock: row.get(13),
        partition_key: row.get::<_, Option<&str>>(17).map(Text::of),
        partition_bound: row.get::<_, Option<&str>>(18).map(Text::of),
        has_insert_rule: row.get(19),
        extension_config: extension.map(|extension| ExtensionConfig {
            extension,
            condition: condition.unwrap_or_default(),
        }),
        has_reading_check: row.get(16),
        statistics: Statistics::Incomplete,
    }
}

fn column_from(row: &Row, repeated: &mut Repeated) -> Column {
    Column {
        name: repeated.keep(row.get(1)),
        type_name: repeated.keep(row.get(2)),
        wire: match row.get::<_, String>(3).as_str() {
            "built-in" => WireType::BuiltIn,
            "enum" => WireType::Enum,
            "oid" => WireType::ObjectIdentifier,
            _ => WireType::Other,
        },
        is_not_null: row.get(4),
        is_identity: row.get(5),
        is_generated: row.get(6),
        default: row.get::<_, Option<&str>>(7).map(Text::of),
        hash_form: match row.get::<_, Option<String>>(8) {
            None => HashForm::Text,
            Some(form) if form == "value" => HashForm::Value,
            Some(form) if form == "byte" => HashForm::Byte,
            Some(form) if form == "nested" => HashForm::NestedFloats,
            Some(function) => HashForm::Sent(function.into()),
        },
    }
}

fn sequence_from(row: &Row, position: &HashMap<u32, usize>, repeated: &mut Repeated) -> Sequence {
    let owner_table = row
        .get::<_, Option<u32>>(4)
        .and_then(|oid| position.get(&oid).copied());
    Sequence {
        oid: row.get(0),
        name: ObjectName::new(row.get::<_, String>(1), row.get::<_, String>(2)),
        owner: repeated.keep(row.get(3)),
        owned_by: owner_table
            .zip(row.get::<_, Option<String>>(5))
            .map(|(table, column)| SequenceOwner {
                table,
                column: repeated.keep(&column),
                is_identity: row.get::<_, Option<bool>>(6) == Some(true),
            }),
        last_value: row.get(7),
        can_select: row.get(8),
        extension: row.get(9),
        is_out_of_reach: row.get(10),
    }
}

/// The roles of the destination's server.
pub async fn read_destination_roles(
    client: &Client,
    version: u32,
) -> Result<Vec<DestinationRole>, Problem> {
    let sql = if Feature::MembershipOptions.is_in(version) {
        DESTINATION_ROLES_16
    } else {
        DESTINATION_ROLES
    };
    let roles = rows(client, "roles of the destination", sql).await?;
    Ok(roles
        .iter()
        .map(|row| DestinationRole {
            name: row.get(0),
            can_stand_in: row.get(1),
        })
        .collect())
}

/// What a destination already holds.
pub async fn read_existing(client: &Client) -> Result<Vec<ExistingObject>, Problem> {
    let mut existing = Vec::new();
    for row in rows(client, "objects of the destination", EXISTING).await? {
        let identity: String = row.get(3);
        existing.push(ExistingObject {
            kind: row.get(0),
            name: ObjectName::new(row.get::<_, String>(1), row.get::<_, String>(2)),
            rows: None,
            identity,
        });
    }
    Ok(existing)
}
