//! What keys do to the selection: to the row in focus, to a range of rows, to all that is shown.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use super::ticks::Tick;
use super::tree::Row;
use super::{Select, ticks};
use crate::app::{Action, Ctx};
use crate::model::catalog::Catalog;
use crate::model::options::Method;
use crate::model::selection::{Carry, Selection};

impl Select {
    /// Positions of the rows of the range; none while there is no range.
    pub fn range(&self) -> Option<RangeInclusive<usize>> {
        let (anchor, here) = (self.anchor?, self.cursor.selected);
        Some(anchor.min(here)..=anchor.max(here))
    }

    /// The rows that a key is meant for.
    fn meant(&self) -> &[Row] {
        let here = self.cursor.selected;
        let range = self.range().unwrap_or(here..=here);
        self.rows.get(range).unwrap_or_default()
    }

    /// The tables that a key is meant for, each once.
    pub(super) fn tables_meant(&self) -> Vec<usize> {
        let mut seen = HashSet::new();
        let meant = self.meant();
        // A range that runs over an unfolded schema's name means the tables in it, not those below it.
        let is_passed = |row: &Row| {
            meant.len() > 1 && matches!(row, Row::Schema(_)) && self.tree.is_unfolded(*row)
        };
        let of_row = |row: &Row| match row {
            Row::Schema(schema) => self.of_schema_shown(*schema),
            Row::Table { table, .. } => self.tree.subtree(*table),
            Row::Sequence(_) => Vec::new(),
        };
        let tables = meant.iter().filter(|row| !is_passed(row)).flat_map(of_row);
        tables.filter(|table| seen.insert(*table)).collect()
    }

    pub(super) fn change_tables(&self, action: Action, catalog: &Catalog, ctx: &mut Ctx<'_>) {
        let here = self.tables_meant();
        let selection = &mut *ctx.selection;
        match action {
            Action::Toggle => {
                let to = match ticks::tick_of(selection, &here) {
                    Tick::Off | Tick::Partial => Carry::RowsAndStructure,
                    Tick::On | Tick::StructureOnly => Carry::Nothing,
                };
                ticks::set(selection, catalog, &here, to);
            }
            Action::StructureOnly => {
                let to = match ticks::tick_of(selection, &here) {
                    Tick::StructureOnly => Carry::RowsAndStructure,
                    _ => Carry::StructureOnly,
                };
                ticks::set(selection, catalog, &here, to);
            }
            Action::All => ticks::set(selection, catalog, &self.shown(), Carry::RowsAndStructure),
            Action::None => ticks::set(selection, catalog, &self.shown(), Carry::Nothing),
            Action::Invert => ticks::invert(selection, catalog, &self.tree, &self.shown()),
            Action::Method => {
                let default = ctx.options.method;
                let now = here
                    .last()
                    .and_then(|table| selection.methods.get(*table).copied().flatten())
                    .unwrap_or(default);
                let wanted = Some(now.other()).filter(|method| *method != default);
                for table in here {
                    if let Some(one) = selection.methods.get_mut(table) {
                        *one = wanted;
                    }
                }
            }
            Action::MethodForAll => {
                ctx.options.method = ctx.options.method.other();
                selection.methods.fill(None);
                ctx.info(for_all(ctx.options.method));
            }
            _ => {}
        }
    }

    pub(super) fn change_sequences(&self, action: Action, selection: &mut Selection) {
        let shown = || {
            self.rows.iter().filter_map(|row| match row {
                Row::Sequence(sequence) => Some(*sequence),
                _ => None,
            })
        };
        match action {
            Action::Toggle => {
                let meant = self.meant().iter().filter_map(|row| match row {
                    Row::Sequence(sequence) => Some(*sequence),
                    _ => None,
                });
                let meant: Vec<_> = meant.collect();
                let is_on = |one: &usize| selection.sequences.get(*one) == Some(&true);
                let to = !meant.iter().all(is_on);
                for sequence in meant {
                    if let Some(one) = selection.sequences.get_mut(sequence) {
                        *one = to;
                    }
                }
            }
            Action::All | Action::None | Action::Invert => {
                for sequence in shown() {
                    if let Some(one) = selection.sequences.get_mut(sequence) {
                        *one = action == Action::All || (action == Action::Invert && !*one);
                    }
                }
            }
            _ => {}
        }
    }

    /// Tables that pass the filter, with their partitions; folding hides nothing from "all".
    fn shown(&self) -> Vec<usize> {
        let mut tables: Vec<_> = self
            .tree
            .matching_tables(&self.filter)
            .into_iter()
            .flat_map(|table| self.tree.subtree(table))
            .collect();
        tables.sort_unstable();
        tables.dedup();
        tables
    }

    fn of_schema_shown(&self, schema: usize) -> Vec<usize> {
        let mut tables = self.tree.of_schema(schema);
        if self.filter.is_active() {
            let shown: std::collections::HashSet<_> = self.shown().into_iter().collect();
            tables.retain(|table| shown.contains(table));
        }
        tables
    }
}

/// What a choice for all tables means.
pub(in crate::app) fn for_all(method: Method) -> &'static str {
    match method {
        Method::Copy => "COPY for all tables.",
        Method::Fdw => "FDW for all tables; those that it would copy wrongly stay with COPY.",
    }
}
