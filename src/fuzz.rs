//! Generated cases for tests: a fixed number, or with `HOWDAH_FUZZ_SECS` as many as that many seconds hold, of each property.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// Tries `cases` generated values, again and again while there is time; panics with the smallest that fails.
pub(crate) fn check<T: Debug>(
    cases: u32,
    values: &impl Strategy<Value = T>,
    test: impl Fn(T) -> Result<(), TestCaseError>,
) {
    let budget = match std::env::var("HOWDAH_FUZZ_SECS") {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("HOWDAH_FUZZ_SECS is {text:?}, not a number of seconds")),
        Err(_) => 0,
    };
    let (budget, began) = (Duration::from_secs(budget), Instant::now());
    let mut tried = 0_u64;
    loop {
        let config = Config {
            cases,
            // A failing case is told in full and becomes a test of its own.
            failure_persistence: None,
            max_shrink_iters: 3000,
            max_shrink_time: 20_000,
            ..Config::default()
        };
        // Each has a random seed of its own.
        if let Err(error) = TestRunner::new(config).run(values, &test) {
            panic!("{error}");
        }
        tried += u64::from(cases);
        if began.elapsed() >= budget {
            break;
        }
    }
    println!("{tried} cases");
}
