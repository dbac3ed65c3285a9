//! Pre-flight checks, each small and alone. `Ok(findings)` says what was found, `Err` that it could not be checked; the two are
//! never mixed up.
//!
//! Nothing here changes anything on a server: the FDW test rolls back what it makes.

mod destination;
mod dump_tools;
mod existing;
mod fdw;
pub mod filters;
mod identity;
mod leftovers;
mod patience;
mod provider;
mod rights;
mod roles;
mod schema;
mod scratch;
mod strain;
mod superuser;
mod unfinished;
mod versions;

use std::collections::HashSet;
use std::sync::Arc;

use tokio_postgres::Client;

use crate::model::archive::{Archive, Entry};
use crate::model::catalog::Catalog;
use crate::model::connection::{Endpoint, ServerFacts};
use crate::model::existing::{ExistingObject, ExistingSchema};
use crate::model::finding::{CheckResult, Finding, Level};
use crate::model::inspection::Inspection;
use crate::model::journal::{Journal, Leftovers};
use crate::model::options::{Options, SchemaChoice};
use crate::model::patience::Cause;
use crate::model::problem::Problem;
use crate::model::provider::Profile;
use crate::model::roles::DestinationRole;
use crate::model::selection::Selection;
use crate::pg::client_tools::{self, ClientTools};
use crate::pg::connect::connect;
use crate::pg::footing::{Footing, footing};
use crate::pg::probe::probe;
use crate::pg::problem::problem;
use crate::pg::{archive, catalog, journal};
use crate::planner::consequences;
use crate::planner::dialect::Versions;
use crate::sql::{settings, statements};

pub use patience::{Again, Told, inspect, inspect_again, patiently};
pub use scratch::{Scratches, may_rehearse, scratches_of};

/// The check after which both servers are known to be there.
const REACH: &str = "reach";

/// A session for the checks, pinned like those of a run.
struct Pinned {
    client: Client,
}

/// What every check may look at.
struct Facts<'a> {
    source_endpoint: &'a Endpoint,
    destination_endpoint: &'a Endpoint,
    source: &'a ServerFacts,
    destination: &'a ServerFacts,
    source_client: &'a Client,
    /// On database `postgres` when the destination database is yet to be made.
    destination_client: &'a Client,
    catalog: &'a Catalog,
    selection: &'a Selection,
    archive: &'a Archive,
    existing: &'a [ExistingObject],
    existing_schema: Option<&'a ExistingSchema>,
    journal: Option<&'a Journal>,
    leftovers: &'a Result<Leftovers, Problem>,
    scratches: &'a Result<Scratches, Problem>,
    destination_roles: &'a [DestinationRole],
    /// Who runs the source and the destination; an error: they could not be asked.
    providers: &'a Result<provider::Providers, Problem>,
    provider_there: Option<&'static Profile>,
    options: &'a Options,
    purpose: Purpose,
}

impl<'a> Facts<'a> {
    /// The schema entries that are made.
    fn carried(&self) -> impl Iterator<Item = &'a Entry> {
        consequences::carried(self.archive, self.catalog, self.selection)
    }
}

/// What the answers are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The FDW questions are asked though COPY is chosen: the wizard's user may still change the method.
    Wizard,
    Run,
    /// A run that has not come to its end is gone on with.
    Resume,
    /// Both sides are only read: what a destination must be able to take is not asked.
    Comparison,
}

async fn pinned(endpoint: &Endpoint, settings: &[String]) -> Result<Pinned, Problem> {
    let client = connect(endpoint, "check").await?.client;
    client
        .batch_execute(&settings.join(";\n"))
        .await
        .map_err(|error| problem("Could not prepare a session", &error))?;
    Ok(Pinned { client })
}

