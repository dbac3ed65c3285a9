//! Select: which tables and sequences are carried.
//!
//! ```text
//! ╭ 22 of 24 tables · 1.2 GiB · ~1.0 M rows ─────────────────────╮╭ public.film ───────────────╮
//! │ Tables  22/24 │ Sequences  13/13        / film  2 of 24      ││ id        integer          │
//! │     Name                  Rows       Size  Method  Notes     ││ title     text             │
//! │ [-] ▾ public                                                 ││ Indexes                    │
//! │ [x]     film              ~1.0 k   1.2 MiB  COPY             ││ References                 │
//! │ [s]   ▸ payment                -         -  -      5 parts   ││                            │
//! ╰──────────────────────────────────────────────────────────────╯╰────────────────────────────╯
//! ```
//!
//! The details stand beside the list from 100 columns on, else below it (`d`). Only rows in sight are drawn.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::select_details;
use crate::app::pointer::Target;
use crate::app::steps::select::links::Because;
use crate::app::steps::select::tree::Row;
use crate::app::steps::select::{Tab, WIDE, ticks};
use crate::app::{Inspection, Now, State, format};
use crate::model::catalog::{Catalog, Table, TableKind};
use crate::model::name::printable;
use crate::ui::theme::Theme;
use crate::ui::widgets::{field, panel, text};

pub fn draw(state: &State, _now: Now, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let Some(inspection) = state.inspection.as_deref() else {
        let inner = panel::draw(frame, area, "Tables", true, theme);
        frame.render_widget(Line::raw(" The databases have not been read yet."), inner);
        return;
    };
    let [list, details] = boxes(state, area);
    if !details.is_empty() {
        select_details::draw(state, inspection, frame, details, theme);
    }
    let inner = panel::draw(frame, list, &title(state, inspection, theme), true, theme);
    let [tabs, heading, rows] = parts(inner);
    draw_tabs(state, inspection, frame, tabs, theme);
    let columns = Columns::new(usize::from(inner.width));
    match state.select.tab {
        Tab::Tables => {
            let names = ["Name", "Rows", "Size", "Method", "Notes"];
            frame.render_widget(
                Line::styled(columns.line("   ", &names, theme), theme.dim()),
                heading,
            );
        }
        Tab::Sequences => {
            let words = columns.sequence("   ", "Name", "Last value", "Belongs to", theme);
            frame.render_widget(Line::styled(words, theme.dim()), heading);
        }
    }
    draw_rows(state, inspection, frame, rows, &columns, theme);
    let (cursor, len) = (&state.select.cursor, state.select.rows.len());
    let visible = cursor.visible(len, usize::from(rows.height));
    panel::place(&visible, len, frame, list, theme);
}

/// The list and the details, which may be nowhere.
fn boxes(state: &State, area: Rect) -> [Rect; 2] {
    if !state.select.has_details(area.width) {
        return [area, Rect::default()];
    }
    if area.width >= WIDE {
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(40)]).areas(area)
    } else {
        Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(area)
    }
}

/// Tabs, heading, rows.
fn parts(inner: Rect) -> [Rect; 3] {
    Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Fill(1),
    ])
    .areas(inner)
}

pub fn target(state: &State, at: Position, area: Rect) -> Option<Target> {
    let inspection = state.inspection.as_deref()?;
    let [list, details] = boxes(state, area);
    if details.contains(at) {
        return Some(Target::Page);
    }
    let inner = panel::inside(list);
    let [tabs, _, rows] = parts(inner);
    if tabs.contains(at) {
        let column = usize::from(at.x - tabs.x);
        let mut left = 1;
        let names = tab_names(state, inspection);
        return names
            .iter()
            .position(|name| {
                let is_here = (left..left + name.len()).contains(&column);
                left += name.len() + 1;
                is_here
            })
            .map(Target::Tab);
    }
    if !rows.contains(at) {
        return Some(Target::List);
    }
    let select = &state.select;
    let mut visible = select
        .cursor
        .visible(select.rows.len(), usize::from(rows.height));
    let row = visible.nth(usize::from(at.y - rows.y));
    Some(match row {
        // A column is free in front of the box.
        Some(row) if (1..4).contains(&(at.x - rows.x)) => Target::Tick(row),
        Some(row) => Target::Row(row),
        None => Target::List,
    })
}

