//! A home directory, a socket that listens, and what howdah and libpq make of them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use howdah::model::connection::{Endpoint, Secret};
use howdah::settings::{Environment, resolve};
use proptest::prelude::*;
use tempfile::TempDir;

use super::ear::{Ear, Heard, PORT};
use crate::support;

/// Variables of the environment.
pub(super) type Variables = [(&'static str, String)];

/// A home directory, an ear, and what both sides are told of them.
pub(super) struct Surroundings {
    pub(super) ear: Ear,
    home: TempDir,
}

impl Surroundings {
    pub(super) fn new() -> Self {
        Self {
            ear: Ear::open(&support::binaries().bindir.join("psql")),
            home: tempfile::tempdir().unwrap(),
        }
    }

    fn pgpass(&self) -> PathBuf {
        self.home.path().join("pgpass")
    }

    pub(super) fn write_pgpass(&self, text: &str) {
        fs::write(self.pgpass(), text).unwrap();
        fs::set_permissions(self.pgpass(), fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(super) fn service_file(&self) -> PathBuf {
        self.home.path().join("service")
    }

    fn variables(&self, more: &Variables) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("PGPASSFILE", self.pgpass().to_string_lossy().into_owned()),
            (
                "PGSERVICEFILE",
                self.service_file().to_string_lossy().into_owned(),
            ),
            (
                "PGSYSCONFDIR",
                self.home.path().to_string_lossy().into_owned(),
            ),
        ];
        variables.extend_from_slice(more);
        variables
    }

    /// What howdah makes of it, in the ear's terms.
    pub(super) fn ours(&self, connection: &str, more: &Variables) -> Heard {
        let variables = self.variables(more);
        let mut environment = Environment::read(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| value.clone())
        });
        environment.user = Environment::of_process().user;
        environment.home = Some(self.home.path().to_owned());
        environment.socket_dir = Some(PathBuf::from("/var/run/postgresql"));
        match resolve(Some(connection), &environment) {
            Err(problem) => Heard::Refused(problem.to_string()),
            Ok(endpoint) if endpoint.host == self.ear.host() && endpoint.port == PORT => {
                Heard::Here {
                    user: Some(endpoint.user),
                    database: Some(endpoint.database),
                    options: endpoint.options,
                    password: endpoint
                        .password
                        .as_ref()
                        .map(|secret| Secret::expose(secret).to_owned()),
                }
            }
            Ok(endpoint) => Heard::Elsewhere(place(&endpoint)),
        }
    }

    /// What libpq makes of it.
    pub(super) fn theirs(&self, connection: &str, more: &Variables) -> Heard {
        self.ear.hear(connection, &self.variables(more))
    }

    /// The two must come to the same.
    pub(super) fn agree(&self, connection: &str, more: &Variables) -> Result<(), TestCaseError> {
        let ours = self.ours(connection, more);
        let theirs = self.theirs(connection, more);
        let agrees = match (&ours, &theirs) {
            (Heard::Refused(_), Heard::Refused(_)) => true,
            (Heard::Refused(_), _) if says_twice(connection) => true,
            // Of this one libpq says nothing before it is connected.
            (Heard::Refused(why), Heard::Elsewhere(_)) if why.contains("\"connect_timeout\"") => {
                true
            }
            (Heard::Elsewhere(place), Heard::Elsewhere(words)) => {
                plain(words).starts_with(place) || place.starts_with(words)
            }
            _ => ours == theirs,
        };
        prop_assert!(
            agrees,
            "<{connection}> with {more:?}\nhowdah: {ours:?}\nlibpq:  {theirs:?}"
        );
        Ok(())
    }
}

/// As libpq tells where it failed to connect.
fn place(endpoint: &Endpoint) -> String {
    let Endpoint { host, port, .. } = endpoint;
    if endpoint.is_socket() {
        format!("on socket \"{host}/.s.PGSQL.{port}\" failed")
    } else {
        format!("at \"{host}\", port {port} failed")
    }
}

/// libpq adds the address to a name, and tells the port as it was written: `"localhost" (127.0.0.1), port 01 failed`.
fn plain(words: &str) -> String {
    let words = words.replace(" (127.0.0.1)", "").replace(" (::1)", "");
    match words
        .split_once(", port ")
        .and_then(|(host, rest)| Some((host, rest.split_once(" failed")?)))
    {
        Some((host, (port, _))) => format!(
            "{host}, port {} failed",
            port.trim().parse::<u16>().unwrap()
        ),
        None => words,
    }
}

/// libpq looks at a value when it is used, howdah when it is read: a wrong one is told though another one replaces it.
fn says_twice(text: &str) -> bool {
    let in_authority = usize::from(text.contains("://"));
    ["port", "ssl", "connect_timeout", "channel_binding"]
        .iter()
        .any(|name| text.matches(name).count() + in_authority > 1)
}
