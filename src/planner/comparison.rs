//! A destination's archive held against the plan that was to make it, as its entries come. What two entries say to one another is
//! for [`definitions`](super::definitions) to tell.

use std::collections::BTreeSet;
use std::sync::Arc;

use foldhash::HashMap;

use crate::model::archive::Entry;
use crate::model::definition::{Definition, DefinitionsResult};
use crate::model::name::ObjectName;
use crate::model::options::{Keep, Options};
use crate::model::plan::Plan;
use crate::model::text::Text;
use crate::sql::lexer;

use super::definitions::{Terms, compare_entries, expected, is_skipped};

/// What the plan was to make held against what the destination's archive says, as its entries come. Most read alike, letter by
/// letter: of these nothing is kept, and nothing is written anew.
#[derive(Debug)]
pub struct Comparison {
    plan: Arc<Plan>,
    /// What there is of one kind and name in the plan, by its position in the archive.
    made: HashMap<(Text, ObjectName), Seen>,
    /// Of the destination, what does not read alike.
    others: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Not(u32),
    Alike(u32),
    /// One of several of this name, on either side.
    Several,
}

impl Comparison {
    pub fn new(plan: Arc<Plan>) -> Self {
        let mut made: HashMap<(Text, ObjectName), Seen> = HashMap::default();
        // Under other names of roles most read otherwise.
        if plan.options.role_map.is_empty() {
            for at in &plan.carried_entries {
                if let Some(entry) = plan.archive.entries.get(*at as usize) {
                    made.entry(key(entry))
                        .and_modify(|seen| *seen = Seen::Several)
                        .or_insert(Seen::Not(*at));
                }
            }
        }
        Self {
            plan,
            made,
            others: Vec::new(),
        }
    }

    /// One entry of the destination's archive.
    pub fn see(&mut self, found: Entry) {
        let entries = &self.plan.archive.entries;
        if let Some(seen) = self.made.get_mut(&key(&found)) {
            match *seen {
                Seen::Not(at) => {
                    if is_alike(&entries[at as usize], &found, &self.plan.options) {
                        *seen = Seen::Alike(at);
                        return;
                    }
                }
                // A second one: the first, which read as the plan's, has to be compared after all.
                Seen::Alike(at) => {
                    *seen = Seen::Several;
                    self.others.push(entries[at as usize].clone());
                }
                Seen::Several => {}
            }
        }
        self.others.push(found);
    }

    /// Holds the others against each other: one kind of object after the other, for all definitions of a large schema at once
    /// are as large as both archives.
    pub fn end(self, terms: &Terms<'_>) -> DefinitionsResult {
        let is_alike = |entry: &Entry| matches!(self.made.get(&key(entry)), Some(Seen::Alike(_)));
        let positions = self.plan.carried_entries.iter();
        let made: Vec<&Entry> = positions
            .filter_map(|at| self.plan.archive.entries.get(*at as usize))
            .filter(|entry| !is_alike(entry))
            .collect();
        let mut whole = DefinitionsResult::equal();
        whole.compared = (self.plan.carried_entries.len() - made.len()) as u64;
        let all = made.iter().copied().chain(&self.others);
        let kinds: BTreeSet<&str> = all.map(|entry| entry.kind.as_str()).collect();
        for kind in kinds {
            let expected: Vec<Definition> = made
                .iter()
                .filter(|entry| entry.kind == kind)
                .filter_map(|entry| expected(entry, &self.plan.options))
                .collect();
            let found = self.others.iter().filter(|entry| entry.kind == kind);
            whole.add(compare_entries(&expected, found, terms));
        }
        whole
    }
}

fn key(entry: &Entry) -> (Text, ObjectName) {
    (entry.kind.clone(), entry.name.clone())
}

/// Both say the same, and it is something that is compared.
fn is_alike(made: &Entry, found: &Entry, options: &Options) -> bool {
    made.sql == found.sql
        && (options.owners == Keep::Skip || made.owner_sql == found.owner_sql)
        && is_compared(made, options)
}

/// It says something, and is not left alone.
fn is_compared(entry: &Entry, options: &Options) -> bool {
    let has_owner = entry.owner_sql.is_some() && options.owners == Keep::Keep;
    !is_skipped(entry, options) && (has_owner || lexer::has_statement(&entry.sql))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::archive::Archive;
    use crate::model::definition::Change;
    use crate::model::report::Verdict;
    use crate::planner::definitions::tests::entry;
    use crate::planner::dialect::Versions;

    /// What reads alike is not written anew, but counts; of namesakes none is taken for another.
    #[test]
    fn a_plan_is_compared_with_all_it_was_to_make() {
        let f = |of: &str, body: &str| {
            let sql = ["CREATE FUNCTION public.f(", of, ") AS '", body, "';\n"].concat();
            entry("FUNCTION", "f", &sql)
        };
        let table = |columns: &str| {
            let sql = ["CREATE TABLE public.t (", columns, ");\n"].concat();
            Entry {
                owner_sql: Some("ALTER TABLE public.t OWNER TO me;".to_owned().into()),
                ..entry("TABLE", "t", &sql)
            }
        };
        let nothing = entry("SCHEMA", "public", "\n");
        let made = [nothing.clone(), table("a"), f("int", "1"), f("text", "2")];
        let plan = Arc::new(Plan {
            archive: Arc::new(Archive {
                entries: made.to_vec(),
                ..Archive::default()
            }),
            carried_entries: (0..4).collect(),
            ..Plan::default()
        });
        let compared = |found: &[Entry]| {
            let terms = Terms {
                options: &plan.options,
                versions: Versions::default(),
                is_whole: true,
                extensions_there: &[],
                provider: None,
            };
            let mut comparison = Comparison::new(Arc::clone(&plan));
            for entry in found {
                comparison.see(entry.clone());
            }
            comparison.end(&terms)
        };
        let equal = compared(&[f("text", "2"), table("a"), f("int", "1")]);
        assert_eq!((equal.verdict, equal.compared), (Verdict::Equal, 3));
        let of_another = Entry {
            owner_sql: Some("ALTER TABLE public.t OWNER TO you;".to_owned().into()),
            ..table("a")
        };
        for other in [table("b"), of_another] {
            let found = compared(&[other, f("int", "1"), f("text", "2")]);
            let changed: Vec<Change> = found.differences.iter().map(|d| d.change).collect();
            assert_eq!((changed, found.compared), (vec![Change::Changed], 3));
        }
        let twice = compared(&[table("a"), f("int", "1"), f("int", "1")]);
        assert_eq!(twice.verdict, Verdict::Different);
        let more = compared(&[table("a"), f("int", "1"), f("text", "2"), f("date", "3")]);
        assert_eq!(more.verdict, Verdict::Different);
        assert_eq!(compared(&made[1..3]).verdict, Verdict::Different);
    }
}
