//! What may pass by itself is tried again: which errors, which steps, and for how long.
//!
//! A step is repeated only where that can double nothing. A connection that is lost while a COMMIT is under way leaves open
//! whether it went through: then the lost session is ended on the server, and the journal, whose row commits with the step's
//! work, is asked before anything is done again.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::model::connection::Side;
use crate::model::event::RunEvent;
use crate::model::patience::{Backoff, Cause};
use crate::model::plan::{Action, Repeat, Rule, Session, Statement, Step, StepId, StepKind, Way};
use crate::model::problem::{Problem, Retry};
use crate::pg::problem::problem;
use crate::sql::statements;

use super::execute::{Cancellers, Ended, Executor};
use super::failpoint;
use super::outcome::{StepOutcome, Violations};
use super::recovery;
use super::sessions::Open;

/// All pauses together: a server restarts, or another takes over.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often is looked whether a lost session has ended.
const LOOKING: Duration = Duration::from_millis(100);

/// What is left where the state of the source that is read is lost.
pub(super) const GO_ON: &str = "Run howdah resume: it takes a new snapshot, keeps what proves to be the same as on the source and copies the rest.";

/// A lock was not to be had in the time that was given for it.
fn is_held(problem: &Problem) -> bool {
    matches!(problem.sqlstate.as_deref(), Some("55P03" | "57014"))
}

/// Why trying again may help; none where something must be mended first.
fn cause(kind: StepKind, problem: &Problem) -> Option<Cause> {
    // It waits only for a short while behind a writer, and lets go, so that nobody queues behind it.
    (kind == StepKind::FdwBarrier && is_held(problem))
        .then_some(Cause::Conflict)
        .or_else(|| Cause::of(problem))
}

/// Steps of which nobody knows whether they are done, and sessions that may still be at them.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    steps: Mutex<HashMap<StepId, StepOutcome>>,
    sessions: Mutex<Vec<(i32, String)>>,
    finished: Mutex<Vec<StepId>>,
    /// Servers that were waited for in vain: until one answers again, no other step waits for it.
    worn_out: Mutex<HashSet<Side>>,
    /// The state of the source that the run reads is gone: the source is not worth waiting for, whichever step still ends well.
    is_over: AtomicBool,
    /// What steps brought when they were done once more because the destination had forgotten them.
    redone: Mutex<HashMap<StepId, StepOutcome>>,
    /// Held by who looks what the destination has forgotten.
    pub(super) recovering: tokio::sync::Mutex<()>,
}

impl Doubts {
    /// Statements were sent at once: whether a COMMIT among them went through is not known when there is no answer.
    pub(super) fn commit(
        &self,
        step: &Step,
        batch: &[&Statement],
        ran: Result<(), Problem>,
        brought: &StepOutcome,
    ) -> Result<(), Problem> {
        if !batch.iter().any(|one| one.sql() == statements::COMMIT) {
            return ran;
        }
        let lost = failpoint::loses(step).then(|| Problem {
            retry: Retry::MayPass,
            ..Problem::new(&step.title, "the failpoint lost the answer")
        });
        let ran = lost.map_or(ran, Err);
        if ran.is_err() {
            self.about(step.id, Some(brought.clone()));
        }
        ran
    }

