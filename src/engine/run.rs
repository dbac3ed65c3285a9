//! The driver: starts what may start, records what ends, obeys the wish to stop, and finishes with the report.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::model::event::{Control, NoticeLevel, RunEvent, Stop};
use crate::model::name::printable_lines;
use crate::model::plan::{Plan, Rule, StepId, StepKind};
use crate::model::problem::Problem;
use crate::model::report::Arrival;

use crate::pg::connect::Notice;

use super::advice::Lingering;
use super::execute::{Cancellers, Ended, Executor};
use super::ledger::Ledger;
use super::lingering;
use super::outcome::{Outcomes, StepOutcome};
use super::retry;
use super::schedule::Schedule;

/// How long a cancelled step may take to end by itself before its sessions are simply closed.
const CANCEL_GRACE: Duration = Duration::from_secs(5);
/// How long clean-up may take when the destination does not answer any more.
const CLEAN_UP_LIMIT: Duration = Duration::from_secs(30);

/// A run from its first step to its report.
pub(super) struct Run {
    pub(super) plan: Arc<Plan>,
    pub(super) executor: Arc<Executor>,
    events: mpsc::Sender<RunEvent>,
}

impl Run {
    pub(super) fn new(plan: Arc<Plan>, executor: Executor, events: mpsc::Sender<RunEvent>) -> Self {
        Self {
            plan,
            executor: Arc::new(executor),
            events,
        }
    }

    /// A reader that went away ends nothing: the run goes on to its clean end.
    pub(super) async fn tell(&self, event: RunEvent) {
        log(&self.plan, &event);
        let _gone = self.events.send(event).await.is_err();
    }

