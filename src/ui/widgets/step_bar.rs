//! Where in the wizard one is: `1 Connect › 2 Check › …`.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::text;
use crate::app::{State, WizardStep};
use crate::ui::theme::Theme;

/// Columns that all names take with arrows between them.
const WITH_ARROWS: u16 = 74;

/// The step whose name stands in a column of a bar so wide.
pub fn step_at(column: u16, width: u16, theme: &Theme) -> Option<WizardStep> {
    let mut left = 1;
    let arrow = text::width(&arrow(width, theme));
    WizardStep::ALL
        .into_iter()
        .enumerate()
        .find_map(|(position, step)| {
            let width = text::width(&name(position, step));
            let is_here = (left..left + width).contains(&usize::from(column));
            left += width + arrow;
            is_here.then_some(step)
        })
}

/// What stands between two names; nothing where there is no room for it.
fn arrow(width: u16, theme: &Theme) -> String {
    if width < WITH_ARROWS {
        String::new()
    } else {
        format!(" {} ", theme.glyphs.arrow)
    }
}

fn name(position: usize, step: WizardStep) -> String {
    format!(" {} {} ", position + 1, step.title())
}

pub fn draw(state: &State, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let mut spans = vec![Span::raw(" ")];
    for (position, step) in WizardStep::ALL.into_iter().enumerate() {
        if position > 0 {
            spans.push(Span::styled(arrow(area.width, theme), theme.dim()));
        }
        let style = match step.cmp(&state.step) {
            std::cmp::Ordering::Less => theme.accent(),
            std::cmp::Ordering::Equal => theme.title().patch(theme.selected()),
            std::cmp::Ordering::Greater => theme.dim(),
        };
        spans.push(Span::styled(name(position, step), style));
    }
    frame.render_widget(Line::from(spans), area);
    if state.is_demo && area.width >= 90 {
        let mark = Line::from(Span::styled("demo ", theme.dim())).right_aligned();
        frame.render_widget(mark, area);
    }
}
