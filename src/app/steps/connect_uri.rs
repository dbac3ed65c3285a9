//! The URI field: how a pasted or typed URI is recognised, and how a password in it is kept off the screen.

/// Text that is meant as a connection string rather than as the content of some other field.
pub fn looks_like_uri(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("postgres://")
        || text.starts_with("postgresql://")
        || (text.contains("host=") && !text.contains("://"))
}

/// The same text with each character of a password replaced by a dot, so that a cursor keeps its place.
pub fn masked(text: &str) -> String {
    let mut hidden = vec![false; text.chars().count()];
    let chars: Vec<char> = text.chars().collect();
    if let Some((start, end)) = password_in_authority(&chars) {
        hidden[start..end].fill(true);
    }
    let lower: Vec<char> = chars.iter().map(char::to_ascii_lowercase).collect();
    for word in ["password=", "password ="] {
        let word: Vec<char> = word.chars().collect();
        for start in (0..lower.len()).filter(|at| lower[*at..].starts_with(&word)) {
            let from = start + word.len();
            let value = &chars[from..];
            let is_quoted = value.first() == Some(&'\'');
            let length = value
                .iter()
                .skip(usize::from(is_quoted))
                .position(|c| {
                    if is_quoted {
                        *c == '\''
                    } else {
                        matches!(c, '&' | ' ')
                    }
                })
                .map_or(value.len(), |end| end + usize::from(is_quoted));
            hidden[from..from + length].fill(true);
        }
    }
    chars
        .iter()
        .zip(hidden)
        .map(|(c, is_hidden)| if is_hidden { '•' } else { *c })
        .collect()
}

/// The text without `:password` in front of the `@`, and the cursor moved along.
pub fn without_password(text: &str, cursor: usize) -> (String, usize) {
    let chars: Vec<char> = text.chars().collect();
    let Some((start, end)) = password_in_authority(&chars) else {
        return (text.to_owned(), cursor);
    };
    let start = start.saturating_sub(1);
    let kept = chars[..start].iter().chain(&chars[end..]).collect();
    let cursor = if cursor >= end {
        cursor - (end - start)
    } else {
        cursor.min(start)
    };
    (kept, cursor)
}

/// Where the password of `scheme://user:password@…` stands, also while the `@` is not typed yet.
fn password_in_authority(chars: &[char]) -> Option<(usize, usize)> {
    let start = chars
        .windows(3)
        .position(|three| three == [':', '/', '/'])?
        + 3;
    let end = match chars.iter().rposition(|c| *c == '@') {
        Some(at) if at >= start => at,
        _ => chars.len(),
    };
    let is_open = end == chars.len();
    let colon = start + chars.get(start..end)?.iter().position(|c| *c == ':')?;
    let after = &chars[colon + 1..end];
    if is_open {
        // Without an @ this may as well be a port.
        let stop = after.iter().position(|c| matches!(c, '/' | '?'));
        let port = &after[..stop.unwrap_or(after.len())];
        let is_port = port.len() <= 5 && port.iter().all(char::is_ascii_digit);
        if is_port || chars.get(start) == Some(&'[') {
            return None;
        }
    }
    Some((colon + 1, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (text, shown) in [
            ("postgres://app:s3c@h/db", "postgres://app:•••@h/db"),
            ("postgres://app:s3c", "postgres://app:•••"),
            ("postgres://app:a/b@c@h/db", "postgres://app:•••••@h/db"),
            ("postgres://h:5432/db", "postgres://h:5432/db"),
            ("postgres://[::1]:5432/db", "postgres://[::1]:5432/db"),
            (
                "postgres://h/db?password=x&a=b",
                "postgres://h/db?password=•&a=b",
            ),
            (
                "host=h password='a b' user=u",
                "host=h password=••••' user=u",
            ),
            ("host=h password=ab user=u", "host=h password=•• user=u"),
        ] {
            assert_eq!(masked(text), shown);
            assert_eq!(masked(text).chars().count(), text.chars().count());
        }
    }

    #[test]
    fn the_cursor_follows_what_is_taken_out() {
        let text = "postgres://app:s3c@h";
        assert_eq!(
            without_password(text, 19),
            ("postgres://app@h".to_owned(), 15)
        );
        assert_eq!(without_password("postgres://h/d", 5).1, 5);
    }
}