/// One look at both databases, as far as it gets. With the id of a check, this one alone and those without which nothing can be read.
async fn read(
    [source_endpoint, destination_endpoint]: [Endpoint; 2],
    options: Options,
    purpose: Purpose,
    only: Option<&str>,
    mut on_result: impl FnMut(CheckResult),
) -> Result<Inspection, Problem> {
    let is_wanted = |id: &str| only.is_none_or(|only| only == id);
    let source = probe(&source_endpoint, false).await?;
    let destination = probe(&destination_endpoint, options.create_database).await?;
    // Where the database is yet to be made, another one of its server answers.
    let reachable = match destination.database {
        Some(_) => destination_endpoint.clone(),
        None => Endpoint {
            database: "postgres".to_owned(),
            ..destination_endpoint.clone()
        },
    };
    on_result(result(
        REACH,
        "Both servers answer",
        Ok(identity::versions(&source, &destination)),
    ));
    let same = identity::same_database(&source, &destination, options.on_existing);
    let is_same = same
        .as_ref()
        .is_ok_and(|f| f.iter().any(|f| f.level == Level::Blocking));
    on_result(result(
        "same-database",
        "Source and destination are two databases",
        same,
    ));

    if is_wanted("direct") {
        let (source_footing, destination_footing) =
            tokio::join!(footing(&source_endpoint), footing(&reachable));
        let on_sand = [&source_footing, &destination_footing]
            .iter()
            .any(|one| !matches!(one, Ok(Footing::Direct) | Err(_)));
        on_result(result(
            "direct",
            "All sessions reach the same server",
            identity::footings(source_footing, destination_footing),
        ));
        if on_sand {
            return Err(Problem::new(
                "Could not check further",
                "the sessions do not all reach the same server",
            )
            .hint("Connect to the server's own host and port, past the pooler or load balancer."));
        }
    }

    let ends = [&source_endpoint, &destination_endpoint];
    let tools = client_tools::with_roots_of(client_tools::installed().await, ends)
        .and_then(|fitting| client_tools::choose(&fitting, source.major(), destination.major()));
    let about_tools = |findings| result("pg-dump", "pg_dump can read the source", Ok(findings));
    let tools = match tools {
        Ok(tools) => tools,
        Err(problem) => {
            on_result(about_tools(vec![dump_tools::none(&problem)]));
            return Err(problem);
        }
    };

    let source_session = pinned(&source_endpoint, &settings::source(source.version_num)).await?;
    let destination_session =
        pinned(&reachable, &settings::destination(destination.version_num)).await?;
    // The catalog and pg_dump see one state: what is committed between them would be made, and its rows forgotten.
    let reading = pinned(&source_endpoint, &settings::source(source.version_num)).await?;
    let snapshot = snapshot(&reading.client).await?;
    let mut catalog = catalog::read(&reading.client, source.version_num).await?;
    // Said before it is waited for.
    on_result(about_tools(dump_tools::used(
        &tools,
        &source,
        catalog.tables.len(),
    )));
    let (mut existing, mut existing_schema) = match destination.database {
        Some(_) => existing::read(&destination_session.client, destination.version_num).await?,
        None => (Vec::new(), None),
    };
    let providers = provider::of(&source_session.client, &destination_session.client).await;
    let provider_there = providers.as_ref().ok().and_then(|one| one.destination);
    if let Some(by) = provider_there {
        // It is in nobody's way, and was there before.
        existing.retain(|one| !by.has_there(&one.kind, &one.name.schema, &one.name.name));
    }
    catalog.provided = providers
        .as_ref()
        .ok()
        .and_then(provider::Providers::provided);
    // Only who goes on with a run needs to understand it.
    let journal = match (&destination.database, purpose) {
        (Some(_), Purpose::Resume) => journal::read(&destination_session.client).await?,
        (Some(_), Purpose::Run | Purpose::Wizard) => journal::read(&destination_session.client)
            .await
            .unwrap_or_default(),
        _ => None,
    };
    if let (Purpose::Resume, Some(journal), Some(there)) = (purpose, &journal, &mut existing_schema)
    {
        there.as_before(journal);
    }
    let leftovers = match destination.database {
        Some(_) => leftovers::find(&destination_session.client).await,
        None => Ok(Leftovers::default()),
    };
    let scratches = scratch::find(&destination_session.client).await;
    let destination_roles =
        catalog::read_destination_roles(&destination_session.client, destination.version_num)
            .await?;
    let rights = rights::tables_readable(&catalog, &source, &options);
    let is_readable = rights.iter().all(|finding| finding.level < Level::Blocking);
    on_result(result(
        "read-rights",
        "Every table and sequence can be read",
        Ok(rights),
    ));
    on_result(result(
        "row-security",
        "No policy hides rows from this role",
        Ok(rights::row_security(&catalog, &source, &options)),
    ));
    // pg_dump would stop at the first table it may not lock, with less to say.
    if !is_readable {
        return Err(Problem::new(
            "Could not read the source's schema",
            "this role may not read every table",
        )
        .hint("Grant the rights that the check names, or connect as a role that has them."));
    }
    let snapshot = Some(snapshot.as_str());
    let archive = dump(&tools, &source_endpoint, snapshot, &source_session.client).await?;
    drop(reading);
    all_are_known(&archive, &catalog)?;
    if let Some(provided) = &mut catalog.provided {
        provider::ask_for_extensions(provided, &archive, &destination_session.client).await?;
    }
    let selection = Selection::of(&catalog, &options);
    let facts = Facts {
        source_endpoint: &source_endpoint,
        destination_endpoint: &destination_endpoint,
        source: &source,
        destination: &destination,
        source_client: &source_session.client,
        destination_client: &destination_session.client,
        catalog: &catalog,
        selection: &selection,
        archive: &archive,
        existing: &existing,
        existing_schema: existing_schema.as_ref(),
        journal: journal.as_ref(),
        leftovers: &leftovers,
        scratches: &scratches,
        destination_roles: &destination_roles,
        providers: &providers,
        provider_there,
        options: &options,
        purpose,
    };
    on_result(result(
        "encoding",
        "Encoding and collation agree",
        Ok(identity::encoding(&facts)),
    ));
    if let (Purpose::Resume, Some(journal), true) = (purpose, &journal, is_wanted("unfinished")) {
        let findings = if journal.is_rows_only() {
            unfinished::all_are_known(journal, &catalog)
        } else {
            let beside = &destination_session.client;
            let there = dump(&tools, &destination_endpoint, None, beside).await?;
            let versions = Versions {
                source: source.version_num,
                destination: destination.version_num,
            };
            unfinished::fits(&archive, journal, &there, versions)
        };
        on_result(result(
            "unfinished",
            "What is done still matches the source",
            Ok(findings),
        ));
    }
    if purpose != Purpose::Comparison {
        for (id, title) in CHECKS {
            if is_wanted(id) && applies(id, &facts, is_same) {
                on_result(result(id, title, run(id, &facts).await));
            }
        }
    }
    let is_fdw_installed = destination.database.is_some()
        && schema::installed_extensions(&destination_session.client)
            .await?
            .contains_key("postgres_fdw");
    let other_versions = if purpose == Purpose::Comparison {
        Vec::new()
    } else {
        schema::other_versions(&facts).await?
    };
    // Whoever starts anew is stopped by the check; nothing of the old run is taken for done.
    let (going_on, unfinished) = if purpose == Purpose::Resume {
        (journal, None)
    } else {
        let is_idle = leftovers.as_ref().is_ok_and(|found| found.sessions == 0);
        (None, journal.filter(|_| is_idle))
    };
    Ok(Inspection {
        source_endpoint,
        destination_endpoint,
        source,
        destination,
        catalog,
        archive: Arc::new(archive),
        existing,
        destination_roles,
        existing_schema,
        is_fdw_installed,
        other_versions,
        journal: going_on,
        unfinished,
        // What could not be looked for, the check has told.
        leftovers: leftovers.unwrap_or_default(),
        provider_there,
        scratches: scratches.unwrap_or_default().statements().collect(),
    })
}

