//! What may pass by itself before there is a plan is waited for, and told; what must be mended is told at once.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use howdah::demo::cluster::Cluster;
use howdah::model::connection::{Endpoint, Secret};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::migrate::{howdah, said};
use crate::support::{self, Pair};

const AGAIN: &str = "again tried again (2)";

/// A command at work; its words are read as they come.
struct Patient {
    child: Child,
    words: BufReader<std::process::ChildStderr>,
    text: String,
}

impl Patient {
    fn begin(command: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_howdah"))
            .arg(command)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let words = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            words,
            text: String::new(),
        }
    }

    /// Reads on until it has said this.
    #[track_caller]
    fn hear(&mut self, wanted: &str) {
        while !self.text.contains(wanted) {
            let read = self.words.read_line(&mut self.text).unwrap();
            assert!(read > 0, "it ended without {wanted:?}: {}", self.text);
        }
    }

    #[track_caller]
    fn ends_with(mut self, code: i32) -> String {
        self.words.read_to_string(&mut self.text).unwrap();
        let ended = self.child.wait().unwrap();
        assert_eq!(ended.code(), Some(code), "{}", self.text);
        self.text
    }
}

fn ends(pair: &Pair) -> [String; 2] {
    [support::uri(&pair.source), support::uri(&pair.destination)]
}

/// An ordinary role for the source, of which places can be taken away.
async fn limited(pair: &Pair) -> Pair {
    let user = format!("limited_{}", pair.source.database);
    let admin = support::role::superuser(&pair.source);
    let make = format!("create role {user} login password 'plain'");
    support::execute_batch(&admin, &make).await;
    Pair {
        source: Endpoint {
            user,
            password: Some(Secret::new("plain".to_owned())),
            ..pair.source.clone()
        },
        destination: pair.destination.clone(),
    }
}

async fn limit(pair: &Pair, places: i32) {
    let sql = format!("alter role {} connection limit {places}", pair.source.user);
    support::execute_batch(&support::role::superuser(&pair.source), &sql).await;
}

#[tokio::test]
async fn a_free_place_for_a_session_is_waited_for() {
    let pair = limited(&support::databases("full").await).await;
    let [source, destination] = ends(&pair);
    let arguments = ["--source", &source, "--destination", &destination];
    for command in ["check", "plan", "verify"] {
        limit(&pair, 0).await;
        let mut patient = Patient::begin(command, &arguments);
        patient.hear(AGAIN);
        assert!(patient.text.contains("SQLSTATE 53300"), "{}", patient.text);
        limit(&pair, -1).await;
        patient.ends_with(0);
    }
    // And given up on a signal, like anything else.
    limit(&pair, 0).await;
    let mut patient = Patient::begin("check", &arguments);
    patient.hear(AGAIN);
    let pid = i32::try_from(patient.child.id()).unwrap();
    kill(Pid::from_raw(pid), Signal::SIGINT).unwrap();
    let ended = patient.child.wait().unwrap();
    assert!(!ended.success(), "{ended:?}");
}

/// A standby that does not let anybody in answers as a server does that is starting.
#[tokio::test]
async fn a_server_that_starts_is_waited_for() {
    let mut server = support::cluster();
    let pair = support::databases_on(&server, &support::servers().destination, "starting").await;
    support::execute_batch(&pair.source, "create table t (n int)").await;
    close(&mut server);
    let [source, destination] = ends(&pair);
    let mut patient = Patient::begin(
        "check",
        &["--source", &source, "--destination", &destination],
    );
    patient.hear(AGAIN);
    assert!(patient.text.contains("SQLSTATE 57P03"), "{}", patient.text);
    open(&server);
    let words = patient.ends_with(0);
    assert_eq!(words.matches("Both servers answer").count(), 1, "{words}");
}

fn data_of(server: &Cluster) -> std::path::PathBuf {
    server.dir().join("data")
}

/// As the server's user would have made it.
fn put(server: &Cluster, file: &Path, text: &str) {
    fs::write(file, text).unwrap();
    let owner = fs::metadata(server.dir()).unwrap();
    chown(file, Some(owner.uid()), Some(owner.gid())).unwrap();
}

fn close(server: &mut Cluster) {
    server.stop().unwrap();
    let data = data_of(server);
    put(server, &data.join("standby.signal"), "");
    let settings = data.join("postgresql.auto.conf");
    let before = fs::read_to_string(&settings).unwrap();
    put(server, &settings, &format!("{before}hot_standby = off\n"));
    server.restart().unwrap();
}

/// What `pg_ctl promote` does.
fn open(server: &Cluster) {
    let data = data_of(server);
    put(server, &data.join("promote"), "");
    let pid = fs::read_to_string(data.join("postmaster.pid")).unwrap();
    let pid = pid.lines().next().unwrap().parse().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGUSR1).unwrap();
}

/// Of what was checked before, nothing is told twice.
#[tokio::test]
async fn a_connection_that_is_lost_in_the_middle_is_opened_anew() {
    for side in ["source", "destination"] {
        let pair = support::databases("cut").await;
        let table = "create table t (n int); insert into t values (1)";
        support::execute_batch(&pair.source, table).await;
        support::execute_batch(&pair.destination, "create table other (n int)").await;
        let (end, locked) = match side {
            "source" => (&pair.source, "t"),
            _ => (&pair.destination, "other"),
        };
        let lock = support::connect(end).await;
        let sql = format!("begin; lock {locked} in access exclusive mode");
        lock.batch_execute(&sql).await.unwrap();
        let [source, destination] = ends(&pair);
        let mut patient = Patient::begin(
            "check",
            &[
                "--source",
                &source,
                "--destination",
                &destination,
                "--on-existing",
                "append",
            ],
        );
        // The catalog is read, or pg_dump at work: both wait for the table.
        let cut = "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'";
        let admin = support::role::superuser(end);
        while support::query_text(&admin, cut).await == "0" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let others = "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity
            where datname = current_database() and application_name = 'howdah check'";
        support::query_text(&admin, others).await;
        lock.batch_execute("rollback").await.unwrap();
        patient.hear(AGAIN);
        let words = patient.ends_with(0);
        assert_eq!(words.matches("Both servers answer").count(), 1, "{words}");
    }
}

#[tokio::test]
async fn what_must_be_mended_is_told_at_once() {
    let pair = limited(&support::databases("wrong").await).await;
    let end = &pair.source;
    let wrong = [
        (
            "28P01",
            Endpoint {
                password: Some(Secret::new("other".to_owned())),
                ..end.clone()
            },
        ),
        (
            "3D000",
            Endpoint {
                database: "no_such".to_owned(),
                ..end.clone()
            },
        ),
        (
            "is not known",
            Endpoint {
                host: "no-such-host.invalid".to_owned(),
                ..end.clone()
            },
        ),
        (
            "refused",
            Endpoint {
                port: 1,
                ..end.clone()
            },
        ),
    ];
    for (reason, source) in wrong {
        let destination = pair.destination.clone();
        let output = howdah(
            "check",
            &Pair {
                source,
                destination,
            },
            &[],
        );
        let words = said(&output);
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(words.contains(reason), "{reason}: {words}");
        assert!(!words.contains("tried again"), "{words}");
    }
}
