//! What a run did and what it proved.

use super::definition::DefinitionsResult;
use super::name::ObjectName;
use super::options::Method;
use super::plan::LeftOut;
use super::problem::Problem;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// All steps done, everything compared is equal.
    #[default]
    Done,
    Failed,
    /// All steps done, but something differs.
    Different,
    Cancelled,
}

impl Outcome {
    /// 0 done, 1 failed, 4 different, 130 cancelled.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Different => 4,
            Self::Cancelled => 130,
        }
    }
}

/// Three results only; "not compared" is never taken for equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Equal,
    Different,
    NotCompared(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct TableResult {
    pub name: ObjectName,
    /// How its rows went; none where sides were only compared.
    pub method: Option<Method>,
    pub is_binary: bool,
    pub source_rows: Option<u64>,
    pub destination_rows: Option<u64>,
    pub bytes: u64,
    pub copy_ms: u64,
    pub arrival: Arrival,
    pub verdict: Verdict,
}

/// Whether a run that goes on with another found a table's rows there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrival {
    /// Not there: they came.
    #[default]
    Carried,
    /// There, and both sides proved to hold the same.
    Kept,
    /// There in parts, which proved equal; the others came.
    Completed,
    /// There, but no longer the source's: emptied, and they came again.
    Again,
}

/// A counter as both sides have it.
#[derive(Clone, Debug, PartialEq)]
pub struct SequenceResult {
    pub name: ObjectName,
    /// `last_value` and `is_called`.
    pub source: Option<(i64, bool)>,
    pub destination: Option<(i64, bool)>,
    pub verdict: Verdict,
}

/// A constraint that holds for new rows only, because old ones break it.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfinished {
    /// `Add foreign key public.film film_language_fkey`.
    pub title: String,
    pub because: Problem,
    /// Rows that break it.
    pub violations: Option<u64>,
    /// The keys of a few of them.
    pub sample: Vec<String>,
    /// Makes it whole once the rows are mended.
    pub statement: String,
    /// Added for new rows only; else it stands, but was not checked for these rows.
    pub is_not_valid: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    pub outcome: Outcome,
    /// Nothing was carried; two databases were compared.
    pub is_comparison: bool,
    pub source: String,
    pub destination: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub elapsed_ms: u64,
    pub snapshot_held_ms: Option<u64>,
    /// How rows were compared, in words.
    pub measured_by: Option<String>,
    /// Rows were counted, their values not compared.
    pub is_counted_only: bool,
    pub tables: Vec<TableResult>,
    pub sequences: Vec<SequenceResult>,
    pub large_objects: Option<LargeObjectResult>,
    pub definitions: Option<DefinitionsResult>,
    /// Schema entries made, by kind: `("TABLE", 22)`.
    pub objects: Vec<(String, u64)>,
    /// Title of the step and what went wrong.
    pub failures: Vec<(String, Problem)>,
    /// Made, but not whole: the rows do not allow it.
    pub unfinished: Vec<Unfinished>,
    /// Title of the step and why it was not run.
    pub skipped: Vec<(String, String)>,
    /// Left out in the middle of the run because it, or what it needs, had failed: title of the step and why.
    pub given_up: Vec<(String, String)>,
    /// Scaffold removed from the destination.
    pub removed: Vec<String>,
    /// Scaffold that could not be removed, with the statement that does it.
    pub left_behind: Vec<String>,
    pub left_out: Vec<LeftOut>,
    pub not_compared: Vec<String>,
    pub warnings: Vec<String>,
    /// How often steps were tried again by themselves; the warnings name them.
    pub repeats: u64,
    pub next_steps: Vec<String>,
    /// Goes on where the run ended; none when there is nothing to go on with.
    pub resume_command: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LargeObjectResult {
    pub source_count: u64,
    pub destination_count: Option<u64>,
    pub bytes: u64,
    pub verdict: Verdict,
}

impl Report {
    pub fn row_count(&self) -> u64 {
        self.tables.iter().filter_map(|t| t.source_rows).sum()
    }

    /// Something compared is not the same on both sides.
    pub fn differs(&self) -> bool {
        let tables = self.tables.iter().map(|t| &t.verdict);
        let sequences = self.sequences.iter().map(|s| &s.verdict);
        let large_objects = self.large_objects.iter().map(|l| &l.verdict);
        let definitions = self.definitions.iter().map(|d| &d.verdict);
        tables
            .chain(sequences)
            .chain(large_objects)
            .chain(definitions)
            .any(|verdict| *verdict == Verdict::Different)
    }

    pub fn byte_count(&self) -> u64 {
        self.tables.iter().map(|t| t.bytes).sum()
    }
}
