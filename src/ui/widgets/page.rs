//! A box with rows laid out before, scrolled.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::{panel, sql};
use crate::app::steps::preview::page::Page;
use crate::ui::theme::Theme;

pub fn draw(page: &Page, first: usize, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let inner = panel::draw(frame, area, &page.title, true, theme);
    let shown = page.rows.get(first..).unwrap_or_default();
    for (row, line) in inner.rows().zip(shown) {
        let row = Rect {
            x: (row.x + 1).min(row.right()),
            width: row.width.saturating_sub(2),
            ..row
        };
        frame.render_widget(sql::line(line, theme), row);
    }
    let height = usize::from(inner.height);
    if page.rows.len() > height {
        let last = (first + height).min(page.rows.len());
        let note = format!(" {}-{last}/{} ", first + 1, page.rows.len());
        panel::note(&note, frame, area, theme);
    }
}
