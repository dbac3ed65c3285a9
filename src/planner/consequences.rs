//! What a choice takes along: the objects that cannot exist without what is left out. Pure, for showing while one chooses.

use foldhash::HashSet;

use crate::model::archive::{Archive, Entry};
use crate::model::catalog::Catalog;
use crate::model::definition::describe;
use crate::model::existing::ExistingObject;
use crate::model::inspection::Inspection;
use crate::model::options::{Options, SchemaChoice};
use crate::model::plan::LeftOut;
use crate::model::selection::Selection;

use super::closure::{Cause, Closure, tell};

pub use super::closure::Dependants;

/// An object that cannot be made, and what it needs: positions in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fallen {
    entry: usize,
    needs: usize,
}

impl Fallen {
    /// In words.
    pub fn tell(self, archive: &Archive) -> LeftOut {
        tell(archive, self.entry, Cause::Needs(self.needs))
    }
}

/// Everything that falls away under this selection, beside what was left out by name.
pub fn of(
    inspection: &Inspection,
    dependants: &Dependants,
    selection: &Selection,
    options: &Options,
) -> Vec<Fallen> {
    if options.schema == SchemaChoice::None {
        return Vec::new();
    }
    let archive = &inspection.archive;
    Closure::among(dependants, archive, &inspection.catalog, selection)
        .causes
        .into_iter()
        .filter_map(|(entry, cause)| match cause {
            Cause::Needs(needs) => Some(Fallen { entry, needs }),
            _ => None,
        })
        .filter(|one| !dependants.is_own(one.entry, one.needs))
        .collect()
}

/// What is made under this selection.
pub fn carried<'a>(
    archive: &'a Archive,
    catalog: &Catalog,
    selection: &Selection,
) -> impl Iterator<Item = &'a Entry> {
    let closure = Closure::of(archive, catalog, selection);
    let entries = archive.entries.iter();
    entries.filter(move |entry| closure.carries(entry))
}

/// What stands where something will be created; schemas last, each with all that is in it.
pub fn in_the_way<'a, 'b>(
    existing: &'a [ExistingObject],
    carried: impl Iterator<Item = &'b Entry>,
) -> Vec<&'a ExistingObject> {
    if existing.is_empty() {
        return Vec::new();
    }
    let wanted: HashSet<(&str, &str, &str)> = carried
        .map(|entry| {
            let names = names_among(&entry.kind);
            let name = entry.name.name.as_str();
            let bare = match names {
                "routine" => name.split('(').next().unwrap_or(name),
                // Any other name may hold a parenthesis, and what stands before it may be the name of another object.
                _ => name,
            };
            (names, entry.name.schema.as_str(), bare)
        })
        .collect();
    let is_schema = |object: &&ExistingObject| object.kind == "schema";
    let (schemas, others): (Vec<_>, Vec<_>) = existing
        .iter()
        .filter(|object| {
            let name = &object.name;
            let schema = if is_schema(object) {
                ""
            } else {
                name.schema.as_str()
            };
            wanted.contains(&(names_among(&object.kind), schema, name.name.as_str()))
        })
        .partition(is_schema);
    [others, schemas].concat()
}

/// Among what an object's name must be the only one of its schema: relations and types share their names, others have names of
/// their own. The kind is pg_dump's or `pg_identify_object`'s.
fn names_among(kind: &str) -> &'static str {
    const OWN: [&str; 16] = [
        "cast",
        "collation",
        "conversion",
        "event trigger",
        "extension",
        "operator",
        "operator class",
        "operator family",
        "publication",
        "schema",
        "server",
        "statistics",
        "text search configuration",
        "text search dictionary",
        "text search parser",
        "text search template",
    ];
    match kind.to_ascii_lowercase().as_str() {
        "function" | "procedure" | "aggregate" => "routine",
        "language" | "procedural language" => "language",
        "foreign data wrapper" | "foreign-data wrapper" => "foreign data wrapper",
        "statistics object" => "statistics",
        other => OWN
            .into_iter()
            .find(|own| *own == other)
            .unwrap_or("relation"),
    }
}

/// What is left out because it belongs to the service that runs the source.
pub fn left_to_provider(
    archive: &Archive,
    catalog: &Catalog,
    selection: &Selection,
) -> Vec<LeftOut> {
    let mut closure = Closure::of(archive, catalog, selection);
    let is_provided =
        |cause: &Cause| matches!(cause, Cause::Provided { .. } | Cause::NotOffered { .. });
    closure.causes.retain(|(_, cause)| is_provided(cause));
    closure.tell(archive).left_out
}

impl Dependants {
    /// Objects of others that go when this table goes: views, foreign keys, functions …; its own indexes and the like are left
    /// unsaid.
    pub fn falling_with(&self, archive: &Archive, table_oid: u32) -> Vec<String> {
        let Some(start) = self.table(table_oid) else {
            return Vec::new();
        };
        let own = format!("{} ", archive.entries[start].name.name);
        let mut seen = HashSet::from_iter([start]);
        let mut queue = vec![start];
        let mut fallen = Vec::new();
        while let Some(needed) = queue.pop() {
            for at in self.on(needed) {
                let entry = &archive.entries[*at];
                if seen.insert(*at) {
                    queue.push(*at);
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
