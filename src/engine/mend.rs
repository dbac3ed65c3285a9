//! Runs what mends a finding of the checks on the destination: all of it, or nothing.

use crate::model::connection::Endpoint;
use crate::model::problem::Problem;
use crate::pg::connect::{CancelOnDrop, connect};
use crate::pg::problem::problem;
use crate::sql::statements::{BEGIN, COMMIT};

/// What is refused ends the session, and the server takes the rest back.
pub async fn mend(destination: &Endpoint, statements: &[String]) -> Result<(), Problem> {
    let session = connect(destination, "mend").await?;
    let running = CancelOnDrop::of([&session]);
    let begin_to_end = [BEGIN]
        .into_iter()
        .chain(statements.iter().map(String::as_str))
        .chain([COMMIT]);
    for sql in begin_to_end {
        session.client.batch_execute(sql).await.map_err(|error| {
            // Of a server that is gone nobody knows whether it had come to the end.
            let rest = match error.as_db_error() {
                Some(_) => " (all was rolled back)",
                None => "",
            };
            problem(
                format!("Could not run {}{rest}", sql.trim_end_matches(';')),
                &error,
            )
        })?;
    }
    running.done();
    Ok(())
}
