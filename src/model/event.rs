//! What the engine tells while it runs. Facts in the past tense; rows and bytes are sampled, not sent.

use std::sync::atomic::{AtomicU64, Ordering};

use super::plan::StepId;
use super::problem::Problem;
use super::report::Report;

#[derive(Clone, Debug)]
pub enum RunEvent {
    StepStarted(StepId),
    StepFinished {
        step: StepId,
        rows: u64,
        bytes: u64,
        elapsed_ms: u64,
    },
    StepFailed {
        step: StepId,
        problem: Box<Problem>,
    },
    /// Not run: something it needs failed, or the run was stopped.
    StepSkipped {
        step: StepId,
        because: String,
    },
    Notice {
        level: NoticeLevel,
        text: String,
        step: Option<StepId>,
    },
    /// The last row was read: the source's snapshot and locks are gone.
    SnapshotReleased {
        held_ms: u64,
    },
    Stopping(Stop),
    /// Always the last event.
    Finished(Box<Report>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeLevel {
    Info,
    Warning,
    Error,
}

/// How a run is asked to end early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Running steps finish, no new ones start.
    AfterCurrent,
    /// Running statements are cancelled on the servers and roll back.
    Now,
}

/// Live counters, one pair per step; written by workers, sampled by whoever draws.
#[derive(Debug, Default)]
pub struct Progress {
    counters: Vec<Counter>,
}

#[derive(Debug, Default)]
pub struct Counter {
    pub rows: AtomicU64,
    pub bytes: AtomicU64,
}

impl Counter {
    pub fn sample(&self) -> (u64, u64) {
        (
            self.rows.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
        )
    }
}

impl Progress {
    pub fn new(step_count: usize) -> Self {
        Self {
            counters: (0..step_count).map(|_| Counter::default()).collect(),
        }
    }

    pub fn counter(&self, step: StepId) -> Option<&Counter> {
        self.counters.get(step.index())
    }
}
