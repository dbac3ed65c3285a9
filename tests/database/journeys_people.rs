//! Three people's journeys: somebody who sees no colours, a database administrator on a link that hangs, and somebody who has
//! never done this before.

use std::time::{Duration, Instant};

use crate::journeys::{ENTER, ESC, slow_pair, wizard};
use crate::migrate::fill;
use crate::support::{self, Pair};
use crate::terminal::Terminal;
use crate::trust::{JOURNAL, scaffold};

const LEFT: &str = "\u{1b}[D";
const RIGHT: &str = "\u{1b}[C";
const F1: &str = "\u{1b}OP";

fn ends(pair: &Pair) -> [String; 2] {
    [support::uri(&pair.source), support::uri(&pair.destination)]
}

/// Nothing is told by colour alone, and nothing is drawn that is not ASCII.
#[tokio::test(flavor = "multi_thread")]
async fn without_colours_and_in_ascii_to_the_report() {
    let pair = support::databases("plain").await;
    fill(&pair.source).await;
    let [source, destination] = ends(&pair);
    let arguments = [
        "--ascii",
        "--source",
        &source,
        "--destination",
        &destination,
    ];
    let variables = [("NO_COLOR", "1"), ("LANG", "C")];
    // What is wrong stands out by its sign: the same database on both sides.
    let twice = ["--ascii", "--source", &source, "--destination", &source];
    let mut terminal = Terminal::start_with(&twice, None, &variables, 80, 24);
    terminal.wait("Source - read only");
    terminal.press(ENTER);
    terminal.wait("Both connections work");
    terminal.press(ENTER);
    terminal.wait("X Source and destination are two databases");
    terminal.wait("+ Both servers answer");
    terminal.wait_until("the end of the checks", |screen| {
        screen.contains(" to fix first") && !screen.contains("Esc cancels")
    });
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);

    let mut terminal = Terminal::start_with(&arguments, None, &variables, 80, 24);
    terminal.wait("Source - read only");
    terminal.press(ENTER);
    terminal.wait("Both connections work");
    terminal.press(ENTER);
    terminal.wait_until_checked();
    terminal.press(ENTER);
    terminal.wait("[x] v other");
    // What is chosen stands in front of its name.
    terminal.press("n");
    terminal.wait("[ ] v other");
    terminal.press("u");
    terminal.wait("[x] v other");
    terminal.press(ENTER);
    terminal.wait("What will happen");
    terminal.wait("The source is only read.");
    terminal.press("-");
    terminal.wait(" > Data - ");
    terminal.press(ENTER);
    terminal.wait(">[ Start ]");
    terminal.press(ENTER);
    terminal.wait("Enter shows the report");
    terminal.press(ENTER);
    terminal.wait("+ + Done -");
    terminal.wait("The copy is complete");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
    let all = terminal.everything();
    let coloured = (30..38).chain(90..98).map(|code| format!("\u{1b}[{code}m"));
    for sign in coloured.chain(["\u{1b}[38;", "╭", "│", "█", "✓", "▾"].map(str::to_owned))
    {
        assert!(!all.contains(&sign), "{sign:?} was written");
    }
}

/// Three thousand tables, and a terminal that takes nothing while they are carried: the run does not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_hangs_does_not_hold_up_a_run_of_3_000_tables() {
    let pair = support::databases("crowd").await;
    let tables = "do $$ begin for i in 1..3000 loop
            execute format('create table crowd_%s as select %s as n', i, i);
        end loop; end $$";
    support::execute_batch(&pair.source, tables).await;
    let [source, destination] = ends(&pair);
    let arguments = ["--source", &source, "--destination", &destination];
    let mut terminal = Terminal::start(&arguments, 120, 40);
    terminal.wait("Source · read only");
    terminal.press(ENTER);
    terminal.wait("Both connections work");
    terminal.press(ENTER);
    terminal.wait_until("the end of the checks", |screen| {
        screen.contains(" fine ") && !screen.contains("Esc cancels")
    });
    terminal.press(ENTER);
    terminal.wait_until("the tables, or the question", |screen| {
        screen.contains("3,000 of 3,000 tables") || screen.contains("Continue anyway")
    });
    if terminal.screen().contains("Continue anyway") {
        terminal.press(ENTER);
        terminal.wait("3,000 of 3,000 tables");
    }
    // Most of them are left out by what they are called: 1,111 names begin with a one.
    terminal.press("n/crowd_1");
    terminal.wait("1,111 of 3,000");
    terminal.press(ENTER);
    terminal.press("a");
    terminal.wait("1,111 of 3,000 tables");
    terminal.press(ENTER);
    terminal.wait("What will happen");
    terminal.wait("The source is only read.");
    terminal.press(ENTER);
    terminal.wait("Start the run?");
    terminal.press(ENTER);
    terminal.wait(" running");
    terminal.hold(true);
    let began = Instant::now();
    let question =
        "select (select count(*) from pg_class where relname like 'crowd\\_%' and relkind = 'r')
        || ' ' || (select count(*) from pg_namespace where nspname = 'howdah')";
    while support::query_text(&pair.destination, question)
        .await
        .trim()
        != "1111 0"
    {
        assert!(began.elapsed() < Duration::from_secs(90), "it waits");
    }
    terminal.hold(false);
    terminal.wait("Enter shows the report");
    // Nothing of what went by meanwhile is lost.
    let screen = terminal.screen();
    let words: Vec<&str> = screen.split_whitespace().collect();
    let of_all = words
        .windows(2)
        .find(|pair| pair[1] == "steps" && pair[0].contains('/'));
    let (ended, all) = of_all.unwrap()[0].split_once('/').unwrap();
    assert_eq!(ended, all, "{screen}");
    terminal.press(ENTER);
    terminal.wait("The copy is complete: 1,111 tables");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
}

