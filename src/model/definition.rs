//! Objects as the statements that make them, and how those of two databases differ.

use super::name::{ObjectName, printable};
use super::report::Verdict;

/// One object of the schema archive, as SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// `TABLE`, `FK CONSTRAINT` … as in the archive's list.
    pub kind: String,
    pub name: ObjectName,
    /// The statements that make it, its owner's among them unless owners are left out.
    pub sql: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The destination does not have it.
    Missing,
    /// Only the destination has it.
    Extra,
    /// Both have it, but not alike.
    Changed,
}

/// An object that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionDifference {
    pub kind: String,
    pub name: ObjectName,
    pub change: Change,
    pub source: Option<String>,
    pub destination: Option<String>,
}

impl DefinitionDifference {
    /// `index public.film_title_idx`, for people.
    pub fn object(&self) -> String {
        describe(&self.kind, &self.name)
    }
}

/// What came of comparing two schema archives entry by entry.
#[derive(Clone, Debug, PartialEq)]
pub struct DefinitionsResult {
    pub compared: u64,
    pub verdict: Verdict,
    pub differences: Vec<DefinitionDifference>,
    /// Objects that read differently in parentheses and casts alone, as a server writes an expression anew when it is
    /// created from its own text; not taken for equal.
    pub rewritten: Vec<String>,
}

impl DefinitionsResult {
    /// Nothing was compared, for this reason.
    pub fn not_compared(because: impl Into<String>) -> Self {
        Self {
            compared: 0,
            verdict: Verdict::NotCompared(because.into()),
            differences: Vec::new(),
            rewritten: Vec::new(),
        }
    }
}

/// `view public.film_list`.
pub fn describe(kind: &str, name: &ObjectName) -> String {
    let kind = kind.to_lowercase();
    if name.schema.is_empty() {
        format!("{kind} {}", printable(&name.name))
    } else {
        format!("{kind} {name}")
    }
}
