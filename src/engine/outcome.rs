//! What one finished step has to tell.

use std::sync::atomic::Ordering;

use crate::model::definition::DefinitionsResult;
use crate::model::event::Counter;
use crate::model::options::{OnExisting, Options, SchemaChoice, VerifyLevel};
use crate::model::plan::{Fallback, Plan, StepId};
use crate::model::problem::Problem;
use crate::model::report::Arrival;
use crate::model::text::Text;

/// What a query measured on one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Rows {
        count: u64,
        checksum: Option<Text>,
    },
    Counter {
        last_value: i64,
        is_called: bool,
    },
    LargeObjects {
        count: u64,
        digest: Text,
    },
    /// The destination does not have it, or not with these columns.
    Absent,
}

/// What a finished step has to tell. There is one for each step of a plan: what few have is kept apart.
#[derive(Clone, Debug, Default)]
pub(super) struct StepOutcome {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) elapsed_ms: u64,
    /// Since the run began.
    pub(super) ended_ms: u64,
    pub(super) measured: Option<Box<Measured>>,
    pub(super) oddities: Option<Box<Oddities>>,
    pub(super) arrival: Arrival,
}

/// What hardly any step has to tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Oddities {
    /// Why the step's own way was refused; its fallback then did it.
    pub(super) refusal: Option<(Problem, Fallback)>,
    pub(super) violations: Option<Violations>,
    pub(super) definitions: Option<DefinitionsResult>,
}

/// What each step has brought that is done. One place for each step of the plan: most of them are done in the end.
#[derive(Debug, Default)]
pub(super) struct Outcomes(Vec<Option<StepOutcome>>);

impl Outcomes {
    pub(super) fn of(plan: &Plan) -> Self {
        Self(vec![None; plan.steps.len()])
    }

    pub(super) fn get(&self, id: StepId) -> Option<&StepOutcome> {
        self.0.get(id.index())?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: StepId) -> Option<&mut StepOutcome> {
        self.0.get_mut(id.index())?.as_mut()
    }

    pub(super) fn has(&self, id: StepId) -> bool {
        self.get(id).is_some()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &StepOutcome> {
        self.0.iter().flatten()
    }

    pub(super) fn set(&mut self, id: StepId, outcome: StepOutcome) {
        self.0[id.index()] = Some(outcome);
    }

    pub(super) fn take_back(&mut self, id: StepId) {
        self.0[id.index()] = None;
    }
}

/// Rows or a counter as they were found.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    pub(super) source: Option<Measure>,
    pub(super) destination: Option<Measure>,
    /// What the destination held before rows were added to it.
    pub(super) before: Option<Measure>,
}

impl StepOutcome {
    pub(super) fn measured_mut(&mut self) -> &mut Measured {
        self.measured.get_or_insert_default()
    }

    pub(super) fn oddities_mut(&mut self) -> &mut Oddities {
        self.oddities.get_or_insert_default()
    }

    /// [`Oddities::refusal`].
    pub(super) fn refusal(&self) -> Option<&(Problem, Fallback)> {
        self.oddities.as_deref()?.refusal.as_ref()
    }

    /// [`Oddities::violations`].
    pub(super) fn violations(&self) -> Option<&Violations> {
        self.oddities.as_deref()?.violations.as_ref()
    }

    /// [`Oddities::definitions`].
    pub(super) fn definitions(&self) -> Option<&DefinitionsResult> {
        self.oddities.as_deref()?.definitions.as_ref()
    }

    pub(super) fn source(&self) -> Option<&Measure> {
        self.measured.as_deref()?.source.as_ref()
    }

    pub(super) fn destination(&self) -> Option<&Measure> {
        self.measured.as_deref()?.destination.as_ref()
    }

    pub(super) fn before(&self) -> Option<&Measure> {
        self.measured.as_deref()?.before.as_ref()
    }

    /// Nothing was to be done: what is there was proved to be the source's. Other tables are compared as `verify` says, after the
    /// run; rows among others have been by this very proof.
    pub(super) fn kept(mut self, options: &Options, counter: &Counter) -> Self {
        let measured = self.measured.get_or_insert_default();
        if let Some(Measure::Rows { count, checksum }) = &mut measured.source {
            self.rows = *count;
            if options.verify != VerifyLevel::Checksums {
                *checksum = None;
            }
        }
        counter.rows.store(self.rows, Ordering::Relaxed);
        let is_among_others =
            options.schema == SchemaChoice::None && options.on_existing == OnExisting::Append;
        let is_compared = is_among_others && options.verify != VerifyLevel::Off;
        measured.destination = measured.source.clone().filter(|_| is_compared);
        self.arrival = Arrival::Kept;
        self
    }
}

/// Rows that break a foreign key.
#[derive(Clone, Debug, Default)]
pub(super) struct Violations {
    pub(super) count: u64,
    pub(super) sample: Vec<String>,
}

impl Violations {
    pub(super) fn of(row: &tokio_postgres::Row) -> Self {
        Self {
            count: u64::try_from(row.get::<_, i64>(0)).unwrap_or(0),
            sample: row.get(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::schedule::bare_step;
    use crate::model::plan::Phase;

    #[test]
    fn what_is_taken_back_was_not_done() {
        let plan = Plan {
            steps: vec![
                bare_step(0, Phase::Data, &[]),
                bare_step(1, Phase::Data, &[]),
            ],
            ..Plan::default()
        };
        let mut outcomes = Outcomes::of(&plan);
        assert!(outcomes.all().next().is_none());
        let (first, second) = (StepId(0), StepId(1));
        for id in [first, second] {
            let rows = u64::from(id.0) + 1;
            outcomes.set(
                id,
                StepOutcome {
                    rows,
                    ..StepOutcome::default()
                },
            );
        }
        outcomes.take_back(first);
        assert!(!outcomes.has(first) && outcomes.has(second));
        assert_eq!(outcomes.all().map(|one| one.rows).collect::<Vec<_>>(), [2]);
    }
}
