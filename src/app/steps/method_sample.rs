//! How fast both methods are between these very servers, in a box over the checks.

use crate::app::overlay::{Choice, TextList};
use crate::app::{Key, KeyCode, Pending};
use crate::model::problem::Problem;
use crate::model::sample::Sample;

pub const TITLE: &str = "Which method suits";

/// How far the timing has come.
#[derive(Debug)]
pub enum SampleBox {
    Pending(Pending),
    Measured(Box<Sample>),
}

impl SampleBox {
    pub fn is_pending(&self) -> bool {
        matches!(self, Self::Pending(_))
    }

    /// An answer to another question is dropped; of one that failed there is only something to read.
    #[must_use]
    pub fn answer(
        &mut self,
        attempt: u64,
        outcome: Result<Sample, Box<Problem>>,
    ) -> Option<TextList> {
        if !matches!(self, Self::Pending(pending) if pending.attempt == attempt) {
            return None;
        }
        match outcome {
            Ok(sample) => *self = Self::Measured(Box::new(sample)),
            Err(problem) => return Some(TextList::of_problem(TITLE.to_owned(), &problem)),
        }
        None
    }

    pub fn key(&self, key: Key) -> Option<Choice> {
        match self {
            Self::Pending(pending) => {
                (key.code == KeyCode::Esc).then_some(Choice::Withdraw(pending.attempt))
            }
            Self::Measured(_) => Some(Choice::Dismiss),
        }
    }
}
