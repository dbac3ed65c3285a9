//! The schema, by `pg_dump`'s own archive: makes it, has `pg_restore` print it, cuts it into entries.
//!
//! No other code knows how to write the definition of a user's object. Passwords go by the child's environment, never
//! by its arguments.

pub mod split;

use std::ffi::OsString;
use std::fs::File;
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{BufRead, BufReader, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::model::archive::{Archive, Entry};
use crate::model::connection::{Endpoint, Silence};
use crate::model::problem::Problem;

use super::client_tools::ClientTools;
use split::Flaw;

/// The version of libpq that brought `tcp_user_timeout`.
const KNOWS_USER_TIMEOUT: u32 = 12;

/// Dumps the schema of `endpoint`'s database, inside `snapshot` if one is given.
pub async fn dump(
    tools: &ClientTools,
    endpoint: &Endpoint,
    snapshot: Option<&str>,
) -> Result<Archive, Problem> {
    let dir = directory()?;
    let file = write(tools, endpoint, snapshot, Waits::Forever, dir.path()).await?;
    let (mut entries, digest) = read(tools, &file, Vec::new(), Vec::push).await?;
    entries.shrink_to_fit();
    Ok(Archive {
        client_version: tools.version.clone(),
        client_directory: tools.directory.clone(),
        digest,
        entries,
    })
}

/// Dumps the schema, and shows each entry to `see`: none is kept that it does not keep.
pub async fn look<T: Send + 'static>(
    tools: &ClientTools,
    endpoint: &Endpoint,
    seen: T,
    see: fn(&mut T, Entry),
) -> Result<T, Problem> {
    let dir = directory()?;
    let file = write(tools, endpoint, None, Waits::Forever, dir.path()).await?;
    read(tools, &file, seen, see).await.map(|(seen, _)| seen)
}

/// What [`Archive::digest`] would be of the schema as `snapshot` shows it.
pub async fn digest(
    tools: &ClientTools,
    endpoint: &Endpoint,
    snapshot: &str,
) -> Result<u64, Problem> {
    let dir = directory()?;
    let waits = Waits::Briefly;
    let file = write(tools, endpoint, Some(snapshot), waits, dir.path()).await?;
    let printed = print(tools, &file, "with-owner", &["--verbose"]).await?;
    apart(move || digest_of(open(&printed)?)).await
}

/// Has pg_restore print an archive, and goes through it entry by entry. Returns the text's digest, too.
async fn read<T: Send + 'static>(
    tools: &ClientTools,
    archive: &Path,
    mut seen: T,
    see: fn(&mut T, Entry),
) -> Result<(T, u64), Problem> {
    let (list, post_data_list, with_owner, bare) = tokio::try_join!(
        print(tools, archive, "list", &["--list"]),
        print(
            tools,
            archive,
            "post-data",
            &["--list", "--section=post-data"]
        ),
        print(tools, archive, "with-owner", &["--verbose"]),
        print(tools, archive, "bare", &["--verbose", "--no-owner"]),
    )?;
    let program = tools.pg_restore();
    apart(move || {
        let flawed = |flaw| match flaw {
            Flaw::Unread(error) => unread(&error),
            Flaw::Unfit(reason) => Problem::new(UNREAD, reason).hint(format!(
                "{} printed something unexpected. Try another version of the PostgreSQL client programs.",
                program.display()
            )),
        };
        let digest = digest_of(open(&with_owner)?)?;
        let (with_owner, bare) = (open(&with_owner)?, open(&bare)?);
        let (list, post_data_list) = (open(&list)?, open(&post_data_list)?);
        let entries = split::Entries::new(list, post_data_list, with_owner, bare);
        for entry in entries.map_err(flawed)? {
            see(&mut seen, entry.map_err(flawed)?);
        }
        Ok((seen, digest))
    })
    .await
}

/// Reads files and text where nobody waits for it.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Problem::new(UNREAD, error.to_string()))?
}

