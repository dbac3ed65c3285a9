//! Preview: every step in order, and the very SQL it will send.
//!
//! ```text
//! ╭ 81 steps ──────────────────────────────────────────────────────╮
//! │   What will happen                                             │
//! │ Data · 22                                                      │
//! │   34 Copy the rows of public.film       COPY binary   1.2 MiB  │
//! ╰──────────────────────────────────────────────────────── 34/81 ─╯
//! ╭ Copy the rows of public.film ──────────────────────────────────╮
//! │ -- on the destination                                          │
//! │ BEGIN;                                                         │
//! │ ────────                                                       │
//! │ Why this is done, and why this way.                            │
//! ╰──────────────────────────────────────────────────────── 1/12 ──╯
//! ```
//!
//! With 100 columns or more the two stand side by side. Only rows in sight are drawn.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::{Line, Span};

use crate::app::pointer::Target;
use crate::app::steps::preview::{Focus, OVERVIEW, Preview, Row, SETTINGS, overview};
use crate::app::{Now, State, format};
use crate::model::name::printable;
use crate::model::plan::{Plan, Step};
use crate::ui::theme::Theme;
use crate::ui::widgets::{field, panel, sql, text};

/// Columns of a title below which the rows of a table are listed by the table's name alone.
const TITLE_COLUMNS: usize = 36;

pub fn draw(state: &State, now: Now, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let preview = &state.preview;
    let Some(plan) = &preview.plan else {
        draw_without_plan(preview, now, frame, area, theme);
        return;
    };
    let [list, page] = boxes(preview, area);
    draw_list(state, plan, now, frame, list, theme);
    draw_page(preview, preview.focus == Focus::Page, frame, page, theme);
}

fn boxes(preview: &Preview, area: Rect) -> [Rect; 2] {
    let layout = preview.layout();
    let constraints = [Constraint::Length(layout.list_extent), Constraint::Fill(1)];
    if layout.is_stacked {
        Layout::vertical(constraints).areas(area)
    } else {
        Layout::horizontal(constraints).areas(area)
    }
}

pub fn target(state: &State, at: Position, area: Rect) -> Option<Target> {
    let preview = &state.preview;
    let [list, page] = boxes(preview, area);
    if page.contains(at) || preview.plan.is_none() {
        return Some(Target::Page);
    }
    let inner = panel::inside(list);
    let mut visible = preview
        .cursor
        .visible(preview.rows.len(), preview.list_height());
    let row = visible.nth(usize::from(at.y.saturating_sub(inner.y)));
    let row = row.filter(|_| inner.contains(at));
    Some(row.map_or(Target::List, Target::Row))
}

fn draw_without_plan(
    preview: &Preview,
    now: Now,
    frame: &mut Frame<'_>,
    area: Rect,
    theme: &Theme,
) {
    if preview.problem.is_some() && !preview.is_pending() {
        draw_page(preview, true, frame, area, theme);
        return;
    }
    let inner = panel::draw(frame, area, "Plan", true, theme);
    let mut rows = inner.rows();
    if let Some(line) = waiting(preview, now, theme) {
        rows.next()
            .into_iter()
            .for_each(|row| frame.render_widget(&line, row));
        rows.next();
    }
    let words = if preview.is_pending() {
        "howdah now turns your choices into a list of everything it will do. Nothing is changed by this."
    } else {
        "There is no plan. r makes it; Esc goes back to the choice of tables."
    };
    let columns = usize::from(inner.width.saturating_sub(2));
    for (row, line) in rows.zip(text::wrap(words, columns)) {
        frame.render_widget(Line::raw(format!(" {line}")), row);
    }
}

/// ` ⠋ Making the plan · 3.4 s · Esc cancels`.
fn waiting(preview: &Preview, now: Now, theme: &Theme) -> Option<Line<'static>> {
    let waited = now.since(preview.pending?.since);
    let words = format!(
        " {} Making the plan {dot} {} {dot} Esc cancels",
        theme.glyphs.spinner_at(waited),
        format::duration(waited),
        dot = theme.glyphs.dot,
    );
    Some(Line::styled(words, theme.accent()))
}

