//! Where a server is, read the way libpq reads it: connection strings, `PG*` variables, service and password files.
//!
//! No network here. Files and variables come in through [`Environment`], so that tests bring their own.

mod choice_lines;
pub mod config;
pub mod conninfo;
pub mod environment;
mod keywords;
pub mod known;
pub mod passfile;
pub mod plan_file;
pub mod recent;
pub mod resolve;
pub mod selection_file;
pub mod service;
mod unheeded;
pub mod uri;

pub use config::Config;
pub use conninfo::ConnectionInfo;
pub use environment::Environment;
pub use known::known;
pub use plan_file::PlanFile;
pub use resolve::{Resolved, fill_password, resolve, resolve_with_warnings};
pub use selection_file::{Loaded, SelectionFile};
pub use uri::to_uri;
