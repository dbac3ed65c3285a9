//! Reads what an unfinished run left word of in the destination. It never changes it.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use crate::model::journal::Journal;
use crate::model::plan::Way;
use crate::model::problem::Problem;
use crate::sql::statements;

use super::problem::problem;

const WHAT: &str = "Could not read the journal of an earlier run";

/// None when there is none. An error: there is one, and it cannot be understood.
pub async fn read(client: &Client) -> Result<Option<Journal>, Problem> {
    let failed = |error| problem(WHAT, &error);
    let row = client
        .query_one(statements::HAS_JOURNAL, &[])
        .await
        .map_err(failed)?;
    if !row.get::<_, bool>(0) {
        return Ok(None);
    }
    let Some(run) = client
        .query_opt(statements::READ_RUN, &[])
        .await
        .map_err(failed)?
    else {
        return Ok(None);
    };
    let request: String = run.get(1);
    let request = serde_json::from_str(&request).map_err(|error| {
        Problem::new(WHAT, error.to_string()).hint(
            "Another version of howdah wrote it: go on with that one, or remove it with howdah clean.",
        )
    })?;
    let steps = client
        .query(statements::READ_STEPS, &[])
        .await
        .map_err(failed)?;
    let done: BTreeSet<String> = steps.iter().map(|row| row.get(0)).collect();
    let ways = steps.iter().filter_map(|row| {
        let way = Way::of_word(row.get::<_, Option<&str>>(1)?)?;
        Some((row.get(0), way))
    });
    Ok(Some(Journal {
        started_at: run.get(0),
        request,
        ways: ways.collect(),
        done,
    }))
}
