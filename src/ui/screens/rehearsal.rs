//! The rehearsal over the preview: the panels of a run while it goes on, then its forecast to read.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Clear;

use super::run;
use crate::app::rehearsing::{Rehearsing, Stage};
use crate::app::{Now, format};
use crate::model::forecast::Ending;
use crate::ui::theme::Theme;
use crate::ui::widgets::{panel, text};

pub fn draw(rehearsing: &Rehearsing, now: Now, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    frame.render_widget(Clear, area);
    let dot = theme.glyphs.dot;
    let clock = format::clock(rehearsing.run.elapsed_ms(now));
    match &rehearsing.stage {
        Stage::Planning(pending) => {
            let inner = panel::draw(frame, area, "Rehearsal", true, theme);
            let waited = now.since(pending.since);
            let words = format!(
                " {} Making the plan of the rehearsal {dot} {} {dot} Esc cancels",
                theme.glyphs.spinner_at(waited),
                format::duration(waited),
            );
            frame.render_widget(Line::styled(words, theme.accent()), inner);
        }
        Stage::Running => {
            let title = format!("Rehearsal on a sample {dot} {clock} {dot} x or Esc stops it");
            run::draw_rehearsal(&rehearsing.run, &title, now, frame, area, theme);
        }
        Stage::Stopping => {
            let title =
                format!("Stopping {dot} {clock} {dot} the scratch database is being removed");
            run::draw_rehearsal(&rehearsing.run, &title, now, frame, area, theme);
        }
        Stage::Ended(forecast) => {
            let style = match forecast.ending {
                Ending::Done => theme.fine(),
                Ending::Cancelled => theme.warning(),
                Ending::Failed | Ending::Different => theme.bad(),
            };
            read(rehearsing, "Forecast", style, frame, area, theme);
        }
        Stage::Failed(_) => read(rehearsing, "Rehearsal", theme.bad(), frame, area, theme),
    }
}

/// The first line says it all.
fn read(
    rehearsing: &Rehearsing,
    title: &str,
    style: Style,
    frame: &mut Frame<'_>,
    area: Rect,
    theme: &Theme,
) {
    let dot = theme.glyphs.dot;
    let lines = rehearsing.lines();
    let (count, height) = (lines.len(), rehearsing.height());
    let first = rehearsing.first_row(count);
    let ways = if count > height {
        theme.glyphs.words("↑ ↓ scroll · Esc closes")
    } else {
        theme.glyphs.words("Esc closes")
    };
    let inner = panel::draw(frame, area, &format!("{title} {dot} {ways}"), true, theme);
    let shown = lines.iter().enumerate().skip(first);
    for (row, (at, line)) in inner.rows().zip(shown) {
        let row = Rect {
            x: (row.x + 1).min(row.right()),
            width: row.width.saturating_sub(2),
            ..row
        };
        // Dots that stand for what was cut off take more columns where they are three.
        let words = theme.glyphs.words(line);
        let words = text::truncate(&words, usize::from(row.width), theme.glyphs.ellipsis);
        let line = if at == 0 {
            Line::styled(words, style.patch(theme.strong()))
        } else {
            Line::raw(words)
        };
        frame.render_widget(line, row);
    }
    if count > height {
        let last = (first + height).min(count);
        panel::note(
            &format!(" {}-{last}/{count} ", first + 1),
            frame,
            area,
            theme,
        );
    }
}
