//! What cannot exist without what is left out: the selection's consequences, by pg_dump's own dependencies.

use std::collections::{HashMap, HashSet};

use crate::model::archive::{Archive, Entry};
use crate::model::catalog::Catalog;
use crate::model::definition;
use crate::model::plan::LeftOut;
use crate::model::selection::{Carry, Selection};

/// OID of `pg_class`: entries of this class are relations.
pub(super) const PG_CLASS: u32 = 1259;

/// Who hangs on whom in an archive, by the entries' positions; looked up once, so that each tick over thousands of tables is
/// answered at once.
#[derive(Clone, Debug, Default)]
pub struct Dependants {
    /// All dependants, those of one entry side by side, and where each entry's begin.
    all: Vec<usize>,
    begins: Vec<usize>,
    /// Position by the entry's id.
    position: HashMap<u32, usize>,
    /// OID of a relation to its entry's position.
    relation: HashMap<u32, usize>,
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
        for (at, on) in pairs() {
            all[next[on]] = at;
            next[on] += 1;
        }
        let relations = entries.iter().enumerate();
        let relations = relations.filter(|(_, entry)| is_table(entry));
        Self {
            relation: relations.map(|(at, entry)| (entry.oid, at)).collect(),
            all,
            begins,
            position,
        }
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
        for (table, carry) in catalog.tables.iter().zip(&selection.tables) {
            if let (Carry::Nothing, Some(at)) = (carry, dependants.table(table.oid)) {
                closure.drop(at, Cause::NotSelected);
            }
        }
        closure.propagate(dependants, 0);
        let before = closure.causes.len();
        closure.drop_idle_sequences(archive, catalog, selection);
        closure.propagate(dependants, before);
        closure
    }

    /// Says in words what is left out.
    pub(super) fn tell(mut self, archive: &Archive) -> Self {
        let told = self.causes.iter();
        self.left_out = told.map(|(at, cause)| tell(archive, *at, *cause)).collect();
        self
    }

    fn drop(&mut self, at: usize, cause: Cause) {
        if !std::mem::replace(&mut self.is_dropped[at], true) {
            self.causes.push((at, cause));
        }
    }

    /// From those that were dropped since.
    fn propagate(&mut self, dependants: &Dependants, since: usize) {
        let mut next = since;
        while let Some((needed, _)) = self.causes.get(next).copied() {
            for at in dependants.on(needed) {
                self.drop(*at, Cause::Needs(needed));
            }
            next += 1;
        }
    }

    /// A sequence goes when its owning table is left out, or when it is not selected and belongs to no table; but never
    /// when something that is carried needs it.
    fn drop_idle_sequences(&mut self, archive: &Archive, catalog: &Catalog, selection: &Selection) {
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
        let entries = archive.entries.iter();
        let needed: HashSet<u32> = entries
            .zip(&self.is_dropped)
            .filter(|(entry, is_dropped)| !**is_dropped && !is_satellite(&entry.kind))
            .flat_map(|(entry, _)| entry.depends_on.iter().copied())
            .collect();
        for (at, entry) in archive.entries.iter().enumerate() {
            let cause = (entry.kind == "SEQUENCE" && !needed.contains(&entry.id))
                .then(|| idle.get(&entry.oid))
                .flatten();
            if let Some(cause) = cause {
                self.drop(at, *cause);
            }
        }
    }
}

pub(super) fn tell(archive: &Archive, at: usize, cause: Cause) -> LeftOut {
    let object = |at: usize| archive.entries.get(at).map_or_else(String::new, describe);
    LeftOut {
        object: object(at),
        because: match cause {
            Cause::NotSelected => "it is not selected".to_owned(),
            Cause::ItsTable => "its table is not selected".to_owned(),
            Cause::Needs(needed) => format!("it needs {}, which is left out", object(needed)),
        },
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
