//! A notification on the desktop by OSC 9, which also works through SSH. Terminals that do not know it pass over it.

use crate::model::name::printable;

/// More than a notification shows.
const MOST_CHARACTERS: usize = 160;

/// The bytes that ask the terminal to show `text`.
pub(super) fn osc9(text: &str) -> Vec<u8> {
    let text: String = printable(text).chars().take(MOST_CHARACTERS).collect();
    format!("\x1b]9;howdah: {text}\x1b\\").into_bytes()
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_in_the_text_ends_the_sequence() {
        let bytes = super::osc9("done\x1b\\\x07");
        assert_eq!(bytes, b"\x1b]9;howdah: done\\u{1b}\\\\u{7}\x1b\\");
    }
}
