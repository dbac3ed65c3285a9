//! The wizard's state: a pure function of messages and the time they come with.
//!
//! `update(&mut State, Msg, now) -> Vec<Effect>` is the only way in. Nothing here does I/O, knows tokio or ratatui, or
//! reads a clock: what has to happen outside is returned as [`Effect`]s, and its outcome comes back as a [`Msg`].

pub mod key;
pub mod message;

pub use key::{Key, KeyCode};
pub use message::{Effect, Msg, Now};
