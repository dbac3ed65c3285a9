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
    /// Nothing was found to differ, so far.
    pub fn equal() -> Self {
        Self {
            compared: 0,
            verdict: Verdict::Equal,
            differences: Vec::new(),
            rewritten: Vec::new(),
        }
    }

    /// What came of comparing others.
    pub fn add(&mut self, other: Self) {
        self.compared += other.compared;
        self.differences.extend(other.differences);
        self.rewritten.extend(other.rewritten);
        if other.verdict != Verdict::Equal {
            self.verdict = other.verdict;
        }
    }

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

/// A kind of the archive's list in the words of the field: `foreign key` for `FK CONSTRAINT`.
pub fn kind_words(kind: &str) -> String {
    match kind {
        "FK CONSTRAINT" => "foreign key".to_owned(),
        "ACL" => "grant".to_owned(),
        "DEFAULT ACL" => "default grant".to_owned(),
        "SEQUENCE OWNED BY" => "owning column".to_owned(),
        "TABLE ATTACH" => "attached partition".to_owned(),
        "INDEX ATTACH" => "attached index".to_owned(),
        "DEFAULT" => "default value".to_owned(),
        "BLOB" | "BLOB METADATA" => "large object".to_owned(),
        other => other.to_lowercase(),
    }
}

/// The same of so many: `12 indexes`.
pub fn kinds(kind: &str, number: u64) -> String {
    let one = kind_words(kind);
    if number == 1 {
        return one;
    }
    let stem = |end| one.strip_suffix(end);
    match (stem("y"), stem("s"), stem("x")) {
        // A policy, but not a key.
        (Some(stem), ..) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        (_, Some(stem), _) if !stem.ends_with('s') => one,
        (_, Some(_), _) | (.., Some(_)) => format!("{one}es"),
        _ => format!("{one}s"),
    }
}

/// What a comment or a grant is on, as the archive's list has it (`TABLE film`), in words: `table public.film`.
pub fn describe_tag(tag: &ObjectName) -> String {
    const OF_TWO: [&str; 7] = [
        "MATERIALIZED VIEW",
        "FOREIGN TABLE",
        "EVENT TRIGGER",
        "LARGE OBJECT",
        "OPERATOR CLASS",
        "OPERATOR FAMILY",
        "ACCESS METHOD",
    ];
    let of_two = OF_TWO.iter().find_map(|kind| {
        let name = tag.name.strip_prefix(kind)?.strip_prefix(' ')?;
        Some((*kind, name))
    });
    match of_two.or_else(|| tag.name.split_once(' ')) {
        Some((kind, name)) if kind.chars().all(|c| c.is_ascii_uppercase() || c == ' ') => {
            describe(kind, &ObjectName::new(&tag.schema, name.to_owned()))
        }
        _ => describe("", tag).trim_start().to_owned(),
    }
}

/// `view public.film_list`.
pub fn describe(kind: &str, name: &ObjectName) -> String {
    let kind = kind_words(kind);
    if name.schema.is_empty() {
        format!("{kind} {}", printable(&name.name))
    } else {
        format!("{kind} {name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_in_the_words_of_the_field() {
        let told = [
            ("INDEX", 1),
            ("INDEX", 2),
            ("FK CONSTRAINT", 2),
            ("POLICY", 2),
            ("OPERATOR CLASS", 2),
            ("STATISTICS", 2),
            ("ACL", 3),
        ];
        assert_eq!(
            told.map(|(kind, number)| kinds(kind, number)),
            [
                "index",
                "indexes",
                "foreign keys",
                "policies",
                "operator classes",
                "statistics",
                "grants"
            ]
        );
    }

    #[test]
    fn what_a_comment_is_on_stands_behind_its_schema() {
        let told = |schema: &str, name: &str| {
            describe_tag(&ObjectName::new(schema.to_owned(), name.to_owned()))
        };
        assert_eq!(told("shop", "TABLE FILM"), "table shop.FILM");
        assert_eq!(
            told("shop", "MATERIALIZED VIEW sold"),
            "materialized view shop.sold"
        );
        assert_eq!(told("", "SCHEMA shop"), "schema shop");
        assert_eq!(told("shop", "odd"), "shop.odd");
    }
}
