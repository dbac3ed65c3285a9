//! Both methods timed between two servers, as the Check screen does it: nothing is left, and what cannot be tried is told.

use howdah::checks::{self, Purpose};
use howdah::model::inspection::Inspection;
use howdah::model::options::Options;
use howdah::pg::sample::measure;

use howdah::model::connection::Secret;

use crate::support::{self, Pair, role};

/// A type that the destination does not have, and a name that wants quotes.
const ROWS: &str = r#"create type mood as enum ('ok');
    create table "odd ""one" (id int, "the mood" mood, note text);
    insert into "odd ""one" select g, 'ok', repeat('x', 50) from generate_series(1, 3000) g;
    analyze"#;

async fn inspected() -> (Pair, Inspection) {
    let pair = support::databases("sample").await;
    support::execute_batch(&pair.source, ROWS).await;
    role::may_be_told_logins(&pair.destination).await;
    (pair.clone(), inspect(&pair).await)
}

async fn inspect(pair: &Pair) -> Inspection {
    let inspection = checks::inspect(
        pair.source.clone(),
        pair.destination.clone(),
        Options::default(),
        Purpose::Wizard,
        |_| {},
    );
    inspection.await.unwrap()
}

#[tokio::test]
async fn both_methods_are_timed_and_nothing_is_left() {
    let (pair, inspection) = inspected().await;
    let before = support::differences(&pair.source, &pair.destination).await;
    let options = Options::default();
    let found = measure(&pair.source, &pair.destination, &inspection, &options);
    let found = found.await.unwrap();
    assert!(!found.has_too_few_rows(), "{}", found.advice());
    let is_made = found.table.is_none();
    let (copy, fdw) = (found.copy.unwrap(), found.fdw.unwrap());
    assert_eq!((copy.rows, copy.bytes), (fdw.rows, fdw.bytes));
    // So few are carried in no time, and others are made in their place.
    assert_eq!(copy.rows > 3000, is_made);
    let after = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(before, after);
}

/// The destination asks the source for the joined rows: a join of its own would not be what travels.
#[tokio::test]
async fn without_a_table_rows_are_made_on_the_source() {
    let pair = support::databases("sample").await;
    role::may_be_told_logins(&pair.destination).await;
    let inspection = inspect(&pair).await;
    let options = Options::default();
    let found = measure(&pair.source, &pair.destination, &inspection, &options);
    let found = found.await.unwrap();
    assert_eq!(found.table, None);
    assert!(found.copy.is_ok() && found.fdw.is_ok() && !found.has_too_few_rows());
    let log = std::fs::read(support::servers().source.log_path()).unwrap();
    let log = String::from_utf8_lossy(&log).into_owned();
    assert!(log.contains("FROM (pg_catalog.pg_proc"), "joined elsewhere");
}

#[tokio::test]
async fn a_way_that_is_closed_to_the_destination_is_told_beside_the_open_one() {
    let (pair, inspection) = inspected().await;
    let options = Options {
        fdw_host: Some("127.0.0.1".to_owned()),
        fdw_port: Some(1),
        ..Options::default()
    };
    let found = measure(&pair.source, &pair.destination, &inspection, &options);
    let found = found.await.unwrap();
    assert_eq!(found.copy.as_ref().unwrap().rows, 3000);
    let problem = found.fdw.as_ref().unwrap_err();
    assert_eq!(problem.what, "FDW could not be timed");
    assert_eq!(problem.sqlstate.as_deref(), Some("08001"));
    assert!(found.advice().contains("FDW could not be tried"));
}

/// By COPY the source's password goes nowhere: a role that cannot keep a server from writing down logins tells it none, unasked.
#[tokio::test]
async fn a_destination_that_logs_definitions_is_not_told_the_login() {
    let mut pair = support::databases("sample_logged").await;
    support::execute_batch(&pair.source, ROWS).await;
    let user = format!("told_{}", pair.source.database);
    let password = format!("{user}-s3cret");
    let create = format!("create role {user} superuser login password '{password}'");
    support::execute_batch(&role::superuser(&pair.source), &create).await;
    pair.source.user = user.clone();
    pair.source.password = Some(Secret::new(password.clone()));
    let poor = format!(
        "create role {user} login password 'x'; alter database {} owner to {user};
         create extension if not exists postgres_fdw; grant usage on foreign data wrapper postgres_fdw to {user}",
        pair.destination.database
    );
    support::execute_batch(&role::superuser(&pair.destination), &poor).await;
    pair.destination.user = user;
    pair.destination.password = Some(Secret::new("x"));
    let inspection = inspect(&pair).await;
    let options = Options::default();
    let found = measure(&pair.source, &pair.destination, &inspection, &options);
    let found = found.await.unwrap();
    assert_eq!(found.copy.as_ref().unwrap().rows, 3000);
    let problem = found.fdw.as_ref().unwrap_err();
    assert!(problem.to_string().contains("log would hold"), "{problem}");
    let log = support::servers().destination.log_path();
    let log = String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned();
    assert!(log.contains("sample_logged") && !log.contains(&password));
}

/// Whoever waits no more is not waited for: the server would go on until its own limit.
#[tokio::test]
async fn what_is_not_waited_for_any_more_is_cancelled_on_the_server() {
    let server = support::cluster();
    support::create_database(&server.endpoint("postgres"), "slow").await;
    let source = server.endpoint("slow");
    support::execute_batch(&source, ROWS).await;
    let destination = support::databases("sample").await.destination;
    let inspection = checks::inspect(
        source.clone(),
        destination.clone(),
        Options::default(),
        Purpose::Wizard,
        |_| {},
    );
    let inspection = inspection.await.unwrap();
    let lock = support::connect(&source).await;
    let sql = r#"begin; lock table "odd ""one" in access exclusive mode"#;
    lock.batch_execute(sql).await.unwrap();
    let ends = (source.clone(), destination);
    let measuring =
        tokio::spawn(
            async move { measure(&ends.0, &ends.1, &inspection, &Options::default()).await },
        );
    let waiting = "select count(*) from pg_stat_activity
        where application_name = 'howdah sample' and wait_event_type = 'Lock'";
    while support::query_text(&source, waiting).await == "0" {
        assert!(!measuring.is_finished(), "it did not wait");
    }
    measuring.abort();
    while support::query_text(&source, waiting).await != "0" {}
    let log = std::fs::read_to_string(server.log_path()).unwrap();
    assert!(
        log.contains("canceling statement due to user request"),
        "{log}"
    );
    assert!(!log.contains("canceling statement due to statement timeout"));
}
