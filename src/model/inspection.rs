//! Everything known of both databases before a plan is made.

use std::sync::Arc;

use super::archive::Archive;
use super::catalog::Catalog;
use super::connection::{Endpoint, ServerFacts};
use super::existing::{ExistingObject, ExistingSchema};
use super::journal::{Journal, Leftovers};
use super::name::printable;
use super::provider::Profile;
use super::roles::DestinationRole;

/// Read once, on the Check screen or at the start of a headless run.
#[derive(Clone, Debug)]
pub struct Inspection {
    pub source_endpoint: Endpoint,
    pub destination_endpoint: Endpoint,
    pub source: ServerFacts,
    pub destination: ServerFacts,
    pub catalog: Catalog,
    pub archive: Arc<Archive>,
    /// What the destination already holds.
    pub existing: Vec<ExistingObject>,
    /// Of the whole server.
    pub destination_roles: Vec<DestinationRole>,
    /// Its own tables; none when the database is yet to be made, or when they were not asked for.
    pub existing_schema: Option<ExistingSchema>,
    /// Of the run that is gone on with.
    pub journal: Option<Journal>,
    /// Of a run that could be, but is not.
    pub unfinished: Option<Journal>,
    pub leftovers: Leftovers,
    /// The service that runs the destination; none on a server of one's own.
    pub provider_there: Option<&'static Profile>,
    /// Statements that remove the scratch databases of dead rehearsals.
    pub scratches: Vec<String>,
    /// `postgres_fdw` is already installed in the destination database.
    pub is_fdw_installed: bool,
    /// Extensions of the source that will not be of the source's version.
    pub other_versions: Vec<OtherVersion>,
}

/// An extension that the destination has, or offers, in another version than the source's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherVersion {
    pub extension: String,
    pub source: String,
    pub destination: String,
    /// The version that a new one would get there, which one that is installed may be brought to.
    pub offered: String,
    pub is_installed: bool,
}

impl OtherVersion {
    /// Lacks what came later. Versions are compared number by number, as those of most extensions are meant.
    pub fn is_older(&self) -> bool {
        let numbers = |version: &str| -> Vec<u64> {
            let parts = version.split(|c: char| !c.is_ascii_digit());
            parts.filter_map(|part| part.parse().ok()).collect()
        };
        numbers(&self.destination) < numbers(&self.source)
    }

    /// `1.4 is installed on the destination`.
    pub fn what_is_there(&self) -> String {
        let there = if self.is_installed {
            "is installed on the destination"
        } else {
            "is what the destination offers"
        };
        format!("{} {there}", printable(&self.destination))
    }
}
