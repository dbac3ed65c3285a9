//! What the schema needs from the destination: extensions and roles.

use std::collections::{BTreeSet, HashSet};

use tokio_postgres::Client;

use crate::model::finding::{Finding, Level};
use crate::model::options::{Keep, SchemaChoice};
use crate::model::problem::Problem;
use crate::sql::statements;

use super::{Facts, ask};

pub(super) async fn installed_extensions(client: &Client) -> Result<HashSet<String>, Problem> {
    let rows = ask(client, "extensions", statements::INSTALLED_EXTENSIONS).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

pub(super) async fn extensions(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    if facts.options.schema == SchemaChoice::None {
        return Ok(vec![Finding::fine(
            "Not needed: the schema is there already",
        )]);
    }
    let needed: BTreeSet<&str> = facts
        .archive
        .entries
        .iter()
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

/// A name as pg_dump prints it in a header (`sanitize_line`).
fn in_header(name: &str) -> String {
    name.replace(['\n', '\r'], " ")
}

pub(super) async fn roles(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    let options = facts.options;
    if options.owners == Keep::Skip && options.privileges == Keep::Skip
        || options.schema == SchemaChoice::None
    {
        return Ok(vec![Finding::fine(
            "Not needed: owners and privileges are not carried",
        )]);
    }
    let mut used: BTreeSet<String> = facts
        .archive
        .entries
        .iter()
        .map(|e| e.owner.clone())
        .filter(|owner| !owner.is_empty() && options.owners == Keep::Keep)
        .collect();
    if options.privileges == Keep::Keep {
        let rows = ask(
            facts.source_client,
            "roles in use",
            statements::ROLES_IN_USE,
        )
        .await?;
        used.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    }
    let rows = ask(facts.destination_client, "roles", statements::ALL_ROLES).await?;
    let mut there: HashSet<String> = rows.iter().map(|row| row.get(0)).collect();
    // The archive's headers have spaces for line ends: such an owner is known by either spelling.
    there.extend(there.clone().iter().map(|role| in_header(role)));
    let spelled: HashSet<String> = used
        .iter()
        .filter(|role| **role != in_header(role))
        .map(|role| in_header(role))
        .collect();
    used.retain(|role| !spelled.contains(role));
    let missing: Vec<String> = used
        .into_iter()
        .filter(|role| !there.contains(role) && role != "PUBLIC" && !role.starts_with("pg_"))
        .collect();
    if missing.is_empty() {
        return Ok(vec![Finding::fine("All roles are there")]);
    }
    let fixes: Vec<String> = missing
        .iter()
        .map(|role| statements::create_role(role))
        .collect();
    Ok(vec![
        Finding::new(
            Level::Blocking,
            format!("{} roles are missing on the destination", missing.len()),
            "They own objects or hold privileges on the source. Create them (without a password they cannot log in), or leave owners and privileges out (--owners skip --privileges skip).",
        )
        .objects(missing)
        .fix(fixes.join("\n")),
    ])
}
