//! Runs that wait for a word, and interrupted runs that are gone on with, by keys alone.

use std::sync::Arc;

use super::fixtures::{prefilled, press};
use super::fixtures_control::*;
use super::fixtures_plan;
use super::fixtures_run::{finish, halfway, reported};
use super::overlay::{Choice, Overlay};
use super::*;
use crate::model::catalog::HashForm;
use crate::model::connection::Side;
use crate::model::event::{Control, RunEvent, Stop};
use crate::model::plan::Action;
use crate::model::problem::Retry;
use crate::model::samples;
use crate::planner;

fn toast(state: &State) -> &str {
    state.toast.as_ref().map_or("", |toast| &toast.text)
}

/// Chooses the button of a question that means this.
fn answer(state: &mut State, wanted: &Choice) -> Vec<Effect> {
    let Some(Overlay::Confirm(confirm)) = &state.overlay else {
        panic!("nothing is asked: {:?}", state.overlay);
    };
    let steps = confirm.buttons.iter().position(|(_, it)| it == wanted);
    for _ in 0..steps.expect("there is such a button") {
        press(state, KeyCode::Tab);
    }
    press(state, KeyCode::Enter)
}

#[test]
fn what_is_lost_with_the_snapshot_is_not_offered_again() {
    let mut state = super::fixtures_run::halfway();
    let step = customer();
    tell(&mut state, RunEvent::StepStarted(step), 41_000);
    let mut problem = Box::new(samples::duplicate_key());
    problem.retry = Retry::Never;
    tell(
        &mut state,
        RunEvent::StepUndecided { step, problem },
        42_000,
    );
    for key in ['r', 'R'] {
        assert_eq!(press(&mut state, KeyCode::Char(key)).len(), 0);
        let words = &state.toast.as_ref().unwrap().text;
        assert!(words.contains("lost with the source's snapshot"), "{words}");
    }
    assert!(state.run.is_lost());
}

#[test]
fn a_failed_step_is_retried_and_is_no_problem_any_more() {
    let mut state = undecided();
    assert_eq!(state.run.board.undecided_count(), 1);
    let ended = state.run.board.ended_count();
    let effects = press(&mut state, KeyCode::Char('r'));
    let [Effect::SteerRun(Control::Retry(step))] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(*step, customer());
    press(&mut state, KeyCode::Char('d'));
    assert!(state.run.details.is_some());
    tell(&mut state, RunEvent::StepStarted(customer()), 43_000);
    assert!(state.run.board.failed.is_empty() && state.run.details.is_none());
    assert_eq!(state.run.board.ended_count(), ended);
    press(&mut state, KeyCode::Char('r'));
    assert_eq!(toast(&state), "No step has failed.");
}

#[test]
fn all_failed_steps_are_retried_at_once() {
    let mut state = undecided();
    let step = samples::step_of(&samples::plan(), "Copy the rows of public.rental");
    let problem = Box::new(samples::duplicate_key());
    tell(
        &mut state,
        RunEvent::StepUndecided { step, problem },
        42_500,
    );
    let effects = press(&mut state, KeyCode::Char('R'));
    assert_eq!(effects.len(), 2);
}

#[test]
fn leaving_out_asks_and_the_harmless_answer_comes_first() {
    let mut state = waiting();
    press(&mut state, KeyCode::Char('s'));
    assert!(press(&mut state, KeyCode::Enter).is_empty());
    press(&mut state, KeyCode::Char('s'));
    let wanted = Choice::Steer(Control::LeaveOut(customer()));
    let effects = answer(&mut state, &wanted);
    assert!(matches!(
        effects.as_slice(),
        [Effect::SteerRun(Control::LeaveOut(_))]
    ));
    let because = "it failed and was left out".to_owned();
    let step = customer();
    tell(&mut state, RunEvent::StepLeftOut { step, because }, 43_000);
    assert!(state.run.board.failed.is_empty());
    assert_eq!(state.run.board.skipped_count, 1);
}

#[test]
fn what_the_run_begins_with_cannot_be_left_out() {
    let mut state = halfway();
    let step = samples::step_of(&samples::plan(), "Take a snapshot of the source");
    let problem = Box::new(samples::duplicate_key());
    tell(
        &mut state,
        RunEvent::StepUndecided { step, problem },
        42_000,
    );
    press(&mut state, KeyCode::Char('s'));
    assert!(state.overlay.is_none());
    assert!(toast(&state).contains("r retries it"), "{}", toast(&state));
}

