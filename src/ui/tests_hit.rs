//! What is pointed at is what is drawn there.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::hit::target;
use super::*;
use crate::app::fixtures::*;
use crate::app::fixtures_plan::previewing;
use crate::app::fixtures_run::*;
use crate::app::pointer::Target;
use crate::app::{Key, KeyCode, Msg};
use crate::model::samples;

/// The target under the first place where the words stand.
fn under(state: &mut State, width: u16, height: u16, words: &str) -> Option<Target> {
    let theme = Theme::new(true, false);
    state.update(Msg::Resize { width, height }, Now(0));
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| draw(state, Now(0), frame, &theme))
        .unwrap();
    let buffer = terminal.backend().buffer();
    let starts_here = |x: u16, y: u16| {
        let cells = (x..width).map(|x| buffer[(x, y)].symbol());
        cells.collect::<String>().starts_with(words)
    };
    let mut places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let place = places.find(|(x, y)| starts_here(*x, *y));
    let place = place.unwrap_or_else(|| panic!("{words} is not drawn"));
    target(state, place, &theme)
}

#[test]
fn at_both_sizes_what_is_drawn_is_hit() {
    for (width, height) in [(80, 24), (120, 40)] {
        let hit = |state: &mut State, words| under(state, width, height, words);
        let mut select = selecting(shop());
        let step = Some(Target::Step(WizardStep::Check));
        assert_eq!(hit(&mut select, "2 Check"), step);
        let filter = Some(Target::Key(Key::char('/')));
        assert_eq!(hit(&mut select, "/ Filter"), filter);
        assert_eq!(
            hit(&mut select, "? help"),
            Some(Target::Key(Key::char('?')))
        );
        assert_eq!(hit(&mut select, "Sequences"), Some(Target::Tab(1)));
        assert_eq!(hit(&mut select, "invoice"), Some(Target::Row(1)));
        assert_eq!(hit(&mut select, "[x]"), Some(Target::Tick(0)));

        let mut preview = previewing();
        assert_eq!(hit(&mut preview, "Session settings"), Some(Target::Row(1)));
        assert_eq!(hit(&mut preview, "From "), Some(Target::Page));

        let mut check = checked(warned_results(), shop());
        // The title of the one in focus stands above its details, too.
        let focus = check.check.cursor.selected;
        let mut others = (0..check.check.results.len()).filter(|at| *at != focus);
        let other = others.next().unwrap();
        let title = check.check.results[other].title;
        assert_eq!(hit(&mut check, title), Some(Target::Row(other)));

        let mut run = halfway_with_failure();
        assert_eq!(hit(&mut run, "Log"), Some(Target::Log));
        assert!(matches!(hit(&mut run, "Problems"), Some(Target::List)));

        let mut report = reported(samples::done());
        assert_eq!(hit(&mut report, "Tables"), Some(Target::Tab(1)));
        press(&mut report, KeyCode::Right);
        assert!(matches!(
            hit(&mut report, "public.film"),
            Some(Target::Row(_))
        ));
    }
}

#[test]
fn over_an_open_question_only_its_buttons_are_hit() {
    let mut state = selecting(shop());
    press(&mut state, KeyCode::Char('q'));
    for (words, wanted) in [
        ("[ Stay ]", Target::Button(0)),
        ("[ Quit ]", Target::Button(1)),
        ("2 Check", Target::Overlay),
    ] {
        assert_eq!(under(&mut state, 80, 24, words), Some(wanted));
    }
    let mut state = halfway();
    press(&mut state, KeyCode::Char('x'));
    let stop = under(&mut state, 80, 24, "[ Stop now ]");
    assert_eq!(stop, Some(Target::Button(2)));
}

#[test]
fn in_a_terminal_that_is_too_small_nothing_is_hit() {
    let mut state = selecting(shop());
    assert_eq!(under(&mut state, 59, 15, "Terminal too small"), None);
}
