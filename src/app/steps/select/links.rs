//! Which tables refer to which by foreign keys, looked up once: a frame asks for each row in sight.

use crate::model::catalog::Catalog;
use crate::model::selection::{Carry, Selection};

use super::ticks;

/// For each table of the catalog the others it refers to, and those that refer to it; each once, in catalog order.
#[derive(Debug, Default)]
pub struct Links {
    outward: Vec<Vec<usize>>,
    inward: Vec<Vec<usize>>,
}

impl Links {
    pub fn of(catalog: &Catalog) -> Self {
        let mut links = Self {
            outward: vec![Vec::new(); catalog.tables.len()],
            inward: vec![Vec::new(); catalog.tables.len()],
        };
        let is_there = catalog.provided.as_ref().is_some_and(|one| one.is_there);
        for key in &catalog.foreign_keys {
            let target = catalog.tables.get(key.references);
            // What the destination has by itself need not be ticked for the key to be made.
            if is_there && target.is_some_and(|one| catalog.is_provided_table(one)) {
                continue;
            }
            if let Some(others) = links.outward.get_mut(key.table) {
                others.push(key.references);
            }
            if let Some(others) = links.inward.get_mut(key.references) {
                others.push(key.table);
            }
        }
        for others in links.outward.iter_mut().chain(&mut links.inward) {
            others.sort_unstable();
            others.dedup();
        }
        links
    }

    pub fn targets(&self, table: usize) -> &[usize] {
        self.outward.get(table).map_or(&[], Vec::as_slice)
    }

    pub fn referrers(&self, table: usize) -> &[usize] {
        self.inward.get(table).map_or(&[], Vec::as_slice)
    }

    /// What the choice means for this table's neighbours.
    pub fn because(&self, selection: &Selection, table: usize) -> Because {
        let is_carried = |one: &usize| ticks::carry(selection, *one) != Carry::Nothing;
        let others = |all: &[usize], carried: bool| -> Vec<usize> {
            let all = all.iter().filter(|one| **one != table);
            all.filter(|one| is_carried(one) == carried)
                .copied()
                .collect()
        };
        if is_carried(&table) {
            Because::Misses(others(self.targets(table), false))
        } else {
            Because::NeededBy(others(self.referrers(table), true))
        }
    }
}

/// The other ends of foreign keys that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// It is ticked; these that it refers to are not.
    Misses(Vec<usize>),
    /// It is not ticked; these that refer to it are.
    NeededBy(Vec<usize>),
}
