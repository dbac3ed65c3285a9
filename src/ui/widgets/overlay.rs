//! The boxes that lie over a step.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Clear;

use super::{field, footer, panel, text};
use crate::app::form::Field;
use crate::app::help::{Help, KEY_COLUMNS};
use crate::app::key::Key;
use crate::app::list::ListCursor;
use crate::app::options_form::{OptionsForm, ROWS, Row};
use crate::app::overlay::{AddressForm, Confirm, Overlay, RowFilterForm, TextList};
use crate::app::path_form::{PathForm, Purpose};
use crate::app::pick::PickList;
use crate::app::pointer::Target;
use crate::app::{Now, State, format};
use crate::ui::theme::Theme;

/// Columns inside of a box, if the screen has them.
pub(super) const COLUMNS: u16 = 66;
/// Lines for what is said of an option.
const ABOUT_OPTION: usize = 3;
/// Of an option's name.
const LABEL_COLUMNS: usize = 22;

pub fn draw(
    state: &State,
    overlay: &Overlay,
    now: Now,
    frame: &mut Frame<'_>,
    area: Rect,
    theme: &Theme,
) {
    match overlay {
        Overlay::Help(keys) => help(state, keys, frame, area, theme),
        Overlay::Confirm(question) => confirm(question, frame, area, theme),
        Overlay::Options(form) => options(form, frame, area, theme),
        Overlay::SourceAddress(form) => address(form, frame, area, theme),
        Overlay::RowFilter(form) => row_filter(form, frame, area, theme),
        Overlay::List(list) => text_list(list, frame, area, theme),
        Overlay::Pick(list) => pick(list, frame, area, theme),
        Overlay::Path(form) => path(form, frame, area, theme),
        Overlay::Sample(sample) => super::sample::draw(sample, now, frame, area, theme),
        Overlay::Rehearsal(one) => {
            crate::ui::screens::rehearsal::draw(one, now, frame, area, theme);
        }
        Overlay::Peek(peek) => super::peek::draw(peek, now, frame, area, theme),
    }
}

fn place(area: Rect, lines: usize) -> Rect {
    let width = (COLUMNS + 4).min(area.width);
    let height = u16::try_from(lines + 2)
        .unwrap_or(u16::MAX)
        .min(area.height);
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}

/// What of an overlay can be clicked: the buttons of a question, which stand at its end.
pub fn target(overlay: &Overlay, at: Position, area: Rect, theme: &Theme) -> Option<Target> {
    let Overlay::Confirm(question) = overlay else {
        return None;
    };
    let columns = columns(area);
    let lines = confirm_lines(question, columns, theme).len();
    let inner = aired(panel::inside(place(area, lines)));
    if !inner.contains(at) {
        return None;
    }
    let labels = buttons(question, columns, theme);
    let from_end = usize::from(inner.bottom() - at.y);
    if labels.len() == question.buttons.len() && labels.len() > 1 {
        return (labels.len().checked_sub(from_end)).map(Target::Button);
    }
    if from_end > 1 {
        return None;
    }
    let column = usize::from(at.x - inner.x);
    let mut left = 0;
    let spans = labels.first()?.spans.iter().step_by(2);
    let mut spans = spans.map(Span::width);
    let at = spans.position(|width| {
        let is_here = (left..left + width).contains(&column);
        left += width + 2;
        is_here
    });
    at.map(Target::Button)
}

/// A box in the middle, as high as its lines; returns what is inside of it.
pub(super) fn popup(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    lines: usize,
    theme: &Theme,
) -> Rect {
    let place = place(area, lines);
    frame.render_widget(Clear, place);
    aired(panel::draw(frame, place, title, true, theme))
}

/// Without the column of air on both sides.
fn aired(inner: Rect) -> Rect {
    Rect {
        x: (inner.x + 1).min(inner.right()),
        width: inner.width.saturating_sub(2),
        ..inner
    }
}

