//! One file per step of the wizard.

pub mod check;
pub mod connect;
pub mod preview;
pub mod rehearsal;
pub mod report;
pub mod run;
mod run_now;
pub mod select;
mod select_details;
