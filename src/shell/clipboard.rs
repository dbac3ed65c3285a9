//! The terminal's clipboard by OSC 52, which also works through SSH. A terminal may ignore it, and none answers.

use crossterm::Command as _;
use crossterm::clipboard::CopyToClipboard;

/// The bytes that ask the terminal to put `text` on its clipboard.
pub fn osc52(text: &str) -> Vec<u8> {
    let mut sequence = String::new();
    // Writing to a String cannot fail.
    let _infallible = CopyToClipboard::to_clipboard_from(text).write_ansi(&mut sequence);
    sequence.into_bytes()
}

#[cfg(test)]
mod tests {
    #[test]
    fn text_travels_as_base64() {
        assert_eq!(super::osc52("select 1"), b"\x1b]52;c;c2VsZWN0IDE=\x1b\\");
    }
}
