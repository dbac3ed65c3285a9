//! Any fault at any moment of a run, by both methods: what was begun is gone on with, and the oracle says that nothing is lost,
//! doubled or left behind.
//!
//! `cargo test --test faults` strikes with every fault and at every moment by each method, `cargo test --test faults -- --full`
//! with every fault at every moment. What cannot be (a source that is not read any more has no session to end) is reported as
//! not run, with the reason; it is never counted as passed.

#[cfg(test)]
mod cell;
#[cfg(test)]
mod fault;
#[cfg(test)]
mod moment;
#[cfg(test)]
mod network;
#[cfg(test)]
#[path = "../database/support/mod.rs"]
#[expect(dead_code, reason = "the other tests use all of it")]
mod support;
#[cfg(test)]
mod table;
#[cfg(test)]
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    table::run(&arguments)
}
