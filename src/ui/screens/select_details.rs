//! Beside the tree on Select: what the table or sequence in focus is made of, and what it hangs together with.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::steps::select::ticks;
use crate::app::steps::select::tree::Row;
use crate::app::{Inspection, State, format};
use crate::model::catalog::{Catalog, Table};
use crate::model::name::{printable, printable_lines};
use crate::model::selection::Carry;
use crate::ui::theme::Theme;
use crate::ui::widgets::{panel, text};

pub(super) fn draw(
    state: &State,
    inspection: &Inspection,
    frame: &mut Frame<'_>,
    area: Rect,
    theme: &Theme,
) {
    let catalog = &inspection.catalog;
    let columns = usize::from(area.width.saturating_sub(4));
    let mut page = Page {
        lines: Vec::new(),
        columns,
        theme,
    };
    let title = match state.select.selected() {
        Some(Row::Table { table, .. }) => catalog.tables.get(table).map(|one| {
            page.table(state, catalog, table, one);
            one.name.to_string()
        }),
        Some(Row::Schema(schema)) => {
            let tables = state.select.tree.of_schema(schema);
            let bytes = tables
                .iter()
                .filter_map(|table| catalog.tables.get(*table))
                .map(|table| table.table_bytes)
                .sum();
            let count = tables.len() as u64;
            page.text(&format::counted(count, "table", "tables"), theme.text());
            page.text(&format::bytes_plain(bytes), theme.text());
            let schema = state.select.tree.schemas.get(schema);
            let provided = catalog.provided.as_ref().zip(schema);
            if let Some((provided, _)) = provided.filter(|(by, one)| by.by.has_schema(&one.name)) {
                page.text(&provided.meaning(), theme.warning());
            }
            schema.map(|one| format!("Schema {}", printable(&one.name)))
        }
        Some(Row::Sequence(sequence)) => catalog.sequences.get(sequence).map(|one| {
            page.text(
                "A sequence is a counter that hands out numbers, mostly for an id column. Its value is copied exactly, so that the next number is the same.",
                theme.text(),
            );
            page.text(&format!("Owner: {}", printable(&one.owner)), theme.text());
            one.name.to_string()
        }),
        None => None,
    };
    let inner = panel::draw(
        frame,
        area,
        title.as_deref().unwrap_or("Details"),
        false,
        theme,
    );
    let (count, height) = (page.lines.len(), usize::from(inner.height));
    let select = &state.select;
    let first = select.details.first(select.selected(), count, height);
    if count > height {
        let last = (first + height).min(count);
        let note = format!(" J K {}-{last}/{count} ", first + 1);
        panel::note(&note, frame, area, theme);
    }
    for (row, line) in inner.rows().zip(page.lines.into_iter().skip(first)) {
        let row = Rect {
            x: (row.x + 1).min(row.right()),
            width: row.width.saturating_sub(2),
            ..row
        };
        frame.render_widget(line, row);
    }
}

/// The columns of the table matter too.
const FALLING_SHOWN: usize = 6;

struct Page<'a> {
    lines: Vec<Line<'static>>,
    columns: usize,
    theme: &'a Theme,
}

impl Page<'_> {
    fn text(&mut self, words: &str, style: Style) {
        let wrapped = text::wrap(words, self.columns);
        self.lines
            .extend(wrapped.into_iter().map(|line| Line::styled(line, style)));
    }

    fn heading(&mut self, words: &str) {
        self.lines
            .push(Line::styled(words.to_owned(), self.theme.strong()));
    }

    fn table(&mut self, state: &State, catalog: &Catalog, position: usize, table: &Table) {
        if let Some(comment) = &table.comment {
            self.text(&printable_lines(comment), self.theme.dim());
        }
        if let Some(provided) = &catalog.provided
            && catalog.is_provided_table(table)
        {
            self.text(&provided.meaning(), self.theme.warning());
        }
        let method = ticks::method(&state.selection, &state.options, table, position);
        if let Some((method, Some(why))) = method {
            self.text(
                &format!("{} instead of FDW: {why}.", method.label()),
                self.theme.warning(),
            );
        }
        if let Some(filter) = state.selection.filter(position) {
            let words = format!("Only rows where {}", printable(filter));
            self.text(&words, self.theme.warning());
        }
        self.references(state, catalog, position);
        self.falling_with(state, table);
        let name_width = table
            .columns
            .iter()
            .map(|one| text::width(&printable(&one.name)));
        let name_width = name_width.max().unwrap_or(0).min(self.columns / 2);
        self.heading("Columns");
        for column in &table.columns {
            let mut words = format!(
                "{} {}",
                text::fit(
                    &printable(&column.name),
                    name_width,
                    self.theme.glyphs.ellipsis
                ),
                printable(&column.type_name)
            );
            if column.is_generated {
                words.push_str(", generated");
            }
            if column.is_identity {
                words.push_str(", identity");
            }
            if column.is_not_null {
                words.push_str(", not null");
            }
            let words = text::truncate(&words, self.columns, self.theme.glyphs.ellipsis);
            self.lines.push(Line::raw(words));
        }
        if !table.indexes.is_empty() {
            let size = format::bytes_plain(table.index_bytes);
            self.heading(&format!("Indexes, {size}"));
        }
        for index in &table.indexes {
            let kind = match (index.is_primary, index.is_unique) {
                (true, _) => ", primary key",
                (false, true) => ", unique",
                (false, false) => "",
            };
            let words = format!("{}{kind}", printable(&index.name));
            let words = text::truncate(&words, self.columns, self.theme.glyphs.ellipsis);
            self.lines.push(Line::raw(words));
        }
    }

    /// What cannot be made without this table.
    fn falling_with(&mut self, state: &State, table: &Table) {
        let Some(inspection) = state.inspection.as_deref() else {
            return;
        };
        let dependants = &state.select.dependants;
        let fallen = dependants.falling_with(&inspection.archive, table.oid);
        if fallen.is_empty() {
            return;
        }
        self.heading("Cannot be created without it");
        let shown = fallen.len().min(FALLING_SHOWN);
        for one in fallen.iter().take(shown) {
            let words = text::truncate(one, self.columns, self.theme.glyphs.ellipsis);
            self.lines.push(Line::raw(words));
        }
        if fallen.len() > shown {
            let more = format::count((fallen.len() - shown) as u64);
            self.text(&format!("and {more} more"), self.theme.dim());
        }
    }

    /// Both ways, with a mark where a foreign key cannot be made because the other table is not ticked.
    fn references(&mut self, state: &State, catalog: &Catalog, table: usize) {
        for (title, is_outward) in [("Refers to", true), ("Is referred to by", false)] {
            let links = &state.select.links;
            let others = if is_outward {
                links.targets(table)
            } else {
                links.referrers(table)
            };
            if others.is_empty() {
                continue;
            }
            self.heading(title);
            for other in others {
                let Some(one) = catalog.tables.get(*other) else {
                    continue;
                };
                let is_left_out = ticks::carry(&state.selection, *other) == Carry::Nothing;
                let (mark, style) = match (is_left_out, is_outward) {
                    (true, true) => (
                        " (not ticked: this foreign key is left out)",
                        self.theme.warning(),
                    ),
                    (true, false) => (" (not ticked)", self.theme.dim()),
                    (false, _) => ("", self.theme.text()),
                };
                self.text(&format!("{}{mark}", one.name), style);
            }
        }
    }
}
