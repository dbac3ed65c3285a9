//! The run as it goes: what runs now and how fast, what failed, what was told.
//!
//! Events change the [`Board`] and add to the [`Log`]; ticks bring the counters of running steps. Nothing here can stop or
//! pause a run: that is asked for, and told by the engine when it happens.

pub mod board;
pub mod log;
mod outlook;
mod steering;
pub mod waits;

use std::sync::Arc;

use crate::app::list::{ListCursor, moved};
use crate::app::steps::preview::page::{Page, Writer};
use crate::app::{Action, Ctx, Effect, Flow, Key, Now, format, questions};
use crate::model::event::{NoticeLevel, RunEvent, Stop};
use crate::model::plan::{Plan, StepId, StepKind};
use crate::model::report::{Outcome, Report};
use board::{Board, Done, Failed};
use log::Log;
pub(crate) use steering::why_not_resume;

/// Rows of the boxes, frames included. What runs now has all the rest.
const HEAD_ROWS: u16 = 6;
/// Where fewer are left for all boxes, the head goes without its history.
const LOW_ROWS: u16 = 16;
const MOST_PROBLEM_ROWS: u16 = 5;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    Problems,
    #[default]
    Log,
}

/// Heights of the boxes, from top to bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub head: u16,
    pub now: u16,
    pub problems: u16,
    pub log: u16,
}

#[derive(Debug, Default)]
pub struct Run {
    pub started: Option<Now>,
    ended: Option<Now>,
    /// Set by the last event.
    pub report: Option<Arc<Report>>,
    pub board: Board,
    pub log: Log,
    /// The log has all rows below the head.
    pub is_log_large: bool,
    pub focus: Focus,
    /// In the board's failed steps.
    pub cursor: ListCursor,
    /// A problem in full.
    pub details: Option<Page>,
    /// Nothing new is begun, by the user's wish.
    pub is_paused: bool,
    /// Nothing is left to do but what has failed.
    pub is_waiting: bool,
    /// A snapshot of the source is open, or sessions read in one.
    pub is_source_held: bool,
    scroll: usize,
    size: (u16, u16),
    /// How far it was when it ended.
    reached: u8,
}

impl Run {
    /// Begins anew.
    pub fn start(&mut self, plan: Arc<Plan>, now: Now, size: (u16, u16)) {
        *self = Self {
            started: Some(now),
            board: Board::new(plan),
            size,
            ..Self::default()
        };
    }

    pub fn is_running(&self) -> bool {
        self.started.is_some() && self.report.is_none()
    }

    /// Milliseconds since the beginning; stands still after the end.
    pub fn elapsed_ms(&self, now: Now) -> u64 {
        let end = self.ended.unwrap_or(now);
        self.started.map_or(0, |started| end.since(started))
    }

    /// 100 only after a run that carried everything.
    pub fn percent(&self) -> u8 {
        match self.report.as_ref().map(|report| report.outcome) {
            None => self.board.percent(),
            Some(Outcome::Done | Outcome::Different) if self.board.skipped_count == 0 => 100,
            Some(_) => self.reached,
        }
    }

