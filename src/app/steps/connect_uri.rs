//! The URI field: how a pasted or typed URI is recognised, and how a password in it is kept off the screen.

use std::ops::Range;

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
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.trim());
    let is_uri = scheme.is_some_and(|scheme| scheme.chars().all(char::is_alphanumeric));
    let mut at = 0;
    while let Some(value) = password_by_name(&chars, at, is_uri) {
        hidden[value.clone()].fill(true);
        at = value.end;
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

/// Where the value of the next `password=` stands, from `at` on, as far as it is typed. As for libpq, blanks may stand around the
/// sign, quotes around the value, and a backslash takes the next character as it is; in a URI a value ends at `&`.
fn password_by_name(chars: &[char], at: usize, is_uri: bool) -> Option<Range<usize>> {
    let name: Vec<char> = "password".chars().collect();
    let is_name = |from: &usize| {
        let word = chars.iter().skip(*from).take(name.len());
        word.map(char::to_ascii_lowercase).eq(name.iter().copied())
    };
    let after_blanks = |from: usize| {
        let blanks = chars.iter().skip(from).take_while(|c| c.is_whitespace());
        from + blanks.count()
    };
    for found in (at..chars.len()).filter(is_name) {
        let sign = after_blanks(found + name.len());
        if chars.get(sign) != Some(&'=') {
            continue;
        }
        let from = if is_uri {
            sign + 1
        } else {
            after_blanks(sign + 1)
        };
        let is_quoted = !is_uri && chars.get(from) == Some(&'\'');
        let mut end = from + usize::from(is_quoted);
        while let Some(c) = chars.get(end) {
            let is_end = match (is_uri, is_quoted) {
                (true, _) => *c == '&',
                (false, true) => *c == '\'',
                (false, false) => c.is_whitespace(),
            };
            if is_end {
                break;
            }
            end += if *c == '\\' && !is_uri { 2 } else { 1 };
        }
        return Some(from..end.min(chars.len()));
    }
    None
}

/// Where the password of `scheme://user:password@…` stands, also while the `@` is not typed yet.
fn password_in_authority(chars: &[char]) -> Option<(usize, usize)> {
    let scheme = chars.windows(3).position(|three| three == [':', '/', '/']);
    // A URI whose beginning is missing is none, and no reason to show its password.
    let start = scheme.map_or(0, |at| at + 3);
    if scheme.is_none() && (!chars.contains(&'@') || chars.contains(&'=')) {
        return None;
    }
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
            ("password = ab user=u", "password = •• user=u"),
            ("password='a://b&c'", "password=••••••••'"),
            ("password\t=\n'a b' user=u", "password\t=\n••••' user=u"),
            (r"password='it\'s it' user=u", "password=•••••••••' user=u"),
            (r"password=a\ b\\ user=u", "password=•••••• user=u"),
            ("password='a b", "password=••••"),
            (r"password=a\", "password=••"),
            ("password=a password=b", "password=• password=•"),
            ("password=a&b c=d", "password=••• c=d"),
            (
                "postgres://h/d?password=a b'c&x=y",
                "postgres://h/d?password=•••••&x=y",
            ),
            ("app:s3c@h/db", "app:•••@h/db"),
            ("localhost:5432", "localhost:5432"),
            ("host=a:1 user=b@c", "host=a:1 user=b@c"),
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
