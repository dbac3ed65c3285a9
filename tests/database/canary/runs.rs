//! Passwords of all commands without a screen, those that fail, crash and are gone on with too.

use std::fs;

use howdah::settings::{Environment, resolve};

use super::{CANARY, Cage, USER, password};
use crate::migrate::said;
use crate::rehearse::BY_FDW as REHEARSAL_BY_FDW;
use crate::support;
use crate::support::role::part_needs_superuser;

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_nowhere_after_runs_of_every_kind() {
    let mut cage = Cage::new("runs").await;
    let mut databases = Vec::new();
    for method in ["copy", "fdw"] {
        databases.push(method);
        let pair = cage.pair(method).await;
        let fast = format!("alter database {method} set app.fast = 'on'");
        support::execute_batch(&pair.destination, &fast).await;
        let by = ["--method", method, "--jobs", "2"];
        let report = format!("{method}.md");
        let checked = [&by[..], &["--json"]].concat();
        let run = [
            &by[..],
            &["--yes", "--verify", "checksums", "--report", &report],
        ]
        .concat();
        cage.ran("plan", method, &by, 0);
        for file in [&["--out"][..], &["--script", "--out"]] {
            let name = format!("{method}{}", file.len());
            cage.ran("plan", method, &[&by[..], file, &[&name]].concat(), 0);
        }
        cage.ran("check", method, &checked, 0);
        cage.ran("run", method, &run, 0);
        cage.ran("verify", method, &["--json", "--report", "verify.json"], 0);
        // Refused in the middle by the destination.
        let failing = if method == "copy" {
            "copy_fails"
        } else {
            "fdw_fails"
        };
        databases.push(failing);
        let pair = cage.pair(failing).await;
        let fast = format!("alter database {failing} set app.fast = 'on'");
        support::execute_batch(&pair.destination, &fast).await;
        let refuse = "create function no() returns event_trigger language plpgsql as $$ begin raise 'not here'; end $$;
            create event trigger no on ddl_command_start when tag in ('ALTER TABLE', 'DROP SERVER') execute function no()";
        support::execute_batch(&pair.destination, refuse).await;
        let report = format!("{failing}.json");
        cage.ran(
            "run",
            failing,
            &[
                &by[..],
                &[
                    "--yes",
                    "--json",
                    "--on-existing",
                    "append",
                    "--report",
                    &report,
                ],
            ]
            .concat(),
            1,
        );
    }
    // Refused at the door, with a password of its own, or before.
    let place = format!("127.0.0.1:{}", cage.source.port());
    for source in [
        format!("postgres://{USER}:wrong-{CANARY}@{place}/copy"),
        format!("postgres://{USER}:{CANARY}@{place}/copy?sslmode=verify-full"),
        format!("postgres://{USER}:{CANARY}@{place}/nowhere"),
        format!("postgres://x:{CANARY}/y%zz@{place}/copy"),
        format!("host=127.0.0.1 password=my {CANARY} user=x"),
    ] {
        let ends = [
            "check",
            "--source",
            &source,
            "--destination",
            &cage.ends("copy")[3],
        ];
        let mut program = cage.at_home(env!("CARGO_BIN_EXE_howdah"));
        let output = program.args(ends).output().unwrap();
        assert!(
            matches!(output.status.code(), Some(1 | 2)),
            "{}",
            said(&output)
        );
        cage.said += &said(&output);
        match resolve(Some(&source), &Environment::default()) {
            Ok(endpoint) => {
                cage.said += &format!("{endpoint:?} {endpoint:#?} {}", endpoint.label());
            }
            Err(problem) => cage.said += &format!("{problem:?} {problem}"),
        }
    }
    assert_eq!(cage.places(&databases).await, Vec::<String>::new());
    for report in [
        "copy.md",
        "fdw.md",
        "verify.json",
        "copy_fails.json",
        "fdw_fails.json",
        "copy1",
        "fdw2",
    ] {
        assert!(cage.home.path().join(report).exists(), "{report}");
    }
    let log = fs::read_to_string(cage.home.path().join("howdah.log")).unwrap();
    for line in [
        "begin: Copy the rows of",
        "done: Pull the rows of",
        "failed: ",
    ] {
        assert!(log.contains(line), "{line} in {log}");
    }

    // What is planted is found: in words, a file, a log, a catalog.
    cage.said += &password("x", "");
    fs::write(cage.home.path().join("planted"), password("x", "")).unwrap();
    let plant = format!(
        "create extension if not exists postgres_fdw; create server s foreign data wrapper postgres_fdw;
        create user mapping for current_user server s options (password '{CANARY}')"
    );
    support::execute_batch(&cage.destination.socket_endpoint("copy"), &plant).await;
    let found = cage.places(&["copy"]).await.join("\n");
    for place in [
        "what was said",
        "planted",
        "the log of the destination",
        "pg_user_mapping of copy",
        "pg_stat_statements of postgres",
    ] {
        assert!(found.contains(place), "{place}: {found}");
    }
}