#[test]
fn a_run_that_waits_rings_and_ends_when_told() {
    let mut state = undecided();
    press(&mut state, KeyCode::Enter);
    assert!(state.overlay.is_none());
    let effects = tell(&mut state, RunEvent::Waiting, 42_500);
    assert!(matches!(
        effects.as_slice(),
        [Effect::Bell, Effect::Notify(_)]
    ));
    assert!(state.run.is_waiting);
    press(&mut state, KeyCode::Enter);
    let effects = answer(&mut state, &Choice::Steer(Control::GiveUp));
    assert!(matches!(
        effects.as_slice(),
        [Effect::SteerRun(Control::GiveUp)]
    ));
    let (step, problem) = (customer(), Box::new(samples::duplicate_key()));
    tell(&mut state, RunEvent::StepFailed { step, problem }, 43_000);
    assert_eq!(
        (
            state.run.board.failed.len(),
            state.run.board.undecided_count()
        ),
        (1, 0)
    );
    // A question about a run that has ended has no answer.
    press(&mut state, KeyCode::Char('x'));
    finish(&mut state, samples::failed(), Now(44_000));
    assert!(state.overlay.is_none() && !state.run.is_waiting);
}

#[test]
fn a_pause_is_asked_for_and_shown_when_the_engine_says_so() {
    let mut state = halfway();
    let effects = press(&mut state, KeyCode::Char('p'));
    assert!(matches!(
        effects.as_slice(),
        [Effect::SteerRun(Control::Pause)]
    ));
    assert!(!state.run.is_paused);
    tell(&mut state, RunEvent::Paused(true), 42_000);
    assert!(state.run.is_paused && state.run.is_source_held);
    let last = state.run.log.lines.back().unwrap();
    assert!(last.text.contains("snapshot stays open"), "{}", last.text);
    let effects = press(&mut state, KeyCode::Char('p'));
    assert!(matches!(
        effects.as_slice(),
        [Effect::SteerRun(Control::GoOn)]
    ));
}

#[test]
fn each_way_to_stop_says_what_stays() {
    let mut state = halfway();
    press(&mut state, KeyCode::Char('q'));
    let Some(Overlay::Confirm(confirm)) = &state.overlay else {
        panic!("{:?}", state.overlay);
    };
    let words = confirm.lines.join(" ");
    for part in [
        "After current tables:",
        "Now:",
        "stay on the destination",
        "howdah resume",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    let effects = answer(&mut state, &Choice::Stop(Stop::Now));
    assert!(matches!(effects.as_slice(), [Effect::StopRun(Stop::Now)]));
}

#[test]
fn an_interrupted_run_is_gone_on_with_from_its_journal() {
    let mut state = finding_a_run("old.example");
    assert_eq!(state.check.selected().unwrap().id, "leftovers");
    press(&mut state, KeyCode::Enter);
    let effects = press(&mut state, KeyCode::Enter);
    let Some(Effect::Inspect {
        source,
        goes_on: true,
        ..
    }) = effects.last()
    else {
        panic!("{effects:?}");
    };
    // The password that was given for it goes along.
    assert!(source.password.is_some());

    let mut state = going_on();
    press(&mut state, KeyCode::Char('o'));
    assert!(state.overlay.is_none() && toast(&state).contains("as it was started"));
    let effects = press(&mut state, KeyCode::Enter);
    assert_eq!(state.step, WizardStep::Preview);
    let [
        Effect::MakePlan {
            attempt,
            selection,
            options,
            ..
        },
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    let request = gone_on_with().journal.unwrap().request;
    assert_eq!(**options, request.options);
    assert_eq!(**selection, request.selection(&gone_on_with().catalog));
    let (attempt, outcome) = (*attempt, Ok(Arc::new(samples::plan())));
    state.update(Msg::Planned { attempt, outcome }, Now(4_000));
    for key in ['m', 'w'] {
        assert!(press(&mut state, KeyCode::Char(key)).is_empty(), "{key}");
    }
    // Nothing is to be chosen any more: the way back leads past it.
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.step, WizardStep::Check);
    press(&mut state, KeyCode::Enter);
    state.update(
        Msg::Planned {
            attempt: attempt + 1,
            outcome: Ok(Arc::new(samples::plan())),
        },
        Now(4_000),
    );
    press(&mut state, KeyCode::Enter);
    let effects = answer(&mut state, &Choice::StartRun);
    assert!(matches!(effects.as_slice(), [Effect::StartRun { .. }]));
}

#[test]
fn another_source_than_the_runs_own_is_asked_about() {
    let mut state = finding_a_run("older.example");
    press(&mut state, KeyCode::Enter);
    let effects = answer(&mut state, &Choice::GoOnWithRun { from_given: false });
    let Some(Effect::Inspect { source, .. }) = effects.last() else {
        panic!("{effects:?}");
    };
    assert_eq!(source.host, "older.example");
    // What Connect says counts again once one goes there.
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.step, WizardStep::Connect);
    let effects = press(&mut state, KeyCode::Enter);
    let reads_the_given = |effect: &Effect| matches!(effect, Effect::Inspect { goes_on: false, source, .. } if source.host == "old.example");
    assert!(effects.iter().any(reads_the_given), "{effects:?}");
}

