//! Fills a database with the sample shop.

use crate::model::connection::Endpoint;
use crate::model::problem::Problem;
use crate::pg::connect::connect;
use crate::pg::problem::problem;

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
    let session = connect(database, "demo").await?;
    for (what, script) in SCRIPTS {
        report(what);
        session
            .client
            .batch_execute(script)
            .await
            .map_err(|error| problem("Could not make the sample database", &error))?;
    }
    Ok(())
}

/// Creates the empty database on the server of `maintenance`.
pub(super) async fn create(maintenance: &Endpoint, database: &str) -> Result<(), Problem> {
    let session = connect(maintenance, "demo").await?;
    session
        .client
        .batch_execute(&format!("create database {database}"))
        .await
        .map_err(|error| problem("Could not make the sample database", &error))
}
