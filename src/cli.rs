//! The command line: what may be asked for, and what it means. No logic of a migration.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::model::options::{
    Keep, Method, OnExisting, Options, SchemaChoice, Split, ToastCompression, VerifyLevel,
};
use crate::model::roles::{RoleMap, RolePair};
use crate::model::selection::{Pattern, RowFilter};

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
}

const EXIT_CODES: &str = "Without a command the wizard opens. What is not said comes from libpq's environment variables, ~/.pgpass and pg_service.conf.

Exit codes: 0 done and verified, 1 failed, 2 usage, 3 checks blocked, 4 verification found a difference, 130 cancelled.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The wizard on two throw-away local clusters with a sample database
    Demo {
        #[command(flatten)]
        look: Look,
    },
    /// Carry the database without a screen
    Run {
        #[command(flatten)]
        ends: RequiredEnds,
        #[command(flatten)]
        choices: Choices,
        /// Go ahead without asking; needed, for there is nobody to ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        telling: Telling,
    },
    /// Print the SQL that run would execute, in order; run nothing
    Plan {
        #[command(flatten)]
        ends: RequiredEnds,
        #[command(flatten)]
        choices: Choices,
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
    /// Go on with a run that was interrupted: what is done and still true is kept
    Resume {
        /// Source database, if it has another address or password now than when the run began
        #[arg(long, value_name = "URI")]
        source: Option<String>,
        /// Destination database, in which the run left its journal
        #[arg(long, value_name = "URI")]
        destination: String,
        /// Go ahead; without it, only what is done and what is left is told
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        telling: Telling,
    },
    /// Remove what interrupted runs left of howdah's own in a destination; what they copied stays
    Clean {
        /// Destination database
        #[arg(long, value_name = "URI")]
        destination: String,
        /// Go ahead; without it, only what would be removed is told
        #[arg(long)]
        yes: bool,
    },
    /// Check both servers; change nothing
    Check {
        #[command(flatten)]
        ends: RequiredEnds,
        #[command(flatten)]
        choices: Choices,
        /// One JSON object per check on standard output
        #[arg(long)]
        json: bool,
    },
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
}

