//! A run of the sample plan, for tests.

use std::sync::Arc;

use super::fixtures::{bare, press, selecting};
use super::{Effect, KeyCode, Msg, Now, State};
use crate::model::event::RunEvent;
use crate::model::plan::Plan;
use crate::model::report::Report;
use crate::model::samples;

/// When the run of [`started`] begins.
pub(crate) const BEGAN: Now = Now(2_000);

/// On Run, nothing told by the engine yet.
pub(crate) fn started(plan: &Plan) -> State {
    let mut state = selecting(bare());
    let effects = press(&mut state, KeyCode::Enter);
    for effect in effects {
        if let Effect::MakePlan { attempt, .. } = effect {
            let outcome = Ok(Arc::new(plan.clone()));
            state.update(Msg::Planned { attempt, outcome }, Now(1_500));
        }
    }
    press(&mut state, KeyCode::Enter);
    state.update(Msg::Key(super::Key::plain(KeyCode::Enter)), BEGAN);
    state
}

pub(crate) fn finish(state: &mut State, report: Report, now: Now) {
    state.update(Msg::Run(RunEvent::Finished(Box::new(report))), now);
}

/// On Report.
pub(crate) fn reported(report: Report) -> State {
    let mut state = started(&samples::plan());
    finish(&mut state, report, Now(187_000));
    press(&mut state, KeyCode::Enter);
    state
}
