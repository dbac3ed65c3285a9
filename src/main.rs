//! Starts howdah: reads the arguments, chooses wizard, headless mode or demo, and turns the end into an exit code.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use howdah::app::{Prefill, Start, State};
use howdah::cli::{Cli, Command, Ends, Look, RequiredEnds};
use howdah::demo::Demo;
use howdah::headless::{self, End, Voice};
use howdah::model::connection::Endpoint;
use howdah::model::name::printable_lines;
use howdah::model::options::Options;
use howdah::model::problem::Problem;
use howdah::report_text;
use howdah::settings::{Environment, resolve};
use howdah::shell::{self, Leaving};
use howdah::signals::Signals;
use howdah::ui::theme::Theme;

const FAILED: u8 = 1;
const USAGE: u8 = 2;
const CANCELLED: u8 = 130;

fn main() -> ExitCode {
    let cli = Cli::parse();
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

async fn dispatch(cli: Cli) -> u8 {
    match cli.command {
        Some(Command::Run {
            ends,
            choices,
            yes,
            telling,
        }) => {
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
            let (source, destination) = match both(&ends) {
                Ok(both) => both,
                Err(problem) => return usage(&problem),
            };
            let run = headless::run(
                source,
                destination,
                choices.into(),
                voice,
                telling.report.as_deref(),
            );
            finish(Box::pin(run).await)
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
            let source = source.map(|text| end("--source", &text)).transpose();
            let (source, destination) = match (source, end("--destination", &destination)) {
                (Ok(source), Ok(destination)) => (source, destination),
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
        Some(Command::Plan { ends, choices }) => match both(&ends) {
            Ok((source, destination)) => {
                finish(Box::pin(headless::show_plan(source, destination, choices.into())).await)
            }
            Err(problem) => usage(&problem),
        },
        Some(Command::Check {
            ends,
            choices,
            json,
        }) => {
            let voice = voice(json);
            let options: Options = choices.into();
            match both(&ends) {
                Ok((source, destination)) => {
                    finish(Box::pin(headless::check(source, destination, options, voice)).await)
                }
                Err(problem) => usage(&problem),
            }
        }
        Some(Command::Demo { look }) => demo(look).await,
        None => wizard(&cli.ends, cli.look).await,
    }
}

/// The wizard on two servers of the user's.
async fn wizard(ends: &Ends, look: Look) -> u8 {
    let environment = Environment::of_process();
    let prefill = |text: Option<&str>, is_wanted: bool| {
        if !is_wanted {
            return Prefill::default();
        }
        match resolve(text, &environment) {
            Ok(endpoint) => Prefill {
                endpoint: Some(endpoint),
                problem: None,
            },
            Err(problem) => Prefill {
                endpoint: None,
                problem: Some(problem),
            },
        }
    };
    let start = Start {
        // What libpq's variables say is where most people's source is.
        source: prefill(ends.source.as_deref(), true),
        destination: prefill(ends.destination.as_deref(), ends.destination.is_some()),
        options: Options::default(),
        is_demo: false,
    };
    open(start, look, environment).await
}

/// The wizard on two throw-away servers, which are gone when this returns.
async fn demo(look: Look) -> u8 {
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
    };
    let start = Start {
        source: prefill(demo.source()),
        destination: prefill(demo.destination()),
        options: Options::default(),
        is_demo: true,
    };
    let code = open(start, look, Environment::default()).await;
    say("Removing the two throw-away servers.");
    code
}

async fn open(start: Start, look: Look, environment: Environment) -> u8 {
    let theme = Theme::from_environment(|name| std::env::var(name).ok(), look.ascii);
    let mut state = State::new(start);
    match Box::pin(shell::run(&mut state, &theme, environment)).await {
        Ok(leaving) => {
            let report = state.run.report.as_deref();
            if let Some(report) = report {
                say(report_text::summary(report).trim_end());
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

fn both(ends: &RequiredEnds) -> Result<(Endpoint, Endpoint), Problem> {
    let source = end("--source", &ends.source)?;
    Ok((source, end("--destination", &ends.destination)?))
}

fn end(option: &str, text: &str) -> Result<Endpoint, Problem> {
    resolve(Some(text), &Environment::of_process())
        .map_err(|problem| problem.doing(format!("Could not understand {option}")))
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
