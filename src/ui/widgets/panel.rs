//! A box with a title.

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Block;

use super::text;
use crate::app::format;
use crate::ui::theme::Theme;

/// Draws the box and returns what is inside of it.
pub fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    is_focused: bool,
    theme: &Theme,
) -> Rect {
    let room = usize::from(area.width).saturating_sub(4);
    let title = text::truncate(title, room, theme.glyphs.ellipsis);
    let block = Block::bordered()
        .border_set(theme.glyphs.border)
        .border_style(if is_focused {
            theme.focused_border()
        } else {
            theme.border()
        })
        .title(format!(" {title} "))
        .title_style(if is_focused {
            theme.title()
        } else {
            theme.strong()
        });
    let inner = block.inner(area);
    frame.render_widget(block, area);
    inner
}

/// What is inside of a box.
pub fn inside(area: Rect) -> Rect {
    Block::bordered().inner(area)
}

/// Which lines of a list are in sight, where not all of them are.
pub fn place(visible: &Range<usize>, len: usize, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    if visible.len() < len {
        let (first, last) = (visible.start + 1, visible.end);
        let words = format!(
            " {}-{}/{} ",
            format::count(first as u64),
            format::count(last as u64),
            format::count(len as u64)
        );
        note(&words, frame, area, theme);
    }
}

/// A position in what is longer than the box, on its lower edge at the right.
pub fn note(note: &str, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let row = Rect {
        y: area.bottom().saturating_sub(1),
        height: area.height.min(1),
        width: area.width.saturating_sub(2),
        ..area
    };
    let note = Line::styled(note.to_owned(), theme.dim());
    frame.render_widget(note.right_aligned(), row);
}
