//! Two schema archives held against each other, entry by entry. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::archive::{Archive, Entry};
use crate::model::definition::{
    Change, Definition, DefinitionDifference, DefinitionsResult, describe,
};
use crate::model::name::ObjectName;
use crate::model::options::{Keep, Method, Options};
use crate::model::provider::Profile;
use crate::model::report::Verdict;
use crate::model::roles::{RoleMap, RolePair};
use crate::sql::lexer::{self, Token, TokenKind};
use crate::sql::roles::{Grammar, mapped, named};
use crate::sql::statements::JOURNAL_SCHEMA;

use super::dialect::Versions;

/// Whether entries of this kind are left alone under these options, on both sides.
pub(super) fn is_skipped(entry: &Entry, options: &Options) -> bool {
    match entry.kind.as_str() {
        "ACL" | "DEFAULT ACL" => options.privileges == Keep::Skip,
        // A subscription would start to replicate, or hold a slot on the publisher.
        "SUBSCRIPTION" => true,
        "COMMENT" | "SECURITY LABEL" => entry.name.name.starts_with("SUBSCRIPTION "),
        _ => false,
    }
}

/// What the destination must say of an entry of the source: the same, but for the names of roles.
pub(super) fn expected(entry: &Entry, options: &Options) -> Option<Definition> {
    of_entry(entry, options, &options.role_map)
}

/// The statements that make an entry; none where there is nothing to do (the schema `public`) or to compare.
fn of_entry(entry: &Entry, options: &Options, roles: &RoleMap) -> Option<Definition> {
    if is_skipped(entry, options) {
        return None;
    }
    let own = lexer::has_statement(&entry.sql).then(|| match Grammar::of_kind(&entry.kind) {
        Some(grammar) => mapped(grammar, &entry.sql, roles),
        None => entry.sql.to_string(),
    });
    let owner = entry
        .owner_sql
        .as_ref()
        .filter(|_| options.owners == Keep::Keep);
    let parts: Vec<String> = own
        .into_iter()
        .chain(owner.map(|sql| mapped(Grammar::Owner, sql, roles)))
        .map(|part| part.trim().to_owned())
        .collect();
    let mut name = entry.name.clone();
    if entry.kind == "USER MAPPING" {
        // It has no name but its role's and its server's.
        for role in named(Grammar::UserMapping, &entry.sql) {
            let of_role = name
                .name
                .replacen(&role.name, roles.map_role(&role.name), 1);
            name = ObjectName::new(&name.schema, of_role);
        }
    }
    (!parts.is_empty()).then(|| Definition {
        kind: entry.kind.as_str().to_owned(),
        name,
        sql: parts.join("\n"),
    })
}

/// What the comparison goes by.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    pub options: &'a Options,
    pub versions: Versions,
    /// The destination may hold nothing else.
    pub is_whole: bool,
    /// But for these extensions, which were there before.
    pub extensions_there: &'a [String],
    /// And for what the service that runs the destination has there for itself.
    pub provider: Option<&'static Profile>,
}

impl Terms<'_> {
    fn is_extra(&self, kind: &str, name: &ObjectName) -> bool {
        let is_of = |extension: &String| match kind {
            "EXTENSION" => name.name == *extension,
            "COMMENT" => name.name == format!("EXTENSION {extension}"),
            // A provider's grant of the wrapper that the extension is there for.
            "ACL" => name.name == format!("FOREIGN DATA WRAPPER {extension}"),
            _ => false,
        };
        // The journal of a run that did not come to its end.
        let is_journal =
            name.schema == JOURNAL_SCHEMA || (kind == "SCHEMA" && name.name == JOURNAL_SCHEMA);
        self.is_whole && !is_journal && !self.extensions_there.iter().any(is_of)
    }
}

/// Holds what was to be made against what the destination's archive says. Where the destination is
/// not howdah's as a whole, what it holds besides is not howdah's to judge.
pub fn compare(
    expected: &[Definition],
    destination: &Archive,
    terms: &Terms<'_>,
) -> DefinitionsResult {
    compare_entries(expected, destination.entries.iter(), terms)
}

