//! The first rows of a table, in a box over the tree.

use crate::app::overlay::{Choice, TextList};
use crate::app::{Key, KeyCode, Pending};
use crate::model::peek::Peek;
use crate::model::problem::Problem;

#[derive(Debug)]
pub struct PeekBox {
    /// The table's, for the title.
    pub name: String,
    pub look: Look,
    pub first_row: usize,
    pub first_column: usize,
}

/// How far the look has come.
#[derive(Debug)]
pub enum Look {
    Pending(Pending),
    Found(Peek),
}

impl PeekBox {
    pub fn new(name: String, pending: Pending) -> Self {
        Self {
            name,
            look: Look::Pending(pending),
            first_row: 0,
            first_column: 0,
        }
    }

    pub fn is_pending(&self) -> bool {
        matches!(self.look, Look::Pending(_))
    }

    /// An answer to another question is dropped; of a look that failed there is only something to read.
    #[must_use]
    pub fn answer(
        &mut self,
        attempt: u64,
        outcome: Result<Peek, Box<Problem>>,
    ) -> Option<TextList> {
        if !matches!(self.look, Look::Pending(pending) if pending.attempt == attempt) {
            return None;
        }
        match outcome {
            Ok(peek) => self.look = Look::Found(peek),
            Err(problem) => return Some(TextList::of_problem(self.title(), &problem)),
        }
        None
    }

    pub fn title(&self) -> String {
        format!("First rows of {}", self.name)
    }

    /// What does not scroll closes.
    pub fn key(&mut self, key: Key) -> Option<Choice> {
        let peek = match &self.look {
            Look::Pending(pending) => {
                return (key.code == KeyCode::Esc).then_some(Choice::Withdraw(pending.attempt));
            }
            Look::Found(peek) => peek,
        };
        let last_row = peek.rows.len().saturating_sub(1);
        let last_column = peek.columns.len().saturating_sub(1);
        let (row, column) = (self.first_row, self.first_column);
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => self.first_row = row.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.first_row = (row + 1).min(last_row),
            KeyCode::PageUp => self.first_row = row.saturating_sub(10),
            KeyCode::PageDown => self.first_row = (row + 10).min(last_row),
            KeyCode::Left | KeyCode::Char('h') => self.first_column = column.saturating_sub(1),
            KeyCode::Right | KeyCode::Char('l') => {
                self.first_column = (column + 1).min(last_column);
            }
            KeyCode::Home | KeyCode::Char('g') => (self.first_row, self.first_column) = (0, 0),
            KeyCode::End | KeyCode::Char('G') => self.first_row = last_row,
            _ => return Some(Choice::Dismiss),
        }
        None
    }
}
