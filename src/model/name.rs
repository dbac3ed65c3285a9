//! Names of database objects, and how any text from a server is made harmless before a person sees it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::text::Text;

/// A schema-qualified name exactly as the server stores it: unquoted, case kept, any character but NUL. A plan names each
/// object many times; all hold the same.
///
/// It is never pasted into SQL as it is; `sql::quote` does that.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName(Arc<Parts>);

/// What an [`ObjectName`] is made of.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Parts {
    pub schema: Text,
    pub name: Text,
}

impl Deref for ObjectName {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Serialize for ObjectName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ObjectName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Parts::deserialize(deserializer).map(|parts| Self(Arc::new(parts)))
    }
}

impl ObjectName {
    pub fn new(schema: impl Into<Text>, name: impl Into<Text>) -> Self {
        Self(Arc::new(Parts {
            schema: schema.into(),
            name: name.into(),
        }))
    }
}

impl ObjectName {
    /// As a person may type it and [`Self::read`] reads it back: parts that hold a dot or a double quote stand in double quotes.
    pub fn written(&self) -> String {
        let part = |part: &str| {
            if part.is_empty() || part.contains(['.', '"']) {
                format!("\"{}\"", part.replace('"', "\"\""))
            } else {
                part.to_owned()
            }
        };
        format!("{}.{}", part(&self.schema), part(&self.name))
    }

    /// `schema.name`; none when it is not two names.
    pub fn read(text: &str) -> Option<Self> {
        match split_quoted(text, '.')?.as_slice() {
            [schema, name] => Some(Self::new(schema, name)),
            _ => None,
        }
    }
}

/// Cuts what a user typed at each `separator` outside of double quotes, which make any character literal and are written twice to
/// mean themselves. None: a double quote is not closed.
pub(super) fn split_quoted(text: &str, separator: char) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => {
                parts.last_mut().into_iter().for_each(|p| p.push('"'));
            }
            '"' => quoted = !quoted,
            c if c == separator && !quoted => parts.push(String::new()),
            c => parts.last_mut().into_iter().for_each(|p| p.push(c)),
        }
    }
    (!quoted).then_some(parts)
}

/// For people: `schema.name`, control and direction characters made visible.
impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (schema, name) = (printable(&self.schema), printable(&self.name));
        if f.width().is_none() && f.precision().is_none() {
            return write!(f, "{schema}.{name}");
        }
        f.pad(&format!("{schema}.{name}"))
    }
}

/// Replaces what could disturb a terminal or mislead a reader (C0 and C1 controls, bidirectional
/// overrides, zero-width characters) by visible escapes such as `\x1b` or `\u{202e}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain || !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .fold(String::with_capacity(text.len() + 8), |mut out, c| {
                if is_hostile(c) {
                    out.extend(c.escape_default());
                } else {
                    out.push(c);
                }
                out
            }),
    )
}

/// Like [`printable`], but keeps line feeds and widens tabs: for SQL and server messages of several lines.
pub fn printable_lines(text: &str) -> String {
    text.replace("\r\n", "\n")
        .split('\n')
        .map(|line| printable(&line.replace('\t', "    ")).into_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// JSON text in which the same characters stand as escapes of JSON's own: it means what it meant.
pub fn printable_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        // Beside strings there is none but the line feed.
        if c != '\n' && is_hostile(c) {
            let units = c.encode_utf16(&mut [0; 2]).to_vec();
            out.extend(units.into_iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

/// A string of TOML, of one line whatever is in it, with the same characters as escapes of TOML's own.
pub fn toml_string(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if is_hostile(c) => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Controls, marks of direction, what is not to be seen, line ends of Unicode's own, tags.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_was_written() {
        for (schema, name) in [
            ("public", "film"),
            ("a.b", "c\"d"),
            ("", "x y"),
            ("É\n", "*"),
        ] {
            let name = ObjectName::new(schema, name);
            assert_eq!(ObjectName::read(&name.written()), Some(name));
        }
        assert_eq!(ObjectName::read("film"), None);
    }

    #[test]
    fn escapes_and_direction_marks_become_visible() {
        assert_eq!(printable("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(printable("x\u{202e}y"), "x\\u{202e}y");
        assert_eq!(printable("prix €"), "prix €");
        assert_eq!(printable_lines("a\r\nb\tc\u{7}"), "a\nb    c\\u{7}");
        assert_eq!(
            printable_json("{\n\"\u{9b}\u{e0041}é\"}"),
            "{\n\"\\u009b\\udb40\\udc41é\"}"
        );
    }
}
