//! The catalog and pg_dump are read from one state: what is committed between them is not half carried.

use std::process::Stdio;
use std::time::{Duration, Instant};

use howdah::checks::{self, Purpose};
use howdah::model::catalog::Catalog;
use howdah::model::options::Method;
use howdah::model::plan::{Step, StepKind};
use howdah::model::selection::Selection;
use howdah::planner;

use crate::migrate::{howdah, said};
use crate::support;
use crate::trust::by;

/// Its size cannot be read while it is refreshed, so that the reading of the catalog waits there.
const TABLES: &str = "
    create table early (id int primary key); insert into early select generate_series(1, 10);
    create materialized view sum as select count(*) from early";

const CHANGE: &str =
    "alter table early add column more int not null default 0; update early set more = id * 100;
    create table late as select generate_series(1, 100) as id;";

#[tokio::test]
async fn what_is_changed_while_the_source_is_read_is_carried_whole_or_refused() {
    let pair = support::databases("one_state").await;
    support::execute_batch(&pair.source, TABLES).await;
    let holder = support::connect(&pair.source).await;
    let begin = "begin; refresh materialized view sum";
    holder.batch_execute(begin).await.unwrap();
    let run = tokio::process::Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(["run", "--yes", "--verify", "checksums"])
        .args(["--source", &support::uri(&pair.source)])
        .args(["--destination", &support::uri(&pair.destination)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let waiting = "select count(*) from pg_stat_activity where datname = current_database()
        and application_name = 'howdah check' and wait_event_type = 'Lock'";
    let began = Instant::now();
    while support::query_text(&pair.source, waiting).await == "0" {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing waits");
        tokio::task::yield_now().await;
    }
    let change = format!("{CHANGE} commit");
    holder.batch_execute(&change).await.unwrap();
    let output = run.wait_with_output().await.unwrap();
    let words = said(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    let why = "has changed since the plan was made";
    assert!(words.contains(why), "{words}");
    // It is gone on with, by a plan of what is there now.
    let resumed = tokio::process::Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(["resume", "--yes"])
        .args(["--source", &support::uri(&pair.source)])
        .args(["--destination", &support::uri(&pair.destination)])
        .output()
        .await
        .unwrap();
    assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
    let all =
        "select (select count(*) || ' ' || sum(more) from early), (select count(*) from late)";
    assert_eq!(
        support::query_text(&pair.destination, all).await,
        "10 5500|100"
    );
}

async fn is_there(file: &std::path::Path) {
    let began = Instant::now();
    while !file.exists() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{} never came",
            file.display()
        );
        tokio::task::yield_now().await;
    }
}

/// Of large objects no definition tells: a plan that was made without any would leave them behind.
#[tokio::test]
async fn the_first_large_object_of_a_source_is_not_left_behind() {
    let pair = support::databases("first_object").await;
    let directory = tempfile::tempdir().unwrap();
    let go_on = directory.path().join("go on");
    let run = tokio::process::Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(["run", "--yes"])
        .args(["--source", &support::uri(&pair.source)])
        .args(["--destination", &support::uri(&pair.destination)])
        .env(
            "HOWDAH_FAILPOINT",
            format!("source/snapshot@begin=hold:{}", go_on.display()),
        )
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    is_there(&directory.path().join("go on.reached")).await;
    let create = "select lo_from_bytea(7, 'first')";
    support::execute_batch(&pair.source, create).await;
    std::fs::write(&go_on, "").unwrap();
    let output = run.wait_with_output().await.unwrap();
    let words = said(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    let why = "it had no large objects, and has some now";
    assert!(words.contains(why), "{words}");
    let resumed = howdah("resume", &pair, &["--yes"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
    let read = "select convert_from(lo_get(7), 'UTF8')";
    assert_eq!(support::query_text(&pair.destination, read).await, "first");
    // And one that the destination alone has is a difference.
    support::execute_batch(&pair.source, "select lo_unlink(7)").await;
    let compared = howdah("verify", &pair, &[]);
    assert_eq!(compared.status.code(), Some(4), "{}", said(&compared));
}

/// Connecting, defining foreign tables and whatever else takes its time is done before, where nobody waits for it.
#[tokio::test]
async fn nobody_is_kept_from_writing_but_while_fdw_sessions_begin_to_read() {
    let pair = support::databases("barrier").await;
    support::execute_batch(
        &pair.source,
        "create table one as select generate_series(1, 10) as id; create table two as select * from one;
         create table three (id int primary key); create table four (id int) partition by range (id);
         create table four_low partition of four for values from (0) to (10);
         insert into four values (1)",
    )
    .await;
    let log = support::servers().source.log_path();
    let before = std::fs::read(&log).unwrap().len();
    let output = howdah("run", &pair, &["--yes", "--method", "fdw", "--jobs", "2"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let log = std::fs::read(&log).unwrap();
    let log = String::from_utf8_lossy(log.split_at(before).1).into_owned();
    let own = format!("{}\t", pair.source.database);
    let lines: Vec<&str> = log
        .lines()
        .filter_map(|line| line.strip_prefix(&own))
        .collect();
    let after = |from: usize, words: &str| {
        let mut rest = lines[from..].iter();
        from + rest.position(|line| line.contains(words)).unwrap()
    };
    let locked = after(0, " IN SHARE MODE");
    let free = after(locked, ": COMMIT");
    // Nobody connects meanwhile, and pg_dump, which may take long, comes later.
    let is_of_barrier = |line: &&str| {
        let words = ["LOCK TABLE ", "SELECT 1"];
        line.starts_with("postgres_fdw\t")
            || words.iter().any(|word| line.contains(&format!(": {word}")))
    };
    let others: Vec<&&str> = lines[locked..free]
        .iter()
        .filter(|line| !is_of_barrier(line))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    let of_fdw: Vec<&&str> = lines[locked..free]
        .iter()
        .filter(|line| line.starts_with("postgres_fdw\t"))
        .collect();
    let is_reading = |line: &&&str| {
        ["DECLARE c", "FETCH ", "CLOSE c"]
            .iter()
            .any(|word| line.contains(&format!(": {word}")))
    };
    assert!(of_fdw.len() >= 4, "{of_fdw:#?}");
    assert!(of_fdw.iter().all(is_reading), "{of_fdw:#?}");
    // The check that the destination reaches the source has connected too, and is over.
    let mut of_run = lines[..locked].rsplit(|line| line.contains("ABORT TRANSACTION"));
    let connected = of_run.next().unwrap().iter();
    let connected = connected.filter(|line| line.contains("START TRANSACTION"));
    assert_eq!(connected.count(), 2);
}

/// Sessions that nobody makes begin at one moment would each see another one.
#[tokio::test]
async fn where_one_table_may_not_be_locked_one_session_reads() {
    let pair = support::databases("unlockable").await;
    let tables =
        "create table one (id int); create table two (id int); create table three (id int)";
    support::execute_batch(&pair.source, tables).await;
    let options = by(Method::Fdw);
    let (source, destination) = (pair.source.clone(), pair.destination.clone());
    let mut inspection =
        checks::inspect(source, destination, options.clone(), Purpose::Run, |_| ())
            .await
            .unwrap();
    let mut selection = Selection::all(&inspection.catalog);
    let at = |catalog: &Catalog| {
        let mut tables = catalog.tables.iter();
        tables.position(|table| table.name.name == "three").unwrap()
    };
    let three = at(&inspection.catalog);
    selection.methods[three] = Some(Method::Copy);
    for (can_lock, sessions) in [(true, 2), (false, 1)] {
        inspection.catalog.tables[three].can_lock = can_lock;
        let plan = planner::plan(&inspection, &selection, &options).unwrap();
        let is_commit = |step: &&Step| matches!(step.kind, StepKind::FdwCommit { .. });
        assert_eq!(plan.steps.iter().filter(is_commit).count(), sessions);
        let mut all = plan.steps.iter().flat_map(|step| &step.statements);
        let locks = all.any(|statement| statement.sql().contains(" IN SHARE MODE"));
        assert_eq!(locks, can_lock);
    }
}
