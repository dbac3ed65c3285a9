//! A throw-away PostgreSQL cluster: made in a temporary directory, reached over loopback and a Unix socket, gone with the
//! value. The demo and the database tests use it.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use super::binaries::Binaries;
use super::keeper::{Keeper, Owner};
use crate::model::connection::{Endpoint, PasswordOrigin, Secret, Silence, Tls};
use crate::model::problem::Problem;

/// The superuser of every cluster.
const SUPERUSER: &str = "postgres";

/// Another program may take a port between our look and the server's start; so often we try another one.
const PORT_ATTEMPTS: u32 = 5;

/// The longest directory in which `/howdah-XXXXXX/.s.PGSQL.65535` still fits into the 103 bytes that macOS, the
/// stricter one, has for a socket's path.
const LONGEST_PARENT: usize = 70;

/// A password over TCP, because `postgres_fdw` takes no source that lets a non-superuser in without one.
const ACCESS_RULES: &str = "\
# TYPE  DATABASE  USER  ADDRESS       METHOD
local   all       all                 trust
host    all       all   127.0.0.1/32  scram-sha-256
";

/// What may differ between clusters.
#[derive(Clone, Debug, Default)]
pub struct ClusterOptions {
    /// `none`, `ddl`, `mod` or `all`; none means the server's default. The log is at [`Cluster::log_path`].
    pub log_statement: Option<String>,
    /// Further lines of `postgresql.conf`, by name; they win over howdah's own.
    pub settings: Vec<(String, String)>,
}

/// A server of our own. Dropping it stops the server and removes its directory; so does the death of howdah.
#[derive(Debug)]
pub struct Cluster {
    keeper: Keeper,
    dir: PathBuf,
    port: u16,
    password: Secret,
}

impl Cluster {
    /// Makes and starts a cluster; returns when it takes connections.
    pub fn start(binaries: &Binaries, options: &ClusterOptions) -> Result<Self, Problem> {
        let owner = Owner::needed()?;
        let failed = |error: io::Error| could_not_start(error.to_string());
        let dir = temporary_dir(owner).map_err(failed)?;
        let keeper = Keeper::start(&binaries.bindir, dir.path(), owner).map_err(failed)?;
        // From here on the keeper removes the directory.
        let mut cluster = Self {
            keeper,
            dir: dir.keep(),
            port: 0,
            password: random_password().map_err(failed)?,
        };
        cluster.write_password(owner).map_err(failed)?;
        cluster.order("initdb")?;
        cluster.configure(options).map_err(failed)?;
        for attempt in 1.. {
            cluster.port = free_port().map_err(failed)?;
            cluster
                .append_setting("port", &cluster.port.to_string())
                .map_err(failed)?;
            match cluster.order("start") {
                Ok(()) => break,
                Err(_) if attempt < PORT_ATTEMPTS && cluster.port_was_taken() => {}
                Err(problem) => return Err(problem),
            }
        }
        Ok(cluster)
    }

    /// Over TCP with the password: for sessions that must look like those to a real server.
    pub fn endpoint(&self, database: &str) -> Endpoint {
        Endpoint {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: self.port,
            database: database.to_owned(),
            user: SUPERUSER.to_owned(),
            password: Some(self.password.clone()),
            password_origin: PasswordOrigin::Typed,
            tls: Tls::default(),
            connect_timeout_secs: 10,
            silence: Silence::default(),
            options: None,
        }
    }

    /// Over the Unix socket, without a password.
    pub fn socket_endpoint(&self, database: &str) -> Endpoint {
        Endpoint {
            host: self.dir.to_string_lossy().into_owned(),
            password: None,
            password_origin: PasswordOrigin::None,
            ..self.endpoint(database)
        }
    }

    /// Stops the server in order; its data stays for [`restart`](Self::restart).
    pub fn stop(&mut self) -> Result<(), Problem> {
        self.order("stop fast")
    }

