//! Properties that only real programs can judge: quoting by the server, archives by pg_restore, connection strings by libpq.

use std::process::{Command, Output};

use howdah::model::name::ObjectName;
use howdah::pg::archive::split;
use howdah::settings::conninfo::ConnectionInfo;
use howdah::sql::lexer;
use howdah::sql::quote::{ident, literal, qualified};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::support;

/// The same inputs in every run, so that a change is judged by itself; others each time with `HOWDAH_PROPERTIES=random`.
fn runner(cases: u32) -> TestRunner {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    if std::env::var("HOWDAH_PROPERTIES").is_ok_and(|word| word == "random") {
        return TestRunner::new(config);
    }
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, rng)
}

/// Characters that mean something to somebody, and some that do not.
fn awkward() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("'".to_owned()),
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("%".to_owned()),
        Just("$$".to_owned()),
        Just("\n".to_owned()),
        Just("--".to_owned()),
        Just("/*".to_owned()),
        Just(";".to_owned()),
        Just("\u{1b}[31m".to_owned()),
        Just("\u{202e}".to_owned()),
        Just("😀".to_owned()),
        Just("e\u{301}".to_owned()),
        Just("select".to_owned()),
        Just("User".to_owned()),
        "[a-z_]{1,6}",
        any::<char>()
            .prop_filter("the server has no zero", |c| *c != '\0')
            .prop_map(String::from),
    ];
    prop::collection::vec(piece, 1..9).prop_map(|pieces| pieces.concat())
}

/// What fits into a name: at most 63 bytes.
fn name() -> impl Strategy<Value = String> {
    awkward().prop_map(|text| {
        let end = (0..=text.len().min(63))
            .rev()
            .find(|at| text.is_char_boundary(*at));
        text.get(..end.unwrap_or(0)).unwrap_or_default().to_owned()
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(future))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_values_come_back_as_they_were() {
    let pair = support::databases("quoting").await;
    let client = support::connect(&pair.source).await;
    let names = prop::collection::vec((name(), awkward(), any::<bool>()), 40);
    let outcome = runner(12).run(&names, |cases| {
        for (name, text, conforming) in &cases {
            let on = if *conforming { "on" } else { "off" };
            let object = ObjectName::new(name.clone(), text.chars().take(15).collect::<String>());
            // The server's own quoting, read back, must mean the same as ours.
            let question = format!(
                "set standard_conforming_strings = {on}; set escape_string_warning = off;
                 select {} as {}, pg_catalog.parse_ident({})::text[] as parts",
                literal(text),
                ident(name),
                literal(&qualified(&object)),
            );
            let answer = block_on(client.simple_query(&question));
            let answer = answer.map_err(|error| TestCaseError::fail(format!("{error:?} in {question}")))?;
            let row = answer.iter().find_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
                _ => None,
            });
            let row = row.expect("a row");
            prop_assert_eq!(row.get(0), Some(text.as_str()));
            prop_assert_eq!(row.columns()[0].name(), name.as_str());
        }
        // All at once as names of real objects.
        let made: std::collections::BTreeSet<&String> = cases.iter().map(|(name, ..)| name).collect();
        let mut create = String::new();
        for name in &made {
            create.push_str(&format!("create temp table {0} ({0} int);", ident(name)));
        }
        let read = "select c.relname::text, a.attname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
                     where c.relnamespace = pg_my_temp_schema() and c.relkind = 'r'";
        let rows = block_on(async {
            client.batch_execute(&create).await?;
            let rows = client.query(read, &[]).await?;
            client.batch_execute("discard temp").await?;
            Ok::<_, tokio_postgres::Error>(rows)
        });
        let rows = rows.map_err(|error| TestCaseError::fail(format!("{error:?} in {create}")))?;
        let found: std::collections::BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), made.into_iter().collect::<Vec<_>>());
        prop_assert!(rows.iter().all(|row| row.get::<_, String>(0) == row.get::<_, String>(1)));
        Ok(())
    });
    outcome.unwrap();
}

fn client_program(name: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(support::binaries().bindir.join(name));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("PG") {
            command.env_remove(variable);
        }
    }
    command
        .env("LC_ALL", "C")
        .args(arguments)
        .output()
        .expect(name)
}

