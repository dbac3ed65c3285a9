//! What cannot exist without what is left out: the selection's consequences, by pg_dump's own dependencies.

use std::collections::{HashMap, HashSet};

use crate::model::archive::{Archive, Entry};
use crate::model::catalog::Catalog;
use crate::model::name::{ObjectName, printable};
use crate::model::plan::LeftOut;
use crate::model::selection::{Carry, Selection};

/// OID of `pg_class`: entries of this class are relations.
pub(super) const PG_CLASS: u32 = 1259;

/// Which entries are made, and why the others are not.
#[derive(Debug, Default)]
pub(super) struct Closure {
    dropped: HashSet<u32>,
    pub(super) left_out: Vec<LeftOut>,
}

impl Closure {
    pub(super) fn carries(&self, entry: &Entry) -> bool {
        !self.dropped.contains(&entry.id)
    }

    /// Walks the dependencies once per round until nothing more falls.
    pub(super) fn of(archive: &Archive, catalog: &Catalog, selection: &Selection) -> Self {
        let mut closure = Self::default();
        let tables: HashMap<u32, usize> = catalog
            .tables
            .iter()
            .enumerate()
            .map(|(at, t)| (t.oid, at))
            .collect();
        for entry in &archive.entries {
            let is_left_out = entry.class_oid == PG_CLASS
                && entry.kind.contains("TABLE")
                && tables
                    .get(&entry.oid)
                    .is_some_and(|at| selection.tables.get(*at) == Some(&Carry::Nothing));
            if is_left_out {
                closure.drop(entry, "it is not selected".to_owned());
            }
        }
        closure.propagate(archive);
        closure.drop_idle_sequences(archive, catalog, selection);
        closure.propagate(archive);
        closure
    }

    fn drop(&mut self, entry: &Entry, because: String) {
        if self.dropped.insert(entry.id) {
            self.left_out.push(LeftOut {
                object: describe(entry),
                because,
            });
        }
    }

    fn propagate(&mut self, archive: &Archive) {
        if self.dropped.is_empty() {
            return;
        }
        let by_id: HashMap<u32, &Entry> = archive.entries.iter().map(|e| (e.id, e)).collect();
        let mut dependants: HashMap<u32, Vec<&Entry>> = HashMap::new();
        for entry in &archive.entries {
            for dependency in &entry.depends_on {
                dependants.entry(*dependency).or_default().push(entry);
            }
        }
        let mut queue: Vec<u32> = self.dropped.iter().copied().collect();
        queue.sort_unstable();
        while let Some(id) = queue.pop() {
            for entry in dependants.get(&id).into_iter().flatten() {
                if !self.dropped.contains(&entry.id) {
                    let needed = by_id.get(&id).map_or_else(String::new, |e| describe(e));
                    self.drop(entry, format!("it needs {needed}, which is left out"));
                    queue.push(entry.id);
                }
            }
        }
    }

    /// A sequence goes when its owning table is left out, or when it is not selected and belongs to no table; but never
    /// when something that is carried needs it.
    fn drop_idle_sequences(&mut self, archive: &Archive, catalog: &Catalog, selection: &Selection) {
        let idle: HashMap<u32, &str> = catalog
            .sequences
            .iter()
            .zip(&selection.sequences)
            .filter_map(|(sequence, is_selected)| match &sequence.owned_by {
                Some(owner) => (selection.tables.get(owner.table) == Some(&Carry::Nothing))
                    .then_some((sequence.oid, "its table is not selected")),
                None => (!is_selected).then_some((sequence.oid, "it is not selected")),
            })
            .collect();
        if idle.is_empty() {
            return;
        }
        let needed: HashSet<u32> = archive
            .entries
            .iter()
            .filter(|e| self.carries(e) && !is_satellite(&e.kind))
            .flat_map(|e| e.depends_on.iter().copied())
            .collect();
        for entry in &archive.entries {
            let because = (entry.kind == "SEQUENCE" && !needed.contains(&entry.id))
                .then(|| idle.get(&entry.oid))
                .flatten();
            if let Some(because) = because {
                self.drop(entry, (*because).to_owned());
            }
        }
    }
}

/// Entries that only describe another object and are no reason to keep it.
fn is_satellite(kind: &str) -> bool {
    matches!(
        kind,
        "SEQUENCE OWNED BY" | "ACL" | "COMMENT" | "SECURITY LABEL" | "SEQUENCE SET"
    )
}

/// `VIEW public.film_list`, for people.
pub(super) fn describe(entry: &Entry) -> String {
    let name = if entry.name.schema.is_empty() {
        printable(&entry.name.name).into_owned()
    } else {
        ObjectName::to_string(&entry.name)
    };
    format!("{} {name}", entry.kind.to_lowercase())
}
