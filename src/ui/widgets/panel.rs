//! A box with a title.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::Block;

use super::text;
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
