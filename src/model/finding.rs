//! What the pre-flight checks say.

use super::connection::Side;
use super::problem::{Field, Problem};

/// ✓ fine, ! the user decides, ✗ stops the migration. "?" is [`CheckResult::outcome`] being an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Fine,
    Warning,
    Blocking,
}

/// How a finding is mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    /// In words, for somebody to do.
    Words(String),
    Sql(SqlFix),
}

/// Statements that mend a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlFix {
    pub side: Side,
    /// In order, each with its semicolon.
    pub statements: Vec<String>,
    /// Whom the server lets run them, e.g. `a superuser`.
    pub by: &'static str,
    /// Why howdah does not run them, a sentence; none: it does, after asking.
    pub not_here: Option<String>,
}

impl Fix {
    pub fn words(text: impl Into<String>) -> Self {
        Self::Words(text.into())
    }

    /// howdah never writes there.
    pub fn on_source(statements: Vec<String>, by: &'static str) -> Self {
        let reason =
            format!("howdah only reads the source: copy this (y) and let {by} run it there.");
        Self::Sql(SqlFix {
            side: Side::Source,
            statements,
            by,
            not_here: Some(reason),
        })
    }

    /// `may`: the server would let the role that is connected run them.
    pub fn on_destination(statements: Vec<String>, by: &'static str, may: bool) -> Self {
        let reason = (!may).then(|| {
            format!("The role you connect as may not run this: copy it (y) and let {by} run it.")
        });
        Self::Sql(SqlFix {
            side: Side::Destination,
            statements,
            by,
            not_here: reason,
        })
    }

    /// Though the server might let it run them, howdah does not: a sentence that says why.
    #[must_use]
    pub fn left_to_you(mut self, reason: impl Into<String>) -> Self {
        if let Self::Sql(fix) = &mut self {
            fix.not_here = Some(reason.into());
        }
        self
    }

    /// As it is copied.
    pub fn text(&self) -> String {
        match self {
            Self::Words(text) => text.clone(),
            Self::Sql(fix) => fix.statements.join("\n"),
        }
    }
}

/// One thing a check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub level: Level,
    /// One line.
    pub title: String,
    /// What it means and why it matters, in plain words.
    pub meaning: String,
    pub fix: Option<Fix>,
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
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
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

    /// The title of the gravest finding; none when it could not be checked, or nothing was found.
    pub fn worst(&self) -> Option<&str> {
        let level = self.level().filter(|level| *level > Level::Fine)?;
        let mut findings = self.outcome.as_ref().ok()?.iter();
        findings
            .find(|one| one.level == level)
            .map(|one| one.title.as_str())
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