/// What the two tabs say.
fn tab_names(state: &State, inspection: &Inspection) -> [String; 2] {
    let filter = &state.select.filter;
    if filter.is_active() || filter.is_typing {
        // What the filter hides is counted in their place.
        return [" Tables ", " Sequences "].map(str::to_owned);
    }
    let totals = ticks::totals(&state.selection, &inspection.catalog);
    [
        format!(" Tables {}/{} ", totals.tables, totals.all_tables),
        format!(" Sequences {}/{} ", totals.sequences, totals.all_sequences),
    ]
}

/// `22 of 24 tables · 1.2 GiB · ~1.0 M rows`.
fn title(state: &State, inspection: &Inspection, theme: &Theme) -> String {
    let totals = ticks::totals(&state.selection, &inspection.catalog);
    if state.select.tab == Tab::Sequences {
        return format!(
            "{} of {} sequences",
            format::count(totals.sequences),
            format::count(totals.all_sequences)
        );
    }
    let mut parts = vec![
        format!(
            "{} of {} tables",
            format::count(totals.tables),
            format::count(totals.all_tables)
        ),
        format::bytes_plain(totals.bytes),
        match (totals.rows, totals.has_unknown_rows) {
            (0, true) => "number of rows unknown".to_owned(),
            (rows, _) if totals.is_filtered => {
                format!("~{} rows, fewer by conditions", format::count_short(rows))
            }
            (rows, true) => format!("~{} rows or more", format::count_short(rows)),
            (0, false) => "no rows".to_owned(),
            (rows, false) => format!("~{} rows", format::count_short(rows)),
        },
    ];
    let large = inspection.catalog.large_objects.count;
    if large > 0 {
        parts.push(format::counted(large, "large object", "large objects"));
    }
    parts.join(&format!(" {} ", theme.glyphs.dot))
}

fn draw_tabs(
    state: &State,
    inspection: &Inspection,
    frame: &mut Frame<'_>,
    area: Rect,
    theme: &Theme,
) {
    let [tables, sequences] = tab_names(state, inspection);
    let tab = |tab: Tab, words: String| {
        let style = if state.select.tab == tab {
            theme.selected().patch(theme.strong())
        } else {
            theme.text()
        };
        Span::styled(words, style)
    };
    let mut spans = vec![
        Span::raw(" "),
        tab(Tab::Tables, tables),
        Span::raw(" "),
        tab(Tab::Sequences, sequences),
        Span::raw("  "),
    ];
    let filter = &state.select.filter;
    if filter.is_active() || filter.is_typing {
        let used: usize = spans.iter().map(Span::width).sum();
        spans.push(Span::styled("/ ", theme.key()));
        let hits = hits(state, inspection);
        let room = usize::from(area.width).saturating_sub(used + 4 + text::width(&hits));
        let room = room.clamp(6, 30);
        let (value, column) = field::window(
            filter.field.value(),
            filter.field.cursor(),
            room,
            theme.glyphs.ellipsis,
        );
        let shown = text::fit(&printable(&value), room, theme.glyphs.ellipsis);
        spans.push(Span::styled(shown, theme.strong()));
        spans.push(Span::raw(format!(" {hits}")));
        let x = area.x + u16::try_from(used + 2 + column).unwrap_or(0);
        if filter.is_typing && state.overlay.is_none() && x < area.right() && area.height > 0 {
            frame.set_cursor_position(Position::new(x, area.y));
        }
    }
    if let Some(range) = state.select.range() {
        let rows = format::counted(range.count() as u64, "row", "rows");
        let words = format!("{rows} in range: Space ticks, Esc ends it");
        spans.push(Span::styled(words, theme.key()));
        frame.render_widget(Line::from(spans), area);
        return;
    }
    let fallen = state.select.fallen.len() as u64;
    if fallen > 0 && !(filter.is_active() || filter.is_typing) {
        let used: usize = spans.iter().map(Span::width).sum();
        let room = usize::from(area.width).saturating_sub(used);
        let objects = format::counted(fallen, "object is", "objects are");
        let words = format!("{objects} left out too: c lists them");
        // Beside the counts of thousands of tables and sequences that is too long for a narrow screen.
        let words = if text::width(&words) <= room {
            words
        } else {
            format!("c lists {} left out too", format::count(fallen))
        };
        spans.push(Span::styled(
            text::fit(&words, room, theme.glyphs.ellipsis),
            theme.warning(),
        ));
    }
    frame.render_widget(Line::from(spans), area);
}

