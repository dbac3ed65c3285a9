//! A plan as a file: written, edited, run, and refused when it no longer fits.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use howdah::model::connection::{Endpoint, Secret};

use crate::certificates::chmod;
use crate::migrate::{fill, said};
use crate::support::{self, Pair};
use crate::terminal::surroundings;

const SHOP: &str = "create schema shop;
    create table shop.\"odd.name\" (a int primary key, b text);
    insert into shop.\"odd.name\" select i, 'row ' || i from generate_series(1, 10) as i;
    create table shop.log (a serial, b text default 'x');
    insert into shop.log select from generate_series(1, 10);
    create table shop.old (a int);
    create function shop.price() returns int language sql as 'select 1'";

/// Both ends, a password file for them, and a plan file.
struct Desk {
    pair: Pair,
    home: tempfile::TempDir,
}

impl Desk {
    async fn new(name: &str, method: &str) -> Self {
        let pair = support::source_only_for(name, method).await;
        let home = tempfile::tempdir().unwrap();
        let line = |end: &Endpoint| {
            let password = end.password.as_ref().map_or("", Secret::expose);
            format!("{}:{}:*:{}:{password}\n", end.host, end.port, end.user)
        };
        let passfile = home.path().join(".pgpass");
        fs::write(&passfile, line(&pair.source) + &line(&pair.destination)).unwrap();
        chmod(&passfile, 0o600);
        Self { pair, home }
    }

    fn file(&self) -> PathBuf {
        self.home.path().join("plan.toml")
    }

    fn howdah(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_howdah"))
            .args(arguments)
            .envs(surroundings(self.home.path()))
            .current_dir(self.home.path())
            .output()
            .unwrap()
    }

    fn write(&self, more: &[&str]) -> String {
        let uri = |end: &Endpoint| {
            format!(
                "postgres://{}@{}:{}/{}",
                end.user, end.host, end.port, end.database
            )
        };
        let (source, destination) = (uri(&self.pair.source), uri(&self.pair.destination));
        let ends = ["--source", &source, "--destination", &destination];
        let words = [
            &["plan", "--out", "plan.toml", "--create-database"],
            &ends[..],
            more,
        ]
        .concat();
        let output = self.howdah(&words);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        fs::read_to_string(self.file()).unwrap()
    }

    #[track_caller]
    fn run(&self, code: i32) -> String {
        let output = self.howdah(&["run", "--plan", "plan.toml", "--yes"]);
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        said(&output)
    }
}

