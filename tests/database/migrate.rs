//! Whole migrations by the real program, judged by an oracle that is not howdah's.

use std::process::{Command, Output};

use howdah::model::connection::Endpoint;

use crate::existing::as_owner;
use crate::support::{self, Pair};

const ODDITIES: &str = include_str!("fixtures/oddities.sql");

/// The fixture, in the transactions it wants.
pub(crate) async fn fill(source: &Endpoint) {
    for part in ODDITIES.split("-- next transaction") {
        let part = part.trim_start_matches(|c| c != '\n');
        support::execute_batch(source, part).await;
    }
}

/// Runs the program with both ends named.
pub(crate) fn howdah(command: &str, pair: &Pair, arguments: &[&str]) -> Output {
    let uri = |endpoint: &Endpoint| support::uri(endpoint);
    Command::new(env!("CARGO_BIN_EXE_howdah"))
        .arg(command)
        .args([
            "--source",
            &uri(&pair.source),
            "--destination",
            &uri(&pair.destination),
        ])
        .args(arguments)
        .output()
        .unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    format!("{out}{}", String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

async fn carries_oddities(method: &str) {
    let pair = support::source_only_for("oddities", method).await;
    fill(&pair.source).await;
    let run = howdah(
        "run",
        &pair,
        &[
            "--yes",
            "--method",
            method,
            "--create-database",
            "--jobs",
            "3",
        ],
    );
    assert_code(&run, 0);
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, Vec::<String>::new(), "{}", said(&run));
}

/// Every new database has a schema public; not every source has kept it.
#[tokio::test]
async fn a_source_without_a_schema_public_is_carried_without_one() {
    let pair = support::databases("no_public").await;
    let script = "drop schema public; create schema app; create table app.t (id int); insert into app.t values (1)";
    support::execute_batch(&support::role::superuser(&pair.source), script).await;
    if support::role::is_owner() {
        let user = &pair.source.user;
        let give = format!("alter schema app owner to {user}; alter table app.t owner to {user}");
        support::execute_batch(&support::role::superuser(&pair.source), &give).await;
    }
    let run = howdah("run", &pair, &["--yes"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    if support::role::is_owner() {
        // An administrator has put the extension there.
        let why = "extension postgres_fdw depends on schema public";
        assert!(said(&run).contains(why), "{}", said(&run));
        return;
    }
    let there = "select string_agg(nspname::text, ' ' order by 1) from pg_namespace where nspname !~ '^pg_|^information_schema$'";
    assert_eq!(
        support::query_text(&pair.destination, there).await,
        "app",
        "{}",
        said(&run)
    );
    assert_eq!(howdah("verify", &pair, &[]).status.code(), Some(0));
    // What is in it keeps it, and that is told.
    let second = support::further_destination(&pair).await;
    support::execute_batch(&second.destination, "create table public.own (id int)").await;
    let run = howdah("run", &second, &["--yes", "--on-existing", "append"]);
    assert!(
        said(&run).contains("Schema public, which the source has dropped, stays"),
        "{}",
        said(&run)
    );
    assert_eq!(
        support::query_text(&second.destination, "select count(*) from public.own").await,
        "0"
    );
    let compared = howdah("verify", &second, &[]);
    assert!(
        said(&compared).contains("Schema public itself"),
        "{}",
        said(&compared)
    );
}

#[tokio::test]
async fn copy_carries_every_oddity() {
    carries_oddities("copy").await;
}

#[tokio::test]
async fn fdw_carries_every_oddity() {
    carries_oddities("fdw").await;
}

#[tokio::test]
async fn checksums_find_every_oddity_equal() {
    for method in ["copy", "fdw"] {
        let pair = support::databases("checksums").await;
        fill(&pair.source).await;
        let run = howdah(
            "run",
            &pair,
            &["--yes", "--verify", "checksums", "--method", method],
        );
        assert_code(&run, 0);
    }
}

/// A column that rounds changes a value on the way: as many rows, not the same.
#[tokio::test]
async fn a_changed_value_is_found_by_checksums_alone() {
    for (verify, code) in [("counts", 0), ("checksums", 4)] {
        let pair = support::databases("rounded").await;
        let source = "create table t (n numeric(10,2)); insert into t values (1.25), (2.00)";
        support::execute_batch(&pair.source, source).await;
        support::execute_batch(&pair.destination, "create table t (n numeric(10,1))").await;
        let run = howdah(
            "run",
            &pair,
            &["--yes", "--schema", "none", "--verify", verify],
        );
        assert_code(&run, code);
        assert!(
            code == 0 || said(&run).contains("public.t"),
            "{}",
            said(&run)
        );
    }
}

#[tokio::test]
async fn a_second_run_is_stopped_and_an_explicit_one_replaces_the_first() {
    let pair = support::databases("again").await;
    fill(&pair.source).await;
    assert_code(&howdah("run", &pair, &["--yes"]), 0);
    let before = support::query_text(&pair.destination, "select count(*) from pg_class").await;

    let stopped = howdah("run", &pair, &["--yes"]);
    assert_code(&stopped, 3);
    assert!(
        said(&stopped).contains("already holds"),
        "{}",
        said(&stopped)
    );
    let after = support::query_text(&pair.destination, "select count(*) from pg_class").await;
    assert_eq!(before, after);

    support::execute_batch(&pair.source, "delete from other.ordered").await;
    assert_code(
        &howdah("run", &pair, &["--yes", "--on-existing", "empty"]),
        0,
    );
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
async fn only_what_is_named_is_carried_with_what_it_needs() {
    let pair = support::databases("named").await;
    fill(&pair.source).await;
    let arguments = [
        "--yes",
        "--include",
        "other.a",
        "--include",
        "other.o*",
        "--exclude",
        "*.b",
    ];
    assert_code(&howdah("run", &pair, &arguments), 0);
    let tables = "select string_agg(oid::regclass::text, ' ' order by relname) from pg_class \
                  where relkind in ('r', 'p') and relnamespace = 'other'::regnamespace";
    assert_eq!(
        support::query_text(&pair.destination, tables).await,
        "other.a other.ordered"
    );
    let keys = "select count(*) from pg_constraint where contype = 'f'";
    assert_eq!(support::query_text(&pair.destination, keys).await, "1");
    let ticket = "select last_value from other.ticket";
    assert_eq!(
        support::query_text(&pair.destination, ticket).await,
        support::query_text(&pair.source, ticket).await
    );
}

#[tokio::test]
async fn rows_alone_go_into_a_schema_that_is_there() {
    let pair = support::databases("rows").await;
    let shape = "create table t (id int generated always as identity primary key, up int references t); \
                 create function no() returns trigger language plpgsql as $$ begin raise 'fired'; end $$; \
                 create trigger no before insert on t for each row execute function no()";
    support::execute_batch(&pair.destination, shape).await;
    support::execute_batch(&pair.source, shape).await;
    let fill = "alter table t disable trigger no; insert into t (up) select nullif(g, 1) from generate_series(1, 9) g; \
                alter table t enable trigger no";
    support::execute_batch(&pair.source, fill).await;
    assert_code(&howdah("run", &pair, &["--yes", "--schema", "none"]), 0);
    assert_code(&howdah("run", &pair, &["--yes", "--schema", "none"]), 3);
    let again = [
        "--yes",
        "--schema",
        "none",
        "--on-existing",
        "empty",
        "--method",
        "fdw",
    ];
    assert_code(&howdah("run", &pair, &again), 0);
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
async fn a_database_is_never_copied_onto_itself() {
    let pair = support::databases("itself").await;
    let same = Pair {
        source: pair.source.clone(),
        destination: pair.source,
    };
    let output = howdah("run", &same, &["--yes", "--on-existing", "empty"]);
    assert_code(&output, 3);
    assert!(said(&output).contains("same database"));
}

/// A database may sort by ICU while its libc locale is any other's.
#[tokio::test]
async fn a_database_sorts_as_on_the_source() {
    let pair = support::source_only("sorts").await;
    let database = &pair.source.database;
    let elsewhere = Endpoint {
        database: "postgres".to_owned(),
        ..pair.source.clone()
    };
    let client = support::connect(&support::role::superuser(&elsewhere)).await;
    for sql in [
        format!("drop database {database}"),
        format!(
            "create database {database} owner {} template template0 locale_provider icu icu_locale 'de-u-co-phonebk' locale 'C'",
            pair.source.user
        ),
    ] {
        client.batch_execute(&sql).await.unwrap();
    }
    let words =
        "create table words (word text); insert into words values ('Z'), ('a'), ('B'), ('ä')";
    support::execute_batch(&pair.source, words).await;
    let run = howdah("run", &pair, &["--yes", "--create-database"]);
    assert_code(&run, 0);
    let question = "select datlocprovider, daticulocale, datcollate, datctype, (select string_agg(word, ' ' order by word) from words)
        from pg_database where datname = current_database()";
    let there = support::query_text(&pair.destination, question).await;
    assert_eq!(there, "i|de-u-co-phonebk|C|C|a ä B Z");

    let other = support::further_destination(&pair).await;
    let told = said(&howdah("check", &other, &[]));
    assert!(
        told.contains("Collation de-u-co-phonebk of ICU to C"),
        "{told}"
    );
}

#[tokio::test]
async fn an_extension_that_is_older_there_is_told() {
    let pair = support::databases("older").await;
    let table = "create extension hstore version '1.8'; create table t (h hstore)";
    support::execute_batch(&pair.source, table).await;
    let older = "create extension hstore version '1.4'";
    support::execute_batch(&pair.destination, older).await;
    let run = howdah("run", &pair, &["--yes"]);
    assert_code(&run, 0);
    for words in [
        "hstore 1.8: 1.4 is installed on the destination",
        "ALTER EXTENSION hstore UPDATE TO '1.8';",
        "version 1.8 of extension hstore",
    ] {
        assert!(said(&run).contains(words), "{}", said(&run));
    }
}

/// Definitions are written by the server, which has settings for that.
#[tokio::test]
async fn how_a_role_likes_definitions_written_makes_none_different() {
    let pair = support::databases("likes").await;
    let (database, user) = (&pair.source.database, &pair.source.user);
    let likes = format!(
        "create table t (id int, bytes bytea default '\\x00ff'); create view v as select id from t;
         alter role {user} in database {database} set quote_all_identifiers = on;
         alter role {user} in database {database} set bytea_output = escape"
    );
    support::execute_batch(&pair.source, &likes).await;
    let run = howdah("run", &pair, &["--yes", "--database-settings", "skip"]);
    assert_code(&run, 0);
}

/// What is prepared and not committed is in nobody's snapshot.
#[tokio::test]
async fn prepared_transactions_of_the_source_are_told() {
    let pair = support::databases("prepared").await;
    support::execute_batch(&pair.source, "create table t (id int)").await;
    let client = support::connect(&pair.source).await;
    let prepare = "begin; insert into t values (1); prepare transaction 'pending'";
    client.batch_execute(prepare).await.unwrap();
    let told = said(&howdah("check", &pair, &[]));
    client
        .batch_execute("rollback prepared 'pending'")
        .await
        .unwrap();
    assert!(
        told.contains("1 prepared transactions wait on the source")
            && told.contains("- pending, of "),
        "{told}"
    );
    let told = said(&howdah("check", &pair, &[]));
    assert!(!told.contains("prepared transactions"), "{told}");
}

/// Without the cluster's identifier it is still one server, by whatever name it is reached.
#[tokio::test]
async fn a_database_is_known_again_by_a_role_that_may_ask_for_little() {
    let pair = support::databases("again").await;
    support::execute_batch(
        &pair.source,
        "create table precious (id int); insert into precious select generate_series(1, 10)",
    )
    .await;
    let owned = as_owner(&pair, "again_owner").await;
    support::execute_batch(
        &support::role::superuser(&pair.source),
        "revoke execute on function pg_control_system() from public",
    )
    .await;
    let same = Pair {
        source: owned.source.clone(),
        destination: owned.source,
    };
    let output = howdah("run", &same, &["--yes", "--on-existing", "empty"]);
    assert_code(&output, 3);
    assert!(
        said(&output).contains("Source and destination are the same database"),
        "{}",
        said(&output)
    );
    let superuser = support::role::superuser(&pair.source);
    let rows = support::query_text(&superuser, "select count(*)::text from precious").await;
    assert_eq!(rows, "10");
}

#[tokio::test]
async fn rows_hidden_by_a_policy_stop_everything() {
    let pair = support::databases("policy").await;
    fill(&pair.source).await;
    let role = format!("reader_{}", pair.source.database);
    support::execute_batch(
        &support::role::superuser(&pair.source),
        &format!("create role {role} login password 'x'; grant usage on schema other, \"Odd Names\" to {role};
            grant select on all tables in schema other, \"Odd Names\" to {role};
            grant select on all sequences in schema other, \"Odd Names\" to {role}"),
    )
    .await;
    let mut reader = pair.source.clone();
    reader.user.clone_from(&role);
    reader.password = Some(howdah::model::connection::Secret::new("x"));
    let pair = Pair {
        source: reader,
        destination: pair.destination,
    };
    let output = howdah(
        "run",
        &pair,
        &["--yes", "--owners", "skip", "--privileges", "skip"],
    );
    assert_code(&output, 3);
    assert!(
        said(&output).contains("Row-level security hides rows"),
        "{}",
        said(&output)
    );
    assert!(said(&output).contains("other.secret"));
    assert!(said(&output).contains("BYPASSRLS"), "{}", said(&output));
    let tables = "select count(*) from pg_class where relnamespace::regnamespace::text in ('other', 'howdah')";
    assert_eq!(support::query_text(&pair.destination, tables).await, "0");
}

#[tokio::test]
async fn wrong_connections_say_what_to_do() {
    let pair = support::databases("wrong").await;
    let right = support::uri(&pair.source);
    let port = pair.source.port.to_string();
    let cases = [
        (
            right.replace(&format!(":{port}/"), ":1/"),
            1,
            "nothing listens on port 1",
        ),
        (
            right.replace("127.0.0.1", "no-such-host.invalid"),
            1,
            "not known",
        ),
        (
            right.replace(&format!("/{}", pair.source.database), "/absent"),
            1,
            "Check its name",
        ),
        (format!("{right}?sslmode=require"), 1, "does not offer TLS"),
        (
            right.replace("postgresql://", "postgre://"),
            2,
            "Write postgres://",
        ),
        (
            format!("{right}?sslmod=require"),
            2,
            "\"sslmod\" is not known",
        ),
    ];
    for (uri, code, words) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_howdah"))
            .args(["run", "--yes", "--source", &uri, "--destination", &right])
            .output()
            .unwrap();
        assert_code(&output, code);
        assert!(said(&output).contains(words), "{words}: {}", said(&output));
    }
    let mut wrong = pair.source.clone();
    wrong.password = Some(howdah::model::connection::Secret::new("not-the-password"));
    let pair = Pair {
        source: wrong,
        destination: pair.destination,
    };
    let output = howdah("check", &pair, &[]);
    assert_code(&output, 1);
    assert!(said(&output).contains("password"), "{}", said(&output));
    assert!(!said(&output).contains("not-the-password"));
}
