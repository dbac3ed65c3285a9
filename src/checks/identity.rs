//! Who the two ends are: versions, the same database twice, encoding and collation.

use crate::model::connection::{DatabaseFacts, ServerFacts, Side};
use crate::model::finding::{Finding, Level};
use crate::model::options::OnExisting;
use crate::model::problem::{Field, Problem};
use crate::pg::footing::Footing;

use super::Facts;

pub(super) fn versions(source: &ServerFacts, destination: &ServerFacts) -> Vec<Finding> {
    let answer = |facts: &ServerFacts| {
        let tls = facts.tls.as_deref().unwrap_or("no TLS");
        format!("PostgreSQL {} with {tls}", facts.version)
    };
    let mut findings = vec![Finding::fine(format!(
        "Source {}, destination {}",
        answer(source),
        answer(destination)
    ))];
    if destination.major() < source.major() {
        findings.push(Finding::new(
            Level::Warning,
            format!("The destination is older: {} to {}", source.version, destination.version),
            "What newer versions added (kinds of columns, options, types) does not exist there, and objects that use it will fail.",
        ));
    }
    if source.major() < 10 {
        findings.push(Finding::new(
            Level::Blocking,
            format!("The source is PostgreSQL {}", source.version),
            "Versions before 10 have no pg_sequence catalog and are not supported.",
        ));
    }
    if destination.in_recovery {
        findings.push(Finding::new(
            Level::Blocking,
            "The destination is a standby",
            "A standby only replays what its primary does; nothing can be written to it. Connect to the primary.",
        ));
    }
    findings
}

/// A pooler or a balancer between howdah and a server.
pub(super) fn footings(
    source: Result<Footing, Problem>,
    destination: Result<Footing, Problem>,
) -> Result<Vec<Finding>, Problem> {
    let mut findings = Vec::new();
    for (side, footing) in [(Side::Source, source?), (Side::Destination, destination?)] {
        match footing {
            Footing::Direct => {}
            Footing::Pooled => findings.push(
                Finding::new(
                    Level::Blocking,
                    format!("The {side} is behind a connection pooler in transaction mode"),
                    "Snapshots, locks and settings belong to a session, and this pooler (PgBouncer with pool_mode = transaction, for example) changes the session from one transaction to the next. Connect to the server's own port, often 5432, or to a pool with pool_mode = session.",
                )
                .field(Field::Port),
            ),
            Footing::Several(servers) => findings.push(
                Finding::new(
                    Level::Blocking,
                    format!("Behind the {side}'s address are several servers"),
                    "A load balancer sends each session to another server, and no two of them have the same state of the data. Connect to one server by its own address.",
                )
                .objects(servers)
                .field(Field::Host),
            ),
        }
    }
    if findings.is_empty() {
        findings.push(Finding::fine(
            "No connection pooler or load balancer in between",
        ));
    }
    Ok(findings)
}

/// The cluster's identifier with the database's OID names a database for good (pg_control_system, 9.6 and newer). A role that
/// may not ask for it knows a running server by when it was started; a standby was started at another time than its primary.
pub(super) fn same_database(
    source: &ServerFacts,
    destination: &ServerFacts,
    on_existing: OnExisting,
) -> Result<Vec<Finding>, Problem> {
    let ends = [source, destination];
    let [ours, theirs] = ends.map(|facts| facts.database.as_ref().map(|database| database.oid));
    let may_be_same = ours.is_some() && ours == theirs;
    let is_same_server = match ends.map(|facts| facts.system_identifier) {
        [Some(ours), Some(theirs)] => Some(ours == theirs),
        _ => match [&source.started_at, &destination.started_at] {
            [Some(ours), Some(theirs)] if ours == theirs => Some(true),
            [Some(_), Some(_)] if !ends.iter().any(|facts| facts.in_recovery) => Some(false),
            _ => None,
        },
    };
    let two = |place: &str| Ok(vec![Finding::fine(format!("Two databases{place}"))]);
    match is_same_server {
        Some(true) if may_be_same => Ok(vec![
            Finding::new(
                Level::Blocking,
                "Source and destination are the same database",
                "A database cannot be copied onto itself. Name another host, port or database as the destination.",
            )
            .field(Field::Database),
        ]),
        Some(true) => two(", on the same server"),
        Some(false) => two(", on two servers"),
        None if !may_be_same => two(""),
        // What is removed there, or added, might be removed from the source.
        None if on_existing != OnExisting::Stop => Ok(vec![
            Finding::new(
                Level::Blocking,
                "Source and destination may be the same database",
                "What is on the destination is to be removed or added to, and that must not happen to the source. Grant EXECUTE on function pg_control_system() to the role on both servers, so that they can be told apart, or choose to stop at existing objects.",
            )
            .field(Field::Database),
        ]),
        None => Err(Problem::new(
            "Could not tell whether the two servers are one",
            "a role may not call pg_control_system()",
        )
        .hint("Grant EXECUTE on function pg_control_system() to the role, or make sure yourself that they are two servers.")),
    }
}