fn draw_list(
    state: &State,
    plan: &Plan,
    now: Now,
    frame: &mut Frame<'_>,
    area: Rect,
    theme: &Theme,
) {
    let preview = &state.preview;
    let steps = format::counted(plan.steps.len() as u64, "step", "steps");
    let is_focused = preview.focus == Focus::List;
    let inner = panel::draw(frame, area, &steps, is_focused, theme);
    let below = usize::from(preview.is_pending()) + usize::from(preview.is_searching());
    let height = usize::from(inner.height).saturating_sub(below);
    let visible = preview.cursor.visible(preview.rows.len(), height);
    if let Some(step) = preview.step() {
        let note = format!(" {}/{} ", step.id.0 + 1, plan.steps.len());
        draw_note(&note, frame, area, theme);
    } else {
        panel::place(&visible, preview.rows.len(), frame, area, theme);
    }
    let mut rows = inner.rows();
    let columns = Columns::new(usize::from(inner.width), plan.steps.len());
    let shown = preview.rows.get(visible.clone()).unwrap_or_default();
    for ((position, entry), row) in visible.zip(shown).zip(rows.by_ref()) {
        let mut line = columns.line(*entry, preview, plan, theme);
        if preview.search.position(position).is_some() {
            line = line.patch_style(theme.strong());
        }
        if position == preview.cursor.selected {
            line = line.patch_style(theme.selected());
        }
        frame.render_widget(line, row);
    }
    let bottom = |up: u16| Rect {
        y: inner.bottom().saturating_sub(up),
        height: 1.min(inner.height),
        ..inner
    };
    if let Some(line) = waiting(preview, now, theme) {
        frame.render_widget(line, bottom(1));
    }
    if preview.is_searching() {
        let up = 1 + u16::from(preview.is_pending());
        draw_search(state, frame, bottom(up), theme);
    }
}

/// `/ film   3 of 17`.
fn draw_search(state: &State, frame: &mut Frame<'_>, row: Rect, theme: &Theme) {
    let search = &state.preview.search;
    let room = usize::from(row.width).saturating_sub(22).min(30);
    let (value, column) = field::window(
        search.field.value(),
        search.field.cursor(),
        room,
        theme.glyphs.ellipsis,
    );
    let shown = text::fit(&printable(&value), room, theme.glyphs.ellipsis);
    let hits = format::count(search.hits.len() as u64);
    let count = match search.position(state.preview.cursor.selected) {
        _ if !search.is_active() => String::new(),
        _ if search.hits.is_empty() => "not found".to_owned(),
        Some(position) => format!("{} of {hits}", format::count(position as u64)),
        None => format!("{hits} found"),
    };
    let spans = [
        Span::styled(" / ", theme.key()),
        Span::styled(shown, theme.strong()),
        Span::raw(format!(" {count}")),
    ];
    frame.render_widget(Line::from_iter(spans), row);
    let x = row.x + 3 + u16::try_from(column).unwrap_or(0);
    if search.is_typing && state.overlay.is_none() && x < row.right() && row.height > 0 {
        frame.set_cursor_position(Position::new(x, row.y));
    }
}