/// The two servers, as far as they are known.
#[derive(Clone, Debug, Default, Args)]
pub struct Ends {
    /// Source database: a libpq URI, key=value string or database name
    #[arg(long, value_name = "URI")]
    pub source: Option<String>,
    /// Destination database: a libpq URI, key=value string or database name
    #[arg(long, value_name = "URI")]
    pub destination: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct RequiredEnds {
    /// Source database: a libpq URI, key=value string or database name
    #[arg(long, value_name = "URI")]
    pub source: String,
    /// Destination database: a libpq URI, key=value string or database name
    #[arg(long, value_name = "URI")]
    pub destination: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum MethodWord {
    Copy,
    Fdw,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SchemaWord {
    All,
    None,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KeepWord {
    Keep,
    Skip,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnExistingWord {
    Stop,
    Empty,
    Append,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum VerifyWord {
    Off,
    Counts,
    Checksums,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ToastWord {
    Fast,
    Server,
}

/// Which tables, and which of their rows.
#[derive(Clone, Debug, Args)]
struct Tables {
    /// Only these tables and sequences: schema.name, * for any characters; may be repeated
    #[arg(long, value_name = "PATTERN", value_parser = Pattern::parse)]
    include: Vec<Pattern>,
    /// All but these; wins over --include
    #[arg(long, value_name = "PATTERN", value_parser = Pattern::parse)]
    exclude: Vec<Pattern>,
    /// These tables without their rows; may be repeated
    #[arg(long, value_name = "PATTERN", value_parser = Pattern::parse)]
    structure_only: Vec<Pattern>,
    /// Of a table of the source only the rows that satisfy a condition: schema.table=CONDITION, as behind WHERE; may be repeated
    #[arg(long = "where", value_name = "TABLE=CONDITION", value_parser = RowFilter::parse)]
    filters: Vec<RowFilter>,
}

impl From<Tables> for Options {
    fn from(tables: Tables) -> Self {
        Self {
            include: tables.include,
            exclude: tables.exclude,
            structure_only: tables.structure_only,
            filters: tables.filters,
            ..Self::default()
        }
    }
}

/// What is carried, and how.
#[derive(Clone, Debug, Args)]
pub struct Choices {
    /// How rows travel: streamed through howdah, or pulled by the destination through postgres_fdw
    #[arg(long, value_enum, default_value = "copy")]
    method: MethodWord,
    /// Tables carried at once [default: the smaller of 4 and the cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Create the destination database if it is missing
    #[arg(long)]
    create_database: bool,
    #[command(flatten)]
    tables: Tables,
    /// Make the schema, or carry only rows and counters into tables that are there
    #[arg(long, value_enum, default_value = "all")]
    schema: SchemaWord,
    /// Owners of the objects
    #[arg(long, value_enum, default_value = "keep")]
    owners: KeepWord,
    /// Grants on the objects
    #[arg(long, value_enum, default_value = "keep")]
    privileges: KeepWord,
    /// Settings, comment, limits and grants of the database itself
    #[arg(long, value_enum, default_value = "keep")]
    database_settings: KeepWord,
    /// Give what role OLD owns or may do to role NEW; put a name that holds = in double quotes; may be repeated
    #[arg(long, value_name = "OLD=NEW", value_parser = RolePair::parse)]
    map_role: Vec<RolePair>,
    /// Create the roles that the destination lacks, without login and password
    #[arg(long)]
    create_roles: bool,
    /// When the destination holds what would be carried: stop, remove or empty it first, or add to it
    #[arg(long, value_enum, default_value = "stop")]
    on_existing: OnExistingWord,
    /// How the copy is proved
    #[arg(long, value_enum, default_value = "counts")]
    verify: VerifyWord,
    /// Long values whose column does not say otherwise are compressed with lz4 where the destination has it, or as it does by itself
    #[arg(long, value_enum, default_value = "fast")]
    toast_compression: ToastWord,
    /// Tables of more bytes than SIZE go in parts of about so many, side by side; auto: those of 1 GB and more that all else would wait for
    #[arg(long, value_name = "auto|never|SIZE", default_value = "auto")]
    split_larger_than: Split,
    /// Host of the source as the destination server sees it
    #[arg(long, value_name = "HOST")]
    fdw_host: Option<String>,
    /// Port of the source as the destination server sees it
    #[arg(long, value_name = "PORT")]
    fdw_port: Option<u16>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CompareWord {
    Counts,
    Checksums,
}

/// What is compared, and how.
#[derive(Clone, Debug, Args)]
pub struct Scope {
    /// Tables compared at once [default: the smaller of 4 and the cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    #[command(flatten)]
    tables: Tables,
    /// Leave owners aside
    #[arg(long, value_enum, default_value = "keep")]
    owners: KeepWord,
    /// Leave grants aside
    #[arg(long, value_enum, default_value = "keep")]
    privileges: KeepWord,
    /// Rows by their number, or by a checksum over every value
    #[arg(long, value_enum, default_value = "checksums")]
    verify: CompareWord,
}

impl From<Scope> for Options {
    fn from(scope: Scope) -> Self {
        Self {
            jobs: scope.jobs.map_or_else(|| Self::default().jobs, usize::from),
            owners: scope.owners.into(),
            privileges: scope.privileges.into(),
            verify: match scope.verify {
                CompareWord::Counts => VerifyLevel::Counts,
                CompareWord::Checksums => VerifyLevel::Checksums,
            },
            ..scope.tables.into()
        }
    }
}

impl From<KeepWord> for Keep {
    fn from(word: KeepWord) -> Self {
        match word {
            KeepWord::Keep => Self::Keep,
            KeepWord::Skip => Self::Skip,
        }
    }
}

impl From<Choices> for Options {
    fn from(choices: Choices) -> Self {
        Self {
            method: match choices.method {
                MethodWord::Copy => Method::Copy,
                MethodWord::Fdw => Method::Fdw,
            },
            jobs: choices
                .jobs
                .map_or_else(|| Self::default().jobs, usize::from),
            create_database: choices.create_database,
            schema: match choices.schema {
                SchemaWord::All => SchemaChoice::All,
                SchemaWord::None => SchemaChoice::None,
            },
            owners: choices.owners.into(),
            privileges: choices.privileges.into(),
            database_settings: choices.database_settings.into(),
            role_map: RoleMap::new(choices.map_role),
            create_roles: choices.create_roles,
            on_existing: match choices.on_existing {
                OnExistingWord::Stop => OnExisting::Stop,
                OnExistingWord::Empty => OnExisting::Empty,
                OnExistingWord::Append => OnExisting::Append,
            },
            verify: match choices.verify {
                VerifyWord::Off => VerifyLevel::Off,
                VerifyWord::Counts => VerifyLevel::Counts,
                VerifyWord::Checksums => VerifyLevel::Checksums,
            },
            toast_compression: match choices.toast_compression {
                ToastWord::Fast => ToastCompression::Fast,
                ToastWord::Server => ToastCompression::Server,
            },
            split: choices.split_larger_than,
            fdw_host: choices.fdw_host,
            fdw_port: choices.fdw_port,
            ..choices.tables.into()
        }
    }
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
