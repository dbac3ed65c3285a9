//! The rehearsal by keys: nothing of the preview is lost, whatever way it ends.

use super::fixtures::press;
use super::fixtures_plan::previewing;
use super::fixtures_rehearsal::*;
use super::overlay::Overlay;
use super::rehearsing::Stage;
use super::*;
use crate::model::event::Stop;
use crate::model::problem::Problem;
use crate::model::samples;

fn stage(state: &State) -> &Stage {
    match &state.overlay {
        Some(Overlay::Rehearsal(rehearsing)) => &rehearsing.stage,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_rehearsal_is_asked_for_made_read_and_left_again() {
    let mut state = previewing();
    press(&mut state, KeyCode::Down);
    let before = (state.preview.cursor.selected, state.preview.plan.clone());
    press(&mut state, KeyCode::Char('t'));
    let effects = press(&mut state, KeyCode::Enter);
    assert!(matches!(effects.as_slice(), [Effect::MakeRehearsal { .. }]));
    assert!(matches!(stage(&state), Stage::Planning(_)) && state.wants_ticks());
    let effects = planned(&mut state);
    let [Effect::StartRehearsal { destination, .. }] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(destination.database, SCRATCH);
    let forecast = Box::new(samples::forecast());
    let effects = state.update(Msg::Rehearsed(Ok(forecast)), Now(9_000));
    assert!(matches!(
        effects.as_slice(),
        [Effect::Bell, Effect::Notify(_)]
    ));
    assert!(matches!(stage(&state), Stage::Ended(_)) && !state.wants_ticks());
    for code in [KeyCode::End, KeyCode::PageUp, KeyCode::Down, KeyCode::Home] {
        press(&mut state, code);
    }
    press(&mut state, KeyCode::Esc);
    assert!(state.overlay.is_none() && state.step == WizardStep::Preview);
    assert_eq!(before, (state.preview.cursor.selected, state.preview.plan));
}

#[test]
fn the_question_before_the_run_offers_a_rehearsal() {
    let mut state = previewing();
    press(&mut state, KeyCode::Enter);
    press(&mut state, KeyCode::Tab);
    press(&mut state, KeyCode::Enter);
    let effects = press(&mut state, KeyCode::Enter);
    assert!(matches!(effects.as_slice(), [Effect::MakeRehearsal { .. }]));
}

#[test]
fn a_rehearsal_is_stopped_once_and_its_end_waited_for() {
    for key in [Key::plain(KeyCode::Esc), Key::char('x'), Key::ctrl('c')] {
        let mut state = rehearsing();
        let effects = state.update(Msg::Key(key), Now(9_000));
        assert!(matches!(effects.as_slice(), [Effect::StopRun(Stop::Now)]));
        assert!(matches!(stage(&state), Stage::Stopping));
        assert!(press(&mut state, KeyCode::Esc).is_empty());
        assert!(matches!(stage(&state), Stage::Stopping), "it cleans up");
        let problem = Box::new(Problem::new("Rehearsal", "broke off"));
        state.update(Msg::Rehearsed(Err(problem)), Now(9_500));
        assert!(matches!(stage(&state), Stage::Failed(_)));
        press(&mut state, KeyCode::Enter);
        assert!(state.overlay.is_none());
    }
}

#[test]
fn a_signal_stops_the_rehearsal_and_leaves_when_its_database_is_gone() {
    let mut state = rehearsing();
    let signal = || Msg::Interrupt { is_final: false };
    let effects = state.update(signal(), Now(9_000));
    assert!(matches!(effects.as_slice(), [Effect::StopRun(Stop::Now)]));
    let forecast = Box::new(samples::forecast());
    let effects = state.update(Msg::Rehearsed(Ok(forecast)), Now(9_500));
    assert!(matches!(effects.as_slice(), [Effect::Quit]));
}

#[test]
fn a_plan_that_cannot_be_made_is_told_and_one_withdrawn_is_dropped() {
    let mut state = asked();
    let effects = press(&mut state, KeyCode::Esc);
    assert!(matches!(effects.as_slice(), [Effect::Cancel { .. }]));
    assert!(planned(&mut state).is_empty() && state.overlay.is_none());
    let mut state = asked();
    let attempt = pending(&state);
    let outcome = Err(Box::new(Problem::new("Rehearsal", "may not")));
    state.update(Msg::RehearsalPlanned { attempt, outcome }, Now(9_000));
    assert!(matches!(stage(&state), Stage::Failed(_)));
}
