//! The wizard's rehearsal: its plan, and what its run is told as.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use crate::app::Msg;
use crate::checks;
use crate::engine;
use crate::engine::forecast::{Heard, forecast};
use crate::model::connection::Endpoint;
use crate::model::event::RunEvent;
use crate::model::forecast::SampleSize;
use crate::model::inspection::Inspection;
use crate::model::options::Options;
use crate::model::problem::Problem;
use crate::model::selection::Selection;
use crate::planner::rehearsal::{self, Rehearsal};

use super::crash;

/// Into a scratch database of a new name beside the inspection's destination.
pub(super) async fn plan(
    source: Endpoint,
    destination: Endpoint,
    inspection: Arc<Inspection>,
    selection: Arc<Selection>,
    options: Options,
) -> Result<Rehearsal, Problem> {
    rehearsal::options(&options)?;
    checks::may_rehearse(&destination).await?;
    checks::filters::check(&source, &inspection, &selection).await?;
    let planning = spawn_blocking(move || {
        let scratch = rehearsal::with_scratch(&inspection, engine::scratch_name());
        let real = &inspection.destination_endpoint;
        rehearsal::plan(&scratch, &selection, &options, SampleSize::default(), real)
    });
    let planned = planning.await;
    planned.unwrap_or_else(|_| Err(crash::problem("Could not plan the rehearsal")))
}

/// Turns the events of a rehearsal's run into what the wizard hears: all of them, but for the last a forecast.
pub(super) struct Hearing {
    rehearsal: Arc<Rehearsal>,
    heard: Heard,
}

impl Hearing {
    pub(super) fn new(rehearsal: Arc<Rehearsal>) -> Self {
        Self {
            rehearsal,
            heard: Heard::default(),
        }
    }

    pub(super) fn hear(&mut self, event: RunEvent) -> Msg {
        self.heard.hear(&event);
        match event {
            RunEvent::Finished(report) => {
                let forecast = forecast(&self.rehearsal, &self.heard, &report);
                Msg::Rehearsed(Ok(Box::new(forecast)))
            }
            event => Msg::Run(event),
        }
    }
}
