//! The line of keys, made from the keymap: most important first, as many as fit, `? help` always at the end. Where not all fit,
//! those that do nothing just now give way first. Under a box that lies over the step, the box's keys.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::text;
use crate::app::key::{Key, KeyCode};
use crate::app::overlay::Overlay;
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

/// A key of the line, as it is drawn.
struct Entry {
    /// First column and columns, without what keeps it apart from the next.
    left: usize,
    columns: usize,
    key: Key,
    name: String,
    is_possible: bool,
    label: &'static str,
}

/// `? help`, at the right end.
fn help(state: &State) -> (Key, &'static str) {
    if state.is_typing() {
        (Key::plain(KeyCode::F(1)), "F1")
    } else {
        (Key::char('?'), "?")
    }
}

/// ` help `, and the key in front of it.
const HELP_COLUMNS: usize = 6;

/// What fits, from the left.
fn entries(state: &State, width: u16, theme: &Theme) -> Vec<Entry> {
    let room = usize::from(width).saturating_sub(help(state).1.len() + HELP_COLUMNS + 2);
    let mut entries: Vec<Entry> = keymap::footer(state.step)
        .into_iter()
        .filter_map(|binding| {
            let key = *binding.keys.first()?;
            let is_text = matches!(key.code, KeyCode::Char(_)) && !key.ctrl;
            if state.is_typing() && is_text {
                return None;
            }
            let label = state.label(binding);
            if label.is_empty() {
                return None;
            }
            let name = theme.glyphs.words(&key_name(key)).into_owned();
            Some(Entry {
                left: 0,
                columns: text::width(&name) + 1 + text::width(label),
                key,
                name,
                is_possible: state.why_not(binding.action).is_none(),
                label,
            })
        })
        .collect();
    let wanted = |entries: &[Entry]| entries.iter().map(|one| one.columns + 2).sum::<usize>() + 1;
    while wanted(&entries) > room && !entries.is_empty() {
        let idle = entries.iter().rposition(|one| !one.is_possible);
        entries.remove(idle.unwrap_or(entries.len() - 1));
    }
    let mut left = 1;
    for entry in &mut entries {
        entry.left = left;
        left += entry.columns + 2;
    }
    entries
}

/// The key whose words stand in a column.
pub fn key_at(state: &State, column: u16, width: u16, theme: &Theme) -> Option<Key> {
    let column = usize::from(column);
    let (key, name) = help(state);
    if column + name.len() + HELP_COLUMNS >= usize::from(width) {
        return Some(key);
    }
    let entries = entries(state, width, theme);
    let is_here = |one: &&Entry| (one.left..one.left + one.columns).contains(&column);
    entries.iter().find(is_here).map(|one| one.key)
}

/// While a box lies over the step its keys are the only ones that work; most boxes name them inside.
fn keys_of(overlay: &Overlay) -> &'static str {
    match overlay {
        Overlay::Confirm(question) if question.typed.is_some() => {
            "Type the name · ← → choose · Enter accepts · Esc closes"
        }
        Overlay::Confirm(_) => "← → choose · Enter accepts · Esc closes",
        _ => "",
    }
}

pub fn draw(state: &State, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    if let Some(overlay) = &state.overlay {
        let words = theme.glyphs.words(keys_of(overlay));
        frame.render_widget(Line::styled(format!(" {words}"), theme.dim()), area);
        return;
    }
    let mut spans = vec![Span::raw(" ")];
    for entry in entries(state, area.width, theme) {
        let (key_style, label_style) = if entry.is_possible {
            (theme.key(), theme.text())
        } else {
            (theme.dim(), theme.dim())
        };
        spans.push(Span::styled(entry.name, key_style));
        let label = format!(" {}  ", entry.label);
        spans.push(Span::styled(label, label_style));
    }
    frame.render_widget(Line::from(spans), area);
    let help = Line::from(vec![
        Span::styled(help(state).1, theme.key()),
        Span::raw(" help "),
    ]);
    frame.render_widget(help.right_aligned(), area);
}
