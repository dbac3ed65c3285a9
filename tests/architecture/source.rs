//! Enough of a Rust lexer to tell code from comments and literals.

#![expect(
    clippy::string_slice,
    reason = "every cut stands beside an ASCII character or a match that was just found"
)]

use std::fs;
use std::path::Path;

/// A file cut into what the compiler runs and what stands in its string literals.
pub(crate) struct Source {
    /// Below `src/`: `app/steps/select.rs`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// Comments and the contents of literals blanked.
    pub(crate) code: String,
    /// `code` with test modules blanked, too.
    pub(crate) production: String,
    /// Line and content of each string literal outside of test modules.
    pub(crate) strings: Vec<(usize, String)>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, mut strings) = split(text);
        let tests = test_modules(&code);
        strings.retain(|(at, _)| !tests.iter().any(|range| range.contains(at)));
        let mut production = code.clone();
        for range in tests {
            let blanks = code[range.clone()].replace(|c: char| c != '\n', " ");
            production.replace_range(range, &blanks);
        }
        let strings = strings
            .into_iter()
            .map(|(at, content)| (line(&code, at), content))
            .collect();
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            production,
            strings,
        }
    }

    /// `app/steps/select.rs` → `app`, `main.rs` → `main`.
    pub(crate) fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    pub(crate) fn stem(&self) -> &str {
        let last = self.path.rsplit('/').next().unwrap_or_default();
        last.strip_suffix(".rs").unwrap_or(last)
    }

    pub(crate) fn is_test(&self) -> bool {
        let stem = self.stem();
        stem == "tests"
            || stem.starts_with("tests_")
            || self.path.split('/').any(|folder| folder == "tests")
    }

    pub(crate) fn mentions(&self, path: &str) -> bool {
        words(&self.code).any(|(at, word)| {
            let head = path.split("::").next().unwrap_or_default();
            word == head
                && !self.code[..at].ends_with("::")
                && compact(&self.code[at..]).starts_with(path)
        })
    }
}

/// Blanks comments and literals, byte for byte, and collects the strings with their positions.
fn split(text: &str) -> (String, Vec<(usize, String)>) {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut strings = Vec::new();
    let mut at = 0;
    let mut blank = |from: usize, to: usize| {
        for byte in &mut code[from..to] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    };
    while at < bytes.len() {
        let rest = &text.as_bytes()[at..];
        let word_before =
            at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
        let start = at;
        if rest.starts_with(b"//") {
            at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
            blank(start, at);
        } else if rest.starts_with(b"/*") {
            let mut depth = 0;
            while at < bytes.len() {
                if bytes[at..].starts_with(b"/*") {
                    depth += 1;
                    at += 2;
                } else if bytes[at..].starts_with(b"*/") {
                    depth -= 1;
                    at += 2;
                    if depth == 0 {
                        break;
                    }
                } else {
                    at += 1;
                }
            }
            blank(start, at.min(bytes.len()));
        } else if let Some(hashes) = raw_string(rest).filter(|_| !word_before) {
            let open = at + rest.iter().position(|b| *b == b'"').unwrap_or_default() + 1;
            let close = format!("\"{}", "#".repeat(hashes));
            let end = text[open..].find(&close).map_or(text.len(), |n| open + n);
            strings.push((open, text[open..end].to_owned()));
            blank(open, end);
            at = (end + close.len()).min(text.len());
        } else if rest[0] == b'"' {
            let mut end = at + 1;
            while end < bytes.len() && bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            let end = end.min(bytes.len());
            strings.push((at + 1, unescape(&text[at + 1..end])));
            blank(at + 1, end);
            at = (end + 1).min(bytes.len());
        } else if rest[0] == b'\'' {
            at += char_literal(&text[at..]);
            blank(start, at);
        } else {
            at += 1;
        }
    }
    (String::from_utf8_lossy(&code).into_owned(), strings)
}

/// The number of `#` if a raw string starts here.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let rest = rest.strip_prefix(b"b").unwrap_or(rest);
    let rest = rest.strip_prefix(b"r")?;
    let hashes = rest.iter().take_while(|b| **b == b'#').count();
    (rest.get(hashes) == Some(&b'"')).then_some(hashes)
}

/// The length of a character literal, or 1 for the tick of a lifetime.
fn char_literal(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            let after = chars.nth(1).map_or(rest.len(), |(at, _)| at);
            rest[after..]
                .find('\'')
                .map_or(rest.len(), |n| after + n + 1)
                .max(if rest[..after].ends_with('\'') {
                    after
                } else {
                    0
                })
        }
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

/// Line continuations joined; enough for telling what a string starts with.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut parts = text.split("\\\n");
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        out.push_str(part.trim_start());
    }
    out.replace("\\n", "\n").replace("\\\"", "\"")
}

/// Where the code has `#[cfg(test)] mod … { … }`.
fn test_modules(code: &str) -> Vec<std::ops::Range<usize>> {
    code.match_indices("#[cfg(test)]")
        .filter_map(|(at, _)| {
            let open = at + code[at..].find('{')?;
            code[at..open].contains("mod ").then_some(())?;
            let mut depth = 0;
            let length = code[open..].find(|c| {
                depth += match c {
                    '{' => 1,
                    '}' => -1,
                    _ => 0,
                };
                depth == 0
            })?;
            Some(at..open + length)
        })
        .collect()
}

pub(crate) fn line(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

pub(crate) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + code[at..].find(is_word)?;
        let length = code[start..]
            .find(|c| !is_word(c))
            .unwrap_or(code.len() - start);
        at = start + length;
        Some((start, &code[start..at]))
    })
}

/// The start of some code without its white space.
fn compact(code: &str) -> String {
    code.chars()
        .filter(|c| !c.is_whitespace())
        .take(60)
        .collect()
}

/// Every `.rs` file of a folder and those in it.
pub(crate) fn all_below(dir: &Path, prefix: &str) -> Vec<Source> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            found.extend(all_below(&path, &format!("{prefix}{name}/")));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push(Source::new(&format!("{prefix}{name}"), &text));
        }
    }
    found
}
