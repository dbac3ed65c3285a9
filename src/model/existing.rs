//! What a destination already holds before anything is carried.

use std::collections::{BTreeSet, HashMap};

use super::catalog::{Catalog, ForeignKey};
use super::journal::{Journal, key_label, put_back_key};
use super::name::ObjectName;
use super::plan::Way;

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
    /// In the order in which they can be removed.
    pub hurdles: Vec<Hurdle>,
    /// The role may set `session_replication_role`, which silences ordinary triggers and foreign keys.
    pub may_silence: bool,
    /// Foreign keys of the catalog, by position, that an unfinished run has dropped for the time of the copy.
    pub keys_aside: BTreeSet<usize>,
    /// Those that such a run could only put back for new rows, though they had held for all.
    pub keys_weakened: BTreeSet<usize>,
}

impl ExistingSchema {
    /// Foreign keys as they stood before the run that has left this journal: its own doing is not the destination's state.
    pub fn as_before(&mut self, journal: &Journal) {
        let tables = self.catalog.tables.iter().enumerate();
        let by_name: HashMap<&ObjectName, usize> = tables.map(|(at, t)| (&t.name, at)).collect();
        let keys = &mut self.catalog.foreign_keys;
        for (at, key) in keys.iter_mut().enumerate() {
            let label = key_label(&self.catalog.tables[key.table].name, &key.name);
            let is_weakened = journal.ways.get(&put_back_key(&label)) == Some(&Way::NotValid);
            if let (true, Some(whole)) = (is_weakened, key.definition.strip_suffix(" NOT VALID")) {
                key.definition = whole.to_owned();
                self.keys_weakened.insert(at);
            }
        }
        for aside in &journal.aside {
            let ends = by_name
                .get(&aside.table)
                .zip(by_name.get(&aside.references));
            let Some((&table, &references)) = ends else {
                continue;
            };
            if keys
                .iter()
                .any(|key| key.table == table && key.name == aside.name)
            {
                continue;
            }
            // No object of a user's has a number so low.
            let oid = u32::try_from(self.keys_aside.len()).unwrap_or(0);
            self.key_comments
                .extend(aside.comment.clone().map(|comment| (oid, comment)));
            self.keys_aside.insert(keys.len());
            keys.push(ForeignKey {
                oid,
                name: aside.name.clone(),
                table,
                references,
                definition: aside.definition.clone(),
                columns: aside.columns.clone(),
                is_match_full: aside.is_match_full,
            });
        }
    }
}

/// What decides whether and how rows get into a table that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExistingTable {
    /// The role is the owner, or a member of it.
    pub is_owned: bool,
    pub can_insert: bool,
    pub can_truncate: bool,
    pub can_delete: bool,
    pub can_reference: bool,
    /// A deferrable primary key, unique or exclusion constraint: its check at the end is a trigger too, which must not be silenced.
    pub has_deferrable_key: bool,
    pub triggers: Vec<Trigger>,
}

/// A trigger of the user's that INSERT, COPY, DELETE or TRUNCATE fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    pub name: String,
    pub state: TriggerState,
    pub on_insert: bool,
    pub on_delete: bool,
    pub on_truncate: bool,
    /// A partition's copy of its root's trigger as servers before 15 keep it: only a superuser may switch it off.
    pub is_internal: bool,
    /// A partition's copy of its root's trigger: it goes and comes with that one, though its state may be its own.
    pub is_copy: bool,
}

/// What rows that come again would run into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hurdle {
    pub kind: HurdleKind,
    /// The table or the domain.
    pub on: ObjectName,
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HurdleKind {
    /// `ON INSERT` or `ON DELETE`.
    Rule,
    /// Constraints that are `NOT VALID`.
    Check,
    NotNull,
    DomainCheck,
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
