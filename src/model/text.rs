//! A text that many may hold and nobody changes: much of a plan is the same in every step, or stands in the archive already.

use arcstr::ArcStr;
use foldhash::{HashMap, HashSet};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Borrow;
use std::cell::RefCell;
use std::fmt;
use std::ops::Deref;

/// Of a plan of 20,000 tables half the memory would be copies of such texts, and much of the rest what points at them: a thin
/// pointer, which `Arc<str>` is not.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(ArcStr);

thread_local! {
    /// The program's own words, by where they stand: a plan says each of them thousands of times.
    static WRITTEN: RefCell<HashMap<(*const u8, usize), Text>> = RefCell::default();

    /// Where a text is written before its length is known.
    static DRAFT: RefCell<String> = RefCell::default();
}

impl Text {
    /// A text of its own, as [`Repeated`] or a constant is not.
    pub fn of(text: &str) -> Self {
        Self(text.into())
    }

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

/// Texts of which most come again and again: each is kept once, for as long as somebody reads more of them.
#[derive(Debug, Default)]
pub struct Repeated(HashSet<Text>);

impl Repeated {
    pub fn keep(&mut self, text: &str) -> Text {
        if let Some(kept) = self.0.get(text) {
            return kept.clone();
        }
        let kept = Text::of(text);
        self.0.insert(kept.clone());
        kept
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        WRITTEN.with_borrow_mut(|written| {
            written
                .entry((text.as_ptr(), text.len()))
                .or_insert_with(|| Self(text.into()))
                .clone()
        })
    }
}

/// What `format_args!` says, with no more memory taken than the text needs.
impl From<fmt::Arguments<'_>> for Text {
    fn from(said: fmt::Arguments<'_>) -> Self {
        // Taken out: what is said may itself be made of such texts.
        let mut draft = DRAFT.take();
        draft.clear();
        let is_said = fmt::Write::write_fmt(&mut draft, said).is_ok();
        debug_assert!(is_said, "a Display that fails");
        let text = Self::of(&draft);
        DRAFT.set(draft);
        text
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
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
        Self::of(text)
    }
}

impl From<&Text> for String {
    fn from(text: &Text) -> Self {
        text.as_str().to_owned()
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
        let (first, second) = (repeated.keep("TABLE"), repeated.keep("TABLE"));
        assert!(ArcStr::ptr_eq(&first.0, &second.0));
        assert_eq!(repeated.keep("INDEX"), "INDEX");
    }

    #[test]
    fn what_the_program_says_itself_is_kept_once() {
        let said = || Text::from("Statistics are gathered.");
        assert!(ArcStr::ptr_eq(&said().0, &said().0));
        assert_eq!(said(), "Statistics are gathered.");
    }

    #[test]
    fn what_is_said_in_what_is_said_is_not_lost() {
        struct Inner;
        impl fmt::Display for Inner {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&Text::from(format_args!("{}-{}", 1, 2)))
            }
        }
        assert_eq!(Text::from(format_args!("({Inner}, {Inner})")), "(1-2, 1-2)");
        assert_eq!(Text::from(format_args!("{}", 3)), "3");
    }

    #[test]
    fn a_text_is_as_small_as_a_pointer() {
        assert_eq!(size_of::<Option<Text>>(), size_of::<usize>());
    }

    #[test]
    fn what_says_the_same_is_kept_once() {
        let text = Text::from("CREATE TABLE a ()".to_owned());
        let same = text.or_new("CREATE TABLE a ()".to_owned());
        assert!(ArcStr::ptr_eq(&text.0, &same.0));
        assert_eq!(
            text.or_new("CREATE TABLE b ()".to_owned()),
            "CREATE TABLE b ()"
        );
    }
}
