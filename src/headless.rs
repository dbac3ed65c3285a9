//! The same engine without a screen: progress lines for people on stderr, or one JSON object per event on stdout.
//!
//! It draws nothing and decides nothing: checks block or not, the plan is the planner's, the exit code is the report's.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;

use serde_json::json;

use crate::checks::{self, Purpose};
use crate::engine;
use crate::model::connection::Endpoint;
use crate::model::event::{NoticeLevel, RunEvent, Stop};
use crate::model::finding::{CheckResult, Level};
use crate::model::inspection::Inspection;
use crate::model::name::{printable_json, printable_lines};
use crate::model::options::Options;
use crate::model::plan::{Phase, Plan};
use crate::model::problem::Problem;
use crate::model::selection::{Carry, Pattern, Selection};
use crate::planner;
use crate::report_text;
use crate::settings::{Environment, fill_password};

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

/// How facts are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    Lines,
    Json,
}

impl Voice {
    fn say(self, text: &str) {
        if self == Self::Lines {
            // A reader that went away is no reason to panic in the middle of a run.
            let _unheard = writeln!(std::io::stderr(), "{}", printable_lines(text)).is_err();
        }
    }

    fn event(self, value: &serde_json::Value) {
        if self == Self::Json {
            let _unheard =
                writeln!(std::io::stdout(), "{}", printable_json(&value.to_string())).is_err();
        }
    }

    fn check(self, result: &CheckResult) {
        let mark = match result.level() {
            Some(Level::Fine) => "ok  ",
            Some(Level::Warning) => "WARN",
            Some(Level::Blocking) => "STOP",
            None => "?   ",
        };
        match &result.outcome {
            Ok(findings) => {
                let first = findings.first().map_or("", |f| f.title.as_str());
                if result.level() == Some(Level::Fine) {
                    self.say(&format!("{mark}  {}: {first}", result.title));
                }
                for finding in findings.iter().filter(|f| f.level > Level::Fine) {
                    let mut text = format!("{mark}  {}: {}", result.title, finding.title);
                    if !finding.meaning.is_empty() {
                        text.push_str(&format!("\n        {}", finding.meaning));
                    }
                    for object in finding.objects.iter().take(20) {
                        text.push_str(&format!("\n        - {object}"));
                    }
                    if finding.objects.len() > 20 {
                        text.push_str(&format!(
                            "\n        … and {} more",
                            finding.objects.len() - 20
                        ));
                    }
                    if let Some(fix) = &finding.fix {
                        text.push_str(&format!(
                            "\n        Fix: {}",
                            fix.replace('\n', "\n             ")
                        ));
                    }
                    self.say(&text);
                }
            }
            Err(problem) => {
                self.say(&format!(
                    "{mark}  {}: could not be checked. {problem}",
                    result.title
                ));
            }
        }
        let findings: Vec<_> = result
            .outcome
            .iter()
            .flatten()
            .map(|f| {
                json!({"level": level_word(f.level), "title": f.title, "meaning": f.meaning,
                       "objects": f.objects, "fix": f.fix})
            })
            .collect();
        let problem = result.outcome.as_ref().err().map(ToString::to_string);
        self.event(
            &json!({"event": "check", "id": result.id, "findings": findings, "problem": problem}),
        );
    }
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Fine => "fine",
        Level::Warning => "warning",
        Level::Blocking => "blocking",
    }
}

/// Reads both sides and checks; none when a check blocks.
async fn inspect(
    source: Endpoint,
    destination: Endpoint,
    options: &Options,
    purpose: Purpose,
    voice: Voice,
) -> Result<Option<Inspection>, Problem> {
    let mut is_blocked = false;
    let inspection = checks::inspect(source, destination, options.clone(), purpose, |result| {
        is_blocked |= result.level() == Some(Level::Blocking);
        voice.check(&result);
    })
    .await;
    match inspection {
        Ok(inspection) => Ok((!is_blocked).then_some(inspection)),
        Err(problem) if is_blocked => {
            voice.say(&problem.to_string());
            Ok(None)
        }
        Err(problem) => Err(problem),
    }
}

/// Makes the plan of what the patterns select.
async fn plan(inspection: &Inspection, options: &Options) -> Result<Plan, Problem> {
    planner::plan(inspection, &selection(inspection, options).await?, options)
}

