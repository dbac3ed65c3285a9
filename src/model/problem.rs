//! The one shape in which an error reaches a person.

use std::fmt;

use super::name::printable_lines;

/// The form field an error is about, so that the wizard can put the message beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Uri,
    Host,
    Port,
    Database,
    User,
    Password,
    Tls,
    FdwHost,
    FdwPort,
}

/// Whether trying the same thing again can help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retry {
    /// Something must change first.
    #[default]
    AfterFix,
    /// The cause may pass by itself: connection loss, serialization failure, too many clients.
    MayPass,
    /// What it stood on is gone: only a run that begins anew can do it.
    Never,
}

/// What went wrong, on which object, what the server said and what to do next.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Problem {
    /// What was being done, as a sentence without a full stop: `Could not copy the rows of public.film`.
    pub what: String,
    /// The object concerned, for people.
    pub object: Option<String>,
    pub sqlstate: Option<String>,
    /// The server's or the system's own words.
    pub message: String,
    pub detail: Option<String>,
    pub server_hint: Option<String>,
    /// What howdah advises to do next.
    pub our_hint: Option<String>,
    /// The statement sent, secrets replaced by placeholders.
    pub statement: Option<String>,
    /// Character position in the statement, from 1.
    pub position: Option<u32>,
    pub retry: Retry,
    pub field: Option<Field>,
}

impl Problem {
    pub fn new(what: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            message: message.into(),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.our_hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn on(mut self, object: impl Into<String>) -> Self {
        self.object = Some(object.into());
        self
    }

    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.field = Some(field);
        self
    }

    /// Replaces what was being done by the caller's wider view of it.
    #[must_use]
    pub fn doing(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }
}

/// Several lines: what, message with SQLSTATE, then detail and hints, each labelled. Harmless on a terminal.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A server's lines are set in, so that none passes for one of howdah's.
        let set_in = |text: &str| text.replace('\n', "\n    ");
        let mut text = format!("{}: {}", self.what, set_in(&self.message));
        if let Some(code) = &self.sqlstate {
            text.push_str(&format!(" (SQLSTATE {code})"));
        }
        for (label, part) in [
            ("Object", &self.object),
            ("Detail", &self.detail),
            ("Server hint", &self.server_hint),
            ("What to do", &self.our_hint),
        ] {
            if let Some(part) = part {
                text.push_str(&format!("\n  {label}: {}", set_in(part)));
            }
        }
        f.write_str(&printable_lines(&text))
    }
}

impl std::error::Error for Problem {}
