//! Report: the outcome in words, then the evidence.
//!
//! ```text
//! ╭ ✓ done ────────────────────────────────────────────────────────╮
//! │ The copy equals the original: 8 tables with 30,646,382 rows …  │
//! │ It took 3 min 05 s for 3.9 GiB of rows; …                      │
//! ╰────────────────────────────────────────────────────────────────╯
//!   Summary   Tables 8   Sequences 2   Problems 0   Objects 45
//! ╭ Tables ────────────────────────────────────────────────────────╮
//! │     Table                   Source  Destination  Verdict   Time│
//! │   ✓ public.film              1,000        1,000  equal    0.4 s│
//! │ COPY text · 416 KiB                                            │
//! ╰──────────────────────────────────────────────────────── 1/8 ───╯
//! ```

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::pointer::Target;
use crate::app::steps::report::{HEAD_ROWS, ReportView, Section};
use crate::app::{Now, State, format};
use crate::model::name::printable;
use crate::model::report::{Arrival, Outcome, Report, SequenceResult, TableResult, Verdict};
use crate::report_text;
use crate::ui::theme::Theme;
use crate::ui::widgets::{page, panel, text};

/// Size and method of a table stand in its row from so many columns on; below, under the list.
const WIDE: usize = 100;

pub fn draw(state: &State, _now: Now, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let view = &state.report;
    let Some(report) = &view.report else {
        let inner = panel::draw(frame, area, "Report", true, theme);
        let words = " The report comes when a run has ended.";
        frame.render_widget(Line::raw(words), inner);
        return;
    };
    let [head, names, body] = boxes(area);
    draw_outcome(report, frame, head, theme);
    draw_names(view, report, frame, names, theme);
    match view.section {
        Section::Tables => draw_tables(view, report, frame, body, theme),
        Section::Sequences => draw_sequences(view, report, frame, body, theme),
        Section::Summary | Section::Problems | Section::Objects => {
            page::draw(&view.page, view.first_row(), frame, body, theme);
        }
    }
}

/// Outcome, names of the pages, page.
fn boxes(area: Rect) -> [Rect; 3] {
    Layout::vertical([
        Constraint::Length(HEAD_ROWS),
        Constraint::Length(1),
        Constraint::Fill(1),
    ])
    .areas(area)
}

/// Heading, rows, what is known of the selected one.
fn list_parts(inner: Rect) -> [Rect; 3] {
    Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(inner)
}

pub fn target(state: &State, at: Position, area: Rect) -> Option<Target> {
    let view = &state.report;
    let report = view.report.as_ref()?;
    let [_, names, body] = boxes(area);
    if names.contains(at) {
        let column = usize::from(at.x - names.x);
        let mut left = 1;
        return page_names(report, names.width)
            .iter()
            .position(|name| {
                let width = text::width(name);
                let is_here = (left..left + width).contains(&column);
                left += width + 1;
                is_here
            })
            .map(Target::Tab);
    }
    if !body.contains(at) {
        return None;
    }
    if view.order.is_empty() {
        return Some(Target::Page);
    }
    let [_, list, _] = list_parts(panel::inside(body));
    let mut visible = view
        .cursor
        .visible(view.order.len(), usize::from(list.height));
    let row = visible.nth(usize::from(at.y.saturating_sub(list.y)));
    let row = row.filter(|_| list.contains(at));
    Some(row.map_or(Target::List, Target::Row))
}

/// ` Tables 8 `, of every page; without the counts where there is no room for them.
fn page_names(report: &Report, width: u16) -> Vec<String> {
    let names = |has_counts: bool| -> Vec<String> {
        let name = |section: Section| match section.count(report).filter(|_| has_counts) {
            Some(count) => format!(" {} {} ", section.title_in(report), format::count(count)),
            None => format!(" {} ", section.title_in(report)),
        };
        Section::ALL.into_iter().map(name).collect()
    };
    let counted = names(true);
    let taken: usize = counted.iter().map(|name| text::width(name) + 1).sum();
    // The last one ends in a blank.
    if taken <= usize::from(width) + 1 {
        counted
    } else {
        names(false)
    }
}

/// The sign and the colour of an outcome; the word stands beside it wherever it is shown.
pub(super) fn outcome(outcome: Outcome, theme: &Theme) -> (&'static str, Style) {
    match outcome {
        Outcome::Done => (theme.glyphs.fine, theme.fine().patch(theme.strong())),
        Outcome::Failed | Outcome::Different => (theme.glyphs.blocking, theme.bad()),
        Outcome::Cancelled => (theme.glyphs.warning, theme.warning().patch(theme.strong())),
    }
}

