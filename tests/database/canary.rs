//! Passwords that are easy to recognize, and afterwards a look at every place where one could have been left.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use howdah::demo::cluster::{Cluster, ClusterOptions};
use howdah::model::connection::Endpoint;
use howdah::settings::{Environment, resolve};

use crate::certificates::chmod;
use crate::migrate::{fill, said};
use crate::support::{self, Pair};
use crate::terminal::{Terminal, surroundings};
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
    source: Cluster,
    destination: Cluster,
    home: tempfile::TempDir,
    /// All that was ever said.
    said: String,
}

impl Cage {
    async fn new(mark: &str) -> Self {
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
            let create = format!(
                "create role {USER} superuser login password '{}'",
                password.replace('\'', "''")
            );
            client.batch_execute(&create).await.unwrap();
            let escaped = password.replace('\\', "\\\\").replace(':', "\\:");
            passfile += &format!("*:{}:*:*:{escaped}\n", cluster.port());
        }
        fs::write(home.path().join(".pgpass"), passfile).unwrap();
        chmod(&home.path().join(".pgpass"), 0o600);
        Self {
            source,
            destination,
            home,
            said: String::new(),
        }
    }

    /// A database of this name on both servers, the source's filled: slow on the destination unless told otherwise.
    async fn pair(&self, name: &str) -> Pair {
        for cluster in [&self.source, &self.destination] {
            support::create_database(&cluster.socket_endpoint("postgres"), name).await;
        }
        let pair = Pair {
            source: self.source.socket_endpoint(name),
            destination: self.destination.socket_endpoint(name),
        };
        if name == "fdw" {
            fill(&pair.source).await;
        } else {
            support::execute_batch(&pair.source, SLOW).await;
        }
        pair
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

    fn howdah(&self, command: &str, name: &str, more: &[&str]) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_howdah"));
        program
            .arg(command)
            .args(self.ends(name))
            .args(more)
            .args(["--log", "howdah.log"])
            .envs(surroundings(self.home.path()))
            .current_dir(self.home.path());
        program
    }

    fn ran(&mut self, command: &str, name: &str, more: &[&str], code: i32) -> Output {
        let output = self.howdah(command, name, more).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{command} {more:?}: {}",
            said(&output)
        );
        self.said += &said(&output);
        output
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

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_nowhere_after_runs_of_every_kind() {
    let mut cage = Cage::new("runs").await;
    let mut databases = Vec::new();
    for method in ["copy", "fdw"] {
        databases.push(method);
        let pair = cage.pair(method).await;
        let fast = format!("alter database {method} set app.fast = 'on'");
        support::execute_batch(&pair.destination, &fast).await;
        let by = ["--method", method, "--jobs", "2"];
        let report = format!("{method}.md");
        let checked = [&by[..], &["--json"]].concat();
        let run = [
            &by[..],
            &["--yes", "--verify", "checksums", "--report", &report],
        ]
        .concat();
        cage.ran("plan", method, &by, 0);
        for file in [&["--out"][..], &["--script", "--out"]] {
            let name = format!("{method}{}", file.len());
            cage.ran("plan", method, &[&by[..], file, &[&name]].concat(), 0);
        }
        cage.ran("check", method, &checked, 0);
        cage.ran("run", method, &run, 0);
        cage.ran("verify", method, &["--json", "--report", "verify.json"], 0);
        // Refused in the middle by the destination.
        let failing = if method == "copy" {
            "copy_fails"
        } else {
            "fdw_fails"
        };
        databases.push(failing);
        let pair = cage.pair(failing).await;
        let fast = format!("alter database {failing} set app.fast = 'on'");
        support::execute_batch(&pair.destination, &fast).await;
        let refuse = "create function no() returns event_trigger language plpgsql as $$ begin raise 'not here'; end $$;
            create event trigger no on ddl_command_start when tag in ('ALTER TABLE', 'DROP SERVER') execute function no()";
        support::execute_batch(&pair.destination, refuse).await;
        let report = format!("{failing}.json");
        cage.ran(
            "run",
            failing,
            &[
                &by[..],
                &[
                    "--yes",
                    "--json",
                    "--on-existing",
                    "append",
                    "--report",
                    &report,
                ],
            ]
            .concat(),
            1,
        );
    }
    // Refused at the door, with a password of its own, or before.
    let place = format!("127.0.0.1:{}", cage.source.port());
    for source in [
        format!("postgres://{USER}:wrong-{CANARY}@{place}/copy"),
        format!("postgres://{USER}:{CANARY}@{place}/copy?sslmode=verify-full"),
        format!("postgres://{USER}:{CANARY}@{place}/nowhere"),
        format!("postgres://x:{CANARY}/y%zz@{place}/copy"),
        format!("host=127.0.0.1 password=my {CANARY} user=x"),
    ] {
        let ends = [
            "check",
            "--source",
            &source,
            "--destination",
            &cage.ends("copy")[3],
        ];
        let mut program = Command::new(env!("CARGO_BIN_EXE_howdah"));
        let output = program
            .args(ends)
            .envs(surroundings(cage.home.path()))
            .output()
            .unwrap();
        assert!(
            matches!(output.status.code(), Some(1 | 2)),
            "{}",
            said(&output)
        );
        cage.said += &said(&output);
        match resolve(Some(&source), &Environment::default()) {
            Ok(endpoint) => {
                cage.said += &format!("{endpoint:?} {endpoint:#?} {}", endpoint.label());
            }
            Err(problem) => cage.said += &format!("{problem:?} {problem}"),
        }
    }
    assert_eq!(cage.places(&databases).await, Vec::<String>::new());
    for report in [
        "copy.md",
        "fdw.md",
        "verify.json",
        "copy_fails.json",
        "fdw_fails.json",
        "copy1",
        "fdw2",
    ] {
        assert!(cage.home.path().join(report).exists(), "{report}");
    }
    let log = fs::read_to_string(cage.home.path().join("howdah.log")).unwrap();
    for line in [
        "begin: Copy the rows of",
        "done: Pull the rows of",
        "failed: ",
    ] {
        assert!(log.contains(line), "{line} in {log}");
    }

    // What is planted is found: in words, a file, a log, a catalog.
    cage.said += &password("x", "");
    fs::write(cage.home.path().join("planted"), password("x", "")).unwrap();
    let plant = format!(
        "create extension postgres_fdw; create server s foreign data wrapper postgres_fdw;
        create user mapping for current_user server s options (password '{CANARY}')"
    );
    support::execute_batch(&cage.destination.socket_endpoint("copy"), &plant).await;
    let found = cage.places(&["copy"]).await.join("\n");
    for place in [
        "what was said",
        "planted",
        "the log of the destination",
        "pg_user_mapping of copy",
        "pg_stat_statements of postgres",
    ] {
        assert!(found.contains(place), "{place}: {found}");
    }
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
    }
    assert_eq!(cage.places(&["killed"]).await, Vec::<String>::new());
}

