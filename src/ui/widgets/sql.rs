//! SQL in colours. Without them keywords are bold and comments dim, so that it reads as well.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::steps::preview::page::{Ink, Row};
use crate::ui::theme::Theme;

fn style(ink: Ink, theme: &Theme) -> Style {
    match ink {
        Ink::Heading => theme.strong(),
        Ink::Note | Ink::Comment => theme.sql_comment(),
        Ink::Good => theme.fine(),
        Ink::Warning => theme.warning(),
        Ink::Bad => theme.bad(),
        Ink::Keyword => theme.sql_keyword(),
        Ink::Literal => theme.sql_text(),
        Ink::Number => theme.sql_number(),
        Ink::Prose | Ink::Sql => theme.text(),
    }
}

/// A row laid out before, SQL or prose.
pub fn line(row: &Row, theme: &Theme) -> Line<'static> {
    let spans = row.iter().map(|(ink, text)| {
        let text = if ink.is_sql() {
            text.clone()
        } else {
            theme.glyphs.words(text).into_owned()
        };
        Span::styled(text, style(*ink, theme))
    });
    spans.collect()
}
