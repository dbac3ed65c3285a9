//! One file per step of the wizard. A step gets an action and a [`Ctx`](super::Ctx), changes itself, and says through
//! [`Ctx::flow`](super::Ctx) where to go; it never knows its neighbours.

pub mod check;
pub mod connect;
pub mod connect_form;
pub mod connect_uri;
pub mod method_sample;
pub mod preview;
pub mod report;
pub mod run;
pub mod select;