/// `12 of 340, 3 ticked not shown`.
fn hits(state: &State, inspection: &Inspection) -> String {
    let select = &state.select;
    let (hits, all, ticked_hits, ticked) = match select.tab {
        Tab::Tables => {
            let hits = select.tree.matching_tables(&select.filter);
            let is_ticked = |table: &usize| {
                ticks::carry(&state.selection, *table) != crate::model::selection::Carry::Nothing
            };
            let all = inspection.catalog.tables.len();
            let ticked_hits = hits.iter().filter(|table| is_ticked(table)).count();
            (
                hits.len(),
                all,
                ticked_hits,
                (0..all).filter(is_ticked).count(),
            )
        }
        Tab::Sequences => {
            let hits = select.tree.matching_sequences(&select.filter);
            let is_ticked = |one: &usize| {
                state
                    .selection
                    .sequences
                    .get(*one)
                    .copied()
                    .unwrap_or_default()
            };
            let all = inspection.catalog.sequences.len();
            let ticked_hits = hits.iter().filter(|one| is_ticked(one)).count();
            (
                hits.len(),
                all,
                ticked_hits,
                (0..all).filter(is_ticked).count(),
            )
        }
    };
    let hidden = ticked - ticked_hits;
    let mut words = format!(
        "{} of {}",
        format::count(hits as u64),
        format::count(all as u64)
    );
    if hidden > 0 {
        words.push_str(&format!(
            ", {} ticked not shown",
            format::count(hidden as u64)
        ));
    }
    words
}

fn draw_rows(
    state: &State,
    inspection: &Inspection,
    frame: &mut Frame<'_>,
    area: Rect,
    columns: &Columns,
    theme: &Theme,
) {
    let select = &state.select;
    if select.rows.is_empty() {
        let words = match (select.filter.is_active(), select.tab) {
            (true, _) => " No name contains this. Esc clears the filter.",
            (false, Tab::Tables) => {
                " The source holds no tables. Everything else it holds is still copied."
            }
            (false, Tab::Sequences) => " The source holds no sequences.",
        };
        for (row, line) in area.rows().zip(text::wrap(words, usize::from(area.width))) {
            frame.render_widget(Line::raw(line), row);
        }
        return;
    }
    let visible = select
        .cursor
        .visible(select.rows.len(), usize::from(area.height));
    let range = select.range();
    for (position, place) in visible.zip(area.rows()) {
        let Some(row) = select.rows.get(position) else {
            break;
        };
        let (mut words, style) = row_words(state, inspection, *row, columns, theme);
        // The first column is left free for this.
        if range
            .as_ref()
            .is_some_and(|range| range.contains(&position))
        {
            words.replace_range(..1, ">");
        }
        let style = if position == select.cursor.selected {
            theme.selected()
        } else {
            style
        };
        frame.render_widget(Line::styled(words, style), place);
    }
}

