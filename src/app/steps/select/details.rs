//! How far the details beside the tree are scrolled. The view lays them out; here only the first line is kept.

use super::tree::Row;
use crate::app::Action;
use crate::model::catalog::Catalog;

/// Titles, a comment and what falls away, at the most.
const OTHER_LINES: usize = 20;

#[derive(Debug, Default)]
pub struct Details {
    /// The user's wish; none leaves it to the width.
    pub wish: Option<bool>,
    /// Whose details are scrolled: another row's begin at their beginning.
    row: Option<Row>,
    first: usize,
}

impl Details {
    /// The first line to draw of so many.
    pub fn first(&self, row: Option<Row>, lines: usize, height: usize) -> usize {
        let first = if row == self.row { self.first } else { 0 };
        first.min(lines.saturating_sub(height))
    }

    /// By half of the rows there are, about as far as there is something to read.
    pub fn scroll(&mut self, action: Action, row: Option<Row>, catalog: &Catalog, height: usize) {
        if row != self.row {
            (self.row, self.first) = (row, 0);
        }
        let lines = match row {
            Some(Row::Table { table, .. }) => catalog.tables.get(table).map_or(0, |one| {
                let keys = catalog.foreign_keys.iter();
                let keys = keys.filter(|key| key.table == table || key.references == table);
                one.columns.len() + one.indexes.len() + keys.count() + OTHER_LINES
            }),
            _ => OTHER_LINES,
        };
        let half = (height / 2).max(1);
        self.first = match action {
            Action::DetailsUp => self.first.saturating_sub(half),
            _ => (self.first + half).min(lines.saturating_sub(half)),
        };
    }
}
