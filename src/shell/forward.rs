//! From a run to the wizard: every event, in order, however long the wizard does not listen.
//!
//! A terminal that takes nothing (a link that hangs, a laptop that sleeps) stops the drawing, and with it the wizard. The run must
//! not stop with them: events wait here, a few for each step of the plan at most, and never in the engine.

use std::collections::VecDeque;

use tokio::sync::mpsc::{Receiver, Sender};

use crate::app::Msg;
use crate::engine::Sight;
use crate::model::event::RunEvent;

/// Ends when the run has, or when nobody is left to tell; true if its last event came by.
pub(super) async fn forward(
    mut events: Receiver<RunEvent>,
    mut sight: Sight,
    answers: &Sender<Msg>,
) -> bool {
    let mut waiting = VecDeque::new();
    let mut is_open = true;
    let mut is_finished = false;
    while is_open || !waiting.is_empty() {
        tokio::select! {
            event = events.recv(), if is_open => match event {
                Some(event) => {
                    is_finished |= matches!(event, RunEvent::Finished(_));
                    waiting.push_back(Msg::Run(event));
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