fn row_words(
    state: &State,
    inspection: &Inspection,
    row: Row,
    columns: &Columns,
    theme: &Theme,
) -> (String, Style) {
    let catalog = &inspection.catalog;
    let tree = &state.select.tree;
    let fold = if tree.is_unfolded(row) || state.select.filter.is_active() {
        theme.glyphs.expanded
    } else {
        theme.glyphs.collapsed
    };
    let styled =
        |words: String, is_on: bool| (words, if is_on { theme.text() } else { theme.dim() });
    match row {
        Row::Schema(schema) => {
            let tick = ticks::tick_of(&state.selection, &tree.of_schema(schema));
            let name = tree.schemas.get(schema).map_or("", |one| &one.name);
            let provided = catalog.provided.as_ref();
            let note = provided
                .filter(|one| one.by.has_schema(name))
                .map_or_else(String::new, |one| one.by.mark());
            let name = format!("{fold} {}", printable(name));
            let words = columns.line(tick.sign(), &[&name, "", "", "", &note], theme);
            (words, theme.strong())
        }
        Row::Table { table, depth } => {
            let Some(one) = catalog.tables.get(table) else {
                return (String::new(), theme.text());
            };
            let tick = ticks::tick_of(&state.selection, &tree.subtree(table));
            let partitions = tree.partitions(table).len();
            let fold = if partitions > 0 { fold } else { " " };
            let name = format!("{}{fold} {}", "  ".repeat(depth), printable(&one.name.name));
            let method = ticks::method(&state.selection, &state.options, one, table);
            // What is folded away is counted where it lies, so that what is in sight adds up.
            let is_whole = partitions > 0 && !tree.is_unfolded(row);
            let (rows, size, label) = if is_whole {
                folded(state, catalog, &tree.subtree(table))
            } else {
                let label = method.map_or("-", |(method, _)| method.label());
                (rows(one), size(one), label)
            };
            let cells = [
                name.as_str(),
                &rows,
                &size,
                label,
                &notes(
                    one,
                    partitions,
                    method.and_then(|(_, why)| why),
                    method.is_some() && state.selection.filter(table).is_some(),
                    because(
                        &state.select.links.because(&state.selection, table),
                        catalog,
                    ),
                    catalog
                        .provided
                        .as_ref()
                        .filter(|_| catalog.is_provided_table(one))
                        .map(|provided| provided.by.mark()),
                ),
            ];
            styled(
                columns.line(tick.sign(), &cells, theme),
                tick != ticks::Tick::Off,
            )
        }
        Row::Sequence(sequence) => {
            let Some(one) = catalog.sequences.get(sequence) else {
                return (String::new(), theme.text());
            };
            let is_on = state
                .selection
                .sequences
                .get(sequence)
                .copied()
                .unwrap_or_default();
            let last = one
                .last_value
                .map_or_else(|| "-".to_owned(), |value| value.to_string());
            let owner = one.owned_by.as_ref().and_then(|owner| {
                let table = catalog.tables.get(owner.table)?;
                Some(format!("{}.{}", table.name, printable(&owner.column)))
            });
            let tick = if is_on { "[x]" } else { "[ ]" };
            let name = one.name.to_string();
            let owner = owner.unwrap_or_default();
            styled(columns.sequence(tick, &name, &last, &owner, theme), is_on)
        }
    }
}

/// Rows, size and method of the tables of a tree together.
fn folded(state: &State, catalog: &Catalog, tables: &[usize]) -> (String, String, &'static str) {
    let (mut count, mut bytes, mut is_unknown) = (0_u64, 0_u64, false);
    let mut label = "-";
    for at in tables {
        let Some(table) = catalog.tables.get(*at).filter(|one| one.holds_rows()) else {
            continue;
        };
        count = count.saturating_add(table.estimated_rows.unwrap_or(0));
        is_unknown |= table.estimated_rows.is_none();
        bytes = bytes.saturating_add(table.table_bytes);
        if let Some((method, _)) = ticks::method(&state.selection, &state.options, table, *at) {
            label = match label {
                "-" => method.label(),
                one if one == method.label() => one,
                _ => "both",
            };
        }
    }
    let rows = match (count, is_unknown) {
        (0, true) => "unknown".to_owned(),
        (count, true) => format!("~{}+", format::count_short(count)),
        (count, false) => format!("~{}", format::count_short(count)),
    };
    (rows, format::bytes(bytes), label)
}

