//! Check: what was looked at before anything is planned, and what it means.
//!
//! ```text
//! ╭ 9 fine · 1 warning ────────────────────────────────────────────╮
//! │ ✓ Both servers can be reached                                  │
//! │ ! Roles that own objects exist in the destination              │  the selected one is reversed
//! ╰────────────────────────────────────────────────────────────────╯
//! ╭ Roles that own objects exist in the destination ───────────────╮
//! │ ! The role "app" is missing                                    │
//! │ What it means, which objects, how to mend it.                  │
//! ╰──────────────────────────────────────────────────────  (1/12) ─╯
//! ```
//!
//! With 110 columns or more the two stand side by side.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::pointer::Target;
use crate::app::steps::check::{Check, Work};
use crate::app::{Now, State, format};
use crate::model::finding::{CheckResult, Finding, Fix, Level};
use crate::model::name::{printable, printable_lines};
use crate::model::problem::{Field, Problem};
use crate::ui::theme::Theme;
use crate::ui::widgets::{panel, text};

/// Headings over checks that stand together.
const GROUPS: usize = 4;

/// Rows of why something is tried again.
const MOST_REASON: usize = 3;

pub fn draw(state: &State, now: Now, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let check = &state.check;
    let [list, details] = boxes(state, area);
    draw_list(state, now, frame, list, theme);
    if let Some(problem) = &check.problem {
        let lines = problem_lines(problem, details.width, theme);
        draw_details(
            state,
            "The databases could not be read",
            lines,
            frame,
            details,
            theme,
        );
    } else if let Some(result) = check.selected() {
        let mut lines = refused_lines(check, result, details.width, theme);
        lines.extend(result_lines(result, details.width, theme));
        draw_details(state, result.title, lines, frame, details, theme);
    } else {
        let intro = "Here both databases are checked: whether everything needed is there, and whether anything would be lost or hidden. Nothing is changed.";
        let width = usize::from(details.width.saturating_sub(4));
        let lines = text::wrap(intro, width)
            .into_iter()
            .map(Line::raw)
            .collect();
        draw_details(state, "What happens here", lines, frame, details, theme);
    }
}

fn boxes(state: &State, area: Rect) -> [Rect; 2] {
    if area.width >= 110 {
        return Layout::horizontal([Constraint::Percentage(48), Constraint::Fill(1)]).areas(area);
    }
    let wanted = u16::try_from(state.check.results.len() + 3).unwrap_or(u16::MAX);
    let height = wanted.clamp(5, (area.height / 2).max(5));
    Layout::vertical([Constraint::Length(height), Constraint::Fill(1)]).areas(area)
}

