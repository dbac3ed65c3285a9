//! Where pg_dump's statements name roles, read by their grammar: no other word that happens to equal a role is taken for
//! one, nor anything in a literal, a comment or a function's body.
//!
//! `TO`, `FROM`, `FOR`, `USING` … are reserved: pg_dump quotes names like these, so unquoted they are what they say.

use crate::model::roles::RoleMap;

use super::lexer::{self, Token, TokenKind};
use super::quote::ident;

/// In which statements of an entry roles stand, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    /// `ALTER … OWNER TO role`.
    Owner,
    /// `GRANT … TO roles`, `REVOKE … FROM roles`, `SET SESSION AUTHORIZATION role`.
    Acl,
    /// `ALTER DEFAULT PRIVILEGES FOR ROLE roles … GRANT … TO roles`, as pg_dump begins all of them.
    DefaultAcl,
    /// `CREATE POLICY … TO roles`.
    Policy,
    /// `CREATE USER MAPPING FOR role`.
    UserMapping,
    /// `CREATE SCHEMA … AUTHORIZATION role`.
    Schema,
}

impl Grammar {
    /// That of an archive entry's definition; none for kinds whose definition names no role.
    pub fn of_kind(kind: &str) -> Option<Self> {
        Some(match kind {
            "ACL" => Self::Acl,
            "DEFAULT ACL" => Self::DefaultAcl,
            "POLICY" => Self::Policy,
            "USER MAPPING" => Self::UserMapping,
            "SCHEMA" => Self::Schema,
            _ => return None,
        })
    }
}

/// A role that a statement names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRole {
    pub name: String,
    /// The statement is done in its name or gives it an object: who runs it must be able to become this role.
    pub is_acting: bool,
}

/// The roles that `sql` names, in its order.
pub fn named(grammar: Grammar, sql: &str) -> Vec<NamedRole> {
    spots(grammar, sql)
        .into_iter()
        .map(|spot| NamedRole {
            name: spot.name,
            is_acting: spot.is_acting,
        })
        .collect()
}

/// `sql` with the roles' names on the destination; all else stays byte for byte.
pub fn mapped(grammar: Grammar, sql: &str, map: &RoleMap) -> String {
    if map.is_empty() {
        return sql.to_owned();
    }
    let edits = spots(grammar, sql).into_iter().filter_map(|spot| {
        let new = map.map_role(&spot.name);
        (new != spot.name).then(|| (spot.at, spot.length, ident(new)))
    });
    edited(sql, edits)
}

/// `SET ROLE` in place of `SET SESSION AUTHORIZATION`, which only superusers may say: as the role is both granted from and
/// reset to, the privileges come out the same.
pub fn without_session_authorization(sql: &str) -> String {
    let edits = statements(sql).into_iter().filter_map(|words| {
        let [first, session, authorization, ..] = words.as_slice() else {
            return None;
        };
        let is_it = (first.is("SET") || first.is("RESET"))
            && session.is("SESSION")
            && authorization.is("AUTHORIZATION");
        let end = authorization.at + authorization.token.text.len();
        is_it.then(|| (session.at, end - session.at, "ROLE".to_owned()))
    });
    edited(sql, edits.collect::<Vec<_>>())
}

/// `edits` are (place, length, new text), in order and apart.
fn edited(sql: &str, edits: impl IntoIterator<Item = (usize, usize, String)>) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut done = 0;
    for (at, length, text) in edits {
        out.push_str(sql.get(done..at).unwrap_or_default());
        out.push_str(&text);
        done = at + length;
    }
    out.push_str(sql.get(done..).unwrap_or_default());
    out
}

/// A role's place in the text.
struct Spot {
    at: usize,
    length: usize,
    name: String,
    is_acting: bool,
}

/// A token that is neither white space nor a comment.
#[derive(Clone, Copy)]
struct Word<'a> {
    at: usize,
    token: Token<'a>,
}