async fn selection(inspection: &Inspection, options: &Options) -> Result<Selection, Problem> {
    let selection = Selection::of(&inspection.catalog, options);
    let asks_for_some = !options.include.is_empty();
    let has_any = selection.tables.iter().any(|c| *c != Carry::Nothing)
        || selection.sequences.contains(&true);
    if asks_for_some && !has_any {
        let patterns: Vec<&str> = options.include.iter().map(Pattern::text).collect();
        return Err(Problem::new(
            "Nothing to do",
            format!("no table or sequence of the source matches {}", patterns.join(", ")),
        )
        .hint("Patterns are schema.name with * for any characters; quote upper case only for the shell."));
    }
    let unmatched = options
        .filters
        .iter()
        .map(|filter| &filter.table)
        .chain(&options.structure_only)
        .find(|pattern| {
            !inspection
                .catalog
                .tables
                .iter()
                .any(|t| pattern.matches(&t.name))
        });
    if let Some(pattern) = unmatched {
        return Err(Problem::new(
            "Could not choose the rows",
            format!("no table of the source matches {}", pattern.text()),
        )
        .hint("Tables are named as schema.name; without a dot the schema is public."));
    }
    checks::filters::check(&inspection.source_endpoint, inspection, &selection).await?;
    Ok(selection)
}

/// `howdah check`: 0 when nothing blocks, 3 otherwise.
pub async fn check(source: Endpoint, destination: Endpoint, options: Options, voice: Voice) -> End {
    match inspect(source, destination, &options, Purpose::Run, voice).await {
        Ok(Some(_)) => End::Code(0),
        Ok(None) => End::Code(CHECKS_BLOCKED),
        Err(problem) => End::failed(problem),
    }
}

/// `howdah plan`: the SQL in order on stdout, nothing run. Checks that block are told but the plan is still shown where it
/// can be made.
pub async fn show_plan(source: Endpoint, destination: Endpoint, options: Options) -> End {
    let inspection = checks::inspect(
        source,
        destination,
        options.clone(),
        Purpose::Run,
        |result| {
            if result.level() != Some(Level::Fine) {
                Voice::Lines.check(&result);
            }
        },
    )
    .await;
    match match inspection {
        Ok(inspection) => plan(&inspection, &options).await,
        Err(problem) => Err(problem),
    } {
        Ok(plan) => {
            let mut text = crate::sql::script::text(&plan);
            // Exact for a file or a program; a terminal would obey what stands in names.
            if std::io::stdout().is_terminal() {
                text = printable_lines(&text);
            }
            match std::io::stdout().write_all(text.as_bytes()) {
                Ok(()) => End::Code(0),
                // `howdah plan | head` has read enough.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => End::Code(0),
                Err(error) => {
                    End::failed(Problem::new("Could not write the plan", error.to_string()))
                }
            }
        }
        Err(problem) => End::failed(problem),
    }
}

