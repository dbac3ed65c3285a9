//! How fast both methods are between these very servers, in a box over the checks.

use crate::app::overlay::Choice;
use crate::app::{Key, KeyCode, Pending};
use crate::model::problem::Problem;
use crate::model::sample::Sample;

/// How far the timing has come.
#[derive(Debug)]
pub enum SampleBox {
    Pending(Pending),
    Measured(Box<Sample>),
    Failed(Box<Problem>),
}

impl SampleBox {
    pub fn is_pending(&self) -> bool {
        matches!(self, Self::Pending(_))
    }

    /// An answer to another question is dropped.
    pub fn answer(&mut self, attempt: u64, outcome: Result<Sample, Box<Problem>>) {
        if matches!(self, Self::Pending(pending) if pending.attempt == attempt) {
            *self = match outcome {
                Ok(sample) => Self::Measured(Box::new(sample)),
                Err(problem) => Self::Failed(problem),
            };
        }
    }

    pub fn key(&self, key: Key) -> Option<Choice> {
        match self {
            Self::Pending(pending) => {
                (key.code == KeyCode::Esc).then_some(Choice::Withdraw(pending.attempt))
            }
            Self::Measured(_) | Self::Failed(_) => Some(Choice::Dismiss),
        }
    }
}
