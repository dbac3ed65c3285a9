//! Run: what runs, how fast, how long still, and what went wrong.
//!
//! ```text
//! ╭ Running · 0:42 ────────────────────────────────────────────────╮
//! │ ██████████████░░░░░░░░░░░░░░░░  46 %   12/37 steps             │
//! │ 9,800,000 rows · 1.4 GiB of ~3.9 GiB · 38.2 MiB/s · ~1 m left  │
//! │ ▁▂▅▇█▇▆▆▇  bytes per second, last 2 minutes                    │
//! │ Schema 8/8 · Data 3/8 · Indexes 1/8 · Verify 0/8               │
//! ╰────────────────────────────────────────────────────────────────╯
//! ╭ Now ───────────────────────────────────────────────────────────╮
//! │ ⠋ public.rental   COPY binary  ███████░░░░  61 %   38.2 MiB/s  │
//! │ ⠋ Build index public.film_pkey                  0:04  │
//! │ ✓ 11 steps done                                                │
//! ╰────────────────────────────────────────────────────────────────╯
//! ╭ Problems · 1 ──────────────────────────────────────────────────╮
//! ╭ Log · following ───────────────────────────────────────────────╮
//! ```
//!
//! A problem in full, or the whole log, takes everything below the first box.

use std::path::Path;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::run_now;
use crate::app::pointer::Target;
use crate::app::steps::run::{Focus, Run};
use crate::app::{Now, State, format};
use crate::model::event::{NoticeLevel, Stop};
use crate::model::name::printable;
use crate::model::plan::Phase;
use crate::report_text;
use crate::ui::theme::Theme;
use crate::ui::widgets::{gauge, page, panel, text};

/// A bar that is shorter says nothing.
const SHORTEST_BAR: usize = 12;

pub fn draw(state: &State, now: Now, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let run = &state.run;
    if run.started.is_none() {
        let inner = panel::draw(frame, area, "Run", true, theme);
        frame.render_widget(Line::raw(" Nothing has been run. Esc goes back."), inner);
        return;
    }
    let [head, running, problems, log] = boxes(run, area);
    draw_head(run, &title(state, now, theme), now, frame, head, theme);
    if let Some(details) = &run.details {
        let below = running.union(problems).union(log);
        page::draw(details, run.first_row(), frame, below, theme);
        return;
    }
    let file = state.log_file.as_deref();
    draw_below(run, file, now, frame, [running, problems, log], theme);
}

/// The panels of a rehearsal, which is a run under another title.
pub(super) fn draw_rehearsal(
    run: &Run,
    title: &str,
    now: Now,
    frame: &mut Frame<'_>,
    area: Rect,
    theme: &Theme,
) {
    let [head, running, problems, log] = boxes(run, area);
    draw_head(run, title, now, frame, head, theme);
    draw_below(run, None, now, frame, [running, problems, log], theme);
}

fn draw_below(
    run: &Run,
    log_file: Option<&Path>,
    now: Now,
    frame: &mut Frame<'_>,
    boxes: [Rect; 3],
    theme: &Theme,
) {
    let heights = run.layout();
    let [running, problems, log] = boxes;
    run_now::draw(run, now, frame, running, theme);
    if heights.problems > 0 {
        draw_problems(run, frame, problems, theme);
    }
    draw_log(run, log_file, frame, log, theme);
}

/// Head, what runs now, problems, log.
fn boxes(run: &Run, area: Rect) -> [Rect; 4] {
    let heights = run.layout();
    Layout::vertical([
        Constraint::Length(heights.head),
        Constraint::Length(heights.now),
        Constraint::Length(heights.problems),
        Constraint::Length(heights.log),
    ])
    .areas(area)
}

pub fn target(state: &State, at: Position, area: Rect) -> Option<Target> {
    let run = &state.run;
    run.started?;
    let [head, _, problems, log] = boxes(run, area);
    if run.details.is_some() {
        return (!head.contains(at)).then_some(Target::Page);
    }
    if log.contains(at) {
        return Some(Target::Log);
    }
    if !problems.contains(at) {
        return None;
    }
    let inner = panel::inside(problems);
    let failed = run.board.failed.len();
    let mut visible = run.cursor.visible(failed, usize::from(inner.height));
    let row = visible.nth(usize::from(at.y.saturating_sub(inner.y)));
    let row = row.filter(|_| inner.contains(at));
    Some(row.map_or(Target::List, Target::Row))
}

