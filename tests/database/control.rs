//! Runs that somebody steers: failed steps are retried in place or left out, new ones are held back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use howdah::engine::{self, RunHandle};
use howdah::model::event::{Control, RunEvent, Stop};
use howdah::model::options::{Method, Options};
use howdah::model::plan::{Plan, StepId};
use howdah::model::problem::Retry;
use howdah::model::report::{Outcome, Report};
use tokio_postgres::Client;

use crate::migrate::{howdah, said};
use crate::support::{self, Pair};
use crate::trust::{JOURNAL, by, plan, scaffold};

/// A table that takes no row while somebody holds an advisory lock in its database, with what hangs on it, and two others.
pub(crate) const PICKY: &str = "
    create function fits(int) returns boolean language plpgsql as $$ begin
        if exists (select from pg_catalog.pg_locks l join pg_catalog.pg_database d on d.oid = l.database
            where locktype = 'advisory' and objid = 4711 and datname = current_database())
        then raise 'there is no room' using errcode = '53100'; end if;
        return true; end $$;
    create domain fitting as int check (public.fits(value));
    create table picky (n fitting primary key);
    insert into picky select generate_series(1, 500);
    create table hanger (n int references picky);
    insert into hanger select generate_series(1, 300);
    create table other (n int primary key, what text);
    insert into other select n, 'row ' || n from generate_series(1, 2000) n;
    create materialized view sum_of_picky as select sum(n) from picky;
    create sequence counter; select nextval('counter')";

/// As long as it lives, the table of [`PICKY`] takes no row.
pub(crate) async fn without_room(pair: &Pair) -> Client {
    let client = support::connect(&pair.destination).await;
    client
        .batch_execute("select pg_advisory_lock(4711)")
        .await
        .unwrap();
    client
}

pub(crate) async fn make_room(client: &Client) {
    client
        .batch_execute("select pg_advisory_unlock_all()")
        .await
        .unwrap();
}

async fn next(handle: &mut RunHandle) -> RunEvent {
    let event = tokio::time::timeout(Duration::from_secs(120), handle.events.recv());
    event.await.expect("the run says nothing").unwrap()
}

async fn until_the_end(handle: &mut RunHandle) -> Report {
    loop {
        if let RunEvent::Finished(report) = next(handle).await {
            return *report;
        }
    }
}

/// Up to the moment when nothing is left to do but what has failed: those steps.
async fn until_it_waits(handle: &mut RunHandle) -> BTreeSet<StepId> {
    let mut undecided = BTreeSet::new();
    loop {
        match next(handle).await {
            RunEvent::StepUndecided { step, .. } => {
                undecided.insert(step);
            }
            RunEvent::StepStarted(step) => {
                undecided.remove(&step);
            }
            RunEvent::Waiting => return undecided,
            RunEvent::Finished(report) => panic!("it did not wait: {report:?}"),
            _ => {}
        }
    }
}

struct Waiting {
    pair: Pair,
    plan: Arc<Plan>,
    handle: RunHandle,
    lock: Client,
    picky: StepId,
}

/// A run all of which is done but the picky table and what waits for it.
async fn waiting(method: Method) -> Waiting {
    let pair = support::databases("control").await;
    support::execute_batch(&pair.source, PICKY).await;
    let lock = without_room(&pair).await;
    let plan = Arc::new(plan(&pair, by(method)).await);
    let (source, destination) = (pair.source.clone(), pair.destination.clone());
    let mut handle = engine::start_attended(Arc::clone(&plan), source, destination);
    let undecided: Vec<StepId> = until_it_waits(&mut handle).await.into_iter().collect();
    let [picky] = undecided.as_slice() else {
        panic!("{undecided:?}");
    };
    assert!(plan.step(*picky).unwrap().title.ends_with("public.picky"));
    let rows = support::query_text(&pair.destination, "select count(*) from other").await;
    // By FDW a session commits when all its tables are done.
    assert!(rows == "2000" || method == Method::Fdw, "{rows} rows");
    Waiting {
        picky: *picky,
        pair,
        plan,
        handle,
        lock,
    }
}

