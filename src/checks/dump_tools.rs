//! The pg_dump that carries the schema: which one, and how long an old one will need over a slow link.

use crate::model::connection::ServerFacts;
use crate::model::finding::{Finding, Fix, Level};
use crate::model::format;
use crate::model::problem::Problem;
use crate::pg::client_tools::{self, ClientTools};

/// From this version on pg_dump locks all tables in a few statements; before, each by one of its own.
const LOCKS_IN_BATCHES: u32 = 16;
/// From this version on it reads columns and indexes of all tables at once; before, of each by itself.
const READS_IN_BATCHES: u32 = 15;
/// What nobody wants to wait for without being told.
const LONG_MS: u64 = 20_000;

pub(super) fn used(tools: &ClientTools, source: &ServerFacts, tables: usize) -> Vec<Finding> {
    let used = Finding::fine(format!(
        "pg_dump {} in {} is used",
        tools.version,
        tools.directory.display()
    ));
    let waits_ms = waits_ms(tools.major, source.latency_micros, tables);
    if waits_ms < LONG_MS {
        return vec![used];
    }
    let slow = Finding::new(
        Level::Warning,
        format!(
            "pg_dump {} will wait about {} for the network alone",
            tools.version,
            format::duration(waits_ms)
        ),
        format!(
            "It locks each of {} tables with a request of its own, and each answer takes {}: once for this check, once for the run. From version {LOCKS_IN_BATCHES} on it locks many with one request.",
            format::count(tables as u64),
            format::latency(source.latency_micros)
        ),
    );
    let fix = client_tools::install_hint(source.major().max(LOCKS_IN_BATCHES));
    vec![slow.fix(Fix::words(fix)), used]
}

/// Round trips that grow with the number of tables.
fn waits_ms(major: u32, latency_micros: u64, tables: usize) -> u64 {
    let each = match major {
        LOCKS_IN_BATCHES.. => 0,
        READS_IN_BATCHES.. => 1,
        // Columns and, of most tables, indexes too.
        _ => 3,
    };
    (tables as u64)
        .saturating_mul(each)
        .saturating_mul(latency_micros)
        / 1_000
}

pub(super) fn none(problem: &Problem) -> Finding {
    let finding = Finding::new(
        Level::Blocking,
        &problem.message,
        "pg_dump copies the schema; it must be at least as new as the source and able to connect as howdah does.",
    );
    match &problem.our_hint {
        Some(hint) => finding.fix(Fix::words(hint)),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_one_over_a_slow_link_is_told_before_it_is_waited_for() {
        assert_eq!(waits_ms(15, 50_000, 3_000), 150_000);
        assert_eq!(waits_ms(14, 50_000, 3_000), 450_000);
        assert_eq!(waits_ms(16, 50_000, 3_000), 0);
        assert!(waits_ms(15, 300, 3_000) < LONG_MS);
        assert_eq!(waits_ms(14, u64::MAX, usize::MAX), u64::MAX / 1_000);
    }
}
