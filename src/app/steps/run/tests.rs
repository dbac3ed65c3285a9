//! What events, ticks and keys do to a run.

use super::*;
use crate::app::fixtures::press;
use crate::app::fixtures_run::*;
use crate::app::overlay::{Choice, Overlay};
use crate::app::{KeyCode, Msg, State, WizardStep};
use crate::model::samples;

fn board(state: &State) -> &Board {
    &state.run.board
}

#[test]
fn it_is_whole_only_at_the_end() {
    let plan = samples::plan();
    let mut state = started(&plan);
    for step in &plan.steps {
        assert!(board(&state).percent() < 100);
        let events = [
            RunEvent::StepStarted(step.id),
            samples::finished(&plan, &step.title),
        ];
        for event in events {
            state.update(Msg::Run(event), Now(3_000));
        }
    }
    assert_eq!(board(&state).percent(), 99);
    assert!(board(&state).running.is_empty());
    assert_eq!(board(&state).done_count, plan.steps.len());
    assert!(state.run.is_running());
    finish(&mut state, samples::done(), Now(9_000));
    assert!(!state.run.is_running());
    assert_eq!(state.run.elapsed_ms(Now(70_000)), 7_000);
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.step, WizardStep::Report);
}

#[test]
fn what_is_not_run_is_no_progress() {
    let plan = samples::plan();
    let mut state = started(&plan);
    for step in &plan.steps {
        let because = "the run was stopped".to_owned();
        let step = step.id;
        state.update(Msg::Run(RunEvent::StepSkipped { step, because }), BEGAN);
    }
    let board = board(&state);
    assert_eq!((board.percent(), board.done_count), (0, 0));
    let data = board.phase(crate::model::plan::Phase::Data);
    assert_eq!((data.done, data.lost), (0, data.all));
    assert!(!data.is_open());
    assert_eq!(board.rows_eta_ms(), None);
}

#[test]
fn samples_make_rates_and_the_time_left() {
    let state = halfway();
    let rental = board(&state)
        .running
        .iter()
        .find(|one| one.bytes > 1_000_000_000)
        .unwrap();
    assert_eq!(rental.bytes_rate.per_second(), Some(50_000_000));
    assert!(board(&state).rows_eta_ms().is_some());
    assert!(!board(&state).history.is_empty());
    let percent = board(&state).percent();
    assert!((10..90).contains(&percent), "{percent}");
}

#[test]
fn a_failure_stays_and_is_shown_in_full() {
    let mut state = halfway_with_failure();
    assert_eq!(board(&state).failed.len(), 1);
    assert_eq!(board(&state).skipped_count, 1);
    assert_eq!(state.run.focus, Focus::Problems);
    press(&mut state, KeyCode::Char('d'));
    let page = state.run.details.as_ref().unwrap();
    let text: String = page
        .rows
        .iter()
        .flatten()
        .map(|(_, t)| t.as_str())
        .collect();
    for part in [
        "23505",
        "mary@example.org",
        "remove one of them",
        "COPY public.customer",
        "^",
    ] {
        assert!(text.contains(part), "{part}");
    }
    press(&mut state, KeyCode::Esc);
    assert!(state.run.details.is_none());
    assert_eq!(state.step, WizardStep::Run);
    let effects = press(&mut state, KeyCode::Char('y'));
    assert!(matches!(effects.as_slice(), [Effect::CopyText { .. }]));
}

#[test]
fn stopping_asks_how() {
    let mut state = halfway();
    press(&mut state, KeyCode::Char('x'));
    let Some(Overlay::Confirm(confirm)) = &state.overlay else {
        panic!("{:?}", state.overlay);
    };
    assert_eq!(confirm.buttons[0].1, Choice::Dismiss);
    press(&mut state, KeyCode::Tab);
    let effects = press(&mut state, KeyCode::Enter);
    assert!(matches!(
        effects.as_slice(),
        [Effect::StopRun(Stop::AfterCurrent)]
    ));
    finish(&mut state, samples::cancelled(), Now(50_000));
    press(&mut state, KeyCode::Char('x'));
    assert!(state.overlay.is_none());
    assert!(state.toast.is_some());
}

#[test]
fn an_optional_step_fails_without_being_a_problem() {
    let mut plan = samples::plan();
    plan.steps[2].rule = crate::model::plan::Rule::Optional;
    let mut state = started(&plan);
    let step = plan.steps[2].id;
    let problem = Box::new(samples::duplicate_key());
    state.update(Msg::Run(RunEvent::StepStarted(step)), BEGAN);
    state.update(Msg::Run(RunEvent::StepFailed { step, problem }), BEGAN);
    assert!(board(&state).failed.is_empty());
    assert_eq!(state.run.log.lines[0].level, NoticeLevel::Warning);
}

#[test]
fn the_log_takes_all_rows_and_gives_them_back() {
    let mut state = halfway();
    let before = state.run.layout();
    press(&mut state, KeyCode::Char('l'));
    assert_eq!(state.run.layout().now, 0);
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.run.layout(), before);
}

fn copy_of(plan: &Plan, table: &str) -> StepId {
    samples::step_of(plan, &format!("Copy the rows of public.{table}"))
}

/// Ten seconds of a copy that brings `rows` and `bytes` a second.
fn ten_seconds(state: &mut State, step: StepId, from: u64, rows: u64, bytes: u64) {
    for tenth in 0..=100 {
        let samples = vec![(step, rows * tenth / 10, bytes * tenth / 10)];
        state.update(Msg::Tick { samples }, Now(from + tenth * 100));
    }
}

