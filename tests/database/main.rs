//! Tests that need PostgreSQL servers: they start throw-away ones, which end with the test process.

mod cluster;
mod demo;
#[cfg(test)]
mod migrate;
#[cfg(test)]
mod namesakes;
mod oracle;
// Clippy then takes the whole module for tests, where a panic is how to fail.
#[cfg(test)]
mod journeys;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod support;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod trust;
