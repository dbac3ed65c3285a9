//! A source that wants to harm who looks at it: whatever it puts into names, comments, values and messages is carried as it is,
//! and reaches neither the terminal nor a report as it is.

use std::fs;
use std::process::Command;

use howdah::model::connection::Endpoint;

use crate::migrate::{howdah, said};
use crate::script::Script;
use crate::support::{self, Pair};
use crate::terminal::Terminal;

/// A colour, the window's title, the clipboard, C1's way of saying the same, deleting what stands before, other directions,
/// nothing to be seen, new lines, tags, SQL.
const EVIL: [&str; 14] = [
    "\u{1b}[66;6mEVIL",
    "\u{1b}]2;EVIL\u{7}",
    "\u{1b}]52;c;RVZJTA==\u{1b}\\",
    "\u{9b}66;6mEVIL",
    "\u{9d}52;c;RVZJTA==\u{9c}",
    "safe\u{8}\u{8}\u{8}\u{8}EVIL\u{7f}",
    "\u{202e}LIVE\u{2066}\u{61c}",
    "a\u{200b}b\u{feff}\u{2060}\u{ad}",
    "line\nEVIL",
    "line\r\n\tEVIL\u{b}\u{c}",
    "line\u{2028}EVIL\u{2029}\u{85}",
    "\u{e0045}\u{e007f}\u{fff9}",
    "'; DROP TABLE x; -- \" \\ $$ \\' %s",
    "*/ EVIL \\! touch /tmp/evil\n\\copy x",
];

