//! The process's surroundings as far as connections depend on them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::problem::{Field, Problem};

use super::conninfo::ConnectionInfo;
use super::unheeded;

/// The variables that stand for a connection parameter (manual, "Environment Variables").
const PARAMETERS: [(&str, &str, Option<Field>); 15] = [
    ("PGHOST", "host", Some(Field::Host)),
    ("PGPORT", "port", Some(Field::Port)),
    ("PGDATABASE", "dbname", Some(Field::Database)),
    ("PGUSER", "user", Some(Field::User)),
    ("PGPASSWORD", "password", Some(Field::Password)),
    ("PGPASSFILE", "passfile", Some(Field::Password)),
    ("PGSERVICE", "service", None),
    // Old, and weaker than the one below.
    ("PGREQUIRESSL", "requiressl", Some(Field::Tls)),
    ("PGSSLMODE", "sslmode", Some(Field::Tls)),
    ("PGSSLROOTCERT", "sslrootcert", Some(Field::Tls)),
    ("PGSSLCERT", "sslcert", Some(Field::Tls)),
    ("PGSSLKEY", "sslkey", Some(Field::Tls)),
    ("PGCHANNELBINDING", "channel_binding", Some(Field::Tls)),
    ("PGCONNECT_TIMEOUT", "connect_timeout", None),
    ("PGOPTIONS", "options", None),
];

/// Variables that say where files are.
const FILES: [&str; 2] = ["PGSERVICEFILE", "PGSYSCONFDIR"];

/// Where Debian's and Red Hat's libpq look for `pg_service.conf` when `PGSYSCONFDIR` is not set.
const SYSTEM_CONFIG_DIRS: [&str; 2] = ["/etc/postgresql-common", "/etc/sysconfig/pgsql"];

/// Debian's and Red Hat's default directory of server sockets.
const SOCKET_DIR: &str = "/var/run/postgresql";

/// No `Debug`: it may hold a password.
#[derive(Clone, Default)]
pub struct Environment {
    pub(super) variables: BTreeMap<&'static str, String>,
    /// Holds `.pgpass`, `.pg_service.conf` and `.postgresql/`.
    pub home: Option<PathBuf>,
    /// The operating system's name of who runs howdah: libpq's default user.
    pub user: Option<String>,
    /// The default socket directory, if it is there.
    pub socket_dir: Option<PathBuf>,
    pub system_config_dirs: Vec<PathBuf>,
    /// What howdah remembers between two runs; none: it remembers nothing.
    pub state_dir: Option<PathBuf>,
}

impl Environment {
    /// Takes the variables, and nothing else, from `lookup`.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let names = PARAMETERS.iter().map(|(variable, ..)| *variable);
        let variables: BTreeMap<_, _> = names
            .chain(FILES)
            .chain(unheeded::VARIABLES.iter().map(|(variable, _)| *variable))
            .filter_map(|name| Some((name, lookup(name)?)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        Self {
            system_config_dirs: match variables.get("PGSYSCONFDIR") {
                Some(dir) => vec![PathBuf::from(dir)],
                None => Vec::new(),
            },
            variables,
            ..Self::default()
        }
    }

    /// The surroundings of this process.
    pub fn of_process() -> Self {
        let mut environment = Self::read(|name| std::env::var(name).ok());
        environment.home = etcetera::home_dir().ok();
        environment.state_dir = state_dir(environment.home.as_deref());
        environment.user = user_name();
        environment.socket_dir = Some(PathBuf::from(SOCKET_DIR)).filter(|dir| dir.is_dir());
        if environment.system_config_dirs.is_empty() {
            environment.system_config_dirs = SYSTEM_CONFIG_DIRS.map(PathBuf::from).into();
        }
        environment
    }

    /// `PGSERVICEFILE`, else the file in the home directory.
    pub(super) fn service_file(&self) -> Option<PathBuf> {
        match self.variables.get("PGSERVICEFILE") {
            Some(file) => Some(PathBuf::from(file)),
            None => Some(self.home.as_ref()?.join(".pg_service.conf")),
        }
    }

    /// Whether the user named the service file; such a one must be there.
    pub(super) fn names_a_service_file(&self) -> bool {
        self.variables.contains_key("PGSERVICEFILE")
    }

    /// What the variables say of the connection.
    pub(super) fn connection_info(&self) -> Result<ConnectionInfo, Problem> {
        let mut info = ConnectionInfo::default();
        for (variable, parameter, field) in PARAMETERS {
            if let Some(value) = self.variables.get(variable) {
                info.set(parameter, value).map_err(|message| Problem {
                    field,
                    ..Problem::new(
                        format!("Could not use the environment variable {variable}"),
                        message,
                    )
                    .hint(format!(
                        "Set {variable} right, or remove it with: unset {variable}"
                    ))
                })?;
            }
        }
        Ok(info)
    }
}

/// XDG Base Directory Specification: a relative path is to be ignored.
fn state_dir(home: Option<&Path>) -> Option<PathBuf> {
    let named = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let states = named
        .filter(|dir| dir.is_absolute())
        .or_else(|| Some(home?.join(".local/state")))?;
    Some(states.join("howdah"))
}

#[cfg(unix)]
fn user_name() -> Option<String> {
    nix::unistd::User::from_uid(nix::unistd::geteuid())
        .ok()
        .flatten()
        .map(|user| user.name)
}

#[cfg(not(unix))]
fn user_name() -> Option<String> {
    std::env::var("USERNAME").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_become_parameters() {
        let environment = Environment::read(|name| match name {
            "PGHOST" => Some("h".into()),
            "PGPORT" => Some("1".into()),
            "PGUSER" => Some(String::new()),
            _ => None,
        });
        let info = environment.connection_info().unwrap();
        assert_eq!(
            (info.host.as_deref(), info.port, info.user),
            (Some("h"), Some(1), None)
        );
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let environment = Environment::read(|name| (name == "PGPORT").then(|| "x".into()));
        let problem = environment.connection_info().unwrap_err();
        assert!(problem.what.contains("PGPORT"));
        assert_eq!(problem.field, Some(Field::Port));
    }
}
