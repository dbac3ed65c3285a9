//! The steps that run now, one panel row each, and below them what was done last.
//!
//! ```text
//! │ ⠋ public.rental        COPY binary  ███████░░░░░  61 %   38.2 MiB/s │
//! │     9,800,000 of ~16,044,000 rows · 1.4 GiB · 240 k rows/s · ~22 s   │
//! ```
//!
//! The second row of a table is left out when there is no room for all.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::steps::preview::overview;
use crate::app::steps::run::board::{Board, Running};
use crate::app::steps::run::waits::{self, Told};
use crate::app::steps::run::{Run, facts};
use crate::app::{Now, format, rate};
use crate::model::name::printable;
use crate::model::plan::Step;
use crate::ui::theme::Theme;
use crate::ui::widgets::{gauge, panel, text};

/// After that a step that runs alone says what it is for.
const LONG_MS: u64 = 3_000;

pub(super) fn draw(run: &Run, now: Now, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let board = &run.board;
    let number = board.running.len() as u64;
    let title = match number {
        _ if run.report.is_some() => "Last steps".to_owned(),
        0 => "Now".to_owned(),
        number => format!(
            "Now {} {} running",
            theme.glyphs.dot,
            format::counted(number, "step", "steps")
        ),
    };
    let inner = panel::draw(frame, area, &title, false, theme);
    let columns = usize::from(inner.width);
    let height = usize::from(inner.height);
    let steps: Vec<(&Running, &Step)> = board
        .running
        .iter()
        .filter_map(|one| Some((one, board.step(one.step)?)))
        .collect();
    let tables = steps.iter().filter(|(_, step)| step.method().is_some());
    let repeated = steps.iter().filter(|(one, _)| one.again.is_some());
    let is_roomy = steps.len() + tables.count() + repeated.count() < height;
    let is_alone = steps.len() == 1 && height > 4;
    let mut lines = Vec::new();
    for (one, step) in steps.iter().filter(|(_, step)| step.method().is_some()) {
        lines.push(table(one, step, now, columns, theme));
        lines.extend(again(one, columns, theme));
        let told = waits::of(&board.activity, one.step);
        match told {
            // Nothing else matters then.
            Some(told) if told.is_stuck => lines.push(stuck(&told, columns, theme)),
            told if is_roomy && step.size_hint_bytes > 0 => {
                lines.push(table_figures(one, step, told, columns, theme));
            }
            _ => {}
        }
    }
    for (one, step) in steps.iter().filter(|(_, step)| step.method().is_none()) {
        let told = waits::of(&board.activity, one.step);
        let (stuck_by, told) = match told {
            Some(told) if told.is_stuck => (Some(told), None),
            told => (None, told),
        };
        lines.push(other(one, step, told, now, columns, theme));
        lines.extend(again(one, columns, theme));
        let is_long = now.since(one.since) >= LONG_MS && !step.why.is_empty();
        if is_long && is_alone && stuck_by.is_none() {
            lines.extend(why(step, columns, theme));
        }
        lines.extend(stuck_by.map(|told| stuck(&told, columns, theme)));
    }
    let is_idle = run.is_paused || run.is_waiting;
    if lines.is_empty() && is_idle && run.report.is_none() {
        lines.push(Line::styled(" Nothing is running.", theme.dim()));
    } else if lines.is_empty() && run.report.is_none() {
        let sign = theme.glyphs.spinner_at(run.elapsed_ms(now));
        let words = format!(" {sign} Waiting for the next step");
        lines.push(Line::styled(words, theme.accent()));
    }
    if lines.len() > height && height > 0 {
        let hidden = lines.len() - (height - 1);
        lines.truncate(height - 1);
        lines.push(Line::styled(format!("   and {hidden} more"), theme.dim()));
    }
    lines.extend(finished(board, columns, theme));
    for (row, line) in inner.rows().zip(lines) {
        frame.render_widget(line, row);
    }
}

/// What a step is for that everything waits for.
fn why(step: &Step, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let lines = text::wrap(&printable(&step.why), columns.saturating_sub(4));
    let styled = |line| Line::styled(format!("   {line}"), theme.dim());
    lines.into_iter().map(styled).collect()
}

fn spinner(one: &Running, now: Now, theme: &Theme) -> Span<'static> {
    let sign = theme.glyphs.spinner_at(now.since(one.since));
    Span::styled(format!(" {sign} "), theme.accent())
}

