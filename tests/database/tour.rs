//! The README's tour, played: its table says what is pressed and what is seen, and the real demo must agree.

use std::fs;
use std::path::Path;

use crate::terminal::Terminal;

/// The row that starts the program.
const START: &str = "cargo run --release -- demo";

struct Stop {
    keys: Vec<String>,
    sights: Vec<String>,
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The rows of the table below the heading of the tour: number, keys, sights.
fn stops(readme: &str) -> Vec<Stop> {
    let (_, tour) = readme
        .split_once("## A tour of 60 seconds\n")
        .expect("README.md has no tour");
    tour.lines()
        .skip_while(|line| !line.starts_with("|--:"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').collect();
            Stop {
                keys: quoted(cells[2]),
                sights: quoted(cells[3]),
            }
        })
        .collect()
}

/// What a terminal sends for a key by its name; anything longer is typed.
fn sent(key: &str) -> &str {
    match key {
        "Enter" => "\r",
        "Esc" => "\u{1b}",
        "Tab" => "\t",
        "Space" => " ",
        "↑" => "\u{1b}[A",
        "↓" => "\u{1b}[B",
        typed => typed,
    }
}

#[test]
fn the_tour_of_the_readme_is_what_happens() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let mut stops = stops(&fs::read_to_string(readme).unwrap());
    let last = stops.pop().unwrap();
    assert_eq!(stops[0].keys, [START]);
    assert!(stops.len() >= 10 && stops.iter().all(|stop| !stop.sights.is_empty()));
    let mut terminal = Terminal::start(&["demo"], 80, 24);
    for (at, stop) in stops.iter().enumerate() {
        if at > 0 {
            for key in &stop.keys {
                let before = terminal.screen();
                terminal.press(sent(key));
                // The two bytes of Esc and another key are what a terminal sends for Alt and that key.
                if key == "Esc" {
                    terminal.wait_until("what Esc does", |screen| screen != before);
                }
            }
        }
        for sight in &stop.sights {
            // A person goes on when nothing is under way any more.
            terminal.wait_until(sight, |screen| {
                screen.contains(sight.as_str()) && !screen.contains("Esc cancels")
            });
        }
    }
    for key in &last.keys {
        terminal.press(sent(key));
    }
    assert_eq!(terminal.exit_code(), 0);
    let screen = terminal.screen();
    for sight in &last.sights {
        assert!(screen.contains(sight.as_str()), "no {sight} in {screen}");
    }
}
