//! Roles under other names on the destination, and what is known of the roles of both servers.

use serde::{Deserialize, Serialize};
use std::fmt;

use super::name::split_quoted;

/// One role of the source and the role of the destination that stands in for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolePair {
    pub old: String,
    pub new: String,
}

/// Which roles of the source get another name; all others keep theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleMap {
    pairs: Vec<RolePair>,
}

impl RoleMap {
    pub fn new(pairs: Vec<RolePair>) -> Self {
        Self { pairs }
    }

    pub fn pairs(&self) -> &[RolePair] {
        &self.pairs
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// What the source's role `name` is called on the destination.
    pub fn map_role<'a>(&'a self, name: &'a str) -> &'a str {
        self.pairs
            .iter()
            .find(|pair| pair.old == name)
            .map_or(name, |pair| &pair.new)
    }

    /// Pairs parted by commas or white space; the error is a sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pairs = Vec::new();
        let mut piece = String::new();
        let mut quoted = false;
        // The comma at the end closes the last piece.
        for c in text.chars().chain([',']) {
            if c == '"' {
                quoted = !quoted;
            }
            if quoted || !(c == ',' || c.is_whitespace()) {
                piece.push(c);
            } else if !piece.is_empty() {
                pairs.push(RolePair::parse(&piece)?);
                piece.clear();
            }
        }
        if quoted {
            return Err(unclosed(piece.trim_end_matches(',')));
        }
        let map = Self { pairs };
        map.ambiguity().map_or(Ok(map), Err)
    }

    /// A sentence about a role that has two new names.
    pub fn ambiguity(&self) -> Option<String> {
        let twice = self
            .pairs
            .iter()
            .enumerate()
            .find(|(at, pair)| self.pairs.iter().take(*at).any(|p| p.old == pair.old))?;
        Some(format!("the role {} is mapped twice", side(&twice.1.old)))
    }
}

impl From<RoleMap> for String {
    fn from(map: RoleMap) -> Self {
        map.to_string()
    }
}

impl TryFrom<String> for RoleMap {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

/// As [`RoleMap::parse`] reads it.
impl fmt::Display for RoleMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<String> = self
            .pairs
            .iter()
            .map(|pair| format!("{}={}", side(&pair.old), side(&pair.new)))
            .collect();
        f.write_str(&pairs.join(", "))
    }
}

impl RolePair {
    /// `OLD=NEW`, exactly as the servers store the names. Between double quotes any character is literal, a double quote
    /// written twice.
    pub fn parse(text: &str) -> Result<Self, String> {
        let sides = split_quoted(text, '=').ok_or_else(|| unclosed(text))?;
        let [old, new] = sides.as_slice() else {
            return Err(format!(
                "{text} is not OLD=NEW; write one equals sign, and put a name that holds one in double quotes"
            ));
        };
        if old.is_empty() || new.is_empty() {
            return Err(format!(
                "{text} lacks a role; write OLD=NEW, the role of the source and the one of the destination"
            ));
        }
        if let Some(reserved) = [old, new].into_iter().find(|n| is_reserved(n)) {
            return Err(format!(
                "{reserved} cannot be mapped: no role can have that name"
            ));
        }
        Ok(Self {
            old: old.clone(),
            new: new.clone(),
        })
    }
}

fn unclosed(text: &str) -> String {
    format!("{text} has an opening double quote without its closing one")
}

/// Names that PostgreSQL gives to no role.
fn is_reserved(name: &str) -> bool {
    matches!(name, "public" | "none")
}

fn side(name: &str) -> String {
    let is_plain = !name.contains(|c: char| c.is_whitespace() || matches!(c, '=' | ',' | '"'));
    if is_plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// A role of the source's server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRole {
    pub name: String,
    pub inherits: bool,
    pub can_log_in: bool,
    /// It owns something in this database, or has rights or settings in it.
    pub is_in_use: bool,
    pub owns_large_objects: bool,
}

/// A role of the destination's server, as the role that connects there sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationRole {
    pub name: String,
    /// The connecting role may give objects to this one and change them afterwards.
    pub can_stand_in: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(old: &str, new: &str) -> RolePair {
        RolePair {
            old: old.to_owned(),
            new: new.to_owned(),
        }
    }

    #[test]
    fn names_hold_any_character() {
        assert_eq!(RolePair::parse("a=b"), Ok(pair("a", "b")));
        assert_eq!(RolePair::parse("A b=c,d"), Ok(pair("A b", "c,d")));
        assert_eq!(RolePair::parse(r#""a=b"=c"#), Ok(pair("a=b", "c")));
        assert_eq!(
            RolePair::parse(r#"x="say ""hi""""#),
            Ok(pair("x", r#"say "hi""#))
        );
        for wrong in ["a", "a=", "=b", "a=b=c", "\"a=b", "public=b", "a=none"] {
            assert!(RolePair::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_list_reads_back_as_it_is_written() {
        let map = RoleMap::new(vec![
            pair("a", "b"),
            pair("x y", "=,\""),
            pair("ü", "PUBLIC"),
            pair("\"", "\t"),
        ]);
        assert_eq!(RoleMap::parse(&map.to_string()), Ok(map));
        assert_eq!(RoleMap::parse(" , \n"), Ok(RoleMap::default()));
        let loose = RoleMap::parse("a=b,c=d  e=f");
        assert_eq!(loose.unwrap().pairs().len(), 3);
    }

    #[test]
    fn a_list_that_would_lose_something_is_refused() {
        for wrong in ["a=b, a=c", "a=b c", "a = b", "a=b, \"c=d", "a=b \"c"] {
            assert!(RoleMap::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_mapped_keeps_its_name() {
        let map = RoleMap::parse("a=b b=c").unwrap();
        assert_eq!(map.map_role("a"), "b");
        assert_eq!(map.map_role("b"), "c");
        assert_eq!(map.map_role("A"), "A");
    }
}
