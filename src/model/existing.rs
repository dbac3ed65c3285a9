//! What a destination already holds before anything is carried.

use std::collections::HashMap;

use super::catalog::Catalog;
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
    /// For tables that hold rows themselves and may be read: how many. A few are counted, more are estimated.
    pub rows: Option<u64>,
}

/// The destination's own tables, for rows that go into tables that are there.
#[derive(Clone, Debug, Default)]
pub struct ExistingSchema {
    pub catalog: Catalog,
    /// What is known of each table beside the catalog's, by the same position.
    pub tables: Vec<ExistingTable>,
    /// Whether the role may set each sequence, by its position in the catalog.
    pub settable_sequences: Vec<bool>,
    /// By the OID of the constraint.
    pub key_comments: HashMap<u32, String>,
    /// Filled ones, each after those it reads.
    pub materialized_views: Vec<ReadingView>,
    /// The role may set `session_replication_role`, which silences ordinary triggers and foreign keys.
    pub may_silence: bool,
}

/// What decides whether and how rows get into a table that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExistingTable {
    /// The role is the owner, or a member of it.
    pub is_owned: bool,
    pub can_insert: bool,
    pub can_truncate: bool,
    pub can_reference: bool,
    /// A deferrable primary key, unique or exclusion constraint: its check at the end is a trigger too, which must not be silenced.
    pub has_deferrable_key: bool,
    pub triggers: Vec<Trigger>,
}

/// A trigger of the user's that INSERT, COPY or TRUNCATE fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    pub name: String,
    pub state: TriggerState,
    pub on_insert: bool,
    pub on_truncate: bool,
    /// A partition's copy of its root's trigger as servers before 15 keep it: only a superuser may switch it off.
    pub is_internal: bool,
}

/// When a trigger fires (`tgenabled`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerState {
    /// Unless `session_replication_role` is `replica`.
    Origin,
    /// Only then.
    Replica,
    Always,
    Disabled,
}

impl Trigger {
    /// It fires in a session that is silenced (`session_replication_role` is `replica`), or in one that is not.
    pub fn fires(&self, is_silenced: bool) -> bool {
        match self.state {
            TriggerState::Origin => !is_silenced,
            TriggerState::Replica => is_silenced,
            TriggerState::Always => true,
            TriggerState::Disabled => false,
        }
    }
}

/// A materialized view with the OIDs of the relations it reads, through views too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadingView {
    pub name: ObjectName,
    pub reads: Vec<u32>,
}