    /// Its connection was lost; `outcome` is what it had brought before its COMMIT was sent.
    pub(super) fn about(&self, step: StepId, outcome: Option<StepOutcome>) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Some(outcome) => drop(steps.insert(step, outcome)),
            None => drop(steps.entry(step).or_default()),
        }
    }

    fn take(&self, step: StepId) -> Option<StepOutcome> {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        steps.remove(&step)
    }

    /// A session that was given up: its server process may not know yet.
    pub(super) fn lost(&self, pid: i32, since: String) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.push((pid, since));
    }

    fn wear_out(&self, sides: impl IntoIterator<Item = Side>) {
        let mut worn_out = self.worn_out.lock().unwrap_or_else(PoisonError::into_inner);
        worn_out.extend(sides);
    }

    /// Also of the source, which FDW's steps never name.
    fn end(&self) {
        self.wear_out(Side::BOTH);
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Somebody has mended what failed, or does without it: the run may end well after all.
    pub(super) fn go_on(&self) {
        self.is_over.store(false, Ordering::Relaxed);
    }

    fn waits(&self, rule: Rule, mut sides: impl Iterator<Item = Side>) -> bool {
        let worn_out = self.worn_out.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = rule != Rule::Always && self.is_over.load(Ordering::Relaxed);
        !sides.any(|side| worn_out.contains(&side) || is_over && side == Side::Source)
    }

    fn finished(&self, step: StepId, sides: impl Iterator<Item = Side>) {
        let mut worn_out = self.worn_out.lock().unwrap_or_else(PoisonError::into_inner);
        for side in sides {
            worn_out.remove(&side);
        }
        drop(worn_out);
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        finished.push(step);
    }

    /// In the order in which they have ended.
    pub(super) fn all_finished(&self) -> Vec<StepId> {
        let finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        finished.clone()
    }

    pub(super) fn redone(&self, step: StepId, outcome: StepOutcome) {
        let mut redone = self.redone.lock().unwrap_or_else(PoisonError::into_inner);
        redone.insert(step, outcome);
    }

    pub(super) fn take_redone(&self) -> HashMap<StepId, StepOutcome> {
        std::mem::take(&mut self.redone.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn sessions(&self) -> Vec<(i32, String)> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.clone()
    }

    fn ended(&self, gone: &(i32, String)) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|one| one != gone);
    }
}

fn sides(step: &Step) -> impl Iterator<Item = Side> {
    step.statements.iter().map(|one| one.session.side())
}

/// Executes a step, again and again where its error may pass. What it waits for, and that it does, is told.
pub(super) async fn execute(
    executor: &Executor,
    step: &Step,
    cancellers: &Cancellers,
    cancel: &CancellationToken,
    events: &UnboundedSender<RunEvent>,
) -> Ended {
    let mut told = Vec::new();
    let mut backoff = Backoff::new(PATIENCE);
    loop {
        let (result, notices) = match recovery::recover(executor, step, cancellers, events).await {
            Ok(()) => attempt(executor, step, cancellers).await,
            Err(problem) => (Err(problem), Vec::new()),
        };
        told.extend(notices);
        let Err(problem) = result else {
            executor.doubts.finished(step.id, sides(step));
            return (result, told);
        };
        let problem = match step.kind {
            StepKind::FdwBarrier if is_held(&problem) => problem.hint(
                "A transaction on the source has written to one of the tables and is still open; FDW sessions begin when it has ended. End it, or use COPY.",
            ),
            _ => problem,
        };
        let cause = cause(step.kind, &problem);
        if cause == Some(Cause::Lost) {
            executor.doubts.about(step.id, None);
            if step
                .statements
                .iter()
                .any(|s| s.session.side() == Side::Destination)
            {
                executor.sessions.suspect(true);
            }
        }
        let problem = match lost_state(executor, step, cause) {
            Some(hint) => {
                executor.doubts.end();
                let lost = Problem {
                    retry: Retry::Never,
                    ..problem.hint(hint)
                };
                return (Err(lost), told);
            }
            None => problem,
        };
        let may_repeat = step.repeat != Repeat::Never || step.is_of_last_transaction();
        let may_repeat =
            cause.is_some() && may_repeat && executor.doubts.waits(step.rule, sides(step));
        let pause = if may_repeat { backoff.pause() } else { None };
        if may_repeat && pause.is_none() {
            executor.doubts.wear_out(sides(step));
        }
        // What cleans up after a stop may find a lost session, and takes another; it waits for nothing else then.
        let is_wanted =
            !cancel.is_cancelled() || (step.rule == Rule::Always && backoff.attempts < 2);
        let Some(pause) = pause.filter(|_| is_wanted) else {
            return (Err(given_up(problem, &backoff)), told);
        };
        // Nobody listens any more only when the run is over.
        drop(events.send(RunEvent::StepRepeated {
            step: step.id,
            attempt: backoff.attempts + 1,
            pause_ms: u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            problem: Box::new(problem),
        }));
        executor.progress.reset(step.id);
        if cause == Some(Cause::Lost) {
            // Others of that server are lost as well, and may not know it yet.
            let is_fresh = |kind| matches!(kind, Session::Destination | Session::SourceNow);
            executor.sessions.close(is_fresh);
        }
        // What it held is gone: there is nothing to cancel.
        let held = cancellers.lock();
        held.unwrap_or_else(PoisonError::into_inner).clear();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = cancel.cancelled(), if step.rule != Rule::Always => {
                let stopped = Problem::new(&step.title, "stopped while it waited to be tried again");
                return (Err(stopped), told);
            }
        }
    }
}

