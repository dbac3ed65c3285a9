//! What a user must be able to rely on: the plan is what runs, the source is only read, passwords stay where they are, and
//! whatever breaks, nothing of howdah's stays behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use howdah::checks::{self, Purpose};
use howdah::demo::cluster::Cluster;
use howdah::engine;
use howdah::model::connection::{Endpoint, Secret, Side};
use howdah::model::event::{RunEvent, Stop};
use howdah::model::options::{Keep, Method, Options};
use howdah::model::plan::{Action, Plan, StepKind};
use howdah::model::report::{Outcome, Report};
use howdah::model::selection::Selection;
use howdah::planner;
use howdah::sql::hush::Hush;
use howdah::sql::statements;

use crate::migrate::{fill, howdah, said};
use crate::support::{self, Pair};

pub(crate) async fn plan(pair: &Pair, options: Options) -> Plan {
    let (source, destination) = (pair.source.clone(), pair.destination.clone());
    let inspection = checks::inspect(source, destination, options.clone(), Purpose::Run, |_| ())
        .await
        .unwrap_or_else(|problem| panic!("{problem}"));
    let selection = Selection::all(&inspection.catalog);
    planner::plan(&inspection, &selection, &options).unwrap_or_else(|problem| panic!("{problem}"))
}

pub(crate) fn by(method: Method) -> Options {
    Options {
        method,
        jobs: 2,
        ..Options::default()
    }
}

/// Statements that howdah's sessions sent to one database: (application, text).
fn logged(cluster: &Cluster, database: &str) -> Vec<(String, String)> {
    let log = std::fs::read_to_string(cluster.log_path()).unwrap();
    let mut statements: Vec<(String, String)> = Vec::new();
    let mut is_wanted = false;
    for line in log.lines() {
        if let Some(more) = line.strip_prefix('\t') {
            if let (true, Some((_, text))) = (is_wanted, statements.last_mut()) {
                text.push('\n');
                text.push_str(more);
            }
            continue;
        }
        let mut parts = line.splitn(3, '\t');
        let (of, application, rest) = (
            parts.next().unwrap(),
            parts.next().unwrap_or(""),
            parts.next().unwrap_or(""),
        );
        let text = rest.strip_prefix("LOG:  ").and_then(|rest| {
            let (kind, text) = rest.split_once(": ")?;
            (kind == "statement" || kind.starts_with("execute ")).then_some(text)
        });
        is_wanted = of == database && application.starts_with("howdah") && text.is_some();
        if is_wanted {
            statements.push((application.to_owned(), text.unwrap().to_owned()));
        }
    }
    statements
}

fn tidy(sql: &str) -> String {
    sql.trim().trim_end_matches(';').to_owned()
}