/// Rehearsed, crashed, gone on with, removed, and run by the script, with the passwords in connection strings or variables.
#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_nowhere_after_rehearsals_crashes_and_what_follows() {
    let mut cage = Cage::new("tried").await;
    let fast = format!("alter role {USER} set app.fast = 'on'");
    support::execute_batch(&cage.destination.socket_endpoint("postgres"), &fast).await;
    let mut databases = Vec::new();
    for (method, crash) in [
        ("copy", "data/public.quick@commit=panic"),
        ("fdw", "fdw/commit@commit=panic"),
    ] {
        for what in ["resumed", "cleaned", "scripted"] {
            databases.push(format!("{what}_{method}"));
            cage.pair(&databases[databases.len() - 1]).await;
        }
        let by = ["--method", method];
        let told = |cage: &Cage, command: &str, what: &str, more: &[&str]| {
            let ends = cage.ends_with_passwords(&format!("{what}_{method}"));
            // What clean wants to know is the destination alone.
            let ends = if command == "clean" {
                &ends[2..]
            } else {
                &ends
            };
            cage.howdah_at(command, ends, more)
        };
        let is_rehearsed = method == "copy" || !part_needs_superuser(REHEARSAL_BY_FDW);
        for more in [&["--json"][..], &[]].into_iter().filter(|_| is_rehearsed) {
            let rehearsal = told(&cage, "rehearse", "resumed", &[&by, more].concat());
            cage.keeps(rehearsal, 0);
        }
        let file = format!("{method}.toml");
        let plan = told(
            &cage,
            "plan",
            "resumed",
            &[&by[..], &["--out", &file]].concat(),
        );
        cage.keeps(plan, 0);
        for what in ["resumed", "cleaned"] {
            let report = format!("{what}_{method}.md");
            let more = [&by[..], &["--yes", "--report", &report]].concat();
            let mut run = told(&cage, "run", what, &more);
            run.env("HOWDAH_FAILPOINT", crash);
            cage.keeps(run, 1);
        }
        for (command, what) in [("resume", "resumed"), ("clean", "cleaned")] {
            for (more, code) in [(&[][..], 2), (&["--yes"], 0)] {
                let program = told(&cage, command, what, more);
                cage.keeps(program, code);
            }
        }
        let file = format!("{method}.sh");
        let choices = [&by[..], &["--script", "--out", &file]].concat();
        let script = told(&cage, "plan", "scripted", &choices);
        cage.keeps(script, 0);
        let ends = cage.ends(&format!("scripted_{method}"));
        let bin = support::binaries().bindir;
        let mut script = cage.at_home("bash");
        script
            .arg(&file)
            .env(
                "PATH",
                format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()),
            )
            .env("HOWDAH_SOURCE", &ends[1])
            .env("HOWDAH_SOURCE_PASSWORD", password("source", "tried"))
            .env("HOWDAH_DESTINATION", &ends[3]);
        cage.keeps(script, 0);
    }
    for words in [
        "A worker of howdah crashed",
        "longest_chain",
        "howdah resume",
    ] {
        assert!(cage.said.contains(words), "{words}: {}", cage.said);
    }
    let databases: Vec<&str> = databases.iter().map(String::as_str).collect();
    assert_eq!(cage.places(&databases).await, Vec::<String>::new());
}
