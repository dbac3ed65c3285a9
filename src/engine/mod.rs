//! Runs a plan: schedules its steps, executes them on both servers, proves the copy, removes every scaffold.
//!
//! It never asks the user anything and knows nothing of screens: facts go out as [`RunEvent`]s, rows and bytes as counters,
//! and the only things that come in are a plan, two endpoints and a wish to stop.

mod clean;
mod execute;
mod large_objects;
mod lingering;
mod monitor;
mod outcome;
mod run;
mod schedule;
mod sessions;

pub use clean::clean;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::model::connection::{Endpoint, Side};
use crate::model::event::{Progress, RunEvent, Stop};
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
    };
    let run = run::Run::new(plan, executor, events_in);
    tokio::spawn(run.drive(wishes));
    RunHandle {
        events,
        progress,
        stopper: Stopper(stopper),
        monitor,
    }
}
