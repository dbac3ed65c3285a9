//! What one connection string, service section or set of variables says, before defaults: every part may be missing.
//!
//! Parsing is ours because howdah honours more than tokio-postgres reads (`sslrootcert`, `service`, `passfile` …) and must
//! name what it does not honour instead of dropping it. Messages never hold a value that could be part of a password.

use std::path::PathBuf;

use crate::model::connection::{Secret, Silence, TlsMode};
use crate::model::problem::{Field, Problem};

use super::{keywords, uri};

/// libpq's connection parameters as far as howdah honours them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectionInfo {
    pub host: Option<String>,
    pub port: Option<u16>,
    pub database: Option<String>,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub passfile: Option<PathBuf>,
    pub service: Option<String>,
    pub sslmode: Option<TlsMode>,
    pub sslrootcert: Option<PathBuf>,
    pub sslcert: Option<PathBuf>,
    pub sslkey: Option<PathBuf>,
    /// True for `channel_binding=require`.
    pub requires_channel_binding: Option<bool>,
    /// 0 waits for ever.
    pub connect_timeout_secs: Option<u32>,
    pub keepalives: Option<u32>,
    pub keepalives_idle: Option<u32>,
    pub keepalives_interval: Option<u32>,
    pub keepalives_count: Option<u32>,
    pub tcp_user_timeout: Option<u32>,
    pub options: Option<String>,
}

/// Read and not needed: howdah sets these itself, or they only concern other clients.
const IGNORED: [&str; 7] = [
    "application_name",
    "fallback_application_name",
    "client_encoding",
    "krbsrvname",
    "gsslib",
    "gssdelegation",
    "sslcompression",
];

/// Parameters howdah cannot honour, with the values that ask for nothing it does not do anyway.
const HARMLESS_VALUES: [(&str, &[&str]); 20] = [
    ("hostaddr", &[]),
    ("target_session_attrs", &["any", "prefer-standby"]),
    ("load_balance_hosts", &["disable"]),
    ("gssencmode", &["disable", "prefer"]),
    ("sslnegotiation", &["postgres"]),
    ("sslcertmode", &["allow"]),
    ("sslsni", &["1"]),
    ("sslcrl", &[]),
    ("sslcrldir", &[]),
    ("sslpassword", &[]),
    ("sslkeylogfile", &[]),
    ("ssl_min_protocol_version", &["TLSv1", "TLSv1.1", "TLSv1.2"]),
    ("ssl_max_protocol_version", &["TLSv1.3"]),
    ("min_protocol_version", &["3.0"]),
    ("max_protocol_version", &["3.0", "3.2", "latest"]),
    ("requiressl", &[]),
    ("requirepeer", &[]),
    ("require_auth", &[]),
    ("replication", &["0", "false", "off", "no"]),
    ("scram_client_key", &[]),
];

