//! A postgres_fdw server to try something with, in a transaction that the caller rolls back.

use tokio_postgres::Client;

use crate::model::connection::{Endpoint, ServerFacts};
use crate::model::plan::PASSWORD_MARKER;
use crate::model::problem::Problem;
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

/// Whether the destination would write the login of the source into its log, and this role may not keep it from that.
pub async fn is_login_logged(
    client: &Client,
    source: &Endpoint,
    destination: &ServerFacts,
) -> Result<bool, Problem> {
    if destination.is_superuser || source.password.is_none() {
        return Ok(false);
    }
    let logs = client.query_one(statements::LOGS_DEFINITIONS, &[]).await;
    logs.map(|row| row.get(0))
        .map_err(|error| problem("Could not read what the destination logs", &error))
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
    let is_superuser = trial.destination.is_superuser;
    let sampling = statements::hush_sampling(trial.destination.version_num);
    let mut setup: Vec<String> = sampling
        .filter(|_| is_superuser)
        .map(str::to_owned)
        .into_iter()
        .collect();
    setup.extend([
        statements::BEGIN.to_owned(),
        statements::create_schema(statements::FDW_PROBE_SCHEMA),
        statements::CREATE_FDW_EXTENSION.to_owned(),
        server,
    ]);
    if is_superuser {
        setup.push(statements::HUSH.to_owned());
    }
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