fn draw_outcome(report: &Report, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let (sign, style) = outcome(report.outcome, theme);
    let title = format!("{sign} {}", report_text::outcome_title(report));
    let inner = panel::draw(frame, area, &title, false, theme);
    let columns = usize::from(inner.width.saturating_sub(2));
    // How long it took gives way to a long headline.
    let headline = report_text::headline(report);
    let headline = text::wrap_into(&headline, columns, 3, theme.glyphs.ellipsis);
    let mut lines: Vec<_> = headline
        .into_iter()
        .map(|line| Line::styled(format!(" {line}"), style))
        .collect();
    let mut facts = vec![format::duration(report.elapsed_ms)];
    if report.byte_count() > 0 {
        facts.push(format!(
            "{} of rows",
            format::bytes_plain(report.byte_count())
        ));
    }
    let between = format!(" {} ", theme.glyphs.dot);
    if let Some(held) = report.snapshot_held_ms {
        let held = format::duration(held);
        let words = ["source's snapshot held for", "snapshot held"].map(|w| format!("{w} {held}"));
        let taken = text::width(&facts.join(&between)) + text::width(&between);
        let [long, short] = words;
        let is_roomy = taken + text::width(&long) <= columns;
        facts.push(if is_roomy { long } else { short });
    }
    let facts = facts.join(&between);
    let time = text::truncate(&facts, columns, theme.glyphs.ellipsis);
    lines.push(Line::raw(format!(" {time}")));
    for (row, line) in inner.rows().zip(lines) {
        frame.render_widget(line, row);
    }
}

fn draw_names(
    view: &ReportView,
    report: &Report,
    frame: &mut Frame<'_>,
    area: Rect,
    theme: &Theme,
) {
    let mut spans = vec![Span::raw(" ")];
    for (section, name) in Section::ALL.into_iter().zip(page_names(report, area.width)) {
        let style = if section == view.section {
            theme.title().patch(theme.selected())
        } else {
            theme.text()
        };
        spans.push(Span::styled(name, style));
        spans.push(Span::raw(" "));
    }
    frame.render_widget(Line::from(spans), area);
}

/// A list with its heading, the selected row's facts below it, and the position on the edge.
fn draw_list(
    view: &ReportView,
    heading: &str,
    rows: impl Fn(usize) -> Line<'static>,
    foot: &str,
    frame: &mut Frame<'_>,
    area: Rect,
    theme: &Theme,
) {
    let inner = panel::draw(frame, area, view.section.title(), true, theme);
    let [head, list, below] = list_parts(inner);
    if view.order.is_empty() {
        let words = format!(" No {} were copied.", view.section.title().to_lowercase());
        frame.render_widget(Line::raw(words), head);
        return;
    }
    frame.render_widget(Line::styled(heading.to_owned(), theme.dim()), head);
    let visible = view
        .cursor
        .visible(view.order.len(), usize::from(list.height));
    let shown = view.order.get(visible.clone()).unwrap_or_default();
    for ((position, at), row) in visible.zip(shown).zip(list.rows()) {
        let mut line = rows(*at);
        if position == view.cursor.selected {
            line = line.patch_style(theme.selected());
        }
        frame.render_widget(line, row);
    }
    let room = usize::from(below.width.saturating_sub(2));
    let foot = text::truncate(&theme.glyphs.words(foot), room, theme.glyphs.ellipsis);
    frame.render_widget(Line::styled(format!(" {foot}"), theme.accent()), below);
    let note = format!(" {}/{} ", view.cursor.selected + 1, view.order.len());
    panel::note(&note, frame, area, theme);
}

fn sign(verdict: &Verdict, theme: &Theme) -> (&'static str, Style) {
    match verdict {
        Verdict::Equal => (theme.glyphs.fine, theme.fine()),
        Verdict::Different => (theme.glyphs.blocking, theme.bad()),
        Verdict::NotCompared(_) => (theme.glyphs.unknown, theme.warning()),
    }
}

/// The widest of a heading and what stands below it, within bounds.
fn widest(heading: &str, cells: impl Iterator<Item = usize>, most: usize) -> usize {
    cells.max().unwrap_or(0).max(text::width(heading)).min(most)
}

/// Sign, name, both sides' values and the verdict: what tables and sequences have in common.
struct Columns {
    name: usize,
    source: usize,
    destination: usize,
    ellipsis: &'static str,
}

impl Columns {
    const VERDICT: usize = 12;

    /// `behind`: columns needed behind the verdict.
    fn new(all: usize, source: usize, destination: usize, behind: usize, theme: &Theme) -> Self {
        // Sign with air on both sides, two spaces between columns, one at the end.
        let taken = 3 + 2 + source + 2 + destination + 2 + Self::VERDICT + behind + 1;
        Self {
            name: all.saturating_sub(taken),
            source,
            destination,
            ellipsis: theme.glyphs.ellipsis,
        }
    }

    fn cells(&self, name: &str, source: &str, destination: &str, verdict: &str) -> String {
        format!(
            "{}  {}  {}  {}",
            text::fit(name, self.name, self.ellipsis),
            text::fit_right(source, self.source, self.ellipsis),
            text::fit_right(destination, self.destination, self.ellipsis),
            text::fit(verdict, Self::VERDICT, self.ellipsis),
        )
    }

