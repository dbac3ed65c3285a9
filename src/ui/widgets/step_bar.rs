//! Where in the wizard one is: `1 Connect › 2 Check › …`.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::{State, WizardStep};
use crate::ui::theme::Theme;

pub fn draw(state: &State, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let mut spans = vec![Span::raw(" ")];
    for (position, step) in WizardStep::ALL.into_iter().enumerate() {
        if position > 0 {
            let arrow = format!(" {} ", theme.glyphs.arrow);
            spans.push(Span::styled(arrow, theme.dim()));
        }
        let style = match step.cmp(&state.step) {
            std::cmp::Ordering::Less => theme.accent(),
            std::cmp::Ordering::Equal => theme.title().patch(theme.selected()),
            std::cmp::Ordering::Greater => theme.dim(),
        };
        spans.push(Span::styled(
            format!(" {} {} ", position + 1, step.title()),
            style,
        ));
    }
    frame.render_widget(Line::from(spans), area);
    if state.is_demo && area.width >= 90 {
        let mark = Line::from(Span::styled("demo ", theme.dim())).right_aligned();
        frame.render_widget(mark, area);
    }
}
