//! The destination: what is there already, what an earlier run left, what this role may do.

use std::collections::{HashMap, HashSet};

use crate::model::catalog::Table;
use crate::model::existing::ExistingObject;
use crate::model::finding::{Finding, Level};
use crate::model::name::{ObjectName, printable};
use crate::model::options::{OnExisting, SchemaChoice};
use crate::model::problem::Problem;
use crate::model::selection::Carry;
use crate::sql::constraints;
use crate::sql::statements;

use super::{Facts, ask, ask_bool};

/// Tables asked about in one query.
const TABLES_PER_QUESTION: usize = 500;

pub(super) async fn state(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    if facts.destination.database.is_none() {
        return Ok(vec![Finding::fine("The database will be created")]);
    }
    match facts.options.schema {
        SchemaChoice::All => Ok(vec![room_for_schema(facts)]),
        SchemaChoice::None => room_for_rows(facts).await,
    }
}

fn is_ours(object: &ExistingObject) -> bool {
    object.name.schema == statements::JOURNAL_SCHEMA
        || object
            .name
            .schema
            .starts_with(statements::FDW_SCHEMA_PREFIX)
}

fn room_for_schema(facts: &Facts<'_>) -> Finding {
    let existing: Vec<&ExistingObject> = facts.existing.iter().filter(|o| !is_ours(o)).collect();
    if existing.is_empty() {
        return Finding::fine("The destination is empty");
    }
    let wanted: HashSet<(&str, &str)> = facts
        .archive
        .entries
        .iter()
        .map(|e| {
            (
                e.name.schema.as_str(),
                e.name.name.split('(').next().unwrap_or_default(),
            )
        })
        .collect();
    let in_the_way: Vec<&&ExistingObject> = existing
        .iter()
        .filter(|o| o.kind != "schema")
        .filter(|o| wanted.contains(&(o.name.schema.as_str(), o.name.name.as_str())))
        .collect();
    let named = |objects: &mut dyn Iterator<Item = &ExistingObject>| {
        objects
            .map(|o| format!("{} {}", o.kind, printable(&o.identity)))
            .collect::<Vec<_>>()
    };
    let database = &facts.destination_endpoint.database;
    match facts.options.on_existing {
        OnExisting::Stop => Finding::new(
            Level::Blocking,
            format!("The destination already holds {} objects", existing.len()),
            "Creating the schema would clash with them or mix with them. Use an empty or a new database; or choose to remove what is in the way (--on-existing empty), to add beside it (--on-existing append), or to copy rows only (--schema none).",
        )
        .objects(named(&mut existing.iter().copied())),
        OnExisting::Empty => Finding::new(
            Level::Warning,
            format!("{} objects of database {} will be dropped", in_the_way.len(), printable(database)),
            "You asked for it: they stand where objects of the source will be created. What depends on them goes too.",
        )
        .objects(named(&mut in_the_way.iter().map(|o| **o))),
        OnExisting::Append if in_the_way.is_empty() => {
            Finding::fine(format!("{} objects are there and none is in the way", existing.len()))
        }
        OnExisting::Append => Finding::new(
            Level::Blocking,
            format!("{} objects are in the way", in_the_way.len()),
            "They have the names of objects that will be created. To add rows to existing tables, copy rows only (--schema none).",
        )
        .objects(named(&mut in_the_way.iter().map(|o| **o))),
    }
}

