//! Runs a plan: schedules its steps, executes them on both servers, proves the copy, removes every scaffold.
//!
//! It never asks the user anything and knows nothing of screens: facts go out as [`RunEvent`]s, rows and bytes as counters,
//! and the only things that come in are a plan, two endpoints, wishes to stop and [`Control`]s.

mod advice;
mod clean;
mod control;
mod definitions;
mod execute;
mod failpoint;
pub mod forecast;
mod large_objects;
mod ledger;
mod lingering;
mod mend;
mod monitor;
mod outcome;
mod recovery;
mod retry;
mod run;
mod schedule;
mod sessions;
mod simulation;

pub use clean::clean;
pub use mend::mend;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::model::connection::{Endpoint, Side};
use crate::model::event::{Control, Progress, RunEvent, Stop};
use crate::model::plan::Plan;

use execute::Executor;
use monitor::Backends;
pub use monitor::{Monitor, Sight};
use sessions::Sessions;

/// Events that may wait for a slow reader before the engine waits for it; no event is ever dropped.
const EVENT_QUEUE: usize = 1024;

/// A run under way.
#[derive(Debug)]
pub struct RunHandle {
    pub events: mpsc::Receiver<RunEvent>,
    pub progress: Arc<Progress>,
    pub stopper: Stopper,
    /// For whoever wants to see what sessions wait for.
    pub monitor: Monitor,
    /// Dropping it gives up what is undecided and ends a pause.
    pub controls: mpsc::UnboundedSender<Control>,
}

/// Asks a run to end early. The last wish counts; `Now` is never taken back by `AfterCurrent`.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<Option<Stop>>);

impl Stopper {
    pub fn stop(&self, stop: Stop) {
        self.0.send_if_modified(|wish| {
            let is_stronger = wish.is_none_or(|present| stop > present);
            if is_stronger {
                *wish = Some(stop);
            }
            is_stronger
        });
    }
}

/// Starts the run in the background; `events` ends with [`RunEvent::Finished`].
pub fn start(plan: Arc<Plan>, source: Endpoint, destination: Endpoint) -> RunHandle {
    begin(plan, source, destination, false)
}

/// The same with somebody there: a failed step waits, undecided, for a word about it, and the run with it.
pub fn start_attended(plan: Arc<Plan>, source: Endpoint, destination: Endpoint) -> RunHandle {
    begin(plan, source, destination, true)
}

fn begin(plan: Arc<Plan>, source: Endpoint, destination: Endpoint, is_attended: bool) -> RunHandle {
    let (events_in, events) = mpsc::channel(EVENT_QUEUE);
    let progress = Arc::new(Progress::new(plan.steps.len()));
    let (stopper, wishes) = watch::channel(None);
    let backends = Arc::new(Backends::default());
    let monitor = Monitor {
        backends: Arc::clone(&backends),
        sides: [
            (Side::Source, source.clone(), plan.source_settings.clone()),
            (
                Side::Destination,
                destination.clone(),
                plan.destination_settings.clone(),
            ),
        ],
    };
    let sessions = Sessions::new(Arc::clone(&plan), source, destination);
    let executor = Executor {
        plan: Arc::clone(&plan),
        sessions,
        progress: Arc::clone(&progress),
        backends,
        doubts: retry::Doubts::default(),
    };
    let run = run::Run::new(plan, executor, events_in);
    let (controls, asked) = mpsc::unbounded_channel();
    tokio::spawn(run.drive(wishes, asked, is_attended));
    RunHandle {
        events,
        progress,
        stopper: Stopper(stopper),
        monitor,
        controls,
    }
}

/// A name for the scratch database of a rehearsal, which no other has.
pub fn scratch_name() -> String {
    use std::hash::BuildHasher as _;
    let random = std::collections::hash_map::RandomState::new();
    crate::sql::scratch::name(random.hash_one(std::process::id()))
}
