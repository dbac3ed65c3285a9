//! Generated names and texts: what people, programs and attackers put between quotes.

use proptest::prelude::*;
use proptest::sample::select;

/// What has a meaning somewhere between howdah, psql, pg_dump and the server.
const PIECES: [&str; 52] = [
    "'",
    "''",
    "\"",
    "\"\"",
    "\\",
    "\\\\",
    "\\'",
    "\\n",
    "%",
    "%s",
    "%I",
    "%%",
    "$$",
    "$a$",
    "$1",
    "\n",
    "\r",
    "\r\n",
    "\t",
    " ",
    "--",
    "/*",
    "*/",
    ";",
    ":",
    ":'x'",
    "::",
    "?",
    "@",
    "#",
    "&",
    "=",
    ",",
    ".",
    "(",
    ")",
    "{",
    "}",
    "select",
    "user",
    "Upper",
    "\u{1b}[31m",
    "\u{1}",
    "\u{7f}",
    "\u{a0}",
    "é",
    "e\u{301}",
    "İ",
    "😀",
    "👩\u{200d}👧",
    "\u{feff}",
    "\u{202e}",
];

/// Any text that a server of encoding UTF8 can store.
pub(super) fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => select(&PIECES[..]).prop_map(str::to_owned),
        2 => "[a-zA-Z0-9_]{1,6}",
        1 => any::<char>().prop_filter("a server has no NUL", |c| *c != '\0').prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Any name: not empty, at most 63 bytes, which is where the server cuts.
pub(super) fn name() -> impl Strategy<Value = String> {
    text()
        .prop_map(|text| cut(&text))
        .prop_filter("empty", |name| !name.is_empty())
}

fn cut(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        if name.len() + c.len_utf8() > 63 {
            break;
        }
        name.push(c);
    }
    name
}

/// Names that differ from each other.
pub(super) fn distinct_names(most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(name(), 1..most).prop_map(|names| names.into_iter().collect())
}
