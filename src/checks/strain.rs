//! What a migration asks of both servers besides rights: sessions, locks, transaction numbers; and what stands in its way.

use crate::model::connection::{ServerFacts, Side};
use crate::model::finding::{Finding, Fix, Level};
use crate::model::name::printable;
use crate::model::problem::Problem;
use crate::sql::statements;

use super::{Facts, ask, fdw};

/// Beside those that carry rows and build indexes: the snapshot's, the sequences', pg_dump's, and the one that watches.
const OTHER_SESSIONS: i64 = 5;

const STANDBY: &str = include_str!("../../assets/sql/standby.sql");

/// A share of the transaction numbers that a long snapshot must not add to.
const MOST_XID_AGE: i64 = 1_500_000_000;

/// Neither server is pushed over a limit that can be seen beforehand.
pub(super) async fn check(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    let mut findings = Vec::new();
    if facts.destination.in_recovery {
        findings.push(Finding::new(
            Level::Blocking,
            "The destination is a standby: nothing can be written there",
            "Connect to the primary that it follows.",
        ));
    }
    if facts.source.in_recovery {
        findings.push(standby(facts).await?);
    }
    let wanted = i64::try_from(facts.options.jobs)
        .unwrap_or(i64::MAX)
        .saturating_mul(2)
        + OTHER_SESSIONS;
    for (side, client, server) in [
        (Side::Source, facts.source_client, facts.source),
        (
            Side::Destination,
            facts.destination_client,
            facts.destination,
        ),
    ] {
        let rows = ask(client, "limits", statements::LIMITS).await?;
        let Some(row) = rows.first() else {
            continue;
        };
        findings.extend(sessions(side, server, row.get(0), wanted));
        findings.extend(locks(side, row.get(1), facts.catalog.tables.len()));
        let age: i64 = row.get(2);
        if side == Side::Source && age > MOST_XID_AGE {
            findings.push(Finding::new(
                Level::Warning,
                format!("The source has used {age} of its 2,147,483,648 transaction numbers since it last froze"),
                "While the run's snapshot is held, vacuum cannot free any. Let a VACUUM FREEZE finish first, or migrate when little is written.",
            ));
        }
    }
    if facts.destination.database.is_some() {
        findings.extend(event_triggers(facts).await?);
    }
    findings.extend(prepared_transactions(facts).await?);
    if fdw::is_chosen(facts) {
        findings.extend(long_transactions(facts).await?);
    }
    if findings.is_empty() {
        findings.push(Finding::fine(format!(
            "Up to {wanted} sessions on each side, and locks for all tables"
        )));
    }
    Ok(findings)
}

/// What cannot be had of a standby, and what may end a long read there.
async fn standby(facts: &Facts<'_>) -> Result<Finding, Problem> {
    let rows = ask(facts.source_client, "the standby's settings", STANDBY).await?;
    let (feedback, delay) = rows.first().map_or((false, String::new()), |row| {
        (row.get::<_, bool>(0), row.get::<_, String>(1))
    });
    let patience = match (delay.as_str(), feedback) {
        ("-1", _) => "A read that stands in the way of replay holds replay up, however long it takes (max_standby_streaming_delay = -1).".to_owned(),
        (delay, true) => format!("Tables that are dropped or locked on the primary end a read here after {delay} (max_standby_streaming_delay); rows that are vacuumed away do not, for hot_standby_feedback is on."),
        (delay, false) => format!("A read that stands in the way of replay is cancelled after {delay} (max_standby_streaming_delay): a vacuum on the primary is enough. Set max_standby_streaming_delay = -1 or hot_standby_feedback = on there for the time of the run."),
    };
    let catalog = facts.catalog;
    let tables = catalog
        .tables
        .iter()
        .filter(|t| t.is_out_of_reach)
        .map(|t| &t.name);
    let sequences = catalog
        .sequences
        .iter()
        .filter(|s| s.is_out_of_reach)
        .map(|s| &s.name);
    let unlogged: Vec<String> = tables.chain(sequences).map(ToString::to_string).collect();
    let left_behind = if unlogged.is_empty() {
        ""
    } else {
        " Unlogged tables and sequences have their rows and values on the primary only: these are created without them."
    };
    Ok(Finding::new(
        Level::Warning,
        "The source is a standby",
        format!("{patience}{left_behind} With FDW one session reads everything, because a standby cannot lock writers out."),
    )
    .objects(unlogged))
}

