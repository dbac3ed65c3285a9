//! Check: one check run again, and what mends a finding.

use std::sync::Arc;

use super::fixtures::{checked, fine_results, press, shop, warned_results};
use super::overlay::Overlay;
use super::{Action, Effect, KeyCode, Msg, Now, State};
use crate::model::connection::Side;
use crate::model::finding::{CheckResult, Finding, Fix, Level};
use crate::model::problem::Problem;

fn toast(state: &State) -> &str {
    state.toast.as_ref().map_or("", |toast| &toast.text)
}

/// The roles are found there, under the number of the question.
fn found_again(state: &mut State, attempt: u64) {
    let result = CheckResult {
        id: "roles",
        title: "Roles that own objects exist in the destination",
        outcome: Ok(vec![Finding::fine("All are there")]),
    };
    state.update(Msg::CheckDone { attempt, result }, Now(2_000));
    let outcome = Ok(Arc::new(shop()));
    state.update(Msg::Inspected { attempt, outcome }, Now(2_100));
}

#[test]
fn one_check_is_run_again_where_it_stands() {
    let mut state = checked(warned_results(), shop());
    assert_eq!(state.check.cursor.selected, 2);
    let effects = press(&mut state, KeyCode::Char('r'));
    let [
        Effect::Inspect {
            attempt: 4,
            only: Some("roles"),
            ..
        },
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    assert_eq!(state.check.results.len(), 3);
    // A wrong key meanwhile says why it does nothing.
    press(&mut state, KeyCode::Char('x'));
    assert!(toast(&state).contains("still running"), "{}", toast(&state));
    found_again(&mut state, 4);
    assert_eq!(state.check.tally().warnings, 0);
    assert_eq!(state.check.results.len(), 3);
    assert_eq!(state.check.cursor.selected, 2);
    let effects = press(&mut state, KeyCode::Char('R'));
    assert!(matches!(
        effects.as_slice(),
        [Effect::Inspect { only: None, .. }]
    ));
    assert!(state.check.results.is_empty());
    // What has not come to its end cannot be taken up in its middle.
    press(&mut state, KeyCode::Esc);
    let effects = press(&mut state, KeyCode::Char('r'));
    assert!(matches!(
        effects.as_slice(),
        [Effect::Inspect { only: None, .. }]
    ));
}

#[test]
fn a_check_that_is_cancelled_keeps_what_it_had_found() {
    let mut state = checked(warned_results(), shop());
    press(&mut state, KeyCode::Char('r'));
    let effects = press(&mut state, KeyCode::Esc);
    assert!(matches!(
        effects.as_slice(),
        [Effect::Cancel { attempt: 4 }]
    ));
    found_again(&mut state, 4);
    assert_eq!(state.check.tally().warnings, 1);
    assert_eq!(state.why_not(Action::Next), None);
}

#[test]
fn a_fix_is_shown_before_it_is_run_and_checked_afterwards() {
    let mut state = checked(warned_results(), shop());
    assert!(press(&mut state, KeyCode::Char('x')).is_empty());
    let Some(Overlay::Confirm(question)) = &state.overlay else {
        panic!("no question");
    };
    let words = question.lines.join("\n");
    for told in ["new.example:5432", "shop", "CREATE ROLE billing NOLOGIN;"] {
        assert!(words.contains(told), "{words}");
    }
    // The answer at hand is the harmless one.
    assert!(press(&mut state, KeyCode::Enter).is_empty());
    assert!(state.overlay.is_none());
    press(&mut state, KeyCode::Char('x'));
    press(&mut state, KeyCode::Tab);
    let effects = press(&mut state, KeyCode::Enter);
    let [
        Effect::Mend {
            attempt: 4,
            destination,
            statements,
        },
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    assert_eq!(destination.host, "new.example");
    assert_eq!(statements, &["CREATE ROLE billing NOLOGIN;"]);
    let outcome = Ok(());
    let effects = state.update(
        Msg::Mended {
            attempt: 4,
            outcome,
        },
        Now(1_900),
    );
    let [
        Effect::Inspect {
            attempt: 5,
            only: Some("roles"),
            ..
        },
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    found_again(&mut state, 5);
    assert_eq!(state.check.tally().warnings, 0);
    press(&mut state, KeyCode::Char('x'));
    assert_eq!(toast(&state), "There is no fix to run for this check.");
}

#[test]
fn what_the_server_said_to_a_fix_stays_until_the_check_is_run_again() {
    let mut state = checked(warned_results(), shop());
    press(&mut state, KeyCode::Char('x'));
    press(&mut state, KeyCode::Tab);
    press(&mut state, KeyCode::Enter);
    let outcome = Err(Box::new(Problem::new("Could not run it", "denied")));
    let attempt = 4;
    state.update(Msg::Mended { attempt, outcome }, Now(1_900));
    assert!(matches!(&state.check.failed_fix, Some(("roles", _))));
    press(&mut state, KeyCode::Char('r'));
    assert!(state.check.failed_fix.is_none());
}

#[test]
fn only_what_is_for_the_destination_and_allowed_is_run() {
    let about = |fix: Fix| {
        let mut results = fine_results();
        results.push(CheckResult {
            id: "x",
            title: "Something",
            outcome: Ok(vec![
                Finding::new(Level::Warning, "It is not so", "").fix(fix),
            ]),
        });
        let mut state = checked(results, shop());
        press(&mut state, KeyCode::Char('x'));
        assert!(state.overlay.is_none());
        toast(&state).to_owned()
    };
    let sql = || vec!["GRANT …;".to_owned()];
    let told = about(Fix::on_source(sql(), "a superuser"));
    assert!(told.contains("only reads the source"), "{told}");
    let told = about(Fix::on_destination(sql(), "a superuser", false));
    assert!(told.contains("may not run this"), "{told}");
    let told = about(Fix::words("Ask somebody."));
    assert!(told.contains("advice"), "{told}");
    let forged = Fix::Sql(crate::model::finding::SqlFix {
        side: Side::Source,
        statements: sql(),
        by: "a superuser",
        not_here: None,
    });
    let mut results = fine_results();
    results[0].outcome = Ok(vec![Finding::new(Level::Warning, "", "").fix(forged)]);
    let state = checked(results, shop());
    assert!(state.check.statements().is_empty());
}

/// Each of these would write on the source.
#[test]
fn nothing_is_done_where_both_sides_are_one_database() {
    let same = CheckResult {
        id: "same-database",
        title: "Source and destination are two databases",
        outcome: Ok(vec![Finding::new(
            Level::Blocking,
            "Source and destination are the same database",
            "A database cannot be copied onto itself.",
        )]),
    };
    let mut inspection = shop();
    inspection.scratches = vec!["DROP DATABASE howdah_rehearsal_1".to_owned()];
    let mut state = checked(vec![same], inspection);
    for key in ['t', 'c', 'x'] {
        let effects = press(&mut state, KeyCode::Char(key));
        assert!(effects.is_empty() && state.overlay.is_none(), "{key}");
        assert!(toast(&state).contains("one and the same"), "{key}");
    }
}
