//! What may pass by itself is tried again, and nothing is doubled by it.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use howdah::engine;
use howdah::model::connection::Endpoint;
use howdah::model::event::{RunEvent, Stop};
use howdah::model::options::{Keep, Method, Options, Split};
use howdah::model::report::Outcome;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::migrate::said;
use crate::support::{self, Pair};
use crate::trust::{SLOW, by, plan, scaffold};

const SHOP: &str = "
    create table parts (id int, body text);
    insert into parts select n, repeat(md5(n::text), 10) from generate_series(1, 3000) n;
    create table other (n numeric);
    insert into other select generate_series(1, 200);
    create sequence counter; select setval('counter', 42)";

/// A COMMIT goes through, and its answer is lost: the journal is asked, and nothing is done twice. In the end the rows are
/// there once, also those of a table in parts, which nothing empties before they come.
#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_looked_for() {
    let pair = support::databases("unknown").await;
    support::execute_batch(&pair.source, SHOP).await;
    for place in [
        "prepare/journal",
        "schema/TABLE/public.parts",
        "data/public.parts/pages 0",
        "data/public.other",
        "sequence/public.counter",
        "clean/journal",
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_howdah"))
            .args([
                "run",
                "--yes",
                "--verify",
                "checksums",
                "--on-existing",
                "empty",
            ])
            .args(["--split-larger-than", "300kB", "--jobs", "2"])
            .args(["--source", &support::uri(&pair.source)])
            .args(["--destination", &support::uri(&pair.destination)])
            .env("HOWDAH_FAILPOINT", format!("{place}@commit=lose"))
            .output()
            .unwrap();
        let words = said(&output);
        assert_eq!(output.status.code(), Some(0), "{place}: {words}");
        assert!(words.contains("tried again (2)"), "{place}: {words}");
        assert!(words.contains("tried again 1 time"), "{place}: {words}");
        let found = support::differences(&pair.source, &pair.destination).await;
        assert_eq!(found, Vec::<String>::new(), "{place}");
        assert_eq!(scaffold(&pair.destination).await, "", "{place}");
    }
}

/// The same pair, reached as a role that may be told to wait outside.
async fn as_guest(name: &str) -> (Pair, Endpoint) {
    let pair = support::databases(name).await;
    let guest = format!("guest_{}", pair.destination.database);
    let password = pair.destination.password.as_ref();
    let password = password.map_or("", |password| password.expose());
    let sql = format!(
        "create role {guest} login password '{password}';
         alter database {} owner to {guest}; grant all on schema public to {guest}",
        pair.destination.database
    );
    support::execute_batch(&support::role::superuser(&pair.destination), &sql).await;
    let destination = Endpoint {
        user: guest,
        ..pair.destination.clone()
    };
    (pair, destination)
}

#[tokio::test]
async fn a_server_without_a_free_place_is_waited_for_and_a_stop_ends_the_waiting() {
    let (pair, destination) = as_guest("full").await;
    support::execute_batch(
        &pair.source,
        "create table t (n int); insert into t values (1)",
    )
    .await;
    let guest = destination.user.clone();
    let theirs = Pair {
        source: pair.source.clone(),
        destination: destination.clone(),
    };
    let options = Options {
        owners: Keep::Skip,
        privileges: Keep::Skip,
        split: Split::Never,
        ..by(Method::Copy)
    };
    let plan = Arc::new(plan(&theirs, options).await);
    let admin = support::role::superuser(&pair.destination);
    let limit = |count: i32| format!("alter role {guest} connection limit {count}");
    for is_stopped in [true, false] {
        support::execute_batch(&admin, &limit(0)).await;
        let (source, destination) = (pair.source.clone(), destination.clone());
        let mut handle = engine::start(Arc::clone(&plan), source, destination);
        let mut attempts = Vec::new();
        let report = loop {
            let event = tokio::time::timeout(Duration::from_secs(120), handle.events.recv());
            match event.await.expect("the run says nothing").unwrap() {
                RunEvent::StepRepeated {
                    attempt, problem, ..
                } => {
                    assert_eq!(problem.sqlstate.as_deref(), Some("53300"), "{problem}");
                    attempts.push(attempt);
                    if attempts.len() == 2 && is_stopped {
                        handle.stopper.stop(Stop::Now);
                    } else if attempts.len() == 2 {
                        support::execute_batch(&admin, &limit(-1)).await;
                    }
                }
                RunEvent::Finished(report) => break report,
                _ => {}
            }
        };
        assert!(attempts.starts_with(&[2, 3]), "{attempts:?}");
        assert_eq!(report.repeats, attempts.len() as u64);
        if is_stopped {
            assert_eq!(report.outcome, Outcome::Cancelled, "{report:#?}");
            assert_eq!(attempts.len(), 2, "{attempts:?}");
        } else {
            assert_eq!(report.outcome, Outcome::Done, "{report:#?}");
        }
    }
    assert_eq!(support::query_text(&admin, "select n from t").await, "1");
}

/// A table whose rows were all read before the source stopped commits after another has lost its own: what is left to ask
/// the source does not wait for it, for the run has to be gone on with anyway.
#[tokio::test]
async fn nothing_waits_for_the_source_once_its_snapshot_is_lost() {
    let (mut source, destination) = (support::cluster(), support::cluster());
    let pair = support::databases_on(&source, &destination, "late").await;
    support::execute_batch(&pair.source, SLOW).await;
    let directory = tempfile::tempdir().unwrap();
    let hold = directory.path().join("hold");
    let mut run = tokio::process::Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(["run", "--yes", "--jobs", "2", "--json"])
        .args(["--source", &support::uri(&pair.source)])
        .args(["--destination", &support::uri(&pair.destination)])
        .env(
            "HOWDAH_FAILPOINT",
            format!("data/public.quick@commit=hold:{}", hold.display()),
        )
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let began = Instant::now();
    let sleeps = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'";
    while !hold.with_extension("reached").exists()
        || support::query_text(&pair.destination, sleeps).await == "0"
    {
        assert!(began.elapsed() < Duration::from_secs(60));
        assert_eq!(run.try_wait().unwrap(), None);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    source.stop_immediate().unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines();
    let mut words = String::new();
    loop {
        let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line());
        let Some(line) = line.await.expect(&words).unwrap() else {
            break;
        };
        if line.contains("slow_rows") && line.contains("failed") {
            std::fs::write(&hold, "").unwrap();
        }
        words = words + &line + "\n";
    }
    assert_eq!(run.wait().await.unwrap().code(), Some(1), "{words}");
    assert!(hold.exists(), "{words}");
    let rows = support::query_text(&pair.destination, "select count(*) from quick").await;
    assert_eq!(rows, "100", "{words}");
    let refused = words.lines().find(|line| line.contains("nothing listens"));
    assert!(
        refused.is_some_and(|line| line.contains("counter")),
        "{words}"
    );
    assert!(!words.contains("again"), "{words}");
}
