//! The line of keys, made from the keymap: most important first, as many as fit, `? help` always at the end.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::text;
use crate::app::key::{Key, KeyCode};
use crate::app::{State, keymap};
use crate::ui::theme::Theme;

/// A key as it is printed on keyboards.
pub fn key_name(key: Key) -> String {
    let name = match key.code {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(c) if key.ctrl => c.to_uppercase().to_string(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Enter => "Enter".to_owned(),
        KeyCode::Esc => "Esc".to_owned(),
        KeyCode::Tab => "Tab".to_owned(),
        KeyCode::BackTab => "Shift-Tab".to_owned(),
        KeyCode::Backspace => "Backspace".to_owned(),
        KeyCode::Delete => "Delete".to_owned(),
        KeyCode::Insert => "Insert".to_owned(),
        KeyCode::Up => "↑".to_owned(),
        KeyCode::Down => "↓".to_owned(),
        KeyCode::Left => "←".to_owned(),
        KeyCode::Right => "→".to_owned(),
        KeyCode::Home => "Home".to_owned(),
        KeyCode::End => "End".to_owned(),
        KeyCode::PageUp => "PgUp".to_owned(),
        KeyCode::PageDown => "PgDn".to_owned(),
        KeyCode::F(number) => format!("F{number}"),
    };
    if key.shift {
        format!("Shift-{name}")
    } else if key.ctrl {
        format!("Ctrl-{name}")
    } else {
        name
    }
}

pub fn draw(state: &State, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let help = if state.is_typing() {
        "F1 help"
    } else {
        "? help"
    };
    let room = usize::from(area.width).saturating_sub(text::width(help) + 3);
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    for binding in keymap::footer(state.step) {
        let Some(key) = binding.keys.first() else {
            continue;
        };
        let is_text = matches!(key.code, KeyCode::Char(_)) && !key.ctrl;
        if state.is_typing() && is_text {
            continue;
        }
        let name = key_name(*key);
        let name = theme.glyphs.words(&name).into_owned();
        let columns = text::width(&name) + text::width(binding.label) + 3;
        if used + columns > room {
            break;
        }
        used += columns;
        let is_possible = state.why_not(binding.action).is_none();
        let (key_style, label_style) = if is_possible {
            (theme.key(), theme.text())
        } else {
            (theme.dim(), theme.dim())
        };
        spans.push(Span::styled(name, key_style));
        spans.push(Span::styled(format!(" {}  ", binding.label), label_style));
    }
    frame.render_widget(Line::from(spans), area);
    let (key, label) = help.split_once(' ').unwrap_or((help, ""));
    let help = Line::from(vec![
        Span::styled(key, theme.key()),
        Span::raw(format!(" {label} ")),
    ]);
    frame.render_widget(help.right_aligned(), area);
}
