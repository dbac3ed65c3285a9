//! Pictures of runs that wait for a word, and of interrupted runs that are gone on with.

use super::tests::{picture_at, show};
use super::*;
use crate::app::KeyCode;
use crate::app::fixtures::{connected, press};
use crate::app::fixtures_control::*;
use crate::app::fixtures_run::{halfway, reported};
use crate::model::event::RunEvent;
use crate::model::samples;

const WHILE: Now = Now(42_050);

fn show_at(name: &str, mut state: State) {
    for (width, height) in [(80, 24), (120, 40)] {
        let shown = picture_at(&mut state, width, height, WHILE, &Theme::new(true, false));
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), shown);
    }
}

#[test]
fn failed_steps_that_wait() {
    show_at("run_undecided", undecided());
    show_at("run_waiting", waiting());
    let mut question = waiting();
    press(&mut question, KeyCode::Char('s'));
    show_at("run_leave_out", question);
    let mut question = waiting();
    press(&mut question, KeyCode::Enter);
    show_at("run_end_without", question);
    let mut state = waiting();
    let shown = picture_at(&mut state, 80, 24, WHILE, &Theme::new(false, true));
    insta::assert_snapshot!("run_waiting_ascii", shown);
}

#[test]
fn pauses() {
    let mut state = halfway();
    tell(&mut state, RunEvent::Paused(true), 42_000);
    show_at("run_pausing", state);
    let mut state = halfway();
    tell(&mut state, RunEvent::Paused(true), 42_000);
    let plan = samples::plan();
    for title in [
        "Copy the rows of public.rental",
        "Copy the rows of public.payment",
        "Copy the rows of public.audit_log",
        "Build index public.actor_pkey",
    ] {
        tell(&mut state, samples::finished(&plan, title), 42_010);
    }
    show_at("run_paused", state);
}

#[test]
fn interrupted_runs() {
    show("check_unfinished", finding_a_run("old.example"));
    let mut question = finding_a_run("old.example");
    press(&mut question, KeyCode::Enter);
    show("check_go_on", question);
    let mut question = finding_a_run("older.example");
    press(&mut question, KeyCode::Enter);
    show("check_go_on_other_source", question);
    let mut question = finding_a_run("old.example");
    press(&mut question, KeyCode::Char('c'));
    show("check_clean", question);
    show("check_going_on", going_on());
}

#[test]
fn reports() {
    show("report_resumed", reported(samples::resumed()));
    show("report_given_up", reported(samples::given_up()));
    let mut tables = reported(samples::resumed());
    press(&mut tables, KeyCode::Tab);
    show("report_resumed_tables", tables);
}

#[test]
fn connections_with_something_unheeded() {
    let mut state = connected();
    state.connect.source.warnings = vec![
        "The password file /home/ann/.pgpass is not used: others may read it. Fix it with: chmod 0600 /home/ann/.pgpass".to_owned(),
        "PGSSLCRL is set, but howdah ignores sslcrl.".to_owned(),
    ];
    show("connect_unheeded", state);
}