fn columns(area: Rect) -> usize {
    usize::from(area.width.saturating_sub(4).min(COLUMNS))
}

fn put(frame: &mut Frame<'_>, area: Rect, lines: impl IntoIterator<Item = Line<'static>>) {
    for (row, line) in area.rows().zip(lines) {
        frame.render_widget(line, row);
    }
}

fn help(state: &State, help: &Help, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let line = |(keys, words): (&[Key], String)| {
        let keys: Vec<_> = keys.iter().map(|key| footer::key_name(*key)).collect();
        let keys = theme.glyphs.words(&keys.join("  ")).into_owned();
        let columns = usize::from(KEY_COLUMNS) - 1;
        Line::from(vec![
            Span::styled(
                text::fit(&keys, columns, theme.glyphs.ellipsis),
                theme.key(),
            ),
            Span::raw(format!(" {}", theme.glyphs.words(&words))),
        ])
    };
    let lines: Vec<_> = help.lines().into_iter().map(line).collect();
    let first = help.first_row(lines.len());
    let title = format!("Keys on {}", state.step.title());
    scrolled(&title, lines, first, frame, area, theme);
}

fn confirm_lines(question: &Confirm, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (position, paragraph) in question.lines.iter().enumerate() {
        if position > 0 {
            lines.push(Line::default());
        }
        for line in text::wrap(&theme.glyphs.words(paragraph), columns) {
            lines.push(Line::raw(line));
        }
    }
    if let Some(typed) = &question.typed {
        lines.push(Line::from(vec![
            Span::styled("> ", theme.key()),
            Span::raw(crate::model::name::printable(typed.field.value()).into_owned()),
            Span::styled(" ", theme.selected()),
        ]));
    }
    lines.push(Line::default());
    lines.extend(buttons(question, columns, theme));
    lines
}

fn confirm(question: &Confirm, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let lines = confirm_lines(question, columns(area), theme);
    let title = if question.is_dangerous {
        format!("{} {}", theme.glyphs.warning, question.title)
    } else {
        question.title.clone()
    };
    let inner = popup(frame, area, &title, lines.len(), theme);
    let height = usize::from(inner.height);
    if lines.len() <= height {
        put(frame, inner, lines);
        return;
    }
    // When the box is too low for all, its answers stay in sight and the question is scrolled.
    let answers = buttons(question, columns(area), theme).len() + 1;
    let answers = answers + usize::from(question.typed.is_some());
    let mut shown = lines;
    let answers = shown.split_off(shown.len().saturating_sub(answers));
    let all = shown.len();
    let room = height.saturating_sub(answers.len() + 1);
    let first = question.scroll.min(all.saturating_sub(room));
    let note = format!(
        "PgUp PgDn {}-{} of {all}",
        first + 1,
        (first + room).min(all)
    );
    let shown = shown.into_iter().skip(first).take(room);
    let shown = shown
        .chain([Line::styled(note, theme.dim())])
        .chain(answers);
    put(frame, inner, shown.collect::<Vec<_>>());
}

/// Beside each other if they fit, else below each other.
fn buttons(question: &Confirm, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let spans: Vec<_> = question
        .buttons
        .iter()
        .enumerate()
        .map(|(position, (label, _))| {
            let style = match (position == question.chosen, question.is_enabled(position)) {
                (true, true) => theme.selected().patch(theme.strong()),
                (true, false) => theme.selected().patch(theme.dim()),
                (false, true) => theme.text(),
                (false, false) => theme.dim(),
            };
            let mark = if position == question.chosen {
                '>'
            } else {
                ' '
            };
            Span::styled(format!("{mark}[ {label} ]"), style)
        })
        .collect();
    let total: usize = spans.iter().map(|span| span.width() + 2).sum();
    if total <= columns {
        let spread = spans.into_iter().flat_map(|span| [span, Span::raw("  ")]);
        return vec![Line::from(spread.collect::<Vec<_>>())];
    }
    spans.into_iter().map(Line::from).collect()
}

