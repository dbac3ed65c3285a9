//! The wizard's state: a pure function of messages and the time they come with.
//!
//! `State::update(Msg, now) -> Vec<Effect>` is the only way in. Nothing here does I/O, knows tokio or ratatui, or
//! reads a clock: what has to happen outside is returned as [`Effect`]s, and its outcome comes back as a [`Msg`].
//!
//! A key goes first to the [`Overlay`] if one is open, then through the [`keymap`] to the step on screen as an
//! [`Action`]; what the keymap does not know is text for the field in focus.

mod checking;
#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
pub(crate) mod fixtures_control;
#[cfg(test)]
pub(crate) mod fixtures_demo;
#[cfg(test)]
pub(crate) mod fixtures_plan;
#[cfg(test)]
pub(crate) mod fixtures_played;
#[cfg(test)]
pub(crate) mod fixtures_rehearsal;
#[cfg(test)]
pub(crate) mod fixtures_run;
pub mod form;
pub mod help;
pub mod key;
pub mod keymap;
pub mod list;
pub mod message;
pub mod options_form;
pub mod overlay;
pub mod path_form;
pub mod pick;
pub mod pointer;
mod questions;
pub mod rate;
pub mod rehearsing;
mod running;
pub mod state;
pub mod steps;
mod update;

/// Below all floors, for the report's text needs it where there is no wizard.
pub use crate::model::format;
pub use key::{Key, KeyCode};
pub use keymap::Action;
pub use message::{Effect, Inspection, Msg, Now};
pub use overlay::Overlay;
pub use state::{Ctx, Flow, Pending, Prefill, Start, State, Toast, ToastKind, WizardStep};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_check;
#[cfg(test)]
mod tests_connect;
#[cfg(test)]
mod tests_control;
#[cfg(test)]
mod tests_rehearsal;
