//! What of the source the destination's version does not have: not yet, when it is older, or not any more.

use std::collections::BTreeMap;

use crate::model::archive::Entry;
use crate::model::definition::describe;
use crate::model::feature::Feature;
use crate::model::finding::{Finding, Level};
use crate::model::options::SchemaChoice;
use crate::model::problem::Problem;
use crate::sql::lexer::{says, tokens};

use super::{Facts, ask};

const REMOVED_10: &str = include_str!("../../assets/sql/removed_10.sql");
const REMOVED_12: &str = include_str!("../../assets/sql/removed_12.sql");
/// The last versions that had something which newer ones lack.
const REMOVED_LAST: u32 = 14;

/// Object names shown, of each feature.
const SHOWN: usize = 20;

pub(super) async fn check(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    if facts.options.schema == SchemaChoice::None {
        return Ok(vec![Finding::fine("Not needed: the schema exists already")]);
    }
    let mut findings = not_yet(&facts.archive.entries, facts.destination.version_num);
    findings.extend(not_any_more(facts).await?);
    if findings.is_empty() {
        findings.push(Finding::fine(
            "The destination's version has all that the source uses",
        ));
    }
    Ok(findings)
}

/// The features whose use can be read from a definition.
fn needed(entry: &Entry) -> Vec<Feature> {
    let sql = &*entry.sql;
    let kind = entry.kind.as_str();
    let is_routine = matches!(kind, "FUNCTION" | "PROCEDURE");
    let is_table = matches!(kind, "TABLE" | "FOREIGN TABLE");
    let is_key = kind.ends_with("CONSTRAINT") || is_table;
    let has = |words: &[&str]| says(sql, words);
    let is_generated = is_table && has(&["GENERATED", "ALWAYS", "AS", "("]);
    [
        (kind == "PROCEDURE", Feature::Procedures),
        (
            is_table && has(&["PARTITION", "BY", "HASH"]),
            Feature::HashPartitions,
        ),
        (
            (kind == "INDEX" || is_key) && has(&["INCLUDE", "("]),
            Feature::CoveringIndexes,
        ),
        (
            is_generated && has(&[")", "STORED"]),
            Feature::GeneratedColumns,
        ),
        (
            is_generated && !has(&[")", "STORED"]),
            Feature::VirtualColumns,
        ),
        (
            kind == "COLLATION" && has(&["deterministic", "=", "false"]),
            Feature::NondeterministicCollations,
        ),
        (
            is_table && tokens(sql).any(|token| token.text.ends_with("multirange")),
            Feature::Multiranges,
        ),
        (
            is_routine && (has(&["BEGIN", "ATOMIC"]) || has(&["RETURN"])),
            Feature::SqlBodies,
        ),
        (
            has(&["NULLS", "NOT", "DISTINCT"]),
            Feature::NullsNotDistinct,
        ),
        (
            kind == "VIEW" && has(&["security_invoker", "="]),
            Feature::SecurityInvokerViews,
        ),
        (
            kind == "PUBLICATION TABLES IN SCHEMA"
                || (kind == "PUBLICATION TABLE" && has(&["WHERE", "("])),
            Feature::FilteredPublications,
        ),
        (
            kind.ends_with("ACL") && has(&["MAINTAIN"]),
            Feature::MaintainPrivilege,
        ),
        (
            kind == "COLLATION" && has(&["provider", "=", "builtin"]),
            Feature::BuiltinLocales,
        ),
        (
            is_key
                && (has(&["NOT", "NULL", "NO", "INHERIT"])
                    || (kind == "CONSTRAINT" && has(&["NOT", "NULL"]))),
            Feature::NotNullConstraints,
        ),
        (
            is_key && (has(&["WITHOUT", "OVERLAPS"]) || has(&["PERIOD"])),
            Feature::TemporalKeys,
        ),
        (
            is_key && has(&["NOT", "ENFORCED"]),
            Feature::UnenforcedConstraints,
        ),
    ]
    .into_iter()
    .filter_map(|(is_needed, feature)| is_needed.then_some(feature))
    .collect()
}

fn not_yet(entries: &[Entry], destination: u32) -> Vec<Finding> {
    let mut by_feature: BTreeMap<Feature, Vec<String>> = BTreeMap::new();
    for entry in entries {
        for feature in needed(entry).into_iter().filter(|f| !f.is_in(destination)) {
            let objects = by_feature.entry(feature).or_default();
            objects.push(describe(&entry.kind, &entry.name));
        }
    }
    by_feature
        .into_iter()
        .map(|(feature, mut objects)| {
            let title = format!(
                "The destination lacks {}, which came with PostgreSQL {}",
                feature.words(),
                feature.since()
            );
            objects.truncate(SHOWN);
            Finding::new(
                Level::Warning,
                title,
                "These objects cannot be created there as they are, and neither can what needs them. Leave them out, or use a newer destination.",
            )
            .objects(objects)
        })
        .collect()
}

