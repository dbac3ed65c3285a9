//! The catalog and pg_dump are read from one state: what is committed between them is not half carried.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::migrate::said;
use crate::support;

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
