//! A postgres_fdw server to try something with, in a transaction that the caller rolls back.

use tokio_postgres::Client;

use crate::model::connection::{Endpoint, ServerFacts};
use crate::model::plan::PASSWORD_MARKER;
use crate::model::problem::Problem;
use crate::sql::hush::Hush;
use crate::sql::quote::literal;
use crate::sql::statements::{self, FdwAddress};

use super::problem::problem;

/// The two ends of a try.
#[derive(Clone, Copy)]
pub struct Trial<'a> {
    pub source_endpoint: &'a Endpoint,
    pub source: &'a ServerFacts,
    pub destination: &'a ServerFacts,
    /// The source as the destination server sees it.
    pub host: &'a str,
    pub port: u16,
    pub fetch_size: u64,
}

/// The destination would write the login of the source into its log, and this role may not keep it from that: none if it would
/// not, else the settings that a superuser could let it change.
pub async fn what_logs_the_login(
    client: &Client,
    source: &Endpoint,
    destination: &ServerFacts,
) -> Result<Option<Vec<String>>, Problem> {
    let hush = Hush::of(destination);
    if hush == Hush::All || source.password.is_none() {
        return Ok(None);
    }
    let row = client
        .query_one(&hush.question(), &[])
        .await
        .map_err(|error| problem("Could not read what the destination logs", &error))?;
    Ok(row.get::<_, bool>(0).then(|| row.get(1)))
}

/// Begins the transaction. The password goes as in a run, and never into a Problem.
pub async fn begin(client: &Client, trial: Trial<'_>) -> Result<(), Problem> {
    let endpoint = trial.source_endpoint;
    let password = endpoint.password.as_ref().map_or("", |p| p.expose());
    let server = statements::create_fdw_server(&FdwAddress {
        host: trial.host,
        port: trial.port,
        endpoint,
        session: 0,
        source_version_num: trial.source.version_num,
        destination_version_num: trial.destination.version_num,
        fetch_size: trial.fetch_size,
    });
    let hush = Hush::of(trial.destination);
    let sampling = hush.sampling(trial.destination.version_num);
    let mut setup: Vec<String> = sampling.into_iter().collect();
    setup.extend([
        statements::BEGIN.to_owned(),
        statements::create_schema(statements::FDW_PROBE_SCHEMA),
        statements::CREATE_FDW_EXTENSION.to_owned(),
        server,
    ]);
    setup.extend(hush.begin());
    setup.push(
        statements::create_user_mapping(0, &endpoint.user, endpoint.password.is_some())
            .replace(PASSWORD_MARKER, &literal(password)),
    );
    for statement in setup {
        client
            .batch_execute(&statement)
            .await
            .map_err(|error| failed(&error))?;
    }
    Ok(())
}

/// Without the statement, which may hold the password.
pub fn failed(error: &tokio_postgres::Error) -> Problem {
    let mut found = problem("Could not test postgres_fdw", error);
    found.statement = None;
    found
}
