//! `settings` reads connection strings and variables as libpq does, or it is said here where not.

use std::fmt::Write as _;
use std::fs;

use proptest::prelude::*;
use proptest::sample::select;

use super::check;
use super::ear::Heard;
use super::names::name;
use super::surroundings::Surroundings;

fn env() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    prop::collection::btree_map(
        select(&["PGUSER", "PGDATABASE", "PGPASSWORD", "PGOPTIONS"][..]),
        name(),
        0..3,
    )
    .prop_map(|variables| variables.into_iter().collect())
}

/// Parameters that both know, with values of which some are wrong. An empty value is a difference of its own, see below.
fn parameter() -> impl Strategy<Value = (String, String)> {
    let known = |name: &'static str, values: &'static [&'static str]| {
        select(values).prop_map(move |value| (name.to_owned(), value.to_owned()))
    };
    prop_oneof![
        8 => (select(&["user", "dbname", "password", "options", "application_name"][..]), name())
            .prop_map(|(name, value)| (name.to_owned(), value)),
        2 => known("port", &["5432", "05432", " 5432", "5432 ", "+5432", "-1", "0", "65536", "x", "5432x", "5 4", "\u{a0}5432", "5433"]),
        1 => known("connect_timeout", &["3", " 4 ", "-1", "x", "1e3", "99999999999"]),
        1 => known("sslmode", &["disable", "prefer", "verify-full", "Disable", "x", " prefer"]),
        1 => known("channel_binding", &["disable", "prefer", "x"]),
        1 => known("requiressl", &["0"]),
        1 => select(&["usr", "User", "user ", "", "tty", "é"][..]).prop_map(|name| (name.to_owned(), "x".to_owned())),
    ]
}

/// `key=value` as careful and as careless people write it.
fn pair() -> impl Strategy<Value = String> {
    let blanks = || select(&["", "", "", " ", "\n", "\t\r\n", "\u{b}\u{c}", "\u{a0}"][..]);
    (parameter(), 0..8_u8, blanks(), blanks()).prop_map(|((name, value), style, before, after)| {
        let escaped = value.replace('\\', r"\\").replace('\'', r"\'");
        let value = match style {
            0 => value,
            1 => format!("'{value}'"),
            2 => format!("'{escaped}"),
            3 | 4 => value
                .chars()
                .fold(String::new(), |text, c| text + "\\" + &String::from(c)),
            _ => format!("'{escaped}'"),
        };
        format!("{name}{before}={after}{value}")
    })
}

#[test]
fn key_value_strings_mean_what_they_mean_to_libpq() {
    let surroundings = Surroundings::new();
    surroundings.write_pgpass("*:*:*:*:of file\n");
    fs::write(surroundings.service_file(), "[x]\nuser=of service\n").unwrap();
    let host = surroundings
        .ear
        .host()
        .replace('\\', r"\\")
        .replace('\'', r"\'");
    let strings = (
        prop::collection::vec(pair(), 0..5),
        select(&[" ", " ", "\n", ""][..]),
        env(),
    );
    check(500, &strings, |(pairs, between, env)| {
        let text = format!("host='{host}'{between}{}", pairs.join(between));
        // What begins like a URI is read as one: by libpq only at the very beginning.
        surroundings.agree(&text, &env)
    });
}

fn encode(text: &str, style: u8) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~ '()!*\\".contains(&byte) && style > 0;
        if is_plain && style < 4 {
            out.push(char::from(byte));
        } else if style == 2 {
            write!(out, "%{byte:02x}").unwrap();
        } else {
            write!(out, "%{byte:02X}").unwrap();
        }
        out
    })
}

fn encoded() -> impl Strategy<Value = String> {
    let broken = select(
        &[
            "%",
            "%4",
            "%zz",
            "%00",
            "a%",
            "%2g",
            "%e2%82%ac",
            "é",
            "a b",
            "%20",
        ][..],
    );
    prop_oneof![
        9 => (name(), 0..6_u8).prop_map(|(text, style)| encode(&text, style)),
        1 => broken.prop_map(str::to_owned),
    ]
}