#[tokio::test]
async fn a_step_whose_cause_is_mended_is_retried_in_place() {
    for method in [Method::Copy, Method::Fdw] {
        let mut run = waiting(method).await;
        // Too early: it fails again, and waits again.
        run.handle.controls.send(Control::Retry(run.picky)).unwrap();
        assert_eq!(until_it_waits(&mut run.handle).await.len(), 1);
        make_room(&run.lock).await;
        run.handle.controls.send(Control::Retry(run.picky)).unwrap();
        let report = until_the_end(&mut run.handle).await;
        assert_eq!(report.outcome, Outcome::Done, "{method:?} {report:#?}");
        let told = report.warnings.iter().filter(|w| w.contains("in a retry"));
        assert_eq!(told.count(), 2, "{:?}", report.warnings);
        let found = support::differences(&run.pair.source, &run.pair.destination).await;
        assert_eq!(found, Vec::<String>::new());
        assert_eq!(scaffold(&run.pair.destination).await, "");
    }
}

#[tokio::test]
async fn what_is_left_out_takes_its_dependants_along_and_the_rest_comes_to_its_end() {
    for method in [Method::Copy, Method::Fdw] {
        let mut run = waiting(method).await;
        let fallen = run.plan.dependants(run.picky).len();
        run.handle
            .controls
            .send(Control::LeaveOut(run.picky))
            .unwrap();
        let report = until_the_end(&mut run.handle).await;
        assert_eq!(report.outcome, Outcome::Different, "{method:?} {report:#?}");
        assert_eq!(report.given_up.len(), fallen + 1, "{:#?}", report.given_up);
        let told = format!("{:?}", report.given_up);
        for part in ["public.picky", "hanger_n_fkey", "sum_of_picky"] {
            assert!(told.contains(part), "{method:?} {part}: {told}");
        }
        assert_eq!(report.resume_command, None);
        assert_eq!(scaffold(&run.pair.destination).await, "");
        let rows = "select (select count(*) from other), (select count(*) from hanger), (select count(*) from picky)";
        let rows = support::query_text(&run.pair.destination, rows).await;
        assert_eq!(rows, "2000|300|0", "{method:?}");
    }
}

#[tokio::test]
async fn what_nobody_mends_fails_the_run_which_can_be_gone_on_with() {
    for is_told in [true, false] {
        let mut run = waiting(Method::Copy).await;
        if is_told {
            run.handle.controls.send(Control::GiveUp).unwrap();
        } else {
            // Nobody is there any more.
            let (gone, _) = tokio::sync::mpsc::unbounded_channel();
            run.handle.controls = gone;
        }
        let report = until_the_end(&mut run.handle).await;
        assert_eq!(report.outcome, Outcome::Failed, "{report:#?}");
        assert_eq!(report.failures.len(), 1);
        assert_eq!(scaffold(&run.pair.destination).await, JOURNAL);
        let command = report.resume_command.unwrap();
        assert!(
            report.next_steps.iter().any(|one| one.contains(&command)),
            "{:?}",
            report.next_steps
        );
        make_room(&run.lock).await;
        let resumed = howdah("resume", &run.pair, &["--yes"]);
        assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
        let words = said(&resumed);
        let kept = words
            .lines()
            .find(|line| line.contains("kept, proved equal by checksum"));
        let kept = kept.unwrap_or_else(|| panic!("{words}"));
        assert!(
            kept.contains("public.hanger") && kept.contains("public.other"),
            "{kept}"
        );
        let found = support::differences(&run.pair.source, &run.pair.destination).await;
        assert_eq!(found, Vec::<String>::new());
    }
}