async fn room_for_rows(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    let there: HashMap<&ObjectName, &ExistingObject> =
        facts.existing.iter().map(|o| (&o.name, o)).collect();
    let carried: Vec<&Table> = facts
        .catalog
        .tables
        .iter()
        .zip(&facts.selection.tables)
        .filter(|(t, carry)| t.holds_rows() && **carry == Carry::RowsAndStructure)
        .map(|(t, _)| t)
        // What is not there is told by the check of the tables themselves.
        .filter(|t| there.contains_key(&t.name))
        .collect();
    let mut filled = Vec::new();
    for chunk in carried.chunks(TABLES_PER_QUESTION) {
        let sql = statements::tables_with_rows(chunk.iter().map(|t| &t.name));
        for row in ask(facts.destination_client, "rows of the destination", &sql).await? {
            let at = usize::try_from(row.get::<_, i32>(0)).unwrap_or(usize::MAX);
            filled.extend(chunk.get(at).map(|t| t.name.to_string()));
        }
    }
    if filled.is_empty() {
        return Ok(vec![Finding::fine("The tables that are there are empty")]);
    }
    let count = filled.len();
    let finding = match facts.options.on_existing {
        OnExisting::Stop => Finding::new(
            Level::Blocking,
            format!("{count} tables of the destination hold rows"),
            "Rows would be doubled or clash. Choose to empty these tables first (--on-existing empty) or to add to them (--on-existing append).",
        ),
        OnExisting::Empty => Finding::new(
            Level::Warning,
            format!("{count} tables of the destination will be emptied"),
            "You asked for it: the rows they hold now are lost.",
        ),
        OnExisting::Append => Finding::new(
            Level::Warning,
            format!("Rows are added to {count} tables that hold rows"),
            "A key that is there already ends the copy of its table with an error, and the result cannot be compared with the source.",
        ),
    };
    Ok(vec![finding.objects(filled)])
}

pub(super) async fn leftovers(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    if facts.destination.database.is_none() {
        return Ok(vec![Finding::fine("The database will be new")]);
    }
    let rows = ask(facts.destination_client, "leftovers", statements::LEFTOVERS).await?;
    if rows.is_empty() {
        return Ok(vec![Finding::fine("Nothing is left")]);
    }
    let mut objects = Vec::new();
    let mut fixes = Vec::new();
    let has_journal = rows
        .iter()
        .any(|row| row.get::<_, String>(1) == statements::JOURNAL_SCHEMA);
    if has_journal {
        // A dead run took these away and could not put them back.
        let promises = ask(
            facts.destination_client,
            "promises of the journal",
            constraints::PROMISES,
        )
        .await?;
        fixes.extend(promises.iter().map(|row| row.get::<_, String>(0)));
        objects.extend(
            promises
                .iter()
                .map(|row| format!("to put back: {}", row.get::<_, String>(0))),
        );
    }
    for row in &rows {
        let (kind, name): (String, String) = (row.get(0), row.get(1));
        if kind == "server" {
            fixes.insert(0, format!("{};", statements::drop_fdw_server(&name)));
        } else {
            fixes.push(format!("{};", statements::drop_schema(&name)));
        }
        objects.push(format!("{kind} {name}"));
    }
    Ok(vec![
        Finding::new(
            Level::Blocking,
            "An earlier run of howdah left its scaffold",
            "It ended before it could clean up, or is still running. If none runs, remove it with the statements below; nothing of yours is in it.",
        )
        .objects(objects)
        .fix(fixes.join("\n")),
    ])
}

pub(super) async fn rights(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    let client = facts.destination_client;
    let user = &facts.destination.user;
    let database = &facts.destination_endpoint.database;
    if facts.destination.database.is_none() {
        let may = ask_bool(client, "rights", statements::MAY_CREATE_DATABASE).await?;
        return Ok(vec![if may {
            Finding::fine(format!("{} may create the database", printable(user)))
        } else {
            Finding::new(
                Level::Blocking,
                format!("{} may not create a database", printable(user)),
                "Let an administrator create it, owned by this role, or connect as a role with CREATEDB.",
            )
        }]);
    }
    let may = ask_bool(client, "rights", statements::MAY_CREATE).await?;
    Ok(vec![if may {
        Finding::fine(format!("{} may create objects", printable(user)))
    } else {
        Finding::new(
            Level::Blocking,
            format!(
                "{} may not create anything in {}",
                printable(user),
                printable(database)
            ),
            "Schemas, tables and howdah's journal need the right CREATE on the database.",
        )
        .fix(statements::grant_create(database, user))
    }])
}
