//! The wizard's outside: the terminal, the clock, signals, and the tasks that do what the wizard asks for.
//!
//! It decides nothing about a migration. The event loop runs on the thread that starts it and never waits for a server;
//! all work is done by tasks, whose answers come back as messages.

pub mod clipboard;
mod crash;
pub mod effects;
pub mod event_loop;
mod files;
mod forward;
mod input;
mod inspecting;
mod interrupts;
pub mod log;
mod notify;
mod pace;
mod rehearsing;
pub mod terminal;

pub use event_loop::{Leaving, run};
pub use files::is_report;
