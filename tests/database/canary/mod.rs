//! Passwords that are easy to recognize, and afterwards a look at every place where one could have been left.

mod runs;
mod wizard;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use howdah::demo::cluster::{Cluster, ClusterOptions};
use howdah::model::connection::{Endpoint, Secret};

use crate::certificates::chmod;
use crate::migrate::{fill, said};
use crate::support::role::is_owner;
use crate::support::{self, Pair};
use crate::terminal::surroundings;
use crate::trust::{SLOW, scaffold};

/// What every password here has in its middle, beside what must be escaped.
const CANARY: &str = "c4n4ry7q";
const USER: &str = "keeper";

/// `mark` tells one test's from another's, which may run at the same time.
fn password(side: &str, mark: &str) -> String {
    format!("{side}'s \\{CANARY}{mark}%: \"it\"")
}

/// Two servers that write down whatever they can, and a home for howdah.
struct Cage {
    mark: &'static str,
    source: Cluster,
    destination: Cluster,
    home: tempfile::TempDir,
    /// All that was ever said.
    said: String,
}

impl Cage {
    async fn new(mark: &'static str) -> Self {
        let cluster = || {
            let settings = [
                ("log_min_duration_statement", "0"),
                ("log_min_duration_sample", "0"),
                ("log_statement_sample_rate", "1"),
                ("log_transaction_sample_rate", "1"),
                ("log_min_error_statement", "debug5"),
                ("log_error_verbosity", "verbose"),
                ("log_connections", "on"),
                ("shared_preload_libraries", "pg_stat_statements"),
                ("track_activity_query_size", "10000"),
            ];
            let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let options = ClusterOptions {
                log_statement: Some("all".to_owned()),
                settings: settings.into(),
            };
            Cluster::start(&support::binaries(), &options)
                .unwrap_or_else(|problem| panic!("{problem}"))
        };
        let (source, destination) = (cluster(), cluster());
        let home = tempfile::tempdir().unwrap();
        let mut passfile = String::new();
        for (cluster, side) in [(&source, "source"), (&destination, "destination")] {
            let password = password(side, mark);
            let create =
                "create extension pg_stat_statements; set log_statement = none; set log_min_duration_statement = -1;
                 set log_min_duration_sample = -1; set log_transaction_sample_rate = 0; set pg_stat_statements.track_utility = off";
            let client = support::connect(&cluster.socket_endpoint("postgres")).await;
            client.batch_execute(create).await.unwrap();
            let powers = if is_owner() { "createdb" } else { "superuser" };
            let create = format!(
                "create role {USER} {powers} login password '{}'",
                password.replace('\'', "''")
            );
            client.batch_execute(&create).await.unwrap();
            if is_owner() {
                // What the check of FDW tells to grant.
                let grant = format!(
                    "grant set on parameter log_statement, log_min_duration_statement, log_min_duration_sample, log_transaction_sample_rate,
                     log_min_error_statement, track_activities, pg_stat_statements.track_utility to {USER}"
                );
                client.batch_execute(&grant).await.unwrap();
            }
            let escaped = password.replace('\\', "\\\\").replace(':', "\\:");
            passfile += &format!("*:{}:*:*:{escaped}\n", cluster.port());
        }
        fs::write(home.path().join(".pgpass"), passfile).unwrap();
        chmod(&home.path().join(".pgpass"), 0o600);
        Self {
            mark,
            source,
            destination,
            home,
            said: String::new(),
        }
    }

    /// A database of this name on both servers, as their superuser; the source's filled: slow on the destination unless told otherwise.
    async fn pair(&self, name: &str) -> Pair {
        for cluster in [&self.source, &self.destination] {
            support::create_database(&cluster.socket_endpoint("postgres"), name).await;
        }
        let pair = Pair {
            source: self.source.socket_endpoint(name),
            destination: self.destination.socket_endpoint(name),
        };
        let mut filler = pair.source.clone();
        if is_owner() {
            for end in [&pair.source, &pair.destination] {
                let own = format!("alter database {name} owner to {USER}");
                support::execute_batch(end, &own).await;
            }
            self.provide_fdw(&pair).await;
            filler = self.source.endpoint(name);
            filler.user = USER.to_owned();
            filler.password = Some(Secret::new(password("source", self.mark)));
        }
        if name == "fdw" {
            fill(&filler).await;
        } else {
            support::execute_batch(&filler, SLOW).await;
        }
        // Only who is to be killed among them needs many.
        if !["fdw", "killed"].contains(&name) {
            let fewer = "delete from slow_rows where n::int > 50";
            support::execute_batch(&filler, fewer).await;
        }
        pair
    }