/// Passwords that are typed, one of them wrong at first, and every byte that the terminal got.
#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_nowhere_after_the_wizard() {
    let mut cage = Cage::new("typed").await;
    let pair = cage.pair("wizard").await;
    let fast = "alter database wizard set app.fast = 'on'";
    support::execute_batch(&pair.destination, fast).await;
    // Only the destination's is known; the source's is to be typed.
    let passfile = cage.home.path().join(".pgpass");
    let known = fs::read_to_string(&passfile).unwrap();
    fs::write(&passfile, known.lines().last().unwrap()).unwrap();
    let ends = cage.ends("wizard");
    let ends: Vec<&str> = ends.iter().map(String::as_str).collect();
    let mut terminal = Terminal::start_at(&ends, Some(cage.home.path()), 120, 40);
    terminal.wait("Source · read only");
    terminal.press("\r");
    terminal.wait("asks for a password");
    // From the URI to the password.
    terminal.press("\t\t\t\t\t");
    terminal.press(&format!("wrong {CANARY}"));
    terminal.press("\r");
    terminal.wait("assword authentication failed");
    terminal.press("\u{15}");
    terminal.press(&password("source", "typed"));
    terminal.press("\r");
    terminal.wait("Both connections work");
    terminal.press("\r");
    terminal.wait_until_checked();
    terminal.press("\r");
    terminal.wait("Tables ");
    terminal.press("\r");
    terminal.wait("The source is only read.");
    terminal.press("M");
    terminal.wait("by FDW");
    for (to_its_button, wrote) in [("", ".sh"), ("\x1b[C", ".toml"), ("\x1b[C\x1b[C", ".sql")] {
        terminal.press("w");
        terminal.wait("Write the plan to a file?");
        terminal.press(&format!("{to_its_button}\r"));
        terminal.wait(wrote);
    }
    println!("{}", terminal.screen());
    terminal.press("\r");
    terminal.wait_until("the question", |screen| {
        screen.contains("Start the run?") || screen.contains("╭ 18 fine ─")
    });
    if !terminal.screen().contains("Start the run?") {
        terminal.press("\r");
        terminal.wait("The source is only read.");
        terminal.press("\r");
        terminal.wait("Start the run?");
    }
    terminal.press("\r");
    terminal.wait("Enter shows the report");
    terminal.press("\r");
    terminal.wait("The copy equals the original");
    terminal.press("w");
    terminal.wait("howdah-report-");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
    cage.said += &terminal.everything();
    assert_eq!(cage.places(&["wizard"]).await, Vec::<String>::new());
}
