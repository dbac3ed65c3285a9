//! What a destination that crashed has forgotten is done once more.
//!
//! No commit of a run waits for the disk: a server that crashes, or a standby that takes over, may have lost the last of what it
//! had confirmed. The journal's rows are lost with the work they stand for, so it tells what is to be done again. Where that
//! cannot be, the run ends, and resume goes on.

use std::collections::HashSet;

use tokio::sync::mpsc::UnboundedSender;

use crate::model::event::{NoticeLevel, RunEvent};
use crate::model::format::counted;
use crate::model::plan::{
    JOURNAL_REMOVAL_KEY, LAST_TRANSACTION_KEY, Phase, Repeat, Session, Step, StepKind,
};
use crate::model::problem::Problem;
use crate::pg::problem::problem;
use crate::sql::statements;

use super::execute::{Cancellers, Executor};
use super::retry::{GO_ON, end_lost_sessions};

const WHAT: &str = "Could not find out what the destination has kept";

/// What is there of a run's journal.
struct Kept {
    /// None: there is no journal.
    keys: Option<HashSet<String>>,
    has_crashed: bool,
}

/// Once for all steps that wait: looks, if a session of the destination was lost, and does again what is lost with it.
pub(super) async fn recover(
    executor: &Executor,
    step: &Step,
    cancellers: &Cancellers,
    events: &UnboundedSender<RunEvent>,
) -> Result<(), Problem> {
    if !executor.sessions.is_suspect() {
        return Ok(());
    }
    let _alone = executor.doubts.recovering.lock().await;
    if !executor.sessions.is_suspect() {
        return Ok(());
    }
    let finished = executor.doubts.all_finished();
    let finished: Vec<&Step> = finished
        .iter()
        .filter_map(|id| executor.plan.step(*id))
        .collect();
    let has_begun = |step: &&Step| step.repeat == Repeat::AskForJournal;
    if !executor.plan.goes_on() && !finished.iter().any(has_begun) {
        executor.sessions.suspect(false);
        return Ok(());
    }
    let kept = look(executor).await?;
    let again = match &kept.keys {
        // It went by a commit that waited for the disk.
        None if is_at_the_end(step, &finished) => Vec::new(),
        keys if kept.has_crashed => lost(executor, &finished, keys.as_ref())?,
        _ => Vec::new(),
    };
    executor.sessions.suspect(false);
    if again.is_empty() {
        return Ok(());
    }
    let titles: Vec<&str> = again.iter().map(|step| step.title.as_str()).collect();
    let text = format!(
        "The destination server crashed or was replaced. What it may have lost is done again, {}: {}.",
        counted(again.len() as u64, "step", "steps"),
        titles.join("; ")
    );
    drop(events.send(RunEvent::Notice {
        level: NoticeLevel::Warning,
        text,
        step: None,
    }));
    let redone = redo(executor, &again, cancellers).await;
    executor.sessions.suspect(redone.is_err());
    redone
}

/// The journal may have been removed.
fn is_at_the_end(step: &Step, finished: &[&Step]) -> bool {
    let is_last = |step: &&Step| {
        matches!(
            step.journal_key.as_str(),
            LAST_TRANSACTION_KEY | JOURNAL_REMOVAL_KEY
        )
    };
    is_last(&step) || finished.iter().any(is_last)
}

/// In the order in which they were done: what each needs is there again.
async fn redo(
    executor: &Executor,
    again: &[&Step],
    cancellers: &Cancellers,
) -> Result<(), Problem> {
    for step in again {
        let (result, _) = executor.execute(step, cancellers).await;
        executor.doubts.redone(step.id, result?);
    }
    let open = executor.sessions.take(Session::Destination, true).await?;
    let marked = open.client.batch_execute(statements::MARK_UNBROKEN_AGAIN);
    marked.await.map_err(|error| problem(WHAT, &error))?;
    executor.sessions.give_back(open);
    Ok(())
}