fn sessions(side: Side, server: &ServerFacts, free: i64, wanted: i64) -> Option<Finding> {
    (free < wanted).then(|| {
        Finding::new(
            Level::Warning,
            format!("The {side} has {free} free connections, and up to {wanted} may be needed"),
            format!(
                "Connections are refused when {} has none left. Use fewer jobs, or raise max_connections.",
                printable(&server.user)
            ),
        )
    })
}

/// pg_dump, the snapshot and a wide TRUNCATE lock every table in one transaction (manual, max_locks_per_transaction).
fn locks(side: Side, capacity: i64, tables: usize) -> Option<Finding> {
    let tables = i64::try_from(tables).unwrap_or(i64::MAX);
    (tables > capacity).then(|| {
        Finding::new(
            Level::Warning,
            format!("The {side} has room for {capacity} locks, and there are {tables} tables"),
            "One transaction locks them all. Raise max_locks_per_transaction (it takes a restart), if the run ends with \"out of shared memory\".",
        )
    })
}

async fn event_triggers(facts: &Facts<'_>) -> Result<Option<Finding>, Problem> {
    let rows = ask(
        facts.destination_client,
        "event triggers",
        statements::EVENT_TRIGGERS,
    )
    .await?;
    // A service's own let it be.
    let is_own = |owner: &str| facts.provider_there.is_some_and(|by| by.has_role(owner));
    let names: Vec<String> = rows
        .iter()
        .filter(|row| !is_own(row.get(1)))
        .map(|row| row.get(0))
        .collect();
    if names.is_empty() {
        return Ok(None);
    }
    let fixes: Vec<String> = names
        .iter()
        .map(|name| statements::disable_event_trigger(name))
        .collect();
    Ok(Some(
        Finding::new(
            Level::Warning,
            format!("{} event triggers of the destination react to what is created there", names.len()),
            "They may refuse, change or log what howdah does. Disable them for the migration, and enable them again afterwards.",
        )
        .objects(names)
        .fix(
            Fix::on_destination(fixes, "a superuser", true).left_to_you(
                "They have to be enabled again after the migration, which howdah does not do for you: copy this (y) and run it yourself.",
            ),
        ),
    ))
}

async fn prepared_transactions(facts: &Facts<'_>) -> Result<Option<Finding>, Problem> {
    let rows = ask(
        facts.source_client,
        "prepared transactions",
        statements::PREPARED_TRANSACTIONS,
    )
    .await?;
    let described: Vec<String> = rows
        .iter()
        .map(|row| printable(row.get(0)).to_string())
        .collect();
    Ok((!described.is_empty()).then(|| {
        Finding::new(
            Level::Warning,
            format!("{} prepared transactions wait on the source for their end", described.len()),
            "The run does not see what they have written: committed while it reads or afterwards, that is on the source alone. Commit them or roll them back first (COMMIT PREPARED, ROLLBACK PREPARED).",
        )
        .objects(described)
    }))
}

/// The FDW sessions begin behind SHARE locks, which wait for whoever writes.
async fn long_transactions(facts: &Facts<'_>) -> Result<Option<Finding>, Problem> {
    let rows = ask(
        facts.source_client,
        "long transactions",
        statements::LONG_TRANSACTIONS,
    )
    .await?;
    let described: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    Ok((!described.is_empty()).then(|| {
        Finding::new(
            Level::Warning,
            format!("{} transactions on the source are open for more than five minutes", described.len()),
            "If they have written to a table, the FDW sessions cannot begin before they end. Let them end, or use COPY.",
        )
        .objects(described)
    }))
}
