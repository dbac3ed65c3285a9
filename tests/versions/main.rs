//! Any two servers: every supported version to the same and to newer ones, by both methods, judged by the tests' own oracle.
//!
//! `cargo test --test versions` runs what every change must pass, `cargo test --test versions -- --full` every pair there is. What
//! a machine cannot have (no registry, no npm) is reported as not run, with the reason; it is never counted as passed.

#[cfg(test)]
mod cells;
#[cfg(test)]
mod features;
#[cfg(test)]
mod packages;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod statistics;
#[cfg(test)]
#[path = "../database/support/mod.rs"]
#[expect(dead_code, reason = "the other tests use all of it")]
mod support;
#[cfg(test)]
mod table;
#[cfg(test)]
mod warnings;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    table::run(&arguments)
}
