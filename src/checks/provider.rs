//! Who runs a server: managed services are told by what they leave in every database, and each has its own ways.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use crate::model::archive::Archive;
use crate::model::connection::Side;
use crate::model::finding::{Finding, Fix, Level};
use crate::model::problem::Problem;

use super::{Facts, ask};

const SIGNS: &str = include_str!("../../assets/sql/provider_signs.sql");

/// What a server shows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Signs {
    roles: BTreeSet<String>,
    /// Prefixes of settings (`rds` of `rds.extensions`), and whole names of a few.
    settings: BTreeSet<String>,
    schemas: BTreeSet<String>,
}

/// A managed service, and what it puts into its users' databases for itself.
#[derive(Debug)]
struct Profile {
    name: &'static str,
    is_it: fn(&Signs) -> bool,
    schemas: &'static [&'static str],
    extensions: &'static [&'static str],
    /// What to know where it is the destination.
    as_destination: &'static str,
}

/// The special ones stand before those they are made from: Aurora has the roles of RDS.
const PROFILES: [Profile; 9] = [
    Profile {
        name: "Amazon Aurora",
        is_it: |signs| {
            signs.has_role("rds_superuser") && signs.has_setting_like(&["aurora_", "apg_"])
        },
        schemas: &[],
        extensions: &[
            "aws_commons",
            "aws_lambda",
            "aws_ml",
            "aws_s3",
            "apg_plan_mgmt",
            "rds_tools",
        ],
        as_destination: "Connect to the cluster's writer endpoint. Its first role is a member of rds_superuser, no superuser.",
    },
    Profile {
        name: "Amazon RDS",
        is_it: |signs| signs.has_role("rds_superuser"),
        schemas: &[],
        extensions: &["aws_commons", "aws_lambda", "aws_s3", "rds_tools"],
        as_destination: "Its first role is a member of rds_superuser, no superuser; extensions are those that RDS lists for this version.",
    },
    Profile {
        name: "Google AlloyDB",
        is_it: |signs| signs.has_role("alloydbsuperuser") || signs.has_setting("alloydb"),
        schemas: &["google_ml"],
        extensions: &[
            "google_columnar_engine",
            "google_db_advisor",
            "google_ml_integration",
            "alloydb_scann",
        ],
        as_destination: "Its first role is a member of alloydbsuperuser, no superuser.",
    },
    Profile {
        name: "Google Cloud SQL",
        is_it: |signs| signs.has_role("cloudsqlsuperuser") || signs.has_setting("cloudsql"),
        schemas: &["google_ml"],
        extensions: &["google_insights", "google_ml_integration"],
        as_destination: "Its first role is a member of cloudsqlsuperuser, no superuser.",
    },
    Profile {
        name: "Azure Database for PostgreSQL",
        is_it: |signs| signs.has_role("azure_pg_admin") || signs.has_setting("azure"),
        schemas: &["azure_sys"],
        extensions: &["azure", "azure_ai", "azure_storage", "pgaadauth"],
        as_destination: "An extension can be created only if the server parameter azure.extensions names it.",
    },
    Profile {
        name: "Supabase",
        is_it: |signs| signs.has_role("supabase_admin"),
        schemas: &[
            "auth",
            "extensions",
            "graphql",
            "graphql_public",
            "pgbouncer",
            "realtime",
            "_realtime",
            "storage",
            "supabase_functions",
            "supabase_migrations",
            "vault",
            "net",
            "cron",
        ],
        extensions: &[
            "pg_graphql",
            "pg_net",
            "pgsodium",
            "supabase_vault",
            "pgjwt",
            "wrappers",
        ],
        as_destination: "Connect to the database's own port, not to the pooler. Its own schemas (auth, storage …) are there already.",
    },
    Profile {
        name: "Neon",
        is_it: |signs| signs.has_role("neon_superuser") || signs.has_setting("neon"),
        schemas: &["neon_auth", "neon_migration"],
        extensions: &["neon", "neon_utils"],
        as_destination: "Connect without -pooler in the host's name; a branch that sleeps wakes at the first connection.",
    },
    Profile {
        name: "Timescale Cloud",
        is_it: |signs| signs.has_role("tsdbadmin") || signs.has_role("tsdbowner"),
        schemas: &[
            "_timescaledb_catalog",
            "_timescaledb_config",
            "_timescaledb_internal",
            "_timescaledb_cache",
        ],
        extensions: &["timescaledb_toolkit", "timescaledb"],
        as_destination: "Hypertables are carried with the extension's own functions around the run (timescaledb_pre_restore); howdah does not call them.",
    },
    Profile {
        name: "Heroku Postgres",
        is_it: |signs| signs.schemas.contains("_heroku") || signs.schemas.contains("heroku_ext"),
        schemas: &["_heroku", "heroku_ext"],
        extensions: &[],
        as_destination: "There are no other roles than the one you have been given: leave out owners and privileges.",
    },
];

impl Signs {
    fn of(rows: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut signs = Self::default();
        for (kind, name) in rows {
            match kind.as_str() {
                "role" => signs.roles.insert(name),
                "setting" => signs.settings.insert(name),
                _ => signs.schemas.insert(name),
            };
        }
        signs
    }

    fn has_role(&self, name: &str) -> bool {
        self.roles.contains(name)
    }

    fn has_setting(&self, prefix: &str) -> bool {
        self.settings.contains(prefix)
    }

    fn has_setting_like(&self, beginnings: &[&str]) -> bool {
        let mut names = self.settings.iter();
        names.any(|name| beginnings.iter().any(|one| name.starts_with(one)))
    }
}