fn title(state: &State, now: Now, theme: &Theme) -> String {
    let run = &state.run;
    let dot = theme.glyphs.dot;
    let clock = format::clock(run.elapsed_ms(now));
    match (&run.report, state.stop) {
        (Some(report), _) => {
            let (sign, _) = super::report::outcome(report.outcome, theme);
            let word = report_text::outcome_title(report);
            let took = format::duration(run.elapsed_ms(now));
            format!("{sign} {word} {dot} {took}")
        }
        (None, Some(Stop::Now)) => format!("Stopping now {dot} {clock}"),
        (None, Some(Stop::AfterCurrent)) => {
            format!("Stopping after the current tables {dot} {clock}")
        }
        (None, None) if run.is_paused && run.board.running.is_empty() => {
            format!("{} Paused {dot} {clock}", theme.glyphs.warning)
        }
        (None, None) if run.is_paused => {
            format!("Pausing after the current steps {dot} {clock}")
        }
        (None, None) if run.is_waiting => {
            format!("{} Waiting for you {dot} {clock}", theme.glyphs.warning)
        }
        (None, None) => format!("Running {dot} {clock}"),
    }
}

fn draw_head(run: &Run, title: &str, now: Now, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let inner = panel::draw(frame, area, title, false, theme);
    let columns = usize::from(inner.width.saturating_sub(2));
    let mut lines = vec![gauge_line(run, now, columns, theme)];
    if let Some(report) = &run.report {
        let (_, style) = super::report::outcome(report.outcome, theme);
        let headline = report_text::headline(report);
        let headline = text::wrap_into(&headline, columns, 2, theme.glyphs.ellipsis);
        lines.extend(headline.into_iter().map(|line| Line::styled(line, style)));
        let ways = match report.resume_command {
            Some(_) => "Enter shows the report, r resumes the run.",
            None => "Enter shows the report.",
        };
        lines.push(Line::styled(ways, theme.strong()));
    } else {
        lines.push(figures(run, columns, theme));
        match what_is_awaited(run) {
            Some(words) => {
                let style = theme.warning().patch(theme.strong());
                lines.push(Line::styled(words, style));
            }
            // The first to go where there is no room for all.
            None if inner.height < 4 => {}
            None => lines.push(history(run, columns, theme)),
        }
        lines.push(phases(run, columns, theme));
    }
    for (row, line) in inner.rows().zip(lines) {
        let row = Rect {
            x: (row.x + 1).min(row.right()),
            width: row.width.saturating_sub(2),
            ..row
        };
        frame.render_widget(line, row);
    }
}

/// What ends a pause or a wait, and what either means for the source.
fn what_is_awaited(run: &Run) -> Option<String> {
    let ways = if run.is_paused {
        "p continues."
    } else if run.is_waiting && run.is_lost() {
        return Some(
            "The source's snapshot is lost. Enter ends the run; it can be resumed afterwards."
                .to_owned(),
        );
    } else if run.is_waiting {
        "r retries, s leaves out, Enter ends the run."
    } else {
        return None;
    };
    let source = match (run.is_source_held, run.is_paused) {
        (true, true) => " The source's snapshot stays open.",
        (true, false) => " The snapshot stays open.",
        (false, _) => "",
    };
    Some(format!("{ways}{source}"))
}

/// Never full before the end, and not at all after a run that did not get there. The time to the end where it is known and
/// has room.
fn gauge_line(run: &Run, now: Now, columns: usize, theme: &Theme) -> Line<'static> {
    let percent = run.percent();
    let steps = format!(
        "   {}/{} steps",
        format::count(run.board.done_count as u64),
        format::count(run.board.plan().steps.len() as u64)
    );
    let end = time_to_the_end(run, now).filter(|end| {
        let taken = SHORTEST_BAR + " 100 %".len() + end.len() + steps.len();
        taken <= columns
    });
    let words = format!(" {percent:>3} %{}{steps}", end.unwrap_or_default());
    let bar = gauge::bar(percent, columns.saturating_sub(words.len()), theme);
    Line::from_iter([
        Span::styled(bar, theme.accent()),
        Span::styled(words, theme.strong()),
    ])
}

