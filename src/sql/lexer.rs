//! PostgreSQL's lexical rules, with exact spans: every byte of the text belongs to one token.
//!
//! Follows `scan.l` of the server with `standard_conforming_strings = on`. What is not closed (a string, a comment)
//! reaches to the end of the text; nothing is ever refused, for this is used to show and to split, not to judge.

use super::keywords::is_keyword;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    Keyword,
    Identifier,
    /// `"…"` and `U&"…"`.
    QuotedIdentifier,
    /// `'…'`, `E'…'`, `U&'…'`, `B'…'`, `X'…'`, `N'…'`, `$tag$…$tag$`.
    String,
    Number,
    Operator,
    Punctuation,
    /// `$1`.
    Parameter,
    Comment,
    Whitespace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: TokenKind,
    pub text: &'a str,
}

impl Token<'_> {
    fn is_word(&self, word: &str) -> bool {
        self.kind == TokenKind::Keyword && self.text.eq_ignore_ascii_case(word)
    }

    /// Neither white space nor a comment.
    fn is_significant(&self) -> bool {
        !matches!(self.kind, TokenKind::Whitespace | TokenKind::Comment)
    }
}

/// The tokens of `sql`; their texts, one after another, are `sql`.
pub fn tokens(sql: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = sql;
    std::iter::from_fn(move || {
        let (kind, length) = first(rest)?;
        // Every length ends at a character; should one not, the whole rest is one token rather than a panic.
        let (text, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        rest = after;
        Some(Token { kind, text })
    })
}

/// Whether there is anything but comments, white space and semicolons.
pub fn has_statement(sql: &str) -> bool {
    tokens(sql).any(|token| token.is_significant() && token.text != ";")
}

/// Whether these words stand one after another in `sql`: in no string, no comment and no quoted name.
pub fn says(sql: &str, words: &[&str]) -> bool {
    let code: Vec<&str> = tokens(sql)
        .filter(Token::is_significant)
        .map(|token| token.text)
        .collect();
    let is_said = |at: &[&str]| at.iter().zip(words).all(|(a, b)| a.eq_ignore_ascii_case(b));
    code.windows(words.len().max(1)).any(is_said)
}

/// `sql` cut after each semicolon that ends a statement. What follows the last one is a piece too, be it a comment.
pub fn statements(sql: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut rest, mut length) = (sql, 0);
    let mut reader = StatementReader::default();
    for token in tokens(sql) {
        length += token.text.len();
        if reader.ends_at(token)
            && let Some((piece, after)) = rest.split_at_checked(length)
        {
            pieces.push(piece);
            (rest, length) = (after, 0);
            reader = StatementReader::default();
        }
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// What decides whether a semicolon ends the statement.
#[derive(Default)]
struct StatementReader<'a> {
    is_create: bool,
    parentheses: usize,
    /// Open `BEGIN ATOMIC` and the `CASE`s in it: semicolons inside belong to the function's body.
    bodies: usize,
    previous: Option<Token<'a>>,
}

impl<'a> StatementReader<'a> {
    fn ends_at(&mut self, token: Token<'a>) -> bool {
        if !token.is_significant() {
            return false;
        }
        let previous = self.previous.replace(token);
        // After these a keyword is but a name: `t.end`, `AS end`.
        let is_name = previous.is_some_and(|before| before.text == "." || before.is_word("AS"));
        match token.text {
            "(" => self.parentheses += 1,
            ")" => self.parentheses = self.parentheses.saturating_sub(1),
            ";" => return self.parentheses == 0 && self.bodies == 0,
            _ if previous.is_none() => self.is_create = token.is_word("CREATE"),
            _ if is_name || !self.is_create => {}
            _ if self.bodies > 0 => {
                if token.is_word("CASE") {
                    self.bodies += 1;
                } else if token.is_word("END") {
                    self.bodies -= 1;
                }
            }
            _ if token.is_word("ATOMIC") && previous.is_some_and(|it| it.is_word("BEGIN")) => {
                self.bodies = 1;
            }
            _ => {}
        }
        false
    }
}

/// Kind and length in bytes of the first token.
fn first(text: &str) -> Option<(TokenKind, usize)> {
    let bytes = text.as_bytes();
    let at = |position: usize| bytes.get(position).copied();
    let byte = at(0)?;
    Some(match (byte, at(1)) {
        (b'-', Some(b'-')) => (TokenKind::Comment, line_comment(bytes)),
        (b'/', Some(b'*')) => (TokenKind::Comment, block_comment(bytes)),
        (b'\'', _) => (TokenKind::String, quoted(bytes, 0)),
        (b'"', _) => (TokenKind::QuotedIdentifier, quoted(bytes, 0)),
        (b'e' | b'E', Some(b'\'')) => (TokenKind::String, escaped(bytes)),
        (b'b' | b'B' | b'x' | b'X' | b'n' | b'N', Some(b'\'')) => {
            (TokenKind::String, quoted(bytes, 1))
        }
        (b'u' | b'U', Some(b'&')) if at(2) == Some(b'\'') => (TokenKind::String, quoted(bytes, 2)),
        (b'u' | b'U', Some(b'&')) if at(2) == Some(b'"') => {
            (TokenKind::QuotedIdentifier, quoted(bytes, 2))
        }
        (b'$', Some(b'0'..=b'9')) => {
            let digits = run(bytes.get(1..)?, |it| it.is_ascii_digit());
            (TokenKind::Parameter, 1 + digits)
        }
        (b'$', _) => match dollar_quoted(text) {
            Some(length) => (TokenKind::String, length),
            None => (TokenKind::Punctuation, 1),
        },
        (b'0'..=b'9', _) | (b'.', Some(b'0'..=b'9')) => (TokenKind::Number, number(bytes)),
        (b':', Some(b':' | b'=')) | (b'.', Some(b'.')) => (TokenKind::Punctuation, 2),
        _ if is_space(byte) => (TokenKind::Whitespace, run(bytes, is_space)),
        _ if is_operator(byte) => (TokenKind::Operator, operator(bytes)),
        _ if is_word_start(byte) => {
            let length = run(bytes, |it| {
                is_word_start(it) || it.is_ascii_digit() || it == b'$'
            });
            let kind = if text.get(..length).is_some_and(is_keyword) {
                TokenKind::Keyword
            } else {
                TokenKind::Identifier
            };
            (kind, length)
        }
        _ => (TokenKind::Punctuation, 1),
    })
}

fn run(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes
        .iter()
        .position(|byte| !belongs(*byte))
        .unwrap_or(bytes.len())
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Bytes of characters beyond ASCII count as letters.
fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_operator(byte: u8) -> bool {
    b"~!@#^&|`?+-*/%<>=".contains(&byte)
}

/// A quoted text whose opening quote stands at `open`; the quote is doubled inside.
fn quoted(bytes: &[u8], open: usize) -> usize {
    let quote = bytes.get(open);
    let mut position = open + 1;
    while position < bytes.len() {
        if bytes.get(position) == quote {
            if bytes.get(position + 1) != quote {
                return position + 1;
            }
            position += 1;
        }
        position += 1;
    }
    bytes.len()
}

/// `E'…'`: a backslash takes the next character along; goes on after a line break if a quote follows.
fn escaped(bytes: &[u8]) -> usize {
    let mut position = 2;
    while let Some(byte) = bytes.get(position) {
        match byte {
            b'\\' => position += 2,
            b'\'' if bytes.get(position + 1) == Some(&b'\'') => position += 2,
            b'\'' => {
                position += 1;
                match continuation(bytes.get(position..).unwrap_or_default()) {
                    Some(length) => position += length,
                    None => return position,
                }
            }
            _ => position += 1,
        }
    }
    bytes.len()
}

/// Up to and with the quote with which a string goes on: white space with a line break in it, comments between.
fn continuation(bytes: &[u8]) -> Option<usize> {
    let mut position = 0;
    let mut has_line_break = false;
    loop {
        match (*bytes.get(position)?, bytes.get(position + 1)) {
            (b'\'', _) => return has_line_break.then_some(position + 1),
            (b'-', Some(b'-')) => {
                position += line_comment(bytes.get(position..)?);
            }
            (byte, _) if is_space(byte) => {
                has_line_break |= matches!(byte, b'\n' | b'\r');
                position += 1;
            }
            _ => return None,
        }
    }
}

/// None if what begins with `$` is no dollar quote.
fn dollar_quoted(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let tag = run(bytes.get(1..)?, |byte| {
        is_word_start(byte) || byte.is_ascii_digit()
    });
    if bytes.get(1 + tag) != Some(&b'$') {
        return None;
    }
    let (mark, body) = text.split_at_checked(tag + 2)?;
    Some(match body.find(mark) {
        Some(length) => mark.len() * 2 + length,
        None => text.len(),
    })
}

/// A carriage return ends it, too.
fn line_comment(bytes: &[u8]) -> usize {
    run(bytes, |byte| !matches!(byte, b'\n' | b'\r'))
}

fn block_comment(bytes: &[u8]) -> usize {
    let (mut depth, mut position) = (1_usize, 2);
    while let Some(byte) = bytes.get(position) {
        match (byte, bytes.get(position + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                position += 2;
            }
            (b'*', Some(b'/')) => {
                depth -= 1;
                position += 2;
                if depth == 0 {
                    return position;
                }
            }
            _ => position += 1,
        }
    }
    bytes.len()
}

/// `1`, `1_000.5e-3`, `.5`, `0xFF`; of `1..2` only the `1`.
fn number(bytes: &[u8]) -> usize {
    let at = |position: usize| bytes.get(position).copied();
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        from + run(rest, |byte| byte.is_ascii_digit() || byte == b'_')
    };
    if let (Some(b'0'), Some(b'x' | b'X' | b'o' | b'O' | b'b' | b'B')) = (at(0), at(1)) {
        let rest = bytes.get(2..).unwrap_or_default();
        let length = run(rest, |byte| byte.is_ascii_hexdigit() || byte == b'_');
        if length > 0 {
            return 2 + length;
        }
    }
    let mut end = digits(0);
    if at(end) == Some(b'.') && at(end + 1) != Some(b'.') {
        end = digits(end + 1);
    }
    if matches!(at(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(at(end + 1), Some(b'+' | b'-')));
        if at(end + 1 + sign).is_some_and(|byte| byte.is_ascii_digit()) {
            end = digits(end + 1 + sign);
        }
    }
    end
}

/// As long as can be, but no comment begins in it, and `+` or `-` ends it only beside a character that SQL itself has
/// no operator with: `=-1` is `=` and `-1`.
fn operator(bytes: &[u8]) -> usize {
    let mut length = run(bytes, is_operator);
    let text = bytes.get(..length).unwrap_or_default();
    if let Some(comment) = text
        .windows(2)
        .position(|pair| matches!(pair, b"--" | b"/*"))
    {
        length = comment;
    }
    let text = bytes.get(..length).unwrap_or_default();
    if text.iter().any(|byte| b"~!@#^&|`?%".contains(byte)) {
        return length;
    }
    while length > 1 && matches!(bytes.get(length - 1), Some(b'+' | b'-')) {
        length -= 1;
    }
    length
}

#[cfg(test)]
mod tests;
