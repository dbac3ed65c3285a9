//! What cannot exist without what is left out: the selection's consequences, by pg_dump's own dependencies.

use foldhash::{HashMap, HashSet};

use crate::model::archive::{Archive, Entry, PG_CLASS};
use crate::model::catalog::Catalog;
use crate::model::definition;
use crate::model::plan::LeftOut;
use crate::model::provider::Provided;
use crate::model::selection::{Carry, Selection};

/// Who hangs on whom in an archive, by the entries' positions; looked up once, so that each tick over thousands of tables is
/// answered at once.
#[derive(Clone, Debug, Default)]
pub struct Dependants {
    /// All dependants, those of one entry side by side and in the archive's order, and where each entry's begin.
    all: Vec<usize>,
    begins: Vec<usize>,
    /// Of each of these, whether it is a part of what it depends on: a table's own index, key, default.
    is_own: Vec<bool>,
    /// Position by the entry's id.
    position: HashMap<u32, usize>,
    /// OID of a relation to its entry's position.
    relation: HashMap<u32, usize>,
    /// Positions of the sequences' entries.
    sequences: Vec<usize>,
}

impl Dependants {
    pub fn of(archive: &Archive) -> Self {
        let entries = &archive.entries;
        let position: HashMap<u32, usize> = entries
            .iter()
            .enumerate()
            .map(|(at, entry)| (entry.id, at))
            .collect();
        let pairs = || {
            let each = entries.iter().enumerate();
            each.flat_map(|(at, entry)| entry.depends_on.iter().map(move |on| (at, on)))
                .filter_map(|(at, on)| Some((at, *position.get(on)?)))
        };
        let mut begins = vec![0; entries.len() + 1];
        for (_, on) in pairs() {
            begins[on + 1] += 1;
        }
        for at in 0..entries.len() {
            begins[at + 1] += begins[at];
        }
        let mut next = begins.clone();
        let mut all = vec![0; begins.last().copied().unwrap_or(0)];
        let mut is_own = vec![false; all.len()];
        for (at, on) in pairs() {
            all[next[on]] = at;
            is_own[next[on]] = is_own_of(&entries[on], &entries[at]);
            next[on] += 1;
        }
        let relations = entries.iter().enumerate();
        let relations = relations.filter(|(_, entry)| is_table(entry));
        let sequences = entries.iter().enumerate();
        let sequences = sequences.filter(|(_, entry)| entry.kind == "SEQUENCE");
        Self {
            sequences: sequences.map(|(at, _)| at).collect(),
            relation: relations.map(|(at, entry)| (entry.oid, at)).collect(),
            all,
            begins,
            is_own,
            position,
        }
    }

    /// Whether `entry` is a part of the `needed` one: that it goes with it goes without saying.
    pub(super) fn is_own(&self, entry: usize, needed: usize) -> bool {
        let begin = self.begins.get(needed).copied().unwrap_or(0);
        let found = self.on(needed).binary_search(&entry);
        found.is_ok_and(|at| self.is_own[begin + at])
    }

    pub(super) fn on(&self, entry: usize) -> &[usize] {
        match (self.begins.get(entry), self.begins.get(entry + 1)) {
            (Some(begin), Some(end)) => &self.all[*begin..*end],
            _ => &[],
        }
    }

    pub(super) fn table(&self, oid: u32) -> Option<usize> {
        self.relation.get(&oid).copied()
    }
}

/// pg_dump names the parts of a table by the table: `film film_pkey`.
fn is_own_of(needed: &Entry, entry: &Entry) -> bool {
    let name = &entry.name;
    needed.kind == "TABLE"
        && name.schema == needed.name.schema
        && name
            .name
            .strip_prefix(needed.name.name.as_str())
            .is_some_and(|rest| rest.starts_with(' '))
}

fn is_table(entry: &Entry) -> bool {
    entry.class_oid == PG_CLASS && entry.kind.contains("TABLE")
}

/// Why an entry is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    NotSelected,
    ItsTable,
    /// The position of what it needs.
    Needs(usize),
    /// It belongs to the service that runs the source, which may run the destination too.
    Provided {
        by: &'static str,
        is_there: bool,
    },
    /// The same, and the destination server does not offer it.
    NotOffered {
        by: &'static str,
    },
}

