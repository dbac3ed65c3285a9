//! Text by display width: wide and combining characters take the columns they take on the terminal.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns a text takes.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// At most `columns` wide; what is cut off is marked by `ellipsis`.
pub fn truncate(text: &str, columns: usize, ellipsis: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(width(ellipsis));
    let mut out = prefix(text, room).to_owned();
    if width(ellipsis) <= columns {
        out.push_str(ellipsis);
    }
    out
}

/// Exactly `columns` wide: truncated or padded on the right.
pub fn fit(text: &str, columns: usize, ellipsis: &str) -> String {
    let mut out = truncate(text, columns, ellipsis);
    out.extend(std::iter::repeat_n(
        ' ',
        columns.saturating_sub(width(&out)),
    ));
    out
}

/// Exactly `columns` wide: truncated or padded on the left.
pub fn fit_right(text: &str, columns: usize, ellipsis: &str) -> String {
    let text = truncate(text, columns, ellipsis);
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(&text))))
}

/// The longest beginning that is at most `columns` wide.
pub fn prefix(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (start, grapheme) in text.grapheme_indices(true) {
        used += width(grapheme);
        if used > columns {
            return text.get(..start).unwrap_or_default();
        }
    }
    text
}

/// Lines of at most `columns`, broken at spaces where there are any; line feeds are kept.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let indent: String = paragraph.chars().take_while(|c| *c == ' ').collect();
        let mut line = String::new();
        for word in paragraph.split_inclusive(' ') {
            if !line.is_empty() && width(&line) + width(word.trim_end()) > columns {
                lines.push(line.trim_end().to_owned());
                line.clear();
                if width(&indent) + width(word.trim_end()) <= columns {
                    line.push_str(&indent);
                }
            }
            let mut word = word;
            while width(&line) + width(word.trim_end()) > columns {
                let head = prefix(word, columns - width(&line).min(columns));
                // A single character wider than the line is dropped rather than looped over for ever.
                let (head, rest) = if head.is_empty() && line.is_empty() {
                    let first = word.graphemes(true).next().unwrap_or_default();
                    ("", word.get(first.len()..).unwrap_or_default())
                } else {
                    (head, word.get(head.len()..).unwrap_or_default())
                };
                line.push_str(head);
                lines.push(std::mem::take(&mut line));
                word = rest;
            }
            line.push_str(word);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// The same in at most `most` lines; that there would be more is marked.
pub fn wrap_into(text: &str, columns: usize, most: usize, ellipsis: &str) -> Vec<String> {
    let mut lines = wrap(text, columns);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            let room = columns.saturating_sub(width(ellipsis));
            *last = format!("{}{ellipsis}", prefix(last, room));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(truncate("表表表", 5, "…"), "表表…");
        assert_eq!(fit("表", 4, "…"), "表  ");
        assert_eq!(fit_right("12", 4, "…"), "  12");
        assert_eq!(truncate("abc", 0, "…"), "");
    }

    #[test]
    fn what_has_no_room_is_marked() {
        assert_eq!(
            wrap_into("one two three", 5, 3, "…"),
            ["one", "two", "three"]
        );
        assert_eq!(wrap_into("one two three", 5, 2, "…"), ["one", "two…"]);
        assert_eq!(wrap_into("three three", 5, 1, "…"), ["thre…"]);
    }

    #[test]
    fn wraps_at_spaces_and_breaks_long_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("a\n\nb", 9), ["a", "", "b"]);
        assert_eq!(wrap("表表", 1), ["", "", ""]);
    }
}
