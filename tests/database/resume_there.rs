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
        assert!(
            said(&shown).contains(" rows; each stays if"),
            "{}",
            said(&shown)
        );
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

/// Two tables, of which the first is done when the run is killed; names that would break out of careless quotes.
const TWO: &str = r#"
    create table "it's $howdah$ 100% \" (n int primary key, body text);
    create table small (n int primary key);"#;
const FILLED: &str = r#"
    insert into "it's $howdah$ 100% \" select n, repeat('x', 100) from generate_series(1, 500) n;
    insert into small values (1), (2);"#;
const BIG: &str =
    r#"select count(*), count(body), coalesce(sum(n), 0) from "it's $howdah$ 100% \""#;
const IN_SMALL: &str = "data/public.small@commit";

async fn two(more: &[&str], there: &str) -> Pair {
    let pair = support::databases("two").await;
    support::execute_batch(&pair.source, &format!("{TWO}{FILLED}")).await;
    support::execute_batch(&pair.destination, &format!("{TWO}{there}")).await;
    killed_at(&pair, IN_SMALL, more).await;
    pair
}

async fn big_of(endpoint: &howdah::model::connection::Endpoint) -> String {
    support::query_text(endpoint, BIG).await
}

#[tokio::test]
async fn rows_of_others_are_never_removed() {
    // In a table that the run has not come to: it does not begin.
    let pair = two(&[], "").await;
    support::execute_batch(&pair.destination, "insert into small values (99)").await;
    let refused = resume(&pair);
    assert_code(&refused, 3);
    let words = said(&refused);
    assert!(
        words.contains("has not copied") && words.contains("public.small"),
        "{words}"
    );
    support::execute_batch(&pair.destination, "delete from small").await;

    // Among those that it has brought: they stay when all else comes again, and are told as a difference.
    let other = r#"insert into "it's $howdah$ 100% \" values (-1, null)"#;
    support::execute_batch(&pair.destination, other).await;
    let change = r#"update "it's $howdah$ 100% \" set n = 501 where n = 500"#;
    support::execute_batch(&pair.source, change).await;
    assert_code(&resume(&pair), 4);
    assert_eq!(big_of(&pair.source).await, "500|500|125251");
    assert_eq!(big_of(&pair.destination).await, "501|500|125250");
    assert_eq!(scaffold(&pair.destination).await, "");
}

#[tokio::test]
async fn rows_that_somebody_has_changed_are_left_alone() {
    let pair = two(&[], "").await;
    let theirs = r#"update "it's $howdah$ 100% \" set body = 'theirs' where n = 7"#;
    support::execute_batch(&pair.destination, theirs).await;
    let refused = resume(&pair);
    assert_code(&refused, 1);
    let words = said(&refused);
    assert!(words.contains("499 are there unchanged"), "{words}");
    assert_eq!(big_of(&pair.destination).await, "500|500|125250");
    let kept = r#"select body from "it's $howdah$ 100% \" where n = 7"#;
    assert_eq!(support::query_text(&pair.destination, kept).await, "theirs");
    // What had nothing to do with it has come, and the run can still be gone on with.
    let small = "select count(*) from small";
    assert_eq!(support::query_text(&pair.destination, small).await, "2");
    assert_eq!(scaffold(&pair.destination).await, JOURNAL);
    let mend = r#"update "it's $howdah$ 100% \" set body = repeat('x', 100) where n = 7"#;
    support::execute_batch(&pair.destination, mend).await;
    assert_code(&resume(&pair), 1);
    let empty =
        r#"truncate "it's $howdah$ 100% \"; delete from howdah.step where key like 'data/%100%'"#;
    support::execute_batch(&pair.destination, empty).await;
    assert_code(&resume(&pair), 0);
    assert_eq!(big_of(&pair.destination).await, big_of(&pair.source).await);
}

/// As a crash leaves it, an unlogged table is empty; rows that have come since are somebody's.
#[tokio::test]
async fn an_emptied_unlogged_table_is_filled_again_unless_others_have_filled_it() {
    let unlogged = TWO.replacen("create table", "create unlogged table", 1);
    // PostgreSQL 15 does not care what the partitioned table itself is.
    let below = TWO.replacen(
        "body text);",
        r#"body text) partition by range (n);
        create unlogged table low partition of "it's $howdah$ 100% \" for values from (minvalue) to (200);
        create unlogged table high partition of "it's $howdah$ 100% \" default;"#,
        1,
    );
    for there in [unlogged, below] {
        let pair = support::databases("emptied").await;
        support::execute_batch(&pair.source, &format!("{TWO}{FILLED}")).await;
        support::execute_batch(&pair.destination, &there).await;
        killed_at(&pair, IN_SMALL, &[]).await;
        let theirs = r#"truncate "it's $howdah$ 100% \"; insert into "it's $howdah$ 100% \" values (-1, null)"#;
        support::execute_batch(&pair.destination, theirs).await;
        let refused = resume(&pair);
        assert_code(&refused, 1);
        let words = said(&refused);
        assert!(words.contains("0 are there unchanged"), "{words}");
        assert_eq!(big_of(&pair.destination).await, "1|0|-1");
        let gone = r#"delete from "it's $howdah$ 100% \""#;
        support::execute_batch(&pair.destination, gone).await;
        assert_code(&resume(&pair), 0);
        assert_eq!(big_of(&pair.destination).await, big_of(&pair.source).await);
        assert_eq!(scaffold(&pair.destination).await, "");
    }
}

