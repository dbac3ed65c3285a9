//! Where `sql::lexer` ends a statement, the server does.

use howdah::sql::lexer::{has_statement, statements};
use proptest::prelude::*;
use proptest::sample::select;

use super::{check_with, runtime};
use crate::support;

/// Values in every notation, with what would end a statement or a string were it read otherwise. Each is a whole
/// expression of type text in the server's eyes.
const VALUES: [&str; 31] = [
    "'a;b'",
    "'it''s;'",
    r"'back\'",
    r"E'it\'s;'",
    r"e'\\'",
    "E'a'\n'\\';'",
    "E'a' -- ;'\n  'b\\';'",
    "'a'\n';b'",
    "'a' -- '\n '\\'",
    r"U&'d\0061;\\'",
    r"U&'!0061;''' UESCAPE '!'",
    "$$;'$$",
    "$a$;$$;$b$;'$a$",
    "$é_1$;$é$;$é_1$",
    "$a$$a$",
    "N'n;'",
    "b'01'::text",
    "X'1F'::text",
    "('a;' || (';'))",
    "CASE WHEN true THEN ';' ELSE 'END;' END",
    "(1.5e-3)::text",
    "(1.)::text",
    "(.5+-1)::text",
    "(3*-- ;\n 4)::text",
    "(3-/* ;' */4)::text",
    "(- -1)::text",
    "'x'::pg_catalog.\"text\"",
    "(array['a;','b'])[1:2]::text",
    "(@ -5)::text",
    "current_setting('standard_conforming_strings')",
    "(select ';' as \";\"\"'\")",
];

/// What may stand between two tokens.
const GAPS: [&str; 13] = [
    " ",
    "\n",
    "\t\r\n",
    "\u{c}",
    "-- ;\n",
    "-- '\n",
    "--\r",
    "-- $$ ;\r",
    "/* ; */",
    "/* /* ' */ ; */",
    "/*/ ; */",
    "/***/",
    "/* -- */",
];

const ALIASES: [&str; 8] = [
    "a",
    "a$$b",
    "\"a;b\"",
    "\"'\"",
    "\"a\"\"b;\"",
    "U&\"a;\\0061\"",
    "é",
    "\"$$\"",
];

fn value() -> impl Strategy<Value = String> {
    // `$x$…` needs a gap before it, or it would belong to the word.
    (select(&GAPS[..]), select(&VALUES[..])).prop_map(|(gap, value)| format!("{gap}{value}"))
}

fn statement() -> impl Strategy<Value = String> {
    (
        prop::collection::vec(value(), 1..4),
        select(&GAPS[..]),
        select(&ALIASES[..]),
        select(&GAPS[..]),
    )
        .prop_map(|(values, before, alias, after)| {
            format!(
                "SELECT{}{before}AS{before}{alias}{after};",
                values.join(",")
            )
        })
}

const PROGRAMS: [&str; 6] = [
    "CREATE OR REPLACE FUNCTION pg_temp.f(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN a = 1 THEN 2 ELSE 3 END; SELECT 4 AS end; END;",
    "CREATE OR REPLACE FUNCTION pg_temp.g() RETURNS text LANGUAGE sql AS $_$ select ';'; select '''' $_$;",
    "CREATE OR REPLACE RULE r AS ON INSERT TO pg_temp.t DO ALSO (SELECT 1; SELECT ';');",
    "DO $$ BEGIN PERFORM 1; END; $$;",
    ";",
    "/* ; */ ; -- ;\n",
];

fn script() -> impl Strategy<Value = Vec<String>> {
    let piece = prop_oneof![5 => statement(), 1 => select(&PROGRAMS[..]).prop_map(str::to_owned)];
    prop::collection::vec(piece, 1..40)
}

#[test]
fn the_server_ends_statements_where_we_do() {
    let runtime = runtime();
    let endpoint = support::servers().source.endpoint("postgres");
    let client = runtime.block_on(support::connect(&endpoint));
    runtime.block_on(async {
        let settings = "set escape_string_warning = off; set client_min_messages = error; create temp table t (a int)";
        client.batch_execute(settings).await.unwrap();
    });
    check_with(&runtime, 40, &script(), async |script| {
        let whole = script.concat();
        let expected = support::rows(&client, &whole).await;
        let mut found = Vec::new();
        let mut count = 0;
        for piece in statements(&whole) {
            // A prepared statement is one statement: two in one piece are refused by the server.
            if has_statement(piece) {
                if let Err(error) = client.prepare(piece).await {
                    prop_assert!(false, "{error:?}\n<{piece}>");
                }
                count += 1;
            }
            found.extend(support::rows(&client, piece).await);
        }
        prop_assert_eq!(found, expected);
        let empty = script.iter().filter(|piece| !has_statement(piece)).count();
        prop_assert_eq!(count, script.len() - empty);
        Ok(())
    });
}