fn draw_page(
    preview: &Preview,
    is_focused: bool,
    frame: &mut Frame<'_>,
    area: Rect,
    theme: &Theme,
) {
    let page = &preview.page;
    let inner = panel::draw(frame, area, &page.title, is_focused, theme);
    let inner = Rect {
        x: (inner.x + 1).min(inner.right()),
        width: inner.width.saturating_sub(2),
        ..inner
    };
    let height = page.scroll_height(usize::from(inner.height));
    let first = preview.first_row();
    let shown = page.rows.get(first..).unwrap_or_default();
    for (row, line) in inner.rows().zip(shown).take(height) {
        frame.render_widget(sql::line(line, theme), row);
    }
    if page.rows.len() > height {
        let last = (first + height).min(page.rows.len());
        let note = format!(" {}-{last}/{} ", first + 1, page.rows.len());
        draw_note(&note, frame, area, theme);
    }
    if page.foot.is_empty() {
        return;
    }
    let mut rows = inner.rows().skip(height);
    if let Some(row) = rows.next() {
        let rule = theme.glyphs.border.horizontal_top;
        let rule = rule.repeat(usize::from(row.width));
        frame.render_widget(Line::styled(rule, theme.border()), row);
    }
    for (row, line) in rows.zip(&page.foot) {
        frame.render_widget(sql::line(line, theme), row);
    }
}

/// On the lower edge of a box, at the right.
fn draw_note(note: &str, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let row = Rect {
        y: area.bottom().saturating_sub(1),
        height: area.height.min(1),
        width: area.width.saturating_sub(2),
        ..area
    };
    frame.render_widget(
        Line::styled(note.to_owned(), theme.dim()).right_aligned(),
        row,
    );
}

/// Widths of the list's columns.
struct Columns {
    all: usize,
    number: usize,
    title: usize,
}

impl Columns {
    const BADGE: usize = 11;
    const SIZE: usize = 8;

    fn new(all: usize, steps: usize) -> Self {
        let number = steps.to_string().len();
        // A space in front and between each two, one at the end.
        let taken = number + Self::BADGE + Self::SIZE + 6;
        Self {
            all,
            number,
            title: all.saturating_sub(taken),
        }
    }

    fn line(&self, row: Row, preview: &Preview, plan: &Plan, theme: &Theme) -> Line<'static> {
        match row {
            Row::Overview => self.entry(OVERVIEW, theme),
            Row::Settings => self.entry(SETTINGS, theme),
            Row::Phase(phase, count) => {
                let fold = if preview.is_folded(phase) {
                    theme.glyphs.collapsed
                } else {
                    theme.glyphs.expanded
                };
                let dot = theme.glyphs.dot;
                let words = format!(" {fold} {} {dot} {count}", phase.title());
                let words = text::fit(&words, self.all, theme.glyphs.ellipsis);
                Line::styled(words, theme.title())
            }
            Row::Step(position) => plan
                .steps
                .get(position)
                .map(|step| self.step(step, theme))
                .unwrap_or_default(),
        }
    }

    fn entry(&self, words: &str, theme: &Theme) -> Line<'static> {
        let words = format!(" {words}");
        Line::raw(text::fit(&words, self.all, theme.glyphs.ellipsis))
    }

    fn step(&self, step: &Step, theme: &Theme) -> Line<'static> {
        let number = format!(" {:>1$}  ", step.id.0 + 1, self.number);
        let badge = overview::badge(step);
        let has_size = step.size_hint_bytes > 0;
        let ellipsis = theme.glyphs.ellipsis;
        let size = if has_size {
            format!(" {}", format::bytes(step.size_hint_bytes))
        } else {
            " ".repeat(Self::SIZE + 1)
        };
        // What is not needed for badge and size goes to the title.
        let (room, figures) = match (badge, has_size) {
            (Some(badge), _) => {
                let badge = text::fit(badge, Self::BADGE, ellipsis);
                (self.title, format!(" {badge}{size}"))
            }
            (None, true) => (self.title + Self::BADGE + 1, size),
            (None, false) => (self.title + Self::BADGE + Self::SIZE + 2, String::new()),
        };
        let words = match &step.object {
            Some(object) if badge.is_some() && room < TITLE_COLUMNS => object.to_string(),
            _ => printable(&step.title).into_owned(),
        };
        let title = text::fit(&words, room, ellipsis);
        Line::from_iter([
            Span::styled(number, theme.dim()),
            Span::raw(title),
            Span::styled(figures, theme.accent()),
            Span::raw(" "),
        ])
    }
}
