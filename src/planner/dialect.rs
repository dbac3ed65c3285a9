//! One and the same object as servers of two major versions write it. Pure.
//!
//! pg_dump mostly prints what the server says, and servers have changed their words over the years. What both must be taken
//! for the same is listed here, each change bound to the version that brought it, so that nothing is overlooked between
//! servers of one version.

use crate::model::archive::Entry;
use crate::model::feature::Feature;
use crate::model::plan::Plan;
use crate::sql::lexer::{self, Token, TokenKind};

/// `server_version_num` of both servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    pub source: u32,
    pub destination: u32,
}

/// Everything that a table's owner may do; MAINTAIN is only known to one of the servers.
const TABLE_PRIVILEGES: [&str; 7] = [
    "DELETE",
    "INSERT",
    "REFERENCES",
    "SELECT",
    "TRIGGER",
    "TRUNCATE",
    "UPDATE",
];

impl Versions {
    pub fn of(plan: &Plan) -> Self {
        let (source, destination) = plan.versions;
        Self {
            source,
            destination,
        }
    }

    fn part(self, feature: Feature) -> bool {
        feature.is_between(self.source, self.destination)
    }

    /// The definition's pieces without what only one of the two servers says.
    pub(super) fn leveled(self, kind: &str, pieces: Vec<String>) -> Vec<String> {
        let each = |change: fn(&str) -> String| pieces.iter().map(|one| change(one)).collect();
        match kind {
            "TRIGGER" if self.part(Feature::TriggersExecuteFunctions) => {
                each(|one| replaced(one, ["EXECUTE", "PROCEDURE"], "EXECUTE FUNCTION"))
            }
            "TABLE" | "FOREIGN TABLE" if self.part(Feature::NotNullConstraints) => {
                each(without_names_of_not_null)
            }
            "TYPE" if self.part(Feature::Multiranges) => each(without_multirange),
            "PROCEDURE" if self.part(Feature::OutArguments) => each(without_in),
            "ACL" | "DEFAULT ACL" if self.part(Feature::MaintainPrivilege) => {
                let mut all: Vec<String> = pieces.iter().flat_map(|one| granted(one)).collect();
                all.sort_unstable();
                all
            }
            _ => pieces,
        }
    }

    /// Whether the newer server's text is the older one's without the name of the only table before its columns. A column
    /// without one is written so only where the query reads a single table, so it can be no other table's.
    pub(super) fn differ_in_qualifiers_alone(
        self,
        kind: &str,
        source: &[String],
        destination: &[String],
    ) -> bool {
        let is_query = matches!(
            kind,
            "VIEW" | "MATERIALIZED VIEW" | "RULE" | "FUNCTION" | "PROCEDURE"
        );
        let (older, newer) = if self.source < self.destination {
            (source, destination)
        } else {
            (destination, source)
        };
        is_query
            && self.part(Feature::UnqualifiedViewColumns)
            && older.len() == newer.len()
            && older
                .iter()
                .zip(newer)
                .all(|(older, newer)| is_without_qualifiers_of(older, newer))
    }
}

/// The entry's own statements as a server of this version understands them.
pub(super) fn understood(entry: &Entry, sql: String, destination: u32) -> String {
    // An identity sequence is told whether it is logged like its table; older servers know no other way.
    if entry.kind == "SEQUENCE" && !Feature::UnloggedSequences.is_in(destination) {
        let is_said = |token: &Token<'_>| is_word(token, "LOGGED") || is_word(token, "UNLOGGED");
        return lexer::tokens(&sql)
            .filter(|token| !is_said(token))
            .map(|token| token.text)
            .collect();
    }
    sql
}

fn is_word(token: &Token<'_>, word: &str) -> bool {
    matches!(token.kind, TokenKind::Keyword | TokenKind::Identifier)
        && token.text.eq_ignore_ascii_case(word)
}

fn significant(text: &str) -> Vec<Token<'_>> {
    lexer::tokens(text)
        .filter(|token| token.kind != TokenKind::Whitespace)
        .collect()
}

fn joined<'a>(tokens: impl IntoIterator<Item = Token<'a>>) -> String {
    let words: Vec<&str> = tokens.into_iter().map(|token| token.text).collect();
    words.join(" ")
}

/// The tokens, with two words in a row exchanged for others.
fn replaced(text: &str, words: [&str; 2], by: &str) -> String {
    let tokens = significant(text);
    let mut out = Vec::new();
    let mut rest = tokens.as_slice();
    while let Some((first, after)) = rest.split_first() {
        let is_pair =
            is_word(first, words[0]) && after.first().is_some_and(|next| is_word(next, words[1]));
        if is_pair {
            out.push(by);
            rest = &after[1..];
        } else {
            out.push(first.text);
            rest = after;
        }
    }
    out.join(" ")
}

