//! What the pre-flight checks say.

use super::problem::{Field, Problem};

/// ✓ fine, ! the user decides, ✗ stops the migration. "?" is [`CheckResult::outcome`] being an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Fine,
    Warning,
    Blocking,
}

/// One thing a check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub level: Level,
    /// One line.
    pub title: String,
    /// What it means and why it matters, in plain words.
    pub meaning: String,
    /// SQL or shell command that mends it, to copy.
    pub fix: Option<String>,
    /// Objects concerned, for people.
    pub objects: Vec<String>,
    pub field: Option<Field>,
}

impl Finding {
    pub fn fine(title: impl Into<String>) -> Self {
        Self::new(Level::Fine, title, "")
    }

    pub fn new(level: Level, title: impl Into<String>, meaning: impl Into<String>) -> Self {
        Self {
            level,
            title: title.into(),
            meaning: meaning.into(),
            fix: None,
            objects: Vec::new(),
            field: None,
        }
    }

    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    #[must_use]
    pub fn objects(mut self, objects: Vec<String>) -> Self {
        self.objects = objects;
        self
    }

    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.field = Some(field);
        self
    }
}

/// One check's whole answer. An error means it could not be checked: never the same as fine.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckResult {
    /// Stable short name, e.g. `fdw-reaches-source`.
    pub id: &'static str,
    /// What was checked, e.g. `The destination server reaches the source`.
    pub title: &'static str,
    pub outcome: Result<Vec<Finding>, Problem>,
}

impl CheckResult {
    /// What it is about, as a heading over checks that stand together.
    pub fn group(&self) -> &'static str {
        match self.id {
            "reach" | "same-database" | "direct" | "pg-dump" => "The two ends",
            "read-rights" | "row-security" => "Reading the source",
            "fdw-available" | "fdw-reaches-source" => "Server to server (FDW)",
            _ => "Writing the destination",
        }
    }

    /// The gravest level; none when it could not be checked.
    pub fn level(&self) -> Option<Level> {
        self.outcome.as_ref().ok().map(|findings| {
            findings
                .iter()
                .map(|f| f.level)
                .max()
                .unwrap_or(Level::Fine)
        })
    }
}
