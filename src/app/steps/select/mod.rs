//! Which tables and sequences are carried, and how.

pub mod details;
mod edit;
mod files;
pub mod filter;
pub mod links;
pub mod peek;
pub mod ticks;
pub mod tree;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::app::key::KeyCode;
use crate::app::list::ListCursor;
use crate::app::options_form::OptionsForm;
use crate::app::overlay::{RowFilterForm, TextList};
use crate::app::path_form::Purpose;
use crate::app::{Action, Ctx, Effect, Flow, Inspection, Key, Overlay};
use crate::model::catalog::{Catalog, TableKind};
use crate::model::name::ObjectName;
use crate::model::options::{Method, Options};
use crate::model::selection::{Carry, Selection};
use crate::planner::consequences::{self, Dependants, Fallen};
use details::Details;
pub(in crate::app) use edit::for_all;
use filter::Filter;
use links::Links;
use peek::PeekBox;
use tree::{Row, Tree};

/// More changes than anybody takes back; bounds the memory of 20,000 tables' selections to some megabytes.
const UNDO_LIMIT: usize = 100;

/// Columns from which the details stand beside the list unless the user says otherwise.
pub const WIDE: u16 = 100;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    #[default]
    Tables,
    Sequences,
}

#[derive(Debug, Default)]
pub struct Select {
    pub tab: Tab,
    pub tree: Tree,
    /// What the list shows, top to bottom.
    pub rows: Vec<Row>,
    pub cursor: ListCursor,
    pub filter: Filter,
    pub details: Details,
    undo: Vec<(Selection, Method)>,
    redo: Vec<(Selection, Method)>,
    /// Where selections are kept, and the file named last.
    file_dir: Option<PathBuf>,
    file: Option<String>,
    /// The file that is being read.
    awaited: Option<u64>,
    /// Where a range of rows begins; it ends at the cursor.
    pub(super) anchor: Option<usize>,
    pub links: Links,
    /// What falls away under the present selection.
    pub fallen: Vec<Fallen>,
    /// Who hangs on whom on the source.
    pub dependants: Dependants,
}

impl Select {
    /// `file_dir`: where selections are kept.
    pub fn new(file_dir: Option<PathBuf>) -> Self {
        Self {
            file_dir,
            ..Self::default()
        }
    }

    pub fn is_typing(&self) -> bool {
        self.filter.is_typing
    }

    pub fn has_details(&self, width: u16) -> bool {
        self.details.wish.unwrap_or(width >= WIDE)
    }

    pub fn selected(&self) -> Option<Row> {
        self.rows.get(self.cursor.selected).copied()
    }

    /// A new reading of the source. Choices made before are kept by name; what is new is chosen as the options say.
    pub fn take_over(
        &mut self,
        old: Option<&Inspection>,
        new: &Inspection,
        selection: &Selection,
        options: &Options,
    ) -> Selection {
        let mut fresh = Selection::of(&new.catalog, options);
        let is_same = old.is_some_and(|old| has_same_names(&old.catalog, &new.catalog));
        if let Some(old) = old {
            carry_over(&old.catalog, selection, &new.catalog, &mut fresh);
        }
        if !is_same {
            self.undo.clear();
            self.redo.clear();
            self.awaited = None;
            self.tree = Tree::new(&new.catalog);
            self.links = Links::of(&new.catalog);
            self.cursor = ListCursor::default();
        }
        self.dependants = Dependants::of(&new.archive);
        self.fallen = consequences::of(new, &self.dependants, &fresh, options);
        self.refresh(usize::MAX);
        fresh
    }

    /// Selects a row, as a click does; a range begun by key ends there.
    pub fn focus_row(&mut self, at: usize, size: (u16, u16)) {
        self.cursor.select(at, self.rows.len(), list_rows(size));
    }

    pub fn show_tab(&mut self, at: usize, size: (u16, u16)) {
        let tab = if at == 0 { Tab::Tables } else { Tab::Sequences };
        if self.tab != tab {
            self.tab = tab;
            self.cursor = ListCursor::default();
            self.refresh(list_rows(size));
        }
    }

    /// What the form for a row filter was closed with.
    pub fn set_filter(
        &mut self,
        selection: &mut Selection,
        options: &Options,
        tables: &[usize],
        condition: Option<&str>,
    ) {
        let before = (selection.clone(), options.method);
        for table in tables {
            if let Some(one) = selection.filters.get_mut(*table) {
                *one = condition.map(ToOwned::to_owned);
            }
        }
        if before.0 != *selection {
            self.remember(before);
        }
    }

