//! Properties that hold for generated input, judged by PostgreSQL itself: its server, its psql, its libpq.
//!
//! A value is a whole batch, sent at once, so that hundreds of cases take a second; a failure is still shrunk to the
//! smallest batch. `HOWDAH_FUZZ_SECS=60` gives each property that many seconds.

mod archive;
mod connection;
mod ear;
mod files;
#[path = "../../../src/fuzz.rs"]
mod fuzz;
mod lexing;
mod names;
mod quoting;
mod surroundings;

use std::fmt::Debug;
use std::future::Future;

use proptest::strategy::Strategy;
use proptest::test_runner::TestCaseError;
use tokio::runtime::{Builder, Runtime};

use fuzz::check;

type Outcome = Result<(), TestCaseError>;

/// The same on one thread with a reactor, so that `test` can talk to a server.
fn check_with<T: Debug, F: Future<Output = Outcome>>(
    runtime: &Runtime,
    cases: u32,
    values: &impl Strategy<Value = T>,
    test: impl Fn(T) -> F,
) {
    check(cases, values, |value| runtime.block_on(test(value)));
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
