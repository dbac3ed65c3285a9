//! What a run that has not come to its end left word of, in the destination: what it was to do, and what of it is done.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::catalog::{Catalog, KeyColumn};
use super::connection::Endpoint;
use super::name::ObjectName;
use super::options::{Method, Options, SchemaChoice};
use super::plan::Way;
use super::selection::{Carry, Selection};

/// Schema `howdah` of a destination, as read there.
#[derive(Clone, Debug, PartialEq)]
pub struct Journal {
    /// By the destination's clock.
    pub started_at: String,
    pub request: Request,
    /// [`journal_key`](super::plan::Step::journal_key) of every step that is done.
    pub done: BTreeSet<String>,
    /// Of those that were done by another way than their own.
    pub ways: BTreeMap<String, Way>,
    /// Foreign keys of the destination's own that it holds for the time being.
    pub aside: Vec<KeyAside>,
}

/// A foreign key that stood in the destination before the run, as it stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAside {
    pub table: ObjectName,
    pub name: String,
    pub references: ObjectName,
    pub definition: String,
    pub columns: Vec<KeyColumn>,
    pub is_match_full: bool,
    pub comment: Option<String>,
}

impl KeyAside {
    /// `public.film film_language_fkey`.
    pub fn label(&self) -> String {
        key_label(&self.table, &self.name)
    }
}

/// Names a foreign key in the journal.
pub fn key_label(table: &ObjectName, name: &str) -> String {
    format!("{}.{} {name}", table.schema, table.name)
}

/// The journal's key of the step that puts it back.
pub fn put_back_key(label: &str) -> String {
    format!("put back/{label}")
}

/// What the run was asked to do. Written into the journal at its start; holds no secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Without its password.
    pub source: Endpoint,
    pub options: Options,
    /// Tables whose choice is not what the options alone would say.
    pub tables: Vec<TableChoice>,
    pub sequences: Vec<(ObjectName, bool)>,
    /// The destination held nothing else when the run began.
    pub is_whole: bool,
}

/// What was chosen for one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableChoice {
    pub name: ObjectName,
    pub carry: Carry,
    pub method: Option<Method>,
    pub filter: Option<String>,
}

impl Journal {
    /// The run fills tables that were there before it.
    pub fn is_rows_only(&self) -> bool {
        self.request.options.schema == SchemaChoice::None
    }
}

impl Request {
    pub fn new(
        source: &Endpoint,
        options: &Options,
        catalog: &Catalog,
        selection: &Selection,
        is_whole: bool,
    ) -> Self {
        let usual = Selection::of(catalog, options);
        let choice = |of: &Selection, at: usize| TableChoice {
            name: catalog.tables[at].name.clone(),
            carry: of.tables.get(at).copied().unwrap_or_default(),
            method: of.methods.get(at).copied().flatten(),
            filter: of.filter(at).map(str::to_owned),
        };
        let tables = (0..catalog.tables.len())
            .map(|at| (choice(&usual, at), choice(selection, at)))
            .filter(|(usual, chosen)| usual != chosen)
            .map(|(_, chosen)| chosen)
            .collect();
        let sequences = usual.sequences.iter().zip(&selection.sequences);
        let sequences = sequences
            .zip(&catalog.sequences)
            .filter(|((usual, chosen), _)| usual != chosen)
            .map(|((_, chosen), sequence)| (sequence.name.clone(), *chosen))
            .collect();
        Self {
            source: source.without_password(),
            options: options.clone(),
            tables,
            sequences,
            is_whole,
        }
    }

    /// The same choices for the source as it is now.
    pub fn selection(&self, catalog: &Catalog) -> Selection {
        let mut selection = Selection::of(catalog, &self.options);
        for (at, table) in catalog.tables.iter().enumerate() {
            let Some(choice) = self.tables.iter().find(|choice| choice.name == table.name) else {
                continue;
            };
            selection.tables[at] = choice.carry;
            selection.methods[at] = choice.method;
            selection.filters[at].clone_from(&choice.filter);
        }
        for (chosen, sequence) in selection.sequences.iter_mut().zip(&catalog.sequences) {
            let choice = self
                .sequences
                .iter()
                .find(|(name, _)| *name == sequence.name);
            if let Some((_, is_chosen)) = choice {
                *chosen = *is_chosen;
            }
        }
        selection
    }
}

/// Everything of howdah's own in a destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// `schema howdah`.
    pub objects: Vec<String>,
    /// What removes them, in order, without semicolons. Foreign keys of the user's that were set aside come back first.
    pub statements: Vec<String>,
    /// There are such keys among them.
    pub has_keys: bool,
    /// Sessions of howdah's that are at work there now.
    pub sessions: i64,
}
