//! Both methods timed, in the box over the checks.

use super::tests::picture;
use super::*;
use crate::app::fixtures::*;
use crate::app::{Effect, KeyCode, Msg};
use crate::model::problem::Problem;
use crate::model::sample::{Sample, Speed};

pub(super) fn found() -> Sample {
    Sample {
        table: Some("public.film".to_owned()),
        copy: Ok(Speed {
            rows: 900_000,
            bytes: 96_000_000,
            micros: 2_000_000,
        }),
        fdw: Ok(Speed {
            rows: 900_000,
            bytes: 96_000_000,
            micros: 3_100_000,
        }),
    }
}

pub(super) fn timing(state: &mut State) -> u64 {
    let effects = press(state, KeyCode::Char('t'));
    let [Effect::TimeMethods { attempt, .. }] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    *attempt
}

#[test]
fn methods_are_timed_and_one_is_advised() {
    let mut state = checked(fine_results(), shop());
    let attempt = timing(&mut state);
    assert!(state.wants_ticks());
    let theme = Theme::new(true, false);
    let waiting = picture(&mut state, 80, 24, &theme);
    insta::assert_snapshot!("sample_waiting_80x24", waiting);
    let outcome = Ok(found());
    state.update(Msg::MethodsTimed { attempt, outcome }, Now(2_000));
    assert!(!state.wants_ticks());
    for (width, height) in [(80, 24), (120, 40)] {
        let shown = picture(&mut state, width, height, &theme);
        insta::assert_snapshot!(format!("sample_{width}x{height}"), shown);
    }
    press(&mut state, KeyCode::Char('x'));
    assert!(state.overlay.is_none());
}

#[test]
fn a_way_that_is_closed_is_told_and_esc_withdraws() {
    let mut state = checked(fine_results(), shop());
    let attempt = timing(&mut state);
    let closed = Problem::new("FDW could not be timed", "could not connect to server");
    let outcome = Ok(Sample {
        fdw: Err(closed),
        ..found()
    });
    state.update(Msg::MethodsTimed { attempt, outcome }, Now(2_000));
    let theme = Theme::new(true, false);
    let shown = picture(&mut state, 80, 24, &theme);
    insta::assert_snapshot!("sample_closed_80x24", shown);
    press(&mut state, KeyCode::Esc);
    let attempt = timing(&mut state);
    let effects = press(&mut state, KeyCode::Esc);
    assert!(matches!(effects.as_slice(), [Effect::Cancel { attempt: one }] if *one == attempt));
    // An answer that comes too late changes nothing.
    let outcome = Ok(found());
    state.update(Msg::MethodsTimed { attempt, outcome }, Now(3_000));
    assert!(state.overlay.is_none());
}