/// Which entries are made, and why the others are not.
#[derive(Debug, Default)]
pub(super) struct Closure {
    /// By position; empty when all are made.
    is_dropped: Vec<bool>,
    position: HashMap<u32, usize>,
    pub(super) causes: Vec<(usize, Cause)>,
    /// The same for people; see [`Closure::tell`].
    pub(super) left_out: Vec<LeftOut>,
}

impl Closure {
    pub(super) fn carries(&self, entry: &Entry) -> bool {
        let position = self.position.get(&entry.id);
        position.is_none_or(|at| self.is_dropped.get(*at) != Some(&true))
    }

    pub(super) fn of(archive: &Archive, catalog: &Catalog, selection: &Selection) -> Self {
        let dependants = Dependants::of(archive);
        let mut closure = Self::among(&dependants, archive, catalog, selection);
        if !closure.causes.is_empty() {
            closure.position = dependants.position;
        }
        closure
    }

    /// Walks the dependencies until nothing more falls.
    pub(super) fn among(
        dependants: &Dependants,
        archive: &Archive,
        catalog: &Catalog,
        selection: &Selection,
    ) -> Self {
        let mut closure = Self {
            is_dropped: vec![false; archive.entries.len()],
            ..Self::default()
        };
        if let Some(provided) = &catalog.provided {
            closure.drop_provided(provided, archive, catalog, selection);
        }
        for (table, carry) in catalog.tables.iter().zip(&selection.tables) {
            if let (Carry::Nothing, Some(at)) = (carry, dependants.table(table.oid)) {
                closure.drop(at, Cause::NotSelected);
            }
        }
        closure.propagate(dependants, archive, 0);
        let before = closure.causes.len();
        closure.drop_idle_sequences(dependants, archive, catalog, selection);
        closure.propagate(dependants, archive, before);
        closure
    }

    /// Says in words what is left out.
    pub(super) fn tell(mut self, archive: &Archive) -> Self {
        let entry = |at: &usize| &archive.entries[*at];
        let is_schema = |at: &usize| entry(at).kind == "SCHEMA";
        let is_provided = |cause: &Cause| matches!(cause, Cause::Provided { .. });
        let schemas = self.causes.iter().filter(|(at, _)| is_schema(at));
        let schemas: HashSet<&str> = schemas
            .map(|(at, _)| entry(at).name.name.as_str())
            .collect();
        let told = self.causes.iter().filter(|(at, cause)| {
            // A schema stands for all in it.
            !is_provided(cause) || is_schema(at) || !schemas.contains(schema_of(entry(at)))
        });
        self.left_out = told.map(|(at, cause)| tell(archive, *at, *cause)).collect();
        self
    }

    fn drop(&mut self, at: usize, cause: Cause) {
        if !std::mem::replace(&mut self.is_dropped[at], true) {
            self.causes.push((at, cause));
        }
    }

    /// What is the service's own; all of a schema of which the user wants a table comes along.
    fn drop_provided(
        &mut self,
        provided: &Provided,
        archive: &Archive,
        catalog: &Catalog,
        selection: &Selection,
    ) {
        let tables = catalog.tables.iter().zip(&selection.tables);
        let tables = tables.filter(|(_, carry)| **carry != Carry::Nothing);
        let sequences = catalog.sequences.iter().zip(&selection.sequences);
        let sequences = sequences.filter(|(_, is_chosen)| **is_chosen);
        let wanted: HashSet<&str> = tables
            .map(|(table, _)| table.name.schema.as_str())
            .chain(sequences.map(|(sequence, _)| sequence.name.schema.as_str()))
            .filter(|schema| provided.by.has_schema(schema))
            .collect();
        let by = provided.by.name;
        let is_there = provided.is_there;
        for (at, entry) in archive.entries.iter().enumerate() {
            let is_own = provided.by.owns(entry) && !wanted.contains(schema_of(entry))
                || is_there && provided.by.makes_schema(entry);
            if is_own {
                self.drop(at, Cause::Provided { by, is_there });
            } else if entry.kind == "EXTENSION"
                && provided.extensions.contains(entry.name.name.as_str())
            {
                self.drop(at, Cause::NotOffered { by });
            }
        }
    }

