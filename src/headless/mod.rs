//! The same engine without a screen: progress lines for people on stderr, or one JSON object per event on stdout.
//!
//! It draws nothing and decides nothing: checks block or not, the plan is the planner's, the exit code is the report's.

mod planning;
mod rehearsing;
mod voice;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use crate::checks::{self, Purpose, Told, patiently};
use crate::engine;
use crate::model::connection::Endpoint;
use crate::model::event::{RunEvent, Stop};
use crate::model::finding::Level;
use crate::model::inspection::Inspection;
use crate::model::journal::Leftovers;
use crate::model::name::printable_lines;
use crate::model::options::Options;
use crate::model::plan::Plan;
use crate::model::problem::Problem;
use crate::planner;
use crate::report_text;
use crate::settings::{Environment, fill_password};

pub use planning::{Form, Job, show_plan};
pub use rehearsing::rehearse;
pub use voice::Voice;

/// What a headless command ends with.
#[derive(Debug)]
pub enum End {
    Code(u8),
    Failed(Box<Problem>),
}

impl End {
    fn failed(problem: Problem) -> Self {
        Self::Failed(Box::new(problem))
    }
}

/// Exit code of a command that has nothing to do, or was not told to do it.
const USAGE: u8 = 2;

/// Exit code of checks that block.
pub const CHECKS_BLOCKED: u8 = 3;

/// Reads both sides and checks; none when a check blocks.
async fn inspect(
    source: Endpoint,
    destination: Endpoint,
    options: &Options,
    purpose: Purpose,
    voice: Voice,
) -> Result<Option<Inspection>, Problem> {
    let mut blocking = BTreeSet::new();
    let tell = |told| match told {
        Told::Result(result) => {
            // A check that is done again may find it mended.
            if result.level() == Some(Level::Blocking) {
                blocking.insert(result.id);
            } else {
                blocking.remove(result.id);
            }
            voice.check(&result);
        }
        Told::Again(again) => voice.again(&again),
    };
    let inspection = checks::inspect(source, destination, options.clone(), purpose, tell).await;
    let is_blocked = !blocking.is_empty();
    match inspection {
        Ok(inspection) => Ok((!is_blocked).then_some(inspection)),
        Err(problem) if is_blocked => {
            voice.say(&problem.to_string());
            Ok(None)
        }
        Err(problem) => Err(problem),
    }
}

/// `howdah check`: 0 when nothing blocks, 3 otherwise. A plan file must fit, too; of a selection, what does not is told.
pub async fn check(job: Job, voice: Voice) -> End {
    let (source, destination) = (job.source.clone(), job.destination.clone());
    let inspected = inspect(source, destination, &job.options, Purpose::Run, voice).await;
    let has_file = job.file.is_some() || job.selection.is_some();
    let is_fitting = match (inspected, has_file) {
        (Ok(Some(_)), false) => Ok(true),
        (Ok(Some(inspection)), true) => planning::plan(&inspection, &job, voice)
            .await
            .map(|plan| plan.is_some()),
        (Ok(None), _) => Ok(false),
        (Err(problem), _) => Err(problem),
    };
    match is_fitting {
        Ok(true) => End::Code(0),
        Ok(false) => End::Code(CHECKS_BLOCKED),
        Err(problem) => End::failed(problem),
    }
}

/// `howdah run`. `stop` hears the signals.
pub async fn run(job: Job, voice: Voice, report_file: Option<&std::path::Path>) -> End {
    let (source, destination) = (job.source.clone(), job.destination.clone());
    let inspected = inspect(source, destination, &job.options, Purpose::Run, voice).await;
    let inspection = match inspected {
        Ok(Some(inspection)) => inspection,
        Ok(None) => {
            voice.say("A check blocks this migration; nothing was changed.");
            return End::Code(CHECKS_BLOCKED);
        }
        Err(problem) => return End::failed(problem),
    };
    let plan = match planning::plan(&inspection, &job, voice).await {
        Ok(Some((_, plan))) => Arc::new(plan),
        Ok(None) => return End::Code(CHECKS_BLOCKED),
        Err(problem) => return End::failed(problem),
    };
    for note in plan.progress.iter().chain(&plan.notes) {
        voice.say(&format!("note  {note}"));
    }
    perform(plan, inspection, voice, report_file).await
}

/// `howdah resume`: 2 when there is nothing to go on with. The source is the journal's unless it is named; its password, which
/// no journal holds, is looked for in the environment.
pub async fn resume(
    source: Option<Endpoint>,
    destination: Endpoint,
    environment: &Environment,
    is_wanted: bool,
    voice: Voice,
    report_file: Option<&std::path::Path>,
) -> End {
    let read = patiently(
        |again| voice.again(&again),
        || checks::journal_of(&destination),
    );
    let journal = match read.await {
        Ok(Some(journal)) => journal,
        Ok(None) => {
            voice.say(&format!(
                "Nothing to resume: {} has no journal of an interrupted run. Its last run finished, or none was started.",
                destination.label()
            ));
            return End::Code(USAGE);
        }
        Err(problem) => return End::failed(problem),
    };
    let request = journal.request;
    let source = source.unwrap_or_else(|| {
        let mut source = request.source.clone();
        for warning in fill_password(&mut source, environment) {
            voice.say(&format!("note  {warning}"));
        }
        source
    });
    let options = &request.options;
    let inspection = match inspect(source, destination, options, Purpose::Resume, voice).await {
        Ok(Some(inspection)) => inspection,
        Ok(None) => {
            voice.say("A check blocks this; nothing was changed.");
            return End::Code(CHECKS_BLOCKED);
        }
        Err(problem) => return End::failed(problem),
    };
    let selection = request.selection(&inspection.catalog);
    let plan = match planner::plan(&inspection, &selection, options) {
        Ok(plan) => Arc::new(plan),
        Err(problem) => return End::failed(problem),
    };
    for note in plan.progress.iter().chain(&plan.notes) {
        voice.say(&format!("note  {note}"));
    }
    if !is_wanted {
        voice.say("Nothing was changed. Add --yes to resume.");
        return End::Code(USAGE);
    }
    perform(plan, inspection, voice, report_file).await
}

