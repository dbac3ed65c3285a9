//! Rehearsals over the preview, for tests.

use std::sync::Arc;

use super::fixtures::press;
use super::fixtures_plan::{library, previewing};
use super::overlay::Overlay;
use super::rehearsing::Stage;
use super::{Effect, KeyCode, Msg, Now, State};
use crate::model::event::RunEvent;
use crate::model::forecast::SampleSize;
use crate::model::plan::StepId;
use crate::planner::rehearsal;

pub(crate) const SCRATCH: &str = "howdah_rehearsal_0123456789abcdef";

/// Its plan is being made.
pub(crate) fn asked() -> State {
    let mut state = previewing();
    press(&mut state, KeyCode::Char('t'));
    press(&mut state, KeyCode::Enter);
    state
}

pub(crate) fn pending(state: &State) -> u64 {
    match &state.overlay {
        Some(Overlay::Rehearsal(one)) => match one.stage {
            Stage::Planning(pending) => pending.attempt,
            _ => 0,
        },
        _ => 0,
    }
}

/// Of a kilobyte of each table.
pub(crate) fn planned(state: &mut State) -> Vec<Effect> {
    let attempt = pending(state);
    let inspection = library();
    let scratch = rehearsal::with_scratch(&inspection, SCRATCH.to_owned());
    let real = &inspection.destination_endpoint;
    let made = rehearsal::plan(
        &scratch,
        &state.selection,
        &state.options,
        SampleSize::Bytes(1024),
        real,
    )
    .unwrap();
    let outcome = Ok(Arc::new(made));
    state.update(Msg::RehearsalPlanned { attempt, outcome }, Now(400))
}

/// Some steps are done.
pub(crate) fn rehearsing() -> State {
    let mut state = asked();
    planned(&mut state);
    for id in 0..12 {
        let step = StepId(id);
        state.update(Msg::Run(RunEvent::StepStarted(step)), Now(500));
        if id < 11 {
            let event = RunEvent::StepFinished {
                step,
                rows: 0,
                bytes: 0,
                elapsed_ms: 40,
                is_kept: false,
            };
            state.update(Msg::Run(event), Now(600));
        }
    }
    state
}
