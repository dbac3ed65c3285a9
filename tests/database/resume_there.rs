//! Runs into tables that are there are gone on with: only what the run itself has brought is taken back, and all else of the
//! destination is as its owner left it.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::existing::{ORIGINAL, STATE, THERE, as_owner};
use crate::migrate::{howdah, said};
use crate::support::{self, Pair};
use crate::trust::{JOURNAL, scaffold};

#[track_caller]
fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

fn resume(pair: &Pair) -> Output {
    howdah("resume", pair, &["--yes"])
}

/// Kills a run into tables that are there when it has come to this place, and waits until nobody is at work any more.
async fn killed_at(pair: &Pair, place: &str, more: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let hold = directory.path().join("hold");
    let mut run = Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(["run", "--yes", "--schema", "none", "--jobs", "1"])
        .args(more)
        .args(["--source", &support::uri(&pair.source)])
        .args(["--destination", &support::uri(&pair.destination)])
        .env(
            "HOWDAH_FAILPOINT",
            format!("{place}=hold:{}", hold.display()),
        )
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while !hold.with_extension("reached").exists() {
        let is_over = run.try_wait().unwrap().is_some();
        assert!(!is_over, "{place} was not reached");
        assert!(began.elapsed() < Duration::from_secs(60), "{place}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    run.kill().unwrap();
    run.wait().unwrap();
    let end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
               where datname = current_database() and application_name like 'howdah%'";
    support::execute_batch(&support::role::superuser(&pair.destination), end).await;
}

/// What both sides must have alike, in the columns that both have.
const ROWS: &str =
    "select 'child', count(*), sum(id), sum(parent), sum(twice), max(day)::text from child
    union all select 'parent', count(*), sum(id), null, null, max(name) from parent";

async fn assert_equal_rows(pair: &Pair) {
    assert_eq!(
        support::query_text(&pair.destination, ROWS).await,
        support::query_text(&pair.source, ROWS).await
    );
}

const CHANGE: &str =
    "update parent set name = 'renamed' where id = 7; insert into parent values (51, 'new');
    insert into child (parent, day) values (51, '2024-01-01'); delete from child where id = 3;";

const NOISE: &str = "select count(*) from noise";

#[tokio::test]
async fn proved_rows_stay_and_others_come_again() {
    // The larger table comes first: killed in the second, and when all rows are there.
    for (method, place, is_owner) in [
        ("copy", "data/public.parent@commit", false),
        ("copy", "data/public.parent@commit", true),
        ("copy", "put back/@begin", true),
        ("fdw", "sequence/@begin", false),
    ] {
        let pair = support::databases("again").await;
        support::execute_batch(&pair.source, ORIGINAL).await;
        support::execute_batch(
            &pair.destination,
            &format!(
                "{THERE} comment on constraint child_parent_fkey on child is 'kept';
                 create trigger gone before delete on child for each row execute function shout();
                 alter table child enable always trigger gone"
            ),
        )
        .await;
        let pair = if is_owner {
            as_owner(&pair, "again_owner").await
        } else {
            pair
        };
        let before = support::query_text(&pair.destination, STATE).await;
        killed_at(&pair, place, &["--method", method]).await;
        assert!(scaffold(&pair.destination).await.contains(JOURNAL));

        // First nothing has changed: what came is proved, and stays where it lies.
        let age = "select min(xmin::text), max(xmin::text) from child";
        let came = support::query_text(&pair.destination, age).await;
        let shown = howdah("resume", &pair, &[]);
        assert_code(&shown, 2);
        assert!(said(&shown).contains("have their rows"), "{}", said(&shown));
        let again = pair.clone();
        assert_code(&resume(&again), 0);
        assert_eq!(support::query_text(&pair.destination, age).await, came);
        assert_equal_rows(&pair).await;
        assert_eq!(support::query_text(&pair.destination, STATE).await, before);
        let comment = "select obj_description(oid, 'pg_constraint') from pg_constraint where conname = 'child_parent_fkey'";
        assert_eq!(
            support::query_text(&pair.destination, comment).await,
            "kept"
        );
        assert_eq!(support::query_text(&pair.destination, NOISE).await, "0");
        assert_eq!(scaffold(&pair.destination).await, "");

        // Then the source changes behind the run.
        support::execute_batch(
            &support::role::superuser(&pair.destination),
            "truncate child, parent",
        )
        .await;
        killed_at(&pair, place, &["--method", method]).await;
        support::execute_batch(&pair.source, CHANGE).await;
        assert_code(&resume(&pair), 0);
        assert_equal_rows(&pair).await;
        assert_eq!(support::query_text(&pair.destination, STATE).await, before);
        assert_eq!(support::query_text(&pair.destination, NOISE).await, "0");
        assert_eq!(scaffold(&pair.destination).await, "");
        let next = "insert into child (parent) values (51) returning id";
        assert_eq!(support::query_text(&pair.destination, next).await, "202");
    }
}
