//! The run as it goes.

use std::sync::Arc;

use crate::app::{Action, Ctx, Effect, Flow, Now};
use crate::model::event::RunEvent;
use crate::model::plan::{Plan, StepId};
use crate::model::report::Report;

#[derive(Debug, Default)]
pub struct Run {
    pub plan: Option<Arc<Plan>>,
    pub started: Option<Now>,
    /// Set by the last event.
    pub report: Option<Arc<Report>>,
}

impl Run {
    /// Begins anew.
    pub fn start(&mut self, plan: Arc<Plan>, now: Now) {
        *self = Self {
            plan: Some(plan),
            started: Some(now),
            report: None,
        };
    }

    pub fn is_running(&self) -> bool {
        self.started.is_some() && self.report.is_none()
    }

    pub fn event(&mut self, event: RunEvent, _now: Now) -> Vec<Effect> {
        if let RunEvent::Finished(report) = event {
            self.report = Some(Arc::new(*report));
            return vec![Effect::Bell];
        }
        Vec::new()
    }

    /// Rows and bytes so far of the steps now running.
    pub fn tick(&mut self, _samples: &[(StepId, u64, u64)], _now: Now) {}

    /// Characters go to a text field instead of the keymap.
    pub fn is_typing(&self) -> bool {
        false
    }

    /// Text for the field in focus.
    pub fn text(&mut self, _key: crate::app::Key, _ctx: &mut Ctx<'_>) {}

    /// Why a key does nothing now, as a sentence.
    pub fn why_not(&self, action: Action) -> Option<String> {
        match action {
            Action::Next if self.is_running() => {
                Some("The report comes when the run has ended.".to_owned())
            }
            Action::Back if self.is_running() => {
                Some("The run goes on; q asks how to stop it.".to_owned())
            }
            _ => None,
        }
    }

    pub fn action(&mut self, action: Action, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        match action {
            Action::Next => ctx.flow = Some(Flow::Next),
            Action::Back => ctx.flow = Some(Flow::Back),
            _ => {}
        }
        Vec::new()
    }
}
