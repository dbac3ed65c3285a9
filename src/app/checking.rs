//! What the Check step asks for around itself: reading both databases, running all checks or one, mending what one found,
//! and what follows from the answers. It reads and runs nothing itself.

use std::sync::Arc;

use crate::model::connection::Endpoint;
use crate::model::options::{Method, Options, VerifyLevel};
use crate::model::problem::Problem;

use super::message::{Effect, Inspection, Now};
use super::questions;
use super::state::{State, WizardStep};

impl State {
    /// The answer to a reading, unless it was long withdrawn.
    pub(super) fn both_read(
        &mut self,
        attempt: u64,
        outcome: Result<Arc<Inspection>, Box<Problem>>,
        now: Now,
    ) -> Vec<Effect> {
        let Some(inspection) = self.check.inspected(attempt, outcome) else {
            return Vec::new();
        };
        let goes_on = self.is_hurrying && self.check.tally().blocking == 0;
        self.selection = self.select.take_over(
            self.inspection.as_deref(),
            &inspection,
            &self.selection,
            &self.options,
        );
        self.inspection = Some(inspection);
        if goes_on {
            return self.after_check(now);
        }
        Vec::new()
    }

    pub(super) fn cleaned(
        &mut self,
        attempt: u64,
        outcome: Result<(), Box<Problem>>,
        now: Now,
    ) -> Vec<Effect> {
        match outcome {
            Ok(()) if self.check.is_awaited(attempt) => {
                self.check.pending = None;
                self.has_changed = true;
                self.say("Removed what the earlier run had left.".to_owned(), now);
                return self.inspect(now);
            }
            Ok(()) => {}
            Err(problem) => drop(self.check.inspected(attempt, Err(problem))),
        }
        Vec::new()
    }

    /// Runs on the destination what the user has seen and agreed to.
    pub(super) fn mend(&mut self, statements: Vec<String>, now: Now) -> Vec<Effect> {
        let Some(inspection) = self.inspection.clone() else {
            return Vec::new();
        };
        let pending = self.pending(now);
        self.check.begin_fix(pending);
        vec![Effect::Mend {
            attempt: pending.attempt,
            destination: Box::new(questions::reachable_destination(&inspection)),
            statements,
        }]
    }

    /// Whether it helped, only the check can tell.
    pub(super) fn mended(
        &mut self,
        attempt: u64,
        outcome: Result<(), Box<Problem>>,
        now: Now,
    ) -> Vec<Effect> {
        let Some(id) = self.check.mended(attempt, outcome) else {
            return Vec::new();
        };
        self.has_changed = true;
        self.say("The fix was run; its check runs again.".to_owned(), now);
        self.inspect_one(Some(id), now)
    }

    /// To the choice of tables; after checks that a choice made necessary, straight on to the preview.
    pub(super) fn after_check(&mut self, now: Now) -> Vec<Effect> {
        if std::mem::take(&mut self.is_rechecking) || self.resuming.is_some() {
            self.step = WizardStep::Preview;
            return self.make_plan(now);
        }
        self.step = WizardStep::Select;
        Vec::new()
    }

    /// The options as far as checks depend on them. One table by FDW needs what all of them would need.
    fn options_to_check(&self) -> Options {
        let has_fdw = self.selection.methods.contains(&Some(Method::Fdw));
        let mut options = self.options.clone();
        if has_fdw {
            options.method = Method::Fdw;
        }
        options
    }

    /// Something was chosen since that the checks did not look at.
    pub(super) fn has_outgrown_checks(&self) -> bool {
        if self.resuming.is_some() {
            return false;
        }
        let Some(checked) = &self.checked_options else {
            return true;
        };
        let mut wanted = self.options_to_check();
        if checked.method == Method::Fdw {
            // The checks for FDW include those for COPY.
            wanted.method = Method::Fdw;
        }
        let plain = |options: &Options| Options {
            jobs: 1,
            verify: VerifyLevel::Off,
            ..options.clone()
        };
        plain(checked) != plain(&wanted)
    }

    /// Reads both databases (again), with the connections that stand in the forms, and runs all checks.
    pub(super) fn inspect(&mut self, now: Now) -> Vec<Effect> {
        self.read_both(None, now)
    }

    /// The same, but runs the check under the cursor alone; all, where it cannot be run without the others.
    pub(super) fn inspect_selected(&mut self, now: Now) -> Vec<Effect> {
        self.inspect_one(self.check.to_run_again(), now)
    }

    fn inspect_one(&mut self, id: Option<&'static str>, now: Now) -> Vec<Effect> {
        let is_enough = !self.has_outgrown_checks();
        self.read_both(id.filter(|_| is_enough), now)
    }

    fn read_both(&mut self, only: Option<&'static str>, now: Now) -> Vec<Effect> {
        let Some(endpoints) = self.connect.endpoints() else {
            self.warn("A connection is not complete.".to_owned(), now);
            return Vec::new();
        };
        let mut effects: Vec<_> = self.check.cancel().into_iter().collect();
        let pending = self.pending(now);
        let options = self.options_to_check();
        self.is_hurrying = false;
        match only {
            Some(id) => self.check.begin_one(id, pending),
            None => self.check.begin(pending),
        }
        let [given, destination] = endpoints;
        let source = self.resuming.as_deref().cloned().unwrap_or(given);
        self.inspected = Some(Box::new([source.clone(), destination.clone()]));
        effects.push(Effect::Inspect {
            attempt: pending.attempt,
            source: Box::new(source),
            destination: Box::new(destination),
            options: Box::new(options.clone()),
            goes_on: self.resuming.is_some(),
            only,
        });
        self.checked_options = Some(Box::new(options));
        effects
    }

    /// Goes on with the run that has just ended before its time, from where it read.
    pub(super) fn resume_at_once(&mut self, now: Now) -> Vec<Effect> {
        let Some([source, _]) = self.inspected.as_deref().cloned() else {
            return Vec::new();
        };
        let effects = self.go_on_with_run(source, now);
        self.is_hurrying = true;
        effects
    }

    pub(super) fn go_on_with_run(&mut self, source: Endpoint, now: Now) -> Vec<Effect> {
        self.resuming = Some(Box::new(source));
        self.step = WizardStep::Check;
        self.inspect(now)
    }

    /// The source that the journal names may need a password; one that was given for the same role and database fits.
    pub(super) fn source_to_go_on_from(&self, from_given: bool) -> Option<Endpoint> {
        let [given, _] = self.inspected.as_deref()?.clone();
        if from_given {
            return Some(given);
        }
        let journal = self.inspection.as_ref()?.unfinished.as_ref()?;
        Some(journal.request.source.clone())
    }

    pub(super) fn clean(&mut self, now: Now) -> Vec<Effect> {
        let Some(inspection) = self.inspection.clone() else {
            return Vec::new();
        };
        let pending = self.pending(now);
        self.check.begin(pending);
        self.resuming = None;
        let mut destination = inspection.destination_endpoint.clone();
        // What is left on the server can be removed from there where the database itself is yet to be made.
        if inspection.destination.database.is_none() {
            "postgres".clone_into(&mut destination.database);
        }
        vec![Effect::Clean {
            attempt: pending.attempt,
            destination: Box::new(destination),
            statements: questions::to_clean(&inspection),
        }]
    }
}
