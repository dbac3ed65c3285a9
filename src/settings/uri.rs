//! The URI form of a connection string (manual, "Connection URIs"), read and written.

use std::fmt::Write as _;
use std::net::Ipv6Addr;

use crate::model::connection::{Endpoint, Silence, TlsMode};

use super::conninfo::ConnectionInfo;
use super::resolve::{DEFAULT_PORT, DEFAULT_TIMEOUT_SECS};

const NEEDS_ENCODING: &str =
    "the user name, password or database holds a character that must be percent-encoded";

/// None: not a URI at all. An error: a URI, but not one of PostgreSQL.
pub(super) fn after_scheme(text: &str) -> Option<Result<&str, String>> {
    let is_ours = |scheme: &str| matches!(scheme, "postgres" | "postgresql");
    if let Some((scheme, rest)) = text.split_once("://") {
        if is_ours(scheme) {
            return Some(Ok(rest));
        }
        // key=value pairs can hold "://" in a value.
        if !scheme.contains(['=', ' ', '@']) {
            return Some(Err(
                "what stands before :// is not postgres or postgresql".to_owned()
            ));
        }
        return None;
    }
    let (scheme, _) = text.split_once(':')?;
    is_ours(scheme).then(|| Err(format!("\"{scheme}:\" is not followed by //")))
}

/// Reads what follows `postgres://`, splitting where libpq splits.
pub(super) fn parse(rest: &str) -> Result<ConnectionInfo, String> {
    let mut info = ConnectionInfo::default();
    let has_credentials = rest
        .find(['@', '/'])
        .is_some_and(|at| rest.split_at(at).1.starts_with('@'));
    let place = match rest.split_once('@') {
        Some((credentials, place)) if has_credentials => {
            let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
            info.set("user", &decode(user)?)?;
            info.set("password", &decode(password)?)?;
            place
        }
        _ => rest,
    };
    parse_place(place, &mut info).map_err(|message| {
        // A raw / or @ in the password makes everything after it be misread: say that, not what was misread.
        if place.contains('@') {
            NEEDS_ENCODING.to_owned()
        } else {
            message
        }
    })?;
    Ok(info)
}

/// `host:port/database?name=value&…`, each part optional.
fn parse_place(place: &str, info: &mut ConnectionInfo) -> Result<(), String> {
    // Inside of [] nothing else has a meaning.
    let bracket = if place.starts_with('[') {
        place
            .find(']')
            .ok_or("an IPv6 address lacks its closing ]")?
    } else {
        0
    };
    let (_, after) = place.split_at(bracket);
    let (authority, rest) = place.split_at(bracket + after.find(['/', '?']).unwrap_or(after.len()));
    let (database, query) = rest.split_once('?').unwrap_or((rest, ""));
    let database = database.strip_prefix('/').unwrap_or(database);
    if authority.contains('@') || database.contains('@') {
        return Err(NEEDS_ENCODING.to_owned());
    }
    if authority.contains(',') {
        info.set("host", authority)?;
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(inside) => {
            let (host, after) = inside
                .split_once(']')
                .ok_or("an IPv6 address lacks its closing ]")?;
            let port = match after.strip_prefix(':') {
                Some(port) => port,
                None if after.is_empty() => "",
                None => {
                    return Err("only :port or / may follow the ] of an IPv6 address".to_owned());
                }
            };
            if host.is_empty() {
                return Err("the IPv6 address in [] is empty".to_owned());
            }
            (host, port)
        }
        None if authority.matches(':').count() > 1 => {
            return Err("an IPv6 address must stand in [], as in [::1]:5432".to_owned());
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    info.set("host", &decode(host)?)?;
    info.set("port", &decode(port)?)?;
    info.set("dbname", &decode(database)?)?;
    for pair in query.split_terminator('&') {
        let (name, value) = pair
            .split_once('=')
            .ok_or("a parameter after ? stands without \"=\"")?;
        if value.contains('=') {
            return Err(
                "a \"=\" in the value of a parameter after ? must be written %3D".to_owned(),
            );
        }
        match (decode(name)?.as_str(), decode(value)?.as_str()) {
            // As libpq does for URIs written for JDBC.
            ("ssl", "true") => info.set("sslmode", "require")?,
            (name, value) => info.set(name, value)?,
        }
    }
    Ok(())
}

fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|d| char::from(d).to_digit(16));
        match (digit(), digit()) {
            (Some(0), Some(0)) => return Err("%00 is not allowed".to_owned()),
            (Some(high), Some(low)) => bytes.extend(u8::try_from(high * 16 + low)),
            _ => return Err("a % is not followed by two hexadecimal digits".to_owned()),
        }
    }
    String::from_utf8(bytes).map_err(|_| "a percent-encoded part is not UTF-8".to_owned())
}

fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// The endpoint as a URI to show and to edit: never the password; what equals howdah's defaults is left out.
pub fn to_uri(endpoint: &Endpoint) -> String {
    let host = if endpoint.host.parse::<Ipv6Addr>().is_ok() {
        format!("[{}]", endpoint.host)
    } else {
        encode(&endpoint.host)
    };
    let mut uri = "postgres://".to_owned();
    if !endpoint.user.is_empty() {
        uri.push_str(&format!("{}@", encode(&endpoint.user)));
    }
    uri.push_str(&host);
    if endpoint.port != DEFAULT_PORT {
        uri.push_str(&format!(":{}", endpoint.port));
    }
    uri.push_str(&format!("/{}", encode(&endpoint.database)));
    let tls = &endpoint.tls;
    let path = |path: &Option<std::path::PathBuf>| {
        path.as_ref()
            .map(|path| path.to_string_lossy().into_owned())
    };
    let differs = |of: fn(&Silence) -> u32| {
        let value = of(&endpoint.silence);
        (value != of(&Silence::default())).then(|| value.to_string())
    };
    let parameters = [
        (
            "sslmode",
            (tls.mode != TlsMode::default()).then(|| tls.mode.keyword().to_owned()),
        ),
        ("sslrootcert", path(&tls.root_cert)),
        ("sslcert", path(&tls.client_cert)),
        ("sslkey", path(&tls.client_key)),
        (
            "channel_binding",
            tls.requires_channel_binding.then(|| "require".to_owned()),
        ),
        (
            "connect_timeout",
            (endpoint.connect_timeout_secs != DEFAULT_TIMEOUT_SECS)
                .then(|| endpoint.connect_timeout_secs.to_string()),
        ),
        (
            "keepalives",
            (!endpoint.silence.keepalives).then(|| "0".to_owned()),
        ),
        ("keepalives_idle", differs(|s| s.idle_secs)),
        ("keepalives_interval", differs(|s| s.interval_secs)),
        ("keepalives_count", differs(|s| s.count)),
        ("tcp_user_timeout", differs(|s| s.user_timeout_ms)),
        ("options", endpoint.options.clone()),
    ];
    let mut separator = '?';
    for (name, value) in parameters {
        if let Some(value) = value {
            // A path is easier to read with its slashes, and they are allowed here.
            let value = encode(&value).replace("%2F", "/");
            uri.push_str(&format!("{separator}{name}={value}"));
            separator = '&';
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::connection::{PasswordOrigin, Secret, Tls};
    use crate::settings::{Environment, resolve};
    use proptest::option;
    use proptest::prelude::*;
    use std::path::PathBuf;

    fn read(text: &str) -> ConnectionInfo {
        ConnectionInfo::parse(text).unwrap()
    }

    fn message(text: &str) -> String {
        ConnectionInfo::parse(text).unwrap_err().message
    }

    #[test]
    fn reads_every_part() {
        let info = read(
            "postgresql://me:p%40ss:w@db.example:6432/my%20db?sslmode=verify-full&connect_timeout=3",
        );
        assert_eq!(info.user.as_deref(), Some("me"));
        assert_eq!(info.password.unwrap().expose(), "p@ss:w");
        assert_eq!(info.host.as_deref(), Some("db.example"));
        assert_eq!(info.port, Some(6432));
        assert_eq!(info.database.as_deref(), Some("my db"));
        assert_eq!(info.sslmode, Some(TlsMode::VerifyFull));
        assert_eq!(info.connect_timeout_secs, Some(3));
    }

    #[test]
    fn reads_addresses_sockets_and_little() {
        let host = |text: &str| read(text).host;
        assert_eq!(host("postgres://[::1]:5433/d").as_deref(), Some("::1"));
        assert_eq!(host("postgres://%2Ftmp:5433/d").as_deref(), Some("/tmp"));
        assert_eq!(host("postgres:///d?host=/tmp").as_deref(), Some("/tmp"));
        assert_eq!(host("postgres://h?user=u").as_deref(), Some("h"));
        assert_eq!(read("postgres://"), ConnectionInfo::default());
        assert_eq!(
            read("postgres://h/d?ssl=true").sslmode,
            Some(TlsMode::Require)
        );
        let at = read("postgres://h/d?user=me@azure");
        assert_eq!(at.user.as_deref(), Some("me@azure"));
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(message("postgres:/u@h/d").contains("not followed by //"));
        assert!(message("postgress://u@h/d").contains("not postgres or postgresql"));
        assert!(message("jdbc:postgresql://h/d").contains("not postgres or postgresql"));
        assert!(message("postgres://u@h:54x/d").contains("\"port\""));
        assert!(message("postgres://::1/d").contains("must stand in []"));
        assert!(message("postgres://[::1/d").contains("closing ]"));
        assert!(message("postgres://[::1]5432/d").contains("may follow"));
        assert!(message("postgres://u:p%zz@h/d").contains('%'));
        assert!(message("postgres://h/d?sslmode").contains("without \"=\""));
        assert!(message("postgres://h/d?user=a&&port=1").contains("without \"=\""));
        assert!(message("postgres://h/d?options=-c a=b").contains("%3D"));
        assert_eq!(read("postgres://h/d?user=a&").user.as_deref(), Some("a"));
        assert_eq!(message("postgres://u:sec/ret@h/d"), NEEDS_ENCODING);
        assert_eq!(message("postgres://u:12/ret@h/d"), NEEDS_ENCODING);
        assert_eq!(message("postgres://u:sec@ret@h/d"), NEEDS_ENCODING);
    }

    prop_compose! {
        fn tls()(
            mode in 0_usize..6,
            root_cert in option::of("/[ -~]+"), client_cert in option::of("/[ -~]+"),
            requires_channel_binding: bool,
        ) -> Tls {
            Tls {
                mode: TlsMode::ALL[mode],
                root_cert: root_cert.map(PathBuf::from),
                client_cert: client_cert.map(PathBuf::from),
                client_key: None,
                requires_channel_binding,
            }
        }
    }

    prop_compose! {
        fn silence()(
            keepalives in any::<bool>(), idle_secs in 0..1_000_u32, interval_secs in 0..100_u32,
            count in 0..100_u32, user_timeout_ms in 0..200_000_u32,
        ) -> Silence {
            Silence { keepalives, idle_secs, interval_secs, count, user_timeout_ms }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            host in "[^,\0]+|::1|/[a-z/]+", port in 1_u16..,
            database in "[^\0]+", user in "[^\0]+",
            tls in tls(), connect_timeout_secs in 0..100_u32, silence in silence(), options in option::of("[^\0]+"),
        ) {
            let endpoint = Endpoint {
                host, port, database, user,
                password: Some(Secret::new("hunter2hunter2")),
                password_origin: PasswordOrigin::Typed,
                tls, connect_timeout_secs, silence, options,
            };
            let uri = to_uri(&endpoint);
            prop_assert!(!uri.contains("hunter2hunter2"));
            let read = resolve(Some(&uri), &Environment::default()).unwrap();
            let expected = Endpoint { password: None, password_origin: PasswordOrigin::None, ..endpoint };
            prop_assert_eq!(read, expected);
        }
    }
}