/// Bodies and comments that look like the headers of an archive.
fn look_alike() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("--".to_owned()),
        (1_u32..400, 0_u32..3000, 1_u32..40_000)
            .prop_map(|(id, class, oid)| format!("-- TOC entry {id} (class {class} OID {oid})")),
        Just("-- Name: f(); Type: FUNCTION; Schema: public; Owner: postgres".to_owned()),
        Just("-- Dependencies: 3 4".to_owned()),
        Just("SET default_tablespace = 'x';".to_owned()),
        Just("ALTER FUNCTION public.f0() OWNER TO postgres;".to_owned()),
        Just("-- Completed on 2026-01-01".to_owned()),
        Just("-- PostgreSQL database dump complete".to_owned()),
        Just("\\restrict x".to_owned()),
        Just(String::new()),
        awkward(),
    ];
    prop::collection::vec(line, 0..8).prop_map(|lines| lines.join("\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_is_cut_without_losing_a_byte() {
    let pair = support::databases("cutting").await;
    let texts = prop::collection::vec(look_alike(), 6);
    let file = support::servers().source.dir().join("cutting.dump");
    let file = file.to_str().unwrap().to_owned();
    let uri = support::uri(&pair.source);
    let outcome = runner(10).run(&texts, |texts| {
        let mut create = "drop schema public cascade; create schema public; create table public.t (i int primary key);".to_owned();
        for (at, text) in texts.iter().enumerate() {
            create.push_str(&format!(
                "create function public.f{at}() returns text language sql as {};
                 comment on function public.f{at}() is {};
                 create view public.v{at} as select {}::text as x;",
                literal(&format!("select 1::text -- {at}\n/*{}*/", text.replace("*/", "").replace("/*", ""))),
                literal(text),
                literal(text),
            ));
        }
        let shown = block_on(async {
            support::execute_batch(&pair.source, &create).await;
            support::query_text(&pair.source, "select string_agg(prosrc, '' order by proname) from pg_proc where proname ~ '^f[0-9]$'").await
        });
        let dumped = client_program("pg_dump", &["-Fc", "--schema-only", "-f", &file, "-d", &uri]);
        prop_assert!(dumped.status.success(), "{:?}", dumped);
        let list = String::from_utf8(client_program("pg_restore", &["--list", &file]).stdout).unwrap();
        for more in [&["--verbose", "--file=-"][..], &["--verbose", "--no-owner", "--file=-"]] {
            let printed = client_program("pg_restore", &[more, &[file.as_str()]].concat());
            let sql = String::from_utf8(printed.stdout).unwrap();
            let cut = split::cut(&list, &sql).map_err(TestCaseError::fail)?;
            let whole: String = std::iter::once(cut.preamble)
                .chain(cut.pieces.iter().map(|piece| piece.text))
                .chain([cut.closing])
                .collect();
            prop_assert_eq!(&whole, &sql);
            for piece in &cut.pieces {
                prop_assert_eq!(piece.text, format!("--\n{}\n--\n{}", piece.header, piece.body));
            }
            // Each function's source stands in the one piece that is its own.
            let functions = cut.pieces.iter().filter(|piece| piece.header.contains("; Type: FUNCTION; Schema: public;"));
            let made: Vec<_> = functions.filter(|piece| piece.body.starts_with("\nCREATE FUNCTION public.f") || piece.body.trim_start().starts_with("CREATE FUNCTION public.f")).collect();
            prop_assert_eq!(made.len(), texts.len());
            prop_assert!(shown.len() <= made.iter().map(|piece| piece.body.len()).sum());
        }
        Ok(())
    });
    outcome.unwrap();
}

/// Whole statements only: the server runs each piece alone as it runs all together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_are_cut_where_the_server_cuts_them() {
    let pair = support::databases("cut_statements").await;
    let client = support::connect(&pair.source).await;
    let statement = prop_oneof![
        awkward().prop_map(|text| format!("select {}", literal(&text))),
        name().prop_map(|name| format!("select 1 as {}", ident(&name))),
        awkward().prop_map(|text| format!("select $q$ {} ; $q$", text.replace("$q$", ""))),
        awkward().prop_map(|text| {
            let inside = text.replace("*/", "").replace("/*", "");
            format!(
                "/* ; {inside} /* ; */ */ select 2 -- ; {}\n",
                text.replace(['\n', '\r'], "")
            )
        }),
    ];
    let outcome = runner(40).run(&prop::collection::vec(statement, 1..12), |statements| {
        let script = statements.join(";\n") + ";";
        let pieces = lexer::statements(&script);
        prop_assert_eq!(pieces.concat(), script.clone());
        let run: Vec<&str> = pieces
            .into_iter()
            .filter(|piece| lexer::has_statement(piece))
            .collect();
        prop_assert_eq!(run.len(), statements.len());
        let count = |sql: &str| {
            let answer = block_on(client.simple_query(sql))
                .map_err(|error| TestCaseError::fail(format!("{error:?} in {sql}")))?;
            let is_end = |m: &&tokio_postgres::SimpleQueryMessage| {
                matches!(m, tokio_postgres::SimpleQueryMessage::CommandComplete(_))
            };
            Ok::<_, TestCaseError>(answer.iter().filter(is_end).count())
        };
        prop_assert_eq!(count(&script)?, statements.len());
        for piece in run {
            prop_assert_eq!(count(piece)?, 1);
        }
        Ok(())
    });
    outcome.unwrap();
}