/// What runs have left in a destination, which need not have been made yet, and rehearsals on its server; the last is where
/// both can be removed from.
async fn left_on(
    destination: &Endpoint,
) -> Result<(Leftovers, checks::Scratches, Endpoint), Problem> {
    let (scratches, reachable) = checks::scratches_of(destination).await?;
    let is_there = reachable.database == destination.database;
    let found = if is_there || scratches == checks::Scratches::default() {
        checks::leftovers_of(destination).await?
    } else {
        Leftovers::default()
    };
    Ok((found, scratches, reachable))
}

/// `howdah clean`: 0 when nothing is left.
pub async fn clean(destination: Endpoint, is_wanted: bool) -> End {
    let voice = Voice::Lines;
    let left = patiently(|again| voice.again(&again), || left_on(&destination));
    let (found, scratches, reachable) = match left.await {
        Ok(found) => found,
        Err(problem) => return End::failed(problem),
    };
    for name in &scratches.in_use {
        voice.say(&format!(
            "Database {name} is in use: a rehearsal is under way there, and removes it."
        ));
    }
    if found.objects.is_empty() && scratches.names.is_empty() {
        voice.say("There is nothing of howdah's own there.");
        return End::Code(0);
    }
    let statements: Vec<String> = found
        .statements
        .iter()
        .cloned()
        .chain(scratches.statements())
        .collect();
    if found.sessions > 0 {
        voice.say(
            "A run of howdah is under way in this database; nothing was removed. Stop it first.",
        );
        return End::Code(CHECKS_BLOCKED);
    }
    if !is_wanted {
        voice.say("These statements would be run; what was copied stays:");
        for statement in &statements {
            voice.say(&format!("    {};", printable_lines(statement)));
        }
        voice.say("Nothing was changed. Add --yes to run them.");
        return End::Code(USAGE);
    }
    let tell = |statement: &str| voice.say(&format!("done  {};", printable_lines(statement)));
    match engine::clean(&reachable, &statements, tell).await {
        Ok(()) => End::Code(0),
        Err(problem) => End::failed(problem),
    }
}

/// `howdah verify`: 0 when everything compared is equal, 4 when something is not.
pub async fn verify(
    source: Endpoint,
    destination: Endpoint,
    options: Options,
    voice: Voice,
    report_file: Option<&std::path::Path>,
) -> End {
    let inspected = inspect(source, destination, &options, Purpose::Comparison, voice).await;
    let inspection = match inspected {
        Ok(Some(inspection)) => inspection,
        Ok(None) => {
            voice.say("A check blocks this comparison.");
            return End::Code(CHECKS_BLOCKED);
        }
        Err(problem) => return End::failed(problem),
    };
    let plan = match planning::selection(&inspection, &options).await {
        Ok(selection) => Arc::new(planner::comparison(&inspection, &selection, &options)),
        Err(problem) => return End::failed(problem),
    };
    perform(plan, inspection, voice, report_file).await
}

/// Has the engine run a plan, tells of it and keeps its report.
async fn perform(
    plan: Arc<Plan>,
    inspection: Inspection,
    voice: Voice,
    report_file: Option<&std::path::Path>,
) -> End {
    let source = inspection.source_endpoint.clone();
    let destination = inspection.destination_endpoint.clone();
    // The plan has all that a run needs; what it was made from may be large.
    drop(inspection);
    let handle = engine::start(Arc::clone(&plan), source, destination);
    let Some(report) = follow(handle, &plan, voice, |_| ()).await else {
        return End::failed(Problem::new(
            "The run ended without a report",
            "the engine is gone",
        ));
    };
    voice.say(&report_text::summary(&report));
    if voice == Voice::Json
        && let Ok(value) = serde_json::from_str::<serde_json::Value>(&report_text::json(&report))
    {
        voice.event(&json!({"event": "finished", "report": value}));
    }
    if let Some(file) = report_file {
        let is_json = file
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("json"));
        let text = if is_json {
            report_text::json(&report)
        } else {
            report_text::markdown(&report)
        };
        if let Err(error) = std::fs::write(file, text) {
            return End::failed(Problem::new(
                format!("Could not write the report to {}", file.display()),
                error.to_string(),
            ));
        }
        voice.say(&format!("Report written to {}", file.display()));
    } else {
        voice.say("No report file was written; --report FILE writes one.");
    }
    End::Code(report.outcome.exit_code())
}

async fn follow(
    mut handle: engine::RunHandle,
    plan: &Plan,
    voice: Voice,
    mut hear: impl FnMut(&RunEvent),
) -> Option<Box<crate::model::report::Report>> {
    let mut signals = crate::signals::Signals::listen();
    let mut interrupts = 0;
    loop {
        tokio::select! {
            event = handle.events.recv() => match event? {
                RunEvent::Finished(report) => return Some(report),
                event => {
                    hear(&event);
                    voice::tell(voice, plan, &event);
                }
            },
            () = signals.next() => {
                interrupts += 1;
                voice.say(match interrupts {
                    1 => "Stopping: running statements are cancelled and rolled back, then what howdah set up for itself is removed. Interrupt again to leave at once.",
                    _ => "Leaving at once; the next start finds what is left.",
                });
                handle.stopper.stop(Stop::Now);
                if interrupts > 1 {
                    return None;
                }
            }
        }
    }
}