fn rows(table: &Table) -> String {
    match (table.holds_rows(), table.estimated_rows) {
        (false, _) => "-".to_owned(),
        (true, Some(count)) => format!("~{}", format::count_short(count)),
        (true, None) => "unknown".to_owned(),
    }
}

fn size(table: &Table) -> String {
    if table.holds_rows() {
        format::bytes(table.table_bytes)
    } else {
        "-".to_owned()
    }
}

/// Foreign keys that cannot be made as long as one end is not ticked.
fn because(because: &Because, catalog: &Catalog) -> Option<String> {
    let name = |table: &usize| {
        let one = catalog.tables.get(*table);
        one.map_or(String::new(), |one| printable(&one.name.name).into_owned())
    };
    match because {
        Because::Misses(others) => match others.as_slice() {
            [] => None,
            [one] => Some(format!("needs {}", name(one))),
            many => Some(format!("needs {} unticked", many.len())),
        },
        Because::NeededBy(others) => match others.as_slice() {
            [] => None,
            [one] => Some(format!("needed by {}", name(one))),
            many => Some(format!("needed by {} tables", many.len())),
        },
    }
}

/// What is special about a table, the gravest first.
fn notes(
    table: &Table,
    partitions: usize,
    why: Option<&str>,
    is_filtered: bool,
    because: Option<String>,
    provided: Option<String>,
) -> String {
    let mut notes = Vec::new();
    if !table.can_select {
        notes.push("no right to read".to_owned());
    }
    if table.rows_hidden_by_policy {
        notes.push("a policy hides rows".to_owned());
    }
    notes.extend(provided);
    notes.extend(because);
    if table.kind == TableKind::Foreign {
        notes.push("foreign: definition only".to_owned());
    }
    if table.kind == TableKind::Partitioned {
        notes.push(format::counted(
            partitions as u64,
            "partition",
            "partitions",
        ));
    }
    notes.extend(is_filtered.then(|| "some rows".to_owned()));
    // The details tell the reason.
    notes.extend(why.map(|_| "not by FDW".to_owned()));
    if !table.inherits.is_empty() && table.partition_of.is_none() {
        notes.push("inherits".to_owned());
    }
    if table.is_unlogged {
        notes.push("unlogged".to_owned());
    }
    if let Some(config) = &table.extension_config {
        notes.push(format!("extension {}", printable(&config.extension)));
    }
    if table.holds_rows() && !table.indexes.iter().any(|index| index.is_primary) {
        notes.push("no primary key".to_owned());
    }
    notes.join(", ")
}

/// Widths of the cells; the name gets what the rest leaves.
struct Columns {
    name: usize,
    notes: usize,
    total: usize,
}

impl Columns {
    fn new(total: usize) -> Self {
        // Box and blanks, then rows 8, size 8, method 6 with two blanks in front of each.
        let free = total.saturating_sub(6 + 10 + 10 + 8 + 2);
        let notes = (free * 2 / 5).min(36);
        Self {
            name: free - notes,
            notes,
            total,
        }
    }

    fn line(&self, tick: &str, cells: &[&str; 5], theme: &Theme) -> String {
        let more = theme.glyphs.ellipsis;
        let [name, rows, size, method, notes] = cells;
        text::truncate(
            &format!(
                " {tick} {}  {}  {}  {}  {}",
                text::fit(name, self.name, more),
                text::fit_right(rows, 8, more),
                text::fit_right(size, 8, more),
                text::fit(method, 6, more),
                text::fit(notes, self.notes, more)
            ),
            self.total,
            more,
        )
    }

    fn sequence(&self, tick: &str, name: &str, last: &str, owner: &str, theme: &Theme) -> String {
        let more = theme.glyphs.ellipsis;
        let free = self.total.saturating_sub(5 + 2 + 20 + 2);
        text::truncate(
            &format!(
                " {tick} {}  {}  {}",
                text::fit(name, free / 2, more),
                text::fit_right(last, 20, more),
                text::fit(owner, free - free / 2, more)
            ),
            self.total,
            more,
        )
    }
}