fn open(file: &Path) -> Result<BufReader<File>, Problem> {
    File::open(file).map(BufReader::new).or_unread()
}

fn unread(error: &std::io::Error) -> Problem {
    let problem = Problem::new(UNREAD, error.to_string());
    if error.kind() == std::io::ErrorKind::InvalidData {
        problem.hint(OTHER_BYTES)
    } else {
        problem
    }
}

/// The text, or why there is none.
trait OrUnread<T> {
    fn or_unread(self) -> Result<T, Problem>;
}

impl<T> OrUnread<T> for std::io::Result<T> {
    fn or_unread(self) -> Result<T, Problem> {
        self.map_err(|error| unread(&error))
    }
}

fn digest_of(mut text: impl BufRead) -> Result<u64, Problem> {
    let (mut digest, mut line) = (Digest::default(), Vec::new());
    while text.read_until(b'\n', &mut line).or_unread()? > 0 {
        digest.line(&line);
        line.clear();
    }
    Ok(digest.finish())
}

const UNREAD: &str = "Could not read the schema archive";
const OTHER_BYTES: &str =
    "Convert the source to UTF8, or give the object that holds other bytes another name.";

/// Of what pg_restore prints, but for what is of the moment or of the archive alone: not of what stands like that in a user's text.
#[derive(Default)]
struct Digest {
    hasher: DefaultHasher,
    /// Between a line `--` and the next that is no comment.
    is_in_comment: bool,
    has_entries: bool,
    /// Lines that end the whole text, unless entries follow.
    closing: Vec<u8>,
}

/// In the header of an entry.
const NUMBERS: [&[u8]; 3] = [b"-- TOC entry ", b"-- Dependencies: ", b"-- Data Pos: "];
/// Before the first entry: times, versions of programs, and the word that newer ones guard the text with.
const OF_THE_MOMENT: [&[u8]; 3] = [b"-- Started on ", b"-- Dumped ", b"\\restrict "];
/// After the last one.
const CLOSING: [&[u8]; 2] = [b"-- Completed on ", b"\\unrestrict "];

impl Digest {
    fn line(&mut self, line: &[u8]) {
        let begins = |list: &[&[u8]]| list.iter().any(|begin| line.starts_with(begin));
        if self.is_in_comment && begins(&NUMBERS) {
            self.has_entries = true;
            self.hasher.write(&std::mem::take(&mut self.closing));
        } else if begins(&CLOSING) {
            self.closing.extend(line);
        } else if self.has_entries || !begins(&OF_THE_MOMENT) {
            self.hasher.write(line);
        }
        self.is_in_comment = line == b"--\n" || (self.is_in_comment && line.starts_with(b"-- "));
    }

    fn finish(&self) -> u64 {
        self.hasher.finish()
    }
}

fn directory() -> Result<tempfile::TempDir, Problem> {
    let made = tempfile::Builder::new().prefix("howdah-").tempdir();
    made.map_err(|error| {
        Problem::new(
            "Could not make a temporary directory for the schema archive",
            error.to_string(),
        )
        .hint("Set TMPDIR to a directory you may write to.")
    })
}

/// For how long pg_dump waits for a table that somebody has locked.
#[derive(Clone, Copy)]
enum Waits {
    Forever,
    /// Where it may be this very run that others wait for, and pg_dump for them: no server sees that ring.
    Briefly,
}

const LOCK_WAIT: &str = "--lock-wait-timeout=20s";

/// Has pg_dump write the archive.
async fn write(
    tools: &ClientTools,
    endpoint: &Endpoint,
    snapshot: Option<&str>,
    waits: Waits,
    directory: &Path,
) -> Result<PathBuf, Problem> {
    let file = directory.join("schema.dump");
    let pinned = with_options(endpoint, PINNED);
    match write_archive(tools, &pinned, snapshot, waits, &file).await {
        // A pooler between does not let them through; then the role has to be as it should.
        Err(problem) if is_about_options(&problem) => {
            write_archive(tools, endpoint, snapshot, waits, &file).await?;
        }
        written => written?,
    }
    Ok(file)
}

