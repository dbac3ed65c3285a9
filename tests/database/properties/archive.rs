//! The cutting of pg_restore's text: every byte of it is in one entry, or is named here as something else.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use howdah::model::archive::{Archive, Entry};
use howdah::model::connection::{Endpoint, Secret};
use howdah::pg::archive::dump;
use howdah::pg::client_tools::ClientTools;
use howdah::sql::quote::{ident, literal};
use proptest::prelude::*;
use proptest::sample::select;

use super::names::{distinct_names, text};
use super::{check_with, runtime};
use crate::support::{self, Pair};

/// What pg_restore prints for this database, by a dump of our own.
fn printed(tools: &ClientTools, endpoint: &Endpoint) -> String {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("schema.dump");
    let run = |program: &Path, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .env(
                "PGPASSWORD",
                endpoint.password.as_ref().map_or("", Secret::expose),
            )
            .env("PGOPTIONS", "-c standard_conforming_strings=on")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let path = file.to_str().unwrap();
    run(
        &tools.pg_dump(),
        &[
            "-Fc",
            "--schema-only",
            "-E",
            "UTF8",
            "-f",
            path,
            "-d",
            &support::uri(endpoint),
        ],
    );
    run(&tools.pg_restore(), &["--verbose", "--file=-", path])
}

/// Takes the text apart from its beginning, byte by byte, as the entries say it must be.
struct Account<'a> {
    rest: &'a str,
    /// `SET default_…` lines in force.
    governing: Vec<(&'static str, &'a str)>,
}

const GOVERNING: [&str; 2] = ["default_tablespace", "default_table_access_method"];

impl<'a> Account<'a> {
    fn take(&mut self, expected: &str) {
        match self.rest.strip_prefix(expected) {
            Some(rest) => self.rest = rest,
            None => panic!(
                "expected\n{expected}\nfound\n{}",
                self.rest
                    .chars()
                    .take(expected.chars().count() + 200)
                    .collect::<String>()
            ),
        }
    }

    fn take_line(&mut self) -> &'a str {
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        line
    }

    /// Blank lines, and settings for what comes.
    fn between(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches('\n');
            let Some(name) = GOVERNING
                .into_iter()
                .find(|name| self.rest.starts_with(&format!("SET {name} = ")))
            else {
                return;
            };
            let line = self.take_line();
            self.governing.retain(|(old, _)| *old != name);
            self.governing.push((name, line));
        }
    }

    fn preamble(&mut self) {
        self.take("--\n-- PostgreSQL database dump\n--\n\n");
        if self.rest.starts_with("\\restrict ") {
            self.take_line();
        }
        while !self.rest.starts_with("--\n-- TOC entry ") {
            self.between();
            if self.rest.starts_with("--\n") {
                continue;
            }
            let line = self.take_line();
            let is_known = [
                "-- Dumped from database version ",
                "-- Dumped by pg_dump version ",
                "-- Started on ",
            ]
            .iter()
            .any(|start| line.starts_with(start))
                || line == "SELECT pg_catalog.set_config('search_path', '', false);"
                || line.starts_with("SET ")
                    && line.ends_with(';')
                    && !line.contains("conforming_strings = off");
            assert!(is_known || line.is_empty(), "in the preamble: {line}");
        }
    }

    fn entry(&mut self, entry: &Entry) {
        let dash = |text: &str| {
            if text.is_empty() {
                "-".to_owned()
            } else {
                text.to_owned()
            }
        };
        let mut header = format!(
            "--\n-- TOC entry {} (class {} OID {})\n",
            entry.id, entry.class_oid, entry.oid
        );
        if !entry.depends_on.is_empty() {
            let ids: Vec<String> = entry.depends_on.iter().map(u32::to_string).collect();
            writeln!(header, "-- Dependencies: {}", ids.join(" ")).unwrap();
        }
        // Extensions and comments on them have an empty owner instead of a dash.
        write!(
            header,
            "-- Name: {}; Type: {}; Schema: {}; Owner:",
            entry.name.name,
            entry.kind,
            dash(&entry.name.schema),
        )
        .unwrap();
        self.take(&header);
        let rest_of_line = self.take_line();
        assert!(
            rest_of_line == format!(" {}", dash(&entry.owner))
                || rest_of_line == format!(" {}", entry.owner)
                || rest_of_line.starts_with(&format!(" {}; Tablespace: ", entry.owner)),
            "{rest_of_line} for {entry:?}"
        );
        if self.rest.starts_with("-- Data Pos: ") {
            self.take_line();
        }
        self.take("--\n\n");
        let mut sql = &*entry.sql;
        if !sql.is_empty() {
            for (_, line) in &self.governing {
                if !line.ends_with("= '';") && !line.ends_with("= heap;") {
                    let local = format!("{}\n", line.replacen("SET ", "SET LOCAL ", 1));
                    sql = sql
                        .strip_prefix(&local)
                        .unwrap_or_else(|| panic!("{line} is not said for {entry:?}"));
                }
            }
        }
        self.take(sql);
        self.rest = self.rest.trim_start_matches('\n');
        self.take(entry.owner_sql.as_deref().unwrap_or_default());
        self.between();
    }

    fn end(&mut self) {
        let line = self.take_line();
        assert!(line.starts_with("-- Completed on "), "{line}");
        self.take("\n--\n-- PostgreSQL database dump complete\n--\n\n");
        if self.rest.starts_with("\\unrestrict ") {
            self.take_line();
        }
        assert_eq!(self.rest.trim_matches('\n'), "");
    }
}

