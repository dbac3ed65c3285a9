//! The words of the choices, and what they mean.

use clap::{Args, ValueEnum};

use crate::model::options::{
    Keep, Method, OnExisting, Options, SchemaChoice, Split, ToastCompression, VerifyLevel,
};
use crate::model::roles::{RoleMap, RolePair};
use crate::model::selection::{Pattern, RowFilter};

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
pub struct Tables {
    /// Only these tables and sequences: schema.name, * for any characters; may be repeated
    #[arg(long, value_name = "PATTERN", value_parser = Pattern::parse)]
    include: Vec<Pattern>,
    /// All but these; wins over --include
    #[arg(long, value_name = "PATTERN", value_parser = Pattern::parse)]
    exclude: Vec<Pattern>,
    /// These tables without their rows; may be repeated
    #[arg(long, value_name = "PATTERN", value_parser = Pattern::parse)]
    structure_only: Vec<Pattern>,
    /// Of a table of the source only the rows that satisfy a condition: schema.table=CONDITION, as after WHERE; may be repeated
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
    /// How rows are copied: streamed through howdah, or pulled by the destination server itself through postgres_fdw [default: copy]
    #[arg(long, value_enum)]
    method: Option<MethodWord>,
    /// Tables copied at once [default: the smaller of 4 and the cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Create the destination database if it is missing
    #[arg(long)]
    create_database: bool,
    /// Create the schema, or copy only rows and sequence values into existing tables
    #[arg(long, value_enum, default_value = "all")]
    schema: SchemaWord,
    /// Owners of the objects [default: keep]
    #[arg(long, value_enum)]
    owners: Option<KeepWord>,
    /// Grants on the objects [default: keep]
    #[arg(long, value_enum)]
    privileges: Option<KeepWord>,
    /// Settings, comment, limits and grants of the database itself [default: keep]
    #[arg(long, value_enum)]
    database_settings: Option<KeepWord>,
    /// Give what role OLD owns or may do to role NEW; put a name that holds = in double quotes; may be repeated
    #[arg(long, value_name = "OLD=NEW", value_parser = RolePair::parse)]
    map_role: Vec<RolePair>,
    /// Create the roles that the destination lacks, without login or password
    #[arg(long)]
    create_roles: bool,
    /// When the destination already holds what would be created or filled: stop, remove or empty it first, or add to it
    #[arg(long, value_enum, default_value = "stop")]
    on_existing: OnExistingWord,
    /// How the copy is proved [default: counts]
    #[arg(long, value_enum)]
    verify: Option<VerifyWord>,
    /// Compress long values whose column does not say otherwise with lz4 where the destination has it, or as is usual there [default: fast]
    #[arg(long, value_enum)]
    toast_compression: Option<ToastWord>,
    /// Copy tables larger than SIZE in parts of about that size, side by side; auto: those of 1 GB and more that everything else would wait for [default: auto]
    #[arg(long, value_name = "auto|never|SIZE")]
    split_larger_than: Option<Split>,
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

impl Choices {
    /// What the command line does not say is as `usual` has it.
    pub fn over(self, tables: Tables, usual: &Options) -> Options {
        let tables = Options::from(tables);
        Options {
            method: self.method.map_or(usual.method, Method::from),
            jobs: self.jobs.map_or(usual.jobs, usize::from),
            create_database: self.create_database,
            include: tables.include,
            exclude: tables.exclude,
            structure_only: tables.structure_only,
            filters: tables.filters,
            schema: match self.schema {
                SchemaWord::All => SchemaChoice::All,
                SchemaWord::None => SchemaChoice::None,
            },
            owners: self.owners.map_or(usual.owners, Keep::from),
            privileges: self.privileges.map_or(usual.privileges, Keep::from),
            database_settings: self
                .database_settings
                .map_or(usual.database_settings, Keep::from),
            role_map: RoleMap::new(self.map_role),
            create_roles: self.create_roles,
            on_existing: match self.on_existing {
                OnExistingWord::Stop => OnExisting::Stop,
                OnExistingWord::Empty => OnExisting::Empty,
                OnExistingWord::Append => OnExisting::Append,
            },
            verify: self.verify.map_or(usual.verify, VerifyLevel::from),
            toast_compression: self
                .toast_compression
                .map_or(usual.toast_compression, ToastCompression::from),
            split: self.split_larger_than.unwrap_or(usual.split),
            fdw_host: self.fdw_host,
            fdw_port: self.fdw_port,
        }
    }
}

impl From<MethodWord> for Method {
    fn from(word: MethodWord) -> Self {
        match word {
            MethodWord::Copy => Self::Copy,
            MethodWord::Fdw => Self::Fdw,
        }
    }
}

impl From<VerifyWord> for VerifyLevel {
    fn from(word: VerifyWord) -> Self {
        match word {
            VerifyWord::Off => Self::Off,
            VerifyWord::Counts => Self::Counts,
            VerifyWord::Checksums => Self::Checksums,
        }
    }
}

impl From<ToastWord> for ToastCompression {
    fn from(word: ToastWord) -> Self {
        match word {
            ToastWord::Fast => Self::Fast,
            ToastWord::Server => Self::Server,
        }
    }
}
