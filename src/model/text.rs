//! A text that many may hold and nobody changes: much of a plan is the same in every step, or stands in the archive already.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Of a plan of 20,000 tables half the memory would be copies of such texts.
#[derive(Clone)]
pub enum Text {
    Written(&'static str),
    Shared(Arc<str>),
}

impl Text {
    /// `text` as this one where it says the same, so that it is kept once.
    #[must_use]
    pub fn or_new(&self, text: String) -> Self {
        if **self == text {
            self.clone()
        } else {
            text.into()
        }
    }

    pub fn as_str(&self) -> &str {
        self
    }
}

/// Texts that come again and again, a few of them: each is kept once.
#[derive(Debug, Default)]
pub struct Repeated(HashSet<Text>);

impl Repeated {
    pub fn keep(&mut self, text: &str) -> Text {
        if let Some(kept) = self.0.get(text) {
            return kept.clone();
        }
        let kept = Text::from(text.to_owned());
        self.0.insert(kept.clone());
        kept
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Written(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::Written("")
    }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self::Written(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Shared(text.into())
    }
}

/// The same text once more, not a copy of it.
impl From<&Self> for Text {
    fn from(text: &Self) -> Self {
        text.clone()
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        Self::Shared(text.as_str().into())
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl PartialEq<String> for Text {
    fn eq(&self, other: &String) -> bool {
        **self == **other
    }
}

impl std::hash::Hash for Text {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_is_kept_once() {
        let mut repeated = Repeated::default();
        let (Text::Shared(first), Text::Shared(second)) =
            (repeated.keep("TABLE"), repeated.keep("TABLE"))
        else {
            unreachable!("they came from no static text");
        };
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(repeated.keep("INDEX"), "INDEX");
    }

    #[test]
    fn what_says_the_same_is_kept_once() {
        let text = Text::from("CREATE TABLE a ()".to_owned());
        let Text::Shared(kept) = text.or_new("CREATE TABLE a ()".to_owned()) else {
            unreachable!("it came from a String");
        };
        assert_eq!(Arc::strong_count(&kept), 2);
        assert_eq!(
            text.or_new("CREATE TABLE b ()".to_owned()),
            "CREATE TABLE b ()"
        );
    }
}
