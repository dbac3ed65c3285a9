//! What the destination evaluates gives what the source's own sessions would give, whatever howdah's sessions are pinned to.

use crate::migrate::{howdah, said};
use crate::support;

/// The day of an instant depends on the time zone, that of a text on the order of its parts.
const CALENDAR: &str = "
    create function day_of(timestamptz) returns date immutable language plpgsql as 'begin return $1::date; end';
    create table event (
        at timestamptz primary key check (extract(hour from at) <> 20),
        day date generated always as (day_of(at)) stored);
    create index event_day on event (day_of(at));
    create table noted (written text check (written::date > '2020-05-01'));
    create materialized view by_day as select at::date as day, count(*) from event group by 1;";

const ROWS: &str = "
    insert into event select timestamptz '2024-01-01 20:00+00' + i * interval '1 day' from generate_series(1, 20) as i;
    insert into noted values ('01/06/2020'), ('31/12/2021');
    refresh materialized view by_day;";

/// Days as they lie in the table, in the index and in the view.
const DAYS: &str = "
    select (select count(*) || ' ' || sum(day - date '2024-01-01') from event),
           (select count(*) from event where day_of(at) = day),
           (select string_agg(v::text, ' ' order by v) from by_day as v)";

#[tokio::test]
async fn expressions_see_the_time_zone_and_the_order_of_dates_of_the_source() {
    for method in ["copy", "fdw"] {
        let pair = support::databases("own_settings").await;
        let database = &pair.source.database;
        let own = format!(
            "alter database {database} set timezone = 'Asia/Tokyo';
             alter database {database} set datestyle = 'ISO, DMY'"
        );
        support::execute_batch(&pair.source, &own).await;
        support::execute_batch(&pair.source, CALENDAR).await;
        support::execute_batch(&pair.source, ROWS).await;
        let arguments = ["--yes", "--method", method, "--verify", "checksums"];
        let output = howdah("run", &pair, &arguments);
        assert_eq!(output.status.code(), Some(0), "{method}: {}", said(&output));
        let by_index = format!("set enable_seqscan = off; {DAYS}");
        let found = support::query_text(&pair.destination, &by_index).await;
        assert!(found.starts_with("20 230|20|"), "{found}");
        assert_eq!(
            found,
            support::query_text(&pair.source, &by_index).await,
            "{method}"
        );
        // A view's contents are not compared, and that is said.
        assert!(
            said(&output).contains("materialized views"),
            "{}",
            said(&output)
        );
    }
}

#[tokio::test]
async fn materialized_views_see_parameters_of_the_database() {
    let pair = support::databases("parameters").await;
    let source = &pair.source.database;
    let own = format!("alter database {source} set app.tenant = 'acme''s'");
    // The owner of a database may not say so of a parameter that nobody knows.
    support::execute_batch(&support::role::superuser(&pair.source), &own).await;
    let view = "create materialized view whose as select current_setting('app.tenant', true) as it";
    support::execute_batch(&pair.source, view).await;
    let output = howdah("run", &pair, &["--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let found = support::query_text(&pair.destination, "select it from whose").await;
    assert_eq!(found, "acme's");
}

#[tokio::test]
async fn tables_lie_where_the_source_has_them() {
    let pair = support::databases("lying").await;
    support::execute_batch(
        &pair.source,
        "create table a (id int primary key); insert into a values (1)",
    )
    .await;
    let there = support::connect(&support::role::superuser(&pair.destination)).await;
    for statement in [
        "set allow_in_place_tablespaces = on".to_owned(),
        "create tablespace elsewhere location ''".to_owned(),
        format!(
            "alter database {} set default_tablespace = elsewhere",
            pair.destination.database
        ),
    ] {
        there.batch_execute(&statement).await.unwrap();
    }
    let output = howdah("run", &pair, &["--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let elsewhere = "select count(*) from pg_class where reltablespace <> 0 and not relisshared";
    assert_eq!(support::query_text(&pair.destination, elsewhere).await, "0");
}
