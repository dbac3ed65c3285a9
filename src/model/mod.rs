//! Plain data that every other room speaks: names, the catalog, the selection, the plan, events, problems, the report.
//!
//! Nothing here does I/O, reads a clock or depends on another folder of this crate.

pub mod activity;
pub mod archive;
pub mod catalog;
pub mod connection;
pub mod definition;
pub mod event;
pub mod existing;
pub mod feature;
pub mod finding;
pub mod forecast;
pub mod format;
pub mod inspection;
pub mod journal;
pub mod name;
pub mod options;
pub mod patience;
pub mod peek;
pub mod plan;
pub mod problem;
pub mod provider;
pub mod report;
pub mod roles;
pub mod sample;
#[cfg(test)]
pub(crate) mod samples;
pub mod selection;
pub mod step;
pub mod text;
