//! What holds on every screen.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

use super::*;
use crate::app::fixtures::*;
use crate::app::fixtures_plan::{library, previewing};
use crate::app::fixtures_run::*;
use crate::app::{KeyCode, Msg};
use crate::model::event::RunEvent;
use crate::model::plan::Plan;
use crate::model::samples;

const NOW: Now = Now(42_000);

/// Each screen empty, as it usually is, and with something wrong; names in ASCII alone.
pub(super) const SCREENS: [fn() -> State; 21] = [
    empty,
    prefilled,
    connected,
    || checked(Vec::new(), library()),
    || checked(warned_results(), library()),
    || checked(blocked_results(), library()),
    || selecting(bare()),
    || selecting(library()),
    previewing,
    || started(&Plan::default()),
    halfway,
    halfway_with_failure,
    || reported(samples::done()),
    || reported(samples::different()),
    || reported(samples::failed()),
    || reported(samples::cancelled()),
    || unvisited(WizardStep::Check),
    || unvisited(WizardStep::Select),
    || unvisited(WizardStep::Preview),
    || unvisited(WizardStep::Run),
    || unvisited(WizardStep::Report),
];

fn unvisited(step: WizardStep) -> State {
    let mut state = empty();
    state.step = step;
    state
}

/// The keys that open something over a screen, or show another side of it.
pub(super) const OPENERS: &str = "?odlfcpsmMwnaiSL-\t";

fn drawn(state: &mut State, width: u16, height: u16, theme: &Theme) -> ratatui::buffer::Buffer {
    state.update(Msg::Resize { width, height }, NOW);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| draw(state, NOW, frame, theme))
        .unwrap();
    terminal.backend().buffer().clone()
}

/// Every screen, and every screen after each of the keys.
fn everything(mut look: impl FnMut(&mut State)) {
    for screen in SCREENS {
        look(&mut screen());
        for key in OPENERS.chars() {
            let mut state = screen();
            let code = match key {
                '\t' => KeyCode::Tab,
                key => KeyCode::Char(key),
            };
            press(&mut state, code);
            look(&mut state);
        }
    }
}

#[test]
fn ascii_is_ascii_alone() {
    let theme = Theme::new(true, true);
    everything(|state| {
        let buffer = drawn(state, 120, 40, &theme);
        for row in buffer.content().chunks(120) {
            let row: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
            assert!(row.is_ascii(), "on {:?}: {row}", state.step);
        }
    });
}

#[test]
fn without_colours_there_are_none() {
    let theme = Theme::new(false, false);
    everything(|state| {
        let buffer = drawn(state, 80, 24, &theme);
        for cell in buffer.content() {
            let is_plain = cell.fg == Color::Reset && cell.bg == Color::Reset;
            assert!(is_plain, "on {:?}: {cell:?}", state.step);
        }
    });
}

/// Sixteen colours, no background of our own, and neither black nor white in front: readable on a light terminal and on a dark one.
#[test]
fn colours_suit_light_and_dark_terminals() {
    let theme = Theme::new(true, false);
    everything(|state| {
        let buffer = drawn(state, 80, 24, &theme);
        for cell in buffer.content() {
            let is_own = matches!(
                cell.fg,
                Color::Reset
                    | Color::Cyan
                    | Color::DarkGray
                    | Color::Green
                    | Color::Yellow
                    | Color::Red
                    | Color::Blue
                    | Color::Magenta
            );
            assert!(
                is_own && cell.bg == Color::Reset,
                "on {:?}: {cell:?}",
                state.step
            );
        }
    });
}

/// The run does not care for the terminal's size.
#[test]
fn a_run_goes_on_in_a_terminal_that_is_too_small() {
    let plan = samples::plan();
    let mut state = started(&plan);
    let theme = Theme::new(true, false);
    let buffer = drawn(&mut state, 59, 15, &theme);
    let words: String = buffer
        .content()
        .iter()
        .map(ratatui::buffer::Cell::symbol)
        .collect();
    assert!(words.starts_with("Terminal too small: need 60x16, have 59x15"));
    let step = samples::step_of(&plan, "Create table public.film");
    state.update(Msg::Run(RunEvent::StepStarted(step)), NOW);
    assert!(state.wants_ticks());
    state.update(
        Msg::Run(samples::finished(&plan, "Create table public.film")),
        NOW,
    );
    assert_eq!(state.run.board.done_count, 1);
    finish(&mut state, samples::done(), NOW);
    drawn(&mut state, 80, 24, &theme);
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.step, WizardStep::Report);
}