/// `   done in ~2 min 05 s`; not while the run stands still or ends early.
fn time_to_the_end(run: &Run, now: Now) -> Option<String> {
    if run.report.is_some() || run.is_paused || run.is_waiting {
        return None;
    }
    let (least, most) = run.board.end_range_ms(now)?;
    let likely = least.midpoint(most);
    Some(if most - least > likely / 5 {
        format!("   done in {}", format::duration_range(least, most))
    } else {
        let likely = (likely + 500) / 1000 * 1000;
        format!("   done in ~{}", format::duration_range(likely, likely))
    })
}

/// `9,800,000 rows · 1.4 GiB of ~3.9 GiB · 38.2 MiB/s · all rows in ~1 min 05 s`; where there is no room for all, the time that
/// is left comes before what says less.
fn figures(run: &Run, columns: usize, theme: &Theme) -> Line<'static> {
    let board = &run.board;
    if board.ended_count() == 0 && board.running.is_empty() {
        return Line::raw("Opening sessions on both servers.");
    }
    let moved = board.moved_bytes();
    let mut parts = vec![format::counted(board.moved_rows(), "row", "rows")];
    if board.total_bytes() > 0 {
        let total = board.total_bytes();
        parts.push(format!(
            "{} of ~{}",
            format::bytes_plain(moved),
            format::bytes_plain(total)
        ));
    }
    let data = board.phase(Phase::Data);
    let is_idle = board.running.is_empty() && (run.is_paused || run.is_waiting);
    if data.is_open() && is_idle {
        parts.push("some rows are still missing".to_owned());
    } else if data.is_open() {
        if let Some(rate) = board.bytes_per_second() {
            parts.push(format!("{}/s", format::bytes_plain(rate)));
        }
        parts.push(match (board.rows_eta_range_ms(), board.rows_eta_ms()) {
            (Some((least, most)), _) => {
                format!("all rows in {}", format::duration_range(least, most))
            }
            (None, Some(ms)) => format!("all rows in ~{}", format::duration(ms)),
            (None, None) => "time left unknown".to_owned(),
        });
    } else if data.lost > 0 {
        parts.push("no more rows will come".to_owned());
    } else if data.all > 0 {
        parts.push("all rows are copied".to_owned());
    }
    let joined = |parts: &[String]| parts.join(&format!(" {} ", theme.glyphs.dot));
    while parts.len() > 1 && text::width(&joined(&parts)) > columns {
        parts.remove(0);
    }
    let words = joined(&parts);
    Line::raw(text::truncate(&words, columns, theme.glyphs.ellipsis))
}

fn history(run: &Run, columns: usize, theme: &Theme) -> Line<'static> {
    let history = &run.board.history;
    if history.is_empty() {
        return Line::default();
    }
    let about = "  bytes per second, last 2 minutes";
    let room = columns.saturating_sub(about.len());
    Line::from_iter([
        Span::styled(
            gauge::sparkline(history.iter(), room, theme),
            theme.accent(),
        ),
        Span::styled(about, theme.dim()),
    ])
}

/// `Prepare ✓  Schema 8/8  Data 3/8 …`; phases without steps are left out, and counts where they say least if there is no
/// room for all.
fn phases(run: &Run, columns: usize, theme: &Theme) -> Line<'static> {
    let width = |shown: &[(String, Style)]| -> usize {
        shown.iter().map(|(words, _)| text::width(words) + 2).sum()
    };
    let mut shown = phase_words(run, false, theme);
    if width(&shown) > columns + 2 {
        shown = phase_words(run, true, theme);
    }
    // What is over says least.
    let is_over = |(words, _): &(String, Style)| words.ends_with(theme.glyphs.fine);
    while width(&shown) > columns + 2 && shown.first().is_some_and(is_over) {
        shown.remove(0);
    }
    if width(&shown) > columns + 2 {
        let more = theme.glyphs.ellipsis;
        while width(&shown) + text::width(more) > columns && shown.pop().is_some() {}
        shown.push((more.to_owned(), theme.dim()));
    }
    let spans = shown
        .into_iter()
        .flat_map(|(words, style)| [Span::styled(words, style), Span::raw("  ")]);
    spans.collect()
}

