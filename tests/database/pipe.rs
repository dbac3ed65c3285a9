//! Rows on their way from server to server, below the driver.

use crate::migrate::{howdah, said};
use crate::support;

/// Rows from empty to many megabytes, in both formats: an array of an own type has no binary form.
const SIZES: &str = "
    create type colour as enum ('red', 'blue');
    create table wide (n int, b bytea, t text);
    insert into wide select i, decode(repeat(md5(i::text), i * 40), 'hex'), repeat('é', i * 200) from generate_series(0, 300) as i;
    insert into wide values (1000, decode(repeat('ff00', 9000000), 'hex'), null);
    create table wide_text (n int, b bytea, c colour[]);
    insert into wide_text select n, b, '{red,blue}' from wide;
    create table narrow (n int);
    insert into narrow select generate_series(1, 100000);
    create table bare ();
    insert into bare default values; insert into bare default values;";

#[tokio::test]
async fn rows_of_all_sizes_arrive_as_they_are() {
    let pair = support::databases("sizes").await;
    support::execute_batch(&pair.source, SIZES).await;
    let run = howdah("run", &pair, &["--yes", "--verify", "checksums"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, Vec::<String>::new());
}

/// The destination says no in the middle, between rows and inside of a long one. The error is its own, the table has no row,
/// and the other tables go on over new sessions.
#[tokio::test]
async fn a_refused_row_ends_its_table_alone() {
    for long in ["repeat('x', 30)", "repeat('x', 3000000)"] {
        let pair = support::databases("refused").await;
        let fixture = format!(
            "create table picky (n int, t text);
             insert into picky select i, case when i > 20 then {long} end from generate_series(1, 60) as i;
             create table other (n int); insert into other select generate_series(1, 1000);"
        );
        support::execute_batch(&pair.source, &fixture).await;
        support::execute_batch(
            &pair.destination,
            "create table picky (n int check (n <> 30), t text); create table other (n int)",
        )
        .await;
        let run = howdah("run", &pair, &["--yes", "--schema", "none", "--jobs", "1"]);
        assert_eq!(run.status.code(), Some(1), "{}", said(&run));
        assert!(said(&run).contains("SQLSTATE 23514"), "{}", said(&run));
        assert!(said(&run).contains("picky_n_check"), "{}", said(&run));
        let count = |table: &str| format!("select count(*) from {table}");
        let (picky, other) = (count("picky"), count("other"));
        assert_eq!(support::query_text(&pair.destination, &picky).await, "0");
        assert_eq!(support::query_text(&pair.destination, &other).await, "1000");
    }
}
