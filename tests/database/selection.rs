//! What is left out by choice: tables with all that hangs on them, tables without rows, rows by condition.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use crate::migrate::{howdah, said};
use crate::support;

/// One table with every kind of dependant, and others that must not notice its absence.
const HUNG: &str = "
    create table kept (id int primary key, n int);
    create sequence shared;
    create table gone (id int primary key default nextval('shared'), kept int references kept, t text);
    create table user_of_shared (id int default nextval('shared'), v text);
    create table refers (id int primary key, gone int references gone);
    create view seen as select * from gone;
    create view seen_twice as select * from seen;
    create materialized view filled as select count(*) as n from gone;
    create index on filled (n);
    create function standard() returns bigint language sql begin atomic select count(*) from gone; end;
    create function loose() returns bigint language sql as 'select 1::bigint';
    create function row_of(gone) returns text language sql as 'select $1.t';
    create function touch() returns trigger language plpgsql as 'begin return new; end';
    create trigger touched before update on gone for each row execute function touch();
    create trigger touched before update on kept for each row execute function touch();
    create rule ignored as on delete to gone do instead nothing;
    alter table gone enable row level security;
    create policy mine on gone using (true);
    create statistics spread on id, kept from gone;
    create publication partly for table gone, kept;
    comment on table gone is 'gone'; comment on column gone.t is 'gone'; comment on view seen is 'seen';
    grant select on gone to public; grant select (t) on gone to public; grant select on seen to public;
    create table child () inherits (gone);
    create table parts (id int, k int) partition by list (k);
    create table part_1 partition of parts for values in (1);
    create table part_2 partition of parts for values in (2);
    insert into kept select i, i from generate_series(1, 10) as i;
    insert into gone (kept, t) select i, 't' from generate_series(1, 10) as i;
    insert into refers select i, i from generate_series(1, 10) as i;
    insert into parts select i, 1 + i % 2 from generate_series(1, 10) as i;
    select nextval('shared');";

