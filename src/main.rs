//! Starts howdah: reads the arguments, chooses wizard, headless mode or demo, and turns the end into an exit code.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use howdah::app::steps::connect_uri::masked;
use howdah::app::{Prefill, Start, State};
use howdah::cli::{self, Cli, Command, Ends, Look, RequiredEnds, manual};
use howdah::demo::Demo;
use howdah::headless::{self, End, Form, Job, Voice};
use howdah::model::connection::{Endpoint, Secret};
use howdah::model::name::printable_lines;
use howdah::model::problem::Problem;
use howdah::report_text;
use howdah::settings::{
    Config, Environment, PlanFile, Resolved, SelectionFile, fill_password, known,
    resolve_with_warnings,
};
use howdah::shell::{self, Leaving};
use howdah::signals::Signals;
use howdah::ui::theme::Theme;

const FAILED: u8 = 1;
const USAGE: u8 = 2;
const CANCELLED: u8 = 130;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(not_a_command(&error)),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&Problem::new("Could not start", error.to_string()));
            return ExitCode::from(FAILED);
        }
    };
    let code = runtime.block_on(Box::pin(dispatch(cli)));
    // A worker that still waits for a server must not keep the process alive.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    ExitCode::from(code)
}

/// Help and complaints are clap's. What it complains of may be a connection string in the wrong place.
fn not_a_command(error: &clap::Error) -> u8 {
    let plain = error.render().to_string();
    let text = std::env::args().fold(plain.clone(), |text, argument| {
        let value = argument.split_once('=').map_or("", |(_, value)| value);
        [argument.as_str(), value]
            .into_iter()
            .filter(|said| masked(said) != *said)
            .fold(text, |text, said| text.replace(said, &masked(said)))
    });
    if text == plain {
        let _unheard = error.print().is_err();
    } else {
        say(text.trim_end());
    }
    u8::try_from(error.exit_code()).unwrap_or(USAGE)
}

async fn dispatch(cli: Cli) -> u8 {
    let mut config = match config(cli.config.as_deref()) {
        Ok(config) => config,
        Err(problem) => return usage(&problem),
    };
    config.log = cli.log.or(config.log);
    let log_file = config.log.as_deref();
    let _log = match log_file.map(shell::log::to_file).transpose() {
        Ok(guard) => guard,
        Err(problem) => return usage(&problem),
    };
    let code = Box::pin(obey(cli.command, &cli.ends, cli.look, &config)).await;
    if let Some(path) = log_file {
        say(&format!("Log: {}", path.display()));
    }
    code
}

fn config(named: Option<&Path>) -> Result<Config, Problem> {
    let usual = Config::usual_place(|name| std::env::var_os(name).map(PathBuf::from));
    Config::load(named, usual.as_deref())
}

