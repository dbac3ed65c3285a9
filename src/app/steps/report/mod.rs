//! What the run did and what it proved, on a few pages: the summary first, then the evidence.
//!
//! Pages of prose are laid out when they are opened or the terminal changes; lists are drawn from the report itself.

mod pages;

use std::sync::Arc;

use crate::app::list::{ListCursor, moved};
use crate::app::steps::preview::page::Page;
use crate::app::steps::run::why_not_resume;
use crate::app::{Action, Ctx, Effect, Flow};
use crate::model::report::{Report, Verdict};
use crate::report_text;

/// Rows of the box with the outcome, its frame included; the row of the pages' names stands below it.
pub const HEAD_ROWS: u16 = 5;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Section {
    #[default]
    Summary,
    Tables,
    Sequences,
    Problems,
    Objects,
}

impl Section {
    pub const ALL: [Self; 5] = [
        Self::Summary,
        Self::Tables,
        Self::Sequences,
        Self::Problems,
        Self::Objects,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Summary => "Summary",
            Self::Tables => "Tables",
            Self::Sequences => "Sequences",
            Self::Problems => "Problems",
            Self::Objects => "Objects",
        }
    }

    /// What a report without problems has on that page when steps were not run.
    pub fn title_in(self, report: &Report) -> &'static str {
        match self {
            Self::Problems if Self::problem_count(report) == 0 && !report.skipped.is_empty() => {
                "Not run"
            }
            _ => self.title(),
        }
    }

    /// Without the steps that were only not run.
    fn problem_count(report: &Report) -> usize {
        report.failures.len()
            + report.given_up.len()
            + report.warnings.len()
            + report.left_behind.len()
    }

    /// How many things stand on the page; none for the summary.
    pub fn count(self, report: &Report) -> Option<u64> {
        let count = match self {
            Self::Summary => return None,
            Self::Tables => report.tables.len() as u64,
            Self::Sequences => report.sequences.len() as u64,
            Self::Problems => match Self::problem_count(report) {
                0 => report.skipped.len() as u64,
                count => count as u64,
            },
            Self::Objects => report.objects.iter().map(|(_, count)| count).sum(),
        };
        Some(count)
    }

    fn is_list(self) -> bool {
        matches!(self, Self::Tables | Self::Sequences)
    }

    fn step(self, by: usize) -> Self {
        let at = Self::ALL.iter().position(|one| *one == self).unwrap_or(0);
        Self::ALL
            .get((at + by) % Self::ALL.len())
            .copied()
            .unwrap_or_default()
    }
}

#[derive(Debug, Default)]
pub struct ReportView {
    pub report: Option<Arc<Report>>,
    pub section: Section,
    pub cursor: ListCursor,
    /// Positions in the report's tables or sequences, what needs attention first.
    pub order: Vec<usize>,
    pub page: Page,
    scroll: usize,
    size: (u16, u16),
}

impl ReportView {
    pub fn show(&mut self, report: Arc<Report>, size: (u16, u16)) {
        // Coming back from the run's log finds the page as it was left.
        let is_same = self
            .report
            .as_ref()
            .is_some_and(|old| Arc::ptr_eq(old, &report));
        self.size = size;
        if !is_same {
            self.report = Some(report);
            self.open(Section::Summary);
        }
    }

    /// The same for another size of the terminal.
    pub fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
        self.lay_out();
    }

    fn open(&mut self, section: Section) {
        self.section = section;
        self.cursor = ListCursor::default();
        self.scroll = 0;
        self.order = match (&self.report, section) {
            (Some(report), Section::Tables) => ordered(report.tables.iter().map(|t| &t.verdict)),
            (Some(report), Section::Sequences) => {
                ordered(report.sequences.iter().map(|s| &s.verdict))
            }
            _ => Vec::new(),
        };
        self.lay_out();
    }

    /// Opens a page by its place among [`Section::ALL`].
    pub fn show_section(&mut self, at: usize) {
        if let Some(section) = Section::ALL.get(at) {
            self.open(*section);
        }
    }

    /// Selects a row of a list, as a click does.
    pub fn focus_row(&mut self, at: usize) {
        let rows = self.list_rows();
        self.cursor.select(at, self.order.len(), rows);
    }

    fn lay_out(&mut self) {
        // A frame and a column of air on both sides.
        let columns = usize::from(self.size.0.saturating_sub(4));
        self.page = self
            .report
            .as_ref()
            .map(|report| pages::page(report, self.section, columns))
            .unwrap_or_default();
        self.scroll = self.first_row();
    }

    /// The first row of the page to draw.
    pub fn first_row(&self) -> usize {
        self.scroll
            .min(self.page.rows.len().saturating_sub(self.rows()))
    }

    /// Rows inside the lower box: step bar, outcome, names, the frame, toast and keys are around it.
    fn rows(&self) -> usize {
        usize::from(self.size.1.saturating_sub(HEAD_ROWS + 6)).max(1)
    }

    /// A list's rows: its heading and what is known of the selected row stand above and below.
    pub fn list_rows(&self) -> usize {
        self.rows().saturating_sub(2)
    }

    /// Position in the report's tables or sequences of the row in focus.
    pub fn selected(&self) -> Option<usize> {
        self.order.get(self.cursor.selected).copied()
    }

    /// Why a key does nothing now, as a sentence.
    pub fn why_not(&self, action: Action) -> Option<String> {
        let report = self.report.as_ref().filter(|_| action == Action::Retry)?;
        why_not_resume(report)
    }

    pub fn action(&mut self, action: Action, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        match action {
            Action::Back => ctx.flow = Some(Flow::Back),
            Action::Right => self.open(self.section.step(1)),
            Action::Left => self.open(self.section.step(Section::ALL.len() - 1)),
            Action::Retry => ctx.flow = Some(Flow::Resume),
            Action::Write => {
                return self
                    .report
                    .clone()
                    .map(Effect::WriteReport)
                    .into_iter()
                    .collect();
            }
            Action::Copy => {
                let summary = |report: &Arc<Report>| Effect::CopyText {
                    what: "the summary".to_owned(),
                    text: report_text::summary(report),
                };
                return self.report.as_ref().map(summary).into_iter().collect();
            }
            _ if self.section.is_list() => {
                let rows = self.list_rows();
                self.cursor.act(action, self.order.len(), rows);
            }
            _ => self.scroll(action),
        }
        Vec::new()
    }

    fn scroll(&mut self, action: Action) {
        self.scroll = moved(self.scroll, action, self.rows()).unwrap_or(self.scroll);
        self.scroll = self.first_row();
    }
}

/// Different, not compared, equal; within each the order of the report.
fn ordered<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> Vec<usize> {
    let mut order: Vec<_> = verdicts
        .map(|verdict| match verdict {
            Verdict::Different => 0,
            Verdict::NotCompared(_) => 1,
            Verdict::Equal => 2,
        })
        .enumerate()
        .collect();
    order.sort_by_key(|(_, gravity)| *gravity);
    order.into_iter().map(|(position, _)| position).collect()
}

#[cfg(test)]
mod tests;
