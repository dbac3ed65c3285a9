//! The first rows of a table, as columns side by side.
//!
//! ```text
//! ╭ First rows of public.film ───────────────────────────────╮
//! │ id  title              total                             │
//! │ 1   Academy Dinosaur    9.90                             │
//! │ 2   Ace Goldfinger      NULL                             │
//! │ rows 1-2 of 2, columns 1-3 of 3 · ↑ ↓ ← → scroll · Esc …  │
//! ╰──────────────────────────────────────────────────────────╯
//! ```

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Clear;

use super::{panel, text};
use crate::app::steps::select::peek::{Look, PeekBox};
use crate::app::{Now, format};
use crate::model::name::printable;
use crate::model::peek::Peek;
use crate::ui::theme::Theme;

/// A column is at most as wide, unless it is alone.
const WIDEST: usize = 32;
/// Between columns.
const GAP: usize = 2;
const NULL: &str = "NULL";

pub(super) fn draw(peek: &PeekBox, now: Now, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    frame.render_widget(Clear, area);
    let inner = panel::draw(frame, area, &peek.title(), true, theme);
    let inner = Rect {
        x: (inner.x + 1).min(inner.right()),
        width: inner.width.saturating_sub(2),
        ..inner
    };
    match &peek.look {
        Look::Pending(pending) => {
            let waited = now.since(pending.since);
            let words = format!(
                "{} Asking the source {} {} {} Esc cancels",
                theme.glyphs.spinner_at(waited),
                theme.glyphs.dot,
                format::duration(waited),
                theme.glyphs.dot,
            );
            frame.render_widget(Line::styled(words, theme.accent()), inner);
        }
        Look::Found(found) => table(found, peek, frame, inner, theme),
    }
}

fn table(found: &Peek, place: &PeekBox, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let [heading, rows, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    let widths = widths(found, place.first_column, usize::from(area.width));
    let columns = place.first_column..place.first_column + widths.len();
    let line = |cells: Vec<(String, Style)>| {
        let fitted = cells
            .into_iter()
            .zip(&widths)
            .map(|((words, style), width)| {
                let words = text::fit(&words, *width, theme.glyphs.ellipsis);
                Span::styled(format!("{words}{}", " ".repeat(GAP)), style)
            });
        Line::from(fitted.collect::<Vec<_>>())
    };
    let names = found.columns.get(columns.clone()).unwrap_or_default();
    let names = names
        .iter()
        .map(|name| (printable(name).into_owned(), theme.strong()));
    frame.render_widget(line(names.collect()), heading);
    let height = usize::from(rows.height);
    let first = place.first_row.min(found.rows.len().saturating_sub(height));
    let shown = found.rows.get(first..).unwrap_or_default();
    for (row, cells) in rows.rows().zip(shown) {
        let cells = cells.get(columns.clone()).unwrap_or_default();
        let cells = cells.iter().map(|cell| match cell {
            Some(value) => (cell_words(value), theme.text()),
            None => (NULL.to_owned(), theme.dim()),
        });
        frame.render_widget(line(cells.collect()), row);
    }
    let note = if found.rows.is_empty() {
        "No rows · any key closes".to_owned()
    } else {
        let last = (first + height).min(found.rows.len());
        let count = match found.rows.len() {
            Peek::ROWS => format!("the first {}", Peek::ROWS),
            count => count.to_string(),
        };
        format!(
            "rows {}-{last} of {count}, columns {}-{} of {} · ↑ ↓ ← → scroll · Esc closes",
            first + 1,
            columns.start + 1,
            columns.end,
            found.columns.len(),
        )
    };
    let note = text::truncate(
        &theme.glyphs.words(&note),
        usize::from(foot.width),
        theme.glyphs.ellipsis,
    );
    frame.render_widget(Line::styled(note, theme.dim()), foot);
}

/// On one line; what was cut off on the server ends in dots, as does what has no room here.
fn cell_words(value: &str) -> String {
    // Not to be taken for none at all where dim looks like the rest.
    if value == NULL {
        return format!("'{NULL}'");
    }
    if value.chars().count() <= Peek::CHARACTERS {
        return printable(value).into_owned();
    }
    let kept: String = value.chars().take(Peek::CHARACTERS).collect();
    format!("{}...", printable(&kept))
}

/// As many columns from `first` on as have room, each as wide as its widest value; at least one.
fn widths(found: &Peek, first: usize, room: usize) -> Vec<usize> {
    let natural = |column: usize| {
        let name = found
            .columns
            .get(column)
            .map_or(0, |name| text::width(&printable(name)));
        let values = found.rows.iter().map(|row| match row.get(column) {
            Some(Some(value)) => text::width(&cell_words(value)),
            _ => NULL.len(),
        });
        values.fold(name, usize::max)
    };
    let (mut widths, mut wanted) = (Vec::new(), Vec::new());
    let mut left = room;
    for column in first..found.columns.len() {
        wanted.push(natural(column));
        let width = natural(column).min(WIDEST);
        if width > left && !widths.is_empty() {
            break;
        }
        widths.push(width.min(room));
        left = left.saturating_sub(width + GAP);
    }
    // What is left goes to those that are cut.
    for (width, wanted) in widths.iter_mut().zip(wanted) {
        let more = wanted.saturating_sub(*width).min(left);
        *width += more;
        left -= more;
    }
    widths
}
