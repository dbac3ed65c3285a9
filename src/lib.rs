//! howdah carries a PostgreSQL database from one server to another: it shows every statement before it runs it, runs
//! them with live panels, and proves afterwards that the copy equals the original.
//!
//! Dependencies point down this list only: `shell`, `headless` · `ui` · `app` · `engine`, `checks` · `pg` · `planner` ·
//! `sql`, `settings` · `model`. `tests/architecture/` holds every room to it.

pub mod app;
pub mod checks;
pub mod cli;
pub mod demo;
pub mod engine;
pub mod headless;
pub mod model;
pub mod pg;
pub mod planner;
pub mod report_text;
pub mod settings;
pub mod shell;
pub mod signals;
pub mod sql;
pub mod ui;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod kept;
