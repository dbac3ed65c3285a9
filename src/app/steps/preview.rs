//! The plan, step by step, before anything is run.

use std::sync::Arc;

use crate::app::{Action, Ctx, Effect, Flow, Pending};
use crate::model::plan::Plan;
use crate::model::problem::Problem;

#[derive(Debug, Default)]
pub struct Preview {
    pub plan: Option<Arc<Plan>>,
    /// Why no plan could be made.
    pub problem: Option<Box<Problem>>,
    pub pending: Option<Pending>,
}

impl Preview {
    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// A plan was asked for.
    pub fn ask(&mut self, pending: Pending) {
        self.pending = Some(pending);
    }

    /// [`Msg::Planned`](crate::app::Msg) of the question now pending.
    pub fn planned(&mut self, outcome: Result<Arc<Plan>, Box<Problem>>) {
        self.pending = None;
        match outcome {
            Ok(plan) => (self.plan, self.problem) = (Some(plan), None),
            Err(problem) => (self.plan, self.problem) = (None, Some(problem)),
        }
    }

    /// Characters go to a text field instead of the keymap.
    pub fn is_typing(&self) -> bool {
        false
    }

    /// Text for the field in focus.
    pub fn text(&mut self, _key: crate::app::Key, _ctx: &mut Ctx<'_>) {}

    /// Why a key does nothing now, as a sentence.
    pub fn why_not(&self, action: Action) -> Option<String> {
        match action {
            Action::Next if self.plan.is_none() => Some("There is no plan to run yet.".to_owned()),
            _ => None,
        }
    }

    pub fn action(&mut self, action: Action, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        match action {
            Action::Next => ctx.flow = Some(Flow::Next),
            Action::Back => {
                if let Some(pending) = self.pending.take() {
                    return vec![Effect::Cancel {
                        attempt: pending.attempt,
                    }];
                }
                ctx.flow = Some(Flow::Back);
            }
            _ => {}
        }
        Vec::new()
    }
}
