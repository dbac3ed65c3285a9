//! What the user wants carried.

use super::catalog::Catalog;
use super::name::{ObjectName, split_quoted};
use super::options::{Method, Options};
use serde::{Deserialize, Serialize};

/// What of a table is carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carry {
    #[default]
    #[serde(rename = "rows")]
    RowsAndStructure,
    StructureOnly,
    Nothing,
}

/// One choice per table and sequence, by position in the catalog; cheap to clone, so undo is a stack of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    pub tables: Vec<Carry>,
    /// Choice per table that overrides [`Options::method`](super::options::Options::method).
    pub methods: Vec<Option<Method>>,
    pub sequences: Vec<bool>,
    /// Condition per table that its rows must satisfy to be carried, as the user wrote it.
    pub filters: Vec<Option<String>>,
}

impl Selection {
    /// Everything the catalog holds.
    pub fn all(catalog: &Catalog) -> Self {
        Self {
            tables: vec![Carry::RowsAndStructure; catalog.tables.len()],
            methods: vec![None; catalog.tables.len()],
            sequences: vec![true; catalog.sequences.len()],
            filters: vec![None; catalog.tables.len()],
        }
    }

    /// What the options name: tables and sequences, tables without rows, and rows by condition. A partition follows its root.
    pub fn of(catalog: &Catalog, options: &Options) -> Self {
        let mut selection = Self::from_patterns(catalog, &options.include, &options.exclude);
        for (at, table) in catalog.tables.iter().enumerate() {
            let chain = || {
                std::iter::successors(Some(table), |t| {
                    t.partition_of.and_then(|parent| catalog.tables.get(parent))
                })
            };
            let is_named = |pattern: &Pattern| chain().any(|t| pattern.matches(&t.name));
            if options.structure_only.iter().any(is_named)
                && selection.tables[at] == Carry::RowsAndStructure
            {
                selection.tables[at] = Carry::StructureOnly;
            }
            let filter = options.filters.iter().rfind(|one| is_named(&one.table));
            selection.filters[at] = filter.map(|one| one.condition.clone());
        }
        selection
    }

    /// The condition for one table's rows.
    pub fn filter(&self, table: usize) -> Option<&str> {
        self.filters.get(table)?.as_deref()
    }

    /// What `--include` and `--exclude` leave: no include means everything, but for what the service that runs the source has
    /// for itself, whose schema has to be named; exclude wins. A sequence owned by a table's column follows that table unless
    /// a pattern names it.
    pub fn from_patterns(catalog: &Catalog, include: &[Pattern], exclude: &[Pattern]) -> Self {
        let included = |name: &ObjectName| include.iter().any(|p| p.matches(name));
        let excluded = |name: &ObjectName| exclude.iter().any(|p| p.matches(name));
        let wanted = |name: &ObjectName| (include.is_empty() || included(name)) && !excluded(name);
        let by_name = |name: &ObjectName| {
            let mut naming = include.iter().filter(|p| name.schema == p.schema);
            naming.any(|p| p.matches(name))
        };
        let mut selection = Self::all(catalog);
        for (carry, table) in selection.tables.iter_mut().zip(&catalog.tables) {
            // A partition follows its root: naming the root means its rows.
            let chain = std::iter::successors(Some(table), |t| {
                t.partition_of.and_then(|parent| catalog.tables.get(parent))
            });
            let mut chain = chain.map(|t| &t.name).peekable();
            let own_included = include.is_empty() || chain.clone().any(included);
            let is_left = catalog.is_provided_table(table) && !chain.clone().any(by_name);
            let own_excluded = chain.any(excluded);
            if !own_included || own_excluded || is_left {
                *carry = Carry::Nothing;
            }
        }
        for (chosen, sequence) in selection.sequences.iter_mut().zip(&catalog.sequences) {
            *chosen = match &sequence.owned_by {
                Some(owner) if !excluded(&sequence.name) => {
                    included(&sequence.name)
                        || selection.tables.get(owner.table) != Some(&Carry::Nothing)
                }
                _ if catalog.is_provided_sequence(sequence) && !by_name(&sequence.name) => false,
                _ => wanted(&sequence.name),
            };
        }
        selection
    }
}

/// Rows by condition: `schema.table=condition`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowFilter {
    pub table: Pattern,
    /// An expression of SQL, as it stands behind `WHERE`.
    pub condition: String,
}

impl RowFilter {
    /// The first `=` outside of double quotes ends the table's name. Errors with a sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut quoted = false;
        let end = text.find(|c| {
            quoted ^= c == '"';
            c == '=' && !quoted
        });
        let (table, condition) = end
            .and_then(|at| text.split_at_checked(at))
            .ok_or_else(|| format!("{text} lacks a \"=\" between the table and the condition"))?;
        let condition = condition.trim_start_matches('=').trim();
        if condition.is_empty() {
            return Err(format!("{text} has no condition behind its \"=\""));
        }
        Ok(Self {
            table: Pattern::parse(table.trim())?,
            condition: condition.to_owned(),
        })
    }
}

/// `schema.name` with `*` for any run of characters; a pattern without a dot means schema `public`.
/// Double quotes around a part make a dot in it literal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
    schema: String,
    name: String,
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl Pattern {
    /// Errors with a sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = split_quoted(text, '.').ok_or_else(|| {
            format!("the pattern {text} has an opening double quote without its closing one")
        })?;
        let (schema, name) = match parts.as_slice() {
            [name] => ("public".to_owned(), name.clone()),
            [schema, name] => (schema.clone(), name.clone()),
            _ => {
                return Err(format!(
                    "the pattern {text} has more than one dot; write schema.name, and quote a part that holds a dot"
                ));
            }
        };
        if schema.is_empty() || name.is_empty() {
            return Err(format!(
                "the pattern \"{text}\" lacks a schema or a name; write schema.name, with * for any characters"
            ));
        }
        Ok(Self {
            text: text.to_owned(),
            schema,
            name,
        })
    }

    pub fn matches(&self, name: &ObjectName) -> bool {
        wildcard(&self.schema, &name.schema) && wildcard(&self.name, &name.name)
    }

    /// As the user wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn wildcard(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_filter_is_cut_at_its_first_equals_sign() {
        let filter = RowFilter::parse("shop.\"a=b\" = day >= '2020-01-01'").unwrap();
        assert_eq!(filter.condition, "day >= '2020-01-01'");
        assert!(filter.table.matches(&ObjectName::new("shop", "a=b")));
        assert!(RowFilter::parse("shop.a").is_err());
        assert!(RowFilter::parse("shop.a= ").is_err());
    }

    #[test]
    fn patterns_match_as_written() {
        let hit = |p: &str, s: &str, n: &str| {
            Pattern::parse(p)
                .unwrap()
                .matches(&ObjectName::new(s.to_owned(), n.to_owned()))
        };
        assert!(hit("public.film*", "public", "film_actor"));
        assert!(hit("*.film", "shop", "film"));
        assert!(hit("film", "public", "film"));
        assert!(hit("s.a*b*c", "s", "axxbyyc"));
        assert!(!hit("s.a*b*c", "s", "axxbyy"));
        assert!(!hit("s.ab*ba", "s", "aba"));
        assert!(hit("\"odd.schema\".t", "odd.schema", "t"));
        assert!(Pattern::parse("a.b.c").is_err());
        assert!(Pattern::parse("\"a").is_err());
        assert!(Pattern::parse("a.").is_err());
    }
}