    /// Stops the server as a power cut would.
    pub fn stop_immediate(&mut self) -> Result<(), Problem> {
        self.order("stop immediate")
    }

    /// Starts the server again on the same port and data, stopping it first where it still runs.
    pub fn restart(&mut self) -> Result<(), Problem> {
        if self.data().join("postmaster.pid").exists() {
            self.stop()?;
        }
        self.order("start")
    }

    /// The server's log.
    pub fn log_path(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// Everything of the cluster: data, log and socket.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn order(&mut self, order: &str) -> Result<(), Problem> {
        match self.keeper.order(order) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let said = |name: &str| fs::read_to_string(self.dir.join(name)).unwrap_or_default();
                let log = said("log");
                let tail: Vec<&str> = log.lines().rev().take(5).collect();
                let tail: Vec<&str> = tail.into_iter().rev().collect();
                let mut problem = could_not_start(said("output").trim());
                problem.what = format!("A throw-away PostgreSQL server did not obey \"{order}\"");
                problem.detail = (!tail.is_empty()).then(|| tail.join("\n"));
                Err(problem)
            }
            Err(error) => Err(could_not_start(error.to_string())),
        }
    }

    /// `initdb` reads the superuser's password from a file, so that no process list shows it.
    fn write_password(&self, owner: Option<Owner>) -> io::Result<()> {
        let path = self.dir.join("password");
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(self.password.expose().as_bytes())?;
        give_to(&path, owner)
    }

    fn configure(&self, options: &ClusterOptions) -> io::Result<()> {
        fs::remove_file(self.dir.join("password"))?;
        fs::write(self.data().join("pg_hba.conf"), ACCESS_RULES)?;
        let settings = [
            ("listen_addresses", "127.0.0.1"),
            ("unix_socket_directories", &*self.dir.to_string_lossy()),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            // The cluster does not outlive howdah, let alone a power cut: it need not wait for the disk.
            ("fsync", "off"),
            ("synchronous_commit", "off"),
            ("full_page_writes", "off"),
            ("max_wal_size", "2GB"),
            // pg_dump locks every table in one transaction, so do the tests of several hundred tables.
            ("max_locks_per_transaction", "256"),
        ];
        for (name, value) in settings {
            self.append_setting(name, value)?;
        }
        if let Some(value) = &options.log_statement {
            self.append_setting("log_statement", value)?;
        }
        for (name, value) in &options.settings {
            self.append_setting(name, value)?;
        }
        Ok(())
    }

    /// A later line of `postgresql.conf` wins over an earlier one.
    fn append_setting(&self, name: &str, value: &str) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .append(true)
            .open(self.data().join("postgresql.conf"))?;
        writeln!(file, "{name} = '{}'", value.replace('\'', "''"))
    }

    fn port_was_taken(&self) -> bool {
        fs::read_to_string(self.log_path()).is_ok_and(|log| log.contains("could not bind"))
    }
}

fn could_not_start(message: impl Into<String>) -> Problem {
    Problem::new(
        "Could not start a throw-away PostgreSQL server",
        message.into(),
    )
    .hint("see that the temporary directory has free space and that the installed server works")
}

/// Short enough for a socket's path, and one that the server's user can enter.
fn temporary_dir(owner: Option<Owner>) -> io::Result<tempfile::TempDir> {
    let usual = std::env::temp_dir();
    let parent = if owner.is_none() && usual.as_os_str().len() <= LONGEST_PARENT {
        usual
    } else {
        PathBuf::from("/tmp")
    };
    let dir = tempfile::Builder::new()
        .prefix("howdah-")
        .tempdir_in(parent)?;
    give_to(dir.path(), owner)?;
    Ok(dir)
}

fn give_to(path: &Path, owner: Option<Owner>) -> io::Result<()> {
    match owner {
        Some(owner) => chown(path, Some(owner.uid), Some(owner.gid)),
        None => Ok(()),
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

fn random_password() -> io::Result<Secret> {
    let mut bytes = [0; 12];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let text = bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    Ok(Secret::new(text))
}
