//! From a run, or a rehearsal, to the wizard: every event, in order, however long the wizard does not listen.
//!
//! A terminal that takes nothing (a link that hangs, a laptop that sleeps) stops the drawing, and with it the wizard. The run must
//! not stop with them: events wait here, a few for each step of the plan at most, and never in the engine.

use std::collections::{BTreeSet, VecDeque};

use tokio::sync::mpsc::{Receiver, Sender};

use crate::app::Msg;
use crate::engine::RunHandle;
use crate::engine::Sight;
use crate::model::event::RunEvent;
use crate::model::plan::Plan;
use crate::model::report::{Outcome, Report};

use super::crash;
use super::effects::{Effects, Run, send};
use super::rehearsing::Hearing;

impl Effects {
    /// Tells the wizard how a run goes on, or a rehearsal.
    pub(super) fn follow(&mut self, handle: RunHandle, plan: &Plan, mut hearing: Option<Hearing>) {
        let titles = (plan.source.clone(), plan.destination.clone());
        let RunHandle {
            events,
            progress,
            stopper,
            monitor,
            controls,
        } = handle;
        self.run = Some(Run {
            stopper,
            controls,
            progress,
            running_steps: BTreeSet::new(),
        });
        let answers = self.answers.clone();
        self.tasks.spawn(async move {
            let is_finished = forward(events, monitor.start(), &answers, &mut hearing).await;
            if !is_finished && hearing.is_some() {
                let problem = crash::problem("The rehearsal ended in the middle");
                send(&answers, Msg::Rehearsed(Err(Box::new(problem)))).await;
            } else if !is_finished {
                let report = crashed(titles.0, titles.1);
                send(&answers, Msg::Run(RunEvent::Finished(Box::new(report)))).await;
            }
        });
    }
}

/// The engine ended without its report: the wizard must still come to an end.
fn crashed(source: String, destination: String) -> Report {
    let problem = crash::problem("The run ended in the middle");
    Report {
        outcome: Outcome::Failed,
        source,
        destination,
        failures: vec![("The engine".to_owned(), problem)],
        ..Report::default()
    }
}

/// Ends when the run has, or when nobody is left to tell; true if its last event came by.
async fn forward(
    mut events: Receiver<RunEvent>,
    mut sight: Sight,
    answers: &Sender<Msg>,
    hearing: &mut Option<Hearing>,
) -> bool {
    let mut waiting = VecDeque::new();
    let mut is_open = true;
    let mut is_finished = false;
    while is_open || !waiting.is_empty() {
        tokio::select! {
            event = events.recv(), if is_open => match event {
                Some(event) => {
                    is_finished |= matches!(event, RunEvent::Finished(_));
                    waiting.push_back(match hearing {
                        Some(hearing) => hearing.hear(event),
                        None => Msg::Run(event),
                    });
                }
                None => is_open = false,
            },
            room = answers.reserve(), if !waiting.is_empty() => match (room, waiting.pop_front()) {
                (Ok(room), Some(msg)) => room.send(msg),
                _ => return is_finished,
            },
            // Of what was seen only the newest counts.
            activity = sight.next(), if is_open && waiting.is_empty() => {
                waiting.push_back(Msg::Watched(activity));
            }
        }
    }
    is_finished
}
