//! Journeys through the wizard by keys alone, on real servers.

use howdah::demo::cluster::Cluster;

use crate::migrate::fill;
use crate::support::{self, Pair};
use crate::terminal::{Terminal, is_checked};
use crate::trust::{JOURNAL, SLOW, scaffold};

pub(crate) const ENTER: &str = "\r";
pub(crate) const ESC: &str = "\u{1b}";

pub(crate) fn wizard(pair: &Pair, width: u16, height: u16) -> Terminal {
    let (source, destination) = (support::uri(&pair.source), support::uri(&pair.destination));
    Terminal::start(
        &["--source", &source, "--destination", &destination],
        width,
        height,
    )
}

/// From the first screen to the preview.
pub(crate) fn to_preview(terminal: &mut Terminal) {
    terminal.wait("Source · read only");
    terminal.press(ENTER);
    terminal.wait("Both connections work");
    terminal.press(ENTER);
    terminal.wait_until_checked();
    terminal.press(ENTER);
    terminal.wait("Tables ");
    terminal.press(ENTER);
    terminal.wait("What will happen");
    terminal.wait("The source is only read.");
}

/// The demo, exactly as the README says it: Enter and one confirmation, to a green report.
#[test]
fn the_demo_runs_by_pressing_enter_alone() {
    if support::role::needs_superuser("the demo has servers and a role of its own") {
        return;
    }
    let mut terminal = Terminal::start(&["demo"], 80, 24);
    to_preview(&mut terminal);
    terminal.press(ENTER);
    terminal.wait("Start the run?");
    terminal.press(ENTER);
    terminal.wait("Enter shows the report");
    terminal.press(ENTER);
    terminal.wait("The copy is complete");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
    assert!(
        terminal.screen().contains("The copy is complete"),
        "{}",
        terminal.screen()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fdw_chosen_in_the_preview_carries_everything() {
    let pair = support::databases("journey").await;
    support::role::may_be_told_logins(&pair.destination).await;
    fill(&pair.source).await;
    let mut terminal = wizard(&pair, 120, 40);
    to_preview(&mut terminal);
    // Wrong keys, a step back and forth and another size lose nothing.
    terminal.press("z9");
    terminal.resize(80, 24);
    terminal.press(ESC);
    terminal.wait("of 13 tables");
    terminal.resize(120, 40);
    terminal.press(ENTER);
    terminal.wait("The source is only read.");
    terminal.press("M");
    terminal.wait("tables by FDW");
    terminal.press(ENTER);
    // What depends on the method is checked again before anything runs.
    terminal.wait_until("the question", |screen| {
        screen.contains("Start the run?") || is_checked(screen)
    });
    if !terminal.screen().contains("Start the run?") {
        terminal.press(ENTER);
        terminal.wait_until("the plan", |screen| {
            screen.contains("The source is only read.") && !screen.contains("Making the plan")
        });
        terminal.press(ENTER);
        terminal.wait("Start the run?");
    }
    terminal.press(ENTER);
    terminal.wait("Enter shows the report");
    terminal.press(ENTER);
    terminal.wait("The copy is complete");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, Vec::<String>::new());
    let password = pair.source.password.as_ref().unwrap().expose();
    assert!(
        !terminal.everything().contains(password),
        "the password was on the screen"
    );
}

/// Both arrive at once when a window manager resizes the terminal of someone who types.
#[test]
fn no_key_is_lost_while_the_terminal_changes_its_size() {
    let uri = "postgres://nobody@127.0.0.1:1/";
    let mut terminal = Terminal::start(&["--source", uri, "--destination", uri], 80, 24);
    terminal.wait("Source · read only");
    let mut last = String::new();
    for (at, key) in (0..).zip(('a'..='z').chain('A'..='Z')) {
        terminal.resize(100 + at % 2, 30);
        terminal.press(&key.to_string());
        terminal.wait(&format!("{last}{key}"));
        last = key.to_string();
    }
    terminal.press("\u{3}");
    assert_eq!(terminal.exit_code(), 0);
}

pub(crate) async fn slow_pair() -> (Cluster, Cluster, Pair) {
    let (source, destination) = (support::cluster(), support::cluster());
    let pair = support::databases_on(&source, &destination, "slow").await;
    support::execute_batch(&pair.source, SLOW).await;
    (source, destination, pair)
}

pub(crate) fn into_the_slow_table(terminal: &mut Terminal) {
    to_preview(terminal);
    terminal.press(ENTER);
    terminal.wait("Start the run?");
    terminal.press(ENTER);
    terminal.wait("slow_rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn quitting_in_the_middle_asks_stops_and_cleans_up() {
    let (_source, _destination, pair) = slow_pair().await;
    let mut terminal = wizard(&pair, 80, 24);
    into_the_slow_table(&mut terminal);
    terminal.press("q");
    terminal.wait("The run is not finished");
    terminal.wait("Stop now");
    // The first answer keeps it running.
    terminal.press(ENTER);
    terminal.wait_until("the run again", |screen| {
        !screen.contains("The run is not finished")
    });
    // Ctrl-C asks too; the last answer stops now.
    terminal.press("\u{3}");
    terminal.wait("The run is not finished");
    terminal.press("\u{1b}[C\u{1b}[C\r");
    terminal.wait("Enter shows the report");
    terminal.press(ENTER);
    terminal.wait("topped");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 130);
    assert_eq!(scaffold(&pair.destination).await, JOURNAL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_dies_is_told_on_screen_and_the_terminal_is_intact() {
    let (mut source, _destination, pair) = slow_pair().await;
    let mut terminal = wizard(&pair, 80, 24);
    into_the_slow_table(&mut terminal);
    source.stop_immediate().unwrap();
    // The server may come back: nothing is given up before somebody says so.
    terminal.wait("Waiting for you");
    terminal.press(ENTER);
    terminal.wait("End the run here?");
    terminal.press("\t\r");
    terminal.wait("Enter shows the report");
    assert!(terminal.screen().contains("ailed"), "{}", terminal.screen());
    terminal.press(ENTER);
    terminal.wait("slow_rows");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 1);
    assert_eq!(scaffold(&pair.destination).await, JOURNAL);
}

/// Somebody's lock on the source holds the run up: the panel says whose, and the run goes on when it is let go.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_in_the_way_is_told_with_its_holder() {
    let pair = support::source_only("locked").await;
    support::execute_batch(&pair.source, "create table held (id int)").await;
    let mut terminal = wizard(&pair, 120, 30);
    to_preview(&mut terminal);
    let holder = support::connect(&pair.source).await;
    holder
        .batch_execute(
            "set application_name = 'somebody'; begin; lock table held in access exclusive mode",
        )
        .await
        .unwrap();
    terminal.press(ENTER);
    terminal.wait("Start the run?");
    terminal.press(ENTER);
    terminal.wait("waits for a lock on the source, held by somebody as");
    holder.batch_execute("rollback").await.unwrap();
    terminal.wait("Enter shows the report");
    terminal.press(ENTER);
    terminal.wait("The copy is complete");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
}

/// What connected once is there to be picked the next time, with everything but its password.
#[tokio::test]
async fn connections_are_remembered_without_their_passwords() {
    let pair = support::source_only("remembered").await;
    let home = tempfile::tempdir().unwrap();
    let (source, destination) = (support::uri(&pair.source), support::uri(&pair.destination));
    let ends = ["--source", &source, "--destination", &destination];
    let mut terminal = Terminal::start_at(&ends, Some(home.path()), 100, 30);
    terminal.wait("Source · read only");
    terminal.press(ENTER);
    terminal.wait("Both connections work");
    terminal.press(ENTER);
    terminal.wait_until_checked();
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
    let file = home.path().join("state/howdah/recent.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let password = pair.source.password.as_ref().unwrap().expose();
    assert!(
        !text.contains(password) && text.contains(&pair.source.database),
        "{text}"
    );
    let mut terminal = Terminal::start_at(&[], Some(home.path()), 100, 30);
    terminal.wait("Source · read only");
    terminal.press("\u{10}");
    terminal.wait("used recently");
    terminal.press(ENTER);
    terminal.wait(&format!("Database  {}", pair.source.database));
    terminal.press("\u{3}");
    assert_eq!(terminal.exit_code(), 0);
}
