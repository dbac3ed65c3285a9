//! What a rehearsal found, and how long the real run will take by it.

use super::name::ObjectName;
use super::options::Method;
use super::plan::{Phase, StepId};
use super::problem::Problem;

/// How a step of the real run follows from what the rehearsal did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Growth {
    /// The rehearsal's step; none where it had none.
    pub rehearsed: Option<StepId>,
    /// So many times the work.
    pub factor: f64,
    pub class: Class,
}

/// Steps of one class cost about the same where there is next to nothing to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    Rows,
    Index,
    Check,
    Compare,
    #[default]
    Other,
}

/// What of a table was carried.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: ObjectName,
    pub method: Method,
    /// The rehearsal's step that carried it.
    pub step: StepId,
    /// Of its pages; 1 where all were.
    pub share: f64,
    /// Of the whole table.
    pub table_bytes: u64,
    pub estimated_rows: Option<u64>,
    /// Filled in by the rehearsal.
    pub rows: u64,
    pub elapsed_ms: u64,
}

impl Sample {
    pub fn is_whole(&self) -> bool {
        self.share >= 1.0
    }

    /// Rows of the table, by those in the sample.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate of a count"
    )]
    pub fn rows_in_all(&self) -> u64 {
        if self.is_whole() {
            return self.rows;
        }
        (self.rows as f64 / self.share) as u64
    }
}

/// A time, and between what it is expected to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub least_ms: u64,
    pub likely_ms: u64,
    pub most_ms: u64,
}

/// A step of the longest chain: it starts when the one before it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    pub step: StepId,
    pub title: String,
    pub phase: Phase,
    pub likely_ms: u64,
    /// It did not need the one before it, only its place.
    pub waited_for_place: bool,
    /// The rehearsal did not measure it.
    pub is_guess: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    #[default]
    Done,
    /// Steps have failed that will fail in the real run too.
    Failed,
    /// What was made is not what the source has.
    Different,
    Cancelled,
}

impl Ending {
    /// 0 done, 1 failed, 4 different, 130 cancelled.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Different => 4,
            Self::Cancelled => 130,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    pub ending: Ending,
    pub source: String,
    /// The server and the database of the real run.
    pub destination: String,
    pub jobs: usize,
    /// None when the rehearsal did not get far enough.
    pub window: Option<Span>,
    pub chain: Vec<Link>,
    /// The largest tables first.
    pub samples: Vec<Sample>,
    pub elapsed_ms: u64,
    /// What will fail, or differ, in the real run too.
    pub problems: Vec<(String, Problem)>,
    /// One sentence each.
    pub not_measured: Vec<String>,
    /// Statements that remove the scratch database, where that did not succeed.
    pub left_behind: Vec<String>,
}