async fn the_plan_is_what_runs(method: Method) {
    let pair = support::databases("planned").await;
    support::role::may_be_told_logins(&pair.destination).await;
    fill(&pair.source).await;
    let plan = plan(&pair, by(method)).await;
    let word = if method == Method::Copy {
        "copy"
    } else {
        "fdw"
    };
    let shown = howdah("plan", &pair, &["--method", word, "--jobs", "2"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    let run = howdah("run", &pair, &["--yes", "--method", word, "--jobs", "2"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));

    // Not to be seen in a log: the login itself, and what keeps it out.
    let hush = if support::role::is_owner() {
        Hush::Granted
    } else {
        Hush::All
    };
    let hushed = [hush.begin().unwrap(), hush.end().unwrap()];
    let mut expected: BTreeMap<String, i64> = BTreeMap::new();
    let mut streamed = BTreeSet::new();
    for statement in plan.steps.iter().flat_map(|step| &step.statements) {
        assert!(
            shown.contains(statement.sql().trim_end()),
            "not shown: {}",
            statement.sql()
        );
        if statement.session.side() == Side::Source {
            continue;
        }
        match statement.action {
            Action::RunWithPassword | Action::CompareDefinitions => {}
            Action::Stream => {
                streamed.insert(tidy(&statement.sql()));
            }
            _ if hushed.iter().any(|sql| *sql == *statement.sql()) => {}
            _ => *expected.entry(tidy(&statement.sql())).or_default() += 1,
        }
    }
    let begins = plan.destination_settings.join(";\n");
    let destination = logged(&support::servers().destination, &pair.destination.database);
    let sent: Vec<&String> = destination
        .iter()
        .filter(|(application, _)| application == "howdah write" || application == "howdah fdw")
        .map(|(_, text)| text)
        .collect();
    assert!(sent.len() > 200, "only {} statements logged", sent.len());
    for text in sent {
        let text = tidy(text);
        // How far a table has grown, and which of the server's processes is asked how it fares.
        let is_watching = text.starts_with("SELECT pg_catalog.pg_relation_size(")
            || text == statements::WHICH_BACKEND;
        let describes_large_object = text.contains(" LARGE OBJECT 9000");
        if text == tidy(&begins)
            || hushed.contains(&text)
            || streamed.contains(&text)
            || is_watching
            || describes_large_object
        {
            continue;
        }
        match expected.get_mut(&text) {
            Some(count) => *count -= 1,
            None => panic!("ran, but is not in the plan: {text}"),
        }
    }
    let wrong: Vec<_> = expected.iter().filter(|(_, count)| **count != 0).collect();
    assert!(
        wrong.is_empty(),
        "in the plan, but run another number of times: {wrong:#?}"
    );

    the_source_was_only_read(&pair);
    // Nor could anybody write by it, or wait for ever for a source that is gone.
    for option in [
        "updatable 'false'",
        "truncatable 'false'",
        "-c default_transaction_read_only=on",
        "keepalives_idle '60'",
        "tcp_user_timeout '120000'",
    ] {
        assert_eq!(shown.contains(option), method == Method::Fdw, "{option}");
    }
    let password = pair.source.password.as_ref().unwrap().expose();
    assert!(!shown.contains(password));
    assert!(!said(&run).contains(password));
    for cluster in [&support::servers().source, &support::servers().destination] {
        assert!(
            !std::fs::read_to_string(cluster.log_path())
                .unwrap()
                .contains(password)
        );
    }
}

fn the_source_was_only_read(pair: &Pair) {
    let sent = logged(&support::servers().source, &pair.source.database);
    assert!(sent.len() > 100, "only {} statements logged", sent.len());
    for (_, text) in sent {
        let first = text
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_uppercase();
        let is_reading = matches!(
            first.as_str(),
            "SELECT"
                | "SET"
                | "BEGIN"
                | "COMMIT"
                | "COPY"
                | "LOCK"
                | "WITH"
                | "START"
                | "DECLARE"
                | "FETCH"
                | "CLOSE"
                | "--"
                | "EXECUTE"
                | "PREPARE"
                | "ROLLBACK"
                | "ABORT"
                | "SHOW"
                | "SAVEPOINT"
                | "RELEASE"
        );
        assert!(is_reading, "not a read: {text}");
        assert!(
            first != "LOCK" || text.contains("SHARE MODE"),
            "a strong lock: {text}"
        );
        assert!(
            first != "COPY" || text.contains("TO STDOUT"),
            "a write: {text}"
        );
    }
}

#[tokio::test]
async fn a_plan_by_copy_is_what_runs() {
    the_plan_is_what_runs(Method::Copy).await;
}

#[tokio::test]
async fn a_plan_by_fdw_is_what_runs() {
    the_plan_is_what_runs(Method::Fdw).await;
}

async fn finish(mut handle: engine::RunHandle) -> Report {
    let all = async {
        loop {
            if let RunEvent::Finished(report) = handle.events.recv().await.unwrap() {
                return *report;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(180), all)
        .await
        .expect("the run does not end")
}

/// What stays after a run that did not come to its end: the way to go on with it.
pub(crate) const JOURNAL: &str = "howdah";

pub(crate) async fn scaffold(endpoint: &Endpoint) -> String {
    let question = "select string_agg(name, ' ') from (
        select srvname::text from pg_foreign_server union all select umuser::text from pg_user_mappings
        union all select nspname::text from pg_namespace where nspname like 'howdah%'
        union all select extname::text from pg_extension where extname = 'postgres_fdw'
          and pg_get_userbyid(extowner) = current_user) x(name)";
    support::query_text(endpoint, question).await
}

#[tokio::test]
async fn a_table_dropped_before_the_snapshot_is_named_and_nothing_stays() {
    for method in [Method::Copy, Method::Fdw] {
        let pair = support::databases("dropped").await;
        fill(&pair.source).await;
        let plan = plan(&pair, by(method)).await;
        support::execute_batch(&pair.source, "drop table other.guarded").await;
        let handle = engine::start(
            Arc::new(plan),
            pair.source.clone(),
            pair.destination.clone(),
        );
        let report = finish(handle).await;
        assert_eq!(report.outcome, Outcome::Failed);
        let problem = &report.failures[0].1;
        assert!(problem.to_string().contains("guarded"), "{problem}");
        assert_eq!(scaffold(&pair.destination).await, JOURNAL);
    }
}

/// What is emptied after a snapshot has no rows in it, and would be equal to nothing.
#[tokio::test]
async fn a_table_that_is_filled_anew_before_the_snapshot_is_not_taken_for_empty() {
    let pair = support::databases("anew").await;
    let tables =
        "create table first (id int); create table other (id int); insert into other values (1)";
    support::execute_batch(&pair.source, tables).await;
    let options = Options {
        jobs: 1,
        ..by(Method::Fdw)
    };
    let plan = plan(&pair, options).await;
    let writer = support::connect(&pair.source).await;
    let anew = "begin; truncate other; insert into other select generate_series(1, 7)";
    writer.batch_execute(anew).await.unwrap();
    let handle = engine::start(
        Arc::new(plan),
        pair.source.clone(),
        pair.destination.clone(),
    );
    let is_waiting = "select count(*) > 0 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while support::query_text(&pair.source, is_waiting).await != "t" {}
    writer.batch_execute("commit").await.unwrap();
    let report = finish(handle).await;
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    let there = support::query_text(&pair.destination, "select count(*) from other").await;
    assert_eq!(there, "7");
}

#[tokio::test]
async fn a_column_added_after_the_plan_is_noticed() {
    let pair = support::databases("altered").await;
    fill(&pair.source).await;
    let plan = plan(&pair, by(Method::Copy)).await;
    support::execute_batch(
        &pair.source,
        "alter table other.guarded add column late int",
    )
    .await;
    let handle = engine::start(
        Arc::new(plan),
        pair.source.clone(),
        pair.destination.clone(),
    );
    let report = finish(handle).await;
    assert_eq!(report.outcome, Outcome::Failed);
    assert!(
        report.failures[0].1.what.contains("source has changed"),
        "{:?}",
        report.failures
    );
    assert_eq!(scaffold(&pair.destination).await, JOURNAL);
}

/// Whatever the check has seen: rows that a policy hides from who reads are an error, never rows that do not come.
#[tokio::test]
async fn a_policy_that_the_check_did_not_see_hides_nothing() {
    let pair = support::databases("hidden").await;
    let user = format!("reader_of_{}", pair.source.database);
    // The server's own password must not come into its log, where other tests look for it.
    let make = format!("create role {user} login password 'plain'");
    support::execute_batch(&support::role::superuser(&pair.source), &make).await;
    let table = format!(
        "create table t (n int); insert into t select generate_series(1, 10);
         alter table t enable row level security; create policy half on t using (n > 5); grant select on t to {user}"
    );
    support::execute_batch(&pair.source, &table).await;
    let options = Options {
        privileges: Keep::Skip,
        ..by(Method::Copy)
    };
    let plan = Arc::new(plan(&pair, options).await);
    let reader = Endpoint {
        user,
        password: Some(Secret::new("plain".to_owned())),
        ..pair.source.clone()
    };
    let report = finish(engine::start(plan, reader, pair.destination.clone())).await;
    assert_eq!(report.outcome, Outcome::Failed, "{report:#?}");
    let refused = report
        .failures
        .iter()
        .find(|(what, _)| what.contains("public.t"));
    let (_, problem) = refused.unwrap_or_else(|| panic!("{report:#?}"));
    assert_eq!(problem.sqlstate.as_deref(), Some("42501"), "{problem}");
    let rows = support::query_text(&pair.destination, "select count(*) from t").await;
    assert_eq!(rows, "0");
}

/// Who writes on the source need not stop: whatever is read late is of the same moment as what was read first.
#[tokio::test]
async fn what_is_written_after_the_snapshot_is_not_in_the_copy() {
    let tables = "create table first (n int, pad text); create table second (n int);
        insert into first select g, repeat('x', 500) from generate_series(1, 100) g;
        insert into second select generate_series(1, 100)";
    let written = "begin; delete from first where n > 50; update second set n = n + 1000;
        insert into second values (0); commit";
    let rows = "select (select sum(n) from first), sum(n), count(*) from second";
    for method in ["copy", "fdw"] {
        let pair = support::databases("written").await;
        support::execute_batch(&pair.source, tables).await;
        let before = support::query_text(&pair.source, rows).await;
        let directory = tempfile::tempdir().unwrap();
        let hold = directory.path().join("hold");
        let point = format!("data/public.first@begin=hold:{}", hold.display());
        let run = tokio::process::Command::new(env!("CARGO_BIN_EXE_howdah"))
            .args(["run", "--yes", "--verify", "checksums", "--jobs", "2"])
            .args(["--method", method])
            .args(["--source", &support::uri(&pair.source)])
            .args(["--destination", &support::uri(&pair.destination)])
            .env("HOWDAH_FAILPOINT", point)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let began = Instant::now();
        while !hold.with_extension("reached").exists() {
            assert!(began.elapsed() < Duration::from_secs(60), "{method}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        support::execute_batch(&pair.source, written).await;
        assert_ne!(support::query_text(&pair.source, rows).await, before);
        std::fs::write(&hold, "").unwrap();
        let output = run.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let found = support::query_text(&pair.destination, rows).await;
        assert_eq!(found, before, "{method}");
    }
}

/// Sessions that pull for themselves begin one after another, and writers do not stop for them; still they see the same state.
#[tokio::test]
async fn sessions_of_fdw_see_one_state_while_others_write() {
    const TABLES: u32 = 4;
    let pair = support::databases("writers").await;
    let (mut tables, mut written, mut seen) = (String::new(), String::new(), Vec::new());
    for number in 1..=TABLES {
        tables += &format!(
            "create table t{number} (n int); insert into t{number} select generate_series(1, 100);"
        );
        written += &format!("insert into t{number} select max(n) + 1 from t1;");
        seen.push(format!("(select count(*) || '/' || max(n) from t{number})"));
    }
    // The first table's number leads, so it is written last.
    let (first, rest) = written.split_once(';').unwrap();
    let transaction = format!("begin; {rest} {first}; commit");
    support::execute_batch(&pair.source, &tables).await;
    let writer = tokio::spawn({
        let source = pair.source.clone();
        async move {
            let client = support::connect(&source).await;
            loop {
                client.batch_execute(&transaction).await.unwrap();
            }
        }
    });
    let again = pair.clone();
    let output = tokio::task::spawn_blocking(move || {
        howdah("run", &again, &["--yes", "--method", "fdw", "--jobs", "4"])
    });
    let output = output.await.unwrap();
    writer.abort();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let states = format!(
        "select count(distinct state), min(state) from unnest(array[{}]) as state",
        seen.join(", ")
    );
    let found = support::query_text(&pair.destination, &states).await;
    assert!(found.starts_with("1|"), "{found}");
    // They did write before it began, or after.
    let there = support::query_text(&pair.source, "select max(n) > 100 from t1").await;
    assert_eq!(there, "t");
}

/// A table whose rows take their time on the destination: about 20 ms each, unless `app.fast` is on. They are wide enough that
/// not all of them are under way at once.
pub(crate) const SLOW: &str = "
    create function slow(int) returns bool language sql immutable as
        $$ select coalesce(current_setting('app.fast', true), '') = 'on' or pg_catalog.pg_sleep(0.02) is not null $$;
    set app.fast = 'on';
    create domain slow_int as int check (public.slow(value));
    create table slow_rows (n slow_int, pad text);
    insert into slow_rows select i, repeat('x', 40000) from generate_series(1, 1000) as i;
    create table quick (n int primary key);
    insert into quick select generate_series(1, 100);
    create sequence counter; select nextval('counter')";

/// Starts a run on two servers of its own and waits until the slow table's rows are on their way.
async fn in_the_middle(method: Method) -> (Cluster, Cluster, Pair, engine::RunHandle) {
    in_the_middle_of(method, 1000).await
}

async fn in_the_middle_of(
    method: Method,
    rows: u32,
) -> (Cluster, Cluster, Pair, engine::RunHandle) {
    let (source, destination) = (support::cluster(), support::cluster());
    let pair = support::databases_on(&source, &destination, "slow").await;
    support::execute_batch(&pair.source, SLOW).await;
    // With statistics FDW knows how wide they are, and does not fetch them all at once.
    let fewer = format!("delete from slow_rows where n::int > {rows}; analyze");
    support::execute_batch(&pair.source, &fewer).await;
    let plan = Arc::new(plan(&pair, by(method)).await);
    let slow = plan
        .steps
        .iter()
        .find(|s| {
            matches!(s.kind, StepKind::CopyRows { .. } | StepKind::FdwRows { .. })
                && s.object.as_ref().is_some_and(|o| o.name == "slow_rows")
        })
        .unwrap()
        .id;
    let mut handle = engine::start(plan, pair.source.clone(), pair.destination.clone());
    loop {
        let event = tokio::time::timeout(Duration::from_secs(30), handle.events.recv());
        match event.await.expect("the slow table is never begun").unwrap() {
            RunEvent::StepStarted(step) if step == slow => break,
            RunEvent::Finished(report) => panic!("ended early: {report:?}"),
            _ => {}
        }
    }
    // Its INSERT or COPY is under way when the destination's server says so.
    let began = Instant::now();
    let question =
        "select count(*) from pg_stat_activity where state = 'active' and wait_event = 'PgSleep'";
    while support::query_text(&destination.endpoint("postgres"), question).await == "0" {
        assert!(began.elapsed() < Duration::from_secs(30), "no row arrives");
        tokio::task::yield_now().await;
    }
    (source, destination, pair, handle)
}

#[tokio::test]
async fn a_source_that_stops_in_the_middle_leaves_nothing_of_ours() {
    for method in [Method::Copy, Method::Fdw] {
        let (mut source, _destination, pair, handle) = in_the_middle(method).await;
        source.stop_immediate().unwrap();
        let report = finish(handle).await;
        assert_eq!(report.outcome, Outcome::Failed, "{report:?}");
        assert!(!report.failures.is_empty());
        for (title, problem) in &report.failures {
            assert!(
                problem.message != "db error" && !problem.message.is_empty(),
                "{title}: {problem}"
            );
        }
        assert_eq!(scaffold(&pair.destination).await, JOURNAL);
        let rows = support::query_text(&pair.destination, "select count(*) from slow_rows").await;
        assert_eq!(rows, "0", "{method:?} {report:#?}");
        // What cannot succeed any more waits for nobody.
        let warnings = &report.warnings;
        assert!(
            !warnings.iter().any(|one| one.contains("tried again")),
            "{method:?} {warnings:?}"
        );
    }
}

#[tokio::test]
async fn a_destination_that_stops_in_the_middle_keeps_no_login() {
    // By COPY the run would wait for it.
    {
        let (_source, mut destination, pair, handle) = in_the_middle(Method::Fdw).await;
        destination.stop_immediate().unwrap();
        let report = finish(handle).await;
        assert_eq!(report.outcome, Outcome::Failed, "{report:?}");
        assert!(
            report
                .next_steps
                .iter()
                .any(|step| step.contains("howdah resume")),
            "how to go on is not said: {report:?}"
        );
        destination.restart().unwrap();
        let left = scaffold(&pair.destination).await;
        assert!(
            !left.contains("howdah_source") && !left.contains("howdah_fdw"),
            "{left}"
        );
        // The next start says how to go on.
        let check = howdah("check", &pair, &[]);
        assert_eq!(check.status.code(), Some(3));
        assert!(
            said(&check).contains("howdah resume continues it"),
            "{}",
            said(&check)
        );
    }
}

#[tokio::test]
async fn stopping_now_cancels_on_the_server_and_removes_everything_of_ours() {
    for method in [Method::Copy, Method::Fdw] {
        let (_source, _destination, pair, handle) = in_the_middle(method).await;
        handle.stopper.stop(Stop::Now);
        let began = Instant::now();
        let report = finish(handle).await;
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{:?}",
            began.elapsed()
        );
        assert_eq!(report.outcome, Outcome::Cancelled, "{report:?}");
        assert_eq!(scaffold(&pair.destination).await, JOURNAL);
        let sessions = "select count(*) from pg_stat_activity where application_name like 'howdah%' and state = 'active'";
        assert_eq!(support::query_text(&pair.destination, sessions).await, "0");
    }
}

#[tokio::test]
async fn a_gentle_stop_finishes_what_runs_and_starts_nothing_new() {
    let (_source, _destination, pair, handle) = in_the_middle_of(Method::Copy, 200).await;
    handle.stopper.stop(Stop::AfterCurrent);
    let report = finish(handle).await;
    assert_eq!(report.outcome, Outcome::Cancelled);
    let slow = report
        .tables
        .iter()
        .find(|t| t.name.name == "slow_rows")
        .unwrap();
    assert_eq!(slow.source_rows, Some(200));
    assert_eq!(
        support::query_text(&pair.destination, "select count(*) from slow_rows").await,
        "200"
    );
    assert_eq!(scaffold(&pair.destination).await, JOURNAL);
}
