//! Where the rows of each source table land when the tables are there already: which table of the destination takes them, in
//! which columns, and what of it stays silent meanwhile. The checks and the plan read the same answer. Pure.
//!
//! Tables and columns are matched by name. A partition takes its rows directly where both sides partition the whole tree alike;
//! otherwise they go through the topmost table that both sides have, and the destination distributes them.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;

use crate::model::catalog::{Catalog, Column, HashForm, Table, TableKind, WireType};
use crate::model::existing::{ExistingSchema, Trigger};
use crate::model::journal::Journal;
use crate::model::name::{ObjectName, printable};
use crate::model::selection::{Carry, Selection};
use crate::model::text::Text;
use crate::sql::measure::ComparedColumn;

use super::builder::journal_key;

/// Where the rows of one source table go.
#[derive(Clone, Debug)]
pub struct Landing<'a> {
    /// Position in the destination's catalog.
    pub table: usize,
    pub source: &'a Table,
    pub there: &'a Table,
    /// Columns carried, in the source's order.
    pub columns: Vec<&'a str>,
    pub compared: Vec<ComparedColumn<'a>>,
    /// The rows pass through a partitioned table.
    pub is_distributed: bool,
    /// The rows, or some of a partitioned table's, are where a crash of the destination empties them.
    pub is_unlogged: bool,
    /// Rows of other source tables go there too, so that the table cannot be counted for this one alone.
    pub is_shared: bool,
    pub types_agree: bool,
    /// Binary form means the same on both sides.
    pub is_binary: bool,
    pub differences: Vec<Difference>,
}

/// Why rows cannot get into the destination at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    Missing,
    /// A foreign table, or one of its partitions is: the rows are not the destination's own.
    Foreign,
    /// The destination would expect values for columns, and the source has none at all.
    NoCommonColumn,
}

/// A column that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The destination has no place for its values.
    Missing(Text),
    /// The destination wants a value and nothing gives one.
    Unfillable(Text),
    /// The destination's own: its default or null.
    Extra(Text),
    Type {
        column: Text,
        source: Text,
        destination: Text,
    },
    /// The destination computes it.
    GeneratedThere(Text),
    /// The source computes it, the destination keeps the values.
    GeneratedHere(Text),
    /// The source computes it, and the destination does not have it.
    NotCarried(Text),
}

/// What keeps rows out, for people; none when they can land.
pub fn why_not(landing: &Result<Landing<'_>, Obstacle>) -> Option<String> {
    match landing {
        Err(Obstacle::Missing) => Some("the destination does not have the table".to_owned()),
        Err(Obstacle::Foreign) => {
            Some("on the destination it is, or has, a foreign table".to_owned())
        }
        Err(Obstacle::NoCommonColumn) => {
            Some("it has no column in common with the destination's".to_owned())
        }
        Ok(landing) => landing.differences.iter().find_map(|one| match one {
            Difference::Missing(column) => Some(format!(
                "the destination does not have the column {}",
                printable(column)
            )),
            Difference::Unfillable(column) => Some(format!(
                "nothing fills the destination's column {}",
                printable(column)
            )),
            _ => None,
        }),
    }
}

/// The landing of every selected table that holds rows, by its position in the source's catalog.
pub type Landings<'a> = BTreeMap<usize, Result<Landing<'a>, Obstacle>>;

/// Matches what is selected with what is there.
pub fn of<'a>(
    source: &'a Catalog,
    selection: &Selection,
    existing: &'a ExistingSchema,
) -> Landings<'a> {
    let there = Matcher::new(source, &existing.catalog);
    let is_wanted = |at: &usize| {
        source.tables[*at].holds_rows()
            && selection.tables.get(*at) == Some(&Carry::RowsAndStructure)
    };
    let mut landings: Landings<'_> = (0..source.tables.len())
        .filter(is_wanted)
        .map(|at| {
            let landing = there
                .table_for(at)
                .and_then(|found| there.landing(at, found));
            (at, landing)
        })
        .collect();
    mark_shared(&existing.catalog, &mut landings);
    landings
}

