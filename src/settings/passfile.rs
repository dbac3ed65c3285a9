//! The password file, `~/.pgpass` (manual, "The Password File").

use std::path::{Path, PathBuf};

use crate::model::connection::{Endpoint, Secret};

/// What was found for an endpoint.
#[derive(Debug, Default, PartialEq)]
pub struct Lookup {
    pub password: Option<(Secret, PathBuf)>,
    /// Why the file was not used.
    pub warning: Option<String>,
}

/// Looks the endpoint up in the file; a file that is not there is no news. `socket_dir` is the default one, whose
/// sockets are called `localhost` in the file.
pub fn look_up(file: &Path, endpoint: &Endpoint, socket_dir: Option<&Path>) -> Lookup {
    let warning = |text: String| Lookup {
        warning: Some(text),
        ..Lookup::default()
    };
    let Ok(metadata) = file.metadata() else {
        return Lookup::default();
    };
    if !metadata.is_file() {
        return warning(format!(
            "The password file {} is not used: it is not a plain file.",
            file.display()
        ));
    }
    if is_open_to_others(&metadata) {
        return warning(format!(
            "The password file {0} is not used: others may read it. Fix it with: chmod 0600 {0}",
            file.display()
        ));
    }
    // Read as bytes: a file in another encoding still has its ASCII lines.
    match std::fs::read(file) {
        Ok(bytes) => Lookup {
            password: find(&String::from_utf8_lossy(&bytes), endpoint, socket_dir)
                .map(|password| (password, file.to_owned())),
            warning: None,
        },
        Err(error) => warning(format!(
            "The password file {} is not used: {error}.",
            file.display()
        )),
    }
}

#[cfg(unix)]
fn is_open_to_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_metadata: &std::fs::Metadata) -> bool {
    false
}

/// The password of the first line that matches.
fn find(text: &str, endpoint: &Endpoint, socket_dir: Option<&Path>) -> Option<Secret> {
    let is_default_socket = socket_dir.is_some_and(|dir| Path::new(&endpoint.host) == dir);
    let host = if is_default_socket {
        "localhost"
    } else {
        &endpoint.host
    };
    let port = endpoint.port.to_string();
    let wanted = [host, &port, &endpoint.database, &endpoint.user];
    text.split('\n')
        .map(|line| line.trim_end_matches('\r'))
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| wanted.into_iter().try_fold(line, after_field))
        .map(password)
        // An empty one is none, and still hides those of the lines below.
        .filter(|password| !password.is_empty())
        .map(Secret::new)
}

/// What follows the first field and its colon, if it stands for `wanted`. As in libpq, a backslash takes the next
/// character as it is, and a colon that `wanted` itself holds needs none: `::1:5432:…` is about the host `::1`.
fn after_field<'a>(line: &'a str, wanted: &str) -> Option<&'a str> {
    if let Some(rest) = line.strip_prefix("*:") {
        return Some(rest);
    }
    let mut field = line.chars();
    for expected in wanted.chars() {
        let c = match field.next()? {
            '\\' => field.next()?,
            c => c,
        };
        if c != expected {
            return None;
        }
    }
    field.as_str().strip_prefix(':')
}

/// The last field: up to a colon, without its backslashes; one at the very end stands for itself.
fn password(field: &str) -> String {
    let mut password = String::new();
    let mut chars = field.chars();
    while let Some(c) = chars.next().filter(|c| *c != ':') {
        password.push(if c == '\\' {
            chars.next().unwrap_or(c)
        } else {
            c
        });
    }
    password
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Environment, resolve};
    use proptest::prelude::*;

    fn endpoint(uri: &str) -> Endpoint {
        resolve(Some(uri), &Environment::default()).unwrap()
    }

    fn found(text: &str, uri: &str) -> Option<String> {
        let dir = Path::new("/run/pg");
        find(text, &endpoint(uri), Some(dir)).map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn the_first_match_wins() {
        let text = "# comment\n\nh:5432:d:u:one\nh:*:*:u:two\n*:*:*:*:three\n";
        assert_eq!(found(text, "postgres://u@h/d").as_deref(), Some("one"));
        assert_eq!(found(text, "postgres://u@h:1/d").as_deref(), Some("two"));
        assert_eq!(found(text, "postgres://x@y/z").as_deref(), Some("three"));
        assert_eq!(found("h:*:*:u", "postgres://u@h/d"), None);
    }

    #[test]
    fn escapes_and_sockets() {
        let text = "\\:\\:1:*:*:u:a\\:b\\\\c\nlocalhost:*:*:u:socket\n/tmp:*:*:u:tmp";
        assert_eq!(
            found(text, "postgres://u@[::1]/d").as_deref(),
            Some("a:b\\c")
        );
        assert_eq!(
            found(text, "postgres://u@%2Frun%2Fpg/d").as_deref(),
            Some("socket")
        );
        assert_eq!(found(text, "postgres://u@%2Ftmp/d").as_deref(), Some("tmp"));
        assert_eq!(found("\\*:*:*:*:x", "postgres://u@h/d"), None);
        assert_eq!(
            found("*:*:*:*:x:rest\r\n", "postgres://u@h/d").as_deref(),
            Some("x")
        );
        assert_eq!(
            found("::1:*:*:u:bare", "postgres://u@[::1]/d").as_deref(),
            Some("bare")
        );
        assert_eq!(found("h:*:*:u:\n*:*:*:*:x", "postgres://u@h/d"), None);
        assert_eq!(
            found("h:*:*:u:x\r", "postgres://u@h/d").as_deref(),
            Some("x")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_file_open_to_others_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pgpass");
        std::fs::write(&file, "*:*:*:*:x").unwrap();
        let mode = |mode| std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        mode(0o640);
        let lookup = look_up(&file, &endpoint("postgres://u@h/d"), None);
        assert!(lookup.password.is_none() && lookup.warning.unwrap().contains("chmod 0600"));
        mode(0o600);
        let lookup = look_up(&file, &endpoint("postgres://u@h/d"), None);
        assert_eq!(lookup.password, Some((Secret::new("x"), file.clone())));
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_back(fields in prop::collection::vec("[^\0\r\n]*", 5)) {
            let escape = |text: &String| text.replace('\\', r"\\").replace(':', r"\:");
            let line = fields.iter().map(escape).collect::<Vec<_>>().join(":");
            let rest = fields[..4].iter().try_fold(line.as_str(), |rest, field| after_field(rest, field));
            prop_assert_eq!(rest.map(password), Some(fields[4].clone()));
        }
    }

    #[test]
    fn no_file_makes_it_panic() {
        let pieces = prop::sample::select(
            &[
                "*", ":", "\\", "\\:", "\n", "\r", "#", "h", "u", "d", "5432", "é", " ",
            ][..],
        );
        let text = prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat());
        crate::fuzz::check(256, &(text, ".*"), |(text, tail)| {
            let _unused = found(&text, "postgres://u@h/d");
            let _unused = found(&format!("{text}{tail}"), "postgres://u@h/d");
            Ok(())
        });
    }
}
