//! The servers of this run, which faults may stop, and what they hold.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use howdah::demo::cluster::{Cluster, ClusterOptions};
use howdah::model::connection::Endpoint;
use tokio::time::{interval, timeout};

use crate::network::Network;
use crate::{moment, support};

/// Bounds what is waited for; it measures nothing.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOKING: Duration = Duration::from_millis(10);
/// The tablespace that can be filled: an empty database has 8 MB.
const SMALL: &str = "size=40m";

pub(crate) struct World {
    pub(crate) source_server: Cluster,
    pub(crate) destination_server: Cluster,
    pub(crate) source: Endpoint,
    pub(crate) network: Result<Network, String>,
    pub(crate) disk: Result<Disk, String>,
    pub(crate) home: tempfile::TempDir,
    cells: usize,
}

impl World {
    pub(crate) async fn new(lane: u32) -> Self {
        let network = Network::new(lane);
        let address = network.as_ref().ok().map(|network| network.servers.clone());
        let source_server = cluster(address.as_deref());
        let destination_server = cluster(address.as_deref());
        let source = source_server.endpoint("shop");
        support::create_database(&source_server.endpoint("postgres"), "shop").await;
        moment::fill(&source).await;
        let disk = Disk::new(&destination_server);
        if let Ok(disk) = &disk {
            let directory = disk.directory.path().join("space");
            let sql = format!("create tablespace small location '{}'", directory.display());
            let maintenance = destination_server.endpoint("postgres");
            support::execute_batch(&maintenance, &sql).await;
        }
        Self {
            source_server,
            destination_server,
            source,
            network,
            disk,
            home: tempfile::tempdir().unwrap(),
            cells: 0,
        }
    }

    /// An empty database, in the tablespace that can be filled where that is wanted.
    pub(crate) async fn destination(&mut self, is_small: bool) -> Endpoint {
        self.cells += 1;
        let name = format!("shop_{}", self.cells);
        let space = if is_small { "tablespace small" } else { "" };
        let sql = format!("create database {name} template template0 {space}");
        support::execute_batch(&self.destination_server.endpoint("postgres"), &sql).await;
        self.destination_server.endpoint(&name)
    }

    pub(crate) async fn forget(&self, destination: &Endpoint) {
        let sql = format!("drop database {} with (force)", destination.database);
        support::execute_batch(&self.destination_server.endpoint("postgres"), &sql).await;
    }
}

/// Both are also reached over the network that can be cut, and notice in seconds who is gone, as a DBA may tell a server to.
fn cluster(address: Option<&str>) -> Cluster {
    let mut settings: Vec<(String, String)> = [
        ("autovacuum", "off"),
        ("log_line_prefix", "%m %a "),
        ("tcp_keepalives_idle", "1"),
        ("tcp_keepalives_interval", "1"),
        ("tcp_keepalives_count", "2"),
        ("tcp_user_timeout", "2000"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    if let Some(address) = address {
        let both = format!("127.0.0.1,{address}");
        settings.push(("listen_addresses".to_owned(), both));
    }
    let options = ClusterOptions {
        log_statement: Some("all".to_owned()),
        settings,
    };
    let mut cluster = Cluster::start(&support::binaries(), &options)
        .unwrap_or_else(|problem| panic!("{problem}"));
    let rules = cluster.dir().join("data/pg_hba.conf");
    let mut text = std::fs::read_to_string(&rules).unwrap();
    text.push_str("host all all samenet scram-sha-256\n");
    std::fs::write(&rules, text).unwrap();
    cluster.restart().unwrap();
    cluster
}

/// A file system of its own under a tablespace of the destination.
pub(crate) struct Disk {
    directory: tempfile::TempDir,
}

impl Disk {
    fn new(server: &Cluster) -> Result<Self, String> {
        let directory = tempfile::Builder::new()
            .prefix("howdah-small-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .tempdir_in("/tmp")
            .map_err(|error| error.to_string())?;
        let path = directory.path().to_string_lossy().into_owned();
        command("mount", &["-t", "tmpfs", "-o", SMALL, "tmpfs", &path])?;
        let disk = Self { directory };
        let space = disk.directory.path().join("space");
        std::fs::create_dir(&space).map_err(|error| error.to_string())?;
        let owner = std::fs::metadata(server.dir()).map_err(|error| error.to_string())?;
        chown(&space, Some(owner.uid()), Some(owner.gid())).map_err(|error| error.to_string())?;
        Ok(disk)
    }

    fn filler(&self) -> PathBuf {
        self.directory.path().join("filler")
    }

    pub(crate) fn fill(&self) {
        let mut file = std::fs::File::create(self.filler()).unwrap();
        let zeros = std::io::copy(&mut std::io::repeat(0), &mut file);
        assert!(zeros.is_err(), "the disk has no end");
    }

    pub(crate) fn make_room(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The server still has files open there: it goes out of sight now, and away with the server.
        let path = self.directory.path().to_string_lossy().into_owned();
        if let Err(error) = command("umount", &["--lazy", &path]) {
            println!("{error}");
        }
    }
}

/// Runs a system's program; the error is what it said.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}", words.trim()))
}

/// Waits for a condition; the error names it.
pub(crate) async fn until<F: Future<Output = bool>>(
    what: &str,
    is_so: impl Fn() -> F,
) -> Result<(), String> {
    let waiting = async {
        let mut ticks = interval(LOOKING);
        while !is_so().await {
            ticks.tick().await;
        }
    };
    bounded(what, waiting).await
}

pub(crate) async fn bounded<T>(what: &str, waiting: impl Future<Output = T>) -> Result<T, String> {
    timeout(PATIENCE, waiting)
        .await
        .map_err(|_| format!("{what}: not within {} s", PATIENCE.as_secs()))
}

pub(crate) fn text_of(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}
