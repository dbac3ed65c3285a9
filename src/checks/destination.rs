//! The destination: what is there already, what an earlier run left, what this role may do.

use std::collections::HashSet;

use crate::model::existing::ExistingObject;
use crate::model::finding::{Finding, Fix, Level};
use crate::model::format::count;
use crate::model::name::printable;
use crate::model::options::{OnExisting, SchemaChoice};
use crate::model::problem::Problem;
use crate::planner::consequences;
use crate::sql::existing::FEW_ROWS;
use crate::sql::{scratch, statements};

use super::{Facts, Purpose, ask_bool, existing, superuser};

pub(super) async fn state(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    let mut findings = match (facts.options.schema, facts.existing_schema) {
        (_, None) => vec![Finding::fine("The database will be created")],
        (SchemaChoice::All, Some(_)) => vec![room_for_schema(facts)],
        (SchemaChoice::None, Some(there)) => existing::room_for_rows(facts, there).await?,
    };
    findings.extend(reserved_name(facts));
    Ok(findings)
}

/// A schema of the user's may bear howdah's name.
fn is_ours(facts: &Facts<'_>, object: &ExistingObject) -> bool {
    let schema = format!("schema {}", object.name.schema);
    let found = facts.leftovers.as_ref();
    found.is_ok_and(|found| found.objects.contains(&schema))
}

/// The journal needs a schema by its name for itself.
fn reserved_name(facts: &Facts<'_>) -> Vec<Finding> {
    let name = statements::JOURNAL_SCHEMA;
    let meaning = |remedy: &str| {
        format!(
            "Until a run is over it keeps its journal on the destination in a schema of this name, and it touches no other of that name. {remedy}"
        )
    };
    let is_it = |object: &&ExistingObject| object.kind == "schema" && object.name.name == name;
    let there = facts.existing.iter().find(is_it);
    let there = there.filter(|object| !is_ours(facts, object)).map(|_| {
        Finding::new(
            Level::Blocking,
            format!("The destination has a schema {name} that is not howdah's"),
            meaning("Rename it, or use another database."),
        )
    });
    let comes = facts.options.schema == SchemaChoice::All
        && facts
            .carried()
            .any(|entry| entry.kind == "SCHEMA" && entry.name.name == name);
    let comes = comes.then(|| {
        Finding::new(
            Level::Blocking,
            format!("The source has a schema {name}"),
            meaning("Rename it. If an unfinished run into the source has left it, howdah clean removes it there."),
        )
    });
    there.into_iter().chain(comes).collect()
}

/// `table public.film, 1,000 rows`.
fn describe(object: &ExistingObject) -> String {
    let rows = match object.rows {
        None => String::new(),
        Some(rows) if rows > FEW_ROWS => format!(", about {} rows", count(rows)),
        Some(1) => ", 1 row".to_owned(),
        Some(rows) => format!(", {} rows", count(rows)),
    };
    format!("{} {}{rows}", object.kind, printable(&object.identity))
}