async fn obey(command: Option<Command>, ends: &Ends, look: Look, config: &Config) -> u8 {
    match command {
        Some(Command::Run { job, yes, telling }) => {
            if !yes {
                complain(
                    &Problem::new(
                        "Not started",
                        "run changes the destination and asks nothing",
                    )
                    .hint(
                        "Add --yes to go ahead, or start howdah without a command for the wizard.",
                    ),
                );
                return USAGE;
            }
            let voice = voice(telling.json);
            match self::job(job, config) {
                Ok(job) => {
                    let run = headless::run(job, voice, telling.report.as_deref());
                    finish(Box::pin(run).await)
                }
                Err(problem) => usage(&problem),
            }
        }
        Some(Command::Verify {
            ends,
            scope,
            telling,
        }) => {
            let voice = voice(telling.json);
            let (source, destination) = match both(&ends) {
                Ok(both) => both,
                Err(problem) => return usage(&problem),
            };
            let comparison = headless::verify(
                source,
                destination,
                scope.into(),
                voice,
                telling.report.as_deref(),
            );
            finish(Box::pin(comparison).await)
        }
        Some(Command::Resume {
            source,
            destination,
            yes,
            telling,
        }) => {
            let voice = voice(telling.json);
            let source = source.map(|text| understood("--source", &text)).transpose();
            let destination = understood("--destination", &destination);
            let (source, destination) = match (source, destination) {
                (Ok(source), Ok(destination)) => {
                    warn(source.iter().chain([&destination]));
                    (source.map(|one| one.endpoint), destination.endpoint)
                }
                (Err(problem), _) | (_, Err(problem)) => return usage(&problem),
            };
            let environment = Environment::of_process();
            let report = telling.report.as_deref();
            let resumed = headless::resume(source, destination, &environment, yes, voice, report);
            finish(Box::pin(resumed).await)
        }
        Some(Command::Clean { destination, yes }) => match end("--destination", &destination) {
            Ok(destination) => finish(headless::clean(destination, yes).await),
            Err(problem) => usage(&problem),
        },
        Some(Command::Plan { job, out, script }) => match self::job(job, config) {
            Ok(job) => {
                let form = match (script, out) {
                    (true, out) => Form::Script(out),
                    (false, Some(out)) => Form::File(out),
                    (false, None) => Form::Statements,
                };
                finish(Box::pin(headless::show_plan(job, &form)).await)
            }
            Err(problem) => usage(&problem),
        },
        Some(Command::Check { job, json }) => match self::job(job, config) {
            Ok(job) => finish(Box::pin(headless::check(job, voice(json))).await),
            Err(problem) => usage(&problem),
        },
        Some(Command::Rehearse { job, sample, json }) => match self::job(job, config) {
            Ok(job) => finish(Box::pin(headless::rehearse(job, sample, voice(json))).await),
            Err(problem) => usage(&problem),
        },
        Some(Command::Completions { shell }) => {
            let mut text = Vec::new();
            manual::completions(shell, &mut text);
            print(&text)
        }
        Some(Command::Man { command }) => match manual::page(command.as_deref()) {
            Some(Ok(page)) => print(&page),
            Some(Err(error)) => finish(End::Failed(Box::new(Problem::new(
                "Could not make the manual page",
                error.to_string(),
            )))),
            None => usage(
                &Problem::new("No such page", "howdah has no command of that name")
                    .hint("howdah --help names the commands."),
            ),
        },
        Some(Command::Demo { look }) => demo(look, config).await,
        None => wizard(ends, look, config).await,
    }
}

/// The wizard on two servers of the user's.
async fn wizard(ends: &Ends, look: Look, config: &Config) -> u8 {
    let environment = Environment::of_process();
    let prefill = |text: Option<&Secret>, is_wanted: bool| {
        if !is_wanted {
            return Prefill::default();
        }
        match resolve_with_warnings(text.map(Secret::expose), &environment) {
            Ok(resolved) => Prefill {
                endpoint: Some(resolved.endpoint),
                problem: None,
                warnings: resolved.warnings,
            },
            Err(problem) => Prefill {
                endpoint: None,
                problem: Some(problem),
                warnings: Vec::new(),
            },
        }
    };
    let start = Start {
        // What libpq's variables say is where most people's source is.
        source: prefill(ends.source.as_ref(), true),
        destination: prefill(ends.destination.as_ref(), ends.destination.is_some()),
        options: config.options(),
        known: known(&environment),
        selection_dir: environment
            .state_dir
            .as_ref()
            .map(|dir| dir.join("selections")),
        has_mouse: look.mouse || config.mouse,
        is_demo: false,
        log_file: None,
    };
    open(start, look, config, environment).await
}

/// The wizard on two throw-away servers, which are gone when this returns.
async fn demo(look: Look, config: &Config) -> u8 {
    let mut signals = Signals::listen();
    let started = tokio::select! {
        started = Demo::start(say) => started,
        () = signals.next() => return CANCELLED,
    };
    drop(signals);
    let demo = match started {
        Ok(demo) => demo,
        Err(problem) => return finish(End::Failed(Box::new(problem))),
    };
    let prefill = |endpoint| Prefill {
        endpoint: Some(endpoint),
        problem: None,
        warnings: Vec::new(),
    };
    let start = Start {
        source: prefill(demo.source()),
        destination: prefill(demo.destination()),
        options: config.options(),
        known: Vec::new(),
        selection_dir: None,
        has_mouse: look.mouse || config.mouse,
        is_demo: true,
        log_file: None,
    };
    let code = open(start, look, config, Environment::default()).await;
    say("Removing the two throw-away servers.");
    code
}