    /// From those that were dropped since. What the destination has by itself, others can do with.
    fn propagate(&mut self, dependants: &Dependants, archive: &Archive, since: usize) {
        let mut next = since;
        while let Some((needed, cause)) = self.causes.get(next).copied() {
            let is_there = matches!(cause, Cause::Provided { is_there: true, .. });
            for at in dependants.on(needed) {
                let kind = archive.entries[*at].kind.as_str();
                if !is_there || is_satellite(kind) || kind == "EVENT TRIGGER" {
                    self.drop(*at, Cause::Needs(needed));
                }
            }
            next += 1;
        }
    }

    /// A sequence goes when its owning table is left out, or when it is not selected and belongs to no table; but never
    /// when something that is carried needs it.
    fn drop_idle_sequences(
        &mut self,
        dependants: &Dependants,
        archive: &Archive,
        catalog: &Catalog,
        selection: &Selection,
    ) {
        let idle: HashMap<u32, Cause> = catalog
            .sequences
            .iter()
            .zip(&selection.sequences)
            .filter_map(|(sequence, is_selected)| match &sequence.owned_by {
                Some(owner) => (selection.tables.get(owner.table) == Some(&Carry::Nothing))
                    .then_some((sequence.oid, Cause::ItsTable)),
                None => (!is_selected).then_some((sequence.oid, Cause::NotSelected)),
            })
            .collect();
        if idle.is_empty() {
            return;
        }
        let is_kept =
            |at: &usize| !self.is_dropped[*at] && !is_satellite(&archive.entries[*at].kind);
        let unneeded: Vec<(usize, Cause)> = dependants
            .sequences
            .iter()
            .filter_map(|at| Some((*at, *idle.get(&archive.entries[*at].oid)?)))
            .filter(|(at, _)| !dependants.on(*at).iter().any(is_kept))
            .collect();
        for (at, cause) in unneeded {
            self.drop(at, cause);
        }
    }
}

pub(super) fn tell(archive: &Archive, at: usize, cause: Cause) -> LeftOut {
    let object = |at: usize| archive.entries.get(at).map_or_else(String::new, describe);
    let is_schema = |at: usize| {
        archive
            .entries
            .get(at)
            .is_some_and(|one| one.kind == "SCHEMA")
    };
    LeftOut {
        object: match cause {
            Cause::Provided { .. } if is_schema(at) => format!("{} with all in it", object(at)),
            _ => object(at),
        },
        because: match cause {
            Cause::NotSelected => "it is not selected".to_owned(),
            Cause::ItsTable => "its table is not selected".to_owned(),
            Cause::Needs(needed) => format!("it needs {}, which is left out", object(needed)),
            Cause::Provided { by, is_there: true } => {
                format!("it belongs to {by}, which has its own on the destination")
            }
            Cause::Provided {
                by,
                is_there: false,
            } => {
                format!("it belongs to {by}, and only its own programs use it")
            }
            Cause::NotOffered { by } => {
                format!("it is {by}'s, and the destination server does not offer it")
            }
        },
    }
}

/// The schema that an entry is in, is, or is about.
fn schema_of(entry: &Entry) -> &str {
    let name = entry.name.name.as_str();
    match entry.kind.as_str() {
        "SCHEMA" => name,
        _ if entry.name.schema.is_empty() => name.strip_prefix("SCHEMA ").unwrap_or_default(),
        _ => &entry.name.schema,
    }
}

/// Entries that only describe another object and are no reason to keep it.
fn is_satellite(kind: &str) -> bool {
    matches!(
        kind,
        "SEQUENCE OWNED BY" | "ACL" | "COMMENT" | "SECURITY LABEL" | "SEQUENCE SET"
    )
}

/// `view public.film_list`, for people.
pub(super) fn describe(entry: &Entry) -> String {
    match entry.kind.as_str() {
        "COMMENT" | "ACL" | "SECURITY LABEL" => {
            let kind = definition::kind_words(&entry.kind);
            format!("{kind} on {}", definition::describe_tag(&entry.name))
        }
        kind => definition::describe(kind, &entry.name),
    }
}