pub(super) fn compare_entries<'a>(
    expected: &[Definition],
    destination: impl Iterator<Item = &'a Entry>,
    terms: &Terms<'_>,
) -> DefinitionsResult {
    let Terms {
        options, versions, ..
    } = *terms;
    let mut provided: BTreeSet<(&str, &ObjectName)> = BTreeSet::new();
    let found: Vec<Definition> = destination
        .inspect(|entry| {
            let is_own = |by: &Profile| by.owns(entry) || by.makes_schema(entry);
            if terms.provider.is_some_and(is_own) {
                provided.insert((&entry.kind, &entry.name));
            }
        })
        .filter_map(|entry| of_entry(entry, options, &RoleMap::default()))
        .collect();
    let mut pairs: BTreeMap<(&str, &ObjectName), [Vec<&str>; 2]> = BTreeMap::new();
    for (side, definitions) in [expected, &found].into_iter().enumerate() {
        for one in definitions {
            pairs.entry((&one.kind, &one.name)).or_default()[side].push(&one.sql);
        }
    }
    let mut result = DefinitionsResult {
        compared: expected.len() as u64,
        ..DefinitionsResult::equal()
    };
    for ((kind, name), sides) in pairs {
        let shown = sides.clone().map(|texts| texts.join("\n"));
        let [source, destination] =
            sides.map(|texts| versions.leveled(kind, canonical(kind, &texts)));
        let change = match (source.is_empty(), destination.is_empty()) {
            (_, true) => Change::Missing,
            (true, false) if provided.contains(&(kind, name)) => continue,
            (true, false) if terms.is_extra(kind, name) && !is_tool(kind, name, options) => {
                Change::Extra
            }
            (true, false) => continue,
            _ if source == destination
                || versions.differ_in_qualifiers_alone(kind, &source, &destination) =>
            {
                continue;
            }
            _ if bare(&source) == bare(&destination) => {
                result.rewritten.push(describe(kind, name));
                continue;
            }
            _ => Change::Changed,
        };
        let [source_text, destination_text] = shown;
        result.verdict = Verdict::Different;
        result.differences.push(DefinitionDifference {
            kind: kind.to_owned(),
            name: name.clone(),
            change,
            source: (!source.is_empty()).then_some(source_text),
            destination: (!destination.is_empty()).then_some(destination_text),
        });
    }
    result
}

/// postgres_fdw, which a superuser may have installed for this very run. What howdah installs by itself it removes by itself.
fn is_tool(kind: &str, name: &ObjectName, options: &Options) -> bool {
    let is_of_it = match kind {
        "EXTENSION" => name.name == "postgres_fdw",
        "COMMENT" => name.name == "EXTENSION postgres_fdw",
        "ACL" => name.name == "FOREIGN DATA WRAPPER postgres_fdw",
        _ => false,
    };
    is_of_it && options.method == Method::Fdw
}

/// Grants stand in the order in which they were given, which means nothing; so do entries of one name, and the roles of a
/// policy, which pg_dump prints in no certain order.
fn canonical(kind: &str, texts: &[&str]) -> Vec<String> {
    let mut pieces: Vec<String> = match kind {
        "ACL" | "DEFAULT ACL" => texts
            .iter()
            .flat_map(|text| lexer::statements(text))
            .map(|one| one.trim().to_owned())
            .filter(|one| !one.is_empty())
            .collect(),
        "POLICY" => texts.iter().map(|text| with_roles_in_order(text)).collect(),
        _ => texts.iter().map(|text| (*text).to_owned()).collect(),
    };
    pieces.sort_unstable();
    pieces
}

fn with_roles_in_order(policy: &str) -> String {
    let mut names: Vec<String> = named(Grammar::Policy, policy)
        .into_iter()
        .map(|role| role.name)
        .collect();
    let pair = |old: &String| RolePair {
        old: old.clone(),
        new: "role".to_owned(),
    };
    let nameless = RoleMap::new(names.iter().map(pair).collect());
    let text = mapped(Grammar::Policy, policy, &nameless);
    names.sort_unstable();
    format!("{text} {}", names.join(", "))
}

/// Texts without white space, parentheses and casts.
fn bare(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| bare_text(text)).collect()
}

fn bare_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut tokens = lexer::tokens(text)
        .filter(|token| token.kind != TokenKind::Whitespace)
        .peekable();
    while let Some(token) = tokens.next() {
        match token.text {
            "(" | ")" => {}
            "::" => {
                // The type: words, dots, and what stands in brackets behind them.
                while tokens.next_if(is_of_type).is_some() {}
            }
            text => {
                out.push_str(text);
                out.push(' ');
            }
        }
    }
    out
}

fn is_of_type(token: &Token<'_>) -> bool {
    match token.kind {
        TokenKind::Identifier | TokenKind::QuotedIdentifier => true,
        TokenKind::Keyword => !goes_on(token.text),
        TokenKind::Punctuation => matches!(token.text, "." | "[" | "]"),
        _ => false,
    }
}

