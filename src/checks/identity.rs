//! Who the two ends are: versions, the same database twice, encoding and collation.

use crate::model::connection::{ServerFacts, Side};
use crate::model::finding::{Finding, Level};
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

/// The cluster's identifier with the database's OID names a database for good (pg_control_system, 9.6 and newer).
pub(super) fn same_database(
    source: &ServerFacts,
    destination: &ServerFacts,
) -> Result<Vec<Finding>, Problem> {
    let (Some(ours), Some(theirs)) = (source.system_identifier, destination.system_identifier)
    else {
        return Err(Problem::new(
            "Could not tell whether the two servers are one",
            "a role may not call pg_control_system()",
        )
        .hint("Grant EXECUTE on function pg_control_system() to the role, or make sure yourself that they are two servers."));
    };
    let oid = |facts: &ServerFacts| facts.database.as_ref().map(|database| database.oid);
    if ours == theirs && oid(source).is_some() && oid(source) == oid(destination) {
        return Ok(vec![
            Finding::new(
                Level::Blocking,
                "Source and destination are the same database",
                "A database cannot be copied onto itself. Name another host, port or database as the destination.",
            )
            .field(Field::Database),
        ]);
    }
    let where_ = if ours == theirs {
        "on the same server"
    } else {
        "on two servers"
    };
    Ok(vec![Finding::fine(format!("Two databases, {where_}"))])
}

pub(super) fn encoding(facts: &Facts<'_>) -> Vec<Finding> {
    let Some(source) = &facts.source.database else {
        return Vec::new();
    };
    let Some(destination) = &facts.destination.database else {
        return vec![Finding::fine(format!(
            "The new database gets the source's: {}, {}",
            source.encoding, source.collate
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
    if (&source.collate, &source.ctype) != (&destination.collate, &destination.ctype) {
        findings.push(Finding::new(
            Level::Warning,
            format!("Collation {} to {}", source.collate, destination.collate),
            "Text sorts differently there: ORDER BY, range partitions and checks on text may behave differently. To keep it, let howdah create the database.",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::fine(format!(
            "{}, {}",
            source.encoding, source.collate
        )));
    }
    findings
}
