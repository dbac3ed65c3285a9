//! Where rows go when the tables are there already (`--schema none`): into the destination's table of the same name or, where
//! the sides are parted into other partitions, into the partitioned table above. Pure; the checks ask the same questions.

use std::collections::HashMap;

use crate::model::catalog::{Catalog, ForeignKey, Table, TableKind, Trigger, TriggerState};
use crate::model::name::ObjectName;
use crate::sql::measure::ComparedColumn;

/// The destination's side of one table's rows.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// Position in the destination's catalog.
    pub at: usize,
    pub table: &'a Table,
    /// Columns carried, in the source's order.
    pub columns: Vec<&'a str>,
    pub compared: Vec<ComparedColumn<'a>>,
    /// Every column carried has the same type on both sides.
    pub is_alike: bool,
    /// Rows of several tables of the source come together here, or are parted here.
    pub is_parted_otherwise: bool,
    /// Columns of the source that the destination computes by itself.
    pub computed: Vec<&'a str>,
}

/// Why rows cannot go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    Missing,
    Foreign,
    /// Row-level security would judge the rows.
    Hidden,
    /// The destination lacks these columns.
    Lacks(Vec<String>),
    /// The destination wants a value for these columns, and the source has none.
    Wants(Vec<String>),
}

/// Both catalogs, with what is looked up often.
#[derive(Debug)]
pub struct Targets<'a> {
    source: &'a Catalog,
    target: &'a Catalog,
    by_name: HashMap<&'a ObjectName, usize>,
    /// Partitioned table of the source to whether the destination's is parted alike.
    is_parted_alike: HashMap<usize, bool>,
}

impl<'a> Targets<'a> {
    pub fn new(source: &'a Catalog, target: &'a Catalog) -> Self {
        let by_name: HashMap<&ObjectName, usize> = target
            .tables
            .iter()
            .enumerate()
            .map(|(at, t)| (&t.name, at))
            .collect();
        let children = |catalog: &Catalog| {
            let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
            for (at, table) in catalog.tables.iter().enumerate() {
                if let Some(parent) = table.partition_of {
                    children.entry(parent).or_default().push(at);
                }
            }
            children
        };
        let trees = [children(source), children(target)];
        let is_root =
            |table: &Table| table.partition_of.is_none() && table.kind == TableKind::Partitioned;
        let roots = source.tables.iter().enumerate().filter(|(_, t)| is_root(t));
        let is_parted_alike = roots
            .map(|(at, table)| {
                let other = by_name.get(&table.name).copied();
                (
                    at,
                    other.is_some_and(|other| is_tree_alike([source, target], &trees, [at, other])),
                )
            })
            .collect();
        Self {
            source,
            target,
            by_name,
            is_parted_alike,
        }
    }