/// A table that takes several tables' rows, and a tree some of whose rows are distributed.
fn mark_shared(there: &Catalog, landings: &mut Landings<'_>) {
    let mut count: HashMap<usize, usize> = HashMap::default();
    let mut distributed: BTreeSet<usize> = BTreeSet::new();
    for landing in landings.values().flatten() {
        *count.entry(landing.table).or_default() += 1;
        if landing.is_distributed {
            distributed.insert(root_of(there, landing.table));
        }
    }
    for landing in landings.values_mut().flatten() {
        landing.is_shared = count.get(&landing.table).is_some_and(|count| *count > 1)
            || distributed.contains(&root_of(there, landing.table));
    }
}

/// The top of a tree of partitions, or the table itself.
pub fn root_of(catalog: &Catalog, table: usize) -> usize {
    ancestors(catalog, table).last().unwrap_or(table)
}

/// The table and the partitioned tables above it.
pub fn ancestors(catalog: &Catalog, table: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(table), |at| catalog.tables[*at].partition_of)
}

struct Matcher<'a> {
    source: &'a Catalog,
    there: &'a Catalog,
    by_name: HashMap<&'a ObjectName, usize>,
    /// Roots of the source's trees that are partitioned on the destination just so, row for row.
    alike: BTreeSet<usize>,
    /// Partitioned tables of the destination with a foreign table among their partitions.
    reaching_out: BTreeSet<usize>,
    /// Unlogged tables of the destination, and partitioned ones with such a table among their partitions.
    unlogged: BTreeSet<usize>,
}

impl<'a> Matcher<'a> {
    fn new(source: &'a Catalog, there: &'a Catalog) -> Self {
        let tables = there.tables.iter().enumerate();
        let by_name: HashMap<&ObjectName, usize> =
            tables.map(|(at, table)| (&table.name, at)).collect();
        let (here, other) = (trees(source), trees(there));
        let hashed = (0..source.tables.len()).filter(|at| source.tables[*at].hashes_oids);
        let rehashed: BTreeSet<usize> = hashed.map(|at| root_of(source, at)).collect();
        let alike = here
            .iter()
            .filter(|(root, _)| !rehashed.contains(root))
            .filter(|(root, tree)| {
                let counterpart = by_name.get(&source.tables[**root].name);
                counterpart.and_then(|at| other.get(at)) == Some(tree)
            })
            .map(|(root, _)| *root)
            .collect();
        // Tables of which this is true, and the partitioned ones above them.
        let above = |is_so: fn(&Table) -> bool| {
            (0..there.tables.len())
                .filter(|at| is_so(&there.tables[*at]))
                .flat_map(|at| ancestors(there, at))
                .collect()
        };
        Self {
            source,
            there,
            by_name,
            alike,
            reaching_out: above(|table| table.kind == TableKind::Foreign),
            unlogged: above(|table| table.is_unlogged && table.kind != TableKind::Partitioned),
        }
    }

    fn counterpart(&self, at: usize) -> Option<usize> {
        self.by_name.get(&self.source.tables[at].name).copied()
    }

    fn table_for(&self, at: usize) -> Result<usize, Obstacle> {
        let root = root_of(self.source, at);
        let found = if self.alike.contains(&root) || root == at {
            self.counterpart(at)
        } else {
            let chain: Vec<usize> = ancestors(self.source, at).collect();
            chain.iter().rev().find_map(|at| self.counterpart(*at))
        };
        match found {
            None => Err(Obstacle::Missing),
            Some(at) if self.reaching_out.contains(&at) => Err(Obstacle::Foreign),
            Some(at) => Ok(at),
        }
    }

    fn landing(&self, at: usize, found: usize) -> Result<Landing<'a>, Obstacle> {
        let (source, there) = (&self.source.tables[at], &self.there.tables[found]);
        let mut landing = Landing {
            table: found,
            source,
            there,
            columns: Vec::new(),
            compared: Vec::new(),
            is_distributed: there.kind == TableKind::Partitioned,
            is_unlogged: self.unlogged.contains(&found),
            is_shared: false,
            types_agree: true,
            is_binary: true,
            differences: Vec::new(),
        };
        landing.match_columns();
        if landing.columns.is_empty() && there.copied_columns().next().is_some() {
            return Err(Obstacle::NoCommonColumn);
        }
        Ok(landing)
    }
}