impl ConnectionInfo {
    /// Reads a URI (`postgres://…`), `key=value` pairs or a database name.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let whole = text;
        let text = text.trim_matches(is_blank);
        let outcome = match uri::after_scheme(text) {
            Some(rest) => rest.and_then(uri::parse),
            // The blank at the end of `password=a\ ` is escaped, that is a part of the password.
            None if text.contains('=') => keywords::parse(whole),
            // As for psql: one plain word is a database.
            None if !text.contains([':', '/', '@', ' ']) => Ok(Self {
                database: Some(text.to_owned()).filter(|name| !name.is_empty()),
                ..Self::default()
            }),
            None => Err(
                "it is neither a URI nor a list of key=value pairs nor a database name".to_owned(),
            ),
        };
        outcome.map_err(|message| {
            Problem::new("Could not read the connection string", message)
                .hint(
                    "Write postgres://user@host:5432/database or host=… port=… dbname=… user=…. In a URI, the characters \
                     @ : / ? # % inside a name or password are written %40 %3A %2F %3F %23 %25.",
                )
                .field(Field::Uri)
        })
    }

    /// Sets one parameter by libpq's name. An empty value means "not given". The error is half a sentence without the value.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let text = || (!value.is_empty()).then(|| value.to_owned());
        let path = || (!value.is_empty()).then(|| PathBuf::from(value));
        match name {
            "host" | "port" if value.contains(',') => {
                return Err(
                    "several hosts are not supported; name the one to connect to".to_owned(),
                );
            }
            "host" => self.host = text(),
            "port" => self.port = number(name, value, "a number from 1 to 65535")?,
            "dbname" => self.database = text(),
            "user" => self.user = text(),
            "password" => self.password = text().map(Secret::new),
            "passfile" => self.passfile = path(),
            "service" => self.service = text(),
            "sslmode" => self.sslmode = text().map(|word| tls_mode(&word)).transpose()?,
            "sslrootcert" => self.sslrootcert = path(),
            "sslcert" => self.sslcert = path(),
            "sslkey" => self.sslkey = path(),
            "channel_binding" => self.requires_channel_binding = requires_binding(value)?,
            "connect_timeout" => {
                let seconds: Option<i32> = number(name, value, "a number of seconds")?;
                // libpq: zero and negative numbers wait for ever.
                self.connect_timeout_secs = seconds.map(|s| u32::try_from(s).unwrap_or(0));
            }
            "keepalives" => self.keepalives = number(name, value, "0 or 1")?,
            "keepalives_idle" => self.keepalives_idle = count(name, value)?,
            "keepalives_interval" => self.keepalives_interval = count(name, value)?,
            "keepalives_count" => self.keepalives_count = count(name, value)?,
            "tcp_user_timeout" => self.tcp_user_timeout = count(name, value)?,
            "options" => self.options = text(),
            // As libpq does with what is left of the time before sslmode.
            "requiressl" if !value.is_empty() => {
                let is_required = value.starts_with('1');
                self.sslmode = Some(if is_required {
                    TlsMode::Require
                } else {
                    TlsMode::Prefer
                });
            }
            name if IGNORED.contains(&name) || value.is_empty() && is_known(name) => {}
            name => return unsupported(name, value),
        }
        Ok(())
    }

    /// What this layer leaves open is taken from the one below.
    #[must_use]
    pub(super) fn or(self, lower: Self) -> Self {
        Self {
            host: self.host.or(lower.host),
            port: self.port.or(lower.port),
            database: self.database.or(lower.database),
            user: self.user.or(lower.user),
            password: self.password.or(lower.password),
            passfile: self.passfile.or(lower.passfile),
            service: self.service.or(lower.service),
            sslmode: self.sslmode.or(lower.sslmode),
            sslrootcert: self.sslrootcert.or(lower.sslrootcert),
            sslcert: self.sslcert.or(lower.sslcert),
            sslkey: self.sslkey.or(lower.sslkey),
            requires_channel_binding: self
                .requires_channel_binding
                .or(lower.requires_channel_binding),
            connect_timeout_secs: self.connect_timeout_secs.or(lower.connect_timeout_secs),
            keepalives: self.keepalives.or(lower.keepalives),
            keepalives_idle: self.keepalives_idle.or(lower.keepalives_idle),
            keepalives_interval: self.keepalives_interval.or(lower.keepalives_interval),
            keepalives_count: self.keepalives_count.or(lower.keepalives_count),
            tcp_user_timeout: self.tcp_user_timeout.or(lower.tcp_user_timeout),
            options: self.options.or(lower.options),
        }
    }

    pub fn silence(&self) -> Silence {
        let usual = Silence::default();
        Silence {
            keepalives: self.keepalives != Some(0),
            idle_secs: self.keepalives_idle.unwrap_or(usual.idle_secs),
            interval_secs: self.keepalives_interval.unwrap_or(usual.interval_secs),
            count: self.keepalives_count.unwrap_or(usual.count),
            user_timeout_ms: self.tcp_user_timeout.unwrap_or(usual.user_timeout_ms),
        }
    }
}

/// libpq: zero and negative numbers leave it to the system.
fn count(name: &str, value: &str) -> Result<Option<u32>, String> {
    let number: Option<i32> = number(name, value, "a number")?;
    Ok(number.map(|n| u32::try_from(n).unwrap_or(0)))
}

fn is_known(name: &str) -> bool {
    HARMLESS_VALUES.iter().any(|(known, _)| *known == name)
}

fn unsupported(name: &str, value: &str) -> Result<(), String> {
    match HARMLESS_VALUES.iter().find(|(known, _)| *known == name) {
        Some((_, harmless)) if harmless.contains(&value) => Ok(()),
        Some((_, [])) => Err(format!(
            "the parameter \"{name}\" is not supported; leave it out"
        )),
        Some((_, harmless)) => Err(format!(
            "the parameter \"{name}\" is supported only as {}; leave it out",
            harmless.join(" or ")
        )),
        // Anything else than a plain word may be a piece of a misread password.
        None if name.chars().any(|c| !c.is_ascii_lowercase() && c != '_') => {
            Err("what stands before a \"=\" is not a known parameter".to_owned())
        }
        None => Err(format!("the parameter \"{name}\" is not known")),
    }
}

/// What separates words for libpq: not every blank of Unicode, some of which are good characters for a password.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// Like libpq, allows blanks around the number.
fn number<N: std::str::FromStr + PartialEq + Default>(
    name: &str,
    value: &str,
    expected: &str,
) -> Result<Option<N>, String> {
    if value.is_empty() {
        return Ok(None);
    }
    let value = value.trim_matches(is_blank);
    let wrong = || format!("the value of \"{name}\" is not {expected}");
    let number = value.parse().map_err(|_| wrong())?;
    if name == "port" && number == N::default() {
        return Err(wrong());
    }
    Ok(Some(number))
}