/// pg_dump's words have no SQLSTATE, and come in any language: whether the server let it down is asked of the server.
async fn dump(
    tools: &ClientTools,
    endpoint: &Endpoint,
    snapshot: Option<&str>,
    beside: &Client,
) -> Result<Archive, Problem> {
    let dumped = archive::dump(tools, endpoint, snapshot).await;
    if dumped.is_ok() {
        return dumped;
    }
    let alive = beside.simple_query(statements::ALIVE).await;
    alive.map_err(|error| problem("Could not read the schema", &error))?;
    // No free place: neither for pg_dump nor for anybody else.
    match connect(endpoint, "check").await {
        Err(problem) if Cause::of(&problem).is_some() => Err(problem),
        _ => dumped,
    }
}

/// Begins to see one state of the database, and lets others see the same for as long as the session lasts.
async fn snapshot(client: &Client) -> Result<String, Problem> {
    let failed = |error| problem("Could not take a snapshot of the source", &error);
    let begun = client.batch_execute(statements::BEGIN_SNAPSHOT).await;
    begun.map_err(failed)?;
    let exported = client
        .query_typed_one(statements::EXPORT_SNAPSHOT, &[])
        .await;
    Ok(exported.map_err(failed)?.get(0))
}

/// A table that pg_dump has seen and the catalog has not would be made without its rows.
fn all_are_known(archive: &Archive, catalog: &Catalog) -> Result<(), Problem> {
    let known: HashSet<u32> = catalog.tables.iter().map(|table| table.oid).collect();
    let mut tables = archive.entries.iter().filter(|one| one.is_table());
    match tables.find(|one| !known.contains(&one.oid)) {
        None => Ok(()),
        Some(unknown) => Err(Problem::new(
            "Could not read the source's schema",
            format!(
                "the table {} is not in the catalog that was read",
                unknown.name
            ),
        )
        .hint("Tables seem to be made or changed just now: check again when that is over.")),
    }
}