/// A table's pages hold more than goes over: what is left is told by its rows, and of the others by what went over of it.
#[test]
fn the_time_left_is_that_of_the_bytes_that_go_over() {
    let mut plan = samples::plan();
    let [rental, payment] = [copy_of(&plan, "rental"), copy_of(&plan, "payment")];
    for step in &mut plan.steps {
        let is_one = [rental, payment].contains(&step.id);
        let (rows, bytes) = match step.method() {
            Some(_) if is_one => (Some(1_000), 2_000_000),
            _ => (None, 0),
        };
        step.extras_mut().row_hint = rows;
        step.size_hint_bytes = bytes;
    }
    let mut state = started(&plan);
    state.update(Msg::Run(RunEvent::StepStarted(rental)), Now(10_000));
    ten_seconds(&mut state, rental, 10_000, 50, 50_000);
    let one = &board(&state).running[0];
    let step = plan.step(rental).unwrap();
    assert_eq!(one.progress(step), (500, 1_000));
    assert_eq!(one.eta_ms(step), Some(10_000));
    // Half a million bytes of it, and a million of the other; and a few tables of unknown size.
    let left = board(&state).rows_eta_ms().unwrap();
    assert!((30_000..30_100).contains(&left), "{left}");
    let total = board(&state).total_bytes();
    assert!((2_000_000..2_010_000).contains(&total), "{total}");
    // The one table takes as long as it takes; the other has not begun.
    assert_eq!(board(&state).rows_eta_range_ms(), None);
    // With more rows than were known of, its size is all there is to go by.
    ten_seconds(&mut state, rental, 20_000, 101, 100_000);
    let one = &board(&state).running[0];
    assert_eq!(one.progress(step), (1_000_000, 2_000_000));
}

/// What an interrupted run has brought and is proved takes no time and says nothing of how fast rows go over.
#[test]
fn kept_rows_are_not_moved() {
    let plan = samples::plan();
    let [rental, payment] = [copy_of(&plan, "rental"), copy_of(&plan, "payment")];
    let mut state = started(&plan);
    for step in [payment, rental] {
        state.update(Msg::Run(RunEvent::StepStarted(step)), Now(10_000));
    }
    ten_seconds(&mut state, payment, 10_000, 100_000, 12_000_000);
    let before = board(&state).rows_eta_ms().unwrap();
    let kept = RunEvent::StepFinished {
        step: rental,
        rows: 16_044_000,
        bytes: 0,
        elapsed_ms: 9_000,
        is_kept: true,
    };
    state.update(Msg::Run(kept), Now(20_000));
    assert_eq!(board(&state).moved_rows(), 1_000_000);
    assert_eq!(board(&state).bytes_per_second(), Some(12_000_000));
    let after = board(&state).rows_eta_ms().unwrap();
    assert!(after < before, "{after}");
    // What is left of the one table alone, at its pace.
    let step = plan.step(payment).unwrap();
    let alone = board(&state).running[0].eta_ms(step).unwrap();
    assert!(
        (alone..alone + alone / 10).contains(&after),
        "{after} {alone}"
    );
    let words = &state.run.log.lines.back().unwrap().text;
    assert!(
        words.contains("16,044,000 rows kept, proved equal"),
        "{words}"
    );
}

/// A table that is slow by itself may come last.
#[test]
fn all_rows_are_not_there_before_the_slowest_table() {
    let state = halfway();
    let board = board(&state);
    let alone = board.running.iter().filter_map(|one| {
        let step = board.step(one.step)?;
        one.eta_ms(step)
    });
    let slowest = alone.max().unwrap();
    let likely = board.rows_eta_ms().unwrap();
    assert!(slowest > likely, "{slowest} {likely}");
    let (least, most) = board.rows_eta_range_ms().unwrap();
    assert!(least <= likely && most >= slowest, "{least} {most}");
}

/// What is left after the last row is reckoned from what such steps have taken.
#[test]
fn the_end_is_told_once_a_large_index_is_done() {
    let plan = Arc::new(samples::plan());
    let mut board = Board::new(Arc::clone(&plan));
    let done = |step: &crate::model::plan::Step, elapsed_ms| Done {
        step: step.id,
        rows: 1,
        bytes: step.size_hint_bytes,
        elapsed_ms,
        is_kept: false,
    };
    let step = |title: &str| plan.step(samples::step_of(&plan, title)).unwrap();
    let [payment, rental] =
        ["payment", "rental"].map(|table| step(&format!("Build index public.{table}_pkey")));
    for one in plan.steps.iter().filter(|one| one.method().is_some()) {
        board.finished(done(one, 10_000));
    }
    assert_eq!(board.rows_eta_ms(), None);
    board.finished(done(step("Start the journal"), 10));
    assert_eq!(
        board.end_range_ms(Now(100_000)),
        None,
        "nothing like it is done"
    );
    board.finished(done(payment, 4_000));
    board.started(rental.id, Now(100_000));
    let (least, most) = board.end_range_ms(Now(100_000)).unwrap();
    assert!(least <= most && least > 4_000, "{least} {most}");
    let later = board.end_range_ms(Now(102_000)).unwrap();
    assert_eq!(later, (least - 2_000, most - 2_000));
    board.failed(rental.id, Box::default());
    assert!(board.end_range_ms(Now(102_000)).unwrap().1 < 4_000);
}
