//! What `sql::quote` writes means to the server and to psql what it was made from.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use howdah::model::name::ObjectName;
use howdah::sql::quote::{ident, ident_list, literal, qualified};
use proptest::prelude::*;
use tokio_postgres::Client;

use super::names::{distinct_names, text};
use super::{check, check_with, runtime};
use crate::support;

/// Every value of the rows that a script of several statements gives.
async fn values(client: &Client, sql: &str) -> Vec<String> {
    let rows = support::rows(client, sql).await;
    rows.into_iter()
        .flatten()
        .map(Option::unwrap_or_default)
        .collect()
}

#[test]
fn names_are_stored_as_they_were() {
    let runtime = runtime();
    let client = runtime.block_on(support::connect(
        &support::servers().source.endpoint("postgres"),
    ));
    check_with(&runtime, 8, &distinct_names(80), async |names| {
        let mut script =
            "rollback; begin; create schema quoting; create foreign data wrapper quoting;\n"
                .to_owned();
        let columns: Vec<String> = names
            .iter()
            .map(|name| format!("{} int", ident(name)))
            .collect();
        writeln!(
            script,
            "create table quoting.wide ({});",
            columns.join(", ")
        )
        .unwrap();
        writeln!(
            script,
            "select {} from quoting.wide;",
            ident_list(names.iter().map(String::as_str))
        )
        .unwrap();
        for name in &names {
            let (quoted, text) = (ident(name), literal(name));
            let table = qualified(&ObjectName::new("quoting", name));
            writeln!(
                script,
                "create table {table} ({quoted} int, constraint {quoted} check ({quoted} > 0));
                 create server {quoted} foreign data wrapper quoting options (name {text});
                 comment on table {table} is {text};"
            )
            .unwrap();
        }
        values(&client, &script).await;
        let all = |what: &str| format!("select {what}");
        let questions = [
            all(
                "relname from pg_class where relnamespace = 'quoting'::regnamespace and relname <> 'wide' order by oid",
            ),
            all(
                "attname from pg_attribute where attrelid = 'quoting.wide'::regclass and attnum > 0 order by attnum",
            ),
            all(
                "conname from pg_constraint where connamespace = 'quoting'::regnamespace order by oid",
            ),
            all(
                "srvname from pg_foreign_server s join pg_foreign_data_wrapper w on w.oid = srvfdw where fdwname = 'quoting' order by s.oid",
            ),
            all(
                "option_value from pg_foreign_server s, pg_options_to_table(srvoptions) where srvfdw = (select oid from pg_foreign_data_wrapper where fdwname = 'quoting') order by s.oid",
            ),
            all(
                "obj_description(oid, 'pg_class') from pg_class where relnamespace = 'quoting'::regnamespace and relname <> 'wide' order by oid",
            ),
        ];
        for question in questions {
            prop_assert_eq!(
                values(&client, &question).await,
                names.clone(),
                "{}",
                question
            );
        }
        // The server reads our quoting and its own alike, and finds the table by both.
        for name in &names {
            let table = qualified(&ObjectName::new("quoting", name));
            let question = format!(
                "select (parse_ident({0}))[1], (parse_ident(format('%I', {1})))[1], to_regclass({2})::oid = c.oid
                 from pg_class c where relnamespace = 'quoting'::regnamespace and relname = {1}",
                literal(&ident(name)), literal(name), literal(&table)
            );
            prop_assert_eq!(
                values(&client, &question).await,
                [name.as_str(), name.as_str(), "t"]
            );
        }
        client.batch_execute("rollback").await.unwrap();
        Ok(())
    });
}

/// Each keyword of this server stands wherever howdah writes a name.
#[tokio::test]
async fn keywords_are_names_everywhere() {
    let client = support::connect(&support::servers().source.endpoint("postgres")).await;
    let words = values(&client, "select word from pg_get_keywords()").await;
    assert!(words.len() > 400);
    let mut script =
        "begin; create schema keywords; set local search_path = keywords, pg_catalog;\n".to_owned();
    for word in &words {
        let name = ident(word);
        writeln!(
            script,
            "create domain {name} as text; drop domain {name}; create sequence {name}; drop sequence {name};
             create table {name} ({name} int, constraint {name} check ({name} > 0));
             insert into {name} ({name}) select {name}.{name} from {name};
             create function {name}() returns int language sql as 'select 1'; select {name}();
             select null::{name}; select 1 as {name};
             comment on column {name}.{name} is null;"
        )
        .unwrap();
    }
    script.push_str("rollback;");
    values(&client, &script).await;
}

#[test]
fn literals_mean_their_text_under_every_setting() {
    let runtime = runtime();
    let client = runtime.block_on(support::connect(
        &support::servers().source.endpoint("postgres"),
    ));
    check_with(
        &runtime,
        24,
        &prop::collection::vec(text(), 1..100),
        async |texts| {
            let theirs: Vec<String> = client
            .query_one("select array(select quote_literal(t) from unnest($1::text[]) with ordinality u(t, n) order by n)", &[&texts])
            .await
            .unwrap()
            .get(0);
            for conforming in ["on", "off"] {
                let mut script = format!(
                    "set standard_conforming_strings = {conforming}; set escape_string_warning = off;\nselect "
                );
                for (text, theirs) in texts.iter().zip(&theirs) {
                    write!(script, "{0}, ({0} = {theirs})::text,", literal(text)).unwrap();
                }
                script.push_str(" 'end'");
                let mut expected: Vec<&str> = texts
                    .iter()
                    .flat_map(|text| [text.as_str(), "true"])
                    .collect();
                expected.push("end");
                prop_assert_eq!(values(&client, &script).await, expected);
            }
            Ok(())
        },
    );
}

/// Statements are shown to be copied: psql must not find variables, commands or ends in what is quoted.
#[test]
fn psql_reads_what_is_quoted_as_it_was() {
    let endpoint = support::servers().source.socket_endpoint("postgres");
    let psql = support::binaries().bindir.join("psql");
    check(
        8,
        &prop::collection::vec((text(), super::names::name()), 1..60),
        |pairs| {
            let mut script = String::new();
            for (text, name) in &pairs {
                writeln!(
                    script,
                    "select {}, attr as {}\nfrom (select {} as attr) t;",
                    literal(text),
                    ident(name),
                    literal(name)
                )
                .unwrap();
            }
            let mut child = Command::new(&psql)
                .args([
                    "-X",
                    "-q",
                    "-A",
                    "-t",
                    "-z",
                    "-0",
                    "-v",
                    "ON_ERROR_STOP=1",
                    "-v",
                    "x=variable",
                    "-f",
                    "-",
                ])
                .env("PGHOST", &endpoint.host)
                .env("PGPORT", endpoint.port.to_string())
                .env("PGUSER", &endpoint.user)
                .env("PGDATABASE", &endpoint.database)
                .env("PGCLIENTENCODING", "UTF8")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            child
                .stdin
                .take()
                .unwrap()
                .write_all(script.as_bytes())
                .unwrap();
            let output = child.wait_with_output().unwrap();
            prop_assert!(output.status.success(), "{}", script);
            let said = String::from_utf8(output.stdout).unwrap();
            let read: Vec<&str> = said.split_terminator('\0').collect();
            let expected: Vec<&str> = pairs
                .iter()
                .flat_map(|(text, name)| [text.as_str(), name.as_str()])
                .collect();
            prop_assert_eq!(read, expected);
            Ok(())
        },
    );
}
