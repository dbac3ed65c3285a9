//! What keys do on the report.

use super::*;
use crate::app::fixtures::press;
use crate::app::fixtures_run::reported;
use crate::app::{Effect, KeyCode, State};
use crate::model::samples;

fn text(state: &State) -> String {
    let rows = state.report.page.rows.iter();
    rows.flatten().map(|(_, text)| text.as_str()).collect()
}

#[test]
fn what_differs_comes_first() {
    let mut state = reported(samples::different());
    assert!(text(&state).starts_with("What differs"));
    press(&mut state, KeyCode::Tab);
    assert_eq!(state.report.section, Section::Tables);
    assert_eq!(state.report.selected(), Some(4));
    press(&mut state, KeyCode::Tab);
    assert_eq!(state.report.selected(), Some(1));
    press(&mut state, KeyCode::BackTab);
    assert_eq!(state.report.section, Section::Tables);
}

#[test]
fn scrolling_ends_where_the_page_ends() {
    let mut state = reported(samples::failed());
    for _ in 0..100 {
        press(&mut state, KeyCode::PageDown);
    }
    let last = state.report.first_row();
    press(&mut state, KeyCode::Up);
    assert_eq!(state.report.first_row() + 1, last.max(1));
}

#[test]
fn writes_and_copies() {
    let mut state = reported(samples::done());
    let effects = press(&mut state, KeyCode::Char('w'));
    assert!(matches!(effects.as_slice(), [Effect::WriteReport(_)]));
    let effects = press(&mut state, KeyCode::Char('y'));
    let [Effect::CopyText { text, .. }] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert!(text.starts_with("The copy is complete"));
    let effects = press(&mut state, KeyCode::Enter);
    assert!(matches!(effects.as_slice(), [Effect::Quit]));
}
