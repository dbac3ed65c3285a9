//! Removes what earlier runs left in a destination, one statement after another, each told before it is run.

use crate::model::connection::Endpoint;
use crate::model::problem::Problem;
use crate::pg::connect::connect;
use crate::pg::problem::problem;

/// Stops at the first statement that is refused: a key of the user's that does not come back must not lose its definition.
pub async fn clean(
    destination: &Endpoint,
    statements: &[String],
    mut tell: impl FnMut(&str),
) -> Result<(), Problem> {
    let session = connect(destination, "clean").await?;
    for statement in statements {
        session
            .client
            .batch_execute(statement)
            .await
            .map_err(|error| problem(format!("Could not run {statement}"), &error))?;
        tell(statement);
    }
    Ok(())
}
