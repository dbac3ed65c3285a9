//! SQL in colours. Without them keywords are bold and comments dim, so that it reads as well.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::steps::preview::page::{Ink, Row};
use crate::sql::lexer::TokenKind;
use crate::ui::theme::Theme;

fn style(ink: Ink, theme: &Theme) -> Style {
    match ink {
        Ink::Heading => theme.strong(),
        Ink::Note => theme.sql_comment(),
        Ink::Good => theme.fine(),
        Ink::Warning => theme.warning(),
        Ink::Bad => theme.bad(),
        Ink::Sql(kind) => match kind {
            TokenKind::Keyword => theme.sql_keyword(),
            TokenKind::String => theme.sql_text(),
            TokenKind::Number | TokenKind::Parameter => theme.sql_number(),
            TokenKind::Comment => theme.sql_comment(),
            _ => theme.text(),
        },
        Ink::Prose => theme.text(),
    }
}

/// A row laid out before, SQL or prose.
pub fn line(row: &Row, theme: &Theme) -> Line<'static> {
    let spans = row.iter().map(|(ink, text)| {
        let text = match ink {
            Ink::Sql(_) => text.clone(),
            _ => theme.glyphs.words(text).into_owned(),
        };
        Span::styled(text, style(*ink, theme))
    });
    spans.collect()
}