    pub fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
        if self.details.is_some() {
            self.open_details();
        }
    }

    pub fn layout(&self) -> Layout {
        let body = self.size.1.saturating_sub(3);
        let head = self.head_rows().min(body);
        let rest = body - head;
        if self.is_log_large {
            return Layout {
                head,
                now: 0,
                problems: 0,
                log: rest,
            };
        }
        let count = u16::try_from(self.board.failed.len()).unwrap_or(u16::MAX);
        let problems = match count {
            0 => 0,
            count => count.saturating_add(2).min(MOST_PROBLEM_ROWS).min(rest / 3),
        };
        let log = (rest / 3).max(3).min(rest - problems);
        Layout {
            head,
            now: rest - problems - log,
            problems,
            log,
        }
    }

    /// What is said at the end, or while it waits, needs all rows.
    fn head_rows(&self) -> u16 {
        let says_more = self.report.is_some() || self.is_paused || self.is_waiting;
        let is_low = self.size.1.saturating_sub(3) < LOW_ROWS;
        HEAD_ROWS - u16::from(is_low && !says_more)
    }

    pub fn log_rows(&self) -> usize {
        usize::from(self.layout().log.saturating_sub(2)).max(1)
    }

    fn problem_rows(&self) -> usize {
        usize::from(self.layout().problems.saturating_sub(2))
    }

    fn details_rows(&self) -> usize {
        usize::from(self.size.1.saturating_sub(3 + self.head_rows() + 2)).max(1)
    }

    /// The first row of the details to draw.
    pub fn first_row(&self) -> usize {
        let rows = self.details.as_ref().map_or(0, |page| page.rows.len());
        self.scroll.min(rows.saturating_sub(self.details_rows()))
    }

    /// Selects a problem, as a click does.
    pub fn focus_row(&mut self, at: usize) {
        self.focus = Focus::Problems;
        let rows = self.problem_rows();
        self.cursor.select(at, self.board.failed.len(), rows);
    }

    pub fn focus_log(&mut self, is_log: bool) {
        if self.details.is_none() && !self.board.failed.is_empty() {
            self.focus = if is_log { Focus::Log } else { Focus::Problems };
        }
    }

    pub fn selected(&self) -> Option<&Failed> {
        let failed = &self.board.failed;
        failed.get(self.cursor.selected).or(failed.last())
    }

    pub fn event(&mut self, event: RunEvent, now: Now) -> Vec<Effect> {
        let failed = self.board.failed.len();
        let effects = self.take(event, now);
        let is_mended = self.board.failed.len() < failed;
        if is_mended && self.details.take().is_some() && !self.board.failed.is_empty() {
            self.open_details();
        }
        effects
    }

    fn take(&mut self, event: RunEvent, now: Now) -> Vec<Effect> {
        let title = |run: &Self, step| {
            let step = run.board.step(step);
            step.map_or_else(|| "a step".to_owned(), |step| step.title.to_string())
        };
        let (level, text) = match event {
            RunEvent::StepStarted(step) => {
                self.is_waiting = false;
                self.board.started(step, now);
                return Vec::new();
            }
            RunEvent::StepFinished {
                step,
                rows,
                bytes,
                elapsed_ms,
                is_kept,
            } => {
                let done = Done {
                    step,
                    rows,
                    bytes,
                    elapsed_ms,
                    is_kept,
                };
                self.board.finished(done);
                let kind = self.board.step(step).map(|step| step.kind);
                self.is_source_held |=
                    matches!(kind, Some(StepKind::OpenSnapshot | StepKind::FdwBarrier));
                let words = facts(&self.board, done).join(", ");
                (NoticeLevel::Info, format!("{}: {words}", title(self, step)))
            }
            RunEvent::StepUndecided { step, problem } => {
                let text = format!("{}: {}", title(self, step), problem.message);
                self.board.undecided(step, problem);
                // The newest is what the user looks at next.
                self.focus = Focus::Problems;
                (NoticeLevel::Error, text)
            }
            RunEvent::StepRepeated {
                step,
                attempt,
                pause_ms,
                problem,
            } => {
                let pause = format::duration(pause_ms);
                let text = format!(
                    "{}: attempt {attempt} in {pause}, after: {}",
                    title(self, step),
                    problem.message
                );
                self.board.repeated(step, attempt, &problem.message);
                (NoticeLevel::Warning, text)
            }
            RunEvent::StepLeftOut { step, because } => {
                self.board.skipped(step);
                let text = format!("Left out: {}: {because}", title(self, step));
                (NoticeLevel::Warning, text)
            }
            RunEvent::Paused(is_paused) => {
                self.is_paused = is_paused;
                (NoticeLevel::Warning, self.about_pause())
            }
            RunEvent::Waiting => {
                self.is_waiting = true;
                let text = "Only failed steps and what needs them are left; the run waits for you.";
                self.tell(NoticeLevel::Warning, text, now);
                return vec![Effect::Bell, Effect::Notify(text.to_owned())];
            }
            RunEvent::StepFailed { step, problem } => {
                // In full it stands among the problems.
                let code = problem.sqlstate.as_ref();
                let code = code.map_or_else(String::new, |code| format!(" (SQLSTATE {code})"));
                let text = format!("{}: {}{code}", title(self, step), problem.message);
                let before = self.board.failed.len();
                self.board.failed(step, problem);
                if self.board.failed.len() == before {
                    (NoticeLevel::Warning, text)
                } else {
                    if before == 0 {
                        self.focus = Focus::Problems;
                    }
                    (NoticeLevel::Error, text)
                }
            }
            RunEvent::StepSkipped { step, because } => {
                self.board.skipped(step);
                let text = format!("Not run: {}: {because}", title(self, step));
                self.log.push_skipped(self.elapsed_ms(now), &text);
                return Vec::new();
            }
            RunEvent::Notice { level, text, .. } => (level, text),
            RunEvent::SnapshotReleased { held_ms } => {
                self.is_source_held = false;
                let held = format::duration(held_ms);
                let text =
                    format!("The last row is read; the source's snapshot was held for {held}.");
                (NoticeLevel::Info, text)
            }
            RunEvent::Stopping(Stop::AfterCurrent) => (
                NoticeLevel::Warning,
                "Stopping: what is running is finished, nothing new is started.".to_owned(),
            ),
            RunEvent::Stopping(Stop::Now) => (
                NoticeLevel::Warning,
                "Stopping now: what is running is cancelled and rolled back.".to_owned(),
            ),
            RunEvent::Finished(report) => {
                let text = crate::report_text::headline(&report);
                self.reached = self.board.percent();
                self.board.running.clear();
                (self.is_paused, self.is_waiting) = (false, false);
                self.ended = Some(now);
                self.report = Some(Arc::new(*report));
                self.tell(NoticeLevel::Info, &text, now);
                return vec![Effect::Bell, Effect::Notify(text)];
            }
        };
        self.tell(level, &text, now);
        Vec::new()
    }

    fn tell(&mut self, level: NoticeLevel, text: &str, now: Now) {
        let at_ms = self.elapsed_ms(now);
        for line in crate::model::name::printable_lines(text).lines() {
            self.log.push(at_ms, level, line.to_owned());
        }
    }

    /// Rows and bytes so far of the steps now running.
    pub fn tick(&mut self, samples: &[(StepId, u64, u64)], now: Now) {
        self.board.tick(samples, now);
    }

    /// Characters go to a text field instead of the keymap.
    pub fn is_typing(&self) -> bool {
        false
    }

    /// Text for the field in focus.
    pub fn text(&mut self, _key: Key, _ctx: &mut Ctx<'_>) {}

    /// What a key does now, where that is not what it mostly does.
    pub fn label(&self, action: Action) -> Option<&'static str> {
        match action {
            Action::Next if self.is_waiting => Some("End the run"),
            Action::Pause if self.is_paused => Some("Continue"),
            Action::Retry if self.report.is_some() => Some("Resume"),
            Action::Back if self.has_something_open() => Some("Close"),
            _ => None,
        }
    }

    /// Why a key does nothing now, as a sentence.
    pub fn why_not(&self, action: Action) -> Option<String> {
        let words = match action {
            Action::Next if self.is_running() && !self.is_waiting => {
                "The report comes when the run has ended."
            }
            Action::Next if self.is_running() => return None,
            Action::Next if self.report.is_none() => "Nothing has been run.",
            Action::Back if self.is_running() && !self.has_something_open() => {
                "The run continues; x asks how to stop it."
            }
            Action::Stop if !self.is_running() => "Nothing is running.",
            Action::Details | Action::Copy if self.board.failed.is_empty() => "No step has failed.",
            _ => return self.why_not_steer(action),
        };
        Some(words.to_owned())
    }

    fn has_something_open(&self) -> bool {
        self.details.is_some() || self.is_log_large
    }

    pub fn action(&mut self, action: Action, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        match action {
            Action::Next if self.is_waiting => {
                *ctx.overlay = Some(questions::end_without(self.board.undecided_count()));
            }
            Action::Next => ctx.flow = Some(Flow::Next),
            Action::Pause | Action::Retry | Action::RetryAll | Action::LeaveOut => {
                return self.steer(action, ctx);
            }
            Action::Back | Action::Details if self.details.is_some() => self.details = None,
            Action::Back if self.is_log_large => self.is_log_large = false,
            Action::Back => ctx.flow = Some(Flow::Back),
            Action::Stop => *ctx.overlay = Some(questions::how_to_stop(self.board.plan())),
            Action::Details => {
                self.scroll = 0;
                self.open_details();
            }
            Action::Log => {
                self.details = None;
                self.is_log_large = !self.is_log_large;
            }
            Action::SwitchTab => {
                self.focus = match self.focus {
                    Focus::Log if !self.board.failed.is_empty() => Focus::Problems,
                    _ => Focus::Log,
                };
            }
            Action::Copy => {
                let text = self.selected().map(|failed| failed.problem.to_string());
                return text
                    .map(|text| Effect::CopyText {
                        what: "the problem".to_owned(),
                        text,
                    })
                    .into_iter()
                    .collect();
            }
            Action::Follow | Action::Levels => {
                let rows = self.log_rows();
                self.log.act(action, rows);
            }
            _ => self.move_by(action),
        }
        Vec::new()
    }

    fn move_by(&mut self, action: Action) {
        if self.details.is_some() {
            self.scroll = moved(self.scroll, action, self.details_rows()).unwrap_or(self.scroll);
            self.scroll = self.first_row();
        } else if self.focus == Focus::Problems && !self.is_log_large {
            let rows = self.problem_rows();
            self.cursor.act(action, self.board.failed.len(), rows);
        } else {
            let rows = self.log_rows();
            self.log.act(action, rows);
        }
    }

    fn open_details(&mut self) {
        // A frame and a column of air on both sides.
        let columns = usize::from(self.size.0.saturating_sub(4));
        let mut out = Writer::new(columns);
        let title = self.selected().map(|failed| {
            out.problem(&failed.problem);
            let step = self.board.step(failed.step);
            step.map_or_else(String::new, |step| step.title.to_string())
        });
        self.details = title.map(|title| Page {
            title: crate::model::name::printable(&title).into_owned(),
            rows: out.into_rows(),
            foot: Vec::new(),
        });
        self.scroll = self.first_row();
    }
}

/// What a finished step brought: `1,000 rows`, `416 KiB`, `0.4 s`; or that it had nothing to bring.
pub fn facts(board: &Board, done: Done) -> Vec<String> {
    let mut facts = Vec::new();
    let carries = board.step(done.step).is_some_and(|s| s.method().is_some());
    if done.is_kept {
        let rows = format::counted(done.rows, "row", "rows");
        facts.push(format!("{rows} kept, proved equal"));
    } else if carries {
        facts.push(format::counted(done.rows, "row", "rows"));
        facts.push(format::bytes_plain(done.bytes));
    }
    facts.push(format::duration(done.elapsed_ms));
    facts
}

#[cfg(test)]
mod tests;
