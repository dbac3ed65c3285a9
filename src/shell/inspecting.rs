//! The wizard's look at both databases: each check is told as it ends, and so is what is waited for.

use tokio::sync::mpsc::{self, Sender, UnboundedSender};

use crate::app::Msg;
use crate::checks::{self, Purpose, Told};
use crate::model::connection::Endpoint;
use crate::model::inspection::Inspection;
use crate::model::options::Options;
use crate::model::problem::Problem;

use super::effects::send;

/// Without options: as the journal of an interrupted run has them, which is gone on with.
pub(super) async fn inspect(
    source: Endpoint,
    destination: Endpoint,
    options: Option<Options>,
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
        Box::pin(inspect_telling(source, destination, options, results)),
        forward
    );
    outcome
}

/// Takes the sender along, so that it is dropped at the end.
async fn inspect_telling(
    source: Endpoint,
    destination: Endpoint,
    options: Option<Options>,
    results: UnboundedSender<Told>,
) -> Result<Inspection, Problem> {
    let tell = |told| {
        let _unheard = results.send(told);
    };
    // The user may still change the method after the checks.
    let (options, purpose) = if let Some(options) = options {
        (options, Purpose::Wizard)
    } else {
        let again = |again| tell(Told::Again(again));
        let asked = checks::patiently(again, || asked_for(&destination));
        (asked.await?, Purpose::Resume)
    };
    checks::inspect(source, destination, options, purpose, tell).await
}

/// What the interrupted run was begun with.
async fn asked_for(destination: &Endpoint) -> Result<Options, Problem> {
    let journal = checks::journal_of(destination).await?;
    journal.map(|one| one.request.options).ok_or_else(|| {
        Problem::new(
            "Could not go on with a run",
            "the destination has no journal of an interrupted one",
        )
        .hint("Its last run came to its end, or its journal was removed.")
    })
}