/// What the server writes into definitions by a setting of the role or the database, and pg_dump leaves as it is: two servers
/// would be told to differ where they do not. And howdah's sessions, and its own reading of SQL, take a backslash for itself.
const PINNED: &str =
    "-c bytea_output=hex -c quote_all_identifiers=off -c standard_conforming_strings=on";

/// These after the user's own.
fn with_options(endpoint: &Endpoint, more: &str) -> Endpoint {
    let options = endpoint.options.as_deref().unwrap_or_default();
    Endpoint {
        options: Some(format!("{options} {more}").trim_start().to_owned()),
        ..endpoint.clone()
    }
}

/// `unsupported startup parameter`, in a pooler's words.
fn is_about_options(problem: &Problem) -> bool {
    let said = [Some(&problem.message), problem.detail.as_ref()];
    let mut said = said.into_iter().flatten();
    said.any(|text| text.contains("startup parameter"))
}

async fn write_archive(
    tools: &ClientTools,
    endpoint: &Endpoint,
    snapshot: Option<&str>,
    waits: Waits,
    file: &Path,
) -> Result<(), Problem> {
    let mut command = Command::new(tools.pg_dump());
    command.args([
        "--format=custom",
        "--schema-only",
        "--encoding=UTF8",
        "--no-sync",
        "--file",
    ]);
    command.arg(file);
    if let Some(snapshot) = snapshot {
        command.arg(format!("--snapshot={snapshot}"));
    }
    if matches!(waits, Waits::Briefly) {
        command.arg(LOCK_WAIT);
    }
    connect_by_environment(&mut command, endpoint);
    command.arg(format!(
        "--dbname={}",
        watching(endpoint.silence, tools.major)
    ));
    let what = "Could not dump the schema with pg_dump";
    run(&mut command, what).await
}

/// What pg_restore says of an archive, in a file beside it.
async fn print(
    tools: &ClientTools,
    archive: &Path,
    name: &str,
    arguments: &[&str],
) -> Result<PathBuf, Problem> {
    let file = archive.with_file_name(name);
    let mut to_file = OsString::from("--file=");
    to_file.push(&file);
    let mut command = Command::new(tools.pg_restore());
    command.args(arguments).arg(to_file).arg(archive);
    run(&mut command, UNREAD).await?;
    Ok(file)
}

async fn run(command: &mut Command, what: &str) -> Result<(), Problem> {
    let program = command
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned();
    let failed = |words: &str, error: std::io::Error| {
        Problem::new(what, format!("{program} {words}: {error}"))
    };
    // It names every object of a large schema there, and is asked for it only where it fails.
    let mut told = tempfile::tempfile().map_err(|error| failed("has nowhere to say why", error))?;
    let hears = told.try_clone();
    let ended = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(hears.map_err(|error| failed("has nowhere to say why", error))?)
        .env("LC_ALL", "C")
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed("could not be started", error))?
        .wait()
        .await
        .map_err(|error| failed("was lost", error))?;
    if ended.success() {
        return Ok(());
    }
    let mut said = Vec::new();
    told.rewind()
        .and_then(|()| told.read_to_end(&mut said))
        .map_err(|error| failed("failed, and what it said is lost", error))?;
    let said = String::from_utf8_lossy(&said);
    let said: Vec<&str> = said
        .lines()
        .map(|line| {
            line.trim_start_matches("pg_dump: ")
                .trim_start_matches("pg_restore: ")
        })
        .filter(|line| !line.trim().is_empty())
        .collect();
    let mut problem = Problem::new(
        what,
        said.first()
            .copied()
            .unwrap_or("it failed without a message"),
    );
    problem.detail = (said.len() > 1).then(|| said[1..].join("\n"));
    Err(problem)
}

/// What libpq takes from no variable: when a source that says nothing is taken for gone.
fn watching(silence: Silence, major: u32) -> String {
    let parameters = silence.parameters();
    let known =
        parameters.filter(|(name, _)| *name != "tcp_user_timeout" || major >= KNOWS_USER_TIMEOUT);
    let words: Vec<String> = known
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    words.join(" ")
}

