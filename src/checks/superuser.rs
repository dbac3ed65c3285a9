//! What only a superuser can make. No grant gives it, so it is told before anything is begun; a managed service may let its
//! first role all the same.

use crate::model::archive::Entry;
use crate::model::definition::describe;
use crate::model::finding::{Finding, Level};
use crate::model::options::SchemaChoice;
use crate::model::problem::Problem;
use crate::sql::lexer::says;
use crate::sql::statements;

use super::{Facts, ask};

/// Object names shown.
const SHOWN: usize = 20;

pub(super) async fn alone(facts: &Facts<'_>) -> Result<Option<Finding>, Problem> {
    if facts.options.schema == SchemaChoice::None || facts.destination.is_superuser {
        return Ok(None);
    }
    let rows = ask(
        facts.destination_client,
        "extensions",
        statements::UNTRUSTED_EXTENSIONS,
    )
    .await?;
    // In a database that is not there yet, nothing is installed.
    let is_new = facts.destination.database.is_none();
    let untrusted: Vec<String> = rows
        .iter()
        .filter(|row| is_new || !row.get::<_, bool>(1))
        .map(|row| row.get(0))
        .collect();
    Ok(told(facts.carried(), &untrusted))
}

fn told<'a>(entries: impl IntoIterator<Item = &'a Entry>, untrusted: &[String]) -> Option<Finding> {
    let mut objects: Vec<String> = entries
        .into_iter()
        .filter(|entry| is_superusers(entry) || is_untrusted(entry, untrusted))
        .map(|entry| describe(&entry.kind, &entry.name))
        .collect();
    let number = objects.len();
    if number > SHOWN {
        objects.truncate(SHOWN);
        objects.push(format!("and {} more", number - SHOWN));
    }
    (number > 0).then(|| {
        Finding::new(
            Level::Warning,
            format!("{number} objects can only be created by a superuser"),
            "No grant gives a role the right to create them; their steps, and what needs them, fail unless a managed service allows its first role to. Connect to the destination as a superuser, or have one install the extensions there beforehand.",
        )
        .objects(objects)
    })
}

fn is_untrusted(entry: &Entry, untrusted: &[String]) -> bool {
    entry.kind == "EXTENSION" && untrusted.iter().any(|one| entry.name.name == *one)
}

fn is_superusers(entry: &Entry) -> bool {
    let has = |words: &[&str]| says(&entry.sql, words);
    match entry.kind.as_str() {
        "ACCESS METHOD"
        | "EVENT TRIGGER"
        | "FOREIGN DATA WRAPPER"
        | "OPERATOR CLASS"
        | "OPERATOR FAMILY"
        | "PROCEDURAL LANGUAGE"
        | "PUBLICATION TABLES IN SCHEMA"
        | "SHELL TYPE"
        | "TEXT SEARCH PARSER"
        | "TEXT SEARCH TEMPLATE" => true,
        "TYPE" => has(&["INPUT", "="]) || !has(&["AS"]),
        "FUNCTION" | "PROCEDURE" => {
            has(&["LANGUAGE", "c"])
                || has(&["LANGUAGE", "internal"])
                || has(&["LEAKPROOF"])
                || has(&["SUPPORT"])
        }
        "AGGREGATE" => has(&["STYPE", "=", "internal"]),
        "CAST" => has(&["WITHOUT", "FUNCTION"]),
        "PUBLICATION" => has(&["FOR", "ALL", "TABLES"]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::ObjectName;

    fn entry(kind: &str, sql: &str) -> Entry {
        Entry {
            kind: kind.to_owned().into(),
            name: ObjectName::new("s", "x"),
            sql: sql.to_owned().into(),
            ..Entry::default()
        }
    }

    #[test]
    fn what_postgresql_leaves_to_superusers_is_told_and_nothing_else() {
        for (kind, sql) in [
            ("EVENT TRIGGER", "CREATE EVENT TRIGGER x"),
            ("TYPE", "CREATE TYPE s.x;"),
            (
                "TYPE",
                "CREATE TYPE s.x (\n    INTERNALLENGTH = 4,\n    INPUT = s.x_in",
            ),
            (
                "FUNCTION",
                "CREATE FUNCTION s.x() RETURNS int\n    LANGUAGE c STRICT\n    AS 'x'",
            ),
            (
                "FUNCTION",
                "CREATE FUNCTION s.x() RETURNS int\n    LANGUAGE sql LEAKPROOF\n    AS $$select 1$$",
            ),
            (
                "CAST",
                "CREATE CAST (s.x AS integer) WITHOUT FUNCTION AS IMPLICIT;",
            ),
            (
                "PUBLICATION",
                "CREATE PUBLICATION x FOR ALL TABLES WITH (publish = 'insert');",
            ),
        ] {
            assert!(told(&[entry(kind, sql)], &[]).is_some(), "{kind} {sql}");
        }
        for (kind, sql) in [
            ("TABLE", "CREATE TABLE s.x (a int);"),
            ("TYPE", "CREATE TYPE s.x AS ENUM (\n    'INPUT ='\n);"),
            (
                "FUNCTION",
                "CREATE FUNCTION s.x() RETURNS text\n    LANGUAGE sql\n    AS $$ select 'LANGUAGE c LEAKPROOF' $$;",
            ),
            ("PUBLICATION", "CREATE PUBLICATION x WITH (publish = '');"),
            ("CAST", "CREATE CAST (text AS s.x) WITH FUNCTION s.f(text);"),
        ] {
            assert!(told(&[entry(kind, sql)], &[]).is_none(), "{kind} {sql}");
        }
        let extension = entry("EXTENSION", "CREATE EXTENSION IF NOT EXISTS x;");
        assert!(told([&extension], &[]).is_none());
        assert!(told([&extension], &["x".to_owned()]).is_some());
    }
}
