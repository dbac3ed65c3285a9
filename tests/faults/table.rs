//! Which cells are run, in lanes with servers of their own (a fault strikes whole servers), and what is printed of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use crate::cell::{self, Cell, Outcome};
use crate::fault::Fault;
use crate::moment::Moment;
use crate::world::World;

const METHODS: [&str; 2] = ["copy", "fdw"];
/// Runs side by side.
const LANES: u32 = 2;

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    if arguments.iter().any(|a| a == "--list") {
        return ExitCode::SUCCESS;
    }
    let is_full = arguments.iter().any(|a| a == "--full");
    // What `cargo test NAME` gives to every test program.
    let filters: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let is_wanted = |cell: &Cell| {
        let name = name(*cell);
        filters.is_empty() || filters.iter().any(|f| name.contains(*f))
    };
    let cells = if is_full { all() } else { usual() };
    let cells: Vec<Cell> = cells.into_iter().filter(is_wanted).collect();
    if cells.is_empty() {
        return ExitCode::SUCCESS;
    }
    let started = Instant::now();
    let next = Mutex::new(cells.into_iter());
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for lane in 0..LANES {
            let (next, tally) = (&next, &tally);
            scope.spawn(move || {
                let runtime = tokio::runtime::Runtime::new().unwrap();
                let mut world = runtime.block_on(World::new(lane));
                loop {
                    let Some(cell) = next.lock().unwrap().next() else {
                        break;
                    };
                    let began = Instant::now();
                    let tried = catch_unwind(AssertUnwindSafe(|| {
                        runtime.block_on(cell::run(&mut world, cell))
                    }));
                    tally.lock().unwrap().tell(cell, began, tried.ok());
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    let struck = tally.equal + tally.failed;
    println!(
        "\nfaults: {} cells ran, {} FAILED; the run was broken in {struck}, came through by trying again in {} and was not harmed in {}; {} not run; {:.0} s\n",
        struck + tally.survived + tally.unharmed,
        tally.failed,
        tally.survived,
        tally.unharmed,
        tally.not_run,
        started.elapsed().as_secs_f64()
    );
    if tally.failed > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

#[derive(Default)]
struct Tally {
    equal: usize,
    survived: usize,
    unharmed: usize,
    failed: usize,
    not_run: usize,
}

impl Tally {
    /// None: the test itself panicked, and has said why.
    fn tell(&mut self, cell: Cell, began: Instant, outcome: Option<Outcome>) {
        let (word, count, text) = match outcome {
            Some(Outcome::Equal(text)) => ("ok", &mut self.equal, text),
            Some(Outcome::Unharmed(text)) => ("unharmed", &mut self.unharmed, text),
            Some(Outcome::Survived(text)) => ("survived", &mut self.survived, text),
            Some(Outcome::Failed(text)) => ("FAILED", &mut self.failed, text),
            Some(Outcome::NotRun(text)) => ("not run", &mut self.not_run, text),
            None => ("FAILED", &mut self.failed, "the test panicked".to_owned()),
        };
        *count += 1;
        let seconds = began.elapsed().as_secs_f64();
        println!("{:<72} {word:<8} {seconds:>5.1} s  {text}", name(cell));
    }
}

/// Every fault and every moment by each method.
fn usual() -> Vec<Cell> {
    let mut cells = Vec::new();
    for (shift, method) in METHODS.into_iter().enumerate() {
        for (at, fault) in Fault::ALL.into_iter().enumerate() {
            let moments = (0..Moment::ALL.len()).map(|next| {
                // Coprime to the number of moments, so that the second method meets other pairs.
                Moment::ALL[(at + 4 * shift + next) % Moment::ALL.len()]
            });
            let mut sensible =
                moments.filter(|moment| fault.makes_no_sense_at(*moment, method).is_none());
            cells.extend(sensible.next().map(|moment| Cell {
                fault,
                moment,
                method,
            }));
        }
    }
    cells
}

fn all() -> Vec<Cell> {
    let mut cells = Vec::new();
    for method in METHODS {
        for moment in Moment::ALL {
            for fault in Fault::ALL {
                cells.push(Cell {
                    fault,
                    moment,
                    method,
                });
            }
        }
    }
    cells
}

fn name(cell: Cell) -> String {
    format!(
        "{}, {}, {}",
        cell.fault.name(),
        cell.moment.name(),
        cell.method
    )
}