/// A partition: its parent, the parent's key, its own name and bounds.
type Place<'a> = (
    &'a ObjectName,
    Option<&'a str>,
    &'a ObjectName,
    Option<&'a str>,
);

/// Every partitioned table at the top of a tree with the places of all tables below it.
fn trees(catalog: &Catalog) -> HashMap<usize, BTreeSet<Place<'_>>> {
    let mut trees: HashMap<usize, BTreeSet<_>> = HashMap::default();
    for (at, table) in catalog.tables.iter().enumerate() {
        if let Some(parent) = table.partition_of {
            let parent = &catalog.tables[parent];
            let tree = trees.entry(root_of(catalog, at)).or_default();
            tree.insert((
                &parent.name,
                parent.partition_key.as_deref(),
                &table.name,
                table.partition_bound.as_deref(),
            ));
        }
    }
    trees
}

impl Landing<'_> {
    fn match_columns(&mut self) {
        let there = self.there.columns.iter();
        let by_name: HashMap<&str, &Column> = there.map(|c| (c.name.as_str(), c)).collect();
        for column in &self.source.columns {
            self.match_column(column, by_name.get(column.name.as_str()).copied());
        }
        // Where rows of several tables come together, the order is one for all of them.
        let place = |name: &str| self.there.columns.iter().position(|c| c.name == name);
        self.compared.sort_by_key(|column| place(column.name));
        let source = self.source.columns.iter();
        let named: BTreeSet<&str> = source.map(|c| c.name.as_str()).collect();
        let own = self.there.copied_columns();
        for column in own.filter(|c| !named.contains(c.name.as_str())) {
            let is_given = column.default.is_some() || column.is_identity;
            let name = column.name.clone();
            self.differences.push(if column.is_not_null && !is_given {
                Difference::Unfillable(name)
            } else {
                Difference::Extra(name)
            });
        }
    }
}

impl<'a> Landing<'a> {
    fn match_column(&mut self, column: &'a Column, there: Option<&Column>) {
        let name = || column.name.clone();
        let Some(there) = there else {
            self.differences.push(if column.is_generated {
                Difference::NotCarried(name())
            } else {
                Difference::Missing(name())
            });
            return;
        };
        match (column.is_generated, there.is_generated) {
            (false, true) => {
                self.differences.push(Difference::GeneratedThere(name()));
                return;
            }
            (true, false) => self.differences.push(Difference::GeneratedHere(name())),
            _ => {}
        }
        let is_one_type = column.type_name == there.type_name && column.wire == there.wire;
        if !is_one_type {
            self.types_agree = false;
            self.differences.push(Difference::Type {
                column: name(),
                source: column.type_name.clone(),
                destination: there.type_name.clone(),
            });
        }
        self.compared.push(ComparedColumn {
            name: &column.name,
            form: if is_one_type && column.hash_form == there.hash_form {
                &column.hash_form
            } else {
                &HashForm::Text
            },
        });
        if !there.is_generated {
            self.is_binary &= is_binary_alike(column, there);
            self.columns.push(&column.name);
        }
    }
}

/// A name of the system's says what the type is. One of the user's does not: only an enum's labels tell when they differ.
fn is_binary_alike(source: &Column, there: &Column) -> bool {
    let is_alike = source.type_name == there.type_name && source.wire == there.wire;
    let is_known = match source.wire {
        WireType::BuiltIn => !source.type_name.contains('.'),
        WireType::Enum => true,
        WireType::ObjectIdentifier | WireType::Other => false,
    };
    is_alike && is_known
}

/// What is there and what happens to it while rows arrive.
pub struct Ground<'a> {
    pub existing: &'a ExistingSchema,
    /// A partitioned table to its direct partitions.
    partitions: HashMap<usize, Vec<usize>>,
    /// Tables that have a foreign key which cannot be counted afterwards.
    uncountable: BTreeSet<usize>,
    /// Of the run that is gone on with.
    journal: Option<&'a Journal>,
}

