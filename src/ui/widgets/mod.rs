//! Pieces of which screens are made.

pub mod field;
pub mod footer;
pub mod gauge;
pub mod overlay;
pub mod page;
pub mod panel;
mod peek;
mod sample;
pub mod sql;
pub mod step_bar;
pub mod text;
