//! The command line: what may be asked for, and what it means. No logic of a migration.

mod choices;
pub mod manual;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::model::forecast::SampleSize;

pub use choices::{Choices, Scope, Tables};

use crate::model::connection::Secret;

/// Carries a PostgreSQL database from one server to another, and proves the copy.
#[derive(Debug, Parser)]
#[command(name = "howdah", version, about, after_help = EXIT_CODES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub ends: Ends,
    #[command(flatten)]
    pub look: Look,
    /// File with defaults of your own [default: ~/.config/howdah/config.toml, or below XDG_CONFIG_HOME]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "HOWDAH_CONFIG",
        help_heading = "Files"
    )]
    pub config: Option<PathBuf>,
    /// Write what happens to this file, a line each; no password gets into it
    #[arg(long, global = true, value_name = "FILE", help_heading = "Files")]
    pub log: Option<PathBuf>,
}

const EXIT_CODES: &str = "Without a command the wizard opens. What you do not give comes from libpq's environment variables, ~/.pgpass and pg_service.conf.

The configuration file is TOML. Its keys, all of them optional: method, jobs, verify, owners, privileges, database-settings, toast-compression, split-larger-than (as the options of run), log (a file), ascii, mouse, animation, color (true or false).

Exit codes: 0 done and verified, 1 failed, 2 usage, 3 checks blocked or a plan file that no longer fits, 4 verification found a difference, 130 stopped.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The wizard on two throw-away local clusters with a sample database
    Demo {
        #[command(flatten)]
        look: Look,
    },
    /// Copy the database without the wizard
    Run {
        #[command(flatten)]
        job: Job,
        /// Go ahead; required, because there is nobody to ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        telling: Telling,
    },
    /// Print the SQL that run would execute, in order, or write it to a file to edit or run; run nothing
    Plan {
        #[command(flatten)]
        job: Job,
        /// Write a plan file (TOML) that can be edited and given to run --plan; with --script, the script
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// A shell script that does the same with psql, pg_dump and pg_restore alone, without howdah
        #[arg(long)]
        script: bool,
    },
    /// Copy a sample of each table into a scratch database on the destination, remove that, and forecast how long run will take
    Rehearse {
        #[command(flatten)]
        job: Job,
        /// About this much of each table: a size, a number such as 10000rows, or a share such as 5%
        #[arg(long, value_name = "SIZE", default_value = "64MB", value_parser = SampleSize::parse)]
        sample: SampleSize,
        /// One JSON object per event on standard output; the last is the forecast
        #[arg(long)]
        json: bool,
    },
    /// Compare two databases: rows, sequences, large objects and definitions; change nothing
    Verify {
        #[command(flatten)]
        ends: RequiredEnds,
        #[command(flatten)]
        scope: Scope,
        #[command(flatten)]
        telling: Telling,
    },
    /// Resume a run that was interrupted: what is done and still matches the source is kept
    Resume {
        /// Source database, if it has another address or password now than when the run began
        #[arg(long, value_name = "URI")]
        source: Option<Secret>,
        /// Destination database, in which the run left its journal
        #[arg(long, value_name = "URI")]
        destination: Secret,
        /// Go ahead; without it, howdah only shows what is done and what is left
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        telling: Telling,
    },
    /// Remove what interrupted runs left of howdah's own in a destination; what they copied stays
    Clean {
        /// Destination database
        #[arg(long, value_name = "URI")]
        destination: Secret,
        /// Go ahead; without it, howdah only shows what would be removed
        #[arg(long)]
        yes: bool,
    },
    /// Check both servers; change nothing
    Check {
        #[command(flatten)]
        job: Job,
        /// One JSON object per check on standard output
        #[arg(long)]
        json: bool,
    },
    /// Print shell completions for howdah; put them where your shell looks for completions
    Completions { shell: Shell },
    /// Print the manual page of howdah, or of one command, for man -l
    Man {
        /// run, plan …
        command: Option<String>,
    },
}

/// What is to be done: two ends with the choices, or a plan file, whose ends may be named anew.
#[derive(Clone, Debug, Args)]
pub struct Job {
    /// Source database: a libpq URI, key=value string or database name
    #[arg(long, value_name = "URI", required_unless_present = "plan")]
    pub source: Option<Secret>,
    /// Destination database: a libpq URI, key=value string or database name
    #[arg(long, value_name = "URI", required_unless_present = "plan")]
    pub destination: Option<Secret>,
    /// A plan file that plan --out has written: says both ends and all choices
    #[arg(long, value_name = "FILE", conflicts_with_all = ["Choices", "Tables"])]
    pub plan: Option<PathBuf>,
    /// A selection saved in the wizard: says which tables and sequences, and how; what it names and the source does not have is listed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["plan", "Tables"])]
    pub selection: Option<PathBuf>,
    #[command(flatten)]
    pub tables: Tables,
    #[command(flatten)]
    pub choices: Choices,
}

/// How a command without a screen tells what it does.
#[derive(Debug, Args)]
pub struct Telling {
    /// One JSON object per event on standard output
    #[arg(long)]
    pub json: bool,
    /// Write the report to this file, Markdown or (ending in .json) JSON
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// How the wizard looks.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Look {
    /// Draw with ASCII characters only
    #[arg(long)]
    pub ascii: bool,
    /// Let the mouse scroll and click; the terminal then marks text only with Shift held (F2 switches)
    #[arg(long)]
    pub mouse: bool,
    /// Nothing turns on the screen, and it is drawn anew once a second at the most while something is waited for
    #[arg(long)]
    pub no_animation: bool,
}

/// The two servers, as far as they are known.
#[derive(Clone, Debug, Default, Args)]
pub struct Ends {
    /// Source database: a libpq URI, key=value string or database name
    #[arg(long, value_name = "URI")]
    pub source: Option<Secret>,
    /// Destination database: a libpq URI, key=value string or database name
    #[arg(long, value_name = "URI")]
    pub destination: Option<Secret>,
}

#[derive(Clone, Debug, Args)]
pub struct RequiredEnds {
    /// Source database: a libpq URI, key=value string or database name
    #[arg(long, value_name = "URI")]
    pub source: Secret,
    /// Destination database: a libpq URI, key=value string or database name
    #[arg(long, value_name = "URI")]
    pub destination: Secret,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_debug_text_has_a_password() {
        let uri = "postgres://u:geheim@h/d";
        for command in [&[][..], &["run"], &["verify"], &["resume"], &["clean"]] {
            let ends = ["--source", uri, "--destination", uri];
            let ends = if command == ["clean"] {
                &ends[2..]
            } else {
                &ends
            };
            let cli = Cli::try_parse_from([&["howdah"], command, ends].concat()).unwrap();
            let text = format!("{cli:?}");
            assert!(
                text.contains("Secret") && !text.contains("geheim"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_run_needs_both_ends() {
        assert!(Cli::try_parse_from(["howdah", "run", "--yes", "--source", "a"]).is_err());
        assert!(
            Cli::try_parse_from([
                "howdah",
                "run",
                "--source",
                "a",
                "--destination",
                "b",
                "--jobs",
                "0"
            ])
            .is_err()
        );
    }
}
