//! What a server refuses at first is done in the other way that the plan has for it.

use crate::migrate::{howdah, said};
use crate::support::{self, role};

/// Functions that name a table without its schema: fine for applications, undefined under an empty search_path.
const UNQUALIFIED: &str = "
    create schema work;
    alter database %name% set search_path = work, public;
    set search_path = work, public;
    create table rate (currency text primary key, value numeric not null);
    insert into rate values ('eur', 1.1), ('usd', 1.0);
    create function rate_of(text) returns numeric immutable language plpgsql
        as 'begin return (select value from rate where currency = $1); end';
    create function is_known(text) returns boolean immutable language plpgsql
        as 'begin return length(trim_all($1)) > 0; end';
    create function trim_all(text) returns text immutable language sql as 'select btrim($1)';
    create table price (id int primary key, currency text check (is_known(currency)), amount numeric);
    insert into price values (1, 'eur', 10), (2, 'usd', 20);
    create index price_rate on price (rate_of(currency));
    create materialized view worth as select id, amount * rate_of(currency) as value from price;
";

#[tokio::test]
async fn unqualified_names_are_found_under_the_sources_search_path() {
    let pair = support::databases("unqualified").await;
    let fixture = UNQUALIFIED.replace("%name%", &pair.source.database);
    support::execute_batch(&pair.source, &fixture).await;
    let run = howdah("run", &pair, &["--yes", "--verify", "checksums"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    assert!(said(&run).contains("search_path"), "{}", said(&run));
    let worth = "select id, value from work.worth order by id";
    assert_eq!(
        support::query_text(&pair.destination, worth).await,
        "1|11.0\n2|20.0"
    );
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, Vec::<String>::new());
}

/// On the source's server alone.
async fn make_tablespace(pair: &support::Pair, name: &str) {
    let place = support::servers().source.dir().join(name);
    // By the server, so that it is the server's own.
    let make = format!(
        "copy (select 1) to program 'cat > /dev/null; mkdir {}'",
        place.display()
    );
    let superuser = role::superuser(&pair.source);
    support::execute_batch(&superuser, &make).await;
    let create = format!("create tablespace {name} location '{}'", place.display());
    support::execute_batch(&superuser, &create).await;
    let grant = format!(
        "grant create on tablespace {name} to \"{}\"",
        pair.source.user
    );
    support::execute_batch(&superuser, &grant).await;
}

#[tokio::test]
async fn an_unknown_tablespace_is_left_out_and_told() {
    let pair = support::databases("tablespace").await;
    make_tablespace(&pair, "spare").await;
    support::execute_batch(
        &pair.source,
        "create table a (i int primary key using index tablespace spare) tablespace spare;
         insert into a select generate_series(1, 10); create index b on a (i) tablespace spare;",
    )
    .await;
    let run = howdah("run", &pair, &["--yes"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    assert!(said(&run).contains("tablespace"), "{}", said(&run));
    let rows = support::query_text(&pair.destination, "select count(*) from a").await;
    assert_eq!(rows, "10");
    support::execute_batch(&pair.source, "drop table a").await;
    support::execute_batch(&role::superuser(&pair.source), "drop tablespace spare").await;
}

#[tokio::test]
async fn event_triggers_of_the_destination_are_named_with_what_silences_them() {
    let pair = support::databases("reacting").await;
    support::execute_batch(&pair.source, "create table t (n int)").await;
    let superuser = role::superuser(&pair.destination);
    support::execute_batch(
        &superuser,
        "create function refuse() returns event_trigger language plpgsql as 'begin raise exception ''no''; end';
         create event trigger \"No more\" on ddl_command_start execute function refuse();",
    )
    .await;
    let check = howdah("check", &pair, &["--on-existing", "append"]);
    assert_eq!(check.status.code(), Some(0), "{}", said(&check));
    let fix = "ALTER EVENT TRIGGER \"No more\" DISABLE;";
    assert!(said(&check).contains(fix), "{}", said(&check));
    support::execute_batch(&superuser, fix).await;
    let run = howdah("run", &pair, &["--yes", "--on-existing", "append"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
}

/// What was left out in the run that broke off is no difference to the run that goes on with it; anything else is.
#[tokio::test]
async fn a_run_is_gone_on_with_after_something_was_left_out() {
    let pair = support::databases("left_out").await;
    make_tablespace(&pair, "spare_too").await;
    support::execute_batch(
        &pair.source,
        "create table a (i int primary key using index tablespace spare_too, j int) tablespace spare_too;
         insert into a select generate_series(1, 10); create index b on a (i) tablespace spare_too;
         create function sum_or_fail() returns bigint language plpgsql as $$ begin
             if current_setting('app.broken', true) = 'on' then raise 'broken'; end if;
             return 7; end $$;
         create materialized view total as select public.sum_or_fail();",
    )
    .await;
    let database = &pair.destination.database;
    let set = |value: &str| format!("alter database {database} set app.broken = '{value}'");
    support::execute_batch(&role::superuser(&pair.destination), &set("on")).await;
    let run = howdah("run", &pair, &["--yes"]);
    assert_eq!(run.status.code(), Some(1), "{}", said(&run));
    let ways = "select string_agg(key || ': ' || way, ', ' order by key) from howdah.step where way is not null";
    let ways = support::query_text(&pair.destination, ways).await;
    assert_eq!(ways.matches("without tablespace").count(), 3, "{ways}");
    support::execute_batch(&role::superuser(&pair.destination), &set("off")).await;

    support::execute_batch(&pair.destination, "alter table a alter j set default 3").await;
    let refused = howdah("resume", &pair, &["--yes"]);
    assert_eq!(refused.status.code(), Some(3), "{}", said(&refused));
    assert!(said(&refused).contains("public.a"), "{}", said(&refused));
    assert!(!said(&refused).contains("public.b"), "{}", said(&refused));
    support::execute_batch(&pair.destination, "alter table a alter j drop default").await;

    let resumed = howdah("resume", &pair, &["--yes"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
    let told = said(&resumed)
        .matches("It was done this way before")
        .count();
    assert_eq!(told, 3, "{}", said(&resumed));
    support::execute_batch(&pair.source, "drop table a").await;
    support::execute_batch(&role::superuser(&pair.source), "drop tablespace spare_too").await;
}

/// The index of a key that is built first, beside others, in a tablespace that is not there: the run says so once, and both a run
/// that was killed between the two and one that failed after them are gone on with.
#[tokio::test]
async fn a_key_takes_over_an_index_that_had_to_lie_elsewhere() {
    let pair = support::databases("taken_over").await;
    make_tablespace(&pair, "spare_three").await;
    // Large enough that its key is made in two steps.
    support::execute_batch(
        &pair.source,
        "create table big (i int, j int);
         insert into big select n, -n from generate_series(1, 420000) n;
         create index on big (j); alter table big add primary key (i) using index tablespace spare_three;
         create function sum_or_fail() returns bigint language plpgsql as $$ begin
             if current_setting('app.broken', true) = 'on' then raise 'broken'; end if;
             return 7; end $$;
         create materialized view total as select public.sum_or_fail();",
    )
    .await;
    let database = &pair.destination.database;
    let set = |value: &str| format!("alter database {database} set app.broken = '{value}'");
    support::execute_batch(&role::superuser(&pair.destination), &set("on")).await;
    let panics = std::process::Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(["run", "--yes", "--source", &support::uri(&pair.source)])
        .args(["--destination", &support::uri(&pair.destination)])
        .env(
            "HOWDAH_FAILPOINT",
            "schema/CONSTRAINT/public.big big_pkey@begin=panic",
        )
        .output()
        .unwrap();
    assert_eq!(panics.status.code(), Some(1), "{}", said(&panics));
    let ways = "select string_agg(key || ': ' || way, ', ' order by key) from howdah.step where way is not null";
    let index = "index/public.big_pkey: without tablespace";
    assert_eq!(support::query_text(&pair.destination, ways).await, index);

    // It is no longer so large, and its key is made in two steps all the same.
    for sql in ["delete from big where i > 10", "vacuum full big"] {
        support::execute_batch(&pair.source, sql).await;
    }
    let failed = howdah("resume", &pair, &["--yes"]);
    assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
    let both = format!("{index}, schema/CONSTRAINT/public.big big_pkey: without tablespace");
    assert_eq!(support::query_text(&pair.destination, ways).await, both);
    support::execute_batch(&role::superuser(&pair.destination), &set("off")).await;

    let resumed = howdah("resume", &pair, &["--yes"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
    let told = said(&resumed)
        .matches("It was done this way before")
        .count();
    assert_eq!(told, 1, "{}", said(&resumed));
    let reset = format!("alter database {database} reset all");
    support::execute_batch(&role::superuser(&pair.destination), &reset).await;

    let whole = support::further_destination(&pair).await;
    let run = howdah("run", &whole, &["--yes"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    support::execute_batch(&pair.source, "drop table big").await;
    support::execute_batch(
        &role::superuser(&pair.source),
        "drop tablespace spare_three",
    )
    .await;
}