fn account(printed: &str, archive: &Archive) {
    let mut account = Account {
        rest: printed,
        governing: Vec::new(),
    };
    account.preamble();
    for entry in &archive.entries {
        account.entry(entry);
    }
    account.end();
}

#[tokio::test]
async fn every_byte_of_pg_restores_text_is_accounted_for() {
    let tools = ClientTools::at(&support::binaries().bindir).await.unwrap();
    let odd = support::source_only("accounted").await.source;
    crate::migrate::fill(&odd).await;
    let sample = support::source_only("accounted_sample").await.source;
    for script in [
        include_str!("../../../assets/demo/1_tables.sql"),
        include_str!("../../../assets/demo/3_constraints.sql"),
        include_str!("../../../assets/demo/4_programs.sql"),
    ] {
        support::execute_batch(&sample, script).await;
    }
    for endpoint in [&odd, &sample] {
        let archive = dump(&tools, endpoint, None).await.unwrap();
        assert!(archive.entries.len() > 50);
        account(&printed(&tools, endpoint), &archive);
    }
}

/// Lines of pg_restore's own, with which a text can pretend to end its entry.
const LOOK_ALIKES: [&str; 12] = [
    "--\n-- TOC entry 5 (class 1259 OID 1)\n-- Name: x; Type: TABLE; Schema: public; Owner: postgres\n--\n\n",
    "-- Name: x; Type: TABLE; Schema: public; Owner: postgres\n",
    "-- Dependencies: 1 2 3\n",
    "\n--\n",
    "\nSET default_tablespace = ",
    "\nSET default_tablespace = '';\n\n",
    "SET default_table_access_method = other;",
    "\n-- Completed on 2026-01-01 00:00:00 UTC\n\n",
    "--\n-- PostgreSQL database dump complete\n--\n\n",
    "\\restrict x\n",
    "ALTER TABLE public.x OWNER TO postgres;\n\n",
    "COMMENT ON SCHEMA x IS 'y';\n",
];

fn look_alike() -> impl Strategy<Value = String> {
    let piece = prop_oneof![3 => select(&LOOK_ALIKES[..]).prop_map(str::to_owned), 1 => text()];
    prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
}

/// Carries the schema by its entries alone; the oracle says whether all is there as it was.
async fn rebuild(archive: &Archive, pair: &Pair) {
    let client = support::connect(&pair.destination).await;
    let settings = "drop schema public; set check_function_bodies = off; set search_path = ''";
    client.batch_execute(settings).await.unwrap();
    for entry in &archive.entries {
        let sql = format!(
            "begin; {}\n{}; commit",
            entry.sql,
            entry.owner_sql.as_deref().unwrap_or_default()
        );
        support::rows(&client, &sql).await;
    }
    assert_eq!(
        support::differences(&pair.source, &pair.destination).await,
        [""; 0]
    );
}

