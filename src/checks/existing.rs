//! Tables that are there: whether the rows fit into them, may enter them, and meet others there.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use tokio_postgres::Client;

use crate::model::catalog::{Table, TableKind};
use crate::model::existing::{ExistingObject, ExistingSchema};
use crate::model::feature::Feature;
use crate::model::finding::{Finding, Fix, Level};
use crate::model::format::count;
use crate::model::journal::Journal;
use crate::model::name::{ObjectName, printable};
use crate::model::options::OnExisting;
use crate::model::plan::{EMPTYING_KEY, LARGE_OBJECTS_KEY};
use crate::model::problem::Problem;
use crate::model::selection::Selection;
use crate::pg::problem::problem;
use crate::pg::{catalog, existing};
use crate::planner::landing::{self, Difference, Ground, KeyAction, Landing, Landings, Obstacle};
use crate::sql::existing::{ASSIGNABLE, FEW_ROWS, count_few};
use crate::sql::hush::grant_set;
use crate::sql::statements;

use super::{Facts, Purpose, ask};

/// Tables asked about in one query.
const TABLES_PER_QUESTION: usize = 500;

/// What the destination holds, its tables with their rows.
pub(super) async fn read(
    client: &Client,
    version: u32,
) -> Result<(Vec<ExistingObject>, Option<ExistingSchema>), Problem> {
    let mut objects = catalog::read_existing(client).await?;
    let schema = existing::read(client, version).await?;
    let tables: Vec<&Table> = schema
        .catalog
        .tables
        .iter()
        .filter(|t| t.kind == TableKind::Ordinary)
        .collect();
    let rows = rows_of(client, &tables).await?;
    let by_name: HashMap<&ObjectName, u64> = tables.iter().map(|t| &t.name).zip(rows).collect();
    for object in objects.iter_mut().filter(|o| o.kind == "table") {
        object.rows = by_name.get(&object.name).copied();
    }
    Ok((objects, Some(schema)))
}

/// Up to a thousand are counted. What may not be read counts as empty: nothing is carried into it either.
async fn rows_of(client: &Client, tables: &[&Table]) -> Result<Vec<u64>, Problem> {
    let mut rows = vec![0; tables.len()];
    let readable: Vec<usize> = (0..tables.len())
        .filter(|at| tables[*at].can_select && !tables[*at].rows_hidden_by_policy)
        .collect();
    for chunk in readable.chunks(TABLES_PER_QUESTION) {
        let sql = count_few(chunk.iter().map(|at| {
            let config = tables[*at].extension_config.as_ref();
            (tables[*at], config.map_or("", |c| c.condition.as_str()))
        }));
        for row in ask(client, "rows of the destination", &sql).await? {
            let number = usize::try_from(row.get::<_, i32>(0)).unwrap_or(usize::MAX);
            if let Some(at) = chunk.get(number) {
                let few = u64::try_from(row.get::<_, i64>(1)).unwrap_or(0);
                let estimate = tables[*at].estimated_rows.filter(|_| few > FEW_ROWS);
                rows[*at] = few.max(estimate.unwrap_or(0));
            }
        }
    }
    Ok(rows)
}

/// Whether the rows fit and may enter.
pub(super) async fn tables(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    let Some(there) = facts.existing_schema else {
        return Ok(vec![Finding::new(
            Level::Blocking,
            "The database does not exist, and neither do its tables",
            "Only rows are to be copied (--schema none). Let howdah create the schema too, or create the database and its tables first.",
        )]);
    };
    let landings = landing::of(facts.catalog, &selection(facts), there);
    let ground = Ground::new(there, gone_on_with(facts));
    let mut findings = Vec::new();
    findings.extend(obstacles(facts, &landings));
    findings.extend(columns(&landings, graveness(facts)));
    findings.extend(types(facts, &landings).await?);
    findings.extend(rights(facts, &ground, &landings));
    findings.extend(sequences(facts, there));
    if will_empty(facts) {
        findings.extend(keys_in_the_way(&ground, &landings));
    }
    if findings.iter().all(|finding| finding.level == Level::Fine) {
        findings.insert(0, Finding::fine("Every table exists and takes the rows"));
    }
    Ok(findings)
}

