//! Properties that hold for generated input, judged by PostgreSQL itself: its server, its psql, its libpq.
//!
//! A value is a whole batch, sent at once, so that hundreds of cases take a second; a failure is still shrunk to the
//! smallest batch.

mod archive;
mod connection;
mod ear;
mod files;
mod lexing;
mod names;
mod quoting;
mod surroundings;

use std::fmt::Debug;
use std::future::Future;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::runtime::{Builder, Runtime};

type Outcome = Result<(), TestCaseError>;

/// Tries `cases` generated values; panics with the smallest that fails.
fn check<T: Debug>(cases: u32, values: &impl Strategy<Value = T>, test: impl Fn(T) -> Outcome) {
    let config = Config {
        cases,
        // A failing case is told in full and becomes a test of its own.
        failure_persistence: None,
        max_shrink_iters: 3000,
        max_shrink_time: 20_000,
        ..Config::default()
    };
    if let Err(error) = TestRunner::new(config).run(values, test) {
        panic!("{error}");
    }
}

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