fn room_for_schema(facts: &Facts<'_>) -> Finding {
    let in_the_way = consequences::in_the_way(facts.existing, facts.carried());
    // A schema goes with all that is in it.
    let schemas = in_the_way.iter().filter(|object| object.kind == "schema");
    let schemas: HashSet<&str> = schemas.map(|object| object.name.name.as_str()).collect();
    let places: HashSet<(&str, &str)> = in_the_way
        .iter()
        .map(|object| (object.kind.as_str(), object.identity.as_str()))
        .collect();
    let is_in_the_way = |object: &ExistingObject| {
        schemas.contains(object.name.schema.as_str())
            || places.contains(&(object.kind.as_str(), object.identity.as_str()))
    };
    // What belongs to no schema may be an administrator's, and is nobody's affair unless it is in the way.
    let counts = |object: &ExistingObject| {
        !object.name.schema.is_empty() || object.kind == "large objects" || is_in_the_way(object)
    };
    let existing: Vec<&ExistingObject> = facts
        .existing
        .iter()
        .filter(|object| !is_ours(facts, object) && counts(object))
        .collect();
    if existing.is_empty() {
        return Finding::fine("The destination is empty");
    }
    let in_the_way: Vec<&ExistingObject> = existing
        .iter()
        .copied()
        .filter(|o| is_in_the_way(o))
        .collect();
    if let (Purpose::Resume, Some(journal)) = (facts.purpose, facts.journal) {
        let done = journal.done.len();
        return Finding::fine(format!("{done} steps of the run are done"));
    }
    if let (OnExisting::Stop, Some(journal)) = (facts.options.on_existing, facts.journal) {
        return Finding::new(
            Level::Blocking,
            format!(
                "The destination holds {} objects and an interrupted run",
                existing.len()
            ),
            if facts.purpose == Purpose::Wizard {
                format!("It started on {}. Enter resumes it and keeps what is done. To start over instead: c removes its journal; then choose to remove what is in the way (o, existing objects).", journal.started_at)
            } else {
                format!("It started on {}. howdah resume continues it and keeps what is done. To start over instead: howdah clean, then run with --on-existing empty.", journal.started_at)
            },
        )
        .objects(existing.iter().map(|o| describe(o)).collect());
    }
    let named = |objects: &mut dyn Iterator<Item = &ExistingObject>| {
        let mut objects: Vec<&ExistingObject> = objects.collect();
        // Rows are what cannot be made again.
        objects.sort_by_key(|o| (o.rows.is_none(), std::cmp::Reverse(o.rows)));
        objects.into_iter().map(describe).collect::<Vec<_>>()
    };
    let database = &facts.destination_endpoint.database;
    match facts.options.on_existing {
        OnExisting::Stop => Finding::new(
            Level::Blocking,
            format!("The destination already holds {} objects", existing.len()),
            "Creating the schema would clash with them or mix with them. Use an empty or a new database; or choose to remove what is in the way (--on-existing empty), to add beside it (--on-existing append), or to copy rows only (--schema none). In the wizard, o opens these options.",
        )
        .objects(named(&mut existing.iter().copied())),
        OnExisting::Empty => Finding::new(
            Level::Warning,
            format!("{} objects of database {} will be dropped", in_the_way.len(), printable(database)),
            "You asked for it: objects of the source will be created under the same names. What depends on them is dropped too.",
        )
        .objects(named(&mut in_the_way.iter().copied())),
        OnExisting::Append if in_the_way.is_empty() => {
            Finding::fine(format!("{} objects exist and none is in the way", existing.len()))
        }
        OnExisting::Append => Finding::new(
            Level::Blocking,
            format!("{} objects are in the way", in_the_way.len()),
            "They have the names of objects that will be created. To add rows to existing tables instead, copy rows only (--schema none).",
        )
        .objects(named(&mut in_the_way.iter().copied())),
    }
}

pub(super) async fn rights(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    let mut findings = vec![right_to_create(facts).await?];
    findings.extend(superuser::alone(facts).await?);
    Ok(findings)
}

async fn right_to_create(facts: &Facts<'_>) -> Result<Finding, Problem> {
    let client = facts.destination_client;
    let user = &facts.destination.user;
    let database = &facts.destination_endpoint.database;
    if facts.destination.database.is_none() {
        let may = ask_bool(client, "rights", statements::MAY_CREATE_DATABASE).await?;
        return Ok(if may {
            Finding::fine(format!("{} may create the database", printable(user)))
        } else {
            Finding::new(
                Level::Blocking,
                format!("{} may not create a database", printable(user)),
                "Let an administrator create the database, owned by this role, or connect as a role with CREATEDB.",
            )
            .fix(Fix::on_destination(
                vec![scratch::let_create(user)],
                "an administrator",
                false,
            ))
        });
    }
    let may = ask_bool(client, "rights", statements::MAY_CREATE).await?;
    Ok(if may {
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
        .fix(Fix::on_destination(
            vec![statements::grant_create(database, user)],
            "the database's owner or a superuser",
            false,
        ))
    })
}
