//! The connection test: what server answers, which database, as whom.

use std::str::FromStr;
use std::time::Instant;

use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use crate::model::connection::{DatabaseFacts, DatabaseLocale, Endpoint, ServerFacts};
use crate::model::problem::{Field, Problem};
use crate::sql::statements;

use super::connect::{Connected, connect};
use super::problem::problem;

const SERVER_FACTS: &str = include_str!("../../assets/sql/server_facts.sql");
const DATABASE_FACTS: &str = include_str!("../../assets/sql/database_facts.sql");

/// Databases that are there on nearly every server.
const MAINTENANCE_DATABASES: [&str; 2] = ["postgres", "template1"];

const UNDEFINED_DATABASE: &str = "3D000";

/// Connects and looks around. With `create_database`, a missing database is told by [`ServerFacts::database`] being none.
pub async fn probe(endpoint: &Endpoint, create_database: bool) -> Result<ServerFacts, Problem> {
    match Box::pin(connect(endpoint, "test")).await {
        Ok(connected) => facts(&connected, endpoint, true).await,
        Err(missing) if missing.sqlstate.as_deref() == Some(UNDEFINED_DATABASE) => {
            if create_database {
                let connected = Box::pin(connect_to_maintenance(endpoint)).await?;
                facts(&connected, endpoint, false).await
            } else {
                Err(missing_database(endpoint, missing))
            }
        }
        Err(problem) => Err(problem),
    }
}

/// A session on the same server, where the endpoint's own database need not be there.
async fn connect_to_maintenance(endpoint: &Endpoint) -> Result<Connected, Problem> {
    let mut last = None;
    for database in MAINTENANCE_DATABASES {
        let elsewhere = Endpoint {
            database: database.to_owned(),
            ..endpoint.clone()
        };
        match Box::pin(connect(&elsewhere, "test")).await {
            Ok(connected) => return Ok(connected),
            Err(problem) => last = last.or(Some(problem)),
        }
    }
    Err(last.unwrap_or_default())
}

fn missing_database(endpoint: &Endpoint, missing: Problem) -> Problem {
    missing
        .hint(format!(
            "The server is there, the database \"{0}\" is not. Check its name, have howdah create it (on the destination), or \
             run: createdb -h {1} -p {2} -U {3} {0}",
            endpoint.database, endpoint.host, endpoint.port, endpoint.user
        ))
        .field(Field::Database)
}

async fn facts(
    connected: &Connected,
    endpoint: &Endpoint,
    is_there: bool,
) -> Result<ServerFacts, Problem> {
    let client = &connected.client;
    let started = Instant::now();
    one_row(client, "select 1").await?;
    let latency = started.elapsed();
    let server = one_row(client, SERVER_FACTS).await?;
    let may_read_control = text(&server, 5) == "t";
    Ok(ServerFacts {
        version_num: number(&server, 0)?,
        version: text(&server, 1).to_owned(),
        user: text(&server, 2).to_owned(),
        is_superuser: text(&server, 3) == "t",
        in_recovery: text(&server, 4) == "t",
        system_identifier: if may_read_control {
            system_identifier(client).await
        } else {
            None
        },
        started_at: started_at(client).await,
        tls: connected.tls.clone(),
        cores: cores(endpoint),
        shared_buffers_kib: number(&server, 6)?,
        maintenance_work_mem_kib: number(&server, 7)?,
        has_lz4: text(&server, 8) == "t",
        latency_micros: u64::try_from(latency.as_micros()).unwrap_or(u64::MAX),
        database: if is_there {
            Some(database_facts(client).await?)
        } else {
            None
        },
    })
}

/// A server tells nobody how many it has.
fn cores(endpoint: &Endpoint) -> Option<usize> {
    let here = std::thread::available_parallelism().ok()?;
    endpoint.is_local().then(|| here.get())
}

/// Some providers take this away although the right is there; nothing depends on it alone.
async fn system_identifier(client: &Client) -> Option<u64> {
    let query = "select system_identifier from pg_control_system()";
    let row = one_row(client, query).await.ok()?;
    // The server prints the unsigned number as a signed one.
    number::<i64>(&row, 0).ok().map(i64::cast_unsigned)
}

/// Any role may ask for it, unless somebody has taken that away.
async fn started_at(client: &Client) -> Option<String> {
    let row = one_row(client, statements::STARTED_AT).await.ok()?;
    given(&row, 0)
}

async fn database_facts(client: &Client) -> Result<DatabaseFacts, Problem> {
    let row = one_row(client, DATABASE_FACTS).await?;
    Ok(DatabaseFacts {
        name: text(&row, 0).to_owned(),
        oid: number(&row, 1)?,
        encoding: text(&row, 2).to_owned(),
        collate: text(&row, 3).to_owned(),
        ctype: text(&row, 4).to_owned(),
        locale: locale(&row),
        collation_version: given(&row, 13),
        size_bytes: number(&row, 5)?,
        relation_count: number(&row, 6)?,
        search_path: text(&row, 7).to_owned(),
        time_zone: text(&row, 8).to_owned(),
        date_style: text(&row, 9).to_owned(),
        has_public_schema: text(&row, 14) == "t",
    })
}

fn locale(row: &SimpleQueryRow) -> DatabaseLocale {
    let locale = text(row, 11).to_owned();
    match text(row, 10) {
        "i" => DatabaseLocale::Icu {
            locale,
            rules: given(row, 12),
        },
        "b" => DatabaseLocale::Builtin(locale),
        _ => DatabaseLocale::Libc,
    }
}

const WHAT: &str = "Could not read the server's properties";

/// By the simple protocol: also a pooler in front of the server knows that one.
async fn one_row(client: &Client, query: &str) -> Result<SimpleQueryRow, Problem> {
    let messages = client
        .simple_query(query)
        .await
        .map_err(|error| problem(WHAT, &error))?;
    messages
        .into_iter()
        .find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        })
        .ok_or_else(|| Problem::new(WHAT, "it answered a question with no row"))
}

/// Neither null nor empty.
fn given(row: &SimpleQueryRow, column: usize) -> Option<String> {
    Some(text(row, column).to_owned()).filter(|text| !text.is_empty())
}

/// Null is as good as empty here.
fn text(row: &SimpleQueryRow, column: usize) -> &str {
    row.try_get(column).ok().flatten().unwrap_or_default()
}

fn number<N: FromStr>(row: &SimpleQueryRow, column: usize) -> Result<N, Problem> {
    text(row, column)
        .parse()
        .map_err(|_| Problem::new(WHAT, "it answered with something that is not a number"))
}
