//! `howdah rehearse`: the forecast, and that nothing of the rehearsal stays, whatever way it ended.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::migrate::{howdah, said};
use crate::support::{self, Pair};

/// One large table beside small ones, a key that a sample breaks, and a view over rows.
const SHOP: &str = "
    create table customer (id int primary key, name text not null);
    create table purchase (id int primary key, customer int not null references customer, note text);
    create index on purchase (customer);
    create sequence ticket;
    create materialized view busy as select customer, count(*) from purchase group by 1;
    insert into customer select n, 'customer ' || n from generate_series(1, 20000) n;
    insert into purchase select n, 1 + n % 20000, repeat(md5(n::text), 4) from generate_series(1, 60000) n;
    refresh materialized view busy;
    analyze;";

/// Why an owner's rehearsal is by COPY.
pub(crate) const BY_FDW: &str = "a rehearsal by FDW: the scratch database is new, and postgres_fdw is not installed there for its owner";

#[track_caller]
fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

async fn scratches() -> String {
    let maintenance = support::servers().destination.endpoint("postgres");
    let sql = "select coalesce(string_agg(datname, ' '), 'none') from pg_database where datname like 'howdah\\_rehearsal\\_%'";
    support::query_text(&maintenance, sql).await
}

/// Waits until the scratch database is, or is not, one of the server's.
async fn until_there_is(is_wanted: bool, name: &str) {
    let began = Instant::now();
    while scratches().await.contains(name) != is_wanted {
        let waited = began.elapsed();
        assert!(waited < Duration::from_secs(120), "{}", scratches().await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn forecast(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let mut events = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON lines"));
    let last = events.rfind(|event| event["event"] == "forecast");
    last.expect("a forecast")["forecast"].clone()
}

/// The scratch database that a rehearsal says it uses.
fn name_of(output: &Output) -> String {
    let words = said(output);
    let name = words
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .find(|word| word.starts_with("howdah_rehearsal_"));
    name.unwrap_or_else(|| panic!("{words}")).to_owned()
}

async fn shop(name: &str) -> Pair {
    let pair = support::databases(name).await;
    support::execute_batch(&pair.source, SHOP).await;
    support::execute_batch(
        &pair.destination,
        "create table customer (mine text); insert into customer values ('kept')",
    )
    .await;
    pair
}

/// Of the real destination.
async fn objects(pair: &Pair) -> String {
    let sql = "select string_agg(relname || relfilenode, ' ' order by relname) || (select string_agg(mine, '') from customer) \
               from pg_class where relnamespace = 'public'::regnamespace";
    support::query_text(&pair.destination, sql).await
}

async fn rehearses(method: &str) {
    let pair = shop("rehearse").await;
    let before = objects(&pair).await;
    let arguments = [
        "--json", "--sample", "1MB", "--jobs", "1", "--method", method,
    ];
    let output = howdah("rehearse", &pair, &arguments);
    assert_code(&output, 0);
    let told = forecast(&output);
    let chain = told["longest_chain"].as_array().unwrap();
    let titles: Vec<&str> = chain.iter().map(|l| l["title"].as_str().unwrap()).collect();
    assert!(
        titles
            .iter()
            .any(|title| title.ends_with("the rows of public.purchase")),
        "{titles:?}"
    );
    let window = &told["window"];
    let ms = |key: &str| window[key].as_u64().unwrap();
    assert!(ms("least_ms") <= ms("likely_ms") && ms("likely_ms") <= ms("most_ms"));
    // The chain is what the window consists of.
    let sum: u64 = chain.iter().map(|l| l["likely_ms"].as_u64().unwrap()).sum();
    assert!(sum <= ms("likely_ms") && sum + chain.len() as u64 >= ms("likely_ms"));
    let table = |name: &str| {
        let mut tables = told["tables"].as_array().unwrap().iter();
        tables.find(|t| t["name"] == name).unwrap().clone()
    };
    let (purchase, customer) = (table("purchase"), table("customer"));
    assert_eq!(customer["rows"], 20_000, "carried whole");
    let rows = purchase["rows"].as_u64().unwrap();
    assert!((1000..30_000).contains(&rows), "{purchase}");
    let in_all = purchase["rows_in_all"].as_u64().unwrap();
    assert!((54_000..66_000).contains(&in_all), "{purchase}");
    let label = if method == "fdw" { "FDW" } else { "COPY" };
    assert_eq!(purchase["method"], label);
    assert_eq!(told["problems"].as_array().unwrap().len(), 0, "{told}");
    assert_eq!(
        objects(&pair).await,
        before,
        "the real destination is as it was"
    );
    let destination = told["destination"].as_str().unwrap();
    assert!(destination.ends_with(&pair.destination.database));
    let ends = scratches().await;
    assert!(!ends.contains(&name_of(&output)), "{ends}");
}

#[tokio::test]
async fn a_rehearsal_by_copy_names_the_longest_chain_and_leaves_nothing() {
    rehearses("copy").await;
}

#[tokio::test]
async fn a_rehearsal_by_fdw_names_the_longest_chain_and_leaves_nothing() {
    if support::role::needs_superuser(BY_FDW) {
        return;
    }
    rehearses("fdw").await;
}

#[tokio::test]
async fn what_will_fail_is_told_before_it_does() {
    let pair = shop("rehearse_fails").await;
    support::execute_batch(
        &pair.source,
        "create function broken() returns int language plpgsql as $$ begin
             if current_database() like 'howdah_rehearsal_%' then raise 'the view cannot be filled'; end if; return 1; end $$;
         create materialized view wrong as select public.broken() as one;",
    )
    .await;
    let output = howdah("rehearse", &pair, &["--sample", "5000rows"]);
    assert_code(&output, 1);
    let words = said(&output);
    assert!(
        words.contains("Fill materialized view public.wrong")
            && words.contains("the view cannot be filled")
            && words.contains("The scratch database is removed"),
        "{words}"
    );
    assert!(!scratches().await.contains(&name_of(&output)));
}

/// A rehearsal that cannot get on: its view is filled by a query that sleeps.
async fn sleeping(name: &str) -> (Pair, std::process::Child, String) {
    let pair = support::databases(name).await;
    support::execute_batch(
        &pair.source,
        "create function slow() returns int language plpgsql as $$ begin
             if current_database() like 'howdah_rehearsal_%' then perform pg_sleep(600); end if; return 1; end $$;
         create materialized view late as select public.slow() as one;",
    )
    .await;
    let child = Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(["rehearse", "--source", &support::uri(&pair.source)])
        .args(["--destination", &support::uri(&pair.destination)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let maintenance = support::servers().destination.endpoint("postgres");
    let sql = "select coalesce(min(datname), '') from pg_stat_activity \
               where query like '%REFRESH%late%' and datname like 'howdah\\_rehearsal\\_%'";
    let began = Instant::now();
    let mut scratch = String::new();
    while scratch.is_empty() {
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "never got there"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
        scratch = support::query_text(&maintenance, sql).await;
    }
    (pair, child, scratch)
}

#[tokio::test]
async fn a_stopped_rehearsal_leaves_nothing_and_a_killed_one_is_found() {
    let (_pair, child, scratch) = sleeping("rehearse_stopped").await;
    let stopped = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(stopped.success());
    let output = child.wait_with_output().unwrap();
    assert_code(&output, 130);
    assert!(!scratches().await.contains(&scratch), "{}", said(&output));

    let (pair, mut child, scratch) = sleeping("rehearse_killed").await;
    child.kill().unwrap();
    child.wait().unwrap();
    until_there_is(true, &scratch).await;
    // The server's session sleeps on; it is the test's to end.
    let maintenance = support::servers().destination.endpoint("postgres");
    let end = format!(
        "select pg_terminate_backend(pid, 60000) from pg_stat_activity where datname = '{scratch}'"
    );
    support::execute_batch(&maintenance, &end).await;
    let check = howdah("check", &pair, &[]);
    assert_code(&check, 0);
    let words = said(&check);
    assert!(
        words.contains(&format!("DROP DATABASE IF EXISTS {scratch}")),
        "{words}"
    );
    let clean = Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args([
            "clean",
            "--yes",
            "--destination",
            &support::uri(&pair.destination),
        ])
        .output()
        .unwrap();
    assert_code(&clean, 0);
    until_there_is(false, &scratch).await;
}

#[tokio::test]
async fn a_role_that_may_not_make_a_database_is_told_how() {
    let mut pair = support::databases("rehearse_poor").await;
    let role = format!("{}_role", pair.destination.database);
    support::execute_batch(
        &support::servers().destination.endpoint("postgres"),
        &format!("create role {role} login password 'of the test'"),
    )
    .await;
    pair.destination.user = role.clone();
    pair.destination.password = Some(howdah::model::connection::Secret::new("of%20the%20test"));
    let output = howdah("rehearse", &pair, &[]);
    assert_code(&output, 1);
    let words = said(&output);
    assert!(
        words.contains(&format!("ALTER ROLE {role} CREATEDB")),
        "{words}"
    );
}
