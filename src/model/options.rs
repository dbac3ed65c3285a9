//! Choices that hold for a whole migration.

use std::str::FromStr;

use super::format;
use super::roles::RoleMap;
use super::selection::{Pattern, RowFilter};
use serde::{Deserialize, Serialize};

/// How rows travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// `COPY … TO STDOUT` on the source, streamed through howdah into `COPY … FROM STDIN`.
    #[default]
    Copy,
    /// The destination pulls through `postgres_fdw`.
    Fdw,
}

impl Method {
    pub fn label(self) -> &'static str {
        match self {
            Self::Copy => "COPY",
            Self::Fdw => "FDW",
        }
    }

    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Copy => Self::Fdw,
            Self::Fdw => Self::Copy,
        }
    }
}

/// Which part of the schema is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SchemaChoice {
    #[default]
    All,
    /// The tables are there already; only rows and counters are carried.
    None,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    #[default]
    Keep,
    Skip,
}

/// What to do when the destination already has what would be carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnExisting {
    #[default]
    Stop,
    /// Removes what clashes (`--schema all`) or empties the tables (`--schema none`) first.
    Empty,
    /// Leaves what is there and adds to it.
    Append,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerifyLevel {
    Off,
    #[default]
    Counts,
    Checksums,
}

/// How values that are kept out of line are compressed where their column does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToastCompression {
    /// lz4 where the destination has it: half the time of pglz. What the values are does not change.
    #[default]
    Fast,
    /// As the destination's `default_toast_compression` says.
    Server,
}

/// Which tables are carried in parts, side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Split {
    /// Those of a gigabyte and more whose one stream all other work would wait for.
    #[default]
    Auto,
    Never,
    /// Those of more bytes than this, TOAST included, in parts of about so many.
    LargerThan(u64),
}

impl From<Split> for String {
    fn from(split: Split) -> Self {
        match split {
            Split::Auto => "auto".to_owned(),
            Split::Never => "never".to_owned(),
            Split::LargerThan(bytes) => bytes.to_string(),
        }
    }
}

impl TryFrom<String> for Split {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Split {
    type Err = String;

    /// `auto`, `never`, or a size.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "never" => Ok(Self::Never),
            size => match format::bytes_from(size) {
                None | Some(0) => {
                    Err("give auto, never, or a size such as 512MB or 10GB".to_owned())
                }
                Some(bytes) => Ok(Self::LargerThan(bytes)),
            },
        }
    }
}

/// Everything a user can choose besides the two ends and the tables. In files the choices bear the names they have on the command
/// line; what a file does not say is as it is by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Options {
    pub method: Method,
    /// Sessions that carry rows, and as many index builds; at least 1.
    pub jobs: usize,
    pub create_database: bool,
    pub include: Vec<Pattern>,
    pub exclude: Vec<Pattern>,
    /// Tables made without their rows.
    pub structure_only: Vec<Pattern>,
    #[serde(rename = "where")]
    pub filters: Vec<RowFilter>,
    pub schema: SchemaChoice,
    pub owners: Keep,
    pub privileges: Keep,
    /// Roles of the source under their names on the destination.
    #[serde(rename = "map-role")]
    pub role_map: RoleMap,
    /// Roles that the destination lacks are made, without login and password.
    pub create_roles: bool,
    /// `ALTER DATABASE … SET`, comment, grants and limits of the database itself.
    pub database_settings: Keep,
    pub on_existing: OnExisting,
    pub verify: VerifyLevel,
    pub toast_compression: ToastCompression,
    #[serde(rename = "split-larger-than")]
    pub split: Split,
    /// The source as the destination server sees it; none means as howdah sees it.
    pub fdw_host: Option<String>,
    pub fdw_port: Option<u16>,
}

impl Default for Options {
    /// jobs is the smaller of 4 and the cores.
    fn default() -> Self {
        Self {
            method: Method::Copy,
            jobs: std::thread::available_parallelism()
                .map_or(2, usize::from)
                .min(4),
            create_database: false,
            include: Vec::new(),
            exclude: Vec::new(),
            structure_only: Vec::new(),
            filters: Vec::new(),
            schema: SchemaChoice::All,
            owners: Keep::Keep,
            privileges: Keep::Keep,
            role_map: RoleMap::default(),
            create_roles: false,
            database_settings: Keep::Keep,
            on_existing: OnExisting::Stop,
            verify: VerifyLevel::Counts,
            toast_compression: ToastCompression::Fast,
            split: Split::Auto,
            fdw_host: None,
            fdw_port: None,
        }
    }
}
