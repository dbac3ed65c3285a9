//! What the schema needs from the destination: extensions.

use std::collections::{BTreeSet, HashMap, HashSet};

use tokio_postgres::Client;

use crate::model::finding::{Finding, Fix, Level};
use crate::model::inspection::OtherVersion;
use crate::model::name::printable;
use crate::model::options::SchemaChoice;
use crate::model::problem::Problem;
use crate::sql::statements;

use super::{Facts, ask};

/// With their versions.
pub(super) async fn installed_extensions(
    client: &Client,
) -> Result<HashMap<String, String>, Problem> {
    let rows = ask(client, "extensions", statements::INSTALLED_EXTENSIONS).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

fn needed<'a>(facts: &Facts<'a>) -> BTreeSet<&'a str> {
    facts
        .carried()
        .filter(|e| e.kind == "EXTENSION")
        .map(|e| e.name.name.as_str())
        .collect()
}

/// `CREATE EXTENSION` takes the version that the server offers, and one that is there stays as it is.
pub(super) async fn other_versions(facts: &Facts<'_>) -> Result<Vec<OtherVersion>, Problem> {
    let needed = needed(facts);
    if needed.is_empty() || facts.options.schema == SchemaChoice::None {
        return Ok(Vec::new());
    }
    let source = installed_extensions(facts.source_client).await?;
    let rows = ask(
        facts.destination_client,
        "extensions",
        statements::AVAILABLE_EXTENSIONS,
    )
    .await?;
    let versions = rows.iter().filter_map(|row| {
        let extension: String = row.get(0);
        let source = source.get(&extension)?.clone();
        let offered: Option<String> = row.get(1);
        // Where the database is yet to be made, another one answers.
        let installed: Option<String> = row.get(2);
        let installed = installed.filter(|_| facts.destination.database.is_some());
        let is_installed = installed.is_some();
        let destination = installed.or_else(|| offered.clone())?;
        let is_other = needed.contains(extension.as_str()) && destination != source;
        is_other.then(|| OtherVersion {
            extension,
            source,
            offered: offered.unwrap_or_else(|| destination.clone()),
            destination,
            is_installed,
        })
    });
    Ok(versions.collect())
}

/// What they have may lack what the source's have; newer ones are what an upgrade brings.
fn older(versions: &[OtherVersion]) -> Option<Finding> {
    let older: Vec<&OtherVersion> = versions.iter().filter(|one| one.is_older()).collect();
    if older.is_empty() {
        return None;
    }
    let told = older.iter().map(|one| {
        let there = one.what_is_there();
        format!(
            "{} {}: {there}",
            printable(&one.extension),
            printable(&one.source)
        )
    });
    let updates: Vec<String> = older
        .iter()
        .filter(|one| one.is_installed && one.offered == one.source)
        .map(|one| statements::update_extension(&one.extension, &one.source))
        .collect();
    let finding = Finding::new(
        Level::Warning,
        format!("{} extensions are older on the destination", older.len()),
        "Objects that use what the older version lacks fail, and functions may give other results. Bring them to the source's version first: with newer files on the destination's machine, or, where one is installed already, by ALTER EXTENSION ... UPDATE.",
    )
    .objects(told.collect());
    Some(if updates.is_empty() {
        finding
    } else {
        finding.fix(Fix::on_destination(
            updates,
            "the extension's owner or a superuser",
            false,
        ))
    })
}

pub(super) async fn extensions(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    if facts.options.schema == SchemaChoice::None {
        return Ok(vec![Finding::fine("Not needed: the schema exists already")]);
    }
    let needed = needed(facts);
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
        let available = Finding::fine(format!("Available: {}", list.join(", ")));
        let versions = other_versions(facts).await?;
        return Ok(std::iter::once(available).chain(older(&versions)).collect());
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
