//! A run as the wizard begins it and hears of it. What it does is the engine's.

use std::sync::Arc;

use crate::model::event::RunEvent;

use super::state::{State, WizardStep};
use super::{Effect, Now};

impl State {
    pub(super) fn start_run(&mut self, now: Now) -> Vec<Effect> {
        let (Some(plan), Some(inspection)) = (self.preview.plan.clone(), &self.inspection) else {
            self.warn("There is no plan to run yet.".to_owned(), now);
            return Vec::new();
        };
        let source = Box::new(inspection.source_endpoint.clone());
        let destination = Box::new(inspection.destination_endpoint.clone());
        self.run.start(Arc::clone(&plan), now, self.size);
        self.stop = None;
        self.has_changed = true;
        self.step = WizardStep::Run;
        vec![Effect::StartRun {
            plan,
            source,
            destination,
        }]
    }

    pub(super) fn run_event(&mut self, event: RunEvent, now: Now) -> Vec<Effect> {
        if let RunEvent::Stopping(stop) = &event {
            self.stop = self.stop.max(Some(*stop));
        }
        let mut effects = self.run.event(event, now);
        // A question about the run has no answer any more once it has ended.
        if !self.run.is_running() && self.is_asking_of_run() {
            self.overlay = None;
        }
        if self.is_leaving && !self.run.is_running() {
            effects.push(Effect::Quit);
        }
        effects
    }
}