/// Keywords that go on with the expression after a cast.
fn goes_on(text: &str) -> bool {
    [
        "and",
        "or",
        "not",
        "is",
        "in",
        "like",
        "ilike",
        "similar",
        "between",
        "then",
        "else",
        "when",
        "end",
        "collate",
        "at",
        "as",
        "from",
        "where",
        "order",
        "group",
        "limit",
        "union",
        "on",
        "join",
        "left",
        "right",
        "full",
        "inner",
        "cross",
        "having",
        "asc",
        "desc",
        "nulls",
        "using",
        "overlaps",
        "check",
        "default",
        "null",
        "for",
        "over",
        "window",
        "returning",
        "set",
        "values",
        "no",
        "valid",
        "stored",
        "to",
        "do",
        "execute",
        "foreign",
        "primary",
        "unique",
        "constraint",
        "references",
        "include",
    ]
    .iter()
    .any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::planner) fn entry(kind: &str, name: &str, sql: &str) -> Entry {
        Entry {
            kind: kind.to_owned().into(),
            name: ObjectName::new("public", name.to_owned()),
            sql: sql.to_owned().into(),
            ..Entry::default()
        }
    }

    fn compared<const N: usize, const M: usize>(
        source: [&Entry; N],
        destination: [&Entry; M],
        is_whole: bool,
    ) -> DefinitionsResult {
        let options = Options::default();
        let expected: Vec<Definition> = source
            .into_iter()
            .filter_map(|e| expected(e, &options))
            .collect();
        let archive = Archive {
            entries: destination.into_iter().cloned().collect(),
            ..Archive::default()
        };
        compare(
            &expected,
            &archive,
            &Terms {
                options: &options,
                versions: Versions::default(),
                is_whole,
                extensions_there: &["postgres_fdw".to_owned()],
                provider: None,
            },
        )
    }

    #[test]
    fn missing_extra_and_changed_are_told_apart() {
        let a = entry("TABLE", "a", "CREATE TABLE public.a (\n    x integer\n);\n");
        let wide = entry("TABLE", "a", "CREATE TABLE public.a (\n    x bigint\n);\n");
        let b = entry(
            "INDEX",
            "b",
            "CREATE INDEX b ON public.a USING btree (x);\n",
        );
        assert_eq!(compared([&a, &b], [&b, &a], true).verdict, Verdict::Equal);
        let changes = |result: DefinitionsResult| -> Vec<Change> {
            result.differences.iter().map(|d| d.change).collect()
        };
        assert_eq!(changes(compared([&a, &b], [&a], true)), [Change::Missing]);
        assert_eq!(changes(compared([&a], [&wide], true)), [Change::Changed]);
        assert_eq!(changes(compared([&a], [&a, &b], true)), [Change::Extra]);
        assert_eq!(changes(compared([&a], [&a, &b], false)), []);
    }

    /// What PostgreSQL makes of a CHECK with a list when it is created from its own dump.
    #[test]
    fn an_expression_written_anew_is_neither_equal_nor_different() {
        let before = entry(
            "CHECK CONSTRAINT",
            "c",
            "ALTER TABLE a ADD CONSTRAINT c CHECK (((x)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])));",
        );
        let after = entry(
            "CHECK CONSTRAINT",
            "c",
            "ALTER TABLE a ADD CONSTRAINT c CHECK (((x)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])));",
        );
        let result = compared([&before], [&after], true);
        assert_eq!(result.verdict, Verdict::Equal);
        assert_eq!(result.rewritten, ["check constraint public.c"]);
        let other = entry(
            "CHECK CONSTRAINT",
            "c",
            "ALTER TABLE a ADD CONSTRAINT c CHECK (((x)::text = ANY (ARRAY[('a'::character varying)::text, ('c'::character varying)::text])));",
        );
        assert_eq!(
            compared([&before], [&other], true).verdict,
            Verdict::Different
        );
    }

    #[test]
    fn an_extension_that_was_there_is_not_extra() {
        let there = entry(
            "EXTENSION",
            "postgres_fdw",
            "CREATE EXTENSION postgres_fdw;",
        );
        let grant = entry(
            "ACL",
            "FOREIGN DATA WRAPPER postgres_fdw",
            "GRANT ALL ON FOREIGN DATA WRAPPER postgres_fdw TO x;",
        );
        assert_eq!(compared([], [&there, &grant], true).verdict, Verdict::Equal);
        let other = entry("EXTENSION", "hstore", "CREATE EXTENSION hstore;");
        assert_eq!(compared([], [&other], true).verdict, Verdict::Different);
    }

    #[test]
    fn the_order_of_a_policys_roles_means_nothing() {
        let policy = |sql: &str| entry("POLICY", "t p", sql);
        let one = policy("CREATE POLICY p ON public.t TO a, b USING (true);\n");
        let turned = policy("CREATE POLICY p ON public.t TO b, a USING (true);\n");
        let other = policy("CREATE POLICY p ON public.t TO a, c USING (true);\n");
        assert_eq!(compared([&one], [&turned], true).verdict, Verdict::Equal);
        assert_eq!(compared([&one], [&other], true).verdict, Verdict::Different);
    }

    #[test]
    fn the_order_of_grants_means_nothing() {
        let one = entry(
            "ACL",
            "TABLE a",
            "GRANT SELECT ON TABLE a TO x;\nGRANT ALL ON TABLE a TO y;\n",
        );
        let two = entry(
            "ACL",
            "TABLE a",
            "GRANT ALL ON TABLE a TO y;\nGRANT SELECT ON TABLE a TO x;\n",
        );
        assert_eq!(compared([&one], [&two], true).verdict, Verdict::Equal);
    }
}