#[tokio::test]
async fn a_plan_file_is_run_as_it_was_written() {
    let desk = Desk::new("plan_file", "copy").await;
    fill(&desk.pair.source).await;
    let text = desk.write(&["--jobs", "2", "--verify", "checksums"]);
    for end in [&desk.pair.source, &desk.pair.destination] {
        let password = end.password.as_ref().map_or("", Secret::expose);
        assert!(!password.is_empty() && !text.contains(password));
    }
    // The whole of it is read back, whatever stands in names.
    let again = howdah::settings::PlanFile::read(&text).unwrap();
    assert_eq!(again.text().unwrap(), text);
    desk.run(0);
    let found = support::differences(&desk.pair.source, &desk.pair.destination).await;
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_edited_in_a_plan_file_is_what_is_done() {
    let desk = Desk::new("plan_edited", "fdw").await;
    support::execute_batch(&desk.pair.source, SHOP).await;
    let text = desk.write(&[]);
    let edited = text
        .replace(
            "\"shop.\\\"odd.name\\\"\" = { carry = \"rows\" }",
            "\"shop.\\\"odd.name\\\"\" = { carry = \"rows\", where = \"a > 7\" }",
        )
        .replace(
            "\"shop.log\" = { carry = \"rows\" }",
            "\"shop.log\" = { carry = \"structure-only\" }",
        )
        .replace("\"shop.log_a_seq\" = true", "\"shop.log_a_seq\" = false")
        .replace(
            "\"shop.old\" = { carry = \"rows\" }",
            "\"shop.old\" = { carry = \"nothing\" }",
        )
        .replace("method = \"copy\"", "method = \"fdw\"");
    fs::write(desk.file(), &edited).unwrap();
    let shown = said(&desk.howdah(&["plan", "--plan", "plan.toml"]));
    assert!(shown.contains("a > 7"), "{shown}");
    desk.run(0);
    let counts = "select (select count(*) from shop.\"odd.name\"), (select count(*) from shop.log),
        (select is_called from shop.log_a_seq), to_regclass('shop.old')";
    let found = support::query_text(&desk.pair.destination, counts).await;
    assert_eq!(found.trim(), "3|0|f|");
    for (wrong, word) in [
        (
            edited.replace("carry = \"nothing\"", "carry = \"noting\""),
            "noting",
        ),
        (edited.replace("[tables]", "[tabels]"), "tabels"),
        (edited.replace("jobs = ", "jbos = "), "jbos"),
    ] {
        fs::write(desk.file(), wrong).unwrap();
        let refused = desk.run(2);
        assert!(
            refused.contains(word) && refused.contains("line"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_plan_file_that_no_longer_fits_is_refused_with_the_difference() {
    let desk = Desk::new("plan_stale", "copy").await;
    support::execute_batch(&desk.pair.source, SHOP).await;
    desk.write(&[]);
    let changes = "drop table shop.old; create table shop.new (a serial); alter table shop.log alter b set default 'y';
        create or replace function shop.price() returns int language sql as 'select 2'";
    support::execute_batch(&desk.pair.source, changes).await;
    let refused = desk.run(3);
    for difference in [
        "the table shop.old is not on the source any more",
        "the table shop.new is new",
        "the sequence shop.new_a_seq is new",
        "TABLE shop.log is defined differently now",
        "FUNCTION shop.price() is defined differently now",
    ] {
        assert!(refused.contains(difference), "{difference} in {refused}");
    }
    let there = "select count(*) from pg_database where datname like 'plan_stale%'";
    let maintenance = support::servers().destination.endpoint("postgres");
    assert_eq!(support::query_text(&maintenance, there).await.trim(), "0");
}

/// A selection alone: what it names is carried, what is gone is told, and a mistake names its line.
#[tokio::test(flavor = "multi_thread")]
async fn a_selection_says_what_is_carried() {
    let desk = Desk::new("chosen", "copy").await;
    support::execute_batch(&desk.pair.source, SHOP).await;
    let file = desk.home.path().join("selection.toml");
    let text = "others = 'nothing'\n[tables]\n'shop.log' = { carry = 'rows', where = 'a > 7' }\n'shop.gone' = { carry = 'rows' }\n";
    fs::write(&file, text).unwrap();
    let plan = desk.write(&["--selection", "selection.toml"]);
    for line in [
        "\"shop.log\" = { carry = \"rows\", where = \"a > 7\" }",
        "\"shop.old\" = { carry = \"nothing\" }",
        "\"shop.log_a_seq\" = true",
    ] {
        assert!(plan.contains(line), "{line} is not in:\n{plan}");
    }
    let (source, destination) = (
        support::uri(&desk.pair.source),
        support::uri(&desk.pair.destination),
    );
    let ends = ["--source", &source, "--destination", &destination];
    let more = ["--selection", "selection.toml", "--create-database"];
    let run = desk.howdah(&[&["run", "--yes"], &ends[..], &more].concat());
    let said_of_run = said(&run);
    assert_eq!(run.status.code(), Some(0), "{said_of_run}");
    assert!(
        said_of_run.contains("the table shop.gone is not on the source"),
        "{said_of_run}"
    );
    let count = "select count(*) from shop.log";
    let count = support::query_text(&desk.pair.destination, count).await;
    assert_eq!(count.trim(), "3");
    fs::write(&file, "[tables]\n'log' = { carry = 'rows' }").unwrap();
    let check = desk.howdah(&[&["check"], &ends[..], &more].concat());
    assert_eq!(check.status.code(), Some(2), "{}", said(&check));
    assert!(said(&check).contains("line 2"), "{}", said(&check));
    let both = desk.howdah(&[&["check"], &ends[..], &more, &["--include", "a"]].concat());
    assert_eq!(both.status.code(), Some(2), "{}", said(&both));
}
