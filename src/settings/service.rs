//! Named connections, `pg_service.conf` (manual, "The Connection Service File").

use std::io::ErrorKind;
use std::path::Path;

use crate::model::problem::{Field, Problem};

use super::conninfo::{ConnectionInfo, is_blank};
use super::environment::Environment;

/// Reads the section `name` from the user's file, else from the system's.
pub(super) fn load(name: &str, environment: &Environment) -> Result<ConnectionInfo, Problem> {
    let system = environment
        .system_config_dirs
        .iter()
        .map(|dir| dir.join("pg_service.conf"));
    let files: Vec<_> = environment
        .service_file()
        .into_iter()
        .chain(system)
        .collect();
    for (position, file) in files.iter().enumerate() {
        let is_named = position == 0 && environment.names_a_service_file();
        if let Some(info) = load_from(file, name, is_named)? {
            return Ok(info);
        }
    }
    let places: Vec<_> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    Err(Problem::new(
        format!("Could not find the service \"{name}\""),
        format!("no section [{name}] in {}", places.join(", ")),
    )
    .hint("Add the section, or name the server itself instead of a service.")
    .field(Field::Uri))
}

/// The names of all sections, those of the user's file first; each once. A file that cannot be read holds none.
pub(super) fn names(environment: &Environment) -> Vec<String> {
    let system = environment
        .system_config_dirs
        .iter()
        .map(|dir| dir.join("pg_service.conf"));
    let mut names: Vec<String> = Vec::new();
    for file in environment.service_file().into_iter().chain(system) {
        let Ok(bytes) = std::fs::read(file) else {
            continue;
        };
        for line in String::from_utf8_lossy(&bytes).lines() {
            let header = line.trim_matches(is_blank).strip_prefix('[');
            if let Some((name, _)) = header.and_then(|header| header.split_once(']'))
                && !names.iter().any(|one| one == name)
            {
                names.push(name.to_owned());
            }
        }
    }
    names
}

fn load_from(
    file: &Path,
    name: &str,
    must_be_there: bool,
) -> Result<Option<ConnectionInfo>, Problem> {
    let wrong = |message: String| {
        Problem::new(
            format!("Could not read the service file {}", file.display()),
            message,
        )
        .field(Field::Uri)
    };
    // Read as bytes: a comment in another encoding harms nobody.
    match std::fs::read(file) {
        Ok(bytes) => section(&String::from_utf8_lossy(&bytes), name).map_err(wrong),
        Err(error) if error.kind() == ErrorKind::NotFound && !must_be_there => Ok(None),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// The first section of that name; within it the first value of a parameter counts.
fn section(text: &str, name: &str) -> Result<Option<ConnectionInfo>, String> {
    let mut found: Option<ConnectionInfo> = None;
    for (index, line) in text.split('\n').enumerate() {
        let at = |message: String| format!("line {}: {message}", index + 1);
        let line = line.trim_matches(is_blank);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            // What stands after the bracket, such as a comment, does not matter.
            if header
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(']'))
            {
                found = Some(ConnectionInfo::default());
            }
            continue;
        }
        let Some(info) = found.take() else {
            continue;
        };
        if line.starts_with("ldap") {
            return Err(at("services looked up by LDAP are not supported".to_owned()));
        }
        let (key, value) = line
            .split_once('=')
            .ok_or_else(|| at("there is no \"=\"".to_owned()))?;
        if key == "service" {
            return Err(at("a service cannot name another service".to_owned()));
        }
        let mut one = ConnectionInfo::default();
        if key.ends_with(is_blank) {
            return Err(at("there is a blank before the \"=\"".to_owned()));
        }
        one.set(key, value).map_err(at)?;
        found = Some(info.or(one));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# mine\n[a]\nhost=one\n\n[ab]\n host=two \nport=6\nhost=three\ndbname=x\n[ab]\nuser=late\n";

    #[test]
    fn the_first_section_and_value_count() {
        let info = section(TEXT, "ab").unwrap().unwrap();
        assert_eq!(info.host.as_deref(), Some("two"));
        assert_eq!((info.port, info.user), (Some(6), None));
        assert_eq!(section(TEXT, "b").unwrap(), None);
    }

    #[test]
    fn errors_name_the_line() {
        assert!(
            section("[a]\nhots=x", "a")
                .unwrap_err()
                .starts_with("line 2")
        );
        assert!(
            section("[a]\nservice=x", "a")
                .unwrap_err()
                .contains("another")
        );
        assert!(section("[a]\nhost", "a").unwrap_err().contains("\"=\""));
        assert!(section("[b]\nhots=x\n[a]", "a").is_ok());
        assert!(section("[a]\nhost =x", "a").unwrap_err().contains("blank"));
        let info = section("[a] # mine\nhost=x\npassword= y\u{a0}\r\n", "a")
            .unwrap()
            .unwrap();
        assert_eq!(info.host.as_deref(), Some("x"));
        assert_eq!(info.password.unwrap().expose(), " y\u{a0}");
    }

    #[test]
    fn the_system_file_comes_after_the_users() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".pg_service.conf"), "[mine]\nhost=a\n").unwrap();
        let system = dir.path().join("system");
        std::fs::create_dir(&system).unwrap();
        std::fs::write(
            system.join("pg_service.conf"),
            "[mine]\nhost=b\n[theirs]\nhost=c\n",
        )
        .unwrap();
        let environment = Environment {
            home: Some(dir.path().to_owned()),
            system_config_dirs: vec![system],
            ..Environment::default()
        };
        let host = |name: &str| load(name, &environment).map(|info| info.host.unwrap());
        assert_eq!(host("mine").unwrap(), "a");
        assert_eq!(host("theirs").unwrap(), "c");
        let problem = host("nobody").unwrap_err();
        assert!(problem.message.contains("pg_service.conf"));
        let mut lost = environment.clone();
        lost.variables
            .insert("PGSERVICEFILE", "/no/such/file".to_owned());
        assert!(load("theirs", &lost).is_err());
    }

    #[test]
    fn no_file_makes_it_panic() {
        use proptest::prelude::*;
        let signs = [
            "[", "]", "a", "#", "=", "\n", "\r", " ", "\t", "host", "port", "service", "ldap", "é",
            "1",
        ];
        let pieces = prop::sample::select(signs.to_vec());
        let pieces = prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat());
        crate::fuzz::check(256, &(pieces, ".*"), |(pieces, tail)| {
            for text in [format!("[a]\n{pieces}"), format!("{pieces}\n[a]\n{tail}")] {
                let _unused = section(&text, "a");
            }
            Ok(())
        });
    }
}