/// A URI around this host, itself encoded.
fn uri(host: String) -> impl Strategy<Value = String> {
    let user = prop_oneof![
        2 => Just(String::new()),
        2 => encoded().prop_map(|user| format!("{user}@")),
        3 => (encoded(), encoded()).prop_map(|(user, password)| format!("{user}:{password}@")),
        1 => select(&[":@", "@", ":x@", "x:@"][..]).prop_map(str::to_owned),
    ];
    let place = prop_oneof![
        6 => select(&["", ":", ":5432", ":05432", ":5433", ":%35432", ":0", ":x", ":1:2", ":65536", ":+5432", ": 5432"][..])
            .prop_map(move |port| format!("{host}{port}")),
        2 => select(&["127.0.0.1:1", "[::1]:1", "[::1", "[]:1", "[::1]1", "[127.0.0.1]:1", "::1", "localhost:1",
            "[%3a%3a1]:1", "[/x/y]:1", "[::1]:1/[", "%2fno%3fwhere", "%40abstract"][..]).prop_map(str::to_owned),
    ];
    let database = prop_oneof![
        1 => Just(String::new()),
        1 => Just("/".to_owned()),
        3 => encoded().prop_map(|name| format!("/{name}")),
        1 => Just("/a/b:[c]".to_owned()),
    ];
    let parameter = prop_oneof![
        6 => (parameter(), 0..6_u8).prop_map(|((name, value), style)| format!("{}={}", encode(&name, 1), encode(&value, style))),
        1 => encoded().prop_map(|value| format!("user={value}")),
        1 => select(&["ssl=true", "ssl=x", "user", "user=a=b", "", "=", "=x", "%75ser=x", "user=a/b?c", "user=a:b", "user=[x]", "user=a+b"][..])
            .prop_map(str::to_owned),
    ];
    let query = prop_oneof![
        1 => Just(String::new()),
        3 => (prop::collection::vec(parameter, 0..4), select(&["", "", "&"][..]))
            .prop_map(|(parameters, end)| format!("?{}{end}", parameters.join("&"))),
    ];
    let scheme = select(
        &[
            "postgres",
            "postgres",
            "postgresql",
            "postgresql",
            "Postgres",
            "postgre",
        ][..],
    );
    (scheme, user, place, database, query).prop_map(|(scheme, user, place, database, query)| {
        format!("{scheme}://{user}{place}{database}{query}")
    })
}

#[test]
fn uris_mean_what_they_mean_to_libpq() {
    let surroundings = Surroundings::new();
    surroundings.write_pgpass("*:*:*:*:of file\n");
    fs::write(surroundings.service_file(), "").unwrap();
    let host = encode(surroundings.ear.host(), 0);
    check(700, &(uri(host), env()), |(uri, env)| {
        // Blanks around it are a difference of their own, see below; another scheme is a database's name to libpq.
        prop_assume!(uri.trim() == uri);
        prop_assume!(
            uri.starts_with("postgres://") || uri.starts_with("postgresql://") || uri.contains('=')
        );
        surroundings.agree(&uri, &env)
    });
}

/// Where howdah differs, and means to.
#[test]
fn the_differences_from_libpq_are_these() {
    let surroundings = Surroundings::new();
    surroundings.write_pgpass("");
    let plain = surroundings
        .ear
        .host()
        .replace('\\', r"\\")
        .replace('\'', r"\'");
    let host = format!("host='{plain}'");
    let encoded = encode(surroundings.ear.host(), 0);
    let refuses = |text: &str, words: &str| {
        match surroundings.ours(text, &[]) {
            Heard::Refused(said) => assert!(said.contains(words), "{said}"),
            other => panic!("<{text}> is {other:?}"),
        }
        let theirs = surroundings.theirs(text, &[]);
        assert!(
            !matches!(theirs, Heard::Refused(_)),
            "<{text}> is refused by libpq, too: {theirs:?}"
        );
    };
    // One server, named as one.
    refuses(&format!("host='{plain},{plain}'"), "several hosts");
    refuses(
        &format!("{host} hostaddr=127.0.0.1 port=1"),
        "\"hostaddr\" is not supported",
    );
    refuses(
        &format!("{host} target_session_attrs=read-write"),
        "only as any",
    );
    // What is likely to be a mistake, often with a password in it, goes nowhere.
    refuses(
        &format!("postgres:///d@x?host={encoded}"),
        "percent-encoded",
    );
    refuses("mysql://h/d", "not postgres");
    refuses("host/shop", "neither a URI");
    refuses(
        &format!("postgres:///d?host={encoded}&user=%ff"),
        "not UTF-8",
    );
    // A wrong value is told even if another one replaces it.
    refuses(&format!("{host} port=x port=5432"), "\"port\"");

    // An empty value is as good as none.
    let accepts = |text: &str| {
        assert!(
            matches!(surroundings.ours(text, &[]), Heard::Here { .. }),
            "<{text}>"
        );
        assert!(
            matches!(surroundings.theirs(text, &[]), Heard::Refused(_)),
            "<{text}>"
        );
    };
    accepts(&format!("{host} sslmode=''"));
    accepts(&format!("{host} connect_timeout=''"));
    accepts(&format!("{host} channel_binding=''"));
    let user = |heard: Heard| match heard {
        Heard::Here { user, .. } => user,
        other => panic!("{other:?}"),
    };
    let variables = [("PGUSER", "of variable".to_owned())];
    let empty = format!("{host} user=''");
    assert_eq!(
        user(surroundings.ours(&empty, &variables)).as_deref(),
        Some("of variable")
    );
    assert_ne!(
        user(surroundings.theirs(&empty, &variables)).as_deref(),
        Some("of variable")
    );
    // Blanks come along when a URI is copied.
    accepts(&format!(" postgres:///d?host={encoded}\n"));
}