fn tls_mode(word: &str) -> Result<TlsMode, String> {
    TlsMode::from_keyword(word).ok_or_else(|| {
        format!(
            "the value of \"sslmode\" is not one of {}",
            TlsMode::ALL.map(TlsMode::keyword).join(", ")
        )
    })
}

/// `disable` needs no field of its own: not binding is never less secure than what the server asks for.
fn requires_binding(value: &str) -> Result<Option<bool>, String> {
    match value {
        "" => Ok(None),
        "require" => Ok(Some(true)),
        "prefer" | "disable" => Ok(Some(false)),
        _ => Err(
            "the value of \"channel_binding\" is not one of disable, prefer, require".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(text: &str) -> String {
        let problem = ConnectionInfo::parse(text).unwrap_err();
        assert_eq!(problem.field, Some(Field::Uri));
        assert!(problem.our_hint.is_some());
        problem.message
    }

    #[test]
    fn what_is_not_supported_is_named() {
        assert!(message("postgres://a,b/d").contains("several hosts"));
        assert!(message("host=a port=1,2").contains("several hosts"));
        assert!(message("postgres://h/d?sslmod=require").contains("\"sslmod\" is not known"));
        assert!(message("host=h sslcrl=/x").contains("\"sslcrl\" is not supported"));
        assert!(message("host=h target_session_attrs=read-write").contains("only as any"));
        assert!(message("postgres://h/d?sslmode=full").contains("verify-full"));
        assert!(message("host/shop").contains("neither a URI"));
        let shop = ConnectionInfo::parse("shop").unwrap();
        assert_eq!(shop.database.as_deref(), Some("shop"));
    }

    #[test]
    fn parameters_that_ask_for_nothing_pass() {
        let text = "host=h application_name=x target_session_attrs=any sslcrl='' gssencmode=disable channel_binding=require";
        let info = ConnectionInfo::parse(text).unwrap();
        assert_eq!(info.requires_channel_binding, Some(true));
    }

    #[test]
    fn an_old_requiressl_is_an_sslmode() {
        let mode = |text: &str| ConnectionInfo::parse(text).unwrap().sslmode;
        assert_eq!(mode("requiressl=1"), Some(TlsMode::Require));
        assert_eq!(mode("requiressl=0"), Some(TlsMode::Prefer));
        assert_eq!(mode("requiressl=''"), None);
    }

    #[test]
    fn numbers_are_checked() {
        let port = |text: &str| ConnectionInfo::parse(text).map(|info| info.port);
        assert_eq!(port("host=h port=' 6 '").unwrap(), Some(6));
        assert_eq!(port("host=h port=''").unwrap(), None);
        assert!(message("host=h port=' '").contains("1 to 65535"));
        assert!(message("host=h port=0").contains("1 to 65535"));
        assert!(message("host=h port=65536").contains("1 to 65535"));
        let timeout = |text: &str| ConnectionInfo::parse(text).unwrap().connect_timeout_secs;
        assert_eq!(timeout("connect_timeout=-1"), Some(0));
        assert_eq!(timeout("connect_timeout=7"), Some(7));
    }

    #[test]
    fn no_text_makes_it_panic() {
        let signs = [
            "postgres://",
            "@",
            ":",
            "/",
            "?",
            "&",
            "=",
            "%",
            "%2",
            "%c3",
            "'",
            "\\",
            " ",
            "\t",
            "[",
            "]",
            "host",
            "port",
            "password",
            "sslmode",
            "1",
            "é",
            ",",
        ];
        let pieces = prop::sample::select(signs.to_vec());
        let pieces = prop::collection::vec(pieces, 0..20).prop_map(|pieces| pieces.concat());
        crate::fuzz::check(256, &(pieces, ".*"), |(pieces, tail)| {
            for start in ["", "postgres://", "host="] {
                let _unused = ConnectionInfo::parse(&format!("{start}{tail}"));
                let _unused = ConnectionInfo::parse(&format!("{start}{pieces}"));
                let _unused = ConnectionInfo::parse(&format!("{start}{pieces}{tail}"));
            }
            Ok(())
        });
    }

    proptest! {
        #[test]
        fn no_error_holds_the_password(
            password in "[!-~]{8,20}", user in "[a-z]{1,5}", tail in "[!-~]{0,10}"
        ) {
            for text in [
                format!("postgres://{user}:{password}@h:x/d"),
                format!("postgres://{user}:{password}@h/d?{tail}"),
                format!("postgres:/{user}:{password}@h/d"),
                format!("{user}:{password}@h/d?{tail}"),
                format!("user={user} password={password} {tail}"),
                format!("user={user} password={password} port=x"),
            ] {
                if let Err(problem) = ConnectionInfo::parse(&text) {
                    prop_assert!(!problem.message.contains(&password), "{}", problem.message);
                }
            }
        }
    }
}
