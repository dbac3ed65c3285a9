//! What may pass by itself while servers are looked at is waited for: a server that starts, one without a free place for a
//! session, a connection that is lost in the middle. Checks change nothing, so they may be done twice.
//!
//! A server that has not answered yet and refuses the connection, or does not answer at all, is told at once: most often the
//! address is wrong, and whoever is there would rather know.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::connection::Endpoint;
use crate::model::finding::CheckResult;
use crate::model::inspection::Inspection;
use crate::model::options::Options;
use crate::model::patience::{Backoff, Cause};
use crate::model::problem::Problem;

use super::{Purpose, REACH};

/// All pauses together.
const PATIENCE: Duration = Duration::from_secs(30);

/// It will be tried again after a pause.
#[derive(Clone, Debug)]
pub struct Again {
    /// The attempt to come; the first is 1.
    pub attempt: u32,
    pub pause: Duration,
    pub problem: Problem,
}

/// What is told while databases are read.
#[derive(Clone, Debug)]
pub enum Told {
    /// A check has ended. One that had ended before is told once more where it now says something else.
    Result(CheckResult),
    Again(Again),
}

/// `has_answered`: the server is there, so that a connection which is refused now may be let in later.
fn may_pass(problem: &Problem, has_answered: bool) -> bool {
    let is_named = problem.sqlstate.is_some();
    matches!(Cause::of(problem), Some(Cause::Lost | Cause::Full)) && (is_named || has_answered)
}

async fn pause(
    problem: Problem,
    backoff: &mut Backoff,
    tell: impl FnOnce(Again),
) -> Result<(), Problem> {
    let Some(pause) = backoff.pause() else {
        let words = format!("It was tried {} times in half a minute.", backoff.attempts);
        let hint = match &problem.our_hint {
            Some(hint) => format!("{words} {hint}"),
            None => words,
        };
        return Err(problem.hint(hint));
    };
    tracing::warn!("tried again in {} ms: {problem}", pause.as_millis());
    tell(Again {
        attempt: backoff.attempts + 1,
        pause,
        problem,
    });
    tokio::time::sleep(pause).await;
    Ok(())
}

/// Looks at servers again and again where it fails for what may pass. `look` changes nothing.
pub async fn patiently<T, F: Future<Output = Result<T, Problem>>>(
    mut tell: impl FnMut(Again),
    mut look: impl FnMut() -> F,
) -> Result<T, Problem> {
    let mut backoff = Backoff::new(PATIENCE);
    loop {
        match Box::pin(look()).await {
            Err(problem) if may_pass(&problem, false) => {
                pause(problem, &mut backoff, &mut tell).await?;
            }
            ended => return ended,
        }
    }
}

/// Reads both databases and runs every check; `tell` hears each as it ends. An error: they could not be read at all, so no plan
/// can be made.
pub async fn inspect(
    source: Endpoint,
    destination: Endpoint,
    options: Options,
    purpose: Purpose,
    tell: impl FnMut(Told),
) -> Result<Inspection, Problem> {
    read([source, destination], options, purpose, None, tell).await
}

/// Reads both databases anew, for nothing that was read before holds for sure, but runs only the check of this id, and those
/// without which nothing can be read.
pub async fn inspect_again(
    id: &str,
    source: Endpoint,
    destination: Endpoint,
    options: Options,
    purpose: Purpose,
    tell: impl FnMut(Told),
) -> Result<Inspection, Problem> {
    let ends = [source, destination];
    read(ends, options, purpose, Some(id), tell).await
}

async fn read(
    ends: [Endpoint; 2],
    options: Options,
    purpose: Purpose,
    only: Option<&str>,
    mut tell: impl FnMut(Told),
) -> Result<Inspection, Problem> {
    let mut backoff = Backoff::new(PATIENCE);
    let mut known: HashMap<&'static str, CheckResult> = HashMap::new();
    let mut has_answered = false;
    loop {
        let mut broken: Option<Problem> = None;
        let mut held: Vec<CheckResult> = Vec::new();
        let attempt = super::read(ends.clone(), options.clone(), purpose, only, |result| {
            has_answered |= result.id == REACH;
            if broken.is_none() {
                let problem = result.outcome.as_ref().err();
                broken = problem.filter(|one| may_pass(one, true)).cloned();
            }
            // What comes after a lost connection only says so once more.
            if broken.is_some() {
                held.push(result);
            } else if known.get(result.id) != Some(&result) {
                known.insert(result.id, result.clone());
                tell(Told::Result(result));
            }
        });
        let ended = Box::pin(attempt).await;
        let failed = ended.as_ref().err();
        let problem = failed.filter(|one| may_pass(one, has_answered)).cloned();
        let Some(problem) = broken.or(problem) else {
            return ended;
        };
        let waited = pause(problem, &mut backoff, |again| tell(Told::Again(again))).await;
        if let Err(given_up) = waited {
            held.into_iter().map(Told::Result).for_each(&mut tell);
            return ended.map_err(|_| given_up);
        }
    }
}
