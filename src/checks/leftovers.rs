//! What earlier runs left in the destination: scaffold of runs that died, and the journal of one that can be gone on with.

use tokio_postgres::{Client, Row};

use crate::model::finding::{Finding, Fix, Level};
use crate::model::journal::Leftovers;
use crate::model::plan::FDW_EXTENSION_KEY;
use crate::model::problem::Problem;
use crate::sql::existing::{HAS_SET_ASIDE, SET_ASIDE};
use crate::sql::statements;

use super::{Facts, Purpose, ask, ask_bool, unfinished};

/// Looks for them; changes nothing.
pub(super) async fn find(client: &Client) -> Result<Leftovers, Problem> {
    let mut found = Leftovers::default();
    let rows = ask(client, "leftovers", statements::LEFTOVERS).await?;
    if rows.is_empty() {
        return Ok(found);
    }
    let is_journal = |row: &Row| row.get::<_, &str>(1) == statements::JOURNAL_SCHEMA;
    if rows.iter().any(is_journal) && ask_bool(client, "leftovers", HAS_SET_ASIDE).await? {
        for row in ask(client, "foreign keys", SET_ASIDE).await? {
            let statement: String = row.get(0);
            let statement = statement.trim_end().trim_end_matches(';');
            found.statements.push(statement.to_owned());
            found.has_keys = true;
        }
    }
    if is_fdw_ours(client).await? {
        found
            .statements
            .push(statements::DROP_FDW_EXTENSION.to_owned());
        found.objects.push("extension postgres_fdw".to_owned());
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

/// The journal tells who installed it.
async fn is_fdw_ours(client: &Client) -> Result<bool, Problem> {
    let is_ours = statements::is_step_done(FDW_EXTENSION_KEY);
    Ok(
        ask_bool(client, "leftovers", statements::HAS_JOURNAL).await?
            && ask_bool(client, "leftovers", statements::IS_FDW_INSTALLED).await?
            && ask_bool(client, "leftovers", &is_ours).await?,
    )
}

pub(super) fn check(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    if facts.destination.database.is_none() {
        return Ok(vec![Finding::fine("The database will be new")]);
    }
    let found = facts.leftovers.clone()?;
    if found.objects.is_empty() {
        return Ok(vec![Finding::fine("Nothing is left over")]);
    }
    let journal = facts.journal;
    let fix: Vec<String> = found
        .statements
        .iter()
        .map(|statement| format!("{statement};"))
        .collect();
    let fix = Fix::on_destination(fix, "the role that ran it", true)
        .left_to_you("c removes what an earlier run left, after looking again.");
    if found.sessions > 0 && (facts.purpose == Purpose::Resume || journal.is_some()) {
        return Ok(vec![
            Finding::new(
                Level::Blocking,
                "Sessions of howdah are still running in this database",
                "Two runs into one database would get in each other's way. Wait for the other run, or stop it; sessions of a run that was killed end by themselves.",
            )
            .objects(found.objects),
        ]);
    }
    if let Some(journal) = journal {
        let title = format!("The run of {} did not finish", journal.started_at);
        let keys = if found.has_keys {
            " It had dropped foreign keys of yours for the time of the copy; either way the statements below put them back."
        } else {
            ""
        };
        let finding = match facts.purpose {
            Purpose::Resume => {
                Finding::fine(format!("The run of {} is resumed", journal.started_at))
            }
            Purpose::Wizard => Finding::new(
                Level::Blocking,
                title,
                format!("Enter resumes it. To start over instead, c removes its journal; what was copied then stays, and is in the way of a new run until it is removed too.{keys}"),
            )
            .objects(unfinished::told(journal, facts.catalog, facts.existing_schema)),
            Purpose::Run | Purpose::Comparison => Finding::new(
                Level::Blocking,
                title,
                format!("howdah resume continues it and keeps what is done. howdah clean removes its journal; what was copied stays.{keys}"),
            )
            .objects(found.objects),
        };
        let shows_keys = found.has_keys && facts.purpose != Purpose::Resume;
        return Ok(vec![if shows_keys {
            finding.fix(fix)
        } else {
            finding
        }]);
    }
    let way = match facts.purpose {
        Purpose::Wizard => "c",
        _ => "howdah clean",
    };
    let meaning = if found.has_keys {
        format!(
            "It ended before it could clean up, or is still running. It had dropped foreign keys of yours for the time of the copy: if no run is under way, {way} puts them back and removes the rest, with the statements below."
        )
    } else {
        format!(
            "It ended before it could clean up, or is still running. If no run is under way, {way} removes them, with the statements below; nothing of yours is among them."
        )
    };
    Ok(vec![
        Finding::new(
            Level::Blocking,
            "An earlier run of howdah left objects of its own behind",
            meaning,
        )
        .objects(found.objects)
        .fix(fix),
    ])
}
