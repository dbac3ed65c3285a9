//! Wire I/O with PostgreSQL: sessions, TLS, the catalog reader, pg_dump's archive, the copy pipe, errors as Problems.
//!
//! It orchestrates nothing: what is done in which order is the planner's and the engine's.

pub mod archive;
pub mod catalog;
mod certificate;
pub mod client_tools;
pub mod connect;
pub mod connection_hints;
mod connection_problem;
pub mod copy;
pub mod existing;
pub mod footing;
pub mod foreign;
pub mod journal;
pub mod peek;
pub mod probe;
pub mod problem;
pub mod sample;
mod socket;
pub mod sqlstate;
mod tap;
pub mod tls;

#[cfg(test)]
mod tests_troubleshooting;