fn phase_words(run: &Run, is_short: bool, theme: &Theme) -> Vec<(String, Style)> {
    let mut shown = Vec::new();
    for phase in Phase::ALL {
        let tally = run.board.phase(phase);
        if tally.all == 0 {
            continue;
        }
        let name = match phase {
            Phase::Indexes => "Indexes",
            other => other.title(),
        };
        let counts = format!("{name} {}/{}", tally.done, tally.all);
        shown.push(if tally.lost > 0 {
            let words = format!("{counts} {}", theme.glyphs.blocking);
            (words, theme.bad())
        } else if tally.done == tally.all {
            (format!("{name} {}", theme.glyphs.fine), theme.fine())
        } else if tally.done > 0 {
            (counts, theme.strong())
        } else if is_short {
            (name.to_owned(), theme.dim())
        } else {
            (counts, theme.dim())
        });
    }
    shown
}

fn draw_problems(run: &Run, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let failed = &run.board.failed;
    let keys = if run
        .selected()
        .is_some_and(|one| one.is_undecided && !one.is_lost())
    {
        "r retries, s leaves out, d shows in full"
    } else {
        "d shows the selected one in full"
    };
    let title = format!(
        "{} Problems {} {} {} {keys}",
        theme.glyphs.blocking,
        theme.glyphs.dot,
        format::count(failed.len() as u64),
        theme.glyphs.dot
    );
    let is_focused = run.focus == Focus::Problems;
    let inner = panel::draw(frame, area, &title, is_focused, theme);
    let visible = run.cursor.visible(failed.len(), usize::from(inner.height));
    let shown = failed.get(visible.clone()).unwrap_or_default();
    for ((position, one), row) in visible.zip(shown).zip(inner.rows()) {
        let title = run.board.step(one.step).map_or("", |s| s.title.as_str());
        let words = format!(
            " {} {}: {}",
            theme.glyphs.blocking,
            printable(title),
            printable(&one.problem.message)
        );
        let words = text::fit(&words, usize::from(inner.width), theme.glyphs.ellipsis);
        let mut line = Line::styled(words, theme.bad());
        if position == run.cursor.selected {
            line = line.patch_style(theme.selected());
        }
        frame.render_widget(line, row);
    }
    if failed.len() > usize::from(inner.height) {
        let note = format!(" {}/{} ", run.cursor.selected + 1, failed.len());
        panel::note(&note, frame, area, theme);
    }
}

fn draw_log(run: &Run, file: Option<&Path>, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let log = &run.log;
    let dot = theme.glyphs.dot;
    let what = match log.least {
        NoticeLevel::Info => "Log".to_owned(),
        NoticeLevel::Warning => format!("Log {dot} warnings and errors only"),
        NoticeLevel::Error => format!("Log {dot} errors only"),
    };
    let mut title = if log.is_following {
        what
    } else {
        format!("{what} {dot} stays here, f follows again")
    };
    if let Some(path) = file {
        let path = path.display().to_string();
        title.push_str(&format!(" {dot} also in {}", printable(&path)));
    }
    let is_focused = run.focus == Focus::Log || run.is_log_large;
    let inner = panel::draw(frame, area, &title, is_focused, theme);
    let height = usize::from(inner.height);
    let columns = usize::from(inner.width);
    let first = log.first(height);
    let mut lines = Vec::new();
    for line in log.shown().skip(first).take(height) {
        let (sign, style) = match line.level {
            NoticeLevel::Info => (theme.glyphs.waiting, theme.text()),
            NoticeLevel::Warning => (theme.glyphs.warning, theme.warning()),
            NoticeLevel::Error => (theme.glyphs.blocking, theme.bad()),
        };
        let clock = format!("{:>8} ", format::clock(line.at_ms));
        let room = columns.saturating_sub(clock.len() + 3);
        for (row, words) in text::wrap(&line.text, room).into_iter().enumerate() {
            let (clock, sign) = if row == 0 {
                (clock.clone(), sign)
            } else {
                (" ".repeat(clock.len()), " ")
            };
            lines.push(Line::from_iter([
                Span::styled(clock, theme.dim()),
                Span::styled(format!("{sign} "), style),
                Span::styled(words, style),
            ]));
        }
    }
    // Broken lines need more rows: the newest stay in sight while following.
    let skipped = if log.is_following {
        lines.len().saturating_sub(height)
    } else {
        0
    };
    for (row, line) in inner.rows().zip(lines.into_iter().skip(skipped)) {
        frame.render_widget(line, row);
    }
    let count = log.shown_count();
    if count > height {
        let last = (first + height).min(count);
        let note = format!(" {}-{last}/{count} ", first + 1);
        panel::note(&note, frame, area, theme);
    }
}
