//! Passwords in the wizard: typed, pasted, and every byte that the terminal got.

use std::fs;

use super::{CANARY, Cage, password};
use crate::rehearse::BY_FDW as REHEARSAL_BY_FDW;
use crate::support;
use crate::terminal::{Terminal, is_checked};

/// Passwords that are typed, one of them wrong at first, and every byte that the terminal got.
#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_nowhere_after_the_wizard() {
    let mut cage = Cage::new("typed").await;
    let pair = cage.pair("wizard").await;
    let fast = "alter database wizard set app.fast = 'on'";
    support::execute_batch(&pair.destination, fast).await;
    // Only the destination's is known; the source's is to be typed.
    let passfile = cage.home.path().join(".pgpass");
    let known = fs::read_to_string(&passfile).unwrap();
    fs::write(&passfile, known.lines().last().unwrap()).unwrap();
    let ends = cage.ends("wizard");
    let ends: Vec<&str> = ends.iter().map(String::as_str).collect();
    let mut terminal = Terminal::start_at(&ends, Some(cage.home.path()), 120, 40);
    terminal.wait("Source · read only");
    terminal.press("\r");
    // The field that is to blame gets the focus.
    terminal.wait_until("both answers", |screen| {
        screen.contains("asks for a password") && screen.contains("✓ PostgreSQL")
    });
    terminal.press(&format!("wrong {CANARY}"));
    terminal.press("\r");
    terminal.wait("assword authentication failed");
    terminal.press("\u{15}");
    terminal.press(&password("source", "typed"));
    terminal.press("\r");
    terminal.wait("Both connections work");
    terminal.press("\r");
    terminal.wait_until_checked();
    terminal.press("\r");
    terminal.wait("Tables ");
    terminal.press("\r");
    terminal.wait("The source is only read.");
    terminal.press("M");
    // The plan is made anew, and until it is there nothing is done with it.
    terminal.wait("FDW, the destination pulls");
    for (to_its_button, wrote) in [("", ".sh"), ("\x1b[C", ".toml"), ("\x1b[C\x1b[C", ".sql")] {
        terminal.press("w");
        terminal.wait("Write the plan to a file?");
        terminal.press(&format!("{to_its_button}\r"));
        terminal.wait(wrote);
    }
    terminal.press("\r");
    terminal.wait_until("the question", |screen| {
        screen.contains("Start the run?") || is_checked(screen)
    });
    if !terminal.screen().contains("Start the run?") {
        terminal.press("\r");
        terminal.wait("The source is only read.");
        terminal.press("\r");
        terminal.wait("Start the run?");
    }
    terminal.press("\r");
    terminal.wait("Enter shows the report");
    terminal.press("\r");
    terminal.wait("The copy is complete");
    terminal.press("w");
    terminal.wait("howdah-report-");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
    cage.said += &terminal.everything();
    assert_eq!(cage.places(&["wizard"]).await, Vec::<String>::new());
}

/// Pasted with their URIs, and all that the wizard does with a connection before a run: both methods timed, rows looked at, a
/// selection kept, a rehearsal, and what it remembers of them.
#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_nowhere_after_uris_are_pasted() {
    if support::role::needs_superuser(REHEARSAL_BY_FDW) {
        return;
    }
    let mut cage = Cage::new("pasted").await;
    let pair = cage.pair("fdw").await;
    support::execute_batch(&pair.source, "analyze").await;
    fs::remove_file(cage.home.path().join(".pgpass")).unwrap();
    let ends = cage.ends_with_passwords("fdw");
    let mut terminal = Terminal::start_at(&[], Some(cage.home.path()), 120, 40);
    terminal.wait("Source · read only");
    // One that cannot be read, then the right one in its place.
    for broken in ["host=h password = 'it\\'s ", "postgres://x:"] {
        terminal.press(&format!("\u{1b}[200~{broken}{CANARY}\u{1b}[201~"));
        terminal.wait("••••");
        terminal.press("\u{15}");
    }
    // The destination's side first: who runs this has a source by default.
    terminal.press(&format!("\u{1b}[200~{}\u{1b}[201~", ends[3]));
    terminal.wait(&format!(":{}/fdw", cage.destination.port()));
    terminal.press(&"\u{1b}[Z".repeat(6));
    terminal.press(&format!("\u{1b}[200~{}\u{1b}[201~", ends[1]));
    terminal.wait(&format!(":{}/fdw", cage.source.port()));
    terminal.press("\r");
    terminal.wait("Both connections work");
    terminal.press("\r");
    terminal.wait_until_checked();
    terminal.press("t");
    terminal.wait("Any key closes");
    assert!(
        terminal.screen().contains("rows/s"),
        "{}",
        terminal.screen()
    );
    terminal.press("\r");
    terminal.wait_until("the checks", |screen| !screen.contains("Any key closes"));
    terminal.press("\r");
    terminal.wait("Tables ");
    terminal.press("\u{1b}[Bp");
    terminal.wait("First rows of");
    terminal.press("\u{1b}");
    terminal.wait_until("the list", |screen| !screen.contains("First rows of"));
    terminal.press("S");
    terminal.wait("Save the selection");
    terminal.press("\r");
    terminal.wait_until("the list", |screen| !screen.contains("Save the selection"));
    terminal.press("\r");
    terminal.wait("The source is only read.");
    terminal.press("M");
    terminal.wait("tables by FDW");
    terminal.press("t");
    terminal.wait("Rehearse the run?");
    terminal.press("\r");
    terminal.wait("The run will take");
    terminal.press("\u{1b}");
    terminal.wait_until("the plan", |screen| !screen.contains("The run will take"));
    terminal.press("q");
    terminal.wait("Quit howdah?");
    terminal.press("\t\r");
    assert_eq!(terminal.exit_code(), 0);
    cage.said += &terminal.everything();
    assert_eq!(cage.places(&["fdw"]).await, Vec::<String>::new());
    let state = cage.home.path().join("state/howdah");
    for kept in ["recent.toml", "selections/fdw.toml"] {
        assert!(state.join(kept).exists(), "{kept}");
    }
}