/// The journal that a run has left in a database, if there is one.
pub async fn journal_of(destination: &Endpoint) -> Result<Option<Journal>, Problem> {
    journal::read(&pinned(destination, &[]).await?.client).await
}

/// What runs have left of howdah's own in a database.
pub async fn leftovers_of(destination: &Endpoint) -> Result<Leftovers, Problem> {
    leftovers::find(&pinned(destination, &[]).await?.client).await
}

/// Of what a destination must be able to take, in the order they are told.
const CHECKS: [(&str, &str); 12] = [
    ("provider", "What belongs to a managed service"),
    (
        "destination-state",
        "Nothing on the destination is in the way",
    ),
    ("target-tables", "Existing tables take the rows"),
    ("leftovers", "Nothing is left over from an earlier run"),
    (
        "scratch",
        "No scratch database is left over from a rehearsal",
    ),
    (
        "create-rights",
        "This role may create objects on the destination",
    ),
    ("strain", "Both servers can take the load"),
    (
        "versions",
        "The destination's version has what the source uses",
    ),
    ("extensions", "The destination has the extensions"),
    ("roles", "Owners and grantees exist on the destination"),
    (
        "fdw-available",
        "postgres_fdw can be used on the destination",
    ),
    (
        "fdw-reaches-source",
        "The destination server reaches the source",
    ),
];

fn applies(id: &str, facts: &Facts<'_>, is_same: bool) -> bool {
    match id {
        "target-tables" => facts.options.schema == SchemaChoice::None,
        // On one and the same server and database the test would meet itself.
        "fdw-available" | "fdw-reaches-source" => {
            !is_same && (facts.purpose == Purpose::Wizard || fdw::is_chosen(facts))
        }
        _ => true,
    }
}

async fn run(id: &str, facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    match id {
        "provider" => provider::check(facts),
        "destination-state" => destination::state(facts).await,
        "target-tables" => existing::tables(facts).await,
        "leftovers" => leftovers::check(facts),
        "scratch" => scratch::check(facts),
        "create-rights" => destination::rights(facts).await,
        "strain" => strain::check(facts).await,
        "versions" => versions::check(facts).await,
        "extensions" => schema::extensions(facts).await,
        "roles" => roles::roles(facts).await,
        "fdw-available" => fdw::available(facts).await,
        "fdw-reaches-source" => fdw::reaches_source(facts).await,
        _ => Err(Problem::new(
            "Could not check",
            format!("there is no check {id}"),
        )),
    }
}

fn result(
    id: &'static str,
    title: &'static str,
    outcome: Result<Vec<Finding>, Problem>,
) -> CheckResult {
    CheckResult { id, title, outcome }
}

/// Runs one query of the checks.
async fn ask(client: &Client, what: &str, sql: &str) -> Result<Vec<tokio_postgres::Row>, Problem> {
    client
        .query(sql, &[])
        .await
        .map_err(|error| problem(format!("Could not query {what}"), &error))
}

async fn ask_bool(client: &Client, what: &str, sql: &str) -> Result<bool, Problem> {
    Ok(ask(client, what, sql)
        .await?
        .first()
        .is_some_and(|row| row.get(0)))
}

/// Rolls back whatever the test has begun.
async fn roll_back(client: &Client) -> Result<(), Problem> {
    client
        .batch_execute(statements::ROLLBACK)
        .await
        .map_err(|error| problem("Could not roll back the test", &error))
}