#[tokio::test]
async fn what_was_added_is_told_from_what_was_there() {
    let there =
        r#"insert into "it's $howdah$ 100% \" values (-1, 'mine'); insert into small values (-1);"#;
    for change in ["", r#"delete from "it's $howdah$ 100% \" where n > 490"#] {
        let pair = two(&["--on-existing", "append"], there).await;
        support::execute_batch(&pair.source, change).await;
        assert_code(&resume(&pair), 0);
        let wanted = if change.is_empty() {
            "501|501|125249"
        } else {
            "491|491|120294"
        };
        assert_eq!(big_of(&pair.destination).await, wanted);
        let small = support::query_text(&pair.destination, "select count(*) from small").await;
        assert_eq!(small, "3");
        assert_eq!(scaffold(&pair.destination).await, "");
    }
}

/// Tables are emptied once, as was asked: what has come since is not.
#[tokio::test]
async fn tables_are_not_emptied_a_second_time() {
    let there = "insert into small values (-1);";
    let pair = two(&["--on-existing", "empty"], there).await;
    let count = "select count(*) from small";
    assert_eq!(support::query_text(&pair.destination, count).await, "0");
    support::execute_batch(&pair.destination, "insert into small values (99)").await;
    assert_code(&resume(&pair), 3);
    assert_eq!(support::query_text(&pair.destination, count).await, "1");
    support::execute_batch(&pair.destination, "delete from small").await;
    assert_code(&resume(&pair), 0);
    assert_eq!(big_of(&pair.destination).await, big_of(&pair.source).await);
}

/// Rows of several tables of the source lie in one of the destination: each table's own are told from the others'.
#[tokio::test]
async fn rows_that_share_a_table_are_taken_back_for_themselves() {
    let pair = support::databases("shared").await;
    let months = "
        create table sale (id int, day date not null) partition by range (day);
        create table sale_1 partition of sale for values from ('2024-01-01') to ('2024-02-01');
        create table sale_2 partition of sale for values from ('2024-02-01') to ('2024-03-01');
        insert into sale select i, date '2024-01-01' + i % 31 from generate_series(1, 900) as i;
        insert into sale select i, date '2024-02-01' + i % 29 from generate_series(1, 300) as i;";
    support::execute_batch(&pair.source, months).await;
    let there = "create table sale (id int, day date not null) partition by hash (id);
        create table sale_even partition of sale for values with (modulus 2, remainder 0);
        create table sale_odd partition of sale for values with (modulus 2, remainder 1);";
    support::execute_batch(&pair.destination, there).await;
    killed_at(&pair, "data/public.sale_2@commit", &[]).await;
    support::execute_batch(&pair.source, "delete from sale_1 where id % 7 = 0").await;
    assert_code(&resume(&pair), 0);
    let sum = "select count(*), sum(id), max(day) from sale";
    assert_eq!(
        support::query_text(&pair.destination, sum).await,
        support::query_text(&pair.source, sum).await
    );
    assert_eq!(scaffold(&pair.destination).await, "");
}

/// A key that could not be put back for all rows when the run failed holds for all once the run has come to its end.
#[tokio::test]
async fn a_key_that_held_for_all_rows_does_so_again() {
    let pair = support::databases("whole").await;
    let filled = "create table parent (n int primary key, body text); insert into parent select n, 'p' from generate_series(1, 10) n;
        create table child (parent int, body text); insert into child select n, repeat('x', 900) from generate_series(1, 10) n;";
    support::execute_batch(&pair.source, filled).await;
    let there = "create table parent (n int primary key, body text check (body <> 'p'));
        create table child (parent int references parent, body text);";
    support::execute_batch(&pair.destination, there).await;
    let pair = as_owner(&pair, "whole_owner").await;
    let before = support::query_text(&pair.destination, STATE).await;
    let run = howdah("run", &pair, &["--yes", "--schema", "none", "--jobs", "1"]);
    assert_code(&run, 1);
    assert!(said(&run).contains("howdah resume"), "{}", said(&run));
    assert_ne!(support::query_text(&pair.destination, STATE).await, before);
    let mend = "alter table parent drop constraint parent_body_check";
    support::execute_batch(&pair.destination, mend).await;
    assert_code(&resume(&pair), 0);
    assert_eq!(support::query_text(&pair.destination, STATE).await, before);
    assert_eq!(scaffold(&pair.destination).await, "");
}
