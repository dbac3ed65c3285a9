//! How fast both methods are, side by side, and which of them suits.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::overlay::{COLUMNS, popup};
use super::text;
use crate::app::steps::method_sample::{SampleBox, TITLE};
use crate::app::{Now, format};
use crate::model::name::printable_lines;
use crate::model::problem::Problem;
use crate::model::sample::{Sample, Speed};
use crate::ui::theme::Theme;

pub(super) fn draw(sample: &SampleBox, now: Now, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let width = usize::from(COLUMNS.min(area.width.saturating_sub(4)));
    let mut lines = Vec::new();
    let mut add = |words: &str, style| {
        let words = printable_lines(words);
        for line in text::wrap(&theme.glyphs.words(&words), width) {
            lines.push(Line::styled(line, style));
        }
    };
    match sample {
        SampleBox::Pending(pending) => {
            let waited = now.since(pending.since);
            let (spinner, dot) = (theme.glyphs.spinner_at(waited), theme.glyphs.dot);
            let waited = format::duration(waited);
            add(
                &format!("{spinner} Copying rows by both methods {dot} {waited} {dot} Esc cancels"),
                theme.accent(),
            );
            add("", theme.text());
            add(
                "The source is only read; what the destination receives is rolled back.",
                theme.dim(),
            );
        }
        SampleBox::Measured(found) => measured(found, &mut add, theme),
    }
    let inner = popup(frame, area, TITLE, lines.len(), theme);
    for (row, line) in inner.rows().zip(lines) {
        frame.render_widget(line, row);
    }
}

fn measured(found: &Sample, add: &mut impl FnMut(&str, ratatui::style::Style), theme: &Theme) {
    let mut one = |name: &str, way: &str, speed: &Result<Speed, Problem>| match speed {
        Ok(speed) => add(&told(name, way, speed), theme.text()),
        Err(problem) => add(&problem.to_string(), theme.bad()),
    };
    one("COPY", "source, howdah, destination", &found.copy);
    one("FDW ", "the destination pulls from the source", &found.fdw);
    add("", theme.text());
    add(&found.advice(), theme.strong());
    add("", theme.text());
    let rows = match &found.table {
        Some(table) => format!("Rows of {table} as text"),
        None => "Rows made from the source's system catalog (no table is large enough), as text"
            .to_owned(),
    };
    add(
        &format!(
            "{rows}, one session, into a temporary table that is removed again. A run also writes tables and indexes, \
             so it is slower; this compares only the two methods. Any key closes."
        ),
        theme.dim(),
    );
}

fn told(name: &str, way: &str, speed: &Speed) -> String {
    // Without a COPY the weight of the rows is not known.
    let bytes = match speed.bytes {
        0 => String::new(),
        _ => format!(", {}/s", format::bytes(speed.bytes_per_second())),
    };
    format!(
        "{name}  {} rows/s{bytes} ({way}; {} rows in {})",
        format::count(speed.rows_per_second()),
        format::count(speed.rows),
        format::duration(speed.micros / 1000),
    )
}
