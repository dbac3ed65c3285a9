//! The keys of a step to read, laid out here so that scrolling ends where they do.

use super::key::{Key, KeyCode};
use super::keymap;
use super::overlay::Choice;
use super::state::WizardStep;
use crate::report_text;

/// Columns inside of the box, if the screen has them, and of the keys in front of the words.
const COLUMNS: u16 = 66;
pub const KEY_COLUMNS: u16 = 16;

#[derive(Debug)]
pub struct Help {
    step: WizardStep,
    scroll: usize,
    size: (u16, u16),
}

impl Help {
    pub fn new(step: WizardStep, size: (u16, u16)) -> Self {
        Self {
            step,
            scroll: 0,
            size,
        }
    }

    pub fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
    }

    /// Keys and what they do; further lines of a long sentence have no keys.
    pub fn lines(&self) -> Vec<(&'static [Key], String)> {
        let columns = self.size.0.saturating_sub(4).min(COLUMNS);
        let columns = usize::from(columns.saturating_sub(KEY_COLUMNS));
        let of_binding = |binding: &keymap::Binding| {
            let parts = report_text::wrapped(binding.help, columns).into_iter();
            let keys = std::iter::once(binding.keys).chain(std::iter::repeat(&[][..]));
            keys.zip(parts).collect::<Vec<_>>()
        };
        keymap::bindings(self.step).flat_map(of_binding).collect()
    }

    /// Rows for them: step bar, toast and footer are around the box, its frame and its last words in it.
    fn height(&self) -> usize {
        usize::from(self.size.1.saturating_sub(7)).max(1)
    }

    /// The first line to draw of so many.
    pub fn first_row(&self, lines: usize) -> usize {
        self.scroll.min(lines.saturating_sub(self.height()))
    }

    /// Any key that does not scroll closes it.
    pub fn key(&mut self, key: Key) -> Option<Choice> {
        let lines = self.lines().len();
        let (first, page) = (self.first_row(lines), self.height());
        self.scroll = match key.code {
            KeyCode::Up | KeyCode::Char('k') => first.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => first + 1,
            KeyCode::PageUp => first.saturating_sub(page),
            KeyCode::PageDown => first + page,
            KeyCode::Home | KeyCode::Char('g') => 0,
            KeyCode::End | KeyCode::Char('G') => lines,
            _ => return Some(Choice::Dismiss),
        };
        self.scroll = self.first_row(lines);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrolling_ends_where_the_keys_do() {
        let mut help = Help::new(WizardStep::Select, (80, 24));
        for _ in 0..100 {
            assert_eq!(help.key(Key::plain(KeyCode::Down)), None);
        }
        let last = help.first_row(help.lines().len());
        assert!(last > 0);
        help.key(Key::plain(KeyCode::Up));
        assert_eq!(help.first_row(help.lines().len()), last - 1);
        help.resize((200, 200));
        assert_eq!(help.first_row(help.lines().len()), 0);
        assert_eq!(help.key(Key::char('x')), Some(Choice::Dismiss));
    }
}
