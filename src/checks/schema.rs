//! What the schema needs from the destination: extensions.

use std::collections::{BTreeSet, HashSet};

use tokio_postgres::Client;

use crate::model::finding::{Finding, Level};
use crate::model::options::SchemaChoice;
use crate::model::problem::Problem;
use crate::sql::statements;

use super::{Facts, ask};

pub(super) async fn installed_extensions(client: &Client) -> Result<HashSet<String>, Problem> {
    let rows = ask(client, "extensions", statements::INSTALLED_EXTENSIONS).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

pub(super) async fn extensions(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    if facts.options.schema == SchemaChoice::None {
        return Ok(vec![Finding::fine("Not needed: the schema exists already")]);
    }
    let needed: BTreeSet<&str> = facts
        .carried()
        .filter(|e| e.kind == "EXTENSION")
        .map(|e| e.name.name.as_str())
        .collect();
    if needed.is_empty() {
        return Ok(vec![Finding::fine(
            "The source uses none beyond the built-in ones",
        )]);
    }
    let rows = ask(
        facts.destination_client,
        "extensions",
        statements::AVAILABLE_EXTENSIONS,
    )
    .await?;
    let available: HashSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let missing: Vec<String> = needed
        .iter()
        .filter(|n| !available.contains(**n))
        .map(ToString::to_string)
        .collect();
    if missing.is_empty() {
        let list: Vec<&str> = needed.into_iter().collect();
        return Ok(vec![Finding::fine(format!(
            "Available: {}",
            list.join(", ")
        ))]);
    }
    Ok(vec![
        Finding::new(
            Level::Blocking,
            format!("{} extensions cannot be installed on the destination", missing.len()),
            "Tables use types or functions of them. Their files must be installed on the destination's machine (on Debian often a package postgresql-VERSION-NAME, contrib modules in postgresql-contrib), or enabled by its provider.",
        )
        .objects(missing),
    ])
}