/// Wrong keys, help, Esc, other sizes, an end in the middle; and back again, to a green end.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_time_user_errs_leaves_and_comes_back() {
    let (_source, _destination, pair) = slow_pair().await;
    let mut terminal = {
        let [source, destination] = ends(&pair);
        let arguments = [
            "--mouse",
            "--source",
            &source,
            "--destination",
            &destination,
        ];
        Terminal::start(&arguments, 80, 24)
    };
    terminal.wait("Source · read only");
    terminal.press(F1);
    terminal.wait("Keys on Connect");
    terminal.press(ESC);
    terminal.wait_until("the form", |screen| !screen.contains("Keys on"));
    terminal.press(ESC);
    terminal.wait("Nothing has been changed on either server.");
    terminal.press(ENTER);
    terminal.wait_until("the form", |screen| !screen.contains("Quit howdah?"));
    terminal.press(ENTER);
    terminal.wait("Both connections work");
    terminal.press(ENTER);
    terminal.wait_until_checked();
    terminal.press("x9y");
    terminal.wait("There is no fix to copy for this check.");
    terminal.press(ENTER);
    terminal.wait("2 of 2 tables");
    terminal.resize(50, 12);
    terminal.wait("Terminal too small: need 60x16, have 50x12");
    terminal.resize(80, 24);
    terminal.wait("2 of 2 tables");
    terminal.press("\t");
    terminal.wait("Last value");
    terminal.press("p");
    terminal.wait("A sequence has no rows");
    terminal.press("n\tn\r");
    terminal.wait("Nothing is ticked");
    terminal.press("u");
    terminal.wait("2 of 2 tables");
    // A click on the box of the schema, in the row below the heading.
    terminal.press("\u{1b}[<0;4;5M\u{1b}[<0;4;5m");
    terminal.wait("0 of 2 tables");
    terminal.press("uu");
    terminal.wait("Sequences 1/1");
    terminal.press("q");
    terminal.wait("Quit howdah?");
    terminal.press(ESC);
    terminal.wait_until("the tables", |screen| !screen.contains("Quit howdah?"));
    terminal.press(ENTER);
    terminal.wait("The source is only read.");
    terminal.press(ENTER);
    terminal.wait("Start the run?");
    terminal.press(&format!("{RIGHT}{LEFT}{ENTER}"));
    terminal.wait("slow_rows");
    terminal.press(ESC);
    terminal.wait("The run continues; x asks how to stop it.");
    terminal.press("q");
    terminal.wait("The run is not finished");
    terminal.press(&format!("{RIGHT}{RIGHT}{ENTER}"));
    terminal.wait("Enter shows the report");
    terminal.press(ENTER);
    terminal.wait("topped");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 130);
    assert!(
        terminal.screen().contains("howdah resume"),
        "{}",
        terminal.screen()
    );
    assert_eq!(scaffold(&pair.destination).await, JOURNAL);

    support::execute_batch(
        &support::role::superuser(&pair.destination),
        "alter database slow set app.fast = 'on'",
    )
    .await;
    let mut terminal = wizard(&pair, 80, 24);
    terminal.wait("Source · read only");
    terminal.press(ENTER);
    terminal.wait("Both connections work");
    terminal.press(ENTER);
    terminal.wait("did not finish");
    terminal.wait_until("the end of the checks", |screen| {
        !screen.contains("Esc cancels")
    });
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
    terminal.press(ENTER);
    terminal.wait("Resume the run?");
    terminal.press(ENTER);
    terminal.wait("Enter shows the report");
    terminal.press(ENTER);
    terminal.wait("The copy is complete");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
    assert_eq!(scaffold(&pair.destination).await, "");
}
