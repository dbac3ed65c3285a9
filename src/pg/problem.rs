//! The one conversion of a driver's error into a [`Problem`].
//!
//! `tokio_postgres::Error` prints as "db error" alone; what the server said is inside. Nothing else may show one.

use std::error::Error as _;

use tokio_postgres::error::{DbError, ErrorPosition};

use super::sqlstate::advice;
use crate::model::problem::{Problem, Retry};

/// What failed (`Could not …`) and everything that is known about why.
pub fn problem(what: impl Into<String>, error: &tokio_postgres::Error) -> Problem {
    match error.as_db_error() {
        Some(server) => from_server(what.into(), server),
        None => from_driver(what.into(), error),
    }
}

/// What a standby does with a read that stands in the way of replay (manual, "Handling Query Conflicts").
pub(super) const RECOVERY_CONFLICT: &str = "The standby cancelled the read because the primary changed what it was reading. Read from the primary, or set \
     max_standby_streaming_delay = -1 or hot_standby_feedback = on on the standby for the time of the run.";

fn from_server(what: String, error: &DbError) -> Problem {
    let code = error.code().code();
    let (retry, mut hint) = match advice(code) {
        Some(known) => (known.retry, Some(known.hint)),
        None => (Retry::AfterFix, None),
    };
    // The code is that of any conflict.
    if error.message().contains("conflict with recovery") {
        hint = Some(RECOVERY_CONFLICT);
    }
    let mut detail: Vec<String> = error.detail().map(str::to_owned).into_iter().collect();
    let mut position = None;
    match error.position() {
        Some(ErrorPosition::Original(at)) => position = Some(*at),
        Some(ErrorPosition::Internal { query, .. }) => detail.push(format!("Inside of: {query}")),
        None => {}
    }
    // COPY tells the line and column here, a function its call stack.
    detail.extend(error.where_().map(|place| format!("Context: {place}")));
    Problem {
        object: object(error),
        sqlstate: Some(code.to_owned()),
        detail: (!detail.is_empty()).then(|| detail.join("\n")),
        server_hint: error.hint().map(str::to_owned),
        our_hint: hint.map(str::to_owned),
        position,
        retry,
        ..Problem::new(what, error.message())
    }
}

/// `public.film, constraint film_pkey` as far as the server names it.
fn object(error: &DbError) -> Option<String> {
    let table = match (error.schema(), error.table()) {
        (Some(schema), Some(table)) => Some(format!("{schema}.{table}")),
        (None, table) => table.map(str::to_owned),
        (Some(schema), None) => Some(format!("schema {schema}")),
    };
    let named = [
        ("column", error.column()),
        ("type", error.datatype()),
        ("constraint", error.constraint()),
    ];
    let parts: Vec<String> = table
        .into_iter()
        .chain(
            named
                .into_iter()
                .filter_map(|(kind, name)| Some(format!("{kind} {}", name?))),
        )
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Not the server's words: a broken connection, or a mistake of howdah's own.
fn from_driver(what: String, error: &tokio_postgres::Error) -> Problem {
    let is_broken =
        error.is_closed() || chain(error).any(<dyn std::error::Error>::is::<std::io::Error>);
    let problem = Problem::new(what, causes(error));
    if is_broken {
        Problem {
            retry: Retry::MayPass,
            ..problem
                .hint("See whether the server still runs and the network holds, then try again.")
        }
    } else {
        problem.hint("This looks like a bug in howdah; report it with the text above.")
    }
}

/// The error and its causes, outermost first. An `io::Error` hides the error it wraps; it is told as well.
pub(super) fn chain(
    error: &tokio_postgres::Error,
) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause| wrapped(*cause))
}

fn wrapped<'a>(
    cause: &'a (dyn std::error::Error + 'static),
) -> Option<&'a (dyn std::error::Error + 'static)> {
    match cause
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => cause.source(),
    }
}

/// `connection closed`, `error communicating with the server: Connection reset by peer` …
pub(super) fn causes(error: &tokio_postgres::Error) -> String {
    let mut parts = vec![error.to_string()];
    for cause in chain(error) {
        let text = cause.to_string();
        // An io::Error prints what it wraps.
        if parts.last() != Some(&text) {
            parts.push(text);
        }
    }
    parts.join(": ")
}
