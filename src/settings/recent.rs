//! The last connections that worked, kept between two runs of the wizard. Never a password.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::connection::Endpoint;
use crate::model::problem::Problem;

/// More than a list on a screen holds helps nobody.
const MOST: usize = 12;
const FILE: &str = "recent.toml";

#[derive(Debug, Default, Serialize, Deserialize)]
struct Recent {
    /// The newest first.
    connections: Vec<Endpoint>,
}

/// The newest first. A file that is not there, or that this version does not understand, holds none.
pub fn recent(state_dir: &Path) -> Vec<Endpoint> {
    let file = state_dir.join(FILE);
    match std::fs::read_to_string(&file) {
        Ok(text) => toml::from_str(&text).unwrap_or_else(|error| {
            tracing::warn!("{} is not used: {error}", file.display());
            Recent::default()
        }),
        Err(error) => {
            if error.kind() != ErrorKind::NotFound {
                tracing::warn!("{} is not used: {error}", file.display());
            }
            Recent::default()
        }
    }
    .connections
}

/// Puts these in front of the others. The file is replaced as a whole and readable for its owner alone.
pub fn remember(state_dir: &Path, endpoints: &[Endpoint]) -> Result<PathBuf, Problem> {
    let file = state_dir.join(FILE);
    let mut connections: Vec<Endpoint> = Vec::new();
    for one in endpoints.iter().chain(&recent(state_dir)) {
        let is_same = |other: &Endpoint| {
            (&other.host, other.port, &other.database, &other.user)
                == (&one.host, one.port, &one.database, &one.user)
        };
        if connections.len() < MOST && !connections.iter().any(is_same) {
            connections.push(one.clone());
        }
    }
    write(&file, &Recent { connections }).map_err(|error| {
        Problem::new(
            "Could not remember the connections",
            format!("{}: {error}", file.display()),
        )
    })?;
    Ok(file)
}

fn write(file: &Path, recent: &Recent) -> Result<(), std::io::Error> {
    let text = toml::to_string(recent).map_err(std::io::Error::other)?;
    let dir = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir)?;
    // Such a file is made for its owner alone.
    let mut fresh = tempfile::NamedTempFile::new_in(dir)?;
    fresh.write_all(text.as_bytes())?;
    fresh.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Environment, resolve};

    fn endpoint(uri: &str) -> Endpoint {
        resolve(Some(uri), &Environment::default()).unwrap()
    }

    #[test]
    fn the_newest_come_first_each_once_and_without_passwords() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("not/there/yet");
        assert_eq!(recent(&dir), []);
        let (one, two) = (
            "postgres://u:geheim@one/d?sslmode=require",
            "postgres://u@two/d",
        );
        remember(&dir, &[endpoint(one), endpoint(two)]).unwrap();
        let file = remember(&dir, &[endpoint(two)]).unwrap();
        let hosts: Vec<_> = recent(&dir).into_iter().map(|one| one.host).collect();
        assert_eq!(hosts, ["two", "one"]);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("geheim"), "{text}");
        assert_eq!(recent(&dir)[1].tls, endpoint(one).tls);
        for number in 0..2 * MOST {
            remember(&dir, &[endpoint(&format!("postgres://u@h/d{number}"))]).unwrap();
        }
        assert_eq!(recent(&dir).len(), MOST);
        std::fs::write(&file, "connections = 7").unwrap();
        assert_eq!(recent(&dir), []);
    }

    #[cfg(unix)]
    #[test]
    fn others_may_not_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = remember(dir.path(), &[endpoint("postgres://u@h/d")]).unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