/// A row of the list.
enum Entry {
    Heading(&'static str),
    Result(usize),
}

/// What stands in the list, from the top. Headings only where they push nothing out of sight.
fn entries(check: &Check, inner: Rect) -> Vec<Entry> {
    let height = usize::from(inner.height).saturating_sub(usize::from(check.pending.is_some()));
    let has_groups = check.results.len() + GROUPS <= height;
    let mut group = None;
    let mut entries = Vec::new();
    for position in check.cursor.visible(check.results.len(), height) {
        let own = check.results.get(position).map(CheckResult::group);
        if has_groups && own != group {
            group = own;
            entries.extend(own.map(Entry::Heading));
        }
        entries.push(Entry::Result(position));
    }
    entries
}

pub fn target(state: &State, at: Position, area: Rect) -> Option<Target> {
    let [list, details] = boxes(state, area);
    if details.contains(at) {
        return Some(Target::Page);
    }
    let inner = panel::inside(list);
    let entries = entries(&state.check, inner);
    let row = usize::from(at.y.saturating_sub(inner.y));
    Some(match entries.get(row).filter(|_| inner.contains(at)) {
        Some(Entry::Result(position)) => Target::Row(*position),
        _ => Target::List,
    })
}

fn draw_list(state: &State, now: Now, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let check = &state.check;
    let inner = panel::draw(frame, area, &title(state, theme), true, theme);
    let below = usize::from(check.pending.is_some());
    let height = usize::from(inner.height).saturating_sub(below);
    let visible = check.cursor.visible(check.results.len(), height);
    panel::place(&visible, check.results.len(), frame, area, theme);
    let mut rows = inner.rows();
    for (entry, row) in entries(check, inner).into_iter().zip(rows.by_ref()) {
        let (position, result) = match entry {
            Entry::Heading(group) => {
                frame.render_widget(Line::styled(format!(" {group}"), theme.dim()), row);
                continue;
            }
            Entry::Result(position) => match check.results.get(position) {
                Some(result) => (position, result),
                None => break,
            },
        };
        let (mut sign, mut style) = sign(result.level(), theme);
        if let Some(pending) = check.pending.filter(|_| is_worked_on(check, result)) {
            let waited = now.since(pending.since);
            (sign, style) = (theme.glyphs.spinner_at(waited), theme.accent());
        }
        let width = usize::from(row.width).saturating_sub(3);
        let title = text::fit(result.title, width, theme.glyphs.ellipsis);
        let mut line = Line::from(vec![
            Span::styled(format!(" {sign} "), style),
            Span::raw(title),
        ]);
        if position == check.cursor.selected {
            line = line.style(theme.selected());
        }
        frame.render_widget(line, row);
    }
    let Some(row) = rows.next() else {
        return;
    };
    if let Some(pending) = check.pending {
        let waited = now.since(pending.since);
        let dot = theme.glyphs.dot;
        let (what, way) = match check.work {
            Work::AllChecks => (check.doing(), "Esc cancels"),
            Work::OneCheck(_) => ("Checking one again", "Esc cancels"),
            Work::Fix(_) => ("Running the fix", "Esc cancels"),
        };
        let doing = match &check.again {
            None => what.to_owned(),
            Some((number, _)) => format!("Attempt {number}"),
        };
        let words = format!(
            " {} {doing} {dot} {} {dot} {way}",
            theme.glyphs.spinner_at(waited),
            format::duration(waited),
        );
        let words = text::fit(&words, usize::from(row.width), theme.glyphs.ellipsis);
        frame.render_widget(Line::styled(words, theme.accent()), row);
        if let Some((_, problem)) = &check.again {
            let columns = usize::from(row.width).saturating_sub(4);
            let why = printable(&problem.message);
            let why = text::wrap_into(&why, columns, MOST_REASON, theme.glyphs.ellipsis);
            for (row, line) in rows.zip(why) {
                frame.render_widget(Line::styled(format!("   {line}"), theme.dim()), row);
            }
        }
    } else if check.results.is_empty() && check.problem.is_none() {
        frame.render_widget(
            Line::raw(" Nothing has been checked. R runs the checks."),
            row,
        );
    }
}

/// The one that is run by itself just now, or mended.
fn is_worked_on(check: &Check, result: &CheckResult) -> bool {
    match check.work {
        Work::AllChecks => false,
        Work::OneCheck(id) | Work::Fix(id) => id == result.id,
    }
}

/// `9 fine · 1 warning`.
fn title(state: &State, theme: &Theme) -> String {
    let tally = state.check.tally();
    let mut parts = Vec::new();
    if state.resuming.is_some() {
        parts.push("Resuming a run".to_owned());
    } else if state.check.has_unfinished {
        parts.push("Interrupted run".to_owned());
        parts.push("Enter resumes it".to_owned());
    }
    let several = |count: usize, one: &str, many: &str| {
        (count > 0).then(|| format!("{count} {}", if count == 1 { one } else { many }))
    };
    parts.extend(several(tally.fine, "fine", "fine"));
    parts.extend(several(tally.warnings, "warning", "warnings"));
    // What is in the way of a run that begins may be what an interrupted one has made.
    let is_resumable = state.check.has_unfinished && state.resuming.is_none();
    let blocking = if is_resumable {
        theme.glyphs.blocking
    } else {
        "to fix first"
    };
    parts.extend(several(tally.blocking, blocking, blocking));
    parts.extend(several(tally.unknown, "not checked", "not checked"));
    if parts.is_empty() {
        return "Checks".to_owned();
    }
    parts.join(&format!(" {} ", theme.glyphs.dot))
}

fn sign(level: Option<Level>, theme: &Theme) -> (&'static str, Style) {
    match level {
        Some(Level::Fine) => (theme.glyphs.fine, theme.fine()),
        Some(Level::Warning) => (theme.glyphs.warning, theme.warning()),
        Some(Level::Blocking) => (theme.glyphs.blocking, theme.bad()),
        None => (theme.glyphs.unknown, theme.warning()),
    }
}

fn draw_details(
    state: &State,
    title: &str,
    lines: Vec<Line<'static>>,
    frame: &mut Frame<'_>,
    area: Rect,
    theme: &Theme,
) {
    let inner = panel::draw(frame, area, title, false, theme);
    let height = usize::from(inner.height);
    let first = state.check.scroll.min(lines.len().saturating_sub(height));
    if lines.len() > height && area.height > 0 {
        let last = (first + height).min(lines.len());
        let note = format!(" PgUp PgDn {}-{} of {} ", first + 1, last, lines.len());
        let row = Rect {
            y: area.bottom().saturating_sub(1),
            height: 1,
            width: area.width.saturating_sub(2),
            ..area
        };
        frame.render_widget(Line::styled(note, theme.dim()).right_aligned(), row);
    }
    for (row, line) in inner.rows().zip(lines.into_iter().skip(first)) {
        let row = Rect {
            x: (row.x + 1).min(row.right()),
            width: row.width.saturating_sub(2),
            ..row
        };
        frame.render_widget(line, row);
    }
}

fn result_lines(result: &CheckResult, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    match &result.outcome {
        Ok(findings) if findings.is_empty() => vec![Line::raw("Nothing to report.")],
        Ok(findings) => {
            let mut lines = Vec::new();
            for finding in findings {
                if !lines.is_empty() {
                    lines.push(Line::default());
                }
                finding_lines(finding, width, theme, &mut lines);
            }
            lines
        }
        Err(problem) => {
            let mut lines = vec![
                Line::styled(
                    "? This could not be checked. That is not the same as fine.",
                    theme.warning(),
                ),
                Line::default(),
            ];
            lines.extend(problem_lines(problem, width, theme));
            lines
        }
    }
}

fn finding_lines(finding: &Finding, width: u16, theme: &Theme, lines: &mut Vec<Line<'static>>) {
    let columns = usize::from(width.saturating_sub(4));
    let (sign, style) = sign(Some(finding.level), theme);
    let title = format!("{sign} {}", printable(&finding.title));
    lines.extend(styled(&title, columns, style));
    if !finding.meaning.is_empty() {
        lines.extend(styled(
            &printable_lines(&finding.meaning),
            columns,
            theme.text(),
        ));
    }
    for object in &finding.objects {
        let words = format!("  {} {}", theme.glyphs.bullet, printable(object));
        lines.extend(styled(&words, columns, theme.text()));
    }
    let is_address = matches!(finding.field, Some(Field::FdwHost | Field::FdwPort));
    if is_address && finding.level != Level::Fine {
        let words =
            "Press f to set the address at which the destination server reaches the source.";
        lines.extend(styled(words, columns, theme.strong()));
    }
    if let Some(fix) = &finding.fix {
        lines.extend(styled(&heading(fix), columns, theme.strong()));
        for line in printable_lines(&fix.text()).lines() {
            lines.extend(styled(&format!("  {line}"), columns, theme.accent()));
        }
    }
}

/// Where a fix is run, and by whom.
fn heading(fix: &Fix) -> String {
    match fix {
        Fix::Words(_) => "What to do (y copies this):".to_owned(),
        Fix::Sql(sql) if sql.not_here.is_none() => {
            format!("To fix it on the {} (x runs this, y copies it):", sql.side)
        }
        Fix::Sql(sql) => format!(
            "To fix it on the {}, as {} (y copies this):",
            sql.side, sql.by
        ),
    }
}

/// What the server said to the fix of this check.
fn refused_lines(
    check: &Check,
    result: &CheckResult,
    width: u16,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let failed = check.failed_fix.as_ref();
    let Some((_, problem)) = failed.filter(|(id, _)| *id == result.id) else {
        return Vec::new();
    };
    let mut lines = vec![Line::styled("The fix was not applied.", theme.bad())];
    lines.extend(problem_lines(problem, width, theme));
    lines.push(Line::default());
    lines
}

fn problem_lines(problem: &Problem, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let columns = usize::from(width.saturating_sub(4));
    let sign = theme.glyphs.blocking;
    let mut lines = styled(&format!("{sign} {problem}"), columns, theme.text());
    if let Some(first) = lines.first_mut() {
        *first = first.clone().style(theme.bad());
    }
    lines
}

fn styled(words: &str, columns: usize, style: Style) -> Vec<Line<'static>> {
    text::wrap(words, columns)
        .into_iter()
        .map(|line| Line::styled(line, style))
        .collect()
}
