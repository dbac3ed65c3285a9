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
            "The password file {0} is not used: others may read it. Mend it with: chmod 0600 {0}",
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
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let fields = split(line);
            let [patterns @ .., password] = fields.get(..5)? else {
                return None;
            };
            let matches = patterns
                .iter()
                .zip(wanted)
                .all(|(pattern, text)| pattern.matches(text));
            (matches && !password.text.is_empty()).then(|| Secret::new(password.text.clone()))
        })
}

#[derive(Debug, Default, PartialEq)]
struct Part {
    text: String,
    /// `\*` is a plain asterisk, not "anything".
    is_escaped: bool,
}

impl Part {
    fn matches(&self, text: &str) -> bool {
        self.text == text || (self.text == "*" && !self.is_escaped)
    }
}

/// Splits at colons; a backslash takes the next character as it is.
fn split(line: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut part = Part::default();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ':' => parts.push(std::mem::take(&mut part)),
            '\\' => {
                // A backslash at the very end stands for itself.
                part.text.push(chars.next().unwrap_or('\\'));
                part.is_escaped = true;
            }
            c => part.text.push(c),
        }
    }
    parts.push(part);
    parts
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
            let read: Vec<_> = split(&line).into_iter().map(|part| part.text).collect();
            prop_assert_eq!(read, fields);
        }

        #[test]
        fn no_file_makes_it_panic(text in ".*") {
            let _unused = found(&text, "postgres://u@h/d");
        }
    }
}
