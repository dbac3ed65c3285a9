//! The log file: what happens, a line each, in UTC. Only howdah's own words get into it, which hold no secret.

use std::path::Path;

use tracing_appender::non_blocking::NonBlockingBuilder;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::model::problem::Problem;

/// How many lines a slow disk may be behind before lines are dropped; a run never waits for its log. Room is made for all at once.
const LINES_AHEAD: usize = 32_768;

/// Appends to the file until the guard is dropped.
pub fn to_file(path: &Path) -> Result<tracing_appender::non_blocking::WorkerGuard, Problem> {
    let failed = |error: &dyn std::fmt::Display| {
        Problem::new(
            format!("Could not write the log to {}", path.display()),
            error.to_string(),
        )
    };
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| failed(&error))?;
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(LINES_AHEAD)
        .finish(file);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(false)
        .with_target(false);
    // What libraries say of themselves may hold what they send.
    let own = Targets::new().with_target("howdah", LevelFilter::INFO);
    tracing_subscriber::registry()
        .with(lines)
        .with(own)
        .try_init()
        .map_err(|error| failed(&error))?;
    Ok(guard)
}
