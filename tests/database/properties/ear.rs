//! A socket that lets libpq say what it understood: whom it wants to be, where, and with which password.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};

use tempfile::TempDir;

/// The port in the name of the ear's socket.
pub(super) const PORT: u16 = 5432;

/// What a program that connects by libpq made of its surroundings.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// It did not try to connect.
    Refused(String),
    /// It went elsewhere: where, in libpq's words.
    Elsewhere(String),
    /// It came here.
    Here {
        user: Option<String>,
        database: Option<String>,
        options: Option<String>,
        password: Option<String>,
    },
}

pub(super) struct Ear {
    dir: TempDir,
    heard: Receiver<Heard>,
    psql: PathBuf,
}

impl Ear {
    pub(super) fn open(psql: &Path) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("ear: \\'%")
            .tempdir_in("/tmp")
            .unwrap();
        let listener = UnixListener::bind(dir.path().join(format!(".s.PGSQL.{PORT}"))).unwrap();
        let (sender, heard) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(&mut stream.unwrap(), &sender);
            }
        });
        Self {
            dir,
            heard,
            psql: psql.to_owned(),
        }
    }

    /// The directory to name as host.
    pub(super) fn host(&self) -> &str {
        self.dir.path().to_str().unwrap()
    }

    /// Runs psql with nothing in its environment but `variables`.
    pub(super) fn hear(&self, connection: &str, variables: &[(&str, String)]) -> Heard {
        let output = Command::new(&self.psql)
            .args(["-X", "-w", "-c", "", "-d", connection])
            .env_clear()
            .env("LC_ALL", "C.UTF-8")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let place = format!(
            "connection to server on socket \"{}/.s.PGSQL.{PORT}\" failed: ",
            self.host()
        );
        if said.contains(&place)
            && (said.contains("FATAL:  heard") || said.contains("no password supplied"))
        {
            return self.heard.recv().unwrap();
        }
        match said.split_once("connection to server ") {
            // This one is told late, as if the server had failed.
            Some((_, place)) if !place.contains("failed: invalid integer value") => {
                Heard::Elsewhere(place.lines().next().unwrap_or_default().to_owned())
            }
            _ => match said
                .split_once("could not translate host name ")
                .and_then(|(_, rest)| rest.split_once(" to address"))
            {
                Some((host, _)) => Heard::Elsewhere(format!("at {host}")),
                None => Heard::Refused(said),
            },
        }
    }
}

/// Takes the startup message, asks for the password in clear text, and declines.
fn answer(stream: &mut UnixStream, heard: &Sender<Heard>) {
    let Some(startup) = message(stream) else {
        return;
    };
    let mut words = startup
        .get(4..)
        .unwrap_or_default()
        .split(|byte| *byte == 0);
    let mut parameters = std::collections::HashMap::new();
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        parameters.insert(text(name), text(value));
    }
    // AuthenticationCleartextPassword
    stream.write_all(b"R\0\0\0\x08\0\0\0\x03").unwrap();
    let mut kind = [0];
    let password = match stream.read_exact(&mut kind) {
        Ok(()) => message(stream).map(|body| text(body.strip_suffix(b"\0").unwrap_or(&body))),
        Err(_) => None,
    };
    heard
        .send(Heard::Here {
            user: parameters.remove("user"),
            database: parameters.remove("database"),
            options: parameters.remove("options"),
            password,
        })
        .unwrap();
    let fields = b"SFATAL\0C28000\0Mheard\0\0";
    let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
    // psql may be gone already: it had no password to send.
    let _gone = stream.write_all(&[b"E", &length[..], fields].concat());
}

fn message(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut body = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap() - 4];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