/// The last transaction was lost with its session, and nothing of it is there: it begins anew.
pub(super) async fn renew_last(
    executor: &Executor,
    step: &Step,
    cancellers: &Cancellers,
) -> Result<(), Problem> {
    executor.sessions.close(|kind| kind == Session::Last);
    for id in executor.doubts.all_finished() {
        let Some(earlier) = executor.plan.step(id) else {
            continue;
        };
        if earlier.id != step.id && earlier.is_of_last_transaction() {
            let (result, _) = executor.execute(earlier, cancellers).await;
            result?;
        }
    }
    Ok(())
}

async fn look(executor: &Executor) -> Result<Kept, Problem> {
    let failed = |error| problem(WHAT, &error);
    let open = executor.sessions.open(Session::Destination).await?;
    // The last transaction of a lost session would keep the journal locked.
    end_lost_sessions(executor, &open).await?;
    let client = &open.client;
    let there = client.query_one(statements::HAS_JOURNAL, &[]).await;
    if !there.map_err(failed)?.get::<_, bool>(0) {
        return Ok(Kept {
            keys: None,
            has_crashed: true,
        });
    }
    let unbroken = client.query_one(statements::IS_UNBROKEN, &[]).await;
    let steps = client.query(statements::READ_DONE, &[]).await;
    let kept = Kept {
        has_crashed: !unbroken.map_err(failed)?.get::<_, bool>(0),
        keys: Some(
            steps
                .map_err(failed)?
                .iter()
                .map(|row| row.get(0))
                .collect(),
        ),
    };
    executor.sessions.give_back(open);
    Ok(kept)
}

/// The steps to do once more. What leaves no row in the journal is done again in any case: it may be, and costs little.
fn lost<'a>(
    executor: &Executor,
    finished: &[&'a Step],
    keys: Option<&HashSet<String>>,
) -> Result<Vec<&'a Step>, Problem> {
    // An earlier run's rows in the journal say nothing of what this one has done.
    if executor.plan.goes_on() {
        return Err(forgotten("what was done last"));
    }
    let committed: HashSet<u16> = finished
        .iter()
        .filter_map(|step| match step.kind {
            StepKind::FdwCommit { session } => Some(session),
            _ => None,
        })
        .collect();
    let mut again = Vec::new();
    for step in finished {
        let is_emptied = executor.plan.unlogged.contains(&step.id);
        let is_gone =
            is_emptied || keys.is_none_or(|keys| !keys.contains(step.journal_key.as_str()));
        let is_wanted = match (step.kind, step.repeat) {
            (StepKind::FdwRows { session }, _) if is_gone && committed.contains(&session) => {
                return Err(forgotten(&step.title));
            }
            (_, Repeat::AskJournal) => is_gone,
            (_, Repeat::AskForJournal) => keys.is_none(),
            (StepKind::Sql | StepKind::Sequence, Repeat::Freely) => step.phase != Phase::CleanUp,
            (StepKind::VerifySequence { .. }, _) => true,
            _ => false,
        };
        if !is_wanted {
            continue;
        }
        // It may have come after the crash already, beside what the crash has left.
        let empties = step
            .statements
            .iter()
            .any(|s| statements::empties(&s.sql()));
        let meets = || keys.is_some_and(|keys| meets_triggers(executor, step, keys));
        if is_emptied && (!empties || meets()) {
            return Err(forgotten(&step.title));
        }
        let reads = |session: Session| step.statements.iter().any(|s| s.session == session);
        if reads(Session::Source) && !executor.sessions.holds_snapshot() {
            return Err(forgotten(&step.title));
        }
        again.push(*step);
    }
    Ok(again)
}

/// What was made after the step's rows would fire for them now, refuse them, or keep them from being emptied.
fn meets_triggers(executor: &Executor, step: &Step, keys: &HashSet<String>) -> bool {
    const KINDS: [&str; 3] = [
        "schema/TRIGGER/",
        "schema/FK CONSTRAINT/",
        "schema/CHECK CONSTRAINT/",
    ];
    let later = executor.plan.steps.iter();
    later
        .filter(|later| later.needs.contains(&step.id))
        .map(|later| later.journal_key.as_str())
        .any(|key| KINDS.iter().any(|kind| key.starts_with(kind)) && keys.contains(key))
}

fn forgotten(what: &str) -> Problem {
    Problem::new(
        "Could not continue after the destination server crashed or was replaced",
        format!("it has lost what it had confirmed: {what}"),
    )
    .hint(GO_ON)
}