    /// What an owner may not install.
    async fn provide_fdw(&self, pair: &Pair) {
        let provide = format!(
            "create extension postgres_fdw; grant usage on foreign data wrapper postgres_fdw to {USER}"
        );
        support::execute_batch(&pair.destination, &provide).await;
    }

    fn ends(&self, name: &str) -> [String; 4] {
        let uri =
            |cluster: &Cluster| format!("postgres://{USER}@127.0.0.1:{}/{name}", cluster.port());
        [
            "--source".to_owned(),
            uri(&self.source),
            "--destination".to_owned(),
            uri(&self.destination),
        ]
    }

    /// The same as somebody writes them who knows no password file.
    fn ends_with_passwords(&self, name: &str) -> [String; 4] {
        let encoded = |side: &str| -> String {
            let bytes = password(side, self.mark).into_bytes().into_iter();
            // The middle stays as it is, or nobody would find it.
            bytes
                .map(|byte| match char::from(byte) {
                    c if c.is_ascii_alphanumeric() => c.to_string(),
                    _ => format!("%{byte:02X}"),
                })
                .collect()
        };
        let mut ends = self.ends(name);
        for (at, side) in [(1, "source"), (3, "destination")] {
            ends[at] = ends[at].replace('@', &format!(":{}@", encoded(side)));
        }
        ends
    }

    fn howdah(&self, command: &str, name: &str, more: &[&str]) -> Command {
        self.howdah_at(command, &self.ends(name), more)
    }

    fn howdah_at(&self, command: &str, ends: &[String], more: &[&str]) -> Command {
        let mut program = self.at_home(env!("CARGO_BIN_EXE_howdah"));
        program
            .arg(command)
            .args(ends)
            .args(more)
            .args(["--log", "howdah.log"]);
        program
    }

    fn at_home(&self, program: &str) -> Command {
        let mut program = Command::new(program);
        program
            .envs(surroundings(self.home.path()))
            .current_dir(self.home.path());
        program
    }

    fn ran(&mut self, command: &str, name: &str, more: &[&str], code: i32) {
        let program = self.howdah(command, name, more);
        self.keeps(program, code);
    }

    /// Runs it to this exit code, and keeps what it says.
    fn keeps(&mut self, mut program: Command, code: i32) {
        let output = program.output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{:?}: {}",
            program.get_args().collect::<Vec<_>>(),
            said(&output)
        );
        self.said += &said(&output);
    }

    /// Every place that knows the canary, by what it is.
    async fn places(&self, databases: &[&str]) -> Vec<String> {
        let mut places = Vec::new();
        if self.said.contains(CANARY) {
            places.push("what was said".to_owned());
        }
        places.extend(files_with(self.home.path(), CANARY));
        for (cluster, side) in [(&self.source, "source"), (&self.destination, "destination")] {
            let log = fs::read(cluster.log_path()).unwrap();
            assert!(
                log.len() > 10_000,
                "the {side} has logged {} bytes",
                log.len()
            );
            if has(&log, CANARY) {
                let line = String::from_utf8_lossy(&log);
                let line = line
                    .lines()
                    .find(|line| line.contains(CANARY))
                    .unwrap_or_default();
                places.push(format!("the log of the {side}: {line}"));
            }
            for database in databases.iter().chain(&["postgres"]) {
                let found = catalogs_with(&cluster.socket_endpoint(database)).await;
                places.extend(
                    found
                        .into_iter()
                        .map(|name| format!("{name} of {database} on the {side}")),
                );
            }
        }
        places
    }
}

fn has(bytes: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(text)
}

/// Files below a directory; the password file is where the passwords come from.
fn files_with(dir: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_with(&path, text));
        } else if entry.file_name() != ".pgpass" && has(&fs::read(&path).unwrap(), text) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// Tables and views, the catalogs' and all others, with a row that has the canary in any column.
