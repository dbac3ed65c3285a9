//! The script that howdah writes does what a run does, without howdah: judged by the oracle.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use howdah::model::connection::{Endpoint, Secret};

use crate::migrate::{fill, howdah, said};
use crate::support::{self, Pair};

/// A script that was written for the pair.
pub(crate) struct Script {
    pub(crate) pair: Pair,
    dir: tempfile::TempDir,
}

impl Script {
    pub(crate) fn write(pair: Pair, choices: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("carry.sh");
        let out = ["--script", "--out", file.to_str().unwrap()];
        let output = howdah("plan", &pair, &[&out[..], choices].concat());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let text = fs::read_to_string(&file).unwrap();
        for end in [&pair.source, &pair.destination] {
            let password = end.password.as_ref().map_or("", Secret::expose);
            assert!(!password.is_empty() && !text.contains(password));
        }
        Self { pair, dir }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("carry.sh")
    }

    pub(crate) fn run(&self) -> Output {
        let conninfo = |end: &Endpoint, database: &str| {
            format!(
                "postgres://{}@{}:{}/{database}",
                end.user, end.host, end.port
            )
        };
        let password = |end: &Endpoint| end.password.as_ref().map_or("", Secret::expose).to_owned();
        let (source, destination) = (&self.pair.source, &self.pair.destination);
        let bin = support::binaries().bindir;
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        Command::new("bash")
            .arg(self.file())
            .env("PATH", path)
            .env("TMPDIR", self.dir.path())
            .current_dir(self.dir.path())
            .env("HOWDAH_SOURCE", conninfo(source, &source.database))
            .env("HOWDAH_SOURCE_PASSWORD", password(source))
            .env(
                "HOWDAH_DESTINATION",
                conninfo(destination, &destination.database),
            )
            .env("HOWDAH_DESTINATION_PASSWORD", password(destination))
            .env("HOWDAH_MAINTENANCE", conninfo(destination, "postgres"))
            .output()
            .unwrap()
    }

    /// Nothing of its own is left behind where it worked.
    fn assert_tidy(&self) {
        let left: Vec<_> = fs::read_dir(self.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["carry.sh"]);
    }
}

async fn gives_what_a_run_gives(method: &str) {
    let pair = support::source_only_for("script", method).await;
    fill(&pair.source).await;
    let script = Script::write(
        pair,
        &["--method", method, "--create-database", "--jobs", "3"],
    );
    let run = script.run();
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let found = support::differences(&script.pair.source, &script.pair.destination).await;
    assert_eq!(found, Vec::<String>::new(), "{}", said(&run));
    script.assert_tidy();
    for end in [&script.pair.source, &script.pair.destination] {
        let password = end.password.as_ref().map_or("", Secret::expose);
        assert!(!said(&run).contains(password));
    }
}

#[tokio::test]
async fn the_script_gives_what_a_run_gives_by_copy() {
    gives_what_a_run_gives("copy").await;
}

#[tokio::test]
async fn the_script_gives_what_a_run_gives_by_fdw() {
    gives_what_a_run_gives("fdw").await;
}

#[tokio::test]
async fn the_script_carries_hard_values_and_every_kind_of_object() {
    let pair = support::source_only("script_torture").await;
    crate::torture::fill(&pair).await;
    let script = Script::write(pair, &["--create-database"]);
    let run = script.run();
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let found = support::differences(&script.pair.source, &script.pair.destination).await;
    assert_eq!(found, crate::torture::left_out(), "{}", said(&run));
}

#[tokio::test]
async fn a_source_that_breaks_off_leaves_no_half_table_and_howdah_goes_on() {
    let pair = support::databases("script_broken").await;
    // Enough rows that many are there already when the source refuses one.
    let create = "create table t (a int); insert into t select generate_series(1, 200000);
        create table breaking (at int); insert into breaking values (199000);
        create function public.whole(int) returns boolean language plpgsql stable as
            'begin if $1 = (select at from public.breaking) then raise exception ''a bad row''; end if; return true; end'";
    support::execute_batch(&pair.source, create).await;
    let script = Script::write(pair, &["--where", "t=public.whole(a)", "--jobs", "1"]);
    let run = script.run();
    assert_eq!(run.status.code(), Some(1), "{}", said(&run));
    assert!(said(&run).contains("a bad row") && said(&run).contains("howdah resume"));
    let rows = support::query_text(&script.pair.destination, "select count(*) from t").await;
    assert_eq!(rows.trim(), "0");
    script.assert_tidy();
    support::execute_batch(&script.pair.source, "update breaking set at = 0").await;
    let resumed = howdah("resume", &script.pair, &["--yes"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
    let rows = support::query_text(&script.pair.destination, "select count(*) from t").await;
    assert_eq!(rows.trim(), "200000");
}

#[tokio::test]
async fn what_a_script_cannot_do_is_refused_with_the_reason() {
    let pair = support::databases("script_refused").await;
    for end in [&pair.source, &pair.destination] {
        support::execute_batch(
            end,
            "create table t (a int primary key); create table u (a int references t)",
        )
        .await;
    }
    let choices = ["--script", "--schema", "none", "--on-existing", "append"];
    let output = howdah("plan", &pair, &choices);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("would not put back"),
        "{}",
        said(&output)
    );
}

/// What bash and psql would obey if it were not kept from them.
const HOSTILE: &str = r#"
    create table "a
END_OF_SQL
touch pwned
" (a int primary key, b text default E'\n\\! touch pwned\n');
    insert into "a
END_OF_SQL
touch pwned
" values (1);
    create table "b
\! touch pwned
" (a serial primary key, ":USER" text);
    insert into "b
\! touch pwned
" (":USER") values (':USER'), ('`touch pwned`'), ('$(touch pwned)');
    create table "c`touch pwned`$(touch pwned)';touch pwned;'" (a int[]);
    insert into "c`touch pwned`$(touch pwned)';touch pwned;'" values ('{1,2}');
    create view v as select a[1:2] as sliced from "c`touch pwned`$(touch pwned)';touch pwned;'";
    comment on view v is E'x\nEND_OF_SQL_\n\\! touch pwned\n-- it''s "this"'"#;

#[tokio::test]
async fn neither_bash_nor_psql_obeys_what_stands_in_names_and_values() {
    let pair = support::source_only("script_hostile").await;
    support::execute_batch(&pair.source, HOSTILE).await;
    let script = Script::write(pair, &["--create-database"]);
    let run = script.run();
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let found = support::differences(&script.pair.source, &script.pair.destination).await;
    assert_eq!(found, Vec::<String>::new(), "{}", said(&run));
    script.assert_tidy();
}
