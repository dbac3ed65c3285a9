//! Pictures of the run and of its report.

use proptest::prelude::*;

use super::tests::{picture_at, show, show_ascii};
use super::*;
use crate::app::fixtures::{empty, press};
use crate::app::fixtures_run::*;
use crate::app::{KeyCode, Msg};
use crate::model::activity::{Activity, Build, Wait};
use crate::model::connection::Side;
use crate::model::plan::Plan;
use crate::model::report::{Outcome, Report};
use crate::model::samples;

fn on_page(report: Report, page: usize) -> State {
    let mut state = reported(report);
    for _ in 0..page {
        press(&mut state, KeyCode::Tab);
    }
    state
}

#[test]
fn report() {
    let mut never_run = empty();
    never_run.step = WizardStep::Report;
    show("report_never_run", never_run);
    let nothing = Report {
        outcome: Outcome::Done,
        source: "app@old.example:5432/shop".to_owned(),
        destination: "app@new.example:5432/shop".to_owned(),
        ..Report::default()
    };
    show("report_empty", reported(nothing.clone()));
    show("report_typical", reported(samples::done()));
    show("report_different", reported(samples::different()));
    show("report_error", reported(samples::failed()));
    show("report_cancelled", reported(samples::cancelled()));
    show("report_tables", on_page(samples::different(), 1));
    show("report_tables_cancelled", on_page(samples::cancelled(), 1));
    show("report_tables_empty", on_page(nothing, 1));
    show("report_sequences", on_page(samples::different(), 2));
    show("report_problems", on_page(samples::failed(), 3));
    show("report_no_problems", on_page(samples::done(), 3));
    show("report_objects", on_page(samples::done(), 4));
    show_ascii("report", reported(samples::failed()));
    show_ascii("report_tables", on_page(samples::different(), 1));
}

#[test]
fn run() {
    let mut never_run = empty();
    never_run.step = WizardStep::Run;
    show("run_never_run", never_run);
    show_at("run_empty", started(&samples::plan()));
    show_at("run_typical", halfway());
    show_at("run_error", halfway_with_failure());
    show_at("run_again", halfway_trying_again());
    show_at("run_building", building());
    let mut watched = halfway();
    let running: Vec<_> = watched
        .run
        .board
        .running
        .iter()
        .map(|one| one.step)
        .collect();
    let seen = |at: usize, side, wait, build| Activity {
        step: running[at],
        side,
        wait,
        build,
    };
    let holder = "psql as ann in process 4711".to_owned();
    let activity = vec![
        seen(0, Side::Source, Wait::ToSend, None),
        seen(0, Side::Destination, Wait::Wal, None),
        seen(1, Side::Destination, Wait::Lock(vec![holder]), None),
        seen(
            3,
            Side::Destination,
            Wait::Disk,
            Some(Build {
                phase: "building index: scanning table".to_owned(),
                done: 450,
                total: 1_000,
            }),
        ),
    ];
    watched.update(Msg::Watched(activity), WHILE);
    show_at("run_watched", watched);
    let mut details = halfway_with_failure();
    press(&mut details, KeyCode::Char('d'));
    show_at("run_details", details);
    let mut log = halfway_with_failure();
    log.log_file = Some("/var/log/howdah.log".into());
    press(&mut log, KeyCode::Char('l'));
    show_at("run_log", log);
    let mut errors = halfway_with_failure();
    press(&mut errors, KeyCode::Char('v'));
    show_at("run_log_levels", errors);
    let mut stopping = halfway();
    press(&mut stopping, KeyCode::Char('x'));
    show_at("run_stop", stopping);
    let mut done = halfway();
    finish(&mut done, samples::done(), WHILE);
    show_at("run_done", done);
    let mut failed = halfway_with_failure();
    finish(&mut failed, samples::failed(), WHILE);
    show_at("run_failed", failed);
    let mut state = halfway_with_failure();
    let shown = picture_at(&mut state, 80, 24, WHILE, &Theme::new(false, true));
    insta::assert_snapshot!("run_ascii", shown);
}

/// Nothing is lost without colours: the outcome is a word, the failed step has a sign.
#[test]
fn run_without_colors() {
    let mut state = halfway_with_failure();
    let shown = picture_at(&mut state, 80, 24, WHILE, &Theme::new(false, false));
    insta::assert_snapshot!("run_no_color", shown);
}

const WHILE: Now = Now(42_050);

fn show_at(name: &str, mut state: State) {
    for (width, height) in [(80, 24), (120, 40)] {
        let shown = picture_at(&mut state, width, height, WHILE, &Theme::new(true, false));
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), shown);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the size and whatever is pressed, run and report are drawn.
    #[test]
    fn run_and_report_at_any_size(
        number in 0..8_usize,
        width in 1_u16..=200,
        height in 1_u16..=60,
        is_ascii in any::<bool>(),
        keys in proptest::collection::vec(0..24_usize, 0..12),
    ) {
        let mut state = match number {
            0 => started(&Plan::default()),
            1 => started(&samples::plan()),
            2 => halfway(),
            3 => halfway_with_failure(),
            4 => reported(samples::done()),
            5 => reported(samples::failed()),
            6 => reported(samples::different()),
            _ => reported(Report::default()),
        };
        let special = [
            KeyCode::Up, KeyCode::Down, KeyCode::PageUp, KeyCode::PageDown, KeyCode::Home, KeyCode::End,
            KeyCode::Tab, KeyCode::BackTab, KeyCode::Enter, KeyCode::Esc, KeyCode::Left, KeyCode::Right,
        ];
        state.update(crate::app::Msg::Resize { width, height }, WHILE);
        for key in keys {
            let code = special.get(key).copied().unwrap_or_else(|| {
                KeyCode::Char("xdlfywq?gGjk".chars().nth(key - special.len()).unwrap_or('z'))
            });
            press(&mut state, code);
        }
        picture_at(&mut state, width, height, WHILE, &Theme::new(!is_ascii, is_ascii));
    }
}
