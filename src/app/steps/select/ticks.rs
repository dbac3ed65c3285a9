//! What the boxes in front of the rows say, and how ticking changes a selection.

use super::tree::Tree;
use crate::model::catalog::{Catalog, Table};
use crate::model::options::{Method, Options};
use crate::model::selection::{Carry, Selection};

/// The box in front of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    On,
    Off,
    /// Some of what is below is on.
    Partial,
    /// Without rows.
    StructureOnly,
}

impl Tick {
    pub fn sign(self) -> &'static str {
        match self {
            Self::On => "[x]",
            Self::Off => "[ ]",
            Self::Partial => "[-]",
            Self::StructureOnly => "[s]",
        }
    }
}

/// The box over several tables.
pub fn tick_of(selection: &Selection, tables: &[usize]) -> Tick {
    let mut carries = tables.iter().map(|table| carry(selection, *table));
    let Some(first) = carries.next() else {
        return Tick::Off;
    };
    if carries.any(|other| other != first) {
        return Tick::Partial;
    }
    match first {
        Carry::RowsAndStructure => Tick::On,
        Carry::StructureOnly => Tick::StructureOnly,
        Carry::Nothing => Tick::Off,
    }
}

pub fn carry(selection: &Selection, table: usize) -> Carry {
    selection
        .tables
        .get(table)
        .copied()
        .unwrap_or(Carry::Nothing)
}

/// Sets these tables; the sequences their columns own follow, and so does the structure of what they are partitions of.
pub fn set(selection: &mut Selection, catalog: &Catalog, tables: &[usize], to: Carry) {
    for table in tables {
        if let Some(one) = selection.tables.get_mut(*table) {
            *one = to;
        }
    }
    settle(selection, catalog, tables);
}

/// Makes the rest fit to what was done to `tables`.
fn settle(selection: &mut Selection, catalog: &Catalog, tables: &[usize]) {
    for table in tables {
        if carry(selection, *table) == Carry::Nothing {
            continue;
        }
        // A partition cannot be made without its root.
        let mut above = catalog.tables.get(*table).and_then(|one| one.partition_of);
        while let Some(parent) = above {
            if let Some(one) = selection.tables.get_mut(parent)
                && *one == Carry::Nothing
            {
                *one = Carry::RowsAndStructure;
            }
            above = catalog.tables.get(parent).and_then(|one| one.partition_of);
        }
    }
    let touched: foldhash::HashSet<usize> = tables.iter().copied().collect();
    for (position, sequence) in catalog.sequences.iter().enumerate() {
        let Some(owner) = sequence
            .owned_by
            .as_ref()
            .filter(|o| touched.contains(&o.table))
        else {
            continue;
        };
        let is_carried = carry(selection, owner.table) != Carry::Nothing;
        if let Some(one) = selection.sequences.get_mut(position) {
            *one = is_carried;
        }
    }
}

/// Turns these around; a partitioned table follows its partitions.
pub fn invert(selection: &mut Selection, catalog: &Catalog, tree: &Tree, tables: &[usize]) {
    for table in tables {
        if let Some(one) = selection.tables.get_mut(*table) {
            *one = match one {
                Carry::Nothing => Carry::RowsAndStructure,
                _ => Carry::Nothing,
            };
        }
    }
    for table in tables.iter().rev() {
        let partitions = tree.partitions(*table);
        let is_needed = partitions
            .iter()
            .any(|one| carry(selection, *one) != Carry::Nothing);
        if let Some(one) = selection.tables.get_mut(*table)
            && is_needed
            && *one == Carry::Nothing
        {
            *one = Carry::RowsAndStructure;
        }
    }
    settle(selection, catalog, tables);
}

/// How a table's rows will travel, and why otherwise than asked; none if it has no rows to carry.
pub fn method(
    selection: &Selection,
    options: &Options,
    table: &Table,
    position: usize,
) -> Option<(Method, Option<&'static str>)> {
    if !table.holds_rows() || carry(selection, position) != Carry::RowsAndStructure {
        return None;
    }
    let asked = selection
        .methods
        .get(position)
        .copied()
        .flatten()
        .unwrap_or(options.method);
    Some(match asked {
        Method::Fdw if table.has_inheritance_children => (
            Method::Copy,
            Some("FDW would return its children's rows too"),
        ),
        Method::Fdw if table.copied_columns().next().is_none() => (
            Method::Copy,
            Some("FDW cannot copy a table without columns"),
        ),
        asked => (asked, None),
    })
}

/// What is chosen, for the title.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Tables that are no partition.
    pub tables: u64,
    pub all_tables: u64,
    pub bytes: u64,
    pub rows: u64,
    /// Some table was never analyzed, so that its rows are missing from the sum.
    pub has_unknown_rows: bool,
    /// Of some table only the rows that satisfy a condition: it is counted in full.
    pub is_filtered: bool,
    pub sequences: u64,
    pub all_sequences: u64,
}

pub fn totals(selection: &Selection, catalog: &Catalog) -> Totals {
    let mut totals = Totals {
        all_sequences: catalog.sequences.len() as u64,
        sequences: selection.sequences.iter().filter(|one| **one).count() as u64,
        ..Totals::default()
    };
    for (position, table) in catalog.tables.iter().enumerate() {
        let carry = carry(selection, position);
        if table.partition_of.is_none() {
            totals.all_tables += 1;
            totals.tables += u64::from(carry != Carry::Nothing);
        }
        if carry == Carry::RowsAndStructure && table.holds_rows() {
            totals.bytes += table.table_bytes;
            totals.rows += table.estimated_rows.unwrap_or(0);
            totals.has_unknown_rows |= table.estimated_rows.is_none();
            totals.is_filtered |= selection.filter(position).is_some();
        }
    }
    totals
}
