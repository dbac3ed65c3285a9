//! Fills a database with the sample shop.

use tokio_postgres::{Client, Config, NoTls};

use crate::model::connection::Endpoint;
use crate::model::problem::Problem;

/// In order: rows before indexes and foreign keys, which then are built once instead of row by row.
const SCRIPTS: [(&str, &str); 5] = [
    (
        "Making the sample shop's schemas and tables",
        include_str!("../../assets/demo/1_tables.sql"),
    ),
    (
        "Filling them with about a million rows",
        include_str!("../../assets/demo/2_rows.sql"),
    ),
    (
        "Adding keys, indexes and foreign keys",
        include_str!("../../assets/demo/3_constraints.sql"),
    ),
    (
        "Adding views, functions, triggers and comments",
        include_str!("../../assets/demo/4_programs.sql"),
    ),
    ("Gathering statistics", "vacuum (analyze)"),
];

/// Runs the scripts of `assets/demo/` in this empty database, telling `report` in one line what comes next.
pub async fn fill(database: &Endpoint, mut report: impl FnMut(&str)) -> Result<(), Problem> {
    let client = connect(database).await?;
    for (what, script) in SCRIPTS {
        report(what);
        client
            .batch_execute(script)
            .await
            .map_err(|error| could_not_fill(&error))?;
    }
    Ok(())
}

/// Creates the empty database on the server of `maintenance`.
pub(super) async fn create(maintenance: &Endpoint, database: &str) -> Result<(), Problem> {
    let client = connect(maintenance).await?;
    client
        .batch_execute(&format!("create database {database}"))
        .await
        .map_err(|error| could_not_fill(&error))
}

/// A session on one of our own clusters: on this machine, so never with TLS.
async fn connect(endpoint: &Endpoint) -> Result<Client, Problem> {
    let mut config = Config::new();
    config
        .host(&endpoint.host)
        .port(endpoint.port)
        .user(&endpoint.user)
        .dbname(&endpoint.database)
        .application_name("howdah demo");
    if let Some(password) = &endpoint.password {
        config.password(password.expose());
    }
    let (client, connection) = config
        .connect(NoTls)
        .await
        .map_err(|error| could_not_fill(&error))?;
    // Ends with the client; an error of the connection reaches the statement that waits for it.
    drop(tokio::spawn(connection));
    Ok(client)
}

fn could_not_fill(error: &tokio_postgres::Error) -> Problem {
    let mut problem = Problem::new("Could not fill the sample database", error.to_string());
    if let Some(server) = error.as_db_error() {
        server.message().clone_into(&mut problem.message);
        problem.sqlstate = Some(server.code().code().to_owned());
        problem.detail = server.detail().map(str::to_owned);
    }
    problem
}
