//! The plan, step by step, before anything is run.
//!
//! The list's rows are made once per plan, the page when another row is selected: drawing only cuts out what is in sight.

pub mod layout;
pub mod overview;
pub mod page;
pub mod search;

use std::collections::HashSet;
use std::sync::Arc;

use crate::app::key::KeyCode;
use crate::app::list::{ListCursor, moved};
use crate::app::overlay::Overlay;
use crate::app::questions::ask_how_to_write;
use crate::app::rehearsing::ask_to_rehearse;
use crate::app::steps::select::for_all;
use crate::app::{Action, Ctx, Effect, Flow, Key, Pending};
use crate::model::options::Method;
use crate::model::plan::{Phase, Plan, Step, Text};
use crate::model::problem::Problem;
use layout::Layout;
use page::Page;
use search::{Needle, Search};

/// Titles of the two entries in front of the steps.
pub const OVERVIEW: &str = "What will happen";
pub const SETTINGS: &str = "Session settings";

/// A line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    Overview,
    Settings,
    /// A heading with the number of steps below it; selected only while they are folded away.
    Phase(Phase, usize),
    /// Position in the plan.
    Step(usize),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    #[default]
    List,
    Page,
}

#[derive(Debug, Default)]
pub struct Preview {
    pub plan: Option<Arc<Plan>>,
    /// Why no plan could be made.
    pub problem: Option<Box<Problem>>,
    pub pending: Option<Pending>,
    pub rows: Vec<Row>,
    pub cursor: ListCursor,
    pub focus: Focus,
    pub page: Page,
    /// First row of the page in sight.
    pub scroll: usize,
    pub search: Search,
    folded: HashSet<Phase>,
    size: (u16, u16),
    /// The step to come back to when a new plan arrives.
    kept: Option<Text>,
}

impl Preview {
    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// A plan was asked for.
    pub fn ask(&mut self, pending: Pending, size: (u16, u16)) {
        self.size = size;
        self.pending = Some(pending);
        self.kept = self.step().map(|step| step.journal_key.clone());
        self.refresh_page();
    }

    /// [`Msg::Planned`](crate::app::Msg) of the question now pending.
    pub fn planned(&mut self, outcome: Result<Arc<Plan>, Box<Problem>>) {
        self.pending = None;
        match outcome {
            Ok(plan) => (self.plan, self.problem) = (Some(plan), None),
            Err(problem) => (self.plan, self.problem) = (None, Some(problem)),
        }
        self.take_plan();
    }

