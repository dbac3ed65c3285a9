//! Reads what a destination's own tables are, for rows that go into tables that are there. A constant number of queries.

use std::collections::HashMap;

use tokio_postgres::Client;

use crate::model::existing::{
    ExistingSchema, ExistingTable, Hurdle, HurdleKind, ReadingView, Trigger, TriggerState,
};
use crate::model::name::ObjectName;
use crate::model::problem::Problem;
use crate::sql::existing::may_silence;

use super::catalog::{self, rows};

const TABLES: &str = include_str!("../../assets/sql/existing_tables.sql");
const TRIGGERS: &str = include_str!("../../assets/sql/existing_triggers.sql");
const HURDLES: &str = include_str!("../../assets/sql/existing_hurdles.sql");
const VIEWS: &str = include_str!("../../assets/sql/existing_views.sql");
const KEY_COMMENTS: &str = include_str!("../../assets/sql/existing_key_comments.sql");
const SEQUENCES: &str = include_str!("../../assets/sql/existing_sequences.sql");

/// `version` is `server_version_num`.
pub async fn read(client: &Client, version: u32) -> Result<ExistingSchema, Problem> {
    let catalog = catalog::read(client, version).await?;
    let position: HashMap<u32, usize> = catalog
        .tables
        .iter()
        .enumerate()
        .map(|(at, table)| (table.oid, at))
        .collect();
    let mut tables = vec![ExistingTable::default(); catalog.tables.len()];
    for row in rows(client, "rights on tables", TABLES).await? {
        if let Some(&at) = position.get(&row.get::<_, u32>(0)) {
            tables[at] = ExistingTable {
                is_owned: row.get(1),
                can_insert: row.get(2),
                can_truncate: row.get(3),
                can_delete: row.get(4),
                can_reference: row.get(5),
                has_deferrable_key: row.get(6),
                triggers: Vec::new(),
            };
        }
    }
    for row in rows(client, "triggers", TRIGGERS).await? {
        if let Some(&at) = position.get(&row.get::<_, u32>(0)) {
            tables[at].triggers.push(Trigger {
                name: row.get(1),
                state: match row.get::<_, String>(2).as_str() {
                    "D" => TriggerState::Disabled,
                    "R" => TriggerState::Replica,
                    "A" => TriggerState::Always,
                    _ => TriggerState::Origin,
                },
                on_insert: row.get(3),
                on_delete: row.get(4),
                on_truncate: row.get(5),
                is_internal: row.get(6),
                is_copy: row.get(7),
            });
        }
    }
    let settable: HashMap<u32, bool> = rows(client, "rights on sequences", SEQUENCES)
        .await?
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    let settable_sequences = catalog
        .sequences
        .iter()
        .map(|sequence| settable.get(&sequence.oid) == Some(&true))
        .collect();
    let key_comments = rows(client, "comments on foreign keys", KEY_COMMENTS)
        .await?
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    let hurdles = rows(client, "rules and constraints", HURDLES)
        .await?
        .iter()
        .map(|row| Hurdle {
            kind: match row.get(0) {
                "rule" => HurdleKind::Rule,
                "check" => HurdleKind::Check,
                "domain" => HurdleKind::DomainCheck,
                _ => HurdleKind::NotNull,
            },
            on: ObjectName::new(row.get::<_, String>(1), row.get::<_, String>(2)),
            name: row.get(3),
        })
        .collect();
    let materialized_views = rows(client, "materialized views", VIEWS)
        .await?
        .iter()
        .map(|row| ReadingView {
            name: ObjectName::new(row.get::<_, String>(0), row.get::<_, String>(1)),
            reads: row.get(2),
        })
        .collect();
    let silence = rows(client, "rights of the role", may_silence(version)).await?;
    Ok(ExistingSchema {
        catalog,
        tables,
        settable_sequences,
        key_comments,
        materialized_views,
        hurdles,
        may_silence: silence.first().is_some_and(|row| row.get(0)),
        ..ExistingSchema::default()
    })
}