    fn remember(&mut self, before: (Selection, Method)) {
        self.redo.clear();
        self.undo.push(before);
        if self.undo.len() > UNDO_LIMIT {
            self.undo.remove(0);
        }
    }

    /// Makes the rows anew and keeps the cursor on the row it was on, if that is still shown.
    fn refresh(&mut self, height: usize) {
        let selected = self.selected();
        self.anchor = None;
        self.rows = match self.tab {
            Tab::Tables => self.tree.rows(&self.filter),
            Tab::Sequences => {
                let shown = self.tree.matching_sequences(&self.filter);
                shown.into_iter().map(Row::Sequence).collect()
            }
        };
        let kept = selected.and_then(|row| self.rows.iter().position(|one| *one == row));
        let position = kept.unwrap_or(self.cursor.selected);
        self.cursor.select(position, self.rows.len(), height);
    }

    /// Something was chosen that quitting would lose.
    pub fn has_changes(&self) -> bool {
        !self.undo.is_empty()
    }

    /// What a key does now, where that is not what it mostly does.
    pub fn label(&self, action: Action) -> Option<&'static str> {
        match action {
            Action::Next if self.filter.is_typing => Some("Accept"),
            Action::Back if self.anchor.is_some() => Some("End range"),
            Action::Back if self.filter.is_typing || self.filter.is_active() => {
                Some("Clear filter")
            }
            _ => None,
        }
    }

    /// Why a key does nothing now, as a sentence.
    pub fn why_not(&self, action: Action) -> Option<String> {
        let is_sequences = self.tab == Tab::Sequences;
        match action {
            Action::Undo if self.undo.is_empty() => Some("There is nothing to undo.".to_owned()),
            Action::Redo if self.redo.is_empty() => Some("There is nothing to redo.".to_owned()),
            Action::CollapseAll | Action::ExpandAll if is_sequences => {
                Some("Sequences are a plain list.".to_owned())
            }
            Action::Consequences if self.fallen.is_empty() => Some(
                "Nothing else is left out: all that needs the ticked tables can be created."
                    .to_owned(),
            ),
            Action::Peek if is_sequences => {
                Some("A sequence has no rows; its value is in the list.".to_owned())
            }
            Action::RowFilter if is_sequences => {
                Some("A sequence has no rows; conditions are for tables.".to_owned())
            }
            Action::StructureOnly if is_sequences => {
                Some("A sequence has no rows to leave out; Space ticks it.".to_owned())
            }
            Action::Method | Action::MethodForAll if is_sequences => Some(
                "A sequence's value is simply read and set; methods are for tables.".to_owned(),
            ),
            _ => None,
        }
    }

    /// Keys for the filter.
    pub fn text(&mut self, key: Key, ctx: &mut Ctx<'_>) {
        if !self.filter.is_typing {
            return;
        }
        if key.code == KeyCode::Backspace && self.filter.field.is_empty() {
            self.filter.is_typing = false;
        } else if self.filter.field.key(key) {
            self.refresh(list_height(ctx));
        }
    }

    pub fn paste(&mut self, text: &str, ctx: &mut Ctx<'_>) {
        if self.filter.is_typing && self.filter.field.paste(text) {
            self.refresh(list_height(ctx));
        }
    }

    pub fn action(&mut self, action: Action, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        let height = list_height(ctx);
        let moved = match action {
            Action::RangeUp => Action::Up,
            Action::RangeDown => Action::Down,
            action => action,
        };
        if moved != action {
            self.anchor.get_or_insert(self.cursor.selected);
        }
        let action = moved;
        if self.cursor.act(action, self.rows.len(), height) {
            return Vec::new();
        }
        match action {
            Action::Range => {
                self.anchor = match self.anchor {
                    Some(_) => None,
                    None => Some(self.cursor.selected),
                };
            }
            Action::Back if self.anchor.is_some() => self.anchor = None,
            Action::Peek => return self.ask_rows(ctx),
            Action::Next if self.filter.is_typing => self.filter.is_typing = false,
            Action::Next => next(ctx),
            Action::Back if self.filter.is_typing || self.filter.is_active() => {
                self.filter.clear();
                self.refresh(height);
            }
            Action::Back => ctx.flow = Some(Flow::Back),
            Action::Filter => self.filter.is_typing = true,
            Action::SwitchTab => {
                self.show_tab(usize::from(self.tab == Tab::Tables), ctx.size);
            }
            Action::Details => self.details.wish = Some(!self.has_details(ctx.size.0)),
            Action::DetailsUp | Action::DetailsDown => self.scroll_details(action, ctx),
            Action::Options => *ctx.overlay = Some(Overlay::Options(OptionsForm::new(ctx.options))),
            Action::Left | Action::Right => self.fold(action == Action::Right, height),
            Action::CollapseAll | Action::ExpandAll => {
                self.tree.fold_all(action == Action::ExpandAll);
                self.refresh(height);
            }
            Action::Undo | Action::Redo => self.travel(action, ctx),
            Action::Save => self.ask_path(Purpose::Save, ctx),
            Action::Load => self.ask_path(Purpose::Load, ctx),
            Action::RowFilter => self.ask_filter(ctx),
            Action::Consequences => self.show_fallen(ctx),
            _ => self.change(action, ctx),
        }
        Vec::new()
    }

    /// Back to what was chosen before, or forward again.
    fn travel(&mut self, action: Action, ctx: &mut Ctx<'_>) {
        let (from, to) = match action {
            Action::Undo => (&mut self.undo, &mut self.redo),
            _ => (&mut self.redo, &mut self.undo),
        };
        if let Some((selection, method)) = from.pop() {
            to.push((
                std::mem::replace(ctx.selection, selection),
                std::mem::replace(&mut ctx.options.method, method),
            ));
        }
        self.judge(ctx);
    }

    fn fold(&mut self, unfold: bool, height: usize) {
        let Some(row) = self.selected() else {
            return;
        };
        if self.tree.fold(row, unfold) {
            self.refresh(height);
        } else if let (false, Row::Table { depth, .. }) = (unfold, row) {
            let is_parent = |row: &Row| match row {
                Row::Schema(_) => true,
                Row::Table { depth: other, .. } => *other < depth,
                Row::Sequence(_) => false,
            };
            let above = self.rows.get(..self.cursor.selected).unwrap_or_default();
            let parent = above.iter().rposition(is_parent).unwrap_or(0);
            self.cursor.select(parent, self.rows.len(), height);
        }
    }

    /// Everything that edits the selection; remembered for undo if it changed anything.
    fn change(&mut self, action: Action, ctx: &mut Ctx<'_>) {
        let Some(inspection) = ctx.inspection else {
            return;
        };
        let before = (ctx.selection.clone(), ctx.options.method);
        match self.tab {
            Tab::Tables => self.change_tables(action, &inspection.catalog, ctx),
            Tab::Sequences => self.change_sequences(action, ctx.selection),
        }
        self.anchor = None;
        if before.1 == ctx.options.method && before.0 == *ctx.selection {
            return;
        }
        // Methods and conditions take nothing along.
        let is_same_choice = before.0.tables == ctx.selection.tables
            && before.0.sequences == ctx.selection.sequences;
        self.remember(before);
        if !is_same_choice {
            self.judge(ctx);
        }
    }

    /// What falls away now.
    fn judge(&mut self, ctx: &Ctx<'_>) {
        if let Some(inspection) = ctx.inspection {
            self.judge_all(inspection, ctx.selection, ctx.options);
        }
    }

    fn judge_all(&mut self, inspection: &Inspection, selection: &Selection, options: &Options) {
        self.fallen = consequences::of(inspection, &self.dependants, selection, options);
    }

    /// Asks for the condition of the table in focus; all of a partitioned table's partitions take it.
    fn ask_filter(&self, ctx: &mut Ctx<'_>) {
        let Some((inspection, Some(Row::Table { table, .. }))) =
            ctx.inspection.zip(Some(self.selected()))
        else {
            ctx.warn("A condition is for the rows of one table: put the cursor on a table.");
            return;
        };
        let tables = self.tree.subtree(table);
        let present = tables.iter().find_map(|table| ctx.selection.filter(*table));
        let name = inspection
            .catalog
            .tables
            .get(table)
            .map(|one| one.name.to_string());
        let form = RowFilterForm::new(name.unwrap_or_default(), tables.clone(), present);
        *ctx.overlay = Some(Overlay::RowFilter(form));
    }

    fn scroll_details(&mut self, action: Action, ctx: &mut Ctx<'_>) {
        match ctx.inspection {
            Some(inspection) if self.has_details(ctx.size.0) => {
                let (row, height) = (self.selected(), list_height(ctx));
                self.details
                    .scroll(action, row, &inspection.catalog, height);
            }
            _ => ctx.warn("The details are hidden: d shows them."),
        }
    }

    /// Asks for the first rows of the table in focus.
    fn ask_rows(&self, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        let (Some(inspection), Some(Row::Table { table, .. })) = (ctx.inspection, self.selected())
        else {
            ctx.warn("Only a table has rows to look at: put the cursor on a table.");
            return Vec::new();
        };
        let Some(one) = inspection.catalog.tables.get(table) else {
            return Vec::new();
        };
        if one.kind == TableKind::Foreign {
            ctx.warn("This is a foreign table: its rows are on another server and are not copied.");
            return Vec::new();
        }
        let name = one.name.to_string();
        let inspection = Arc::clone(inspection);
        let pending = ctx.pending();
        *ctx.overlay = Some(Overlay::Peek(PeekBox::new(name, pending)));
        vec![Effect::Peek {
            attempt: pending.attempt,
            inspection,
            table,
            filter: ctx.selection.filter(table).map(ToOwned::to_owned),
        }]
    }

    fn show_fallen(&self, ctx: &mut Ctx<'_>) {
        let Some(inspection) = ctx.inspection else {
            return;
        };
        let fallen = self.fallen.iter();
        let lines = fallen.map(|one| one.tell(&inspection.archive));
        *ctx.overlay = Some(Overlay::List(TextList {
            title: "Left out too, because it needs something not ticked".to_owned(),
            lines: lines
                .map(|one| format!("{}: {}", one.object, one.because))
                .collect(),
            scroll: 0,
        }));
    }
}

