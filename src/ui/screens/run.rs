//! The run step.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::{Now, State};
use crate::ui::theme::Theme;
use crate::ui::widgets::panel;

pub fn draw(state: &State, _now: Now, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    panel::draw(frame, area, state.step.title(), true, theme);
}