/// None: a server of one's own, or a service that leaves no sign.
fn recognise(signs: &Signs) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| (profile.is_it)(signs))
}

pub(super) async fn check(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    let source = signs(facts.source_client).await?;
    let destination = signs(facts.destination_client).await?;
    Ok(findings(
        recognise(&source),
        recognise(&destination),
        facts
            .catalog
            .tables
            .iter()
            .map(|table| table.name.schema.as_str())
            .collect(),
        facts.archive,
    ))
}

async fn signs(client: &Client) -> Result<Signs, Problem> {
    let rows = ask(client, "signs of a provider", SIGNS).await?;
    Ok(Signs::of(rows.iter().map(|row| (row.get(0), row.get(1)))))
}

fn findings(
    source: Option<&Profile>,
    destination: Option<&Profile>,
    schemas: BTreeSet<&str>,
    archive: &Archive,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (side, profile) in [(Side::Source, source), (Side::Destination, destination)] {
        let Some(profile) = profile else { continue };
        findings.push(Finding::new(
            Level::Fine,
            format!("The {side} is run by {}", profile.name),
            match side {
                Side::Source => "",
                Side::Destination => profile.as_destination,
            },
        ));
    }
    let is_one_provider = source.map(|one| one.name) == destination.map(|one| one.name);
    if let Some(profile) = source.filter(|_| !is_one_provider) {
        findings.extend(own_objects(profile, schemas, archive));
    }
    if findings.is_empty() {
        findings.push(Finding::fine(
            "No managed service is recognised on either side",
        ));
    }
    findings
}

/// `schemas` hold tables. What the source's provider made for itself, and another server has no use for.
fn own_objects(
    profile: &Profile,
    mut schemas: BTreeSet<&str>,
    archive: &Archive,
) -> Option<Finding> {
    schemas.retain(|schema| profile.schemas.contains(schema));
    let extensions = archive.entries.iter().filter(|entry| {
        entry.kind == "EXTENSION" && profile.extensions.contains(&entry.name.name.as_str())
    });
    let mut objects: Vec<String> = schemas
        .iter()
        .map(|schema| format!("schema {schema}"))
        .collect();
    objects.extend(extensions.map(|entry| format!("extension {}", entry.name.name)));
    if objects.is_empty() {
        return None;
    }
    let finding = Finding::new(
        Level::Warning,
        format!("Some of this belongs to {}, not to your application", profile.name),
        "It works together with programs that only that provider runs. What you do not use yourself is better left out: untick such a schema on the next screen.",
    )
    .objects(objects);
    let patterns: Vec<_> = schemas
        .iter()
        .map(|schema| format!("--exclude '{schema}.*'"))
        .collect();
    Some(if patterns.is_empty() {
        finding
    } else {
        finding.fix(Fix::words(patterns.join(" ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::archive::Entry;
    use crate::model::name::ObjectName;

    fn signs(rows: &[(&str, &str)]) -> Signs {
        let rows = rows.iter();
        Signs::of(rows.map(|(kind, name)| ((*kind).to_owned(), (*name).to_owned())))
    }

    #[test]
    fn each_provider_is_told_by_its_signs() {
        for (rows, name) in [
            (
                &[("role", "rds_superuser"), ("setting", "rds")][..],
                "Amazon RDS",
            ),
            (
                &[
                    ("role", "rds_superuser"),
                    ("setting", "aurora_compute_plan_id"),
                ],
                "Amazon Aurora",
            ),
            (&[("role", "cloudsqlsuperuser")], "Google Cloud SQL"),
            (
                &[("role", "alloydbsuperuser"), ("role", "cloudsqlsuperuser")],
                "Google AlloyDB",
            ),
            (&[("setting", "azure")], "Azure Database for PostgreSQL"),
            (&[("role", "supabase_admin")], "Supabase"),
            (&[("setting", "neon")], "Neon"),
            (&[("role", "tsdbadmin")], "Timescale Cloud"),
            (&[("schema", "_heroku")], "Heroku Postgres"),
        ] {
            let found = recognise(&signs(rows)).map(|profile| profile.name);
            assert_eq!(found, Some(name));
        }
        // An extension's settings, and a role that only looks like one.
        let own = signs(&[("setting", "pg_stat_statements"), ("role", "rdsadmin")]);
        assert!(recognise(&own).is_none());
    }

    #[test]
    fn what_is_the_providers_own_is_named_unless_both_sides_have_it() {
        let supabase = recognise(&signs(&[("role", "supabase_admin")]));
        let rds = recognise(&signs(&[("role", "rds_superuser")]));
        let schemas = || BTreeSet::from(["auth", "public"]);
        let extension = |name: &str| Entry {
            kind: "EXTENSION".to_owned(),
            name: ObjectName::new("", name),
            ..Entry::default()
        };
        let archive = Archive {
            entries: vec![extension("pg_graphql"), extension("hstore")],
            ..Archive::default()
        };
        let told = findings(supabase, rds, schemas(), &archive);
        let warned: Vec<_> = told
            .iter()
            .filter(|one| one.level == Level::Warning)
            .collect();
        assert_eq!(warned[0].objects, ["schema auth", "extension pg_graphql"]);
        assert_eq!(warned[0].fix, Some(Fix::words("--exclude 'auth.*'")));
        assert_eq!(told.len(), 3);
        let told = findings(supabase, supabase, schemas(), &archive);
        assert!(told.iter().all(|one| one.level == Level::Fine));
        assert_eq!(findings(None, None, schemas(), &archive).len(), 1);
    }
}
