//! The signs of the screen, in Unicode and in ASCII.

use std::borrow::Cow;

use ratatui::symbols::border;

/// One set of signs. Each means the same in both sets, so that nothing depends on the terminal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Glyphs {
    pub fine: &'static str,
    pub warning: &'static str,
    pub blocking: &'static str,
    pub unknown: &'static str,
    pub running: &'static str,
    pub waiting: &'static str,
    /// Between parts of a line.
    pub dot: &'static str,
    /// Between the steps of the step bar.
    pub arrow: &'static str,
    /// In front of something that can be unfolded, or is.
    pub collapsed: &'static str,
    pub expanded: &'static str,
    /// Behind a field that offers a choice.
    pub choice: &'static str,
    pub bullet: &'static str,
    pub ellipsis: &'static str,
    pub spinner: &'static [&'static str],
    pub bar_full: &'static str,
    pub bar_empty: &'static str,
    pub border: border::Set<'static>,
    pub is_ascii: bool,
}

impl Glyphs {
    pub const UNICODE: Self = Self {
        fine: "✓",
        warning: "!",
        blocking: "✗",
        unknown: "?",
        running: "▶",
        waiting: "·",
        dot: "·",
        arrow: "›",
        collapsed: "▸",
        expanded: "▾",
        choice: "▾",
        bullet: "•",
        ellipsis: "…",
        spinner: &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
        bar_full: "█",
        bar_empty: "░",
        border: border::ROUNDED,
        is_ascii: false,
    };

    pub const ASCII: Self = Self {
        fine: "+",
        warning: "!",
        blocking: "X",
        unknown: "?",
        running: ">",
        waiting: ".",
        dot: "-",
        arrow: ">",
        collapsed: ">",
        expanded: "v",
        choice: "v",
        bullet: "*",
        ellipsis: "~",
        spinner: &["|", "/", "-", "\\"],
        bar_full: "#",
        bar_empty: ".",
        border: border::Set {
            top_left: "+",
            top_right: "+",
            bottom_left: "+",
            bottom_right: "+",
            vertical_left: "|",
            vertical_right: "|",
            horizontal_top: "-",
            horizontal_bottom: "-",
        },
        is_ascii: true,
    };

    /// The spinner's sign at a time in milliseconds.
    pub fn spinner_at(&self, ms: u64) -> &'static str {
        let count = self.spinner.len() as u64;
        usize::try_from(ms / 100 % count.max(1))
            .ok()
            .and_then(|frame| self.spinner.get(frame))
            .copied()
            .unwrap_or("")
    }

    /// howdah's own words in this set; names from a server are left to the terminal.
    pub fn words<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.is_ascii || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '↑' => out.push_str("Up"),
                '↓' => out.push_str("Down"),
                '←' => out.push_str("Left"),
                '→' => out.push_str("Right"),
                '·' | '–' | '—' => out.push('-'),
                '›' => out.push('>'),
                '…' => out.push_str("..."),
                '✓' => out.push('+'),
                '✗' => out.push('X'),
                '•' => out.push('*'),
                c => out.push(c),
            }
        }
        Cow::Owned(out)
    }
}