/// Whatever it fails for from then on, here a disk that is as full as before: nobody can read that state of the source any more.
#[tokio::test]
async fn once_the_snapshot_is_lost_no_retry_is_offered() {
    let mut run = waiting(Method::Copy).await;
    let end = "select pg_terminate_backend(pid, 30000) from pg_stat_activity
        where datname = current_database() and application_name = 'howdah snapshot'";
    assert_eq!(support::query_text(&run.pair.source, end).await, "t");
    run.handle.controls.send(Control::Retry(run.picky)).unwrap();
    let problem = loop {
        if let RunEvent::StepUndecided { problem, .. } = next(&mut run.handle).await {
            break problem;
        }
    };
    assert_eq!(problem.sqlstate.as_deref(), Some("53100"), "{problem:?}");
    assert_eq!(problem.retry, Retry::Never, "{problem:?}");
    let hint = problem.our_hint.unwrap();
    assert!(hint.contains("howdah resume"), "{hint}");
    run.handle.controls.send(Control::GiveUp).unwrap();
    let report = until_the_end(&mut run.handle).await;
    assert_eq!(report.outcome, Outcome::Failed, "{report:#?}");
    make_room(&run.lock).await;
    let resumed = howdah("resume", &run.pair, &["--yes"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
    let found = support::differences(&run.pair.source, &run.pair.destination).await;
    assert_eq!(found, Vec::<String>::new());
}

/// The command of the report is one that a shell understands, and goes on with the run.
#[tokio::test]
async fn the_command_of_the_report_goes_on() {
    let mut run = waiting(Method::Copy).await;
    run.handle.stopper.stop(Stop::Now);
    let report = until_the_end(&mut run.handle).await;
    assert_eq!(report.outcome, Outcome::Cancelled, "{report:#?}");
    make_room(&run.lock).await;
    let command = report.resume_command.unwrap();
    assert!(command.starts_with("howdah resume "), "{command}");
    let password = run.pair.source.password.as_ref().unwrap().expose();
    assert!(!command.contains(password), "{command}");
    let directory = std::path::Path::new(env!("CARGO_BIN_EXE_howdah"));
    let home = tempfile::tempdir().unwrap();
    let passfile = home.path().join("passwords");
    let lines = [&run.pair.source, &run.pair.destination].map(|end| {
        let password = end.password.as_ref().unwrap().expose();
        format!("{}:{}:*:{}:{password}\n", end.host, end.port, end.user)
    });
    std::fs::write(&passfile, lines.concat()).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&passfile, mode).unwrap();
    let output = std::process::Command::new("sh")
        .args(["-c", &command])
        .env(
            "PATH",
            format!(
                "{}:{}",
                directory.parent().unwrap().display(),
                std::env::var("PATH").unwrap()
            ),
        )
        .env("PGPASSFILE", &passfile)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[tokio::test]
async fn nothing_new_begins_in_a_pause() {
    let pair = support::databases("pause").await;
    support::execute_batch(&pair.source, PICKY).await;
    let options = Options {
        jobs: 1,
        ..by(Method::Copy)
    };
    let plan = Arc::new(plan(&pair, options).await);
    let (source, destination) = (pair.source.clone(), pair.destination.clone());
    let mut handle = engine::start(Arc::clone(&plan), source, destination);
    let mut running = BTreeSet::new();
    let mut is_paused = false;
    let mut begun = 0;
    // The first table has begun; whatever runs when the pause begins comes to its end.
    while !is_paused || !running.is_empty() {
        match next(&mut handle).await {
            RunEvent::StepStarted(step) => {
                assert!(!is_paused, "{step:?} was begun in a pause");
                running.insert(step);
                let is_rows = plan.step(step).unwrap().method().is_some();
                begun += usize::from(is_rows);
                if begun == 1 && is_rows {
                    handle.controls.send(Control::Pause).unwrap();
                }
            }
            RunEvent::StepFinished { step, .. } => {
                running.remove(&step);
            }
            RunEvent::Paused(paused) => is_paused = paused,
            RunEvent::Finished(report) => panic!("it did not pause: {report:?}"),
            _ => {}
        }
    }
    let held = "select count(*) from pg_stat_activity where datname = current_database()
        and application_name = 'howdah snapshot' and state = 'idle in transaction'";
    assert_eq!(support::query_text(&pair.source, held).await, "1");
    handle.controls.send(Control::GoOn).unwrap();
    // Not a single step between the two.
    let event = next(&mut handle).await;
    assert!(matches!(event, RunEvent::Paused(false)), "{event:?}");
    let report = until_the_end(&mut handle).await;
    assert_eq!(report.outcome, Outcome::Done, "{report:#?}");
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
async fn a_stop_ends_a_pause() {
    let pair = support::databases("pause").await;
    support::execute_batch(&pair.source, PICKY).await;
    let plan = Arc::new(plan(&pair, by(Method::Fdw)).await);
    let (source, destination) = (pair.source.clone(), pair.destination.clone());
    let mut handle = engine::start_attended(plan, source, destination);
    handle.controls.send(Control::Pause).unwrap();
    while !matches!(next(&mut handle).await, RunEvent::Paused(true)) {}
    handle.stopper.stop(Stop::AfterCurrent);
    let report = until_the_end(&mut handle).await;
    assert_eq!(report.outcome, Outcome::Cancelled, "{report:#?}");
    let left = scaffold(&pair.destination).await;
    assert!(left.is_empty() || left == JOURNAL, "{left}");
}
