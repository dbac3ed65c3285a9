//! Runs the cells, two at a time, and prints what came of them: a line each, with `--full` also a table for the README.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use crate::cells::{self, Cell, Outcome};
use crate::features;
use crate::servers::{self, MAJORS};
use crate::statistics;
use crate::warnings;

const NOT_RUN: &str = "not run";
const METHODS: [&str; 2] = ["copy", "fdw"];
/// What every change must pass.
const USUAL: [(u32, u32); 6] = [(10, 15), (12, 17), (13, 18), (15, 15), (16, 18), (18, 18)];
const OLDEST_DESTINATION: u32 = 12;

/// Where the check of an older and of a newer destination has something to say.
const NEW: u32 = 18;
const WITHOUT_NEW: u32 = 16;
const OLD: u32 = 12;

/// Tries side by side.
const LANES: usize = 2;

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let is_full = arguments.iter().any(|a| a == "--full");
    // What `cargo test NAME` gives to every test program, and what a lister asks.
    let filters: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let is_wanted = |name: &str| filters.is_empty() || filters.iter().any(|f| name.contains(*f));
    if arguments.iter().any(|a| a == "--list") {
        return ExitCode::SUCCESS;
    }
    let pairs: Vec<(u32, u32)> = if is_full {
        let all = |source| MAJORS.map(move |destination| (source, destination));
        let is_forward = |(source, destination): &(u32, u32)| {
            source <= destination && *destination >= OLDEST_DESTINATION
        };
        MAJORS
            .into_iter()
            .flat_map(all)
            .filter(is_forward)
            .collect()
    } else {
        USUAL.to_vec()
    };
    let cells: Vec<Cell> = pairs
        .iter()
        .flat_map(|(source, destination)| {
            METHODS.map(|method| Cell {
                source: *source,
                destination: *destination,
                method,
            })
        })
        .filter(|cell| is_wanted(&name(*cell)))
        .collect();
    if cells.is_empty() {
        return ExitCode::SUCCESS;
    }
    let started = Instant::now();
    let mut majors: Vec<u32> = cells
        .iter()
        .flat_map(|c| [c.source, c.destination])
        .collect();
    majors.sort_unstable();
    majors.dedup();
    side_by_side(&majors, |major| drop(servers::server(*major)));
    let mut tally = Tally::default();
    for major in &majors {
        let checked = judged(alone(features::check(*major)));
        tally.tell(&format!("features of {major}"), started, checked);
    }
    prepare(&cells, &mut tally, started);
    let (oldest, newest) = (majors[0], majors[majors.len() - 1]);
    let older = majors
        .iter()
        .rfind(|m| **m <= WITHOUT_NEW && **m >= OLDEST_DESTINATION);
    if let (Some(older), NEW..) = (older, newest) {
        let start = Instant::now();
        let checked = judged(alone(warnings::not_yet(newest, *older)));
        tally.tell(&format!("{newest} down to {older}"), start, checked);
    }
    if oldest < OLD && newest > OLD {
        let start = Instant::now();
        let checked = judged(alone(warnings::not_any_more(oldest, newest)));
        tally.tell(&format!("removed since {oldest}"), start, checked);
    }
    let takers = majors.iter().filter(|major| **major >= statistics::SINCE);
    for destination in takers {
        // Older ones write floats with other digits.
        let older = majors.iter().find(|major| **major >= OLD);
        for source in BTreeSet::from([*older.unwrap_or(destination), *destination]) {
            let start = Instant::now();
            let checked = judged(alone(statistics::are_carried(source, *destination)));
            tally.tell(
                &format!("statistics {source} to {destination}"),
                start,
                checked,
            );
        }
    }
    let outcomes = Mutex::new(BTreeMap::new());
    let tally = Mutex::new(tally);
    side_by_side(&cells, |cell| {
        let start = Instant::now();
        let outcome = alone(cells::run(*cell)).unwrap_or_else(Outcome::Different);
        let mark = mark(&outcome);
        tally.lock().unwrap().tell(&name(*cell), start, outcome);
        outcomes.lock().unwrap().insert(*cell, mark);
    });
    let tally = tally.into_inner().unwrap();
    if is_full {
        print_table(&outcomes.into_inner().unwrap(), &majors);
    }
    println!(
        "\nversions: {} as they should be, {} FAILED, {} not run; {:.0} s\n",
        tally.equal,
        tally.different,
        tally.not_run,
        started.elapsed().as_secs_f64()
    );
    if tally.different > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