#[test]
fn the_journal_is_removed_after_a_question_and_the_checks_run_again() {
    let mut state = finding_a_run("old.example");
    press(&mut state, KeyCode::Char('c'));
    assert!(press(&mut state, KeyCode::Enter).is_empty());
    press(&mut state, KeyCode::Char('c'));
    let effects = answer(&mut state, &Choice::Clean);
    let [
        Effect::Clean {
            attempt,
            statements,
            ..
        },
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    assert_eq!(statements.len(), 1);
    let attempt = *attempt;
    let refused = Box::new(samples::duplicate_key());
    let mut again = finding_a_run("old.example");
    press(&mut again, KeyCode::Char('c'));
    answer(&mut again, &Choice::Clean);
    again.update(
        Msg::Cleaned {
            attempt,
            outcome: Err(refused),
        },
        Now(5_000),
    );
    assert!(again.check.problem.is_some());
    let effects = state.update(
        Msg::Cleaned {
            attempt,
            outcome: Ok(()),
        },
        Now(5_000),
    );
    assert!(matches!(
        effects.as_slice(),
        [Effect::Inspect { goes_on: false, .. }]
    ));
}

#[test]
fn one_key_on_the_report_goes_on_with_a_failed_run() {
    for mut state in [failed_with_journal(), {
        let mut ended = waiting();
        finish(&mut ended, samples::failed(), Now(44_000));
        ended
    }] {
        let effects = press(&mut state, KeyCode::Char('r'));
        let Some(Effect::Inspect {
            attempt,
            goes_on: true,
            ..
        }) = effects.last()
        else {
            panic!("{effects:?}");
        };
        let (attempt, outcome) = (*attempt, Ok(Arc::new(gone_on_with())));
        let effects = state.update(Msg::Inspected { attempt, outcome }, Now(188_000));
        assert_eq!(state.step, WizardStep::Preview);
        assert!(matches!(effects.as_slice(), [Effect::MakePlan { .. }]));
    }
    let mut state = reported(samples::done());
    assert!(press(&mut state, KeyCode::Char('r')).is_empty());
    assert!(toast(&state).contains("nothing to resume"));
}

#[test]
fn what_a_test_finds_unheeded_is_told_once_and_only_by_that_test() {
    let mut state = prefilled();
    press(&mut state, KeyCode::Enter);
    for attempt in [1, 1, 7] {
        let told = Msg::ConnectionWarned {
            side: Side::Source,
            attempt,
            warnings: vec![format!("warning of {attempt}")],
        };
        state.update(told, Now(1_000));
    }
    assert_eq!(state.connect.source.warnings, ["warning of 1"]);
}

/// Floats inside of a composite have other digits before 12, and no part in a checksum between the two.
#[test]
fn a_proof_that_leaves_columns_out_keeps_nothing() {
    let proofs = |source_version, form| {
        let mut inspection = fixtures_plan::library();
        inspection.journal = gone_on_with().journal;
        inspection.source.version_num = source_version;
        let mut tables = inspection.catalog.tables.iter_mut();
        let film = tables.find(|table| table.name.name == "film").unwrap();
        film.columns[0].hash_form = form;
        let request = inspection.journal.clone().unwrap().request;
        let selection = request.selection(&inspection.catalog);
        let plan = planner::plan(&inspection, &selection, &request.options).unwrap();
        let film = plan
            .steps
            .iter()
            .find(|step| step.journal_key == "data/public.film");
        let statements = &film.unwrap().statements;
        let empties = statements
            .iter()
            .filter(|s| s.sql().starts_with("TRUNCATE"))
            .count();
        let proves = statements
            .iter()
            .filter(|s| s.action == Action::KeepIfEqual)
            .count();
        (proves, empties)
    };
    assert_eq!(proofs(150_000, HashForm::NestedFloats), (1, 1));
    assert_eq!(proofs(110_000, HashForm::Text), (1, 1));
    assert_eq!(proofs(110_000, HashForm::NestedFloats), (0, 1));
}

/// On Check, where a dead rehearsal's scratch database was found; the destination database may be yet to be made.
fn finding_a_scratch(is_new: bool) -> State {
    let mut inspection = crate::app::fixtures::shop();
    inspection.scratches =
        vec!["DROP DATABASE IF EXISTS howdah_rehearsal_000000000000001f".to_owned()];
    if is_new {
        inspection.destination.database = None;
    }
    crate::app::fixtures::checked(Vec::new(), inspection)
}

#[test]
fn a_scratch_database_is_removed_after_its_statement_is_shown() {
    for (is_new, from) in [(false, "shop"), (true, "postgres")] {
        let mut state = finding_a_scratch(is_new);
        press(&mut state, KeyCode::Char('c'));
        let Some(Overlay::Confirm(question)) = &state.overlay else {
            panic!("{:?}", state.overlay);
        };
        let words = question.lines.join("\n");
        assert!(
            words.contains("DROP DATABASE IF EXISTS howdah_rehearsal_"),
            "{words}"
        );
        assert!(words.contains("Only copies of rows"), "{words}");
        press(&mut state, KeyCode::Tab);
        let effects = press(&mut state, KeyCode::Enter);
        let [
            Effect::Clean {
                destination,
                statements,
                ..
            },
        ] = effects.as_slice()
        else {
            panic!("{effects:?}");
        };
        assert_eq!((destination.database.as_str(), statements.len()), (from, 1));
    }
}

/// What the footer says a key does.
fn word(state: &State, code: KeyCode) -> &'static str {
    let binding = keymap::bindings(state.step).find(|one| one.keys.contains(&Key::plain(code)));
    state.label(binding.unwrap())
}

