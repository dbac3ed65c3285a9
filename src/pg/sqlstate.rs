//! What an SQLSTATE (manual, appendix A) means for who migrates: whether it may pass, and what to do. The README's table of
//! troubles is made from this one.

use crate::model::problem::Retry;

/// One line of the table.
#[derive(Debug, PartialEq)]
pub struct Advice {
    /// Five characters are one SQLSTATE, two a whole class but for those that have a line of their own.
    pub codes: &'static [&'static str],
    /// What has happened, in plain words.
    pub meaning: &'static str,
    pub retry: Retry,
    pub hint: &'static str,
}

const fn may_pass(
    codes: &'static [&'static str],
    meaning: &'static str,
    hint: &'static str,
) -> Advice {
    Advice {
        codes,
        meaning,
        retry: Retry::MayPass,
        hint,
    }
}

const fn after_fix(
    codes: &'static [&'static str],
    meaning: &'static str,
    hint: &'static str,
) -> Advice {
    Advice {
        codes,
        meaning,
        retry: Retry::AfterFix,
        hint,
    }
}

pub const ADVICE: &[Advice] = &[
    // Also those of a foreign server.
    may_pass(
        &["08"],
        "The connection is lost",
        "See whether the server still runs and the network holds, then try again.",
    ),
    may_pass(
        &["57P01", "57P02"],
        "The session was ended",
        "The server or an administrator ended the session; try again when the server is up.",
    ),
    may_pass(
        &["57P03"],
        "The server accepts no sessions now",
        "The server is starting up or shutting down; try again in a moment.",
    ),
    may_pass(
        &["57P05"],
        "The session was idle for too long",
        "The server ended the session for being idle; try again.",
    ),
    may_pass(
        &["57014"],
        "The statement was cancelled",
        "The statement was cancelled: by a person, by howdah, or by a statement_timeout.",
    ),
    // Its class is memory and disk, but this one is a full house.
    may_pass(
        &["53300"],
        "Too many connections",
        "The server has no free connection slot; use fewer jobs, or raise max_connections.",
    ),
    after_fix(
        &["53100"],
        "The disk is full",
        "The server's disk is full; make room, then try again.",
    ),
    after_fix(
        &["53200"],
        "Memory or lock slots are used up",
        "The server is out of memory or lock slots; see its log, and max_locks_per_transaction.",
    ),
    // Serialization failure and deadlock: a second try finds another order.
    may_pass(
        &["40"],
        "A deadlock or a conflict with another session",
        "Another session was in the way; try again.",
    ),
    may_pass(
        &["55P03"],
        "A lock could not be obtained",
        "Another session holds the lock; wait for it or end it, then try again.",
    ),
    may_pass(
        &["55006"],
        "The object is in use",
        "Other sessions use the object; end them, then try again.",
    ),
    after_fix(
        &["28P01"],
        "The password is wrong",
        "Check the password and the user name.",
    ),
    after_fix(
        &["28"],
        "The server refuses this user",
        "The server does not let this user in from here; see its pg_hba.conf.",
    ),
    after_fix(
        &["3D000"],
        "There is no such database",
        "The database does not exist; check its name, or create it.",
    ),
    after_fix(
        &["42501"],
        "The role lacks a right",
        "The role lacks a right: GRANT it, make the role a member of the owner, or connect as another role.",
    ),
    // Duplicate table, object, schema, database, function.
    after_fix(
        &["42P07", "42710", "42P06", "42P04", "42723"],
        "The object exists already",
        "The destination has it already; remove it there, or leave it out.",
    ),
    after_fix(
        &["42P01", "42883", "42704", "3F000", "42703"],
        "A referenced object is missing",
        "Something that this needs is missing here; look for an earlier failure, or for an extension or role that does not exist.",
    ),
    after_fix(
        &["23503"],
        "Rows break a foreign key",
        "Rows refer to rows that do not exist; find them on the source, then correct or remove them.",
    ),
    after_fix(
        &["23505"],
        "A key exists twice",
        "Rows with this key are there already; empty the destination's table, or look for doubled rows on the source.",
    ),
    after_fix(
        &["23"],
        "Rows break another constraint",
        "The rows break the named constraint; correct them on the source, or drop the constraint.",
    ),
    after_fix(
        &["22021", "22P05"],
        "A character has no place in the encoding",
        "The text does not fit the destination's encoding; create the destination with the source's. Where both are SQL_ASCII, the server refused a row for another reason and could not say so in UTF8: its log has it.",
    ),
    after_fix(
        &["22"],
        "A value is not accepted",
        "The destination does not take a value as the source wrote it; compare versions and types of the column.",
    ),
    after_fix(
        &["25006"],
        "The session may only read",
        "The session is read-only; is this server a standby, or default_transaction_read_only on?",
    ),
    // dlopen failed: an extension's package is not installed.
    after_fix(
        &["58P01"],
        "A file is missing on the server",
        "The server lacks a file, most often an extension's; install its package there.",
    ),
    after_fix(
        &["0A000"],
        "The server does not support it",
        "This server cannot do that, most often because it is older or lacks an extension.",
    ),
    after_fix(
        &["54"],
        "Something is too large or too complex for the server",
        "A limit of the server is exceeded; its message says which. Leave the object out, or make it smaller on the source.",
    ),
    after_fix(
        &["HV00N"],
        "The foreign server cannot be reached",
        "The destination server cannot reach the source at the host and port given for it.",
    ),
    after_fix(
        &["HV"],
        "postgres_fdw reports an error",
        "The foreign data wrapper failed; carrying this table with COPY avoids it.",
    ),
    after_fix(
        &["XX001", "XX002"],
        "Data or an index is corrupt",
        "The server found damaged data; restore or repair it before migrating.",
    ),
];

/// What is known about a code: its own line, else its class's.
pub fn advice(code: &str) -> Option<&'static Advice> {
    let line = |wanted: &str| ADVICE.iter().find(|line| line.codes.contains(&wanted));
    line(code).or_else(|| {
        let (class, _) = code.split_at_checked(2)?;
        line(class)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_classified() {
        let retry = |code: &str| advice(code).map(|line| line.retry);
        assert_eq!(retry("08006"), Some(Retry::MayPass));
        assert_eq!(retry("40P01"), Some(Retry::MayPass));
        assert_eq!(retry("53300"), Some(Retry::MayPass));
        assert_eq!(retry("53100"), Some(Retry::AfterFix));
        assert_eq!(retry("28P01"), Some(Retry::AfterFix));
        assert!(advice("42501").is_some_and(|line| line.hint.contains("GRANT")));
        assert!(advice("28000").is_some_and(|line| line.hint.contains("pg_hba.conf")));
        assert_eq!(advice("42601"), None);
        assert_eq!(advice("é"), None);
        assert_eq!(advice(""), None);
    }

    /// Else the second line would never be found.
    #[test]
    fn each_code_has_one_line() {
        let mut codes: Vec<&str> = ADVICE.iter().flat_map(|line| line.codes).copied().collect();
        assert!(codes.iter().all(|code| code.len() == 5 || code.len() == 2));
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count);
    }
}
