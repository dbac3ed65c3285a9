//! What is asked of a run while it goes on: to pause, and what becomes of steps that have failed.

use super::Run;
use super::board::Failed;
use crate::app::{Action, Ctx, Effect, Flow, questions};
use crate::model::event::Control;
use crate::model::plan::Phase;
use crate::model::report::Report;

impl Run {
    /// Why such a key does nothing now, as a sentence.
    pub(super) fn why_not_steer(&self, action: Action) -> Option<String> {
        let words = match action {
            Action::Pause if !self.is_running() => "Nothing is running.",
            // After the end the same key goes on with the whole run.
            Action::Retry if !self.is_running() => return self.why_not_resume(),
            Action::Retry | Action::LeaveOut if self.selected().is_none() => "No step has failed.",
            Action::Retry | Action::LeaveOut if !self.is_running() => "The run has ended.",
            Action::Retry | Action::LeaveOut if !self.is_undecided() => {
                "This cannot be retried in this run: end the run, then resume it."
            }
            Action::LeaveOut if self.is_of_preparation() => {
                "Everything left needs this step: r retries it, x stops the run."
            }
            Action::Retry if self.selected().is_some_and(Failed::is_lost) => {
                "What it read is lost with the source's snapshot: end this run and resume it afterwards."
            }
            Action::RetryAll if self.board.undecided_count() == 0 => "No step waits for a retry.",
            Action::RetryAll if self.is_lost() => {
                "What they read is lost with the source's snapshot: end this run and resume it afterwards."
            }
            _ => return None,
        };
        Some(words.to_owned())
    }

    fn why_not_resume(&self) -> Option<String> {
        let report: Option<&Report> = self.report.as_deref();
        match report {
            None => Some("Nothing has been run.".to_owned()),
            Some(report) => why_not_resume(report),
        }
    }

    /// Something waits for a word, and none of it can be done in this run any more.
    pub fn is_lost(&self) -> bool {
        let mut undecided = self.board.failed.iter().filter(|one| one.is_undecided);
        self.board.undecided_count() > 0 && undecided.all(Failed::is_lost)
    }

    fn is_undecided(&self) -> bool {
        self.selected().is_some_and(|failed| failed.is_undecided)
    }

    fn is_of_preparation(&self) -> bool {
        let step = self.selected().and_then(|one| self.board.step(one.step));
        step.is_some_and(|step| step.phase == Phase::Prepare)
    }

    pub(super) fn steer(&self, action: Action, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        let control = match (action, self.selected()) {
            (Action::Pause, _) if self.is_paused => Control::GoOn,
            (Action::Pause, _) => Control::Pause,
            (Action::Retry, _) if !self.is_running() => {
                ctx.flow = Some(Flow::Resume);
                return Vec::new();
            }
            (Action::Retry, Some(failed)) => Control::Retry(failed.step),
            (Action::RetryAll, _) => {
                let undecided = self.board.failed.iter().filter(|one| one.is_undecided);
                let controls = undecided.map(|one| Control::Retry(one.step));
                return controls.map(Effect::SteerRun).collect();
            }
            (Action::LeaveOut, Some(failed)) => {
                *ctx.overlay = Some(questions::leave_out(self.board.plan(), failed.step));
                return Vec::new();
            }
            _ => return Vec::new(),
        };
        vec![Effect::SteerRun(control)]
    }

    /// What has just been asked for, and what it means for the source.
    pub(super) fn about_pause(&self) -> String {
        let mut text = if self.is_paused {
            "Pausing: what is running is finished and stays, nothing new is started."
        } else {
            "Continuing: new steps are started again."
        }
        .to_owned();
        if self.is_paused && self.is_source_held {
            text.push_str(" The source's snapshot stays open meanwhile: the source keeps old versions of rows that change, which costs it disk space.");
        }
        text
    }
}

/// Why a run that has ended cannot be gone on with.
pub(crate) fn why_not_resume(report: &Report) -> Option<String> {
    report
        .resume_command
        .is_none()
        .then(|| "The run has left nothing to resume.".to_owned())
}