fn options(form: &OptionsForm, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let columns = columns(area);
    let mut lines: Vec<_> = ROWS
        .into_iter()
        .map(|row| {
            let is_focused = row == form.focused();
            let mark = if is_focused { ">" } else { " " };
            let style = if is_focused {
                theme.selected()
            } else {
                theme.text()
            };
            let mut spans = vec![Span::raw(format!(
                "{mark} {}",
                text::fit(row.label(), LABEL_COLUMNS, theme.glyphs.ellipsis)
            ))];
            if row == Row::RoleMap {
                spans.extend(typed_value(&form.role_map, is_focused, columns, theme));
            } else {
                let value = format!("< {} >", row.value(&form.options));
                spans.push(Span::styled(value, style));
            }
            Line::from(spans)
        })
        .collect();
    // In a low box the rows around the one in focus, and all that is said of it.
    let room = usize::from(area.height).saturating_sub(2 + ABOUT_OPTION + 3);
    let mut cursor = ListCursor::default();
    cursor.select(form.focus, lines.len(), room);
    let shown = cursor.visible(lines.len(), room);
    let rest = lines.len() - shown.len();
    lines.truncate(shown.end);
    lines.drain(..shown.start);
    lines.push(if rest > 0 {
        let words = format!("{}-{} of {}", shown.start + 1, shown.end, ROWS.len());
        Line::styled(words, theme.dim())
    } else {
        Line::default()
    });
    let complaint = form.complaint();
    let about = complaint.as_deref().map_or_else(
        || form.focused().meaning(&form.options).into(),
        crate::model::name::printable,
    );
    let style = match complaint {
        Some(_) => theme.bad(),
        None => theme.text(),
    };
    let mut about = text::wrap(&theme.glyphs.words(&about), columns);
    // As many lines for every option, so that the box does not jump.
    about.resize(ABOUT_OPTION, String::new());
    lines.extend(about.into_iter().map(|line| Line::styled(line, style)));
    lines.push(Line::default());
    let keys = if form.focused() == Row::RoleMap {
        "↑ ↓ choose · type to change · Enter accepts · Esc discards"
    } else {
        "↑ ↓ choose · ← → change · Enter accepts · Esc discards"
    };
    let keys = theme.glyphs.words(keys).into_owned();
    lines.push(Line::styled(keys, theme.dim()));
    let inner = popup(frame, area, "Options", lines.len(), theme);
    put(frame, inner, lines);
}

/// A text in its place, with the cursor if it is being edited.
fn typed_value(
    field: &Field,
    is_focused: bool,
    columns: usize,
    theme: &Theme,
) -> Vec<Span<'static>> {
    if !is_focused && field.is_empty() {
        return vec![Span::styled("none", theme.dim())];
    }
    let room = columns.saturating_sub(LABEL_COLUMNS + 2);
    let value = crate::model::name::printable(field.value());
    // The end of a text that is not being edited matters less than its beginning.
    let cursor = if is_focused { field.cursor() } else { 0 };
    let (shown, column) = field::window(&value, cursor, room, theme.glyphs.ellipsis);
    if !is_focused {
        return vec![Span::raw(shown)];
    }
    let (mut before, mut at, mut after) = (String::new(), String::new(), String::new());
    for c in shown.chars() {
        if text::width(&before) < column {
            before.push(c);
        } else if at.is_empty() {
            at.push(c);
        } else {
            after.push(c);
        }
    }
    if at.is_empty() {
        at.push(' ');
    }
    vec![
        Span::raw(before),
        Span::styled(at, theme.selected()),
        Span::raw(after),
    ]
}