impl<'a> Ground<'a> {
    pub fn new(existing: &'a ExistingSchema, journal: Option<&'a Journal>) -> Self {
        let catalog = &existing.catalog;
        let mut partitions: HashMap<usize, Vec<usize>> = HashMap::default();
        for (at, table) in catalog.tables.iter().enumerate() {
            if let Some(parent) = table.partition_of {
                partitions.entry(parent).or_default().push(at);
            }
        }
        // A temporal key (18) refers to spans of time, which one comparison per column does not tell.
        let temporal = catalog
            .foreign_keys
            .iter()
            .filter(|key| key.columns.is_empty() || key.definition.contains("PERIOD "));
        let mut ground = Self {
            existing,
            partitions,
            uncountable: BTreeSet::new(),
            journal,
        };
        ground.uncountable = temporal.flat_map(|key| ground.tree(key.table)).collect();
        ground
    }

    /// The table and everything below it.
    pub fn tree(&self, table: usize) -> Vec<usize> {
        let mut tree = vec![table];
        let mut at = 0;
        while let Some(table) = tree.get(at) {
            tree.extend(self.partitions.get(table).into_iter().flatten());
            at += 1;
        }
        tree
    }

    /// Tables whose triggers these rows fire: the table's, and those of the partitions they may be sent to.
    pub fn touched(&self, landing: &Landing<'_>) -> Vec<usize> {
        if landing.is_distributed {
            self.tree(landing.table)
        } else {
            vec![landing.table]
        }
    }

    /// Tables whose foreign keys and whose referrers these rows concern: also the partitioned tables above.
    pub fn concerned(&self, landing: &Landing<'_>) -> BTreeSet<usize> {
        let mut concerned: BTreeSet<usize> = self.touched(landing).into_iter().collect();
        concerned.extend(ancestors(&self.existing.catalog, landing.table));
        concerned
    }

    /// The session's role may silence what is ordinary, and nothing is lost by it.
    pub fn is_silenced(&self, landing: &Landing<'_>) -> bool {
        self.existing.may_silence
            && self.touched(landing).iter().all(|at| {
                !self.existing.tables[*at].has_deferrable_key && !self.uncountable.contains(at)
            })
    }

    /// An unfinished run has brought its rows: they stay if they are proved, else they are taken back first.
    pub fn is_filled(&self, landing: &Landing<'_>) -> bool {
        let key = journal_key("data", &landing.source.name);
        self.journal
            .is_some_and(|journal| journal.done.contains(&*key))
    }

    /// Triggers that would fire all the same, by table: switched off for the transaction.
    pub fn triggers(&self, landing: &Landing<'_>) -> Vec<(usize, Vec<&'a Trigger>)> {
        let is_silenced = self.is_silenced(landing);
        let is_filled = self.is_filled(landing);
        self.firing(self.touched(landing), |t| {
            (t.on_insert || t.on_delete && is_filled) && t.fires(is_silenced)
        })
    }

    /// The same for a TRUNCATE of these tables.
    pub fn triggers_on_truncate(
        &self,
        tables: impl IntoIterator<Item = usize>,
    ) -> Vec<(usize, Vec<&'a Trigger>)> {
        let is_silenced = self.existing.may_silence;
        self.firing(tables, |t| t.on_truncate && t.fires(is_silenced))
    }

    fn firing(
        &self,
        tables: impl IntoIterator<Item = usize>,
        is_firing: impl Fn(&Trigger) -> bool,
    ) -> Vec<(usize, Vec<&'a Trigger>)> {
        let existing = self.existing;
        tables
            .into_iter()
            .map(|at| {
                let triggers = existing.tables[at].triggers.iter();
                (at, triggers.filter(|t| is_firing(t)).collect::<Vec<_>>())
            })
            .filter(|(_, triggers)| !triggers.is_empty())
            .collect()
    }

