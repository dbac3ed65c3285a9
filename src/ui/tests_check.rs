//! Check: one check that is run again, and what mends a finding.

use super::tests::show;
use crate::app::fixtures::{checked, press, shop, warned_results};
use crate::app::{KeyCode, Msg, Now, State};
use crate::model::problem::Problem;

fn at_the_question() -> State {
    let mut state = checked(warned_results(), shop());
    press(&mut state, KeyCode::Char('x'));
    state
}

#[test]
fn one_check_is_run_again() {
    let mut state = checked(warned_results(), shop());
    press(&mut state, KeyCode::Char('r'));
    show("check_one_again", state);
}

#[test]
fn a_fix_is_shown_with_its_place_before_it_is_run() {
    show("check_fix", at_the_question());
}

#[test]
fn what_the_server_said_to_a_fix_is_shown() {
    let mut state = at_the_question();
    press(&mut state, KeyCode::Tab);
    press(&mut state, KeyCode::Enter);
    let outcome = Err(Box::new(Problem {
        sqlstate: Some("42501".to_owned()),
        ..Problem::new(
            "Could not run CREATE ROLE billing NOLOGIN (all was rolled back)",
            "permission denied to create role",
        )
    }));
    let attempt = 4;
    state.update(Msg::Mended { attempt, outcome }, Now(1_900));
    show("check_fix_refused", state);
}