/// `howdah run`. `stop` hears the signals.
pub async fn run(
    source: Endpoint,
    destination: Endpoint,
    options: Options,
    voice: Voice,
    report_file: Option<&std::path::Path>,
) -> End {
    let inspection = match inspect(source, destination, &options, Purpose::Run, voice).await {
        Ok(Some(inspection)) => inspection,
        Ok(None) => {
            voice.say("A check blocks this migration; nothing was changed.");
            return End::Code(CHECKS_BLOCKED);
        }
        Err(problem) => return End::failed(problem),
    };
    let plan = match plan(&inspection, &options).await {
        Ok(plan) => Arc::new(plan),
        Err(problem) => return End::failed(problem),
    };
    for note in &plan.notes {
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
    let journal = match checks::journal_of(&destination).await {
        Ok(Some(journal)) => journal,
        Ok(None) => {
            voice.say(&format!(
                "Nothing to resume: {} has no journal of an interrupted run. Its last run came to its end, or none was begun.",
                destination.label()
            ));
            return End::Code(USAGE);
        }
        Err(problem) => return End::failed(problem),
    };
    let request = journal.request;
    let source = source.unwrap_or_else(|| {
        let mut source = request.source.clone();
        fill_password(&mut source, environment);
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
    for note in &plan.notes {
        voice.say(&format!("note  {note}"));
    }
    if !is_wanted {
        voice.say("Nothing was changed. Add --yes to go on.");
        return End::Code(USAGE);
    }
    perform(plan, inspection, voice, report_file).await
}

/// `howdah clean`: 0 when nothing is left.
pub async fn clean(destination: Endpoint, is_wanted: bool) -> End {
    let voice = Voice::Lines;
    let found = match checks::leftovers_of(&destination).await {
        Ok(found) => found,
        Err(problem) => return End::failed(problem),
    };
    if found.objects.is_empty() {
        voice.say("Nothing of howdah's own is there.");
        return End::Code(0);
    }
    if found.sessions > 0 {
        voice.say(
            "A run of howdah is under way in this database; nothing was removed. Stop it first.",
        );
        return End::Code(CHECKS_BLOCKED);
    }
    if !is_wanted {
        voice.say("These statements would be run; what was copied stays:");
        for statement in &found.statements {
            voice.say(&format!("    {};", printable_lines(statement)));
        }
        voice.say("Nothing was changed. Add --yes to run them.");
        return End::Code(USAGE);
    }
    let tell = |statement: &str| voice.say(&format!("done  {};", printable_lines(statement)));
    match engine::clean(&destination, &found.statements, tell).await {
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
    let plan = match selection(&inspection, &options).await {
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
    let handle = engine::start(
        Arc::clone(&plan),
        inspection.source_endpoint,
        inspection.destination_endpoint,
    );
    let Some(report) = follow(handle, &plan, voice).await else {
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
    }
    End::Code(report.outcome.exit_code())
}

async fn follow(
    mut handle: engine::RunHandle,
    plan: &Plan,
    voice: Voice,
) -> Option<Box<crate::model::report::Report>> {
    let mut signals = crate::signals::Signals::listen();
    let mut interrupts = 0;
    loop {
        tokio::select! {
            event = handle.events.recv() => match event? {
                RunEvent::Finished(report) => return Some(report),
                event => tell(voice, plan, &event),
            },
            () = signals.next() => {
                interrupts += 1;
                voice.say(match interrupts {
                    1 => "Stopping: running statements are cancelled and rolled back, then the scaffold is removed. Once more to leave at once.",
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

fn tell(voice: Voice, plan: &Plan, event: &RunEvent) {
    let step = |id| plan.step(id);
    match event {
        RunEvent::StepStarted(id) => {
            let title = step(*id).map(|s| s.title.as_str());
            voice.event(&json!({"event": "step-started", "step": id.0, "title": title}));
        }
        RunEvent::StepFinished {
            step: id,
            rows,
            bytes,
            elapsed_ms,
        } => {
            if let Some(step) = step(*id) {
                let text = if step.method().is_some() {
                    format!(
                        "done  {}: {rows} rows, {bytes} bytes, {elapsed_ms} ms",
                        step.title
                    )
                } else {
                    format!("done  {}", step.title)
                };
                // Thousands of small schema steps would hide what matters.
                if step.phase != Phase::Schema {
                    voice.say(&text);
                }
            }
            voice.event(&json!({"event": "step-finished", "step": id.0, "rows": rows, "bytes": bytes, "elapsed_ms": elapsed_ms}));
        }
        RunEvent::StepFailed { step: id, problem } => {
            let title = step(*id).map(|s| s.title.as_str());
            voice.say(&format!("FAIL  {problem}"));
            voice.event(
                &json!({"event": "step-failed", "step": id.0, "title": title,
                "sqlstate": problem.sqlstate, "problem": problem.to_string()}),
            );
        }
        RunEvent::StepSkipped { step: id, because } => {
            let title = step(*id).map_or("", |s| s.title.as_str());
            voice.say(&format!("skip  {title}: {because}"));
            voice.event(&json!({"event": "step-skipped", "step": id.0, "because": because}));
        }
        RunEvent::Notice { level, text, .. } => {
            if *level > NoticeLevel::Info {
                voice.say(&format!("note  {}", text.replace('\n', "\n      ")));
            }
            voice.event(&json!({"event": "notice", "text": text}));
        }
        RunEvent::SnapshotReleased { held_ms } => {
            voice.event(&json!({"event": "snapshot-released", "held_ms": held_ms}));
        }
        RunEvent::Stopping(stop) => {
            voice.event(&json!({"event": "stopping", "now": *stop == Stop::Now}));
        }
        RunEvent::Finished(_) => {}
    }
}
