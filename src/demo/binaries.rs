//! Finds the PostgreSQL server programs installed on this machine, or says how to install them.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::model::problem::Problem;

/// The programs a cluster needs. They must come from one installation: an `initdb` of one major version makes nothing
/// that the `postgres` of another can start.
const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// Where installers put the programs, in the form `prefix` + version + `suffix`.
const VERSIONED: [(&str, &str, &str); 6] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ("/usr/local", "pgsql", "bin"),
];

/// The command that installs a server, by the package manager found on the machine.
const INSTALLERS: [(&str, &str); 6] = [
    (
        "apt-get",
        "apt-get install postgresql postgresql-client postgresql-contrib",
    ),
    ("dnf", "dnf install postgresql-server postgresql-contrib"),
    ("brew", "brew install postgresql@17"),
    (
        "zypper",
        "zypper install postgresql-server postgresql-contrib",
    ),
    ("pacman", "pacman -S postgresql"),
    ("apk", "apk add postgresql postgresql-contrib"),
];

/// One installation of the server programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    /// Directory that holds `initdb`, `pg_ctl` and `postgres`.
    pub bindir: PathBuf,
    /// As `postgres --version` says it, e.g. `15.18`.
    pub version: String,
}

impl Binaries {
    /// The installation the user's `PATH` names, else `pg_config`'s, else the newest in the usual places.
    pub fn find() -> Result<Self, Problem> {
        let path: Vec<PathBuf> = env::var_os("PATH")
            .map(|path| env::split_paths(&path).collect())
            .unwrap_or_default();
        path.iter()
            .cloned()
            .chain(pg_config())
            .chain(
                VERSIONED.into_iter().flat_map(|(parent, prefix, suffix)| {
                    versioned(Path::new(parent), prefix, suffix)
                }),
            )
            .find_map(|dir| Self::in_dir(&dir))
            .ok_or_else(|| not_found(&path, nix::unistd::geteuid().is_root()))
    }

    /// The installation in this directory, if all its programs are there and run.
    pub fn in_dir(dir: &Path) -> Option<Self> {
        if !PROGRAMS.iter().all(|program| dir.join(program).is_file()) {
            return None;
        }
        // Links in /usr/local/bin and the like are followed to the directory that holds the whole installation.
        let bindir = dir
            .join("initdb")
            .canonicalize()
            .ok()
            .and_then(|initdb| initdb.parent().map(Path::to_path_buf))
            .filter(|real| PROGRAMS.iter().all(|program| real.join(program).is_file()))
            .unwrap_or_else(|| dir.to_path_buf());
        let output = Command::new(bindir.join("postgres"))
            .arg("--version")
            .output()
            .ok()?;
        // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.split_whitespace().nth(2)?.to_owned();
        Some(Self { bindir, version })
    }
}

/// `pg_config --bindir`, if there is a `pg_config`.
fn pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then(|| PathBuf::from(text))
}

/// `parent/prefix*/suffix`, newest version first.
fn versioned(parent: &Path, prefix: &str, suffix: &str) -> Vec<PathBuf> {
    let mut found: Vec<(Vec<u32>, PathBuf)> = parent
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix(prefix)?;
            let numbers = version.split('.').map_while(|part| part.parse().ok());
            Some((numbers.collect(), entry.path().join(suffix)))
        })
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, dir)| dir).collect()
}

fn not_found(path: &[PathBuf], is_root: bool) -> Problem {
    let has = |program: &str| path.iter().any(|dir| dir.join(program).is_file());
    let advice = INSTALLERS
        .iter()
        .find(|(manager, _)| has(manager))
        .map_or_else(
            || {
                "install PostgreSQL 10 or newer from https://www.postgresql.org/download/"
                    .to_owned()
            },
            // Homebrew refuses to be run with sudo; a root user needs none.
            |(manager, command)| {
                let sudo = if is_root || *manager == "brew" {
                    ""
                } else {
                    "sudo "
                };
                format!("install the PostgreSQL server: {sudo}{command}")
            },
        );
    Problem::new(
        "Could not find a PostgreSQL server on this machine",
        "no directory holds the programs initdb, pg_ctl and postgres together",
    )
    .hint(advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn newest_version_stands_first() {
        let parent = tempfile::tempdir().unwrap();
        for version in ["9.6", "15", "9", "17", "current"] {
            fs::create_dir(parent.path().join(version)).unwrap();
        }
        let found = versioned(parent.path(), "", "bin");
        let expected = ["17", "15", "9.6", "9", "current"];
        let expected: Vec<_> = expected
            .iter()
            .map(|v| parent.path().join(v).join("bin"))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn half_an_installation_is_none() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("initdb"), "").unwrap();
        assert_eq!(Binaries::in_dir(dir.path()), None);
    }

    #[test]
    fn the_hint_is_the_command_of_the_machine() {
        let dir = tempfile::tempdir().unwrap();
        let path = [dir.path().to_path_buf()];
        let hint = |root| not_found(&path, root).our_hint.unwrap();
        assert!(hint(false).contains("https://www.postgresql.org/download/"));
        fs::write(dir.path().join("dnf"), "").unwrap();
        assert!(hint(false).ends_with("sudo dnf install postgresql-server postgresql-contrib"));
        assert!(hint(true).contains(": dnf install"));
    }
}