    fn line(
        &self,
        cells: [&str; 3],
        verdict: &Verdict,
        behind: &str,
        theme: &Theme,
    ) -> Line<'static> {
        let (sign, style) = sign(verdict, theme);
        let [name, source, destination] = cells;
        let word = report_text::verdict_word(verdict);
        let cells = self.cells(name, source, destination, word);
        let cells_style = match verdict {
            Verdict::Equal => theme.text(),
            Verdict::Different | Verdict::NotCompared(_) => style,
        };
        Line::from_iter([
            Span::styled(format!(" {sign} "), style),
            Span::styled(cells, cells_style),
            Span::raw(format!("{behind} ")),
        ])
    }
}

fn draw_tables(
    view: &ReportView,
    report: &Report,
    frame: &mut Frame<'_>,
    area: Rect,
    theme: &Theme,
) {
    let all = usize::from(area.width.saturating_sub(2));
    let is_wide = all >= WIDE;
    let width = |heading, rows: fn(&TableResult) -> Option<u64>| {
        let cells = report
            .tables
            .iter()
            .map(|t| report_text::rows(rows(t)).len());
        widest(heading, cells, 20)
    };
    let headings = ["Source rows", "Destination"];
    let source = width(headings[0], |t| t.source_rows);
    let destination = width(headings[1], |t| t.destination_rows);
    let time = |table: &TableResult| match table.copy_ms {
        0 => String::new(),
        ms => format::duration(ms),
    };
    let behind = |table: &TableResult| {
        let time = time(table);
        if is_wide {
            let size = match table.arrival {
                Arrival::Kept => String::new(),
                _ if table.copy_ms == 0 => String::new(),
                _ => format::bytes(table.bytes),
            };
            format!(
                "  {time:>11}  {size:>8}  {:<11}",
                report_text::method(table)
            )
        } else {
            format!("  {time:>11}")
        }
    };
    let (behind_columns, behind_heading) = if is_wide {
        (36, "         Time      Size  Method     ")
    } else {
        (13, "         Time")
    };
    let columns = Columns::new(all, source, destination, behind_columns, theme);
    let heading = format!(
        "   {}{behind_heading}",
        columns.cells("Table", headings[0], headings[1], "Verdict")
    );
    let row = |at: usize| {
        let Some(table) = report.tables.get(at) else {
            return Line::default();
        };
        let cells = [
            table.name.to_string(),
            report_text::rows(table.source_rows),
            report_text::rows(table.destination_rows),
        ];
        let cells = [cells[0].as_str(), cells[1].as_str(), cells[2].as_str()];
        columns.line(cells, &table.verdict, &behind(table), theme)
    };
    let selected = view.selected().and_then(|at| report.tables.get(at));
    let foot = selected.map(table_facts).unwrap_or_default();
    draw_list(view, &heading, row, &foot, frame, area, theme);
}

/// `public.film · COPY text · 416 KiB · not compared: it was not copied`.
fn table_facts(table: &TableResult) -> String {
    let mut facts = vec![table.name.to_string()];
    if table.arrival != Arrival::Kept {
        facts.push(report_text::method(table).to_owned());
    }
    if table.bytes > 0 {
        facts.push(format::bytes_plain(table.bytes));
    }
    facts.extend(match table.arrival {
        Arrival::Carried => None,
        Arrival::Kept => Some("kept: copied before, and proved equal".to_owned()),
        Arrival::Completed => Some("completed: the parts copied before proved equal".to_owned()),
        Arrival::Again => Some("copied again: the source had changed since".to_owned()),
    });
    facts.extend(reason(&table.verdict));
    facts.join(" · ")
}

fn reason(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::NotCompared(why) => Some(format!("not compared: {}", printable(why))),
        Verdict::Equal | Verdict::Different => None,
    }
}

fn draw_sequences(
    view: &ReportView,
    report: &Report,
    frame: &mut Frame<'_>,
    area: Rect,
    theme: &Theme,
) {
    let all = usize::from(area.width.saturating_sub(2));
    let width = |heading, value: fn(&SequenceResult) -> Option<(i64, bool)>| {
        let cells = report
            .sequences
            .iter()
            .map(|s| report_text::counter(value(s)).len());
        widest(heading, cells, 34)
    };
    let headings = ["Source", "Destination"];
    let source = width(headings[0], |s| s.source);
    let destination = width(headings[1], |s| s.destination);
    let columns = Columns::new(all, source, destination, 0, theme);
    let heading = format!(
        "   {}",
        columns.cells("Sequence", headings[0], headings[1], "Verdict")
    );
    let row = |at: usize| {
        let Some(sequence) = report.sequences.get(at) else {
            return Line::default();
        };
        let cells = [
            sequence.name.to_string(),
            report_text::counter(sequence.source),
            report_text::counter(sequence.destination),
        ];
        let cells = [cells[0].as_str(), cells[1].as_str(), cells[2].as_str()];
        columns.line(cells, &sequence.verdict, "", theme)
    };
    let selected = view.selected().and_then(|at| report.sequences.get(at));
    let facts = |sequence: &SequenceResult| {
        let mut facts = vec![sequence.name.to_string()];
        facts.extend(reason(&sequence.verdict));
        facts.push("the last value given out; if not used yet, the next one".to_owned());
        facts.join(" · ")
    };
    let foot = selected.map(facts).unwrap_or_default();
    draw_list(view, &heading, row, &foot, frame, area, theme);
}
