//! What the run did and what it proved.

use std::sync::Arc;

use crate::app::{Action, Ctx, Effect, Flow};
use crate::model::report::Report;

#[derive(Debug, Default)]
pub struct ReportView {
    pub report: Option<Arc<Report>>,
}

impl ReportView {
    pub fn show(&mut self, report: Arc<Report>) {
        *self = Self {
            report: Some(report),
        };
    }

    /// Why a key does nothing now, as a sentence.
    pub fn why_not(&self, _action: Action) -> Option<String> {
        None
    }

    pub fn action(&mut self, action: Action, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        if action == Action::Back {
            ctx.flow = Some(Flow::Back);
        }
        Vec::new()
    }
}