/// Both databases empty again, the source with these objects.
async fn refill(pair: &Pair, objects: &[(String, String, String)]) {
    let empty = "drop schema if exists odd cascade; drop schema if exists views cascade";
    support::execute_batch(
        &pair.destination,
        &format!("{empty}; create schema if not exists public"),
    )
    .await;
    let mut script = format!(
        "{empty}; drop schema if exists public; create schema odd; create schema views;
         set search_path = odd; set check_function_bodies = off;\n"
    );
    for (name, comment, body) in objects {
        let (name, comment, body) = (ident(name), literal(comment), literal(body));
        writeln!(
            script,
            "create table {name} (a text default {body}); comment on table {name} is {comment};
             create function {name}() returns text language plpgsql as {body}; comment on function {name}() is {comment};
             create view views.{name} as select {body}::text as {name};
             create index on {name} (a);"
        )
        .unwrap();
    }
    support::execute_batch(&pair.source, &script).await;
}

#[test]
fn no_text_of_a_user_cuts_an_entry() {
    let runtime = runtime();
    let tools = runtime
        .block_on(ClientTools::at(&support::binaries().bindir))
        .unwrap();
    let pair = runtime.block_on(support::databases("look_alikes"));
    let objects = distinct_names(12).prop_flat_map(|names| {
        let texts = prop::collection::vec((look_alike(), look_alike()), names.len());
        texts.prop_map(move |texts| {
            let both = names.iter().cloned().zip(texts);
            both.map(|(name, (comment, body))| (name, comment, body))
                .collect::<Vec<_>>()
        })
    });
    check_with(&runtime, 8, &objects, async |objects| {
        refill(&pair, &objects).await;
        let archive = dump(&tools, &pair.source, None).await.unwrap();
        account(&printed(&tools, &pair.source), &archive);
        rebuild(&archive, &pair).await;
        Ok(())
    });
}

/// The hardest look-alike: what pg_restore is going to print, quoted before it does.
#[tokio::test]
async fn an_entry_may_quote_the_headers_of_all_others() {
    let tools = ClientTools::at(&support::binaries().bindir).await.unwrap();
    let pair = support::databases("quoted_headers").await;
    let named = |text: &str| {
        ["a", "b", "c"].map(|name| (name.to_owned(), text.to_owned(), text.to_owned()))
    };
    refill(&pair, &named("short")).await;
    let before = printed(&tools, &pair.source);
    refill(&pair, &named(&before)).await;
    // The objects got new OIDs by that; the entries' numbers and all else are the same. Only the texts change now.
    let text = printed(&tools, &pair.source);
    let headers: Vec<&str> = text
        .split_inclusive('\n')
        .filter(|line| line.starts_with("-- TOC entry "))
        .collect();
    let quoted = headers.iter().map(|header| {
        format!("--\n{header}-- Name: x; Type: TABLE; Schema: public; Owner: x\n--\n\n")
    });
    let quoted = literal(&quoted.collect::<String>());
    let mut script = String::new();
    for name in ["a", "b", "c"] {
        writeln!(
            script,
            "alter table odd.{name} alter a set default {quoted}; comment on table odd.{name} is {quoted};
             comment on function odd.{name}() is {quoted};"
        )
        .unwrap();
    }
    support::execute_batch(&pair.source, &script).await;
    let archive = dump(&tools, &pair.source, None).await.unwrap();
    account(&printed(&tools, &pair.source), &archive);
    rebuild(&archive, &pair).await;
}

/// pg_dump writes strings the way the source's setting says; howdah's sessions read them in one way.
#[tokio::test]
async fn a_source_with_nonconforming_strings_loses_no_backslash() {
    let tools = ClientTools::at(&support::binaries().bindir).await.unwrap();
    let pair = support::databases("nonconforming").await;
    let database = ident(&pair.source.database);
    support::execute_batch(
        &pair.source,
        &format!("alter database {database} set standard_conforming_strings = off"),
    )
    .await;
    let text = r"a\b'c\".to_owned();
    refill(&pair, &[("t".to_owned(), text.clone(), text)]).await;
    let archive = dump(&tools, &pair.source, None).await.unwrap();
    support::execute_batch(
        &pair.source,
        &format!("alter database {database} reset all"),
    )
    .await;
    rebuild(&archive, &pair).await;
}
