//! Starts howdah: reads the arguments, chooses wizard, headless mode or demo, and turns the end into an exit code.

use std::process::ExitCode;

use clap::Parser;
use howdah::cli::{Cli, Command, RequiredEnds};
use howdah::headless::{self, End, Voice};
use howdah::model::connection::Endpoint;
use howdah::model::options::Options;
use howdah::model::problem::Problem;
use howdah::settings::environment::Environment;
use howdah::settings::resolve::resolve;

const FAILED: u8 = 1;
const USAGE: u8 = 2;

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
            json,
            report,
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
            let voice = if json { Voice::Json } else { Voice::Lines };
            let (source, destination) = match both(&ends) {
                Ok(both) => both,
                Err(problem) => return usage(&problem),
            };
            let run = headless::run(
                source,
                destination,
                choices.into(),
                voice,
                report.as_deref(),
            );
            finish(Box::pin(run).await)
        }
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
            let voice = if json { Voice::Json } else { Voice::Lines };
            let options: Options = choices.into();
            match both(&ends) {
                Ok((source, destination)) => {
                    finish(Box::pin(headless::check(source, destination, options, voice)).await)
                }
                Err(problem) => usage(&problem),
            }
        }
        Some(Command::Demo { .. }) | None => {
            complain(&Problem::new("The wizard is not there yet", ""));
            FAILED
        }
    }
}

fn both(ends: &RequiredEnds) -> Result<(Endpoint, Endpoint), Problem> {
    let environment = Environment::of_process();
    let source = resolve(Some(&ends.source), &environment)
        .map_err(|problem| problem.doing("Could not understand --source"))?;
    let destination = resolve(Some(&ends.destination), &environment)
        .map_err(|problem| problem.doing("Could not understand --destination"))?;
    Ok((source, destination))
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

#[expect(
    clippy::print_stderr,
    reason = "the one place where errors of the command line are told"
)]
fn complain(problem: &Problem) {
    eprintln!("howdah: {problem}");
}
