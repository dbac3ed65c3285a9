//! Reads what an unfinished run left word of in the destination. It never changes it.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use tokio_postgres::Client;

use crate::model::journal::{Journal, KeyAside};
use crate::model::plan::Way;
use crate::model::problem::Problem;
use crate::sql::{existing, statements};

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
    let request = understood(&request)?;
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
        aside: read_aside(client).await?,
    }))
}

async fn read_aside(client: &Client) -> Result<Vec<KeyAside>, Problem> {
    let failed = |error| problem(WHAT, &error);
    let there = client.query_one(existing::HAS_SET_ASIDE, &[]).await;
    if !there.map_err(failed)?.get::<_, bool>(0) {
        return Ok(Vec::new());
    }
    let keys = client.query(existing::KEYS_ASIDE, &[]).await;
    let keys = keys.map_err(failed)?;
    keys.iter().map(|row| understood(row.get(0))).collect()
}

fn understood<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|error| {
        Problem::new(WHAT, error.to_string()).hint(
            "Another version of howdah wrote it: resume with that version, or remove it with howdah clean.",
        )
    })
}
