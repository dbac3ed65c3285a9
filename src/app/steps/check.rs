//! What has to be known before anything is planned: each check explained, with a way to mend what it found.

use std::sync::Arc;

use crate::app::list::ListCursor;
use crate::app::options_form::OptionsForm;
use crate::app::overlay::{AddressForm, Choice, Confirm, Overlay};
use crate::app::steps::method_sample::SampleBox;
use crate::app::{Action, Ctx, Effect, Flow, Inspection, Pending, questions};
use crate::model::connection::Side;
use crate::model::finding::{CheckResult, Fix, Level};
use crate::model::problem::Problem;

/// What is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Work {
    #[default]
    AllChecks,
    /// The check of this id, once more.
    OneCheck(&'static str),
    /// What mends what it found.
    Fix(&'static str),
}

#[derive(Debug, Default)]
pub struct Check {
    pub pending: Option<Pending>,
    pub work: Work,
    /// In the order they came.
    pub results: Vec<CheckResult>,
    /// They begin anew for this reason; how often they have begun then.
    pub again: Option<(u32, Box<Problem>)>,
    /// The databases could not be read at all.
    pub problem: Option<Box<Problem>>,
    /// The statements that were to mend what a check found were refused.
    pub failed_fix: Option<(&'static str, Box<Problem>)>,
    pub cursor: ListCursor,
    /// First line shown of what is told about the selected check.
    pub scroll: usize,
    /// Both databases were read with the connections and options of now.
    pub is_complete: bool,
    /// All checks have run: one of them can be run by itself.
    has_all: bool,
    /// An interrupted run was found that can be gone on with.
    pub has_unfinished: bool,
    /// Something of an earlier run's is there.
    has_leftovers: bool,
    /// The user has been asked about the warnings and goes on.
    is_accepted: bool,
    has_moved: bool,
}

/// How many checks ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub fine: usize,
    pub warnings: usize,
    pub blocking: usize,
    /// Could not be checked.
    pub unknown: usize,
}

impl Check {
    /// All checks run anew.
    pub fn begin(&mut self, pending: Pending) {
        *self = Self {
            pending: Some(pending),
            cursor: self.cursor,
            ..Self::default()
        };
    }

    /// One check runs anew; what the others found stays.
    pub fn begin_one(&mut self, id: &'static str, pending: Pending) {
        self.pending = Some(pending);
        self.work = Work::OneCheck(id);
        (self.problem, self.failed_fix) = (None, None);
        (self.is_accepted, self.scroll) = (false, 0);
    }

    /// The statements that mend what the selected check found are run.
    pub fn begin_fix(&mut self, pending: Pending) {
        if let Some(id) = self.selected().map(|result| result.id) {
            self.pending = Some(pending);
            (self.work, self.failed_fix) = (Work::Fix(id), None);
        }
    }

    /// Hands the check on that is to be run once more.
    pub fn mended(
        &mut self,
        attempt: u64,
        outcome: Result<(), Box<Problem>>,
    ) -> Option<&'static str> {
        let Work::Fix(id) = self.work else {
            return None;
        };
        if !self.is_awaited(attempt) {
            return None;
        }
        self.pending = None;
        match outcome {
            Ok(()) => Some(id),
            Err(problem) => {
                self.failed_fix = Some((id, problem));
                None
            }
        }
    }

    /// The check under the cursor, if it can be run without the others.
    pub fn to_run_again(&self) -> Option<&'static str> {
        let selected = self.selected().filter(|_| self.has_all);
        selected.map(|result| result.id)
    }

    pub fn cancel(&mut self) -> Option<Effect> {
        self.pending.take().map(|pending| Effect::Cancel {
            attempt: pending.attempt,
        })
    }

    pub fn arrived(&mut self, attempt: u64, result: CheckResult) {
        if !self.is_awaited(attempt) {
            return;
        }
        self.again = None;
        // A check that is run once more keeps its place.
        let mut results = self.results.iter_mut();
        match results.find(|one| (one.id, one.title) == (result.id, result.title)) {
            Some(earlier) => *earlier = result,
            None => self.results.push(result),
        }
    }

    pub fn waits(&mut self, attempt: u64, number: u32, problem: Box<Problem>) {
        if self.is_awaited(attempt) {
            self.again = Some((number, problem));
        }
    }

    /// Hands the inspection on, unless it answers a question long withdrawn.
    pub fn inspected(
        &mut self,
        attempt: u64,
        outcome: Result<Arc<Inspection>, Box<Problem>>,
    ) -> Option<Arc<Inspection>> {
        if !self.is_awaited(attempt) {
            return None;
        }
        self.pending = None;
        self.again = None;
        let is_first_look = self.work == Work::AllChecks && !self.has_moved;
        if is_first_look {
            // Shows first what needs attention.
            let gravity = |result: &CheckResult| match result.level() {
                Some(Level::Blocking) => 0,
                Some(Level::Warning) => 1,
                None => 2,
                Some(Level::Fine) => 3,
            };
            let gravest = self.results.iter().map(gravity).min().unwrap_or(3);
            let first = self.results.iter().position(|one| gravity(one) == gravest);
            self.cursor = ListCursor::default();
            self.cursor.selected = if gravest < 3 { first.unwrap_or(0) } else { 0 };
        }
        match outcome {
            Ok(inspection) => {
                (self.is_complete, self.has_all) = (true, true);
                self.has_unfinished = inspection.unfinished.is_some();
                self.has_leftovers =
                    !inspection.leftovers.objects.is_empty() || !inspection.scratches.is_empty();
                if self.has_unfinished && is_first_look {
                    let is_it = |one: &CheckResult| one.id == "leftovers";
                    self.cursor.selected = self.results.iter().position(is_it).unwrap_or(0);
                }
                Some(inspection)
            }
            Err(problem) => {
                self.problem = Some(problem);
                self.is_complete = false;
                None
            }
        }
    }

    /// What is waited for. Reading the definitions comes next after the rights, and over a slow link takes longest by far.
    pub fn doing(&self) -> &'static str {
        match self.results.last() {
            Some(last) if last.id == "row-security" => "pg_dump reads the definitions",
            _ => "Checking",
        }
    }

    pub fn is_awaited(&self, attempt: u64) -> bool {
        self.pending
            .is_some_and(|pending| pending.attempt == attempt)
    }

    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for result in &self.results {
            match result.level() {
                Some(Level::Fine) => tally.fine += 1,
                Some(Level::Warning) => tally.warnings += 1,
                Some(Level::Blocking) => tally.blocking += 1,
                None => tally.unknown += 1,
            }
        }
        tally
    }

    pub fn accept_warnings(&mut self) {
        self.is_accepted = true;
    }

    pub fn selected(&self) -> Option<&CheckResult> {
        self.results.get(self.cursor.selected)
    }

    /// Everything that mends what the selected check found.
    fn fixes(&self) -> impl Iterator<Item = &Fix> {
        let findings = self.selected().and_then(|one| one.outcome.as_ref().ok());
        findings
            .into_iter()
            .flatten()
            .filter_map(|f| f.fix.as_ref())
    }

    /// Statements for the destination that howdah may run itself.
    pub fn statements(&self) -> Vec<String> {
        let sql = self.fixes().filter_map(|fix| match fix {
            Fix::Sql(sql) if sql.not_here.is_none() && sql.side == Side::Destination => Some(sql),
            _ => None,
        });
        sql.flat_map(|sql| sql.statements.iter().cloned()).collect()
    }

    /// Why nothing can be run that mends what the selected check found.
    /// Nothing is done on a destination that is the source.
    fn is_source_meant(&self) -> bool {
        let is_same =
            |one: &CheckResult| one.id == "same-database" && one.level() == Some(Level::Blocking);
        self.results.iter().any(is_same)
    }

    fn why_not_mend(&self) -> Option<String> {
        if !self.statements().is_empty() {
            return None;
        }
        let mut reasons = self.fixes().map(|fix| match fix {
            Fix::Words(_) => {
                "This is advice, not SQL that a server could run; y copies it.".to_owned()
            }
            Fix::Sql(sql) => sql.not_here.clone().unwrap_or_default(),
        });
        let none = || "There is no fix to run for this check.".to_owned();
        Some(reasons.next().unwrap_or_else(none))
    }

    /// Selects a check, as a click does.
    pub fn focus_row(&mut self, at: usize, size: (u16, u16)) {
        let height = usize::from(size.1.saturating_sub(3)) / 2;
        self.cursor.select(at, self.results.len(), height);
        (self.scroll, self.has_moved) = (0, true);
    }

    /// What a key does now, where that is not what it mostly does.
    pub fn label(&self, action: Action) -> Option<&'static str> {
        match action {
            Action::Back if self.pending.is_some() => Some("Cancel"),
            Action::Next if self.has_unfinished => Some("Resume the run"),
            _ => None,
        }
    }

    /// Why a key does nothing now, as a sentence.
    pub fn why_not(&self, action: Action) -> Option<String> {
        match action {
            Action::Next
            | Action::Clean
            | Action::TimeMethods
            | Action::CheckAgain
            | Action::Mend
                if self.pending.is_some() =>
            {
                Some(match self.work {
                    Work::Fix(_) => "The fix is still running; Esc cancels it.".to_owned(),
                    _ => "The checks are still running; Esc cancels them.".to_owned(),
                })
            }
            Action::RunAgain if matches!(self.work, Work::Fix(_)) && self.pending.is_some() => {
                Some("The fix is still running; Esc cancels it.".to_owned())
            }
            Action::Next | Action::TimeMethods if !self.is_complete => {
                Some("The databases have not been read; R runs the checks again.".to_owned())
            }
            Action::Mend | Action::TimeMethods | Action::Clean if self.is_source_meant() => Some(
                "Both sides are one and the same database, and the source is never changed."
                    .to_owned(),
            ),
            Action::Next if self.has_unfinished => None,
            Action::Clean if !self.has_leftovers => {
                Some("No earlier run has left anything on the destination.".to_owned())
            }
            Action::Next => {
                let stops = |result: &&CheckResult| result.level() == Some(Level::Blocking);
                let first = self.results.iter().find(stops)?;
                Some(format!(
                    "{} This stops the migration: {}. Fix it, then press r.",
                    match self.tally().blocking {
                        1 => "1 check found a problem.".to_owned(),
                        count => format!("{count} checks found problems."),
                    },
                    first.worst().unwrap_or(first.title)
                ))
            }
            Action::Copy if self.fixes().next().is_none() => {
                Some("There is no fix to copy for this check.".to_owned())
            }
            Action::Mend => self.why_not_mend(),
            _ => None,
        }
    }

    pub fn action(&mut self, action: Action, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        match action {
            Action::Next => self.next(ctx),
            Action::Clean => {
                let inspection = ctx.inspection.map(AsRef::as_ref);
                *ctx.overlay = inspection.map(questions::clean);
            }
            Action::Back => {
                if let Some(cancel) = self.cancel() {
                    ctx.info(match self.work {
                        Work::AllChecks => "The checks were cancelled; R runs them again.",
                        Work::OneCheck(_) => {
                            "Cancelled: this is the result from before. r checks again."
                        }
                        Work::Fix(_) => {
                            "The fix was cancelled and rolled back, unless it had just finished; r checks again."
                        }
                    });
                    return vec![cancel];
                }
                ctx.flow = Some(Flow::Back);
            }
            Action::TimeMethods => return time_methods(ctx),
            Action::RunAgain => ctx.flow = Some(Flow::Inspect),
            Action::CheckAgain => ctx.flow = Some(Flow::InspectOne),
            Action::Mend => {
                let inspection = ctx.inspection.map(AsRef::as_ref);
                *ctx.overlay = inspection.map(|one| questions::mend(one, &self.statements()));
            }
            Action::Copy => {
                let text: Vec<_> = self.fixes().map(Fix::text).collect();
                let text = text.join("\n");
                let what = "the fix".to_owned();
                return vec![Effect::CopyText { what, text }];
            }
            Action::Options => *ctx.overlay = Some(Overlay::Options(OptionsForm::new(ctx.options))),
            Action::SourceAddress => {
                let source = ctx.inspected.map(|[source, _]| source);
                let fallback = source.map(|one| (one.host.clone(), one.port));
                let form = AddressForm::new(ctx.options, fallback.unwrap_or_default());
                *ctx.overlay = Some(Overlay::SourceAddress(form));
            }
            Action::PageUp => self.scroll = self.scroll.saturating_sub(5),
            // The end of the text is known only when it is drawn; the drawing stops there.
            Action::PageDown => self.scroll = (self.scroll + 5).min(10_000),
            _ => {
                let (len, height) = (self.results.len(), ctx.body_height() / 2);
                if self.cursor.act(action, len, height) {
                    (self.scroll, self.has_moved) = (0, true);
                }
            }
        }
        Vec::new()
    }

    fn next(&mut self, ctx: &mut Ctx<'_>) {
        if let (true, Some(inspection), Some([source, _])) =
            (self.has_unfinished, ctx.inspection, ctx.inspected)
        {
            *ctx.overlay = questions::go_on(inspection, source);
            return;
        }
        let tally = self.tally();
        if self.is_accepted || tally.warnings + tally.unknown == 0 {
            ctx.flow = Some(Flow::Next);
            return;
        }
        let mut lines =
            vec!["These checks found something you should know before you continue:".to_owned()];
        let doubtful: Vec<_> = self
            .results
            .iter()
            .filter(|result| result.level() != Some(Level::Fine))
            .map(|result| match result.worst() {
                Some(found) => format!("! {found}"),
                None => format!("? Not checked: {}", result.title),
            })
            .collect();
        lines.push(doubtful.join("\n"));
        *ctx.overlay = Some(Overlay::Confirm(
            Confirm::new("Continue despite the warnings?", lines)
                .button("Continue anyway", Choice::GoOn)
                .button("Stay here", Choice::Dismiss),
        ));
    }
}

fn time_methods(ctx: &mut Ctx<'_>) -> Vec<Effect> {
    let Some(inspection) = ctx.inspection.cloned() else {
        return Vec::new();
    };
    let pending = ctx.pending();
    *ctx.overlay = Some(Overlay::Sample(SampleBox::Pending(pending)));
    vec![Effect::TimeMethods {
        attempt: pending.attempt,
        inspection,
        options: Box::new(ctx.options.clone()),
    }]
}
