//! Colours and signs. Sixteen colours only: the user's terminal decides what they look like, light or dark.
//!
//! No state is told by colour alone: each has a sign or a modifier too, so that `NO_COLOR` loses nothing.

use ratatui::style::{Color, Modifier, Style};

use super::glyphs::Glyphs;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Theme {
    has_color: bool,
    is_still: bool,
    pub glyphs: Glyphs,
}

impl Theme {
    pub fn new(color: bool, ascii: bool) -> Self {
        Self {
            has_color: color,
            is_still: false,
            glyphs: if ascii {
                Glyphs::ASCII
            } else {
                Glyphs::UNICODE
            },
        }
    }

    /// Colour unless `NO_COLOR` is set; Unicode if the locale says UTF-8 and the terminal is not the Linux console, whose
    /// font lacks most signs.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>, force_ascii: bool) -> Self {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        // POSIX: the first of these that is set decides.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(set)
            .unwrap_or_default()
            .to_ascii_uppercase();
        let is_utf8 = locale.contains("UTF-8") || locale.contains("UTF8");
        let terminal = set("TERM").unwrap_or_default();
        let is_dumb = terminal == "dumb";
        let theme = Self::new(
            set("NO_COLOR").is_none() && !is_dumb,
            force_ascii || !is_utf8 || is_dumb || terminal == "linux",
        );
        if is_dumb { theme.still() } else { theme }
    }

    /// Nothing turns, and clocks go by the second: for screen readers and slow lines.
    #[must_use]
    pub fn still(mut self) -> Self {
        self.is_still = true;
        self.glyphs.spinner = &["*"];
        self
    }

    pub fn is_still(self) -> bool {
        self.is_still
    }

    fn color(self, color: Color) -> Style {
        if self.has_color {
            Style::new().fg(color)
        } else {
            Style::new()
        }
    }

    pub fn text(self) -> Style {
        Style::new()
    }

    /// More can be expected of the terminal than letters: it has colours and signs, and both are wanted.
    pub fn is_rich(self) -> bool {
        self.has_color && !self.glyphs.is_ascii
    }

    /// Titles and the step on screen.
    pub fn title(self) -> Style {
        self.color(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What matters less, and keys that do nothing now.
    pub fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// The row or button in focus.
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub fn key(self) -> Style {
        self.color(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    pub fn border(self) -> Style {
        self.color(Color::DarkGray)
    }

    pub fn focused_border(self) -> Style {
        self.color(Color::Cyan)
    }

    pub fn fine(self) -> Style {
        self.color(Color::Green)
    }

    pub fn warning(self) -> Style {
        self.color(Color::Yellow)
    }

    pub fn bad(self) -> Style {
        self.color(Color::Red).add_modifier(Modifier::BOLD)
    }

    pub fn accent(self) -> Style {
        self.color(Color::Cyan)
    }

    /// Keywords, strings and comments of SQL.
    pub fn sql_keyword(self) -> Style {
        self.color(Color::Blue).add_modifier(Modifier::BOLD)
    }

    pub fn sql_text(self) -> Style {
        self.color(Color::Green)
    }

    pub fn sql_number(self) -> Style {
        self.color(Color::Magenta)
    }

    pub fn sql_comment(self) -> Style {
        self.dim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides() {
        let env = |pairs: &'static [(&'static str, &'static str)]| {
            move |name: &str| {
                pairs
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            }
        };
        let theme = Theme::from_environment(env(&[("LANG", "en_US.UTF-8")]), false);
        assert_eq!(theme, Theme::new(true, false));
        let theme =
            Theme::from_environment(env(&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")]), false);
        assert_eq!(theme, Theme::new(true, true));
        let theme = Theme::from_environment(
            env(&[("LANG", "de_DE.utf8"), ("TERM", "linux"), ("NO_COLOR", "1")]),
            false,
        );
        assert_eq!(theme, Theme::new(false, true));
        let theme = Theme::from_environment(env(&[("LANG", "C.UTF-8"), ("TERM", "dumb")]), false);
        assert_eq!(theme, Theme::new(false, true).still());
        assert_eq!(theme.glyphs.spinner_at(0), theme.glyphs.spinner_at(350));
    }
}