    pub(super) async fn drive(
        self,
        mut wishes: watch::Receiver<Option<Stop>>,
        mut controls: mpsc::UnboundedReceiver<Control>,
        is_attended: bool,
    ) {
        let began = Instant::now();
        let started_at = jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string();
        let mut schedule = Schedule::new(&self.plan);
        let mut ledger = Ledger {
            gives_up: !is_attended,
            done: Outcomes::of(&self.plan),
            ..Ledger::default()
        };
        let mut tasks: JoinSet<(StepId, Ended, u64)> = JoinSet::new();
        let mut step_of_task = HashMap::new();
        let cancel = CancellationToken::new();
        let (repeats, mut repeated) = mpsc::unbounded_channel();
        let mut held_since: Option<Instant> = None;
        // The source is free when the snapshot is released and every FDW session has committed.
        let mut holders = self
            .plan
            .steps
            .iter()
            .filter(|step| {
                matches!(
                    step.kind,
                    StepKind::ReleaseSnapshot | StepKind::FdwCommit { .. }
                )
            })
            .count();
        let mut may_stop = true;
        let mut is_heard = true;
        let mut is_waiting = false;

        while !schedule.is_over() {
            for id in schedule.start() {
                self.tell(RunEvent::StepStarted(id)).await;
                let kind = self.plan.step(id).map(|step| step.kind);
                if matches!(kind, Some(StepKind::OpenSnapshot | StepKind::FdwBarrier)) {
                    held_since.get_or_insert_with(Instant::now);
                }
                let task = tasks.spawn(run_step(
                    Arc::clone(&self.executor),
                    id,
                    cancel.clone(),
                    repeats.clone(),
                ));
                step_of_task.insert(task.id(), id);
            }
            let is_idle = tasks.is_empty();
            // Nothing runs and nothing may start: the plan's needs form a ring.
            if is_idle && !schedule.waits_for_word() {
                ledger
                    .failed
                    .extend(schedule.stuck().map(|id| (id, ring())));
                break;
            }
            if is_idle && !ledger.undecided.is_empty() && !is_waiting {
                self.tell(RunEvent::Waiting).await;
            }
            is_waiting = is_idle;
            tokio::select! {
                Some(again) = repeated.recv() => self.repeated(again, &mut ledger).await,
                Some(ended) = tasks.join_next_with_id() => {
                    // That it was tried again is told before how it ended.
                    while let Ok(again) = repeated.try_recv() {
                        self.repeated(again, &mut ledger).await;
                    }
                    let (id, (result, notices), elapsed_ms) = match ended {
                        Ok((task, ended)) => {
                            step_of_task.remove(&task);
                            ended
                        }
                        Err(error) => {
                            let Some(id) = step_of_task.remove(&error.id()) else { continue };
                            (id, (Err(crashed(&error)), Vec::new()), 0)
                        }
                    };
                    for notice in notices {
                        self.notice(id, notice, &mut ledger).await;
                    }
                    let kind = self.plan.step(id).map(|step| step.kind);
                    let succeeded = result.is_ok();
                    match result {
                        Ok(mut outcome) => {
                            outcome.elapsed_ms = elapsed_ms;
                            outcome.ended_ms = millis(began.elapsed());
                            let finished = RunEvent::StepFinished {
                                step: id,
                                rows: outcome.rows,
                                bytes: outcome.bytes,
                                elapsed_ms,
                                is_kept: outcome.arrival == Arrival::Kept,
                            };
                            ledger.done.set(id, outcome);
                            self.tell(finished).await;
                        }
                        // What the user stopped has not failed.
                        Err(_) if ledger.stop == Some(Stop::Now) && !self.is_clean_up(id) => {
                            let because = "stopped, and rolled back".to_owned();
                            self.tell(RunEvent::StepSkipped { step: id, because: because.clone() }).await;
                            ledger.skipped.push((id, because));
                        }
                        Err(problem) if !ledger.gives_up && ledger.stop.is_none() && self.may_be_mended(id) => {
                            self.tell(RunEvent::StepUndecided { step: id, problem: Box::new(problem.clone()) }).await;
                            ledger.undecided.insert(id, problem);
                            schedule.set_aside(id);
                            continue;
                        }
                        Err(problem) => {
                            self.tell(RunEvent::StepFailed { step: id, problem: Box::new(problem.clone()) }).await;
                            ledger.failed.push((id, problem));
                        }
                    }
                    if matches!(kind, Some(StepKind::ReleaseSnapshot | StepKind::FdwCommit { .. })) {
                        holders = holders.saturating_sub(1);
                        if let (0, Some(since)) = (holders, held_since) {
                            let held_ms = millis(since.elapsed());
                            ledger.snapshot_held_ms = Some(held_ms);
                            self.tell(RunEvent::SnapshotReleased { held_ms }).await;
                        }
                    }
                    if let (Some(StepKind::FdwCommit { session }), false) = (kind, succeeded) {
                        self.take_back(&mut ledger, session);
                    }
                    let fallen = schedule.finish(id, succeeded);
                    self.skipped(fallen, &mut ledger).await;
                }
                changed = wishes.changed(), if may_stop => {
                    let wish = *wishes.borrow_and_update();
                    match (changed, wish) {
                        // The handle is gone: nobody can ask to stop any more, and nobody watches.
                        (Err(_), _) => may_stop = false,
                        (Ok(()), Some(stop)) => {
                            ledger.stop = Some(stop);
                            self.tell(RunEvent::Stopping(stop)).await;
                            if stop == Stop::Now {
                                cancel.cancel();
                            }
                            self.give_up(&mut schedule, &mut ledger).await;
                            let fallen = schedule.stop(stop);
                            self.skipped(fallen, &mut ledger).await;
                        }
                        (Ok(()), None) => {}
                    }
                }
                control = controls.recv(), if is_heard => {
                    if let Some(control) = control {
                        self.obey(control, &mut schedule, &mut ledger).await;
                    } else {
                        // Nobody is there any more to decide anything.
                        is_heard = false;
                        self.obey(Control::GiveUp, &mut schedule, &mut ledger).await;
                        self.obey(Control::GoOn, &mut schedule, &mut ledger).await;
                    }
                }
            }
        }
        self.executor.sessions.close(|_| true);
        for (id, outcome) in self.executor.doubts.take_redone() {
            if let Some(done) = ledger.done.get_mut(id) {
                let (elapsed_ms, ended_ms) = (done.elapsed_ms, done.ended_ms);
                *done = StepOutcome {
                    elapsed_ms,
                    ended_ms,
                    ..outcome
                };
            }
        }
        if ledger.may_be_switched_to(&self.plan) {
            let source = self.executor.sessions.source();
            let asked = lingering::sessions(source).await;
            let found = asked
                .inspect_err(|problem| tracing::info!("{problem}"))
                .ok();
            ledger.lingering = Some(Lingering {
                database: source.database.clone(),
                sessions: found,
            });
        }
        let destination = self.executor.sessions.destination();
        let elapsed_ms = millis(began.elapsed());
        let report = ledger.report(&self.plan, destination, started_at, elapsed_ms);
        self.tell(RunEvent::Finished(Box::new(report))).await;
    }

    fn is_clean_up(&self, id: StepId) -> bool {
        self.plan
            .step(id)
            .is_some_and(|step| step.rule == Rule::Always)
    }

    /// Rows of an FDW session whose commit failed are not there.
    fn take_back(&self, ledger: &mut Ledger, session: u16) {
        for step in &self.plan.steps {
            if step.kind == (StepKind::FdwRows { session }) {
                ledger.done.take_back(step.id);
            }
        }
    }

    async fn repeated(&self, again: RunEvent, ledger: &mut Ledger) {
        if let RunEvent::StepRepeated { step, problem, .. } = &again {
            let problems = ledger.repeated.entry(*step).or_default();
            problems.push((**problem).clone());
        }
        self.tell(again).await;
    }

    async fn notice(&self, step: StepId, notice: Notice, ledger: &mut Ledger) {
        if notice.level > NoticeLevel::Info {
            ledger.warnings.push(notice.text.clone());
        }
        let (level, text) = (notice.level, notice.text);
        self.tell(RunEvent::Notice {
            level,
            text,
            step: Some(step),
        })
        .await;
    }