fn address(form: &AddressForm, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let columns = columns(area);
    let intro = "With the method FDW the destination server itself connects to the source. If it reaches the source at another address than you do (another network, a container), enter that address here.";
    let mut lines: Vec<_> = text::wrap(intro, columns)
        .into_iter()
        .map(Line::raw)
        .collect();
    lines.push(Line::default());
    let fallback_port = form.fallback.1.to_string();
    let fields = [
        (
            "Host",
            &form.host,
            form.fallback.0.as_str(),
            !form.is_port_focused,
        ),
        (
            "Port",
            &form.port,
            fallback_port.as_str(),
            form.is_port_focused,
        ),
    ];
    for (label, field, fallback, is_focused) in fields {
        let value = crate::model::name::printable(field.value()).into_owned();
        let mut spans = vec![
            Span::raw(if is_focused { "> " } else { "  " }),
            Span::raw(text::fit(label, 6, theme.glyphs.ellipsis)),
            Span::styled(value, theme.strong()),
        ];
        let cursor = if is_focused {
            theme.selected()
        } else {
            theme.text()
        };
        spans.push(Span::styled(" ", cursor));
        if field.is_empty() {
            let note = format!(
                " as you reach it: {}",
                crate::model::name::printable(fallback)
            );
            spans.push(Span::styled(note, theme.dim()));
        }
        lines.push(Line::from(spans));
    }
    let complaint = form.complaint().unwrap_or_default();
    lines.push(Line::styled(complaint, theme.bad()));
    let keys = theme
        .glyphs
        .words("Tab changes field · Enter accepts and checks · Esc discards")
        .into_owned();
    lines.push(Line::styled(keys, theme.dim()));
    let title = "The source as the destination server sees it";
    let inner = popup(frame, area, title, lines.len(), theme);
    put(frame, inner, lines);
}

fn row_filter(form: &RowFilterForm, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let intro = format!(
        "Only the rows of {} that satisfy this condition are copied. Write it as after WHERE in SQL, for example: created_at >= '2024-01-01'. The source server checks it before anything is done.",
        form.name
    );
    let title = "Only some rows of a table";
    let keys = "Enter accepts · empty: all rows · Esc discards";
    one_field(title, &intro, &form.condition, keys, frame, area, theme);
}

fn path(form: &PathForm, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let (title, intro, keys) = match form.purpose {
        Purpose::Save => (
            "Save the selection",
            "A text file with a line for each table and sequence, which you can edit. It holds neither addresses nor passwords.",
            "Enter saves · Esc discards",
        ),
        Purpose::Load => (
            "Load a selection",
            "What the file names and the source still has is set as the file says. What does not fit is listed, and u undoes all of it.",
            "Enter loads · Esc discards",
        ),
    };
    one_field(title, intro, &form.path, keys, frame, area, theme);
}

fn one_field(
    title: &str,
    intro: &str,
    field: &Field,
    keys: &str,
    frame: &mut Frame<'_>,
    area: Rect,
    theme: &Theme,
) {
    let columns = columns(area);
    let mut lines: Vec<_> = text::wrap(intro, columns)
        .into_iter()
        .map(Line::raw)
        .collect();
    lines.push(Line::default());
    let (value, column) = field::window(
        field.value(),
        field.cursor(),
        columns.saturating_sub(3),
        theme.glyphs.ellipsis,
    );
    let at_line = lines.len();
    lines.push(Line::from(vec![
        Span::styled("> ", theme.key()),
        Span::styled(
            crate::model::name::printable(&value).into_owned(),
            theme.strong(),
        ),
    ]));
    lines.push(Line::default());
    let keys = theme.glyphs.words(keys).into_owned();
    lines.push(Line::styled(keys, theme.dim()));
    let inner = popup(frame, area, title, lines.len(), theme);
    put(frame, inner, lines);
    let x = inner.x + u16::try_from(column + 2).unwrap_or(0);
    let y = inner.y + u16::try_from(at_line).unwrap_or(0);
    if x < inner.right() && y < inner.bottom() {
        frame.set_cursor_position(Position::new(x, y));
    }
}