    /// The same for another size of the terminal.
    pub fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
        self.refresh_page();
    }

    pub fn layout(&self) -> Layout {
        Layout::new(self.size, !self.rows.is_empty())
    }

    /// Rows of the list in sight; lines for what is waited for and searched stand below it.
    pub fn list_height(&self) -> usize {
        let below = usize::from(self.is_pending()) + usize::from(self.is_searching());
        self.layout().list_rows.saturating_sub(below)
    }

    pub fn is_searching(&self) -> bool {
        self.search.is_typing || self.search.is_active()
    }

    /// The first row of the page to draw.
    pub fn first_row(&self) -> usize {
        self.scroll.min(self.last_scroll())
    }

    fn last_scroll(&self) -> usize {
        let height = self.page.scroll_height(self.layout().page_rows);
        self.page.rows.len().saturating_sub(height)
    }

    pub fn selected(&self) -> Option<Row> {
        self.rows.get(self.cursor.selected).copied()
    }

    /// The selected step.
    pub fn step(&self) -> Option<&Step> {
        match self.selected()? {
            Row::Step(position) => self.plan.as_ref()?.steps.get(position),
            _ => None,
        }
    }

    pub fn is_folded(&self, phase: Phase) -> bool {
        self.folded.contains(&phase)
    }

    fn is_passed(&self, row: Row) -> bool {
        matches!(row, Row::Phase(phase, _) if !self.is_folded(phase))
    }

    fn take_plan(&mut self) {
        self.list_rows_anew();
        let kept = self.kept.take();
        let steps = self.plan.as_deref().map_or(&[][..], |plan| &plan.steps);
        let position = kept.and_then(|key| {
            self.rows.iter().position(
                |row| matches!(row, Row::Step(at) if steps.get(*at).is_some_and(|s| s.journal_key == key)),
            )
        });
        if position.is_none() {
            self.cursor = ListCursor::default();
            self.focus = Focus::List;
        }
        let height = self.list_height();
        let position = position.unwrap_or(0);
        self.cursor.select(position, self.rows.len(), height);
        self.search.forget();
        self.find();
        self.scroll = 0;
        self.refresh_page();
    }

    fn list_rows_anew(&mut self) {
        let plan = self.plan.as_deref();
        self.rows = plan.map_or_else(Vec::new, |plan| rows_of(plan, &self.folded));
    }

    /// The phase of the row in focus.
    fn phase(&self) -> Option<Phase> {
        match self.selected()? {
            Row::Phase(phase, _) => Some(phase),
            Row::Step(_) => self.step().map(|step| step.phase),
            Row::Overview | Row::Settings => None,
        }
    }

    /// Folds these away, or unfolds them; the row in focus stays, or its heading stands for it.
    fn fold(&mut self, phases: &[Phase], unfold: bool) {
        let (selected, phase) = (self.selected(), self.phase());
        for phase in phases {
            if unfold {
                self.folded.remove(phase);
            } else {
                self.folded.insert(*phase);
            }
        }
        self.list_rows_anew();
        let is_same = |row: &Row| Some(*row) == selected;
        let is_heading = |row: &Row| matches!(row, Row::Phase(one, _) if Some(*one) == phase);
        let row = self.rows.iter().position(is_same);
        let row = row.or_else(|| self.rows.iter().position(is_heading));
        self.search.forget();
        self.find();
        self.select(row.unwrap_or(0), false);
        self.refresh_page();
    }

    fn refresh_page(&mut self) {
        let columns = self.layout().page_columns;
        self.page = match (&self.plan, &self.problem) {
            (Some(plan), _) => match self.selected() {
                Some(Row::Settings) => page::of_settings(plan, columns),
                Some(Row::Step(position)) => {
                    let facts = |step| overview::facts(step, plan.steps.len());
                    let step = plan.steps.get(position);
                    step.map(|step| page::of_step(step, &facts(step), columns))
                        .unwrap_or_default()
                }
                Some(Row::Phase(phase, _)) => overview::of_phase(plan, phase, columns),
                _ => overview::page(plan, columns),
            },
            (None, Some(problem)) => page::of_problem(problem, columns),
            (None, None) => Page::default(),
        };
        self.scroll = self.scroll.min(self.last_scroll());
    }

    /// Selects a row of the list; from a heading on to the next step in the direction of the way.
    fn select(&mut self, row: usize, is_upwards: bool) {
        let mut row = row.min(self.rows.len().saturating_sub(1));
        while self.rows.get(row).is_some_and(|row| self.is_passed(*row)) {
            row = if is_upwards {
                row.saturating_sub(1)
            } else {
                row + 1
            };
        }
        let is_moved = row != self.cursor.selected;
        let height = self.list_height();
        self.cursor.select(row, self.rows.len(), height);
        if is_moved {
            self.scroll = 0;
            self.refresh_page();
        }
    }

    /// Selects a row, as a click does.
    pub fn focus_row(&mut self, row: usize) {
        self.focus = Focus::List;
        self.select(row, false);
    }

    pub fn focus_page(&mut self, is_page: bool) {
        if !self.rows.is_empty() {
            self.focus = if is_page { Focus::Page } else { Focus::List };
        }
    }

    fn move_in_list(&mut self, action: Action) -> bool {
        let before = self.cursor.selected;
        let mut cursor = self.cursor;
        if !cursor.act(action, self.rows.len(), self.list_height()) {
            return false;
        }
        self.select(cursor.selected, cursor.selected < before);
        true
    }

    fn move_in_page(&mut self, action: Action) -> bool {
        let last = self.last_scroll();
        let height = self.page.scroll_height(self.layout().page_rows);
        let target = moved(self.scroll, action, height);
        self.scroll = target.unwrap_or(self.scroll).min(last);
        target.is_some()
    }

    /// Characters go to a text field instead of the keymap.
    pub fn is_typing(&self) -> bool {
        self.search.is_typing
    }

    /// Text for the search.
    pub fn text(&mut self, key: Key, _ctx: &mut Ctx<'_>) {
        if !self.search.is_typing {
            return;
        }
        if key.code == KeyCode::Backspace && self.search.field.is_empty() {
            self.search.clear();
        } else if self.search.field.key(key) {
            self.jump();
        }
    }

    pub fn paste(&mut self, text: &str, _ctx: &mut Ctx<'_>) {
        if self.search.is_typing && self.search.field.paste(text) {
            self.jump();
        }
    }

    fn find(&mut self) {
        let Some(plan) = self.plan.clone() else {
            self.search.hits.clear();
            return;
        };
        let rows = &self.rows;
        self.search.update(rows.len(), |row, needle| {
            rows.get(row).is_some_and(|row| has(&plan, *row, needle))
        });
    }

    /// To the first hit from where the search began; back there if there is none.
    fn jump(&mut self) {
        self.find();
        let origin = self.search.origin;
        let target = self.search.from(origin).or(Some(origin));
        self.go_to_hit(target);
    }

    fn go_to_hit(&mut self, target: Option<usize>) {
        let Some(row) = target else {
            return;
        };
        self.select(row, false);
        let needle = Needle::new(self.search.field.value());
        let line = self.page.rows.iter().position(|row| {
            let text: String = row.iter().map(|(_, text)| text.as_str()).collect();
            needle.is_in(&text)
        });
        self.scroll = line.unwrap_or(0).min(self.last_scroll());
    }

    /// What was planned no longer holds.
    pub fn forget(&mut self) {
        (self.plan, self.problem, self.pending) = (None, None, None);
        self.take_plan();
    }

    /// What a key does now, where that is not what it mostly does.
    pub fn label(&self, action: Action) -> Option<&'static str> {
        match action {
            Action::Next if self.search.is_typing => Some("Accept"),
            Action::Back if self.is_searching() => Some("Clear search"),
            Action::Back if self.is_pending() => Some("Cancel"),
            Action::RunAgain if self.plan.is_none() => Some("Plan again"),
            Action::NextHit if self.search.is_active() => Some("Next hit"),
            _ => None,
        }
    }

    /// Why a key does nothing now, as a sentence.
    pub fn why_not(&self, action: Action) -> Option<String> {
        let words = match action {
            Action::Next if self.search.is_typing => return None,
            Action::Next | Action::Rehearse if self.is_pending() => "The plan is still being made.",
            Action::Next
            | Action::Rehearse
            | Action::Copy
            | Action::Write
            | Action::Filter
            | Action::SwitchTab
            | Action::Method
            | Action::MethodForAll
            | Action::CollapseAll
            | Action::ExpandAll
                if self.plan.is_none() =>
            {
                "There is no plan yet."
            }
            Action::Method if self.step().and_then(Step::method).is_none() => {
                "Choose a step that copies the rows of a table; M switches all tables."
            }
            Action::Left | Action::Right if self.phase().is_none() => {
                "This entry belongs to no phase; - folds all of them."
            }
            Action::NextHit | Action::PreviousHit if !self.search.is_active() => {
                "There is no search yet; press / to start one."
            }
            Action::NextHit | Action::PreviousHit if self.search.hits.is_empty() => {
                "No title and no SQL contains that."
            }
            _ => return None,
        };
        Some(words.to_owned())
    }

    pub fn action(&mut self, action: Action, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        self.size = ctx.size;
        let is_moved = match self.focus {
            Focus::List if !self.rows.is_empty() => self.move_in_list(action),
            _ => self.move_in_page(action),
        };
        if is_moved {
            return Vec::new();
        }
        match action {
            Action::Next if self.search.is_typing => self.search.is_typing = false,
            Action::Next => ctx.flow = Some(Flow::Next),
            Action::Back => return self.back(ctx),
            Action::RunAgain => ctx.flow = Some(Flow::Replan),
            Action::SwitchTab => {
                self.search.is_typing = false;
                self.focus = match self.focus {
                    Focus::List => Focus::Page,
                    Focus::Page => Focus::List,
                };
            }
            Action::Left | Action::Right => {
                let phase = self.phase();
                self.fold(phase.as_slice(), action == Action::Right);
            }
            Action::CollapseAll | Action::ExpandAll => {
                self.fold(&Phase::ALL, action == Action::ExpandAll);
            }
            Action::Filter => {
                // What is folded away could not be found.
                self.fold(&Phase::ALL, true);
                self.search.clear();
                self.search.is_typing = true;
                self.search.origin = self.cursor.selected;
            }
            Action::NextHit => self.go_to_hit(self.search.from(self.cursor.selected + 1)),
            Action::PreviousHit => self.go_to_hit(self.search.before(self.cursor.selected)),
            Action::Method => self.switch_method(ctx),
            Action::MethodForAll => {
                ctx.options.method = ctx.options.method.other();
                ctx.selection.methods.fill(None);
                ctx.info(for_all(ctx.options.method));
                ctx.flow = Some(Flow::Replan);
            }
            Action::Copy => return self.copy(),
            Action::Rehearse => *ctx.overlay = Some(Overlay::Confirm(ask_to_rehearse())),
            Action::Write if self.plan.is_some() => {
                *ctx.overlay = Some(Overlay::Confirm(ask_how_to_write()));
            }
            _ => {}
        }
        Vec::new()
    }

    fn back(&mut self, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        if self.is_searching() {
            self.search.clear();
            return Vec::new();
        }
        let Some(pending) = self.pending.take() else {
            ctx.flow = Some(Flow::Back);
            return Vec::new();
        };
        // What stands here may not be what is chosen now: it must not be run.
        (self.plan, self.problem) = (None, None);
        self.take_plan();
        ctx.info("There is no plan; r makes it.");
        vec![Effect::Cancel {
            attempt: pending.attempt,
        }]
    }

    /// The other method for the table of the selected step.
    fn switch_method(&self, ctx: &mut Ctx<'_>) {
        let (Some(step), Some(inspection)) = (self.step(), ctx.inspection) else {
            return;
        };
        let tables = &inspection.catalog.tables;
        let Some(table) = step
            .object
            .as_ref()
            .and_then(|name| tables.iter().position(|table| table.name == *name))
        else {
            return;
        };
        let Some(chosen) = ctx.selection.methods.get_mut(table) else {
            return;
        };
        let default = ctx.options.method;
        let wanted = chosen.unwrap_or(default);
        if wanted == Method::Fdw && step.method() == Some(Method::Copy) && !self.is_pending() {
            ctx.warn("FDW would copy this table wrongly: it stays with COPY, see why below.");
            return;
        }
        let wanted = wanted.other();
        *chosen = Some(wanted).filter(|method| *method != default);
        ctx.flow = Some(Flow::Replan);
    }

    fn copy(&self) -> Vec<Effect> {
        let (Some(plan), Some(row)) = (&self.plan, self.selected()) else {
            return Vec::new();
        };
        let (what, text) = match row {
            Row::Settings => ("the session settings", page::script_of_settings(plan)),
            Row::Step(_) => (
                "the step's SQL",
                self.step().map(page::script_of).unwrap_or_default(),
            ),
            Row::Overview | Row::Phase(..) => {
                let lines = self.page.rows.iter().map(|row| {
                    let mut line: String = row.iter().map(|(_, text)| text.as_str()).collect();
                    line.push('\n');
                    line
                });
                ("the overview", lines.collect())
            }
        };
        let what = what.to_owned();
        vec![Effect::CopyText { what, text }]
    }
}

fn rows_of(plan: &Plan, folded: &HashSet<Phase>) -> Vec<Row> {
    let mut rows = vec![Row::Overview, Row::Settings];
    rows.reserve(plan.steps.len() + Phase::ALL.len());
    for group in plan.steps.chunk_by(|one, next| one.phase == next.phase) {
        rows.extend(
            group
                .first()
                .map(|step| Row::Phase(step.phase, group.len())),
        );
        if group
            .first()
            .is_some_and(|step| !folded.contains(&step.phase))
        {
            rows.extend(group.iter().map(|step| Row::Step(step.id.index())));
        }
    }
    rows
}

fn has(plan: &Plan, row: Row, needle: &Needle) -> bool {
    match row {
        Row::Overview | Row::Phase(..) => false,
        Row::Settings => {
            let mut all = plan
                .source_settings
                .iter()
                .chain(&plan.destination_settings);
            needle.is_in(SETTINGS) || all.any(|sql| needle.is_in(sql))
        }
        Row::Step(position) => plan.steps.get(position).is_some_and(|step| {
            needle.is_in(&step.title) || step.statements.iter().any(|it| needle.is_in(&it.sql()))
        }),
    }
}

#[cfg(test)]
mod tests;