/// A bar where the size is known; else the rows so far.
fn table(one: &Running, step: &Step, now: Now, columns: usize, theme: &Theme) -> Line<'static> {
    const BADGE: usize = 11;
    const RATE: usize = 10;
    let ellipsis = theme.glyphs.ellipsis;
    let name = step
        .object
        .as_ref()
        .map_or_else(|| printable(&step.title).into_owned(), ToString::to_string);
    // Spinner, badge and rate with their gaps; the rest is shared by name and bar.
    let room = columns.saturating_sub(3 + BADGE + RATE + 5);
    let bar_columns = (room / 2).min(40);
    let (done, all) = one.progress(step);
    let share = match rate::percent(done, all).filter(|_| step.size_hint_bytes > 0) {
        Some(percent) if bar_columns > 6 => {
            let bar = gauge::bar(percent, bar_columns - 5, theme);
            format!("{bar} {percent:>2} %")
        }
        Some(percent) => format!("{percent:>2} %"),
        None => format!("{} rows", format::count(one.rows)),
    };
    let speed = one
        .bytes_rate
        .per_second()
        .map(|rate| format!("{}/s", format::bytes_plain(rate)))
        .unwrap_or_default();
    Line::from_iter([
        spinner(one, now, theme),
        Span::styled(
            text::fit(&name, room - bar_columns, ellipsis),
            theme.strong(),
        ),
        Span::raw("  "),
        Span::raw(text::fit(
            overview::badge(step).unwrap_or_default(),
            BADGE,
            ellipsis,
        )),
        Span::raw(" "),
        Span::styled(text::fit(&share, bar_columns, ellipsis), theme.accent()),
        Span::raw(" "),
        Span::raw(text::fit_right(&speed, RATE, ellipsis)),
    ])
}

fn stuck(told: &Told, columns: usize, theme: &Theme) -> Line<'static> {
    warning(&told.words, columns, theme)
}

/// That it was tried again, as long as it runs.
fn again(one: &Running, columns: usize, theme: &Theme) -> Option<Line<'static>> {
    let words = one.again.as_ref()?;
    Some(warning(&printable(words), columns, theme))
}

fn warning(words: &str, columns: usize, theme: &Theme) -> Line<'static> {
    let words = format!("   {} {words}", theme.glyphs.warning);
    let words = text::truncate(&words, columns.saturating_sub(1), theme.glyphs.ellipsis);
    Line::styled(words, theme.warning())
}

/// `9,800,000 of ~16,044,000 rows · 1.4 GiB · 240 k rows/s · ~22 s left · waits for the source`; where there is no room for all,
/// what waits comes before the figures that say least.
fn table_figures(
    one: &Running,
    step: &Step,
    told: Option<Told>,
    columns: usize,
    theme: &Theme,
) -> Line<'static> {
    let rows = match step.row_hint() {
        Some(hint) if hint >= one.rows => {
            format!(
                "{} of ~{} rows",
                format::count(one.rows),
                format::count(hint)
            )
        }
        _ => format::counted(one.rows, "row", "rows"),
    };
    let mut parts = vec![rows, format::bytes_plain(one.bytes)];
    if let Some(speed) = one.rows_rate.per_second() {
        parts.push(format!("{} rows/s", format::count_short(speed)));
    }
    if let Some(left) = one.eta_ms(step) {
        parts.push(format!("~{} left", format::duration(left)));
    }
    let count = parts.len();
    parts.extend(told.map(|told| told.words));
    let room = columns.saturating_sub(6);
    let joined = |parts: &[String]| parts.join(&format!(" {} ", theme.glyphs.dot));
    // The bytes stand in the bar, the rows per second in the bytes per second.
    for least in [2, 1] {
        if least < count && text::width(&joined(&parts)) > room {
            parts.remove(least);
        }
    }
    if text::width(&joined(&parts)) > room {
        parts[0] = format::counted(one.rows, "row", "rows");
    }
    let words = text::truncate(&joined(&parts), room, theme.glyphs.ellipsis);
    Line::styled(format!("     {words}"), theme.dim())
}

fn other(
    one: &Running,
    step: &Step,
    told: Option<Told>,
    now: Now,
    columns: usize,
    theme: &Theme,
) -> Line<'static> {
    const CLOCK: usize = 9;
    let room = columns.saturating_sub(3 + CLOCK + 1);
    let told = told.map_or_else(String::new, |told| {
        format!(" {} {}", theme.glyphs.dot, told.words)
    });
    // The name may be cut, what happens may not, as far as there is room.
    let name_room = room.saturating_sub(text::width(&told)).max(room / 2);
    let name = text::truncate(&printable(&step.title), name_room, theme.glyphs.ellipsis);
    let title = text::fit(&format!("{name}{told}"), room, theme.glyphs.ellipsis);
    let clock = format::clock(now.since(one.since));
    Line::from_iter([
        spinner(one, now, theme),
        Span::raw(title),
        Span::raw(format!("{clock:>CLOCK$} ")),
    ])
}

/// How many are done, and the last of them.
fn finished(board: &Board, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if board.done_count > 0 {
        let done = format::counted(board.done_count as u64, "step is done", "steps are done");
        lines.push(Line::from_iter([
            Span::styled(format!(" {} ", theme.glyphs.fine), theme.fine()),
            Span::raw(format!("{done}; the last:")),
        ]));
    }
    if board.skipped_count > 0 {
        let skipped = format::counted(board.skipped_count as u64, "step", "steps");
        let words = format!(" {} {skipped} not run", theme.glyphs.warning);
        lines.insert(0, Line::styled(words, theme.warning()));
    }
    for done in &board.recent {
        let title = board.step(done.step).map_or("", |step| step.title.as_str());
        let words = format!(
            "   {} {} {}",
            printable(title),
            theme.glyphs.dot,
            facts(board, *done).join(&format!(" {} ", theme.glyphs.dot))
        );
        let words = text::truncate(&words, columns, theme.glyphs.ellipsis);
        lines.push(Line::styled(words, theme.dim()));
    }
    lines
}