/// `kind schema name` of every entry of a database's schema archive.
fn entries(uri: &str, file: &str) -> BTreeSet<String> {
    let program = |name: &str, arguments: &[&str]| -> Output {
        let output = Command::new(support::binaries().bindir.join(name))
            .args(arguments)
            .output()
            .expect(name);
        assert!(output.status.success(), "{output:?}");
        output
    };
    program("pg_dump", &["-Fc", "--schema-only", "-f", file, "-d", uri]);
    let list = program("pg_restore", &["--list", file]).stdout;
    String::from_utf8_lossy(&list)
        .lines()
        .filter(|line| !line.starts_with(';'))
        // A provider's, not the run's.
        .filter(|line| !(support::role::is_owner() && line.contains("postgres_fdw")))
        .filter_map(|line| line.splitn(4, ' ').nth(3))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn a_table_left_out_takes_along_what_cannot_exist_without_it() {
    let pair = support::databases("left_out").await;
    support::execute_batch(&pair.source, HUNG).await;
    let run = howdah(
        "run",
        &pair,
        &[
            "--yes",
            "--json",
            "--exclude",
            "gone",
            "--exclude",
            "part_2",
        ],
    );
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let dir = support::servers().source.dir();
    let file = |name: &str| dir.join(name).display().to_string();
    let source = entries(&support::uri(&pair.source), &file("left_out_source.dump"));
    let destination = entries(
        &support::uri(&pair.destination),
        &file("left_out_destination.dump"),
    );
    assert_eq!(destination.difference(&source).next(), None);
    let missing: BTreeSet<&String> = source.difference(&destination).collect();
    let hangs = |entry: &str| {
        [
            "gone",
            "seen",
            "filled",
            "standard()",
            "row_of",
            "child",
            "part_2",
            "spread",
            "mine",
            "ignored",
        ]
        .iter()
        .any(|word| entry.contains(word))
    };
    let wrongly: Vec<_> = missing.iter().filter(|entry| !hangs(entry)).collect();
    assert!(wrongly.is_empty(), "missing without need: {wrongly:?}");
    let still: Vec<_> = destination
        .iter()
        .filter(|entry| hangs(entry) && !entry.contains("refers"))
        .collect();
    assert!(still.is_empty(), "there though it cannot be: {still:?}");
    for kept in [
        "SEQUENCE public shared",
        "FUNCTION public touch()",
        "FUNCTION public loose()",
        "PUBLICATION - partly",
    ] {
        assert!(
            destination.iter().any(|entry| entry.contains(kept)),
            "{kept} is missing"
        );
    }
    // The report names all that is missing, with the reason.
    for named in [
        "view public.seen_twice",
        "function public.standard()",
        "foreign key public.refers",
        "policy public.gone mine",
        "table public.child",
    ] {
        assert!(
            said(&run).contains(named),
            "{named} is not told: {}",
            said(&run)
        );
    }
    let counter = "select last_value, is_called from shared";
    assert_eq!(
        support::query_text(&pair.destination, counter).await,
        support::query_text(&pair.source, counter).await
    );
}

#[tokio::test]
async fn rows_are_carried_by_condition_and_compared_by_it() {
    for method in ["copy", "fdw"] {
        let pair = support::databases("filtered").await;
        support::execute_batch(
            &pair.source,
            "create table \"Odd = name\" (id int primary key, day date, t text);
             insert into \"Odd = name\" select i, date '2024-01-01' + i, 'x' from generate_series(1, 100) as i;
             create table parts (id int, k int) partition by list (k);
             create table part_1 partition of parts for values in (1);
             create table part_2 partition of parts for values in (2);
             insert into parts select i, 1 + i % 2 from generate_series(1, 100) as i;
             create table bare (id int primary key); insert into bare values (1), (2);
             create table points (bare int references bare); insert into points values (1);",
        )
        .await;
        let run = howdah(
            "run",
            &pair,
            &[
                "--yes",
                "--verify",
                "checksums",
                "--method",
                method,
                "--where",
                "\"Odd = name\"=day > '2024-02-01' and t <> ');' -- recent",
                "--where",
                "parts=parts.id <= 10 or part_1.id = 99",
                "--structure-only",
                "bare",
            ],
        );
        // The partitions are named by themselves: a condition that names one fits no other.
        assert_eq!(run.status.code(), Some(1), "{}", said(&run));
        assert!(
            said(&run).contains("filter of public.part_1"),
            "{}",
            said(&run)
        );
        let run = howdah(
            "run",
            &pair,
            &[
                "--yes",
                "--verify",
                "checksums",
                "--method",
                method,
                "--where",
                "\"Odd = name\"=day > '2024-02-01' and t <> ');' -- recent",
                "--where",
                "parts=id <= 10",
                "--structure-only",
                "bare",
            ],
        );
        // The foreign key to the table without rows cannot hold.
        assert_eq!(run.status.code(), Some(4), "{}", said(&run));
        assert!(said(&run).contains("points_bare_fkey"), "{}", said(&run));
        let counts = "select (select count(*) from \"Odd = name\"), (select count(*) from parts), (select count(*) from bare)";
        assert_eq!(
            support::query_text(&pair.destination, counts).await,
            "69|10|0"
        );
        let verify = howdah(
            "verify",
            &pair,
            &["--include", "parts", "--where", "parts=id <= 10"],
        );
        assert_eq!(verify.status.code(), Some(0), "{}", said(&verify));
        let whole = howdah("verify", &pair, &["--include", "parts"]);
        assert_eq!(whole.status.code(), Some(4), "{}", said(&whole));
    }
}

#[tokio::test]
async fn a_filter_that_is_no_condition_stops_before_anything_is_done() {
    let pair = support::databases("bad_filter").await;
    support::execute_batch(
        &pair.source,
        "create table t (n int); insert into t values (1)",
    )
    .await;
    for (condition, reason) in [
        ("n >", "syntax error"),
        ("m = 1", "column \"m\" does not exist"),
        ("n", "must be type boolean"),
        ("true) or (true", "parenthesis"),
        ("true; drop table t", "semicolon"),
        ("n = $1", "parameter"),
    ] {
        let run = howdah(
            "run",
            &pair,
            &["--yes", "--where", &format!("t={condition}")],
        );
        assert_eq!(run.status.code(), Some(1), "{condition}: {}", said(&run));
        assert!(said(&run).contains(reason), "{condition}: {}", said(&run));
    }
    let there = support::query_text(
        &pair.destination,
        "select count(*) from pg_class where relname = 't'",
    )
    .await;
    assert_eq!(there, "0");
}