    pub(super) async fn skipped(&self, fallen: Vec<(StepId, Option<StepId>)>, ledger: &mut Ledger) {
        for (step, reason) in fallen {
            let because = match reason.and_then(|id| self.plan.step(id)) {
                Some(reason) => format!("it needs \"{}\", which did not succeed", reason.title),
                None => "the run was stopped".to_owned(),
            };
            self.tell(RunEvent::StepSkipped {
                step,
                because: because.clone(),
            })
            .await;
            ledger.skipped.push((step, because));
        }
    }
}

/// A line of the log file. Statements stand in the plan; here is what became of them.
fn log(plan: &Plan, event: &RunEvent) {
    let title = |id: StepId| plan.step(id).map_or("", |step| step.title.as_str());
    // Only howdah begins a line: a server's words could look like one of the log's.
    let words = |text: &str| printable_lines(text).replace('\n', "\n  ");
    match event {
        RunEvent::StepStarted(id) => tracing::info!("begin: {}", title(*id)),
        RunEvent::StepFinished {
            step,
            rows,
            bytes,
            elapsed_ms,
            ..
        } => tracing::info!(
            "done: {}: {rows} rows, {bytes} bytes, {elapsed_ms} ms",
            title(*step)
        ),
        RunEvent::StepFailed { problem, .. } | RunEvent::StepUndecided { problem, .. } => {
            tracing::error!("failed: {}", words(&problem.to_string()));
        }
        RunEvent::StepRepeated {
            step,
            attempt,
            pause_ms,
            problem,
        } => tracing::warn!(
            "tried again ({attempt}) in {pause_ms} ms: {}: {}",
            title(*step),
            words(&problem.to_string())
        ),
        RunEvent::StepSkipped { step, because } | RunEvent::StepLeftOut { step, because } => {
            tracing::warn!("left out: {}: {because}", title(*step));
        }
        RunEvent::Notice { text, .. } => tracing::info!("notice: {}", words(text)),
        RunEvent::SnapshotReleased { held_ms } => {
            tracing::info!("the source's snapshot was held for {held_ms} ms");
        }
        RunEvent::Stopping(stop) => tracing::warn!("asked to stop: {stop:?}"),
        RunEvent::Paused(is_paused) => tracing::warn!("paused: {is_paused}"),
        RunEvent::Waiting => tracing::warn!("waiting for a word about what has failed"),
        RunEvent::Finished(report) => {
            tracing::info!(
                "finished: {:?}, {} failures",
                report.outcome,
                report.failures.len()
            );
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

async fn run_step(
    executor: Arc<Executor>,
    id: StepId,
    cancel: CancellationToken,
    events: mpsc::UnboundedSender<RunEvent>,
) -> (StepId, Ended, u64) {
    let began = Instant::now();
    let Some(step) = executor.plan.step(id) else {
        let problem = Problem::new("Could not run a step", "the plan does not have it");
        return (id, (Err(problem), Vec::new()), 0);
    };
    let cancellers = Cancellers::default();
    let ended = if let StepKind::PutBack { .. } = step.kind {
        // The server checks every row, which takes its time; leaving it out would lose what the user had.
        retry::execute(&executor, step, &cancellers, &cancel, &events).await
    } else if step.rule == Rule::Always {
        let execution = retry::execute(&executor, step, &cancellers, &cancel, &events);
        tokio::time::timeout(CLEAN_UP_LIMIT, execution)
            .await
            .unwrap_or_else(|_| {
                let problem = Problem::new(&step.title, "the destination did not answer in time")
                    .hint("Run the statements yourself when the destination is back.");
                (Err(problem), Vec::new())
            })
    } else {
        let execution = retry::execute(&executor, step, &cancellers, &cancel, &events);
        let mut execution = std::pin::pin!(execution);
        tokio::select! {
            ended = &mut execution => ended,
            () = cancel.cancelled() => {
                // The server must stop too, not only our waiting for it.
                let held: Vec<_> =
                    cancellers.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
                // Where there is no session yet, nothing is lost by not waiting for one.
                let grace = if held.is_empty() { Duration::ZERO } else { CANCEL_GRACE };
                for canceller in held {
                    // A cancel request that fails leaves the closing of the session to do the same.
                    let _unheard = canceller.cancel().await.is_err();
                }
                let ended = tokio::time::timeout(grace, &mut execution).await;
                match ended {
                    // It was done before the cancel request arrived.
                    Ok((Ok(outcome), notices)) => (Ok(outcome), notices),
                    _ => (Err(Problem::new(&step.title, "stopped, and rolled back")), Vec::new()),
                }
            }
        }
    };
    (id, ended, millis(began.elapsed()))
}

fn ring() -> Problem {
    Problem::new(
        "Could not continue",
        "the steps left wait for one another, and none can start",
    )
    .hint("This is a bug in howdah. Nothing of these steps was begun.")
}

fn crashed(error: &tokio::task::JoinError) -> Problem {
    Problem::new("A worker of howdah crashed", error.to_string()).hint(
        "This is a bug in howdah. What the step had begun is rolled back; other steps continue.",
    )
}
