//! Where a server is and who asks: the two ends of a migration.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::feature::Feature;

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    Source,
    Destination,
}

impl Side {
    pub const BOTH: [Self; 2] = [Self::Source, Self::Destination];

    /// Lower-case word for sentences.
    pub fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A password. `Debug` never shows it; the memory is wiped on drop.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself: only for the wire, a child's environment or a statement on its way to the server.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

/// libpq's `sslmode`, manual section "SSL Support".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    Disable,
    Allow,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl TlsMode {
    pub const ALL: [Self; 6] = [
        Self::Disable,
        Self::Allow,
        Self::Prefer,
        Self::Require,
        Self::VerifyCa,
        Self::VerifyFull,
    ];

    /// libpq's spelling.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }

    /// For people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Disable => "never encrypted",
            Self::Allow => "encrypted only if the server insists",
            Self::Prefer => "encrypted if possible",
            Self::Require => "encrypted",
            Self::VerifyCa => "encrypted, certificate checked",
            Self::VerifyFull => "encrypted, certificate and host checked",
        }
    }

    pub fn from_keyword(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.keyword() == word)
    }
}

/// Transport security as libpq names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tls {
    pub mode: TlsMode,
    /// `sslrootcert`; none means libpq's default file if it is there.
    pub root_cert: Option<PathBuf>,
    pub client_cert: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    /// `channel_binding=require`: the password exchange must be tied to this very TLS session.
    pub requires_channel_binding: bool,
}

/// Where a password came from, told to the user beside the field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PasswordOrigin {
    /// No password is known.
    #[default]
    None,
    Typed,
    Uri,
    Environment,
    /// `~/.pgpass` or `PGPASSFILE`.
    Passfile(PathBuf),
    Service(String),
}

/// Everything needed to open a session on one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Endpoint {
    /// Host name, address, or the absolute directory of a Unix socket.
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    /// Never written anywhere.
    #[serde(skip)]
    pub password: Option<Secret>,
    #[serde(skip)]
    pub password_origin: PasswordOrigin,
    #[serde(default)]
    pub tls: Tls,
    /// Seconds; 0 waits for ever (libpq `connect_timeout`).
    #[serde(default)]
    pub connect_timeout_secs: u32,
    #[serde(default)]
    pub silence: Silence,
    /// libpq `options`, e.g. `-c geqo=off`.
    pub options: Option<String>,
}

/// When a server that says nothing any more is taken for gone, by libpq's parameters; 0 leaves it to the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Silence {
    /// It is asked whether it is still there.
    pub keepalives: bool,
    /// So long after its last word, so often again, and so many times.
    pub idle_secs: u32,
    pub interval_secs: u32,
    pub count: u32,
    /// How long what was sent may stay unacknowledged, which keepalives do not watch.
    pub user_timeout_ms: u32,
}

/// Two minutes, instead of the system's two hours.
impl Default for Silence {
    fn default() -> Self {
        Self {
            keepalives: true,
            idle_secs: 60,
            interval_secs: 10,
            count: 6,
            user_timeout_ms: 120_000,
        }
    }
}

impl Silence {
    /// As libpq's parameters; `tcp_user_timeout` is one from 12 on.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let watched = [
            ("keepalives_idle", self.idle_secs),
            ("keepalives_interval", self.interval_secs),
            ("keepalives_count", self.count),
        ];
        let watched = watched.into_iter().filter(|_| self.keepalives);
        (!self.keepalives)
            .then_some(("keepalives", 0))
            .into_iter()
            .chain(watched.filter(|(_, value)| *value > 0))
            .chain((self.user_timeout_ms > 0).then_some(("tcp_user_timeout", self.user_timeout_ms)))
    }
}

impl Endpoint {
    /// `user@host:port/database` for people: never a password, control characters visible.
    pub fn label(&self) -> String {
        let text = if self.is_socket() {
            format!(
                "{}@{}:{}/{}",
                self.user, self.host, self.port, self.database
            )
        } else if self.host.contains(':') {
            format!(
                "{}@[{}]:{}/{}",
                self.user, self.host, self.port, self.database
            )
        } else {
            format!(
                "{}@{}:{}/{}",
                self.user, self.host, self.port, self.database
            )
        };
        super::name::printable(&text).into_owned()
    }

