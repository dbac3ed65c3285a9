//! What earlier runs left in the destination: scaffold of runs that died, and the journal of one that can be gone on with.

use tokio_postgres::Client;

use crate::model::finding::{Finding, Level};
use crate::model::journal::Journal;
use crate::model::options::SchemaChoice;
use crate::model::problem::Problem;
use crate::sql::existing::{HAS_SET_ASIDE, SET_ASIDE};
use crate::sql::statements;

use super::{Facts, Purpose, ask, ask_bool};

/// Everything of howdah's own in a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// `schema howdah`.
    pub objects: Vec<String>,
    /// What removes them, in order, without semicolons. Foreign keys of the user's that were set aside come back first.
    pub statements: Vec<String>,
    /// There are such keys among them.
    pub has_keys: bool,
    /// Sessions of howdah's that are at work there now.
    pub sessions: i64,
}

/// Looks for them; changes nothing.
pub async fn find(client: &Client) -> Result<Leftovers, Problem> {
    let mut found = Leftovers::default();
    let rows = ask(client, "leftovers", statements::LEFTOVERS).await?;
    if rows.is_empty() {
        return Ok(found);
    }
    if ask_bool(client, "leftovers", HAS_SET_ASIDE).await? {
        for row in ask(client, "foreign keys", SET_ASIDE).await? {
            let statement: String = row.get(0);
            let statement = statement.trim_end().trim_end_matches(';');
            found.statements.push(statement.to_owned());
            found.has_keys = true;
        }
    }
    for row in &rows {
        let (kind, name): (String, String) = (row.get(0), row.get(1));
        if kind == "server" {
            found
                .statements
                .insert(0, statements::drop_fdw_server(&name));
        } else {
            found.statements.push(statements::drop_schema(&name));
        }
        found.objects.push(format!("{kind} {name}"));
    }
    let sessions = ask(client, "sessions of howdah", statements::AT_WORK).await?;
    found.sessions = sessions.first().map_or(0, |row| row.get(0));
    Ok(found)
}

pub(super) async fn check(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    if facts.destination.database.is_none() {
        return Ok(vec![Finding::fine("The database will be new")]);
    }
    let found = find(facts.destination_client).await?;
    if found.objects.is_empty() {
        return Ok(vec![Finding::fine("Nothing is left")]);
    }
    if found.sessions > 0 && facts.purpose == Purpose::Resume {
        return Ok(vec![
            Finding::new(
                Level::Blocking,
                "Sessions of howdah are still at work in this database",
                "Two runs into one database would be in each other's way. Wait for the other, or stop it; sessions of a run that died end by themselves.",
            )
            .objects(found.objects),
        ]);
    }
    let can_go_on = |journal: &&Journal| journal.request.options.schema == SchemaChoice::All;
    if let Some(journal) = facts.journal.filter(can_go_on) {
        return Ok(vec![if facts.purpose == Purpose::Resume {
            Finding::fine(format!("The run of {} is gone on with", journal.started_at))
        } else {
            Finding::new(
                Level::Blocking,
                format!("The run of {} did not come to its end", journal.started_at),
                "Unless it is still under way, howdah resume goes on with it and keeps what it has done. howdah clean removes its journal; what was copied stays.",
            )
            .objects(found.objects)
        }]);
    }
    let fix: Vec<String> = found
        .statements
        .iter()
        .map(|statement| format!("{statement};"))
        .collect();
    let meaning = if found.has_keys {
        "It ended before it could clean up, or is still running. It had dropped foreign keys of yours for the time of the copy: if none runs, howdah clean puts them back and removes the scaffold, with the statements below."
    } else {
        "It ended before it could clean up, or is still running. If none runs, howdah clean removes it, with the statements below; nothing of yours is in it."
    };
    Ok(vec![
        Finding::new(
            Level::Blocking,
            "An earlier run of howdah left its scaffold",
            meaning,
        )
        .objects(found.objects)
        .fix(fix.join("\n")),
    ])
}