/// `CONSTRAINT a_b_not_null NOT NULL`, as a server names what had no name before.
fn without_names_of_not_null(text: &str) -> String {
    let tokens = significant(text);
    let is_named = |at: usize| {
        let next = |skip: usize, word| tokens.get(at + skip).is_some_and(|t| is_word(t, word));
        next(0, "CONSTRAINT") && next(2, "NOT") && next(3, "NULL")
    };
    let kept = tokens.iter().enumerate().filter(|(at, _)| {
        let follows = at.checked_sub(1).is_some_and(is_named);
        !is_named(*at) && !follows
    });
    joined(kept.map(|(_, token)| *token))
}

/// `multirange_type_name = …,`: every range has one from 14 on.
fn without_multirange(text: &str) -> String {
    let mut tokens = significant(text).into_iter();
    let mut kept: Vec<Token<'_>> = Vec::new();
    while let Some(token) = tokens.next() {
        if is_word(&token, "multirange_type_name") {
            if tokens
                .by_ref()
                .find(|t| matches!(t.text, "," | ")"))
                .is_some_and(|t| t.text == ")")
            {
                kept.pop_if(|before| before.text == ",");
                kept.push(Token { text: ")", ..token });
            }
        } else {
            kept.push(token);
        }
    }
    joined(kept)
}

/// `f(IN x integer)`, where an older server leaves IN out.
fn without_in(text: &str) -> String {
    let tokens = significant(text);
    let kept = tokens.iter().enumerate().filter(|(at, token)| {
        let before = at.checked_sub(1).map(|before| tokens[before].text);
        !(is_word(token, "IN") && matches!(before, Some("(" | ",")))
    });
    joined(kept.map(|(_, token)| *token))
}

/// One grant as many, each of one privilege; those on tables without MAINTAIN.
fn granted(statement: &str) -> Vec<String> {
    let tokens = significant(statement);
    let is_verb = |t: &Token<'_>| is_word(t, "GRANT") || is_word(t, "REVOKE");
    let Some(verb) = tokens.iter().position(is_verb) else {
        return vec![joined(tokens)];
    };
    let is_option = ["GRANT", "OPTION", "FOR"]
        .iter()
        .enumerate()
        .all(|(at, word)| tokens.get(verb + 1 + at).is_some_and(|t| is_word(t, word)));
    let start = verb + if is_option { 4 } else { 1 };
    let mut depth = 0_i32;
    let mut privileges = vec![Vec::new()];
    let mut end = tokens.len();
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token.text {
            "(" => depth += 1,
            ")" => depth -= 1,
            "," if depth == 0 => {
                privileges.push(Vec::new());
                continue;
            }
            _ if depth == 0 && is_word(token, "ON") => {
                end = at;
                break;
            }
            _ => {}
        }
        if let Some(last) = privileges.last_mut() {
            last.push(*token);
        }
    }
    let is_of_tables = tokens
        .get(end + 1)
        .is_some_and(|t| is_word(t, "TABLE") || is_word(t, "TABLES"));
    let (before, after) = (
        joined(tokens[..start.min(end)].iter().copied()),
        joined(tokens[end..].iter().copied()),
    );
    privileges
        .into_iter()
        .map(joined)
        .flat_map(|one| match one.as_str() {
            "ALL" if is_of_tables => TABLE_PRIVILEGES.map(str::to_owned).to_vec(),
            _ => vec![one],
        })
        .filter(|one| !(is_of_tables && one == "MAINTAIN"))
        .map(|one| format!("{before} {one} {after}"))
        .collect()
}

