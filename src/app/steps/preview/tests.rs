//! The preview by keys.

use super::*;
use crate::app::fixtures::{press, type_text};
use crate::app::fixtures_plan::*;
use crate::app::message::PlanForm;
use crate::app::{Msg, Now, State, WizardStep};
use crate::model::plan::StepKind;

fn title(state: &State) -> String {
    state.preview.page.title.clone()
}

fn toast(state: &State) -> &str {
    state.toast.as_ref().map_or("", |toast| &toast.text)
}

fn search(state: &mut State, text: &str) {
    press(state, KeyCode::Char('/'));
    type_text(state, text);
    press(state, KeyCode::Enter);
}

#[test]
fn the_cursor_skips_headings_both_ways() {
    let mut state = previewing();
    assert_eq!(title(&state), OVERVIEW);
    press(&mut state, KeyCode::Down);
    assert_eq!(title(&state), SETTINGS);
    press(&mut state, KeyCode::Char('j'));
    assert_eq!(state.preview.selected(), Some(Row::Step(0)));
    press(&mut state, KeyCode::Char('k'));
    assert_eq!(title(&state), SETTINGS);
    press(&mut state, KeyCode::End);
    let last = state.preview.plan.as_ref().map_or(0, |p| p.steps.len()) - 1;
    assert_eq!(state.preview.selected(), Some(Row::Step(last)));
    for _ in 0..40 {
        press(&mut state, KeyCode::PageUp);
        assert!(!matches!(state.preview.selected(), Some(Row::Phase(..))));
    }
    assert_eq!(title(&state), OVERVIEW);
}

#[test]
fn tab_scrolls_the_page_and_stops_at_its_end() {
    let mut state = previewing();
    search(&mut state, "CREATE FUNCTION");
    press(&mut state, KeyCode::Esc);
    let step = state.preview.selected();
    press(&mut state, KeyCode::Tab);
    press(&mut state, KeyCode::End);
    let end = state.preview.scroll;
    assert!(end > 0);
    for _ in 0..5 {
        press(&mut state, KeyCode::Down);
    }
    assert_eq!(
        (state.preview.scroll, state.preview.selected()),
        (end, step)
    );
    press(&mut state, KeyCode::Up);
    assert_eq!(state.preview.scroll, end - 1);
    let (width, height) = (120, 60);
    state.update(Msg::Resize { width, height }, Now(0));
    assert_eq!(state.preview.scroll, 0);
    press(&mut state, KeyCode::Tab);
    press(&mut state, KeyCode::Home);
    assert_eq!(title(&state), OVERVIEW);
}

#[test]
fn the_method_of_one_table_is_switched_in_place() {
    let mut state = previewing();
    press(&mut state, KeyCode::Char('m'));
    assert!(toast(&state).starts_with("Choose a step"));
    search(&mut state, "rows of billing.invoice");
    press(&mut state, KeyCode::Esc);
    assert_eq!(
        state.preview.step().and_then(Step::method),
        Some(Method::Copy)
    );
    let effects = press(&mut state, KeyCode::Char('m'));
    assert_eq!(state.selection.methods[0], Some(Method::Fdw));
    // What is shown is not what is chosen: it cannot be run.
    press(&mut state, KeyCode::Enter);
    assert!(state.overlay.is_none());
    answer(&mut state, effects);
    let step = state.preview.step();
    assert_eq!(step.and_then(Step::method), Some(Method::Fdw));
    assert_eq!(
        step.map(|step| step.journal_key.as_str()),
        Some("data/billing.invoice")
    );
    let effects = press(&mut state, KeyCode::Char('m'));
    answer(&mut state, effects);
    assert_eq!(state.selection.methods[0], None);
    assert!(matches!(
        state.preview.step().map(|step| step.kind),
        Some(StepKind::CopyRows { .. })
    ));
}

#[test]
fn all_go_by_fdw_but_those_that_cannot() {
    let mut state = previewing();
    let effects = press(&mut state, KeyCode::Char('M'));
    answer(&mut state, effects);
    assert_eq!(state.options.method, Method::Fdw);
    search(&mut state, "rows of public.vehicle");
    press(&mut state, KeyCode::Esc);
    assert_eq!(
        state.preview.step().and_then(Step::method),
        Some(Method::Copy)
    );
    assert!(press(&mut state, KeyCode::Char('m')).is_empty());
    assert!(toast(&state).contains("stays with COPY"));
}

#[test]
fn the_search_goes_round_and_escape_leaves_it_first() {
    let mut state = previewing();
    press(&mut state, KeyCode::Char('n'));
    assert!(toast(&state).starts_with("There is no search yet"));
    search(&mut state, "public.film_list");
    let first = state.preview.selected();
    assert!(title(&state).contains("film_list"));
    press(&mut state, KeyCode::Esc);
    search(&mut state, "nowhere at all");
    assert_eq!(state.preview.selected(), first);
    press(&mut state, KeyCode::Char('n'));
    assert!(toast(&state).starts_with("No title"));
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.step, WizardStep::Preview);
    search(&mut state, "film");
    let hits = state.preview.search.hits.len();
    assert!(hits > 2);
    let start = state.preview.selected();
    for _ in 0..hits {
        press(&mut state, KeyCode::Char('n'));
    }
    assert_eq!(state.preview.selected(), start);
    press(&mut state, KeyCode::Char('N'));
    press(&mut state, KeyCode::Char('n'));
    assert_eq!(state.preview.selected(), start);
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.step, WizardStep::Select);
}

#[test]
fn the_very_sql_is_copied_and_the_plan_is_written() {
    let mut state = previewing();
    search(&mut state, "CREATE FUNCTION");
    press(&mut state, KeyCode::Esc);
    let effects = press(&mut state, KeyCode::Char('y'));
    let [Effect::CopyText { text, .. }] = effects.as_slice() else {
        unreachable!("{effects:?}");
    };
    assert!(text.starts_with("-- on the destination\nBEGIN;\n"));
    let sql = state
        .inspection
        .as_ref()
        .map(|one| one.archive.entries[1].sql.clone());
    assert!(text.contains(&*sql.unwrap_or_default()));
    for (at, wanted) in [PlanForm::Script, PlanForm::File, PlanForm::Statements]
        .into_iter()
        .enumerate()
    {
        assert!(press(&mut state, KeyCode::Char('w')).is_empty());
        for _ in 0..at {
            press(&mut state, KeyCode::Right);
        }
        let effects = press(&mut state, KeyCode::Enter);
        assert!(
            matches!(effects.as_slice(), [Effect::WritePlan { form, .. }] if *form == wanted),
            "{effects:?}"
        );
    }
    press(&mut state, KeyCode::Char('w'));
    assert!(press(&mut state, KeyCode::Esc).is_empty() && state.overlay.is_none());
}

#[test]
fn escape_cancels_the_making_of_a_plan_and_nothing_stale_is_left() {
    let mut state = previewing();
    press(&mut state, KeyCode::Char('M'));
    let effects = press(&mut state, KeyCode::Esc);
    assert!(matches!(effects.as_slice(), [Effect::Cancel { .. }]));
    assert!(state.preview.plan.is_none() && state.preview.rows.is_empty());
    press(&mut state, KeyCode::Enter);
    assert!(state.overlay.is_none());
    let effects = press(&mut state, KeyCode::Char('r'));
    answer(&mut state, effects);
    assert!(state.preview.plan.is_some());
    press(&mut state, KeyCode::Enter);
    assert!(state.step == WizardStep::Check || state.overlay.is_some());
}
