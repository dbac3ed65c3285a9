//! The `key=value` form of a connection string (manual, "Keyword/Value Connection Strings").

use std::iter::Peekable;
use std::str::Chars;

use super::conninfo::{ConnectionInfo, is_blank};

/// Values with blanks stand in single quotes; a backslash takes the next character as it is.
pub(super) fn parse(text: &str) -> Result<ConnectionInfo, String> {
    let mut info = ConnectionInfo::default();
    let mut chars = text.chars().peekable();
    let mut previous = String::new();
    loop {
        skip_blanks(&mut chars);
        if chars.peek().is_none() {
            return Ok(info);
        }
        let name = take_while(&mut chars, |c| c != '=' && !is_blank(c));
        skip_blanks(&mut chars);
        if chars.next_if_eq(&'=').is_none() {
            return Err(after(&previous, "a word stands without \"=\""));
        }
        skip_blanks(&mut chars);
        let value = value(&mut chars)
            .ok_or_else(|| after(&previous, "a value lacks its closing single quote"))?;
        info.set(&name, &value).map_err(|message| {
            // After an unquoted password with a blank, the "name" may be the rest of the password.
            if previous == "password" && message.contains("known") {
                after(&previous, "there is no known parameter")
            } else {
                message
            }
        })?;
        previous = name;
    }
}

/// Says where, by the name of the parameter before: the text itself could be part of a password.
fn after(previous: &str, what: &str) -> String {
    if previous.is_empty() {
        format!("{what} at its beginning; values with blanks are written in single quotes")
    } else {
        format!("{what} after \"{previous}\"; values with blanks are written in single quotes")
    }
}

fn value(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    let is_quoted = chars.next_if_eq(&'\'').is_some();
    let mut value = String::new();
    loop {
        match chars.next() {
            None => return (!is_quoted).then_some(value),
            Some('\'') if is_quoted => return Some(value),
            Some(c) if !is_quoted && is_blank(c) => return Some(value),
            Some('\\') => value.extend(chars.next()),
            Some(c) => value.push(c),
        }
    }
}

fn skip_blanks(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| is_blank(*c)).is_some() {}
}

fn take_while(chars: &mut Peekable<Chars<'_>>, wanted: impl Fn(char) -> bool) -> String {
    let mut text = String::new();
    while let Some(c) = chars.next_if(|c| wanted(*c)) {
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotes_and_backslashes() {
        let info = parse(r"host = localhost  port=5433 user='o''' ").unwrap_err();
        assert!(info.contains("after \"user\""), "{info}");
        let info = parse(r"host = localhost user='o\'neil' password=a\ b\\ dbname=''").unwrap();
        assert_eq!(info.host.as_deref(), Some("localhost"));
        assert_eq!(info.user.as_deref(), Some("o'neil"));
        assert_eq!(info.password.unwrap().expose(), "a b\\");
        assert_eq!(info.database, None);
    }

    #[test]
    fn only_what_libpq_takes_for_a_blank_ends_a_value() {
        let password = |text: &str| ConnectionInfo::parse(text).unwrap().password;
        let password = |text: &str| password(text).map(|secret| secret.expose().to_owned());
        assert_eq!(
            password("password=a\u{a0}b user=u").as_deref(),
            Some("a\u{a0}b")
        );
        assert_eq!(password("password=a\\ ").as_deref(), Some("a "));
        assert_eq!(password("\x0bpassword=a\x0b").as_deref(), Some("a"));
    }

    #[test]
    fn an_unquoted_password_is_not_told() {
        for text in [
            "password=my secret",
            "password=my secret=1",
            "password='my secret",
        ] {
            let message = parse(text).unwrap_err();
            assert!(!message.contains("secret"), "{message}");
        }
    }

    proptest! {
        #[test]
        fn what_is_quoted_comes_back(host in "[^,\0]+", user in "[^\0]+") {
            let quote = |text: &str| format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"));
            let info = parse(&format!("host={} user={}", quote(&host), quote(&user))).unwrap();
            prop_assert_eq!(info.host, Some(host));
            prop_assert_eq!(info.user, Some(user));
        }
    }
}