/// The journal of the run that is gone on with.
fn gone_on_with<'a>(facts: &Facts<'a>) -> Option<&'a Journal> {
    facts.journal.filter(|_| facts.purpose == Purpose::Resume)
}

/// What was chosen when the run began; what it was asked to do then holds.
fn selection<'a>(facts: &Facts<'a>) -> Cow<'a, Selection> {
    match gone_on_with(facts) {
        Some(journal) => Cow::Owned(journal.request.selection(facts.catalog)),
        None => Cow::Borrowed(facts.selection),
    }
}

/// Tables are emptied, which is done once: rows that have come since nobody has given away.
fn will_empty(facts: &Facts<'_>) -> bool {
    let is_done = |journal: &Journal| journal.done.contains(EMPTYING_KEY);
    facts.options.on_existing == OnExisting::Empty && !gone_on_with(facts).is_some_and(is_done)
}

/// In the wizard such tables can still be left out; no plan is made with them.
fn graveness(facts: &Facts<'_>) -> Level {
    if facts.purpose == Purpose::Wizard {
        Level::Warning
    } else {
        Level::Blocking
    }
}

/// A finding about these, if there are any.
fn about(
    level: Level,
    objects: Vec<String>,
    title: impl Fn(usize) -> String,
    meaning: &str,
) -> Option<Finding> {
    let number = objects.len();
    (number > 0).then(|| Finding::new(level, title(number), meaning).objects(objects))
}

/// Rights on objects of the destination, with the statements that give them.
fn lacking<'a>(
    facts: &Facts<'_>,
    level: Level,
    (rights, kind): (&str, &str),
    names: impl IntoIterator<Item = &'a ObjectName>,
    title: impl Fn(usize) -> String,
    meaning: &str,
) -> Option<Finding> {
    let user = &facts.destination.user;
    let names: Vec<&ObjectName> = names.into_iter().collect();
    let grants = names
        .iter()
        .map(|name| statements::grant(rights, kind, name, user));
    let fix = Fix::on_destination(grants.collect(), "their owner or a superuser", false);
    let objects = names.iter().map(ToString::to_string).collect();
    about(level, objects, title, meaning).map(|finding| finding.fix(fix))
}