    #[must_use]
    pub fn without_password(&self) -> Self {
        Self {
            password: None,
            password_origin: PasswordOrigin::None,
            ..self.clone()
        }
    }

    pub fn is_socket(&self) -> bool {
        self.host.starts_with('/') || self.host.starts_with('@')
    }

    /// The server is reached without leaving this machine. Behind a tunnel it may be another one all the same.
    pub fn is_local(&self) -> bool {
        let address = self.host.parse::<std::net::IpAddr>();
        self.is_socket()
            || self.host.eq_ignore_ascii_case("localhost")
            || address.is_ok_and(|address| address.is_loopback())
    }
}

/// A connection to choose from.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub name: String,
    pub from: KnownFrom,
    pub endpoint: Endpoint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownFrom {
    /// It worked in an earlier run.
    Recent,
    /// A section of `pg_service.conf`.
    Service,
}

/// What a connection test found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerFacts {
    /// `server_version_num`, e.g. 150018.
    pub version_num: u32,
    /// `server_version` up to the first space, e.g. `15.18`.
    pub version: String,
    pub user: String,
    pub is_superuser: bool,
    /// `pg_control_system().system_identifier`; none where the role may not ask.
    pub system_identifier: Option<u64>,
    /// When the server was started, to the microsecond in UTC; none where the role may not ask.
    pub started_at: Option<String>,
    pub in_recovery: bool,
    /// Negotiated protocol, e.g. `TLSv1.3`; none on a plain connection.
    pub tls: Option<String>,
    /// One `SELECT 1` round trip.
    pub latency_micros: u64,
    /// Cores of the server; known when it is this machine.
    pub cores: Option<usize>,
    /// `shared_buffers` and `maintenance_work_mem`, in KiB.
    pub shared_buffers_kib: u64,
    pub maintenance_work_mem_kib: u64,
    /// Built with lz4, and new enough to compress values with it (14).
    pub has_lz4: bool,
    /// None: the server was reached, the database is not there (the test then used database `postgres`).
    pub database: Option<DatabaseFacts>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatabaseFacts {
    pub name: String,
    pub oid: u32,
    pub encoding: String,
    pub collate: String,
    pub ctype: String,
    pub locale: DatabaseLocale,
    /// What the provider said when the database was made; none where no version is known.
    pub collation_version: Option<String>,
    pub size_bytes: u64,
    /// Relations (tables, views, sequences …) that belong to neither the system nor an extension.
    pub relation_count: u64,
    /// `search_path` as this role has it here by itself.
    pub search_path: String,
    /// `TimeZone` and `DateStyle`, likewise.
    pub time_zone: String,
    pub date_style: String,
    /// It has not been dropped. pg_dump says nothing of that: it is there in every new database.
    pub has_public_schema: bool,
}

/// Who sorts and classes a database's text, and by what; with libc, `collate` and `ctype` say that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DatabaseLocale {
    #[default]
    Libc,
    Icu {
        locale: String,
        rules: Option<String>,
    },
    Builtin(String),
}

impl DatabaseLocale {
    /// Whether a database of such a server can have it.
    pub fn is_in(&self, version_num: u32) -> bool {
        match self {
            Self::Libc => true,
            Self::Icu { rules: None, .. } => Feature::DatabaseLocales.is_in(version_num),
            Self::Icu { rules: Some(_), .. } => Feature::CollationRules.is_in(version_num),
            Self::Builtin(_) => Feature::BuiltinLocales.is_in(version_num),
        }
    }
}

impl DatabaseFacts {
    /// By what its text is sorted, for people.
    pub fn sorts_by(&self) -> String {
        match &self.locale {
            DatabaseLocale::Libc => self.collate.clone(),
            DatabaseLocale::Icu { locale, rules } => {
                let rules = if rules.is_some() { " with rules" } else { "" };
                format!("{locale} of ICU{rules}")
            }
            DatabaseLocale::Builtin(locale) => format!("{locale} of PostgreSQL's own"),
        }
    }
}

impl ServerFacts {
    /// Major version: 15, 9 for anything before 10.
    pub fn major(&self) -> u32 {
        self.version_num / 10_000
    }
}