/// What libpq made of a connection string: its complaint about the string, or where it went.
fn libpq(conninfo: &str) -> Result<String, String> {
    let output = client_program(
        "psql",
        &["-X", "-w", "-At", "-c", "select 1", "-d", conninfo],
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let went = ["connection to server ", "could not translate host name "]
        .into_iter()
        .find_map(|words| said.split_once(words));
    match went {
        Some((_, place)) => Ok(place.to_owned()),
        None if output.status.success() => Ok(String::new()),
        None => Err(said),
    }
}

/// A directory that is not there: libpq then says which socket it looked for.
fn directory() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            Just(' '),
            Just('\''),
            Just('\\'),
            Just('%'),
            Just('ü'),
            Just('@'),
            Just(':'),
            Just('?'),
            Just('&'),
            Just('='),
            Just('a')
        ],
        1..12,
    )
    .prop_map(|chars| format!("/nowhere{}", chars.into_iter().collect::<String>()))
}

/// `value` as a conninfo pair writes it, quoted or with backslashes.
fn keyword_value(value: &str, is_quoted: bool) -> String {
    let escaped = value.replace('\\', "\\\\").replace('\'', "\\'");
    if is_quoted || value.is_empty() {
        format!("'{escaped}'")
    } else {
        escaped.replace(' ', "\\ ")
    }
}

fn percent(value: &str, all: bool) -> String {
    value
        .bytes()
        .map(|byte| {
            if !all && byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// A well-formed string, then some characters of it changed: most stay well-formed, many do not.
fn conninfo() -> impl Strategy<Value = String> {
    let parts = (
        directory(),
        1_u16..=65_535,
        awkward(),
        any::<[bool; 4]>(),
        "[ ]{0,2}",
    );
    let whole = parts.prop_map(|(host, port, user, flags, space)| {
        let user = user.replace(['\0', '\n'], "");
        if flags[0] {
            let [_, quoted, more, _] = flags;
            let application = if more {
                " application_name = 'x y'"
            } else {
                ""
            };
            format!(
                "{space}host{space}={space}{} port={port}{application} user={} dbname=d",
                keyword_value(&host, quoted),
                keyword_value(&user, true),
            )
        } else {
            let [_, all, in_query, long] = flags;
            let scheme = if long { "postgresql" } else { "postgres" };
            let host = percent(&host, all);
            let user = percent(&user, all);
            if in_query {
                format!("{scheme}://{user}@/d?host={host}&port={port}")
            } else {
                format!("{scheme}://{user}@{host}:{port}/d?connect_timeout=3")
            }
        }
    });
    let change = (
        any::<prop::sample::Index>(),
        prop::sample::select(" '\\%=@:/?#&[]a1".chars().collect::<Vec<_>>()),
        0_u8..3,
    );
    (whole, prop::collection::vec(change, 0..3)).prop_map(|(whole, changes)| {
        let mut chars: Vec<char> = whole.chars().collect();
        for (at, c, how) in changes {
            let at = at.index(chars.len());
            match how {
                0 => chars[at] = c,
                1 => chars.insert(at, c),
                _ => drop(chars.remove(at)),
            }
        }
        chars.into_iter().collect()
    })
}

/// Where howdah differs from libpq on purpose: several hosts, hosts by number, words that are no database's name, bytes that are
/// no text, and a second `@` in a URI, where a password most often was not encoded and would be taken for a host.
fn is_ours_to_refuse(message: &str) -> bool {
    [
        "several hosts",
        "neither a URI",
        "is not supported",
        "must be percent-encoded",
        "not UTF-8",
        // libpq looks at it only when it waits for a network.
        "\"connect_timeout\" is not",
    ]
    .iter()
    .any(|reason| message.contains(reason))
}

#[test]
fn connection_strings_are_read_as_libpq_reads_them() {
    let outcome = runner(400).run(&conninfo(), |text| {
        let ours = ConnectionInfo::parse(&text);
        // Blanks around a pasted URI are ours to forgive.
        let theirs = libpq(text.trim_start());
        match (&ours, &theirs) {
            (Err(problem), Ok(_)) => prop_assert!(
                is_ours_to_refuse(&problem.message),
                "we refuse {text:?}: {problem}\nlibpq: {theirs:?}"
            ),
            (Ok(_), Err(said)) => {
                let text = format!("libpq refuses {text:?}: {said}\nours: {ours:?}");
                return Err(TestCaseError::fail(text));
            }
            (Err(_), Err(_)) => {}
            (Ok(info), Ok(place)) => {
                let host = info.host.as_deref().unwrap_or_default();
                if !host.starts_with('/') {
                    let is_unknown = place.starts_with(&format!("\"{host}\" to address"));
                    let is_elsewhere = host.is_empty() || !place.contains(" to address");
                    prop_assert!(
                        is_unknown || is_elsewhere,
                        "{text:?}: we {host:?}, libpq {place}"
                    );
                    return Ok(());
                }
                let port = info.port.unwrap_or(5432);
                let wanted = format!("on socket \"{host}/.s.PGSQL.{port}\" failed");
                let is_too_long = place.is_empty() || place.contains("too long");
                prop_assert!(
                    is_too_long || place.starts_with(&wanted),
                    "{text:?}: we {wanted}, libpq {place}"
                );
            }
        }
        Ok(())
    });
    outcome.unwrap();
}