pub(super) fn encoding(facts: &Facts<'_>) -> Vec<Finding> {
    let Some(source) = &facts.source.database else {
        return Vec::new();
    };
    let Some(destination) = &facts.destination.database else {
        if !source.locale.is_in(facts.destination.version_num) {
            return vec![Finding::new(
                Level::Warning,
                format!("The new database cannot sort by {}", source.sorts_by()),
                format!(
                    "The destination's version has no such databases; it will sort by {}. ORDER BY, range partitions and checks on text may behave differently.",
                    source.collate
                ),
            )];
        }
        return vec![Finding::fine(format!(
            "The new database gets the source's: {}, {}",
            source.encoding,
            source.sorts_by()
        ))];
    };
    let mut findings = Vec::new();
    if source.encoding != destination.encoding {
        findings.push(Finding::new(
            Level::Warning,
            format!("Encoding {} to {}", source.encoding, destination.encoding),
            "Text is converted on the way. A character that the destination's encoding lacks, or bytes that are not valid text (SQL_ASCII), end the copy of that table with an error.",
        ));
    }
    let collation = |one: &DatabaseFacts| {
        let names = (one.collate.clone(), one.ctype.clone());
        (one.locale.clone(), names)
    };
    if collation(source) != collation(destination) {
        let [ours, theirs] = [source, destination].map(DatabaseFacts::sorts_by);
        let title = if ours == theirs {
            format!(
                "Collation {ours} on both sides, but with another LC_COLLATE, LC_CTYPE or rules"
            )
        } else {
            format!("Collation {ours} to {theirs}")
        };
        findings.push(Finding::new(
            Level::Warning,
            title,
            "Text sorts differently there: ORDER BY, range partitions and checks on text may behave differently. To keep it, let howdah create the database.",
        ));
    }
    if findings.is_empty() {
        let mut title = format!("{}, {}", source.encoding, source.sorts_by());
        if let (Some(ours), Some(theirs)) =
            (&source.collation_version, &destination.collation_version)
            && ours != theirs
        {
            title = format!(
                "{title}; version {ours} on the source and {theirs} on the destination, so some text may sort differently"
            );
        }
        findings.push(Finding::fine(title));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(started_at: &str) -> ServerFacts {
        ServerFacts {
            started_at: Some(started_at.to_owned()),
            database: Some(DatabaseFacts::default()),
            ..ServerFacts::default()
        }
    }

    fn level(edit: impl Fn(&mut ServerFacts, &mut ServerFacts), how: OnExisting) -> Option<Level> {
        let (mut source, mut destination) = (facts("a"), facts("b"));
        edit(&mut source, &mut destination);
        let findings = same_database(&source, &destination, how).ok();
        findings.map(|findings| findings[0].level)
    }

    #[test]
    fn what_cannot_be_told_apart_is_not_touched() {
        use OnExisting::{Append, Empty, Stop};
        let started_at_once = |a: &mut ServerFacts, b: &mut ServerFacts| {
            b.started_at.clone_from(&a.started_at);
        };
        let another_name = |a: &mut ServerFacts, b: &mut ServerFacts| {
            (a.system_identifier, b.system_identifier) = (Some(1), Some(1));
        };
        let standby = |a: &mut ServerFacts, _: &mut ServerFacts| a.in_recovery = true;
        let silent = |a: &mut ServerFacts, _: &mut ServerFacts| a.started_at = None;
        for how in [Stop, Empty, Append] {
            assert_eq!(level(|_, _| {}, how), Some(Level::Fine));
            assert_eq!(level(started_at_once, how), Some(Level::Blocking));
            assert_eq!(level(another_name, how), Some(Level::Blocking));
            let unknown = (how != Stop).then_some(Level::Blocking);
            assert_eq!(level(standby, how), unknown);
            assert_eq!(level(silent, how), unknown);
        }
        let elsewhere = |a: &mut ServerFacts, b: &mut ServerFacts| {
            silent(a, b);
            b.database = None;
        };
        assert_eq!(level(elsewhere, Empty), Some(Level::Fine));
    }
}
