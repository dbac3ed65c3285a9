//! Who runs the two servers: managed services are told by what they leave in every database, and each has its own ways. What
//! they have of their own is left out, and named.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use crate::model::archive::Archive;
use crate::model::connection::Side;
use crate::model::finding::{Finding, Fix, Level};
use crate::model::plan::LeftOut;
use crate::model::problem::Problem;
use crate::model::provider::{Profile, Provided, Signs};
use crate::planner::consequences;
use crate::sql::statements;

use super::{Facts, ask};

const SIGNS: &str = include_str!("../../assets/sql/provider_signs.sql");

/// Objects named.
const SHOWN: usize = 20;

/// None: a server of one's own, or a service that leaves no sign.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Providers {
    pub(super) source: Option<&'static Profile>,
    pub(super) destination: Option<&'static Profile>,
}

impl Providers {
    /// What the source's has for itself.
    pub(super) fn provided(&self) -> Option<Provided> {
        self.source.map(|by| Provided {
            by,
            is_there: self.destination == Some(by),
            extensions: BTreeSet::new(),
        })
    }
}

pub(super) async fn of(source: &Client, destination: &Client) -> Result<Providers, Problem> {
    Ok(Providers {
        source: signs(source).await?.recognise(),
        destination: signs(destination).await?.recognise(),
    })
}

async fn signs(client: &Client) -> Result<Signs, Problem> {
    let rows = ask(client, "signs of a provider", SIGNS).await?;
    Ok(Signs::of(rows.iter().map(|row| (row.get(0), row.get(1)))))
}

/// Which extensions of the service's the destination server does not offer: nobody could make them there.
pub(super) async fn ask_for_extensions(
    provided: &mut Provided,
    archive: &Archive,
    destination: &Client,
) -> Result<(), Problem> {
    let own = archive.entries.iter().filter(|entry| {
        entry.kind == "EXTENSION" && provided.by.extensions.contains(&entry.name.name.as_str())
    });
    let mut own: BTreeSet<String> = own.map(|entry| entry.name.name.to_string()).collect();
    if !own.is_empty() {
        for row in ask(destination, "extensions", statements::AVAILABLE_EXTENSIONS).await? {
            own.remove(&row.get::<_, String>(0));
        }
    }
    provided.extensions = own;
    Ok(())
}

pub(super) fn check(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    let providers = facts.providers.clone()?;
    let left = consequences::left_to_provider(facts.archive, facts.catalog, facts.selection);
    Ok(findings(providers, facts.catalog.provided.as_ref(), left))
}

fn findings(providers: Providers, provided: Option<&Provided>, left: Vec<LeftOut>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (side, profile) in [
        (Side::Source, providers.source),
        (Side::Destination, providers.destination),
    ] {
        let Some(profile) = profile else { continue };
        findings.push(Finding::new(
            Level::Fine,
            format!("The {side} is run by {}", profile.name),
            match side {
                Side::Source => profile.carried,
                Side::Destination => profile.as_destination,
            },
        ));
    }
    if let Some(provided) = provided.filter(|_| !left.is_empty()) {
        findings.push(about_left(provided, left));
    }
    if findings.is_empty() {
        findings.push(Finding::fine(
            "No managed service is recognised on either side",
        ));
    }
    findings
}

fn about_left(provided: &Provided, left: Vec<LeftOut>) -> Finding {
    let name = provided.by.name;
    let meaning = if provided.is_there {
        format!(
            "It belongs to {name}, which has its own on the destination. Rows in its tables (accounts, files …) are left out too."
        )
    } else {
        format!(
            "It belongs to {name}, and only {name}'s own programs use it. Rows in its tables (accounts, files …) are left out too, and so is what of yours needs it: Select lists that (c)."
        )
    };
    let number = left.len();
    let mut objects: Vec<String> = left
        .into_iter()
        .take(SHOWN)
        .map(|one| format!("{}: {}", one.object, one.because))
        .collect();
    if number > SHOWN {
        objects.push(format!("and {} more", number - SHOWN));
    }
    Finding::new(
        Level::Warning,
        format!("What belongs to {name} itself is left out"),
        meaning,
    )
    .objects(objects)
    .fix(Fix::words("To copy a schema of these anyway, tick a table of it on Select; without the wizard, name it: --include '*.*' --include 'SCHEMA.*'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_to_the_service_is_told_with_its_reason() {
        let signs = [("superuser", "supabase_admin"), ("role", "authenticator")];
        let signs = signs.map(|(kind, name)| (kind.to_owned(), name.to_owned()));
        let providers = Providers {
            source: Signs::of(signs).recognise(),
            destination: None,
        };
        let provided = providers.provided().unwrap();
        assert!(!provided.is_there);
        let left = |number: usize| -> Vec<LeftOut> {
            let one = LeftOut {
                object: "schema auth with all in it".to_owned(),
                because: "it belongs to Supabase".to_owned(),
            };
            vec![one; number]
        };
        let told = findings(providers, Some(&provided), left(1));
        assert_eq!(told.len(), 2);
        assert_eq!(told[1].level, Level::Warning);
        assert_eq!(
            told[1].objects,
            ["schema auth with all in it: it belongs to Supabase"]
        );
        let told = findings(providers, Some(&provided), left(25));
        assert_eq!(told[1].objects.last().unwrap(), "and 5 more");
        let told = findings(providers, Some(&provided), Vec::new());
        assert_eq!(told.len(), 1);
        assert_eq!(findings(Providers::default(), None, Vec::new()).len(), 1);
    }
}