async fn attempt(executor: &Executor, step: &Step, cancellers: &Cancellers) -> Ended {
    let Some(before) = executor.doubts.take(step.id) else {
        return executor.execute(step, cancellers).await;
    };
    match look(executor, step, before.clone()).await {
        Ok(Some(outcome)) => (Ok(outcome), Vec::new()),
        Ok(None) => {
            if step.is_of_last_transaction()
                && let Err(problem) = recovery::renew_last(executor, step, cancellers).await
            {
                executor.doubts.about(step.id, Some(before));
                return (Err(problem), Vec::new());
            }
            executor.execute(step, cancellers).await
        }
        Err(problem) => {
            executor.doubts.about(step.id, Some(before));
            (Err(problem), Vec::new())
        }
    }
}

/// Rows of the step can only be those of a state of the source that is gone.
fn lost_state(executor: &Executor, step: &Step, cause: Option<Cause>) -> Option<&'static str> {
    let reads = |wanted: fn(Session) -> bool| step.statements.iter().any(|s| wanted(s.session));
    match step.kind {
        StepKind::OpenSnapshot | StepKind::FdwBarrier => None,
        // Whatever it failed for: a session may say that the snapshot is not valid before the one that held it is missed.
        _ if reads(|session| session == Session::Source) && !executor.sessions.holds_snapshot() => {
            Some(
                "The session that held the source's snapshot was lost, so nobody can read that state of the source any more. Run howdah resume: it takes a new snapshot, keeps what proves to be the same as on the source and copies the rest.",
            )
        }
        _ if cause.is_none() => None,
        StepKind::FdwRows { .. } | StepKind::FdwCommit { .. } => Some(
            "The rows that this FDW session had pulled are rolled back, and the state of the source that it read is gone. Run howdah resume: it starts from the source's state then, keeps what proves to be the same as on the source and copies the rest.",
        ),
        _ => None,
    }
}

fn given_up(problem: Problem, backoff: &Backoff) -> Problem {
    let tries = backoff.attempts;
    if tries < 2 {
        return problem;
    }
    let words = format!("It was tried {tries} times in two minutes.");
    let hint = match &problem.our_hint {
        Some(hint) => format!("{words} {hint}"),
        None => words,
    };
    problem.hint(hint)
}

/// Whether a step is done of which that is not known; what it brought, if so.
async fn look(
    executor: &Executor,
    step: &Step,
    brought: StepOutcome,
) -> Result<Option<StepOutcome>, Problem> {
    let session = match step.repeat {
        Repeat::Never | Repeat::Freely if step.is_of_last_transaction() => Session::Destination,
        Repeat::Never | Repeat::Freely => return Ok(None),
        Repeat::AskForDatabase => Session::Maintenance,
        Repeat::AskJournal | Repeat::AskForJournal | Repeat::AskForNoJournal => {
            Session::Destination
        }
    };
    let open = executor.sessions.take(session, true).await?;
    let found = match step.repeat {
        Repeat::Never | Repeat::Freely => {
            end_lost_sessions(executor, &open).await?;
            None
        }
        Repeat::AskForDatabase => {
            let name = &executor.plan.destination_database;
            ask(&open, statements::HAS_DATABASE, name)
                .await?
                .then_some(brought)
        }
        Repeat::AskForJournal | Repeat::AskForNoJournal => {
            end_lost_sessions(executor, &open).await?;
            let answer = open.client.query_one(statements::HAS_JOURNAL, &[]).await;
            let answer = answer.map_err(|error| problem(WHAT, &error))?;
            let is_wanted = step.repeat == Repeat::AskForJournal;
            (answer.get::<_, bool>(0) == is_wanted).then_some(brought)
        }
        Repeat::AskJournal => {
            end_lost_sessions(executor, &open).await?;
            row(step, &open, brought).await?
        }
    };
    executor.sessions.give_back(open);
    Ok(found)
}

