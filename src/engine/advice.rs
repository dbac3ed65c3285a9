//! What is left to do for a person once a run is over.

use crate::model::connection::Endpoint;
use crate::model::format::moment;
use crate::model::plan::{Phase, Plan};
use crate::model::report::{Outcome, Report};
use crate::settings::to_uri;
use crate::sql::database;

/// Who else is connected to the source at the end.
#[derive(Debug)]
pub(super) struct Lingering {
    pub(super) database: String,
    /// None: it could not be asked.
    pub(super) sessions: Option<Vec<String>>,
}

impl Lingering {
    fn advice(&self) -> Option<String> {
        let stop = database::read_only(&self.database);
        match self.sessions.as_deref() {
            Some([]) => None,
            Some(sessions) => Some(format!(
                "Still connected to the source: {}. End these sessions when you switch; this makes new sessions there read-only: {stop}",
                sessions.join("; ")
            )),
            None => Some(format!(
                "howdah could not find out who is still connected to the source: see pg_stat_activity there. This makes new sessions there read-only: {stop}"
            )),
        }
    }
}

pub(super) fn add_advice(
    report: &mut Report,
    plan: &Plan,
    destination: &Endpoint,
    lingering: Option<&Lingering>,
) {
    report.is_comparison = plan.is_comparison;
    let unfinished = report.unfinished.iter();
    report.next_steps.extend(unfinished.map(|one| {
        format!(
            "Correct the rows that break it, then run: {}",
            one.statement
        )
    }));
    if matches!(report.outcome, Outcome::Done | Outcome::Different) {
        report.next_steps.extend(plan.next_steps.clone());
    }
    if !report.given_up.is_empty() {
        report
            .next_steps
            .push("Create or copy by hand what was left out, before you switch.".to_owned());
    }
    match report.outcome {
        Outcome::Done if !plan.is_comparison => {
            let since = match report.started_at.as_str() {
                "" => String::new(),
                at => format!(" (taken soon after {})", moment(at)),
            };
            report.next_steps.push(format!(
                "What was written to the source after the run's snapshot{since} is not in the copy. If anything was, stop what writes there and copy again before you switch."
            ));
            report
                .next_steps
                .extend(lingering.and_then(Lingering::advice));
            report
                .next_steps
                .push(format!("Point the application to {}.", plan.destination));
        }
        Outcome::Different if report.differs() => report.next_steps.push(
            "Do not switch the application yet: find out why the sides differ, then copy again."
                .to_owned(),
        ),
        Outcome::Failed | Outcome::Cancelled if !plan.is_comparison => {
            add_ways_on(report, plan, destination);
        }
        _ => {}
    }
}

/// After a run that did not come to its end.
fn add_ways_on(report: &mut Report, plan: &Plan, destination: &Endpoint) {
    let go_on = match report.outcome {
        Outcome::Failed => "Fix the causes above, then resume the run",
        _ => "Resume the run",
    };
    let has_schema = plan
        .steps
        .iter()
        .any(|step| step.phase == Phase::Schema && step.journal_key.starts_with("schema/"));
    if let Some(resume) = &report.resume_command {
        report.next_steps.push(format!(
            "{go_on} (passwords from ~/.pgpass or PGPASSWORD): {resume}"
        ));
        let clean = command("clean", destination);
        report.next_steps.push(format!(
            "What is done stays on the destination, recorded in its schema howdah. To start over instead: {clean}, then run with --on-existing empty. In the wizard: c on Check, then o, existing objects, remove first."
        ));
    } else if has_schema {
        report.next_steps.push(
            "The destination may hold a part of the copy: drop the database, or run again with --on-existing empty."
                .to_owned(),
        );
    }
}

/// The exact words, without a password. A URI has no quotes in it.
fn command(what: &str, destination: &Endpoint) -> String {
    format!(
        "howdah {what} --destination '{}' --yes",
        to_uri(destination)
    )
}

pub(super) fn resume_command(destination: &Endpoint) -> String {
    command("resume", destination)
}
