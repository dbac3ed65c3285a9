//! From the terminal library's events to the wizard's messages.

use crossterm::event::{
    Event, KeyCode as Code, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind,
};

use crate::app::pointer::Gesture;
use crate::app::{Key, KeyCode, Msg};
use crate::model::connection::Secret;

/// What the mouse did, and at which column and row.
pub(super) fn pointed(event: &Event) -> Option<(Gesture, (u16, u16))> {
    let Event::Mouse(mouse) = event else {
        return None;
    };
    let gesture = match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => Gesture::Click,
        MouseEventKind::ScrollUp => Gesture::WheelUp,
        MouseEventKind::ScrollDown => Gesture::WheelDown,
        _ => return None,
    };
    Some((gesture, (mouse.column, mouse.row)))
}

/// None for what the wizard has no use for: focus, releases, keys of their own such as Caps Lock.
pub(super) fn message(event: Event) -> Option<Msg> {
    match event {
        Event::Key(event) => key(event).map(Msg::Key),
        Event::Paste(text) => Some(Msg::Paste(Secret::new(text))),
        Event::Resize(width, height) => Some(Msg::Resize { width, height }),
        Event::Mouse(_) | Event::FocusGained | Event::FocusLost => None,
    }
}

fn key(event: KeyEvent) -> Option<Key> {
    // Windows and some terminals report releases too.
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let code = match event.code {
        // Terminals do not agree on the case of a letter with Ctrl.
        Code::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
        Code::Char(c) => KeyCode::Char(c),
        Code::Enter => KeyCode::Enter,
        Code::Esc => KeyCode::Esc,
        Code::Tab => KeyCode::Tab,
        Code::BackTab => KeyCode::BackTab,
        Code::Backspace => KeyCode::Backspace,
        Code::Delete => KeyCode::Delete,
        Code::Insert => KeyCode::Insert,
        Code::Up => KeyCode::Up,
        Code::Down => KeyCode::Down,
        Code::Left => KeyCode::Left,
        Code::Right => KeyCode::Right,
        Code::Home => KeyCode::Home,
        Code::End => KeyCode::End,
        Code::PageUp => KeyCode::PageUp,
        Code::PageDown => KeyCode::PageDown,
        Code::F(number) => KeyCode::F(number),
        _ => return None,
    };
    let is_character = matches!(code, KeyCode::Char(_) | KeyCode::BackTab);
    Some(Key {
        code,
        ctrl,
        alt: event.modifiers.contains(KeyModifiers::ALT),
        shift: !is_character && event.modifiers.contains(KeyModifiers::SHIFT),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: Code, modifiers: KeyModifiers) -> Option<Key> {
        key(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn keys_are_told_by_what_they_mean() {
        assert_eq!(
            pressed(Code::Char('?'), KeyModifiers::SHIFT),
            Some(Key::char('?'))
        );
        assert_eq!(
            pressed(Code::Char('C'), KeyModifiers::CONTROL),
            Some(Key::ctrl('c'))
        );
        assert_eq!(
            pressed(Code::BackTab, KeyModifiers::SHIFT),
            Some(Key::plain(KeyCode::BackTab))
        );
        let up = pressed(Code::Up, KeyModifiers::SHIFT).unwrap();
        assert!(up.shift);
        assert_eq!(pressed(Code::CapsLock, KeyModifiers::NONE), None);
    }

    #[test]
    fn a_release_is_no_press() {
        let event = |kind| KeyEvent::new_with_kind(Code::Enter, KeyModifiers::NONE, kind);
        assert_eq!(key(event(KeyEventKind::Release)), None);
        assert!(key(event(KeyEventKind::Repeat)).is_some());
    }
}
