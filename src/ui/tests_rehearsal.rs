//! Pictures of the rehearsal.

use super::tests::{show, show_ascii};
use super::*;
use crate::app::KeyCode;
use crate::app::Msg;
use crate::app::fixtures::press;
use crate::app::fixtures_plan::previewing;
use crate::app::fixtures_rehearsal::*;
use crate::model::forecast::Forecast;
use crate::model::samples;

pub(super) fn forecast(forecast: Forecast) -> State {
    let mut state = rehearsing();
    state.update(Msg::Rehearsed(Ok(Box::new(forecast))), Now(4_000));
    state
}

#[test]
fn rehearsal() {
    let mut question = previewing();
    press(&mut question, KeyCode::Char('t'));
    show("rehearsal_question", question);
    show("rehearsal_planning", asked());
    show("rehearsal_running", rehearsing());
    let mut stopping = rehearsing();
    press(&mut stopping, KeyCode::Char('x'));
    show("rehearsal_stopping", stopping);
    show("rehearsal_forecast", forecast(samples::forecast()));
    show("rehearsal_failed", forecast(samples::forecast_of_failure()));
    let mut end = forecast(samples::forecast());
    press(&mut end, KeyCode::End);
    show("rehearsal_forecast_end", end);
    show_ascii("rehearsal", forecast(samples::forecast()));
}
