//! What lies under a cell of the screen: the same layout as the drawing's, asked from the other side.

use ratatui::layout::{Position, Rect};

use super::screens;
use super::theme::Theme;
use super::widgets::{footer, overlay, step_bar};
use super::{areas, is_too_small};
use crate::app::pointer::Target;
use crate::app::{State, WizardStep};

/// None where nothing can be done with the mouse. `place` is column and row.
pub fn target(state: &State, place: (u16, u16), theme: &Theme) -> Option<Target> {
    let area = Rect::new(0, 0, state.size.0, state.size.1);
    if is_too_small(area) {
        return None;
    }
    let at = Position::from(place);
    let [bar, body, _, keys] = areas(area);
    if let Some(open) = &state.overlay {
        return Some(overlay::target(open, at, body, theme).unwrap_or(Target::Overlay));
    }
    if bar.contains(at) {
        let step = step_bar::step_at(at.x - bar.x, bar.width, theme)?;
        return Some(Target::Step(step));
    }
    if keys.contains(at) {
        return footer::key_at(state, at.x, keys.width, theme).map(Target::Key);
    }
    match state.step {
        WizardStep::Connect => None,
        WizardStep::Check => screens::check::target(state, at, body),
        WizardStep::Select => screens::select::target(state, at, body),
        WizardStep::Preview => screens::preview::target(state, at, body),
        WizardStep::Run => screens::run::target(state, at, body),
        WizardStep::Report => screens::report::target(state, at, body),
    }
    .filter(|_| body.contains(at))
}