    /// What becomes of each foreign key of the destination that these rows concern, by its position in the catalog.
    pub fn foreign_keys(&self, landings: &Landings<'_>) -> BTreeMap<usize, Fate> {
        let mut feeders: HashMap<usize, Vec<usize>> = HashMap::default();
        for (at, landing) in landings {
            for table in landing.iter().flat_map(|landing| self.concerned(landing)) {
                feeders.entry(table).or_default().push(*at);
            }
        }
        let fed = |table: usize| feeders.get(&table).cloned().unwrap_or_default();
        let landing = |at: &usize| landings.get(at)?.as_ref().ok();
        let keys = self.existing.catalog.foreign_keys.iter().enumerate();
        keys.filter_map(|(number, key)| {
            let (from, to) = (fed(key.table), fed(key.references));
            let live = |landing: &&Landing<'_>| !self.is_silenced(landing);
            let live_from = from.iter().filter_map(landing).filter(live).count();
            // Rows that are taken back may be referred to, and a key may do something to what refers to them.
            let mut filled = to.iter().filter_map(landing).filter(|l| self.is_filled(l));
            let may_lose = filled.clone().next().is_some();
            let is_live = live_from > 0 || filled.any(|landing| live(&landing));
            // One statement checks what it brought when it ends: rows may refer to rows that come with them.
            let is_within_one = key.table == key.references
                && from.len() == 1
                && from.iter().filter_map(landing).all(|l| !l.is_distributed)
                && !may_lose;
            let is_ours_to_mend = self.existing.keys_aside.contains(&number)
                || self.existing.keys_weakened.contains(&number);
            let action = if is_ours_to_mend {
                KeyAction::SetAside
            } else if from.is_empty() && !may_lose {
                return None;
            } else if is_live && !to.is_empty() && !is_within_one {
                KeyAction::SetAside
            } else if live_from == from.len() && !may_lose {
                KeyAction::LeaveInForce
            } else if key.definition.ends_with("NOT VALID")
                || key.definition.contains("NOT ENFORCED")
            {
                return None;
            } else {
                KeyAction::CountOrphans
            };
            Some((number, Fate { action, from, to }))
        })
        .collect()
    }

    /// Foreign keys whose referrers keep these tables from being emptied, for they are not emptied along.
    pub fn keys_in_the_way(&self, landings: &Landings<'_>) -> Vec<usize> {
        let emptied: BTreeSet<usize> = landings
            .values()
            .flatten()
            .flat_map(|landing| self.touched(landing))
            .collect();
        let keys = self.existing.catalog.foreign_keys.iter().enumerate();
        keys.filter(|(_, key)| {
            let is_concerned = self
                .tree(key.references)
                .iter()
                .any(|at| emptied.contains(at));
            is_concerned && !self.holders(key.table).all(|at| emptied.contains(&at))
        })
        .map(|(number, _)| number)
        .collect()
    }

    /// The tables of a tree that hold rows.
    fn holders(&self, table: usize) -> impl Iterator<Item = usize> {
        let tree = self.tree(table).into_iter();
        tree.filter(|at| self.existing.catalog.tables[*at].kind != TableKind::Partitioned)
    }

    /// What one TRUNCATE names: a whole tree by its root, which foreign keys ask for, and single partitions.
    pub fn emptied(&self, landings: &Landings<'_>) -> BTreeSet<usize> {
        let catalog = &self.existing.catalog;
        let all: BTreeSet<usize> = landings
            .values()
            .flatten()
            .filter(|landing| landing.source.extension_config.is_none())
            .flat_map(|landing| self.touched(landing))
            .collect();
        let is_whole = |at: &usize| self.holders(*at).all(|holder| all.contains(&holder));
        all.iter()
            .filter_map(|at| {
                let chain = ancestors(catalog, *at).take_while(is_whole);
                chain.last()
            })
            .collect()
    }
}

/// What becomes of a foreign key, and the source tables whose rows it concerns on either end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    pub action: KeyAction,
    pub from: Vec<usize>,
    pub to: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAction {
    /// Dropped, and put back when the rows are there: the order of the tables would not matter to it then.
    SetAside,
    /// It is obeyed by each statement.
    LeaveInForce,
    /// It was silenced, so rows that break it are counted afterwards.
    CountOrphans,
}
