//! What a choice takes along: the objects that cannot exist without what is left out. Pure, for showing while one chooses.

use std::collections::{HashMap, HashSet};

use crate::model::archive::{Archive, Entry};
use crate::model::definition::describe;
use crate::model::inspection::Inspection;
use crate::model::options::{Options, SchemaChoice};
use crate::model::plan::LeftOut;
use crate::model::selection::Selection;

use super::closure::{Closure, PG_CLASS};

/// Everything that falls away under this selection, beside what was left out by name.
pub fn of(inspection: &Inspection, selection: &Selection, options: &Options) -> Vec<LeftOut> {
    if options.schema == SchemaChoice::None {
        return Vec::new();
    }
    Closure::of(&inspection.archive, &inspection.catalog, selection)
        .left_out
        .into_iter()
        .filter(|one| one.because.starts_with("it needs ") && !is_own(one))
        .collect()
}

/// An index, a trigger … of the very table that is left out: that it goes goes without saying.
fn is_own(one: &LeftOut) -> bool {
    let needed = one.because.strip_prefix("it needs table ");
    let table = needed.and_then(|rest| rest.strip_suffix(", which is left out"));
    table.is_some_and(|table| one.object.contains(&format!(" {table} ")))
}

/// Who hangs on whom in an archive, looked up once so that a cursor may move over thousands of tables.
#[derive(Clone, Debug, Default)]
pub struct Dependants {
    /// Entry's id to the positions of those that depend on it.
    of_entry: HashMap<u32, Vec<usize>>,
    /// OID of a relation to its entry's id.
    entry_of_relation: HashMap<u32, u32>,
}

impl Dependants {
    pub fn of(archive: &Archive) -> Self {
        let mut found = Self::default();
        for (at, entry) in archive.entries.iter().enumerate() {
            for dependency in &entry.depends_on {
                found.of_entry.entry(*dependency).or_default().push(at);
            }
            if entry.class_oid == PG_CLASS && entry.kind.ends_with("TABLE") {
                found.entry_of_relation.insert(entry.oid, entry.id);
            }
        }
        found
    }

    /// Objects of others that go when this table goes: views, foreign keys, functions …; its own indexes and the like are left
    /// unsaid.
    pub fn falling_with(&self, archive: &Archive, table_oid: u32) -> Vec<String> {
        let Some(&start) = self.entry_of_relation.get(&table_oid) else {
            return Vec::new();
        };
        let own = archive.entries.iter().find(|entry| entry.id == start);
        let own = own
            .map(|entry| format!("{} ", entry.name.name))
            .unwrap_or_default();
        let mut seen = HashSet::from([start]);
        let mut queue = vec![start];
        let mut fallen = Vec::new();
        while let Some(id) = queue.pop() {
            for at in self.of_entry.get(&id).into_iter().flatten() {
                let entry = &archive.entries[*at];
                if seen.insert(entry.id) {
                    queue.push(entry.id);
                    if is_worth_saying(entry) && !entry.name.name.starts_with(&own) {
                        fallen.push(describe(&entry.kind, &entry.name));
                    }
                }
            }
        }
        fallen.sort_unstable();
        fallen
    }
}

fn is_worth_saying(entry: &Entry) -> bool {
    !matches!(
        entry.kind.as_str(),
        "ACL"
            | "COMMENT"
            | "SECURITY LABEL"
            | "DEFAULT"
            | "SEQUENCE OWNED BY"
            | "INDEX ATTACH"
            | "TABLE ATTACH"
    )
}