#[derive(Default)]
struct Tally {
    equal: usize,
    different: usize,
    not_run: usize,
}

impl Tally {
    fn tell(&mut self, name: &str, started: Instant, outcome: Outcome) {
        let (word, count, text) = match outcome {
            Outcome::Equal(text) => ("ok", &mut self.equal, text),
            Outcome::Different(text) => ("FAILED", &mut self.different, format!("\n{text}")),
            Outcome::NotRun(text) => ("not run", &mut self.not_run, text),
        };
        *count += 1;
        let seconds = started.elapsed().as_secs_f64();
        println!("{name:<20} {word:<8} {seconds:>5.1} s  {text}");
    }
}

fn judged(tried: Result<Result<Result<String, String>, String>, String>) -> Outcome {
    match tried {
        Ok(Ok(Ok(text))) => Outcome::Equal(text),
        Ok(Ok(Err(text))) | Err(text) => Outcome::Different(text),
        Ok(Err(reason)) => Outcome::NotRun(reason),
    }
}

fn name(cell: Cell) -> String {
    format!("{} to {} by {}", cell.source, cell.destination, cell.method)
}

fn mark(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Equal(_) => "=",
        Outcome::Different(_) => "≠",
        Outcome::NotRun(_) => NOT_RUN,
    }
}

/// Fills the sources and writes down what each destination must become.
fn prepare(cells: &[Cell], tally: &mut Tally, started: Instant) {
    let mut of_source: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for cell in cells {
        let destinations = of_source.entry(cell.source).or_default();
        if !destinations.contains(&cell.destination) {
            destinations.push(cell.destination);
        }
    }
    for (source, destinations) in of_source {
        match alone(cells::prepare(source, &destinations)) {
            // A missing server is told by the cells that need it.
            Ok(Ok(()) | Err(_)) => {}
            Err(panic) => tally.tell(
                &format!("fixture of {source}"),
                started,
                Outcome::Different(panic),
            ),
        }
    }
}

/// Runs a future to its end; a panic is its words.
fn alone<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(future))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned()))
            .unwrap_or_else(|| "it panicked".to_owned())
    })
}

fn side_by_side<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = Mutex::new(items.iter());
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                loop {
                    let item = next.lock().unwrap().next();
                    match item {
                        Some(item) => work(item),
                        None => break,
                    }
                }
            });
        }
    });
}

/// Rows are sources, columns destinations; COPY and FDW in each cell.
fn print_table(outcomes: &BTreeMap<Cell, &'static str>, majors: &[u32]) {
    let columns: Vec<&u32> = majors
        .iter()
        .filter(|m| **m >= OLDEST_DESTINATION)
        .collect();
    let version = |major: u32| match servers::server(major) {
        Ok(server) => server.version.clone(),
        Err(_) => major.to_string(),
    };
    let head: Vec<String> = columns.iter().map(|major| version(**major)).collect();
    println!(
        "\n| from \\ to | {} |\n|---|{}",
        head.join(" | "),
        "---|".repeat(head.len())
    );
    for source in majors {
        let marks: Vec<String> = columns
            .iter()
            .map(|destination| {
                let of = |method| {
                    let cell = Cell {
                        source: *source,
                        destination: **destination,
                        method,
                    };
                    outcomes.get(&cell).copied()
                };
                match (of("copy"), of("fdw")) {
                    (Some(copy), Some(fdw)) if copy == NOT_RUN && fdw == NOT_RUN => copy.to_owned(),
                    (Some(copy), Some(fdw)) => format!("{copy} {fdw}"),
                    _ => String::new(),
                }
            })
            .collect();
        println!("| {} | {} |", version(*source), marks.join(" | "));
    }
}