async fn open(start: Start, look: Look, config: &Config, environment: Environment) -> u8 {
    let without_color = config.color == Some(false);
    let lookup = |name: &str| match name {
        "NO_COLOR" if without_color => Some("1".to_owned()),
        "NO_COLOR" if config.color == Some(true) => None,
        name => std::env::var(name).ok(),
    };
    let mut theme = Theme::from_environment(lookup, look.ascii || config.ascii);
    if look.no_animation || config.animation == Some(false) {
        theme = theme.still();
    }
    let log_file = config.log.clone();
    let mut state = State::new(Start { log_file, ..start });
    match Box::pin(shell::run(&mut state, &theme, environment)).await {
        Ok(leaving) => {
            let report = state.run.report.as_deref();
            if let Some(report) = report {
                say(report_text::summary(report).trim_end());
            }
            for path in &state.written {
                say(&format!("Written: {}", path.display()));
            }
            if report.is_some() && !state.written.iter().any(|path| shell::is_report(path)) {
                say(
                    "No report file was written; w on the Report screen writes one, and howdah verify --report FILE compares both databases again.",
                );
            }
            match (leaving, report) {
                (_, Some(report)) => report.outcome.exit_code(),
                (Leaving::Quit, None) => 0,
                (Leaving::Hard, None) => CANCELLED,
            }
        }
        Err(problem) => finish(End::Failed(Box::new(problem))),
    }
}

/// Words before and after the wizard, beside its screen. The terminal may be gone by then, which is no reason to panic.
fn say(text: &str) {
    let _unheard = writeln!(std::io::stderr(), "{}", printable_lines(text)).is_err();
}

/// What a command is to do: by its words, or by a plan file with the ends that are named beside it.
fn job(asked: cli::Job, config: &Config) -> Result<Job, Problem> {
    let environment = Environment::of_process();
    let file = match &asked.plan {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Problem::new(
                    format!("Could not read {}", path.display()),
                    error.to_string(),
                )
            })?;
            Some(PlanFile::read(&text)?)
        }
    };
    let selection = asked.selection.as_deref().map(SelectionFile::load);
    let selection = selection.transpose()?;
    let end =
        |option: &str, named: Option<&Secret>, planned: Option<&Endpoint>| match (named, planned) {
            (None, Some(planned)) => {
                let mut endpoint = planned.clone();
                let warnings = fill_password(&mut endpoint, &environment);
                Ok(Resolved { endpoint, warnings })
            }
            (named, _) => understood(option, named.unwrap_or(&Secret::new(""))),
        };
    let (source, destination) = (asked.source.as_ref(), asked.destination.as_ref());
    let source = end("--source", source, file.as_ref().map(|f| &f.source))?;
    let planned = file.as_ref().map(|f| &f.destination);
    let destination = end("--destination", destination, planned)?;
    warn([&source, &destination]);
    Ok(Job {
        source: source.endpoint,
        destination: destination.endpoint,
        options: match &file {
            Some(file) => file.options.clone(),
            None => asked.choices.over(asked.tables, &config.options()),
        },
        file,
        selection,
    })
}

/// A reader that has read enough is no failure.
fn print(text: &[u8]) -> u8 {
    let _unheard = std::io::stdout().write_all(text).is_err();
    0
}

fn both(ends: &RequiredEnds) -> Result<(Endpoint, Endpoint), Problem> {
    let both = (
        understood("--source", &ends.source)?,
        understood("--destination", &ends.destination)?,
    );
    warn([&both.0, &both.1]);
    Ok((both.0.endpoint, both.1.endpoint))
}

fn end(option: &str, text: &Secret) -> Result<Endpoint, Problem> {
    let one = understood(option, text)?;
    warn([&one]);
    Ok(one.endpoint)
}

fn understood(option: &str, text: &Secret) -> Result<Resolved, Problem> {
    resolve_with_warnings(Some(text.expose()), &Environment::of_process())
        .map_err(|problem| problem.doing(format!("Could not understand {option}")))
}

/// What holds for both ends is told once.
fn warn<'a>(resolved: impl IntoIterator<Item = &'a Resolved>) {
    let warnings = resolved.into_iter().flat_map(|one| &one.warnings);
    for warning in warnings.collect::<BTreeSet<_>>() {
        say(&format!("note  {warning}"));
    }
}

fn voice(is_json: bool) -> Voice {
    if is_json { Voice::Json } else { Voice::Lines }
}

fn finish(end: End) -> u8 {
    match end {
        End::Code(code) => code,
        End::Failed(problem) => {
            complain(&problem);
            FAILED
        }
    }
}

fn usage(problem: &Problem) -> u8 {
    complain(problem);
    USAGE
}

fn complain(problem: &Problem) {
    say(&format!("howdah: {problem}"));
}