#[test]
fn the_footer_names_what_a_key_does_just_now() {
    let mut state = super::fixtures::selecting(super::fixtures::shop());
    assert_eq!(word(&state, KeyCode::Enter), "Continue");
    press(&mut state, KeyCode::Char('/'));
    assert_eq!(word(&state, KeyCode::Enter), "Accept");
    assert_eq!(word(&state, KeyCode::Esc), "Clear filter");
    let mut state = halfway();
    assert_eq!(word(&state, KeyCode::Char('p')), "Pause");
    state.update(Msg::Run(RunEvent::Paused(true)), Now(50_000));
    assert_eq!(word(&state, KeyCode::Char('p')), "Continue");
    press(&mut state, KeyCode::Char('l'));
    assert_eq!(word(&state, KeyCode::Esc), "Close");
    state.update(Msg::Run(RunEvent::Waiting), Now(51_000));
    assert_eq!(word(&state, KeyCode::Enter), "End the run");
    finish(&mut state, samples::cancelled(), Now(52_000));
    assert_eq!(word(&state, KeyCode::Enter), "Report");
    assert_eq!(word(&state, KeyCode::Char('r')), "Resume");
}

/// What was found and planned before a run does not hold after it.
#[test]
fn the_way_back_from_a_run_leads_through_the_checks() {
    let mut state = reported(samples::done());
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.step, WizardStep::Run);
    let effects = press(&mut state, KeyCode::Esc);
    assert_eq!(state.step, WizardStep::Check);
    assert!(matches!(effects.as_slice(), [Effect::Inspect { .. }]));
    assert!(state.preview.plan.is_none());
    // One Esc cancels the checks, the next goes to Connect, the third asks.
    for _ in 0..3 {
        press(&mut state, KeyCode::Esc);
    }
    let Some(Overlay::Confirm(question)) = &state.overlay else {
        panic!("{:?}", state.overlay);
    };
    assert_eq!(
        question.lines,
        ["What has been changed on the destination stays."]
    );
}
