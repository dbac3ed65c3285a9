//! Journeys of runs that did not go well at first: mended in place, ended and gone on with, killed and found again.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::control::{PICKY, make_room, without_room};
use crate::journeys::{ENTER, slow_pair, to_preview, wizard};
use crate::support::{self, Pair};
use crate::terminal::Terminal;
use crate::trust::{JOURNAL, scaffold};

use crate::journeys::ESC;

/// In front of a run that waits for a table to be mended.
async fn waiting(width: u16, height: u16) -> (Pair, tokio_postgres::Client, Terminal) {
    let pair = support::databases("journey").await;
    support::execute_batch(&pair.source, PICKY).await;
    let lock = without_room(&pair).await;
    let mut terminal = wizard(&pair, width, height);
    to_preview(&mut terminal);
    terminal.press(ENTER);
    terminal.wait("Start the run?");
    terminal.press(ENTER);
    terminal.wait("Waiting for you");
    terminal.wait("there is no room");
    (pair, lock, terminal)
}

fn to_a_green_end(terminal: &mut Terminal) {
    terminal.wait("Enter shows the report");
    terminal.press(ENTER);
    terminal.wait("The copy is complete");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
}

async fn assert_equal(pair: &Pair) {
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(scaffold(&pair.destination).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_mended_and_retried_in_place() {
    let (pair, lock, mut terminal) = waiting(80, 24).await;
    make_room(&lock).await;
    terminal.press("r");
    to_a_green_end(&mut terminal);
    assert_equal(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_left_out_and_the_report_says_so() {
    let (pair, _lock, mut terminal) = waiting(120, 40).await;
    terminal.press("s");
    terminal.wait("Leave it out?");
    terminal.wait("left out too");
    terminal.press("\t\r");
    terminal.wait("Enter shows the report");
    terminal.press(ENTER);
    terminal.wait("Left out after a failure");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 4);
    assert_eq!(scaffold(&pair.destination).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_ended_is_gone_on_with_by_one_key() {
    let (pair, lock, mut terminal) = waiting(80, 24).await;
    terminal.press(ENTER);
    terminal.wait("End the run here?");
    terminal.press("\t\r");
    terminal.wait("r resumes the run");
    terminal.press(ENTER);
    terminal.wait("esume the run");
    assert_eq!(scaffold(&pair.destination).await, JOURNAL);
    make_room(&lock).await;
    terminal.press("r");
    terminal.wait("What will happen");
    terminal.wait("created, which stay");
    terminal.press(ENTER);
    terminal.wait("Resume the run?");
    terminal.press(ENTER);
    to_a_green_end(&mut terminal);
    assert_equal(&pair).await;
}

async fn is_slow_table_begun(pair: &Pair) -> bool {
    let question =
        "select count(*) from pg_stat_activity where state = 'active' and wait_event = 'PgSleep'";
    support::query_text(&pair.destination, question).await != "0"
}

/// `kill -9` in the middle of a table; the wizard, started on the same two databases, finds what is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_is_found_and_gone_on_with() {
    let (_source, _destination, pair) = slow_pair().await;
    let mut run = Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(["run", "--yes", "--source", &support::uri(&pair.source)])
        .args(["--destination", &support::uri(&pair.destination)])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while !is_slow_table_begun(&pair).await {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing is done");
        assert!(run.try_wait().unwrap().is_none(), "it ended by itself");
    }
    run.kill().unwrap();
    run.wait().unwrap();
    let end = "select pg_terminate_backend(pid, 30000) from pg_stat_activity
               where datname = current_database() and application_name like 'howdah%'";
    support::execute_batch(&pair.destination, end).await;
    // Of the database it would be a difference, which only a superuser may end.
    let fast = format!(
        "alter role \"{}\" set app.fast = 'on'",
        pair.destination.user
    );
    support::execute_batch(&support::role::superuser(&pair.destination), &fast).await;

    let mut terminal = wizard(&pair, 80, 24);
    terminal.wait("Source · read only");
    terminal.press(ENTER);
    terminal.wait("Both connections work");
    terminal.press(ENTER);
    terminal.wait("did not finish");
    terminal.wait("are still to be copied: public.");
    // The removal is offered, and nothing happens by its first answer.
    terminal.press("c");
    terminal.wait("DROP SCHEMA IF EXISTS howdah CASCADE");
    terminal.press(ENTER);
    terminal.wait_until("the checks again", |screen| !screen.contains("No, keep it"));
    assert_eq!(scaffold(&pair.destination).await, JOURNAL);
    terminal.press(ENTER);
    terminal.wait("Resume the interrupted run?");
    terminal.press(ENTER);
    terminal.wait("Resuming a run · ");
    terminal.wait_until("the end of the checks", |screen| {
        !screen.contains("Esc cancels")
    });
    terminal.press(ENTER);
    terminal.wait("What will happen");
    terminal.wait("created, which stay");
    // The way back leads to the checks: nothing is chosen anew.
    terminal.press(ESC);
    terminal.wait("Resuming a run · ");
    terminal.press(ENTER);
    // The old plan stands there until the new one is made.
    terminal.wait_until("the plan made again", |screen| {
        screen.contains("created, which stay") && !screen.contains("Making the plan")
    });
    terminal.press(ENTER);
    terminal.wait("Resume the run?");
    terminal.press(ENTER);
    to_a_green_end(&mut terminal);
    let reset = "alter database slow reset all";
    support::execute_batch(&pair.destination, reset).await;
    assert_equal(&pair).await;
}

/// Cleaned in the wizard, nothing of howdah's own is left in the database.
#[tokio::test(flavor = "multi_thread")]
async fn the_journal_is_removed_after_showing_how() {
    let (pair, lock, mut terminal) = waiting(80, 24).await;
    terminal.press("q");
    terminal.wait("The run is not finished");
    terminal.press("\t\t\r");
    terminal.wait("Enter shows the report");
    terminal.press(ENTER);
    terminal.wait("Resume the run");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 130);
    make_room(&lock).await;

    let mut terminal = wizard(&pair, 80, 24);
    terminal.wait("Source · read only");
    terminal.press(ENTER);
    terminal.wait("Both connections work");
    terminal.press(ENTER);
    terminal.wait("did not finish");
    terminal.press("c");
    terminal.wait("Remove what the earlier run left?");
    terminal.press("\t\r");
    terminal.wait("Removed what the earlier run had left.");
    terminal.wait_until("the end of the checks", |screen| {
        !screen.contains("Esc cancels")
    });
    assert_eq!(scaffold(&pair.destination).await, "");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
}
