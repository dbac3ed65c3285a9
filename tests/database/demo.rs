//! The sample database of `howdah demo`.

use std::process::Command;
use std::time::Instant;

use howdah::demo::{self, Demo};

use crate::support;

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_holds_the_same_shop_every_time_and_no_destination_database() {
    let start = Instant::now();
    let mut told = 0;
    let demo = Demo::start(|_| told += 1)
        .await
        .unwrap_or_else(|problem| panic!("{problem}"));
    println!("The demo took {:?} to start.", start.elapsed());
    assert!(told > 3, "the user waits without a word");

    let again = support::databases("shop").await.destination;
    demo::fill(&again, |_| ())
        .await
        .unwrap_or_else(|problem| panic!("{problem}"));
    let found = support::differences(&demo.source(), &again).await;
    assert_eq!(found, Vec::<String>::new());

    let tables = "select string_agg(format('select count(*) from only %s', oid::regclass), ' union all ')
        from pg_class where relkind = 'r' and relnamespace::regnamespace::text !~ '^(pg_|information_schema)'";
    let tables = support::query_text(&again, tables).await;
    let rows = format!("select sum(count) from ({tables}) t");
    let rows: u64 = support::query_text(&again, &rows).await.parse().unwrap();
    assert!((900_000..1_100_000).contains(&rows), "{rows} rows");

    let mut destination = demo.destination();
    assert_eq!(destination.database, "shop");
    destination.database = "postgres".to_owned();
    let databases = "select datname from pg_database where not datistemplate";
    let databases = support::query_text(&destination, databases).await;
    assert_eq!(databases, "postgres");
}

/// Neither the shop nor the oracle has quirks of its own: what pg_dump carries is found equal.
#[tokio::test]
async fn a_copy_by_pg_dump_equals_the_sample_shop() {
    let pair = support::databases("dumped").await;
    demo::fill(&pair.source, |_| ())
        .await
        .unwrap_or_else(|problem| panic!("{problem}"));
    let copy =
        r#"set -o pipefail; "$1/pg_dump" -Fc "$2" | "$1/pg_restore" --exit-on-error -d "$3""#;
    let copied = Command::new("bash")
        .args(["-c", copy, "copy"])
        .arg(support::binaries().bindir)
        .args([support::uri(&pair.source), support::uri(&pair.destination)])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&copied.stderr);
    assert!(copied.status.success(), "{errors}");
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, Vec::<String>::new());
}
