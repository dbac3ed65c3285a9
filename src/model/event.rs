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
        /// The rows were there already, and both sides proved to hold the same: nothing was copied.
        is_kept: bool,
    },
    StepFailed {
        step: StepId,
        problem: Box<Problem>,
    },
    /// Failed as well, but its cause may be mended: it waits for [`Control::Retry`], `LeaveOut` or `GiveUp`.
    StepUndecided {
        step: StepId,
        problem: Box<Problem>,
    },
    /// Failed, and its cause may pass: it is tried again, for the `attempt`-th time, after a pause.
    StepRepeated {
        step: StepId,
        attempt: u32,
        pause_ms: u64,
        problem: Box<Problem>,
    },
    /// Given up after it had failed, or because it needs what was.
    StepLeftOut {
        step: StepId,
        because: String,
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
    /// Whether new steps are held back from now on.
    Paused(bool),
    /// Nothing is left to do but what is undecided.
    Waiting,
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

/// What else a run under way is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Running steps finish, no new ones start until [`Control::GoOn`].
    Pause,
    GoOn,
    /// The undecided step is done once more: its cause is mended.
    Retry(StepId),
    /// The undecided step is given up with all that needs it; the rest comes to its end without them.
    LeaveOut(StepId),
    /// Every undecided step has failed for good.
    GiveUp,
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

    /// The step begins once more.
    pub fn reset(&self, step: StepId) {
        if let Some(counter) = self.counter(step) {
            counter.rows.store(0, Ordering::Relaxed);
            counter.bytes.store(0, Ordering::Relaxed);
        }
    }
}
