//! The wire: everything that talks to a server and knows nothing of why.

pub mod connect;
mod connection_problem;
pub mod probe;
pub mod problem;
mod tls;
