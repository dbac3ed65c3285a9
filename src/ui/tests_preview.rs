//! Pictures of the preview, and the preview at every size.

use proptest::prelude::*;

use super::tests::{picture, show, show_ascii};
use super::*;
use crate::app::KeyCode;
use crate::app::fixtures::{press, type_text};
use crate::app::fixtures_plan::*;

fn at(mut state: State, text: &str) -> State {
    press(&mut state, KeyCode::Char('/'));
    type_text(&mut state, text);
    press(&mut state, KeyCode::Enter);
    press(&mut state, KeyCode::Esc);
    state
}

#[test]
fn preview() {
    let mut cancelled = planning();
    press(&mut cancelled, KeyCode::Esc);
    cancelled.toast = None;
    show("preview_empty", cancelled);
    show("preview_planning", planning());
    show("preview_overview", previewing());
    show("preview_copy", at(previewing(), "rows of public.film"));
    show("preview_fdw_overview", previewing_fdw());
    show(
        "preview_fdw",
        at(previewing_fdw(), "rows of billing.invoice"),
    );
    show("preview_error", unplannable());
    show_ascii("preview", at(previewing(), "CREATE FUNCTION"));
}

#[test]
fn preview_search() {
    let mut state = previewing();
    press(&mut state, KeyCode::Char('/'));
    type_text(&mut state, "film");
    let theme = Theme::new(true, false);
    insta::assert_snapshot!("preview_search", picture(&mut state, 80, 24, &theme));
    let mut state = at(previewing(), "CREATE FUNCTION");
    press(&mut state, KeyCode::Tab);
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Char('M'));
    insta::assert_snapshot!("preview_replanning", picture(&mut state, 80, 24, &theme));
}

#[test]
fn folded_phases_say_what_they_are_for() {
    let mut state = previewing();
    for key in [KeyCode::Down, KeyCode::Down, KeyCode::Right, KeyCode::Left] {
        press(&mut state, key);
    }
    let theme = Theme::new(true, false);
    let one = picture(&mut state, 80, 24, &theme);
    assert!(
        one.contains("▸ Prepare") && one.contains("▾ Schema"),
        "{one}"
    );
    press(&mut state, KeyCode::Char('-'));
    press(&mut state, KeyCode::Down);
    for (width, height) in [(80, 24), (120, 40)] {
        let shown = picture(&mut state, width, height, &theme);
        insta::assert_snapshot!(format!("preview_folded_{width}x{height}"), shown);
    }
    // The search looks into all of them.
    press(&mut state, KeyCode::Char('/'));
    type_text(&mut state, "public.film");
    assert!(state.preview.step().is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever the size and whatever was pressed before, nothing panics.
    #[test]
    fn the_preview_at_any_size(
        is_fdw in any::<bool>(),
        sizes in proptest::collection::vec((1_u16..=200, 1_u16..=60), 1..3),
        is_ascii in any::<bool>(),
        keys in proptest::collection::vec(0..28_usize, 0..20),
    ) {
        let mut state = if is_fdw { previewing_fdw() } else { previewing() };
        let special = [
            KeyCode::Up, KeyCode::Down, KeyCode::PageUp, KeyCode::PageDown, KeyCode::End, KeyCode::Home,
            KeyCode::Tab, KeyCode::Enter, KeyCode::Esc, KeyCode::Backspace,
        ];
        let theme = Theme::new(!is_ascii, is_ascii);
        for key in keys {
            let code = special.get(key).copied().unwrap_or_else(|| {
                KeyCode::Char("mMnN/ywrfilo?jkGg表".chars().nth(key - special.len()).unwrap_or('z'))
            });
            let effects = press(&mut state, code);
            if code != KeyCode::Char('M') {
                answer(&mut state, effects);
            }
            for (width, height) in &sizes {
                picture(&mut state, *width, *height, &theme);
            }
        }
    }
}
