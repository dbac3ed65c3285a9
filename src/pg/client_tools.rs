//! Finds pg_dump and pg_restore: the newest installed that can read the source.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::model::connection::Endpoint;
use crate::model::problem::Problem;

/// One directory with both programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTools {
    pub directory: PathBuf,
    /// e.g. `15.18`.
    pub version: String,
    pub major: u32,
}

/// The version of libpq that brought `sslrootcert=system`.
const KNOWS_SYSTEM_ROOTS: u32 = 16;

impl ClientTools {
    /// The programs of one directory.
    pub async fn at(directory: &Path) -> Result<Self, Problem> {
        inspect(directory).await.ok_or_else(|| {
            Problem::new(
                "Could not find pg_dump",
                format!(
                    "{} does not hold pg_dump and pg_restore",
                    directory.display()
                ),
            )
        })
    }

    pub fn pg_dump(&self) -> PathBuf {
        self.directory.join("pg_dump")
    }

    pub fn pg_restore(&self) -> PathBuf {
        self.directory.join("pg_restore")
    }
}

/// All that are installed in the usual places, oldest first.
pub async fn installed() -> Vec<ClientTools> {
    let candidates = candidate_directories().await;
    let looks = candidates.iter().map(|directory| inspect(directory));
    let found = futures_util::future::join_all(looks).await;
    let (scripts, mut programs): (Vec<ClientTools>, Vec<ClientTools>) =
        found.into_iter().flatten().partition(is_script);
    for script in scripts {
        if programs.iter().all(|one| one.version != script.version) {
            programs.push(script);
        }
    }
    programs.sort_by_key(|tools| tools.major);
    programs
}

/// Debian's /usr/bin has a script that looks for the program and starts it: that takes as long as dumping a small schema, five
/// times for each archive.
fn is_script(tools: &ClientTools) -> bool {
    let mut head = [0; 2];
    let read = std::fs::File::open(tools.pg_dump()).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && &head == b"#!"
}

/// The one to use between two servers: it must be as new as the source. The one of the destination's own version is
/// best, for it says nothing that server does not know; else the newest.
pub fn choose(
    installed: &[ClientTools],
    source_major: u32,
    destination_major: u32,
) -> Result<ClientTools, Problem> {
    let able = || installed.iter().filter(|tools| tools.major >= source_major);
    able()
        .find(|tools| tools.major == destination_major)
        .or_else(|| able().next_back())
        .cloned()
        .ok_or_else(|| {
            let have = match installed.last() {
                Some(newest) => format!("the newest installed is {}", newest.version),
                None => "none is installed".to_owned(),
            };
            Problem::new(
                "No pg_dump can read the source",
                format!("The source is PostgreSQL {source_major}; {have}."),
            )
            .hint(install_hint(source_major.max(destination_major)))
        })
}

/// How to install client programs here.
pub fn install_hint(major: u32) -> String {
    let is_there = |path: &str| Path::new(path).exists();
    if cfg!(target_os = "macos") {
        format!("Install them with: brew install postgresql@{major}")
    } else if is_there("/usr/bin/dnf") {
        format!("Install them with: dnf install postgresql{major}")
    } else if is_there("/usr/bin/apt-get") {
        format!(
            "Install them with: apt-get install postgresql-client-{major} (from apt.postgresql.org if your release is older)"
        )
    } else {
        format!("Install the client programs of PostgreSQL {major} or newer.")
    }
}

async fn candidate_directories() -> Vec<PathBuf> {
    let mut directories = BTreeSet::new();
    if let Some(path) = std::env::var_os("PATH") {
        directories.extend(std::env::split_paths(&path));
    }
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output().await {
        directories.insert(PathBuf::from(
            String::from_utf8_lossy(&output.stdout).trim(),
        ));
    }
    for (parent, suffix) in [
        ("/usr/lib/postgresql", "bin"),
        ("/opt/homebrew/opt", "bin"),
        ("/usr/local/opt", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "bin"),
        ("/usr", "bin"),
    ] {
        let Ok(children) = std::fs::read_dir(parent) else {
            continue;
        };
        for child in children.flatten() {
            let name = child.file_name().to_string_lossy().into_owned();
            if parent != "/usr" || name.starts_with("pgsql-") {
                directories.insert(child.path().join(suffix));
            }
        }
    }
    directories.into_iter().collect()
}

async fn inspect(directory: &Path) -> Option<ClientTools> {
    let program = directory.join("pg_dump");
    if !program.is_file() || !directory.join("pg_restore").is_file() {
        return None;
    }
    let output = Command::new(&program)
        .arg("--version")
        .output()
        .await
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let major = version
        .split('.')
        .next()?
        .trim_end_matches(char::is_alphabetic)
        .parse()
        .ok()?;
    Some(ClientTools {
        directory: directory.to_owned(),
        version: version.to_owned(),
        major,
    })
}

/// Those that can verify servers against the same roots as howdah.
pub fn with_roots_of(
    installed: Vec<ClientTools>,
    ends: [&Endpoint; 2],
) -> Result<Vec<ClientTools>, Problem> {
    let system = Path::new("system");
    let wants_system = |end: &&Endpoint| end.tls.root_cert.as_deref() == Some(system);
    if installed.is_empty() || !ends.iter().any(wants_system) {
        return Ok(installed);
    }
    let versions: Vec<String> = installed.iter().map(|one| one.version.clone()).collect();
    let fitting: Vec<ClientTools> = installed
        .into_iter()
        .filter(|one| one.major >= KNOWS_SYSTEM_ROOTS)
        .collect();
    if fitting.is_empty() {
        return Err(Problem::new(
            "Could not connect with pg_dump in the way that is asked for",
            format!("pg_dump {} does not know sslrootcert=system", versions.join(", ")),
        )
        .hint(format!(
            "Install the client programs of PostgreSQL {KNOWS_SYSTEM_ROOTS} or newer, or name the system's file of root certificates instead, such as sslrootcert=/etc/ssl/certs/ca-certificates.crt."
        )));
    }
    Ok(fitting)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools(major: u32) -> ClientTools {
        ClientTools {
            directory: PathBuf::new(),
            version: format!("{major}.1"),
            major,
        }
    }

    #[test]
    fn the_destinations_version_is_best_and_the_newest_next() {
        let all = [tools(13), tools(15), tools(17)];
        assert_eq!(choose(&all, 13, 15).unwrap().major, 15);
        assert_eq!(choose(&all, 13, 16).unwrap().major, 17);
        assert_eq!(choose(&all, 16, 15).unwrap().major, 17);
    }

    #[test]
    fn one_older_than_the_source_is_refused() {
        let problem = choose(&[tools(15)], 16, 16).unwrap_err();
        assert!(problem.message.contains("15.1"));
        assert!(problem.our_hint.is_some());
    }

    #[test]
    fn the_systems_roots_need_programs_that_know_them() {
        let plain = crate::settings::resolve(
            Some("postgres://u@h/d"),
            &crate::settings::Environment::default(),
        )
        .unwrap();
        let mut system = plain.clone();
        system.tls.root_cert = Some(PathBuf::from("system"));
        let all = vec![tools(15), tools(17)];
        let fitting = |ends| with_roots_of(all.clone(), ends).unwrap();
        assert_eq!(fitting([&plain, &plain]).len(), 2);
        assert_eq!(fitting([&plain, &system]), [tools(17)]);
        let problem = with_roots_of(vec![tools(15)], [&system, &plain]).unwrap_err();
        assert!(
            problem
                .message
                .contains("15.1 does not know sslrootcert=system")
        );
        assert!(problem.our_hint.unwrap().contains("16 or newer"));
    }
}