fn pick(list: &PickList, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let columns = columns(area);
    let printed = |text: &str| crate::model::name::printable(text).into_owned();
    let widest = list
        .rows
        .iter()
        .map(|row| text::width(&printed(&row.label)));
    let label = widest.max().unwrap_or(0).min(columns.saturating_sub(18));
    let height = usize::from(area.height).saturating_sub(4);
    let mut cursor = ListCursor::default();
    cursor.select(list.chosen, list.rows.len(), height);
    let shown = cursor.visible(list.rows.len(), height);
    let mut lines: Vec<_> = shown
        .filter_map(|position| Some((position, list.rows.get(position)?)))
        .map(|(position, row)| {
            let words = format!(
                "{}  {}",
                text::fit(&printed(&row.label), label, theme.glyphs.ellipsis),
                theme.glyphs.words(&printed(&row.note))
            );
            let words = text::fit(&words, columns.saturating_sub(2), theme.glyphs.ellipsis);
            let (mark, style) = if position == list.chosen {
                ("> ", theme.selected())
            } else {
                ("  ", theme.text())
            };
            Line::styled(format!("{mark}{words}"), style)
        })
        .collect();
    lines.push(Line::default());
    let mut keys = "↑ ↓ choose · Enter accepts · Esc closes".to_owned();
    if lines.len() <= list.rows.len() {
        keys = format!("{} of {} · {keys}", list.chosen + 1, list.rows.len());
    }
    let keys = theme.glyphs.words(&keys).into_owned();
    lines.push(Line::styled(keys, theme.dim()));
    let inner = popup(frame, area, &list.title, lines.len(), theme);
    put(frame, inner, lines);
}

/// Only what is in sight is broken into lines: there may be a hundred thousand.
fn text_list(list: &TextList, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let columns = columns(area);
    let broken = |line: &String| -> Vec<Line<'static>> {
        let parts = text::wrap(line, columns.saturating_sub(2));
        let indents = std::iter::once("").chain(std::iter::repeat("  "));
        parts
            .into_iter()
            .zip(indents)
            .map(|(part, indent)| Line::raw(format!("{indent}{part}")))
            .collect()
    };
    let count = list.lines.len();
    let height = usize::from(area.height).saturating_sub(4);
    // As many of the last lines as fill the box stay in sight at its end.
    let mut tail = 0;
    let fits = list.lines.iter().rev().take_while(|line| {
        tail += broken(line).len();
        tail <= height
    });
    let first = list.scroll.min(count - fits.count());
    let shown: Vec<_> = list.lines[first..]
        .iter()
        .take(height)
        .flat_map(broken)
        .take(height)
        .collect();
    let note = if first > 0 || tail > height {
        let place = format!("from {} of {}", first + 1, format::count(count as u64));
        format!("{place} · ↑ ↓ scroll · any other key closes")
    } else {
        "Any key closes".to_owned()
    };
    let inner = popup(frame, area, &list.title, shown.len() + 2, theme);
    let note = theme.glyphs.words(&note).into_owned();
    let foot = [Line::default(), Line::styled(note, theme.dim())];
    put(frame, inner, shown.into_iter().chain(foot));
}

/// Lines in a box, as many as fit, with a word below on where one is.
fn scrolled(
    title: &str,
    lines: Vec<Line<'static>>,
    scroll: usize,
    frame: &mut Frame<'_>,
    area: Rect,
    theme: &Theme,
) {
    let inner = popup(frame, area, title, lines.len() + 2, theme);
    let height = usize::from(inner.height).saturating_sub(2);
    let first = scroll.min(lines.len().saturating_sub(height));
    let last = (first + height).min(lines.len());
    let note = if height < lines.len() {
        format!(
            "lines {}-{} of {} · ↑ ↓ scroll · any other key closes",
            first + 1,
            last,
            lines.len()
        )
    } else {
        "Any key closes".to_owned()
    };
    let mut shown: Vec<_> = lines.into_iter().skip(first).take(height).collect();
    shown.push(Line::default());
    shown.push(Line::styled(
        theme.glyphs.words(&note).into_owned(),
        theme.dim(),
    ));
    put(frame, inner, shown);
}
