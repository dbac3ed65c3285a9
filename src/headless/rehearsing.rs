//! `howdah rehearse`: a sample into a scratch database, and the forecast of the real run on standard output.

use std::io::Write as _;
use std::sync::Arc;

use serde_json::json;

use crate::checks::{self, Purpose};
use crate::engine;
use crate::engine::forecast::{Heard, forecast};
use crate::model::connection::Endpoint;
use crate::model::forecast::SampleSize;
use crate::model::name::printable_lines;
use crate::model::problem::Problem;
use crate::planner::rehearsal;
use crate::report_text;

use super::{CHECKS_BLOCKED, End, Job, USAGE, Voice, follow, inspect, planning};

/// `howdah rehearse`: 0 when nothing failed that will fail in the real run too.
pub async fn rehearse(job: Job, sample: SampleSize, voice: Voice) -> End {
    match Box::pin(rehearsed(job, sample, voice)).await {
        Ok(end) => end,
        Err(problem) => End::failed(problem),
    }
}

async fn rehearsed(asked: Job, sample: SampleSize, voice: Voice) -> Result<End, Problem> {
    let options = match rehearsal::options(&asked.options) {
        Ok(options) => options,
        Err(problem) => {
            voice.say(&problem.to_string());
            return Ok(End::Code(USAGE));
        }
    };
    let name = engine::scratch_name();
    let destination = Endpoint {
        database: name.clone(),
        ..asked.destination.clone()
    };
    checks::patiently(
        |again| voice.again(&again),
        || checks::may_rehearse(&destination),
    )
    .await?;
    let (source, real) = (asked.source.clone(), asked.destination.clone());
    let inspected = inspect(source, destination, &options, Purpose::Run, voice).await?;
    let Some(inspection) = inspected else {
        voice.say("A check blocks this migration; nothing was changed.");
        return Ok(End::Code(CHECKS_BLOCKED));
    };
    let job = Job { options, ..asked };
    let Some((selection, _)) = planning::plan(&inspection, &job, voice).await? else {
        return Ok(End::Code(CHECKS_BLOCKED));
    };
    let rehearsal = rehearsal::plan(&inspection, &selection, &job.options, sample, &real)?;
    voice.say(&format!(
        "Rehearsing in database {name}, which is removed afterwards."
    ));
    let plan = Arc::clone(&rehearsal.plan);
    let ends = (inspection.source_endpoint, inspection.destination_endpoint);
    let handle = engine::start(Arc::clone(&plan), ends.0, ends.1);
    let mut heard = Heard::default();
    let report = follow(handle, &plan, voice, |event| heard.hear(event)).await;
    let Some(report) = report else {
        return Err(Problem::new(
            "The rehearsal ended in the middle",
            format!("database {name} may still be on the destination server"),
        )
        .hint("howdah clean --destination URI --yes removes it."));
    };
    let forecast = forecast(&rehearsal, &heard, &report);
    voice.event(&json!({"event": "forecast", "forecast": report_text::forecast_json(&forecast)}));
    if voice == Voice::Lines {
        let text = report_text::forecast_text(&forecast);
        let _unheard = std::io::stdout()
            .write_all(printable_lines(&text).as_bytes())
            .is_err();
    }
    Ok(End::Code(forecast.ending.exit_code()))
}