const WHAT: &str = "Could not find out whether the step is done";

async fn ask(open: &Open, question: &str, about: &str) -> Result<bool, Problem> {
    let answer = open.client.query_one(question, &[&about]).await;
    let row = answer.map_err(|error| problem(WHAT, &error))?;
    Ok(row.get(0))
}

/// The journal's row, and what the step had left to do after it: to count what breaks a key that was added all the same.
async fn row(
    step: &Step,
    open: &Open,
    mut brought: StepOutcome,
) -> Result<Option<StepOutcome>, Problem> {
    let key = step.journal_key.as_str();
    let asked = open.client.query_opt(statements::READ_STEP, &[&key]).await;
    let Some(found) = asked.map_err(|error| problem(WHAT, &error))? else {
        return Ok(None);
    };
    let way = found.get::<_, Option<&str>>(0).and_then(Way::of_word);
    let mut fallbacks = step.fallbacks().iter();
    let Some(fallback) = fallbacks.find(|one| way.is_some() && one.way == way) else {
        return Ok(Some(brought));
    };
    let mut list = fallback.statements.iter();
    if let Some(count) = list.find(|s| s.action == Action::CountViolations) {
        let counted = open.client.query_typed_one(&count.sql(), &[]).await;
        let counted = counted.map_err(|error| problem(WHAT, &error))?;
        brought.oddities_mut().violations = Some(Violations::of(&counted));
    }
    let refused = Problem::new(&step.title, "refused, before the connection was lost");
    brought.oddities_mut().refusal = Some((refused, fallback.clone()));
    Ok(Some(brought))
}

/// Lost sessions may still be at work, or about to commit: they are ended first, so that what is seen then stays so.
pub(super) async fn end_lost_sessions(executor: &Executor, open: &Open) -> Result<(), Problem> {
    for lost in executor.doubts.sessions() {
        let (pid, since) = &lost;
        loop {
            let asked = open
                .client
                .query_opt(statements::END_BACKEND, &[pid, since])
                .await;
            let there = asked.map_err(|error| problem(WHAT, &error))?;
            if there.is_none() {
                break;
            }
            tokio::time::sleep(LOOKING).await;
        }
        executor.doubts.ended(&lost);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_held_is_waited_for_at_the_barrier_alone() {
        for code in ["55P03", "57014"] {
            let held = Problem {
                sqlstate: Some(code.to_owned()),
                ..Problem::new("Could not", "it was not to be")
            };
            assert_eq!(cause(StepKind::Sql, &held), None);
            assert_eq!(cause(StepKind::FdwBarrier, &held), Some(Cause::Conflict));
        }
    }

    /// A table that was nearly in when the source stopped ends well after another has told that the run is over.
    #[test]
    fn once_the_source_s_state_is_lost_nothing_but_what_cleans_up_waits_for_the_source() {
        let doubts = Doubts::default();
        let both = || Side::BOTH.into_iter();
        assert!(doubts.waits(Rule::default(), both()));
        doubts.wear_out([Side::Source]);
        assert!(!doubts.waits(Rule::default(), both()));
        doubts.finished(StepId(1), both());
        assert!(doubts.waits(Rule::default(), both()));
        doubts.end();
        assert!(!doubts.waits(Rule::Always, both()));
        doubts.finished(StepId(2), both());
        assert!(!doubts.waits(Rule::default(), both()));
        assert!(doubts.waits(Rule::default(), std::iter::once(Side::Destination)));
        assert!(doubts.waits(Rule::Always, both()));
        doubts.go_on();
        assert!(doubts.waits(Rule::default(), both()));
        assert_eq!(doubts.all_finished(), [StepId(1), StepId(2)]);
    }

    #[test]
    fn a_doubt_keeps_what_was_brought_before_the_commit() {
        let doubts = Doubts::default();
        let brought = StepOutcome {
            rows: 7,
            ..StepOutcome::default()
        };
        doubts.about(StepId(3), Some(brought));
        doubts.about(StepId(3), None);
        assert_eq!(doubts.take(StepId(3)).map(|outcome| outcome.rows), Some(7));
        assert!(doubts.take(StepId(3)).is_none());
    }
}