/// libpq takes all of it from the environment; nothing of howdah's own environment may interfere.
fn connect_by_environment(command: &mut Command, endpoint: &Endpoint) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command
        .env("PGHOST", &endpoint.host)
        .env("PGPORT", endpoint.port.to_string())
        .env("PGDATABASE", &endpoint.database)
        .env("PGUSER", &endpoint.user)
        .env("PGAPPNAME", "howdah schema")
        // Defaults of dates are printed in the session's time zone, which a database may have a setting of its own for.
        .env("PGTZ", "UTC")
        .env("PGSSLMODE", endpoint.tls.mode.keyword())
        .env(
            "PGCONNECT_TIMEOUT",
            endpoint.connect_timeout_secs.to_string(),
        );
    if let Some(password) = &endpoint.password {
        command.env("PGPASSWORD", password.expose());
    }
    for (name, path) in [
        ("PGSSLROOTCERT", &endpoint.tls.root_cert),
        ("PGSSLCERT", &endpoint.tls.client_cert),
        ("PGSSLKEY", &endpoint.tls.client_key),
    ] {
        if let Some(path) = path {
            command.env(name, path);
        }
    }
    if endpoint.tls.requires_channel_binding {
        command.env("PGCHANNELBINDING", "require");
    }
    if let Some(options) = &endpoint.options {
        command.env("PGOPTIONS", options);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_user_has_written_is_digested() {
        let of = |text: &str| digest_of(text.as_bytes()).unwrap();
        let printed = |time: &str, id: u32, body: &str| {
            format!(
                "--\n-- PostgreSQL database dump\n--\n\n\\restrict x{id}\n\n-- Dumped from database version 15.{id}\n-- Started on {time}\n\nSET a = 1;\n\n\
                 --\n-- TOC entry {id} (class 1255 OID 7)\n-- Dependencies: {id} 3\n-- Name: f(); Type: FUNCTION; Schema: public; Owner: me\n--\n\n\
                 CREATE FUNCTION public.f() AS $$\n{body}\n$$;\n\n\n\
                 --\n-- TOC entry 9{id} (class 1255 OID 8)\n-- Name: g(); Type: FUNCTION; Schema: public; Owner: me\n--\n\nCREATE FUNCTION public.g() AS 'x';\n\n\n\
                 -- Completed on {time}\n\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict x{id}\n"
            )
        };
        assert_eq!(of(&printed("now", 1, "x")), of(&printed("later", 2, "x")));
        let empty = |time: &str| {
            format!(
                "--\n-- PostgreSQL database dump\n--\n\n-- Started on {time}\n\nSET a = 1;\n\n-- Completed on {time}\n\n--\n"
            )
        };
        assert_eq!(of(&empty("now")), of(&empty("later")));
        // Also where it looks like what is left out.
        let bodies = [
            "x",
            "-- Started on a",
            "-- Started on b",
            "-- Dumped by a",
            "-- Dependencies: 1",
            "-- Completed on a",
            "-- Completed on b",
            "\\restrict a",
            "\\unrestrict a",
        ];
        let digests: std::collections::BTreeSet<u64> = bodies
            .iter()
            .map(|body| of(&printed("now", 1, body)))
            .collect();
        assert_eq!(digests.len(), bodies.len());
    }

    #[test]
    fn a_source_that_falls_silent_is_noticed_by_pg_dump_too() {
        let watched = "keepalives_idle=60 keepalives_interval=10 keepalives_count=6";
        assert_eq!(watching(Silence::default(), 11), watched);
        assert_eq!(
            watching(Silence::default(), 12),
            format!("{watched} tcp_user_timeout=120000")
        );
        let unwatched = Silence {
            keepalives: false,
            user_timeout_ms: 0,
            ..Silence::default()
        };
        assert_eq!(watching(unwatched, 12), "keepalives=0");
    }
}