fn obstacles(facts: &Facts<'_>, landings: &Landings<'_>) -> Vec<Finding> {
    let kinds: HashMap<&ObjectName, &str> = facts
        .existing
        .iter()
        .map(|object| (&object.name, object.kind.as_str()))
        .collect();
    let mut missing = Vec::new();
    let mut of_other_kind = Vec::new();
    let mut without_columns = Vec::new();
    for (at, obstacle) in landings
        .iter()
        .filter_map(|(at, landing)| Some((at, landing.as_ref().err()?)))
    {
        let name = &facts.catalog.tables[*at].name;
        match (obstacle, kinds.get(name)) {
            (Obstacle::Missing, Some(kind)) if kind.contains("view") => {
                of_other_kind.push(format!("{name} is a {kind}"));
            }
            (Obstacle::Missing, _) => missing.push(name.to_string()),
            (Obstacle::Foreign, _) => {
                of_other_kind.push(format!("{name} is, or has, a foreign table"));
            }
            (Obstacle::NoCommonColumn, _) => without_columns.push(name.to_string()),
        }
    }
    [
        about(
            graveness(facts),
            missing,
            |n| format!("{n} tables are missing on the destination"),
            "Only rows are to be copied (--schema none), so the tables must exist. Leave these out, or let howdah create the schema.",
        ),
        about(
            graveness(facts),
            of_other_kind,
            |n| format!("{n} tables are another kind of object on the destination"),
            "Rows inserted into a view or a foreign table would not stay in the destination database. Leave these tables out.",
        ),
        about(
            graveness(facts),
            without_columns,
            |n| format!("{n} tables have no column in common with the destination's"),
            "Their rows hold nothing that could be copied. Leave these tables out.",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn columns(landings: &Landings<'_>, graveness: Level) -> Vec<Finding> {
    let named = |pick: fn(&Difference) -> Option<&str>| -> Vec<String> {
        let all = landings.values().flatten();
        all.flat_map(|landing| {
            let name = &landing.there.name;
            let picked = landing.differences.iter().filter_map(pick);
            picked.map(move |column| format!("{name}: {}", printable(column)))
        })
        .collect()
    };
    [
        about(
            graveness,
            named(|d| match d {
                Difference::Missing(column) => Some(column),
                _ => None,
            }),
            |n| format!("{n} columns are missing on the destination"),
            "Their values would be lost. Add the columns, or leave the tables out.",
        ),
        about(
            graveness,
            named(|d| match d {
                Difference::Unfillable(column) => Some(column),
                _ => None,
            }),
            |n| format!("{n} columns of the destination get no value"),
            "The source does not have them, they are NOT NULL, and they have no default. Give them a default, or let them be null.",
        ),
        about(
            Level::Fine,
            named(|d| match d {
                Difference::Extra(column) => Some(column),
                _ => None,
            }),
            |n| format!("{n} columns exist on the destination only"),
            "They get their default, or null.",
        ),
        about(
            Level::Fine,
            named(|d| match d {
                Difference::GeneratedThere(column) => Some(column),
                _ => None,
            }),
            |n| format!("{n} columns are computed by the destination"),
            "The source's values are not copied, and not compared.",
        ),
        about(
            Level::Warning,
            named(|d| match d {
                Difference::NotCarried(column) => Some(column),
                _ => None,
            }),
            |n| format!("{n} generated columns are missing on the destination"),
            "The source computes them from other columns; they are left out.",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Types that are not the same, judged by the destination.
async fn types(facts: &Facts<'_>, landings: &Landings<'_>) -> Result<Vec<Finding>, Problem> {
    let mut different: Vec<(String, &str, &str)> = Vec::new();
    for landing in landings.values().flatten() {
        for difference in &landing.differences {
            if let Difference::Type {
                column,
                source,
                destination,
            } = difference
            {
                let name = &landing.there.name;
                let text = format!(
                    "{name}: {} is {source} on the source, {destination} here",
                    printable(column)
                );
                different.push((text, source, destination));
            }
        }
    }
    if different.is_empty() {
        return Ok(Vec::new());
    }
    let (from, to): (Vec<&str>, Vec<&str>) = different.iter().map(|(_, a, b)| (*a, *b)).unzip();
    let rows = facts
        .destination_client
        .query(ASSIGNABLE, &[&from, &to])
        .await
        .map_err(|error| problem("Could not query casts between types", &error))?;
    let mut doubtful = Vec::new();
    let mut wrong = Vec::new();
    for ((text, _, _), row) in different.into_iter().zip(rows) {
        if row.get::<_, Option<bool>>(0) == Some(false) {
            wrong.push(text);
        } else {
            doubtful.push(text);
        }
    }
    Ok([
        about(
            Level::Blocking,
            wrong,
            |n| format!("The values of {n} columns do not fit their type on the destination"),
            "PostgreSQL has no assignment cast from the one type to the other. Change the column's type, or leave the table out.",
        ),
        about(
            Level::Warning,
            doubtful,
            |n| format!("{n} columns have another type on the destination"),
            "Their values are copied as text and read by the destination's type. One value that the type does not accept ends the copy of its table; with --verify checksums they are compared as text, so a value that the type writes differently is reported as a difference.",
        ),
    ]
    .into_iter()
    .flatten()
    .collect())
}

fn rights(facts: &Facts<'_>, ground: &Ground<'_>, landings: &Landings<'_>) -> Vec<Finding> {
    let there = ground.existing;
    let catalog = &there.catalog;
    let name = |at: usize| catalog.tables[at].name.to_string();
    let mut closed: BTreeSet<&ObjectName> = BTreeSet::new();
    let mut hidden: BTreeSet<String> = BTreeSet::new();
    let mut not_owned: BTreeSet<String> = BTreeSet::new();
    let mut kept: BTreeSet<&ObjectName> = BTreeSet::new();
    let is_emptied = will_empty(facts);
    for landing in landings.values().flatten() {
        let (table, rights) = (&catalog.tables[landing.table], &there.tables[landing.table]);
        if !rights.can_insert || !table.can_select || is_emptied && !rights.can_truncate {
            closed.insert(&table.name);
        }
        if table.rows_hidden_by_policy {
            hidden.insert(name(landing.table));
        }
        if ground.is_filled(landing) && !rights.can_delete {
            kept.insert(&table.name);
        }
        let mut triggers = ground.triggers(landing);
        if is_emptied {
            triggers.extend(ground.triggers_on_truncate(ground.touched(landing)));
        }
        for (at, triggers) in triggers {
            let is_internal = triggers.iter().any(|t| t.is_internal);
            let may_alter =
                there.tables[at].is_owned && (!is_internal || facts.destination.is_superuser);
            if !may_alter {
                not_owned.insert(format!(
                    "{}: trigger {}",
                    name(at),
                    printable(&triggers[0].name)
                ));
            }
        }
    }
    for (number, fate) in ground.foreign_keys(landings) {
        let key = &catalog.foreign_keys[number];
        let may_drop = there.tables[key.table].is_owned;
        let may_add = may_drop && there.tables[key.references].can_reference;
        if fate.action == KeyAction::SetAside && !may_add {
            not_owned.insert(format!(
                "{}: foreign key {}",
                name(key.table),
                printable(&key.name)
            ));
        }
    }
    let user = &facts.destination.user;
    let (needed, rights) = if is_emptied {
        ("INSERT, SELECT and TRUNCATE", "INSERT, SELECT, TRUNCATE")
    } else {
        ("INSERT and SELECT", "INSERT, SELECT")
    };
    [
        lacking(
            facts,
            Level::Blocking,
            (rights, "TABLE"),
            closed,
            |n| format!("{} may not fill {n} tables", printable(user)),
            &format!("The role needs {needed} on them: rows are inserted, and counted afterwards."),
        ),
        lacking(
            facts,
            Level::Warning,
            ("DELETE", "TABLE"),
            kept,
            |n| format!("{} may not delete rows from {n} tables", printable(user)),
            "The run has filled them. Where the source has changed since, its rows must be deleted and copied again, which needs DELETE on these tables; where it has not, they are proved and stay.",
        ),
        about(
            Level::Blocking,
            hidden.into_iter().collect(),
            |n| format!("Row-level security of {n} tables binds {}", printable(user)),
            "PostgreSQL refuses COPY into such a table, and its rows could not be counted.",
        )
        .map(|finding| {
            let sql = vec![statements::bypass_policies(user)];
            finding.fix(Fix::on_destination(sql, "a superuser", false))
        }),
        about(
            Level::Blocking,
            not_owned.into_iter().collect(),
            |n| format!("{n} triggers or foreign keys cannot be kept from firing"),
            "They would fire for rows they have fired for on the source already, or refuse rows because of the order they come in. Connect as the tables' owner, as a superuser, or as a role that may set session_replication_role (GRANT SET ON PARAMETER, from 15 on).",
        )
        .map(|finding| {
            let version = facts.destination.version_num;
            // Not even that silences what fires always.
            if there.may_silence || !Feature::ParameterPrivileges.is_in(version) {
                return finding;
            }
            let sql = vec![grant_set(["session_replication_role"], user)];
            finding.fix(Fix::on_destination(sql, "a superuser", false))
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn sequences(facts: &Facts<'_>, there: &ExistingSchema) -> Vec<Finding> {
    let by_name: HashMap<&ObjectName, bool> = there
        .catalog
        .sequences
        .iter()
        .zip(&there.settable_sequences)
        .map(|(sequence, may_set)| (&sequence.name, *may_set))
        .collect();
    let mut missing = Vec::new();
    let mut closed = Vec::new();
    for (sequence, is_selected) in facts
        .catalog
        .sequences
        .iter()
        .zip(&facts.selection.sequences)
    {
        match by_name.get(&sequence.name) {
            _ if !is_selected => {}
            None => missing.push(sequence.name.to_string()),
            Some(true) => {}
            Some(false) => closed.push(&sequence.name),
        }
    }
    [
        about(
            graveness(facts),
            missing,
            |n| format!("{n} sequences are missing on the destination"),
            "Their values cannot be set. Create them, or leave them out (--exclude); where the destination uses a sequence of another name, set that one yourself, or the next new row will clash.",
        ),
        lacking(
            facts,
            Level::Blocking,
            ("UPDATE, SELECT", "SEQUENCE"),
            closed,
            |n| format!("{} may not set {n} sequences", printable(&facts.destination.user)),
            "The role needs UPDATE and SELECT on them; otherwise the next new row would clash with a copied one.",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn keys_in_the_way(ground: &Ground<'_>, landings: &Landings<'_>) -> Option<Finding> {
    let catalog = &ground.existing.catalog;
    let keys = ground.keys_in_the_way(landings).into_iter();
    let objects = keys
        .map(|number| {
            let key = &catalog.foreign_keys[number];
            let (from, to) = (&catalog.tables[key.table], &catalog.tables[key.references]);
            format!(
                "{}: {} refers to {}",
                from.name,
                printable(&key.name),
                to.name
            )
        })
        .collect();
    about(
        Level::Blocking,
        objects,
        |n| format!("{n} foreign keys keep tables from being emptied"),
        "A table that stays refers to one that is to be emptied, and PostgreSQL refuses that (TRUNCATE) whatever rows there are. Copy the referring table too, or drop the key for the time of the run.",
    )
}

/// Rows that are there already.
pub(super) async fn room_for_rows(
    facts: &Facts<'_>,
    there: &ExistingSchema,
) -> Result<Vec<Finding>, Problem> {
    let landings = landing::of(facts.catalog, &selection(facts), there);
    let ground = Ground::new(there, gone_on_with(facts));
    let catalog = &ground.existing.catalog;
    let (filled, to_fill): (Vec<&Landing<'_>>, _) = landings
        .values()
        .flatten()
        .partition(|landing| ground.is_filled(landing));
    let touched = |landings: Vec<&Landing<'_>>| -> BTreeSet<usize> {
        let tables = landings
            .into_iter()
            .flat_map(|landing| ground.touched(landing));
        tables
            .filter(|at| catalog.tables[*at].kind == TableKind::Ordinary)
            .collect()
    };
    // Rows that an unfinished run has brought are told from others when it comes to them.
    let touched = &touched(to_fill) - &touched(filled);
    let tables: Vec<&Table> = touched.iter().map(|at| &catalog.tables[*at]).collect();
    let rows = rows_of(facts.destination_client, &tables).await?;
    let mut filled: Vec<(&Table, u64)> = tables
        .into_iter()
        .zip(rows)
        .filter(|(_, n)| *n > 0)
        .collect();
    filled.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    let objects: Vec<String> = filled
        .iter()
        .map(|(table, rows)| {
            let roughly = if *rows > FEW_ROWS { "about " } else { "" };
            format!("{}: {roughly}{} rows", table.name, count(*rows))
        })
        .collect();
    let (level, title, meaning): (_, fn(usize) -> String, _) = match facts.options.on_existing {
        OnExisting::Stop | OnExisting::Empty
            if gone_on_with(facts).is_some() && !will_empty(facts) =>
        {
            (
                Level::Blocking,
                |n| format!("{n} tables hold rows that the run has not copied"),
                "They were added since it started, and are not howdah's to remove. Remove them yourself, or start over: howdah clean, then run with --on-existing append or empty.",
            )
        }
        OnExisting::Stop => (
            Level::Blocking,
            |n| format!("{n} tables of the destination hold rows"),
            "Rows would be doubled or clash. Choose to empty these tables first (--on-existing empty) or to add to them (--on-existing append).",
        ),
        OnExisting::Empty => (
            Level::Warning,
            |n| format!("{n} tables of the destination will be emptied"),
            "You asked for it: the rows they hold now are lost.",
        ),
        OnExisting::Append => (
            Level::Warning,
            |n| format!("Rows are added to {n} tables that hold rows"),
            "A duplicate key ends the copy of its table with an error; what other tables have received by then stays. Afterwards the number of added rows is compared.",
        ),
    };
    let mut findings: Vec<Finding> = about(level, objects, title, meaning).into_iter().collect();
    let has_large_objects = facts.existing.iter().any(|o| o.kind == "large objects");
    let brings_large_objects =
        facts.catalog.large_objects.count > 0 && facts.options.include.is_empty();
    let has_brought = |journal: &Journal| journal.done.contains(LARGE_OBJECTS_KEY);
    let is_anew = !gone_on_with(facts).is_some_and(has_brought);
    if has_large_objects
        && brings_large_objects
        && is_anew
        && facts.options.on_existing == OnExisting::Stop
    {
        findings.push(Finding::new(
            Level::Blocking,
            "The destination holds large objects",
            "The source's large objects would be added to them, or clash with them by number. Choose to replace those of the same number (--on-existing empty) or to add (--on-existing append).",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::fine("The existing tables are empty"));
    }
    Ok(findings)
}