async fn not_any_more(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    let (source, destination) = (facts.source.major(), facts.destination.major());
    let question = match source {
        ..12 => REMOVED_10,
        12..REMOVED_LAST => REMOVED_12,
        _ => return Ok(Vec::new()),
    };
    let mut gone: BTreeMap<(i32, String), Vec<String>> = BTreeMap::new();
    for row in ask(facts.source_client, "what newer versions lack", question).await? {
        let since: i32 = row.get(0);
        // What pg_dump leaves out by itself is lost on any destination.
        if u32::try_from(since).is_ok_and(|since| destination >= since || since == 12) {
            gone.entry((since, row.get(1)))
                .or_default()
                .push(row.get(2));
        }
    }
    Ok(gone
        .into_iter()
        .map(|((since, what), mut objects)| {
            objects.truncate(SHOWN);
            let meaning = if what.contains("oid") {
                "The rows are copied without it. If an application reads it, copy it into a column of its own first."
            } else {
                "These objects cannot be created there. Replace them on the source first, or leave them out."
            };
            Finding::new(
                Level::Warning,
                format!("{since} and newer no longer have {}", what.trim_start_matches("the ")),
                meaning,
            )
            .objects(objects)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::ObjectName;

    fn entry(kind: &str, sql: &str) -> Entry {
        Entry {
            kind: kind.to_owned().into(),
            name: ObjectName::new("app", "x"),
            sql: sql.to_owned().into(),
            ..Entry::default()
        }
    }

    #[test]
    fn an_older_destination_lacks_what_a_definition_uses() {
        for (kind, sql, feature) in [
            (
                "PROCEDURE",
                "CREATE PROCEDURE x() LANGUAGE sql AS ''",
                Feature::Procedures,
            ),
            (
                "TABLE",
                "CREATE TABLE x (a int) PARTITION BY HASH (a)",
                Feature::HashPartitions,
            ),
            (
                "INDEX",
                "CREATE INDEX i ON x USING btree (a) INCLUDE (b)",
                Feature::CoveringIndexes,
            ),
            (
                "TABLE",
                "CREATE TABLE x (a int, b int GENERATED ALWAYS AS ((a * 2)) STORED)",
                Feature::GeneratedColumns,
            ),
            (
                "TABLE",
                "CREATE TABLE x (a int, b int GENERATED ALWAYS AS ((a * 2)))",
                Feature::VirtualColumns,
            ),
            (
                "COLLATION",
                "CREATE COLLATION c (provider = icu, deterministic = false, locale = 'und')",
                Feature::NondeterministicCollations,
            ),
            (
                "TABLE",
                "CREATE TABLE x (a int4multirange)",
                Feature::Multiranges,
            ),
            (
                "FUNCTION",
                "CREATE FUNCTION f() RETURNS integer LANGUAGE sql RETURN 1",
                Feature::SqlBodies,
            ),
            (
                "FUNCTION",
                "CREATE FUNCTION f() RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT 1; END",
                Feature::SqlBodies,
            ),
            (
                "CONSTRAINT",
                "ALTER TABLE x ADD UNIQUE NULLS NOT DISTINCT (a)",
                Feature::NullsNotDistinct,
            ),
            (
                "VIEW",
                "CREATE VIEW v WITH (security_invoker='true') AS SELECT 1",
                Feature::SecurityInvokerViews,
            ),
            (
                "PUBLICATION TABLE",
                "ALTER PUBLICATION p ADD TABLE ONLY x WHERE ((a > 1))",
                Feature::FilteredPublications,
            ),
            (
                "ACL",
                "GRANT SELECT,MAINTAIN ON TABLE x TO y",
                Feature::MaintainPrivilege,
            ),
            (
                "COLLATION",
                "CREATE COLLATION c (provider = builtin, locale = 'C.UTF-8')",
                Feature::BuiltinLocales,
            ),
            (
                "TABLE",
                "CREATE TABLE x (a int NOT NULL NO INHERIT)",
                Feature::NotNullConstraints,
            ),
            (
                "CONSTRAINT",
                "ALTER TABLE x ADD CONSTRAINT c NOT NULL a NOT VALID",
                Feature::NotNullConstraints,
            ),
            (
                "CONSTRAINT",
                "ALTER TABLE x ADD PRIMARY KEY (a, b WITHOUT OVERLAPS)",
                Feature::TemporalKeys,
            ),
            (
                "FK CONSTRAINT",
                "ALTER TABLE x ADD FOREIGN KEY (a, PERIOD b) REFERENCES y(a, PERIOD b)",
                Feature::TemporalKeys,
            ),
            (
                "TABLE",
                "CREATE TABLE x (a int, CONSTRAINT c CHECK ((a > 0)) NOT ENFORCED)",
                Feature::UnenforcedConstraints,
            ),
        ] {
            let entries = [entry(kind, sql)];
            let before = not_yet(&entries, feature.since() * 10_000 - 1);
            assert_eq!(before.len(), 1, "{sql}");
            assert!(before[0].title.contains(feature.words()), "{sql}");
            assert_eq!(not_yet(&entries, feature.since() * 10_000), [], "{sql}");
        }
    }

    #[test]
    fn words_in_a_literal_or_a_comment_need_nothing() {
        let harmless = [
            entry(
                "TABLE",
                "CREATE TABLE x (a text DEFAULT 'NULLS NOT DISTINCT', \"NOT ENFORCED\" int)",
            ),
            entry(
                "FUNCTION",
                "CREATE FUNCTION f() LANGUAGE plpgsql AS $$ begin return 1; end $$",
            ),
        ];
        assert_eq!(not_yet(&harmless, 100_000), []);
    }
}