fn next(ctx: &mut Ctx<'_>) {
    let selection = &ctx.selection;
    let has_table = selection.tables.iter().any(|one| *one != Carry::Nothing);
    let has_sequence = selection.sequences.iter().any(|one| *one);
    let is_empty = ctx
        .inspection
        .is_none_or(|one| one.catalog.tables.is_empty() && one.catalog.sequences.is_empty());
    if has_table || has_sequence || is_empty {
        ctx.flow = Some(Flow::Next);
    } else {
        ctx.warn("Nothing is ticked: tick at least one table or sequence, or press a for all.");
    }
}

/// Body less box, tabs and heading.
fn list_height(ctx: &Ctx<'_>) -> usize {
    list_rows(ctx.size)
}

fn list_rows(size: (u16, u16)) -> usize {
    usize::from(size.1).saturating_sub(7)
}

fn has_same_names(old: &Catalog, new: &Catalog) -> bool {
    let tables = |one: &Catalog| -> Vec<(ObjectName, Option<usize>)> {
        let all = one.tables.iter();
        all.map(|t| (t.name.clone(), t.partition_of)).collect()
    };
    let sequences = |one: &Catalog| -> Vec<ObjectName> {
        one.sequences.iter().map(|s| s.name.clone()).collect()
    };
    tables(old) == tables(new) && sequences(old) == sequences(new)
}

fn carry_over(old: &Catalog, chosen: &Selection, new: &Catalog, fresh: &mut Selection) {
    let tables: HashMap<&ObjectName, usize> = old
        .tables
        .iter()
        .enumerate()
        .map(|(at, t)| (&t.name, at))
        .collect();
    for (position, table) in new.tables.iter().enumerate() {
        if let Some(at) = tables.get(&table.name) {
            fresh.tables[position] = ticks::carry(chosen, *at);
            fresh.filters[position] = chosen.filter(*at).map(ToOwned::to_owned);
            fresh.methods[position] = chosen.methods.get(*at).copied().flatten();
        }
    }
    let sequences: HashMap<&ObjectName, usize> = old
        .sequences
        .iter()
        .enumerate()
        .map(|(at, s)| (&s.name, at))
        .collect();
    for (position, sequence) in new.sequences.iter().enumerate() {
        if let Some(is_chosen) = sequences
            .get(&sequence.name)
            .and_then(|at| chosen.sequences.get(*at))
        {
            fresh.sequences[position] = *is_chosen;
        }
    }
}