fn is_without_qualifiers_of(older: &str, newer: &str) -> bool {
    let (older, newer) = (significant(older), significant(newer));
    let text = |tokens: &[Token<'_>], at: usize| tokens.get(at).map(|t| t.text.to_owned());
    let is_name = |token: &Token<'_>| {
        matches!(
            token.kind,
            TokenKind::Identifier | TokenKind::QuotedIdentifier | TokenKind::Keyword
        )
    };
    let mut left_out: Option<&str> = None;
    let (mut at, mut there) = (0, 0);
    while at < older.len() {
        let is_qualifier = is_name(&older[at])
            && text(&older, at + 1).as_deref() == Some(".")
            && text(&newer, there + 1).as_deref() != Some(".");
        if is_qualifier {
            if *left_out.get_or_insert(older[at].text) != older[at].text {
                return false;
            }
            at += 2;
        }
        if text(&older, at).is_none() || text(&older, at) != text(&newer, there) {
            return false;
        }
        at += 1;
        there += 1;
    }
    there == newer.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(source: u32, destination: u32) -> Versions {
        Versions {
            source: source * 10_000,
            destination: destination * 10_000,
        }
    }

    fn level(versions: Versions, kind: &str, text: &str) -> Vec<String> {
        versions.leveled(kind, vec![text.to_owned()])
    }

    #[track_caller]
    fn assert_one(kind: &str, older: (u32, &str), newer: (u32, &str)) {
        let versions = between(older.0, newer.0);
        assert_eq!(
            level(versions, kind, older.1),
            level(versions, kind, newer.1)
        );
        let same = between(newer.0, newer.0);
        assert_ne!(level(same, kind, older.1), level(same, kind, newer.1));
    }

    #[test]
    fn triggers_execute_functions_that_were_procedures() {
        assert_one(
            "TRIGGER",
            (
                10,
                "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE PROCEDURE f('EXECUTE PROCEDURE');",
            ),
            (
                18,
                "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f('EXECUTE PROCEDURE');",
            ),
        );
    }

    #[test]
    fn a_not_null_has_a_name_of_its_own() {
        assert_one(
            "TABLE",
            (
                17,
                "CREATE TABLE a (x integer NOT NULL, CONSTRAINT c CHECK (x > 0));",
            ),
            (
                18,
                "CREATE TABLE a (x integer CONSTRAINT \"long name\" NOT NULL, CONSTRAINT c CHECK (x > 0));",
            ),
        );
    }

    #[test]
    fn a_range_has_a_multirange() {
        assert_one(
            "TYPE",
            (
                13,
                "CREATE TYPE r AS RANGE (\n    subtype = text,\n    collation = c\n);",
            ),
            (
                14,
                "CREATE TYPE r AS RANGE (\n    subtype = text,\n    multirange_type_name = s.m,\n    collation = c\n);",
            ),
        );
        assert_one(
            "TYPE",
            (13, "CREATE TYPE r AS RANGE (\n    subtype = text\n);"),
            (
                14,
                "CREATE TYPE r AS RANGE (\n    subtype = text,\n    multirange_type_name = s.m\n);",
            ),
        );
    }

    #[test]
    fn a_procedures_arguments_are_in_arguments() {
        assert_one(
            "PROCEDURE",
            (
                13,
                "CREATE PROCEDURE p(x integer, INOUT y text DEFAULT 'IN')",
            ),
            (
                14,
                "CREATE PROCEDURE p(IN x integer, INOUT y text DEFAULT 'IN')",
            ),
        );
    }

    #[test]
    fn maintain_is_no_difference_and_any_other_privilege_is() {
        assert_one(
            "ACL",
            (
                16,
                "REVOKE SELECT,INSERT,REFERENCES,DELETE,TRIGGER,TRUNCATE,UPDATE ON TABLE a FROM o;",
            ),
            (17, "REVOKE ALL ON TABLE a FROM o;"),
        );
        let versions = between(16, 17);
        let acl = |text| level(versions, "ACL", text);
        assert_eq!(acl("GRANT MAINTAIN ON TABLE a TO o;"), Vec::<String>::new());
        assert_ne!(
            acl("GRANT ALL ON TABLE a TO o;"),
            acl("GRANT SELECT,INSERT ON TABLE a TO o;")
        );
        assert_eq!(acl("GRANT SELECT(x),UPDATE(x,y) ON TABLE a TO o;").len(), 2);
        assert_ne!(
            acl("GRANT ALL ON SCHEMA a TO o;"),
            acl("GRANT USAGE ON SCHEMA a TO o;")
        );
    }

    #[test]
    fn only_the_name_of_the_one_table_may_be_missing() {
        let is_one = |older: &str, newer: &str| {
            between(15, 16).differ_in_qualifiers_alone(
                "VIEW",
                &[older.to_owned()],
                &[newer.to_owned()],
            )
        };
        assert!(is_one(
            "SELECT \"x\".\"x\", x.b FROM s.x WHERE x.c = (SELECT y.c FROM y)",
            "SELECT \"x\".\"x\", b FROM s.x WHERE c = (SELECT y.c FROM y)"
        ));
        assert!(is_one("SELECT t.t FROM t", "SELECT t FROM t"));
        assert!(!is_one("SELECT a.x, b.y FROM t", "SELECT x, y FROM t"));
        assert!(!is_one("SELECT t.x FROM t", "SELECT y FROM t"));
        assert!(!is_one("SELECT t.x FROM t", "SELECT x FROM t WHERE x"));
        assert!(!is_one("SELECT t.x FROM t WHERE t.x", "SELECT x FROM t"));
        let same = between(16, 16);
        assert!(!same.differ_in_qualifiers_alone(
            "VIEW",
            &["SELECT t.x".to_owned()],
            &["SELECT x".to_owned()]
        ));
    }

    #[test]
    fn an_older_server_is_not_told_whether_a_sequence_is_logged() {
        let entry = Entry {
            kind: "SEQUENCE".into(),
            ..Entry::default()
        };
        let sql = "ALTER TABLE a ALTER x ADD GENERATED ALWAYS AS IDENTITY (\n    SEQUENCE NAME \"LOGGED\"\n    LOGGED\n    START WITH 1\n);";
        let told = understood(&entry, sql.to_owned(), 140_000);
        assert_eq!(told, sql.replace("    LOGGED\n", "    \n"));
        assert_eq!(understood(&entry, sql.to_owned(), 150_000), sql);
    }
}
