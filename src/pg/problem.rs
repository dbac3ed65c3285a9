//! The one conversion of a driver's error into a [`Problem`].
//!
//! `tokio_postgres::Error` prints as "db error" alone; what the server said is inside. Nothing else may show one.

use std::error::Error as _;

use tokio_postgres::error::{DbError, ErrorPosition};

use crate::model::problem::{Problem, Retry};

/// What failed (`Could not …`) and everything that is known about why.
pub fn problem(what: impl Into<String>, error: &tokio_postgres::Error) -> Problem {
    match error.as_db_error() {
        Some(server) => from_server(what.into(), server),
        None => from_driver(what.into(), error),
    }
}

/// What a standby does with a read that stands in the way of replay (manual, "Handling Query Conflicts").
const RECOVERY_CONFLICT: &str = "The standby cancelled the read because the primary changed what it was reading. Read from the primary, or set \
     max_standby_streaming_delay = -1 or hot_standby_feedback = on on the standby for the time of the run.";

fn from_server(what: String, error: &DbError) -> Problem {
    let code = error.code().code();
    let (retry, mut hint) = classify(code);
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
        problem.hint("This looks like a mistake in howdah; report it with the text above.")
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

/// What an SQLSTATE (manual, appendix A) means for who migrates: whether it may pass, and what to do.
fn classify(code: &str) -> (Retry, Option<&'static str>) {
    use Retry::{AfterFix, MayPass};
    let (class, _) = code.split_at_checked(2).unwrap_or((code, ""));
    let (retry, hint) = match (class, code) {
        // Connection exceptions, also those of a foreign server.
        ("08", _) => (
            MayPass,
            "See whether the server still runs and the network holds, then try again.",
        ),
        // Shut down by its administrator, crashed, or still starting.
        (_, "57P01" | "57P02") => (
            MayPass,
            "The server or an administrator ended the session; try again when the server is up.",
        ),
        (_, "57P03") => (
            MayPass,
            "The server is starting up or shutting down; try again in a moment.",
        ),
        (_, "57P05") => (
            MayPass,
            "The server ended the session for being idle; try again.",
        ),
        (_, "57014") => (
            MayPass,
            "The statement was cancelled: by a person, by howdah, or by a statement_timeout.",
        ),
        // Its class is memory and disk, but this one is a full house.
        (_, "53300") => (
            MayPass,
            "The server has no free connection slot; use fewer jobs, or raise max_connections.",
        ),
        (_, "53100") => (
            AfterFix,
            "The server's disk is full; make room, then try again.",
        ),
        (_, "53200") => (
            AfterFix,
            "The server is out of memory or lock slots; see its log, and max_locks_per_transaction.",
        ),
        // Serialization failure and deadlock: a second try finds another order.
        ("40", _) => (MayPass, "Another session was in the way; try again."),
        (_, "55P03") => (
            MayPass,
            "Another session holds the lock; wait for it or end it, then try again.",
        ),
        (_, "55006") => (
            MayPass,
            "Other sessions use the object; end them, then try again.",
        ),
        (_, "28P01") => (AfterFix, "Check the password and the user name."),
        ("28", _) => (
            AfterFix,
            "The server does not let this user in from here; see its pg_hba.conf.",
        ),
        (_, "3D000") => (
            AfterFix,
            "The database is not there; check its name, or create it.",
        ),
        (_, "42501") => (
            AfterFix,
            "The role lacks a right: GRANT it, make the role a member of the owner, or connect as another role.",
        ),
        // Duplicate table, object, schema, database, function.
        (_, "42P07" | "42710" | "42P06" | "42P04" | "42723") => (
            AfterFix,
            "The destination has it already; remove it there, or leave it out.",
        ),
        (_, "42P01" | "42883" | "42704" | "3F000" | "42703") => (
            AfterFix,
            "Something it needs is missing here; look for an earlier failure, or for an extension or role that is not there.",
        ),
        (_, "23503") => (
            AfterFix,
            "Rows refer to rows that are not there; find them on the source, then mend or remove them.",
        ),
        (_, "23505") => (
            AfterFix,
            "Rows with this key are there already; empty the destination's table, or look for doubled rows on the source.",
        ),
        ("23", _) => (
            AfterFix,
            "The rows break the named constraint; mend them on the source, or drop the constraint.",
        ),
        (_, "22021" | "22P05") => (
            AfterFix,
            "The text does not fit the destination's encoding; create the destination with the source's.",
        ),
        ("22", _) => (
            AfterFix,
            "The destination does not take a value as the source wrote it; compare versions and types of the column.",
        ),
        (_, "25006") => (
            AfterFix,
            "The session is read-only; is this server a standby, or default_transaction_read_only on?",
        ),
        // dlopen failed: an extension's package is not installed.
        (_, "58P01") => (
            AfterFix,
            "The server lacks a file, most often an extension's; install its package there.",
        ),
        (_, "0A000") => (
            AfterFix,
            "This server cannot do that, most often because it is older or lacks an extension.",
        ),
        ("54", _) => (AfterFix, "A limit of the server is exceeded."),
        // The foreign server could not be reached.
        (_, "HV00N") => (
            AfterFix,
            "The destination server cannot reach the source at the host and port given for it.",
        ),
        ("HV", _) => (
            AfterFix,
            "The foreign data wrapper failed; carrying this table with COPY avoids it.",
        ),
        // Corrupted data or index.
        (_, "XX001" | "XX002") => (
            AfterFix,
            "The server found damaged data; restore or repair it before migrating.",
        ),
        _ => return (AfterFix, None),
    };
    (retry, Some(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_classified() {
        let retry = |code: &str| classify(code).0;
        assert_eq!(retry("08006"), Retry::MayPass);
        assert_eq!(retry("40P01"), Retry::MayPass);
        assert_eq!(retry("53300"), Retry::MayPass);
        assert_eq!(retry("53100"), Retry::AfterFix);
        assert_eq!(retry("28P01"), Retry::AfterFix);
        assert!(
            classify("42501")
                .1
                .is_some_and(|hint| hint.contains("GRANT"))
        );
        assert_eq!(classify("é"), (Retry::AfterFix, None));
        assert_eq!(classify(""), (Retry::AfterFix, None));
    }
}
