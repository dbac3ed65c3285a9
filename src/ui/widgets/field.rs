//! A text field's visible part: scrolled so that the cursor is in sight.

use unicode_segmentation::UnicodeSegmentation;

use super::text;

/// What of `value` fits into `columns` when the cursor stands after `cursor` characters, and the cursor's column in it.
/// `ellipsis` (one column wide) stands where something is cut off.
pub fn window(value: &str, cursor: usize, columns: usize, ellipsis: &str) -> (String, usize) {
    let before: String = value.chars().take(cursor).collect();
    let after: String = value.chars().skip(cursor).collect();
    // One column is kept for the cursor behind the last character.
    let room = columns.saturating_sub(1);
    let mut start = 0;
    for (at, grapheme) in before.grapheme_indices(true) {
        if text::width(before.get(at..).unwrap_or_default()) <= room {
            break;
        }
        start = at + grapheme.len();
    }
    let mut head = before.get(start..).unwrap_or_default().to_owned();
    let mut column = text::width(&head);
    if start > 0 && columns > 1 {
        let first = head.graphemes(true).next().unwrap_or_default().len();
        head.replace_range(..first, ellipsis);
        column = text::width(&head);
    }
    let shown = format!("{head}{after}");
    if column + 1 < columns {
        return (text::truncate(&shown, columns, ellipsis), column);
    }
    (text::prefix(&shown, columns).to_owned(), column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_in_sight() {
        assert_eq!(window("abcdef", 6, 4, "…"), ("…ef".to_owned(), 3));
        assert_eq!(window("abcdef", 0, 4, "…"), ("abc…".to_owned(), 0));
        assert_eq!(window("表表表", 3, 4, "…"), ("…".to_owned(), 1));
        assert_eq!(window("abc", 3, 0, "…"), (String::new(), 0));
    }
}