impl Word<'_> {
    fn is(&self, keyword: &str) -> bool {
        let is_unquoted = matches!(self.token.kind, TokenKind::Keyword | TokenKind::Identifier);
        is_unquoted && self.token.text.eq_ignore_ascii_case(keyword)
    }

    /// None for `PUBLIC`, `CURRENT_USER` and the like, and for what is no name.
    fn role(&self) -> Option<String> {
        let text = self.token.text;
        match self.token.kind {
            TokenKind::QuotedIdentifier => {
                let inner = text.strip_prefix('"')?.strip_suffix('"')?;
                Some(inner.replace("\"\"", "\""))
            }
            TokenKind::Identifier | TokenKind::Keyword => {
                let name = text.to_ascii_lowercase();
                let is_role = !matches!(
                    name.as_str(),
                    "public"
                        | "user"
                        | "current_user"
                        | "current_role"
                        | "session_user"
                        | "default"
                );
                is_role.then_some(name)
            }
            _ => None,
        }
    }

    fn spot(&self, is_acting: bool) -> Option<Spot> {
        Some(Spot {
            at: self.at,
            length: self.token.text.len(),
            name: self.role()?,
            is_acting,
        })
    }
}

/// The words of each statement.
fn statements(sql: &str) -> Vec<Vec<Word<'_>>> {
    let mut at = 0;
    let mut all = Vec::new();
    for statement in lexer::statements(sql) {
        let mut words = Vec::new();
        for token in lexer::tokens(statement) {
            if !matches!(token.kind, TokenKind::Whitespace | TokenKind::Comment) {
                words.push(Word { at, token });
            }
            at += token.text.len();
        }
        all.push(words);
    }
    all
}

fn spots(grammar: Grammar, sql: &str) -> Vec<Spot> {
    statements(sql)
        .iter()
        .flat_map(|words| spots_of_statement(grammar, words))
        .collect()
}

fn spots_of_statement(grammar: Grammar, words: &[Word<'_>]) -> Vec<Spot> {
    let starts_with = |keywords: &[&str]| {
        words.len() >= keywords.len() && words.iter().zip(keywords).all(|(w, k)| w.is(k))
    };
    match grammar {
        Grammar::Owner if starts_with(&["ALTER"]) => {
            let end = words.len() - usize::from(words.last().is_some_and(|w| w.token.text == ";"));
            match words.get(..end).unwrap_or_default() {
                [.., owner, to, role] if owner.is("OWNER") && to.is("TO") => {
                    role.spot(true).into_iter().collect()
                }
                _ => Vec::new(),
            }
        }
        Grammar::Acl if starts_with(&["SET", "SESSION", "AUTHORIZATION"]) => words
            .get(3)
            .and_then(|role| role.spot(true))
            .into_iter()
            .collect(),
        Grammar::Acl => grantees(words),
        Grammar::DefaultAcl if starts_with(&["ALTER", "DEFAULT", "PRIVILEGES"]) => {
            let (head, grant): (&[_], &[_]) = words
                .iter()
                .position(|w| w.is("GRANT") || w.is("REVOKE"))
                .and_then(|at| words.split_at_checked(at))
                .unwrap_or((words, &[]));
            let mut spots = list_after(head, "ROLE", true);
            spots.extend(grantees(grant));
            spots
        }
        Grammar::Policy if starts_with(&["CREATE", "POLICY"]) => list_after(words, "TO", false),
        Grammar::UserMapping if starts_with(&["CREATE", "USER", "MAPPING"]) => {
            list_after(words, "FOR", false)
        }
        Grammar::Schema if starts_with(&["CREATE", "SCHEMA"]) => {
            list_after(words, "AUTHORIZATION", true)
        }
        _ => Vec::new(),
    }
}

fn grantees(words: &[Word<'_>]) -> Vec<Spot> {
    match words.first() {
        Some(first) if first.is("GRANT") => list_after(words, "TO", false),
        Some(first) if first.is("REVOKE") => list_after(words, "FROM", false),
        _ => Vec::new(),
    }
}

/// The comma-separated roles after the first `keyword` outside of parentheses.
fn list_after(words: &[Word<'_>], keyword: &str, is_acting: bool) -> Vec<Spot> {
    let mut depth = 0_usize;
    let start = words.iter().position(|word| {
        match word.token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && word.is(keyword)
    });
    let rest = words.get(start.map_or(words.len(), |at| at + 1)..);
    let mut spots = Vec::new();
    // `TO GROUP x` is how old versions say it.
    let mut words = rest.into_iter().flatten().filter(|w| !w.is("GROUP"));
    while let Some(word) = words.next() {
        spots.extend(word.spot(is_acting));
        if words.next().is_none_or(|comma| comma.token.text != ",") {
            break;
        }
    }
    spots
}

#[cfg(test)]
mod tests;