async fn catalogs_with(endpoint: &Endpoint) -> Vec<String> {
    let client = support::connect(endpoint).await;
    let question = "select format('select %L where exists (select from %s x where x::text like ''%%'' || ''c4n4ry'' || ''7q%%'')', r, r)
        from (select c.oid::regclass::text as r from pg_class c join pg_namespace n on n.oid = relnamespace where relkind = 'r' or
        relname in ('pg_stat_activity', 'pg_stat_statements', 'pg_user_mappings', 'pg_prepared_statements')) s where r <> 'slow_rows'";
    let questions: Vec<String> = support::rows(&client, question)
        .await
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    assert!(questions.len() > 60, "{questions:?}");
    support::rows(&client, &questions.join(" union all "))
        .await
        .into_iter()
        .flatten()
        .flatten()
        .collect()
}

/// Every process of the machine whose arguments or variables have the canary: its program's name and which of the two.
#[cfg(target_os = "linux")]
fn processes_with(text: &str) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let read = |file: &str| fs::read(entry.path().join(file)).unwrap_or_default();
        for file in ["cmdline", "environ"] {
            if has(&read(file), text) {
                let name = String::from_utf8_lossy(&read("comm")).trim().to_owned();
                found.push((name, file));
            }
        }
    }
    found
}

#[cfg(not(target_os = "linux"))]
fn processes_with(_text: &str) -> Vec<(String, &'static str)> {
    vec![("pg_dump".to_owned(), "environ")]
}

async fn wait_for(endpoint: &Endpoint, question: &str) {
    let began = Instant::now();
    while support::query_text(endpoint, question).await == "0" {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "never: {question}"
        );
        tokio::task::yield_now().await;
    }
}

/// Killed while pg_dump reads, and while the destination pulls rows: what others could see meanwhile, and what is left.
#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_nowhere_while_and_after_a_run_that_is_killed() {
    let cage = Cage::new("killed").await;
    let pair = cage.pair("killed").await;
    for (method, in_the_dump) in [("copy", true), ("copy", false), ("fdw", false)] {
        // Nobody but pg_dump reads this one, and waits.
        let lock = support::connect(&pair.source).await;
        if in_the_dump {
            lock.batch_execute("begin; lock table pg_catalog.pg_ts_dict")
                .await
                .unwrap();
        }
        let log = fs::File::create(cage.home.path().join(format!("{method}.log"))).unwrap();
        let mut run = cage
            .howdah("run", "killed", &["--yes", "--method", method])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let waits = if in_the_dump {
            let dumps = "select count(*) from pg_stat_activity where application_name = 'howdah schema' and wait_event_type = 'Lock'";
            wait_for(&pair.source, dumps).await;
            // libpq's documented way, readable for the same user and root alone.
            vec![("pg_dump".to_owned(), "environ")]
        } else {
            let pulls = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'";
            wait_for(&pair.destination, pulls).await;
            Vec::new()
        };
        assert_eq!(
            processes_with(&format!("{CANARY}killed")),
            waits,
            "{method}"
        );
        if !in_the_dump {
            // Nobody else sees what its transaction made.
            assert_eq!(catalogs_with(&pair.destination).await, Vec::<String>::new());
        }
        run.kill().unwrap();
        run.wait().unwrap();
        drop(lock);
        for side in [&pair.source, &pair.destination] {
            let end = "select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'howdah%') x";
            support::query_text(side, end).await;
            let gone = "select (count(*) = 0)::int from pg_stat_activity where application_name like 'howdah%'";
            wait_for(side, gone).await;
        }
        let left = scaffold(&pair.destination).await;
        assert!(!left.contains("howdah_source"), "{left}");
        let clean = "drop schema if exists howdah cascade; drop schema public cascade; create schema public; drop extension if exists postgres_fdw";
        support::execute_batch(&pair.destination, clean).await;
        if is_owner() {
            let own = format!("alter schema public owner to {USER}");
            support::execute_batch(&pair.destination, &own).await;
            cage.provide_fdw(&pair).await;
        }
    }
    assert_eq!(cage.places(&["killed"]).await, Vec::<String>::new());
}