/// What a terminal acts upon, or a reader does not see: none of it may come from a server.
fn is_harmful(c: char) -> bool {
    let is_line_feed = c == '\n';
    c.is_control() && !is_line_feed
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[track_caller]
fn assert_harmless(what: &str, text: &str) {
    assert_visible(what, text);
    // A line of the source's own making would look like one of howdah's.
    assert!(
        !text.lines().any(|line| line.starts_with("EVIL")),
        "{what}: {text}"
    );
}

#[track_caller]
fn assert_visible(what: &str, text: &str) {
    let at = text.char_indices().find(|(_, c)| is_harmful(*c));
    if let Some((at, c)) = at {
        let around: String = text
            .chars()
            .skip(text.split_at(at).0.chars().count().saturating_sub(200))
            .take(300)
            .collect();
        panic!("{what} has {c:?}: {around:?}");
    }
}

fn ident(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Of every kind of object one for each of [`EVIL`].
async fn fill(source: &Endpoint) {
    let mut sql = String::from("create schema e; set search_path = e, public;
        create function whisper(text) returns bool language plpgsql as $f$ begin raise warning using message = $1, detail = $1, hint = $1; return true; end $f$;");
    for (number, evil) in EVIL.iter().enumerate() {
        let (name, text) = (ident(&format!("{number} {evil}")), literal(evil));
        sql += &format!(
            "create type {name} as enum ({text}, 'b');
             create table public.{name} (id int primary key, {name} text default {text} not null, mood e.{name} default {text}, constraint {name} check (e.whisper({name}) or {name} = {text}));
             insert into public.{name} (id) values (1), (2);
             comment on table public.{name} is {text}; comment on column public.{name}.{name} is {text};
             create index {index} on public.{name} ({name}); comment on index public.{index} is {text};
             create view e.{view} as select {name} as {view} from public.{name} where {name} <> {text};
             create function e.{view}({name} text default {text}) returns text language sql as {body};
             create sequence e.{sequence}; select setval({sequence_text}, 7);
             create schema {name}; create table {name}.{name} as select {text} as {name};
             create trigger {name} before update on public.{name} for each row when (new.{name} = {text}) execute function suppress_redundant_updates_trigger();
             create policy {name} on public.{name} using ({name} <> {text});",
            index = ident(&format!("{number} i {evil}")),
            view = ident(&format!("{number} v {evil}")),
            sequence = ident(&format!("{number} s {evil}")),
            sequence_text = literal(&format!("e.{}", ident(&format!("{number} s {evil}")))),
            body = literal("select 'x'"),
        );
    }
    // Keys whose rows were lost: the report shows some of the values.
    let evil: Vec<String> = EVIL
        .iter()
        .map(|evil| format!("({})", literal(evil)))
        .collect();
    sql += &format!(
        "create table parent (key text primary key); create table child (key text references parent);
         alter table child disable trigger all; insert into child values {}; alter table child enable trigger all;",
        evil.join(", ")
    );
    support::role::execute_with_power(source, &sql).await;
}

/// Refuses rows and one index with words of the source's.
fn refusals(pair: &Pair) -> String {
    let refuse: Vec<String> = EVIL.iter().map(|evil| literal(evil)).collect();
    format!(
        "create table public.broken (n int); insert into broken values (1);
         create function say() returns int language plpgsql stable as $f$ begin
            if current_database() = '{}' and pg_catalog.inet_server_port() = {} then return 1; end if;
            raise exception using message = {all}, detail = {all}, hint = {all}; end $f$;
         alter table broken add check (public.say() = 1)",
        pair.source.database,
        pair.source.port,
        all = refuse.join(" || "),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_source_is_carried_and_stays_on_its_leash() {
    let dir = tempfile::tempdir().unwrap();
    for method in ["copy", "fdw"] {
        let pair = support::databases("hostile").await;
        fill(&pair.source).await;
        for (format, code) in [("md", 4), ("json", 0)] {
            let report = dir.path().join(format!("{method}.{format}"));
            let report = report.to_str().unwrap();
            let mut arguments = vec!["--yes", "--method", method, "--report", report];
            if format == "json" {
                arguments.extend(["--json", "--schema", "none", "--on-existing", "empty"]);
            }
            let run = howdah("run", &pair, &arguments);
            assert_eq!(run.status.code(), Some(code), "{}", said(&run));
            assert_harmless("run", &said(&run));
            assert_harmless("report", &fs::read_to_string(report).unwrap());
            assert!(said(&run).contains("EVIL"), "{}", said(&run));
        }
        assert_carried(&pair).await;
        if method == "copy" {
            continue;
        }
        for more in [&[][..], &["--json"]] {
            let check = howdah("check", &pair, more);
            assert_harmless("check", &said(&check));
            assert!(said(&check).contains("EVIL"), "{}", said(&check));
            assert_harmless("verify", &said(&howdah("verify", &pair, more)));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_with_hostile_words_are_told_without_harm() {
    let dir = tempfile::tempdir().unwrap();
    for method in ["copy", "fdw"] {
        let mut pair = support::databases("hostile_errors").await;
        support::execute_batch(&pair.source, &refusals(&pair)).await;
        for format in ["md", "json"] {
            let report = dir.path().join(format!("{method}.{format}"));
            let report = report.to_str().unwrap();
            let mut arguments = vec!["--yes", "--method", method, "--report", report];
            if format == "json" {
                arguments.extend(["--json", "--on-existing", "empty"]);
            }
            let run = howdah("run", &pair, &arguments);
            assert_eq!(run.status.code(), Some(1), "{}", said(&run));
            assert!(said(&run).contains("EVIL"), "{}", said(&run));
            assert_harmless("run", &said(&run));
            assert_harmless("report", &fs::read_to_string(report).unwrap());
            pair = support::further_destination(&pair).await;
        }
    }
}

/// All words of it, and its rows that break a key: nothing else differs.
async fn assert_carried(pair: &Pair) {
    let found = support::differences(&pair.source, &pair.destination).await;
    assert!(
        matches!(&*found, [one] if one.contains("child_key_fkey") && one.contains("NOT VALID")),
        "{found:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_source_is_rehearsed_gone_on_with_and_carried_by_script_without_harm() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let pair = support::databases("hostile_again").await;
    fill(&pair.source).await;
    let harmless = |command: &str, more: &[&str], code: i32| {
        let log = file("log");
        let arguments = [more, &["--log", &log]].concat();
        let output = howdah(command, &pair, &arguments);
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert_harmless(command, &said(&output));
    };
    for more in [&[][..], &["--json"]] {
        harmless("rehearse", more, 4);
    }
    harmless("plan", &["--out", &file("plan.toml")], 0);
    let crash = Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(["run", "--yes", "--log", &file("log")])
        .args(["--source", &support::uri(&pair.source)])
        .args(["--destination", &support::uri(&pair.destination)])
        .env("HOWDAH_FAILPOINT", "verify/@begin=panic")
        .output()
        .unwrap();
    assert_eq!(crash.status.code(), Some(1), "{}", said(&crash));
    assert_harmless("crash", &said(&crash));
    harmless("clean", &[], 2);
    harmless("check", &[], 3);
    harmless("resume", &[], 2);
    harmless("resume", &["--yes"], 4);
    assert_carried(&pair).await;
    for name in ["plan.toml", "log"] {
        let text = fs::read_to_string(file(name)).unwrap();
        assert_harmless(name, &text);
        assert!(text.contains("EVIL"), "{name}: {text}");
    }

    let script = Script::write(support::further_destination(&pair).await, &[]);
    let run = script.run();
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    // Messages of several lines are as psql prints them.
    assert_visible("script", &said(&run));
    assert!(said(&run).contains("?[66;6mEVIL"), "{}", said(&run));
    assert_carried(&script.pair).await;
    assert!(!fs::exists("/tmp/evil").unwrap(), "psql obeyed the source");
}

/// Howdah's own sequences are many; those of the source are known.
#[track_caller]
fn assert_terminal_unharmed(terminal: &Terminal, bells: usize) {
    let all = terminal.everything();
    // Howdah rings at the end of a run.
    assert_eq!(all.matches('\u{7}').count(), bells);
    let mut all = all.replace('\u{7}', "");
    // And tells the desktop, once, with nothing in it that could end the sequence early.
    let notice = "\u{1b}]9;howdah: ";
    assert_eq!(all.matches(notice).count(), bells);
    if let Some((before, after)) = all.split_once(notice) {
        let (words, after) = after.split_once("\u{1b}\\").expect("the notification ends");
        assert!(!words.chars().any(is_harmful), "{words:?}");
        all = format!("{before}{after}");
    }
    for evil in ["\u{1b}[66", "\u{1b}]", "\u{8}", "\u{7f}", "\u{1b}\\"] {
        assert!(!all.contains(evil), "{evil:?}");
    }
    let is_escape = |c: &char| matches!(c, '\u{1b}' | '\r');
    let rest: String = all.chars().filter(|c| !is_escape(c)).collect();
    if let Some(c) = rest.chars().find(|c| is_harmful(*c)) {
        panic!("{c:?} in {rest:?}");
    }
    assert!(all.contains("EVIL"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wizard_shows_a_hostile_source_without_harm() {
    let pair = support::databases("hostile_wizard").await;
    fill(&pair.source).await;
    let (source, destination) = (support::uri(&pair.source), support::uri(&pair.destination));
    let ends = ["--source", &*source, "--destination", &*destination];
    let mut terminal = Terminal::start(&ends, 110, 50);
    terminal.wait("Source · read only");
    terminal.press("\r");
    terminal.wait("Both connections work");
    terminal.press("\r");
    terminal.wait_until_checked();
    terminal.press("\r");
    terminal.wait("Tables ");
    // Over all tables, with what the side panel says of each.
    terminal.press(&"\u{1b}[B".repeat(45));
    // What falls away with a table that is not ticked.
    terminal.press(" c");
    terminal.wait("because it needs something");
    terminal.press("\u{1b}");
    terminal.wait_until("the list again", |screen| {
        screen.contains("Tables 29/30") && !screen.contains("because it needs something")
    });
    terminal.press("\r");
    terminal.wait("The source is only read.");
    terminal.press(&"\u{1b}[B".repeat(150));
    terminal.press("\r");
    terminal.wait("Start the run?");
    terminal.press("\r");
    terminal.wait("Enter shows the report");
    terminal.press("\r");
    // All pages of it.
    terminal.wait("Source and destination");
    for _ in 0..5 {
        terminal.press(&"\u{1b}[6~".repeat(8));
        terminal.press("\t");
    }
    terminal.press("q");
    terminal.exit_code();
    assert_terminal_unharmed(&terminal, 1);
}

/// The plan is SQL and exact where a file or a program takes it; at a terminal it is for people.
#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_plan_is_exact_in_a_pipe_and_harmless_at_a_terminal() {
    let pair = support::databases("hostile_plan").await;
    fill(&pair.source).await;
    let plan = howdah("plan", &pair, &[]);
    assert_eq!(plan.status.code(), Some(0), "{}", said(&plan));
    let exact = String::from_utf8(plan.stdout).unwrap();
    for evil in EVIL {
        assert!(
            exact.contains(&evil.replace('\'', "''")) || exact.contains(&evil.replace('"', "\"\"")),
            "{evil:?}"
        );
    }
    assert_harmless(
        "what is said beside the plan",
        &String::from_utf8_lossy(&plan.stderr),
    );
    let (source, destination) = (support::uri(&pair.source), support::uri(&pair.destination));
    let mut terminal = Terminal::start(
        &["plan", "--source", &source, "--destination", &destination],
        200,
        50,
    );
    assert_eq!(terminal.exit_code(), 0);
    assert_terminal_unharmed(&terminal, 0);
    // What is not a database at all.
    let missing = format!("{source}{}", "%1b%5D52%3Bc%3BEVIL%07%e2%80%ae");
    let refused = Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(["check", "--source", &missing, "--destination", &destination])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert_harmless("the refusal", &said(&refused));
    assert!(said(&refused).contains("EVIL"));
}
