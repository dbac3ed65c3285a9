//! The check step.

use std::sync::Arc;

use crate::app::{Action, Ctx, Effect, Flow, Inspection, Pending};
use crate::model::finding::CheckResult;
use crate::model::problem::Problem;

#[derive(Debug, Default)]
pub struct Check {
    pub pending: Option<Pending>,
}

impl Check {
    pub fn begin(&mut self, pending: Pending) {
        self.pending = Some(pending);
    }

    pub fn cancel(&mut self) -> Option<Effect> {
        self.pending.take().map(|pending| Effect::Cancel {
            attempt: pending.attempt,
        })
    }

    pub fn arrived(&mut self, _attempt: u64, _result: CheckResult) {}

    pub fn inspected(
        &mut self,
        _attempt: u64,
        outcome: Result<Arc<Inspection>, Box<Problem>>,
    ) -> Option<Arc<Inspection>> {
        outcome.ok()
    }

    pub fn accept_warnings(&mut self) {}

    pub fn why_not(&self, _action: Action) -> Option<String> {
        None
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