    /// Where the rows of the source's table go.
    pub fn of(&self, table: usize) -> Result<Target<'a>, Mismatch> {
        let (at, is_parted_otherwise) = self.find(table).ok_or(Mismatch::Missing)?;
        let (from, to) = (&self.source.tables[table], &self.target.tables[at]);
        if to.kind == TableKind::Foreign {
            return Err(Mismatch::Foreign);
        }
        if to.rows_hidden_by_policy {
            return Err(Mismatch::Hidden);
        }
        let theirs: HashMap<&str, _> = to.columns.iter().map(|c| (c.name.as_str(), c)).collect();
        let lacks: Vec<String> = from
            .copied_columns()
            .filter(|column| !theirs.contains_key(column.name.as_str()))
            .map(|column| column.name.clone())
            .collect();
        if !lacks.is_empty() {
            return Err(Mismatch::Lacks(lacks));
        }
        let has = |name: &str| from.columns.iter().any(|column| column.name == name);
        let wants: Vec<String> = to
            .copied_columns()
            .filter(|c| c.is_not_null && c.default.is_none() && !c.is_identity && !has(&c.name))
            .map(|column| column.name.clone())
            .collect();
        if !wants.is_empty() {
            return Err(Mismatch::Wants(wants));
        }
        let mut target = Target {
            at,
            table: to,
            columns: Vec::new(),
            compared: Vec::new(),
            is_alike: true,
            is_parted_otherwise,
            computed: Vec::new(),
        };
        for column in &from.columns {
            let Some(other) = theirs.get(column.name.as_str()) else {
                continue;
            };
            if other.is_generated {
                if !column.is_generated {
                    target.computed.push(&column.name);
                }
                continue;
            }
            let is_same_type = column.type_name == other.type_name && column.wire == other.wire;
            target.is_alike &= is_same_type;
            target.columns.push(&column.name);
            target.compared.push(ComparedColumn {
                name: &column.name,
                hashes_exactly: is_same_type && column.hashes_exactly && other.hashes_exactly,
            });
        }
        Ok(target)
    }

    /// The destination's table, and whether it is parted otherwise.
    fn find(&self, table: usize) -> Option<(usize, bool)> {
        let tables = &self.source.tables;
        let chain: Vec<usize> =
            std::iter::successors(Some(table), |at| tables[*at].partition_of).collect();
        let root = *chain.last()?;
        let named = |at: usize| self.by_name.get(&tables[at].name).copied();
        if root != table && self.is_parted_alike.get(&root) != Some(&true) {
            // From the top: the whole tree's rows come together in one place.
            return chain
                .iter()
                .rev()
                .find_map(|at| named(*at))
                .map(|at| (at, true));
        }
        let at = named(table)?;
        let is_parted = self.target.tables[at].kind == TableKind::Partitioned;
        Some((
            at,
            is_parted && tables[table].kind != TableKind::Partitioned,
        ))
    }

    /// The table with all that is below it and, where rows are routed or checked by them, all that is above.
    fn family(&self, at: usize) -> Vec<usize> {
        let tables = &self.target.tables;
        let above = |at: usize| std::iter::successors(Some(at), |at| tables[*at].partition_of);
        let mut family: Vec<usize> = above(at).collect();
        family.extend((0..tables.len()).filter(|one| *one != at && above(*one).any(|up| up == at)));
        family
    }

    /// Triggers that would fire for rows that come here; ordinary ones only where they cannot be silenced all at once.
    pub fn firing_triggers(&self, at: usize, can_silence: bool) -> Vec<(&'a Table, &'a Trigger)> {
        let mut family = self.family(at);
        family.sort_unstable();
        let fires = |state: TriggerState| match state {
            TriggerState::Always => true,
            TriggerState::Origin => !can_silence,
            TriggerState::Replica => can_silence,
            TriggerState::Disabled => false,
        };
        self.target
            .triggers
            .iter()
            .filter(|trigger| family.binary_search(&trigger.table).is_ok() && fires(trigger.state))
            .map(|trigger| (&self.target.tables[trigger.table], trigger))
            .collect()
    }

    /// Foreign keys that are checked for rows that come to these tables.
    pub fn checked_keys(&self, receiving: &[usize]) -> Vec<&'a ForeignKey> {
        let mut concerned: Vec<usize> = receiving.iter().flat_map(|at| self.family(*at)).collect();
        concerned.sort_unstable();
        let keys = self.target.foreign_keys.iter();
        keys.filter(|key| concerned.binary_search(&key.table).is_ok())
            .collect()
    }

    pub fn table(&self, at: usize) -> &'a Table {
        &self.target.tables[at]
    }

    /// Tables that refer to one of these without being among them: the server then refuses to empty those.
    pub fn referring_from_outside(&self, emptied: &[usize]) -> Vec<&'a ForeignKey> {
        let inside: Vec<usize> = emptied.iter().flat_map(|at| self.family(*at)).collect();
        let keys = self.target.foreign_keys.iter();
        keys.filter(|key| emptied.contains(&key.references) && !inside.contains(&key.table))
            .collect()
    }
}

/// Parted by the same key into partitions of the same names and bounds, all the way down.
fn is_tree_alike(
    catalogs: [&Catalog; 2],
    trees: &[HashMap<usize, Vec<usize>>; 2],
    at: [usize; 2],
) -> bool {
    let [a, b] = [&catalogs[0].tables[at[0]], &catalogs[1].tables[at[1]]];
    if a.kind != b.kind
        || a.partition_key != b.partition_key
        || a.partition_bound != b.partition_bound
    {
        return false;
    }
    let none = Vec::new();
    let mut below = [0, 1].map(|side| trees[side].get(&at[side]).unwrap_or(&none).clone());
    for (side, children) in below.iter_mut().enumerate() {
        children.sort_by_key(|child| &catalogs[side].tables[*child].name);
    }
    let [ours, theirs] = below;
    ours.len() == theirs.len()
        && ours.into_iter().zip(theirs).all(|(one, other)| {
            catalogs[0].tables[one].name == catalogs[1].tables[other].name
                && is_tree_alike(catalogs, trees, [one, other])
        })
}
