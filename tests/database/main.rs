//! Tests that need PostgreSQL servers: they start throw-away ones, which end with the test process.

mod cluster;
mod demo;
mod fallback;
#[cfg(test)]
mod migrate;
mod oracle;
mod pipe;
mod properties;
// Clippy then takes the whole module for tests, where a panic is how to fail.
#[cfg(test)]
mod journeys;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod selection;
mod support;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod torture;
#[cfg(test)]
mod trust;
mod verify;
