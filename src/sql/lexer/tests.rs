//! Spans, kinds and the cutting into statements.

use proptest::prelude::*;

use super::TokenKind::{
    Comment, Identifier, Keyword, Number, Operator, Parameter, Punctuation, QuotedIdentifier,
    String as Text,
};
use super::*;

/// The significant tokens and comments.
fn read(sql: &str) -> Vec<(TokenKind, &str)> {
    tokens(sql)
        .filter(|token| token.kind != TokenKind::Whitespace)
        .map(|token| (token.kind, token.text))
        .collect()
}

#[test]
fn kinds() {
    assert_eq!(
        read("SELECT \"a\"\"b\", x$1 FROM tab$ WHERE é >= $12::int"),
        [
            (Keyword, "SELECT"),
            (QuotedIdentifier, "\"a\"\"b\""),
            (Punctuation, ","),
            (Identifier, "x$1"),
            (Keyword, "FROM"),
            (Identifier, "tab$"),
            (Keyword, "WHERE"),
            (Identifier, "é"),
            (Operator, ">="),
            (Parameter, "$12"),
            (Punctuation, "::"),
            (Keyword, "int"),
        ]
    );
}

#[test]
fn strings() {
    for whole in [
        "'it''s'",
        r"'c:\'",
        r"E'it\'s'",
        "e'a'  -- on\n 'b\\''",
        "U&'d\\0061t'",
        "b'01'",
        "X'1F'",
        "N'n'",
        "$$a;$b$'$$",
        "$tag$ $$ $tagg$ $tag$",
        "$é_1$;$é_1$",
        "'never closed;",
        "$x$never closed $X$",
    ] {
        assert_eq!(read(whole), [(Text, whole)], "{whole}");
    }
    assert_eq!(read("U&\"d\\0061t\"")[0].0, QuotedIdentifier);
    assert_eq!(read("E'a' 'b'"), [(Text, "E'a'"), (Text, "'b'")]);
    assert_eq!(read("a$$b"), [(Identifier, "a$$b")]);
    assert_eq!(read("$1$")[0], (Parameter, "$1"));
    assert_eq!(read("$a"), [(Punctuation, "$"), (Identifier, "a")]);
}

#[test]
fn numbers_and_operators() {
    for whole in [
        "1", "1.", "1.5e-3", ".5", "0xFF", "1_000", "1E+9", "0b01", "0o17",
    ] {
        assert_eq!(read(whole), [(Number, whole)], "{whole}");
    }
    assert_eq!(
        read("1..2"),
        [(Number, "1"), (Punctuation, ".."), (Number, "2")]
    );
    assert_eq!(
        read("a=-1"),
        [
            (Identifier, "a"),
            (Operator, "="),
            (Operator, "-"),
            (Number, "1")
        ]
    );
    assert_eq!(read("@-"), [(Operator, "@-")]);
    assert_eq!(read("*--x"), [(Operator, "*"), (Comment, "--x")]);
    assert_eq!(read("+/*x*/"), [(Operator, "+"), (Comment, "/*x*/")]);
}

#[test]
fn comments_nest() {
    assert_eq!(
        read("/* a /* ; */ ' */ ; -- b"),
        [
            (Comment, "/* a /* ; */ ' */"),
            (Punctuation, ";"),
            (Comment, "-- b")
        ]
    );
    assert_eq!(
        read("-- a\r; -- b\n"),
        [(Comment, "-- a"), (Punctuation, ";"), (Comment, "-- b")]
    );
    assert!(!has_statement("-- a\n;; /* SELECT 1; */ "));
    assert!(!has_statement(""));
    assert!(has_statement("-- a\nSELECT 1"));
}

#[test]
fn semicolons_inside_do_not_end_a_statement() {
    let function = "CREATE OR REPLACE FUNCTION f(a int DEFAULT 1) RETURNS int LANGUAGE sql BEGIN ATOMIC\n SELECT CASE WHEN a = 1 THEN CASE a WHEN 1 THEN 2 END ELSE t.end END AS end FROM t;\n SELECT 2;\nEND;";
    for whole in [
        function,
        "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);",
        "DO $$ BEGIN; END; $$;",
        "SELECT ';' AS \";\" /* ; */;",
    ] {
        assert_eq!(
            statements(&format!("{whole}\nSELECT 1;")).len(),
            2,
            "{whole}"
        );
        assert_eq!(statements(whole), [whole]);
    }
    assert_eq!(
        statements("BEGIN; SELECT 1; END; -- done"),
        ["BEGIN;", " SELECT 1;", " END;", " -- done"]
    );
    assert_eq!(statements("SELECT 1)); SELECT 2").len(), 2);
}

fn sql_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "'",
            "''",
            "\"",
            "$$",
            "$a$",
            "$1",
            "E'",
            "\\",
            "\\'",
            "U&'",
            "U&\"",
            "B'",
            "/*",
            "*/",
            "--",
            "\n",
            " ",
            ";",
            "(",
            ")",
            "BEGIN ATOMIC",
            "CREATE FUNCTION f()",
            "CASE",
            "END",
            "é",
            "表",
            "1.5e",
            "0x",
            "..",
            "::",
            "=",
            "-",
            "+",
            "@",
            "SELECT",
            ".",
            "\0",
            "AS",
        ])
        .prop_map(str::to_owned),
        "[a-z_$]{1,4}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn holds_together(sql: &str) {
    let mut joined = String::new();
    for token in tokens(sql) {
        assert!(!token.text.is_empty());
        joined.push_str(token.text);
    }
    assert_eq!(joined, sql);
    assert_eq!(statements(sql).concat(), sql);
    assert_eq!(
        has_statement(sql),
        statements(sql).into_iter().any(has_statement)
    );
}

proptest! {
    #[test]
    fn any_text_is_its_tokens(sql in any::<String>()) {
        holds_together(&sql);
    }

    #[test]
    fn sql_is_its_tokens(sql in sql_like()) {
        holds_together(&sql);
    }
}
