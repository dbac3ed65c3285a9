//! The only place where SQL text is built or read: quoting, the statements of every step, session settings.
//!
//! No I/O here. The text of a user's object never comes from here: that is pg_dump's (see `pg::archive`).

pub mod constraints;
pub mod database;
pub mod existing;
pub mod grants;
pub mod hush;
pub mod joined;
pub mod journal;
pub mod keywords;
pub mod large_objects;
pub mod lexer;
pub mod measure;
pub mod new_roles;
pub mod optimizer_statistics;
pub mod pages;
pub mod peek;
pub mod quote;
pub mod roles;
pub mod sample;
pub mod scratch;
pub mod script;
pub mod settings;
pub mod shell;
pub mod statements;
pub mod unique;
