//! One line of text a user edits.

use std::fmt;

use tui_input::{Input, InputRequest};

use super::key::{Key, KeyCode};

/// What may be typed at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepts {
    /// Anything but control characters.
    Text,
    Digits,
}

/// A text field; `Debug` never shows its text, since it may be a password.
#[derive(Clone)]
pub struct Field {
    input: Input,
    accepts: Accepts,
    max_chars: usize,
    /// Drawn as dots unless revealed.
    pub is_secret: bool,
}

impl Default for Field {
    fn default() -> Self {
        Self::text(255)
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({} characters)", self.value().chars().count())
    }
}

impl Field {
    pub fn text(max_chars: usize) -> Self {
        Self {
            input: Input::default(),
            accepts: Accepts::Text,
            max_chars,
            is_secret: false,
        }
    }

    pub fn digits(max_chars: usize) -> Self {
        Self {
            accepts: Accepts::Digits,
            ..Self::text(max_chars)
        }
    }

    pub fn secret(max_chars: usize) -> Self {
        Self {
            is_secret: true,
            ..Self::text(max_chars)
        }
    }

    pub fn value(&self) -> &str {
        self.input.value()
    }

    pub fn is_empty(&self) -> bool {
        self.value().is_empty()
    }

    /// Characters in front of the cursor.
    pub fn cursor(&self) -> usize {
        self.input.cursor()
    }

    /// Replaces the text; the cursor goes to its end.
    pub fn set(&mut self, text: &str) {
        let text = self.admitted(text, 0);
        self.input = Input::new(text);
    }

    /// Replaces the text and keeps the cursor where it was, or at the end.
    pub fn set_keeping_cursor(&mut self, text: &str, cursor: usize) {
        self.set(text);
        self.input = std::mem::take(&mut self.input).with_cursor(cursor);
    }

    /// True if the text has changed.
    pub fn key(&mut self, key: Key) -> bool {
        use InputRequest as R;
        let request = match (key.code, key.ctrl, key.alt) {
            (KeyCode::Char(c), false, false) => {
                if self.admitted(&c.to_string(), self.length()).is_empty() {
                    return false;
                }
                R::InsertChar(c)
            }
            (KeyCode::Backspace, false, false) => R::DeletePrevChar,
            (KeyCode::Backspace, ..) | (KeyCode::Char('w'), true, _) => R::DeletePrevWord,
            (KeyCode::Delete, false, _) => R::DeleteNextChar,
            (KeyCode::Delete, true, _) => R::DeleteNextWord,
            (KeyCode::Left, false, _) => R::GoToPrevChar,
            (KeyCode::Right, false, _) => R::GoToNextChar,
            (KeyCode::Left, true, _) => R::GoToPrevWord,
            (KeyCode::Right, true, _) => R::GoToNextWord,
            (KeyCode::Home, ..) | (KeyCode::Char('a'), true, _) => R::GoToStart,
            (KeyCode::End, ..) | (KeyCode::Char('e'), true, _) => R::GoToEnd,
            (KeyCode::Char('u'), true, _) => R::DeleteFromStart,
            (KeyCode::Char('k'), true, _) => R::DeleteTillEnd,
            _ => return false,
        };
        self.input
            .handle(request)
            .is_some_and(|changed| changed.value)
    }

    /// True if the text has changed. What may not be typed is left out of what is pasted.
    pub fn paste(&mut self, text: &str) -> bool {
        let text = self.admitted(text.trim_matches(['\r', '\n']), self.length());
        for c in text.chars() {
            self.input.handle(InputRequest::InsertChar(c));
        }
        !text.is_empty()
    }

    fn length(&self) -> usize {
        self.value().chars().count()
    }

    fn admitted(&self, text: &str, length: usize) -> String {
        text.chars()
            .filter(|c| match self.accepts {
                Accepts::Text => !c.is_control(),
                Accepts::Digits => c.is_ascii_digit(),
            })
            .take(self.max_chars.saturating_sub(length))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admits_only_what_the_field_may_hold() {
        let mut port = Field::digits(5);
        assert!(port.paste("54a32\n99"));
        assert_eq!(port.value(), "54329");
        assert!(!port.key(Key::char('1')));
        assert!(port.key(Key::plain(KeyCode::Backspace)));
        assert_eq!(port.value(), "5432");
    }

    #[test]
    fn debug_hides_the_text() {
        let mut field = Field::secret(20);
        field.set("geheim");
        assert!(!format!("{field:?}").contains("geheim"));
    }
}
