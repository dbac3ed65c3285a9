//! `howdah demo`: two throw-away clusters on this machine, the first filled with a sample shop.
//!
//! Nothing but the command line needs this room; the database tests borrow its clusters.

pub mod binaries;
pub mod cluster;
mod keeper;
mod load;

use binaries::Binaries;
use cluster::{Cluster, ClusterOptions};

use crate::model::connection::Endpoint;
use crate::model::problem::Problem;

pub use load::fill;

/// The sample database, on both sides; the destination's is left for the wizard to create.
pub const DATABASE: &str = "shop";

/// The two ends of the demo. Dropping it removes both.
#[derive(Debug)]
pub struct Demo {
    source: Cluster,
    destination: Cluster,
}

impl Demo {
    /// Starts both clusters and fills the source, telling `report` in one line what it is about to do.
    pub async fn start(mut report: impl FnMut(&str)) -> Result<Self, Problem> {
        let binaries = Binaries::find()?;
        report(&format!(
            "Starting two throw-away PostgreSQL {} servers",
            binaries.version
        ));
        let (source, destination) = tokio::try_join!(start(&binaries), start(&binaries))?;
        let demo = Self {
            source,
            destination,
        };
        load::create(&demo.source.socket_endpoint("postgres"), DATABASE).await?;
        fill(&demo.source.socket_endpoint(DATABASE), report).await?;
        Ok(demo)
    }

    pub fn source(&self) -> Endpoint {
        self.source.endpoint(DATABASE)
    }

    pub fn destination(&self) -> Endpoint {
        self.destination.endpoint(DATABASE)
    }
}

/// `initdb` takes a second or two; on a thread of its own it does not hold up the other one's.
async fn start(binaries: &Binaries) -> Result<Cluster, Problem> {
    let binaries = binaries.clone();
    tokio::task::spawn_blocking(move || Cluster::start(&binaries, &ClusterOptions::default()))
        .await
        .map_err(|error| Problem::new("Could not start a server", error.to_string()))?
}
