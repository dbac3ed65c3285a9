//! The wizard's look at both databases: each check is told as it ends, and so is what is waited for. And removing what an
//! earlier run left.

use tokio::sync::mpsc::{self, Sender, UnboundedSender};

use crate::app::Msg;
use crate::checks::{self, Purpose, Told};
use crate::engine;
use crate::model::connection::Endpoint;
use crate::model::inspection::Inspection;
use crate::model::options::Options;
use crate::model::problem::Problem;

use super::effects::send;

/// What is asked of a reading.
pub(super) struct Wanted {
    /// None: as the journal of an interrupted run has them, which is gone on with.
    pub(super) options: Option<Options>,
    /// One check alone.
    pub(super) only: Option<&'static str>,
}

pub(super) async fn inspect(
    source: Endpoint,
    destination: Endpoint,
    wanted: Wanted,
    answers: Sender<Msg>,
    attempt: u64,
) -> Result<Inspection, Problem> {
    let (results, mut arriving) = mpsc::unbounded_channel();
    let forward = async move {
        while let Some(told) = arriving.recv().await {
            let msg = match told {
                Told::Result(result) => Msg::CheckDone { attempt, result },
                Told::Again(again) => Msg::CheckAgain {
                    attempt,
                    number: again.attempt,
                    problem: Box::new(again.problem),
                },
            };
            send(&answers, msg).await;
        }
    };
    // Joined, so that every result is told before the end.
    let (outcome, ()) = tokio::join!(
        Box::pin(inspect_telling(source, destination, wanted, results)),
        forward
    );
    outcome
}

/// Takes the sender along, so that it is dropped at the end.
async fn inspect_telling(
    source: Endpoint,
    destination: Endpoint,
    wanted: Wanted,
    results: UnboundedSender<Told>,
) -> Result<Inspection, Problem> {
    let tell = |told| {
        let _unheard = results.send(told);
    };
    // The user may still change the method after the checks.
    let (options, purpose) = if let Some(options) = wanted.options {
        (options, Purpose::Wizard)
    } else {
        let again = |again| tell(Told::Again(again));
        let asked = checks::patiently(again, || asked_for(&destination));
        (asked.await?, Purpose::Resume)
    };
    match wanted.only {
        Some(id) => checks::inspect_again(id, source, destination, options, purpose, tell).await,
        None => checks::inspect(source, destination, options, purpose, tell).await,
    }
}

/// What the interrupted run was begun with.
async fn asked_for(destination: &Endpoint) -> Result<Options, Problem> {
    let journal = checks::journal_of(destination).await?;
    journal.map(|one| one.request.options).ok_or_else(|| {
        Problem::new(
            "Could not resume a run",
            "the destination has no journal of an interrupted one",
        )
        .hint("Its last run finished, or its journal was removed.")
    })
}

/// What was shown is what is run, unless somebody is at work there meanwhile.
pub(super) async fn clean(destination: Endpoint, statements: Vec<String>) -> Result<(), Problem> {
    let found = checks::leftovers_of(&destination).await?;
    let refused = |message| {
        Problem::new("Nothing was removed", message)
            .hint("Run the checks again to see what is there now.")
    };
    if found.sessions > 0 {
        return Err(refused("a run of howdah is under way in this database"));
    }
    let (scratches, _) = checks::scratches_of(&destination).await?;
    let there: Vec<String> = (found.statements.into_iter())
        .chain(scratches.statements())
        .collect();
    if there != statements {
        return Err(refused("what is left there has changed since it was shown"));
    }
    engine::clean(&destination, &statements, |statement| {
        tracing::info!("{statement}");
    })
    .await
}
