//! What a run under way is asked for: to pause, and what becomes of steps that have failed.

use crate::model::event::{Control, RunEvent};
use crate::model::plan::{Rule, Session, StepId, StepKind};

use super::ledger::Ledger;
use super::run::Run;
use super::schedule::Schedule;

impl Run {
    /// Done once more it could succeed. What is lost with an FDW session or with the snapshot's, no second try brings back;
    /// and what cleans up waits for nobody.
    pub(super) fn may_be_mended(&self, id: StepId) -> bool {
        self.plan.step(id).is_some_and(|step| {
            matches!(step.rule, Rule::Normal | Rule::WhenComplete)
                && !matches!(
                    step.kind,
                    StepKind::FdwCommit { .. } | StepKind::ReleaseSnapshot
                )
        })
    }

    /// A word about a step that is not undecided comes too late and changes nothing.
    pub(super) async fn obey(
        &self,
        control: Control,
        schedule: &mut Schedule<'_>,
        ledger: &mut Ledger,
    ) {
        match control {
            Control::Pause | Control::GoOn => {
                // Who stops does not pause any more.
                let is_paused = control == Control::Pause && ledger.stop.is_none();
                schedule.pause(is_paused);
                self.tell(RunEvent::Paused(is_paused)).await;
            }
            Control::Retry(id) => {
                if let Some(problem) = ledger.undecided.remove(&id) {
                    ledger.retried.push((id, problem));
                    self.executor.doubts.go_on();
                    self.executor.progress.reset(id);
                    // What was mended, a setting of the role or the database, may hold for new sessions only.
                    self.executor
                        .sessions
                        .close(|kind| matches!(kind, Session::Destination | Session::SourceNow));
                    schedule.retry(id);
                }
            }
            Control::LeaveOut(id) => {
                if let Some(problem) = ledger.undecided.remove(&id) {
                    self.executor.doubts.go_on();
                    let why = format!("it failed and was left out: {}", problem.message);
                    self.leave_out(id, why, ledger).await;
                    for (fallen, reason) in schedule.leave_out(id) {
                        let reason = reason.and_then(|id| self.plan.step(id));
                        let reason = reason.map_or("", |step| step.title.as_str());
                        let why = format!("it needs \"{reason}\", which was left out");
                        self.leave_out(fallen, why, ledger).await;
                    }
                }
            }
            Control::GiveUp => {
                // Asked once; what fails from here on is not asked about again.
                ledger.gives_up = true;
                self.give_up(schedule, ledger).await;
            }
        }
    }

    /// Every undecided step has failed, as it had where nobody is there.
    pub(super) async fn give_up(&self, schedule: &mut Schedule<'_>, ledger: &mut Ledger) {
        for (step, problem) in std::mem::take(&mut ledger.undecided) {
            let failed = RunEvent::StepFailed {
                step,
                problem: Box::new(problem.clone()),
            };
            self.tell(failed).await;
            ledger.failed.push((step, problem));
            let fallen = schedule.give_up(step);
            self.skipped(fallen, ledger).await;
        }
    }

    async fn leave_out(&self, step: StepId, because: String, ledger: &mut Ledger) {
        let left_out = RunEvent::StepLeftOut {
            step,
            because: because.clone(),
        };
        self.tell(left_out).await;
        ledger.left_out.push((step, because));
    }
}
