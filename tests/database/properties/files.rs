//! Password and service files are read as libpq reads them.

use std::fs;

use proptest::prelude::*;
use proptest::sample::select;

use super::check;
use super::ear::PORT;
use super::names::name;
use super::surroundings::Surroundings;

fn escape(text: &str) -> String {
    text.replace('\\', r"\\").replace(':', r"\:")
}

/// One field of the password file that is about `wanted`, or almost.
fn field(wanted: &str, style: u8) -> String {
    match style {
        0..=3 => "*".to_owned(),
        4..=7 => escape(wanted),
        8 | 9 => wanted.to_owned(),
        10 => wanted
            .chars()
            .fold(String::new(), |text, c| text + "\\" + &String::from(c)),
        11 => r"\*".to_owned(),
        12 => format!("{}x", escape(wanted)),
        13 => "**".to_owned(),
        14 => " *".to_owned(),
        15 => "localhost".to_owned(),
        16 => wanted.to_uppercase(),
        _ => String::new(),
    }
}

const ENDS: [&str; 14] = [
    "", "", "", "\r", "\r\r", "\\", "\\\\", "\\:x", ":", ":x", " ", "é", "\\\r", "#",
];
const STARTS: [&str; 8] = ["", "", "", "", "#", " ", "\n", "\r"];

#[test]
fn the_password_file_gives_the_password_it_gives_to_libpq() {
    let surroundings = Surroundings::new();
    let host = surroundings.ear.host().to_owned();
    let lines = prop::collection::vec(
        (
            select(&STARTS[..]),
            prop::array::uniform4(0..18_u8),
            any::<bool>(),
            select(&ENDS[..]),
        ),
        0..6,
    );
    check(300, &(name(), name(), lines), |(user, database, lines)| {
        let wanted = [host.as_str(), &PORT.to_string(), &database, &user];
        let mut file = String::new();
        for (number, (start, styles, has_password, end)) in lines.iter().enumerate() {
            let fields = wanted
                .iter()
                .zip(styles)
                .map(|(wanted, style)| field(wanted, *style));
            let password = if *has_password {
                format!("pw{number}")
            } else {
                String::new()
            };
            file += &format!(
                "{start}{}:{password}{end}\n",
                fields.collect::<Vec<_>>().join(":")
            );
        }
        surroundings.write_pgpass(&file);
        fs::write(surroundings.service_file(), "").unwrap();
        let quote = |text: &str| format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"));
        let text = format!(
            "host={} user={} dbname={}",
            quote(&host),
            quote(&user),
            quote(&database)
        );
        surroundings.agree(&text, &[])?;
        surroundings.write_pgpass(file.trim_end_matches('\n'));
        surroundings.agree(&text, &[])
    });
}

const SERVICE_LINES: [&str; 34] = [
    "[a]",
    "[a]",
    "[a]",
    " [a]\t",
    "[a] # mine",
    "[a]]",
    "[ab]",
    "[b]",
    "[A]",
    "[ a ]",
    "[a",
    "[]",
    "# [a]",
    "",
    "  ",
    "user=x",
    "user=y",
    " user=z ",
    "user= x",
    "user =x",
    "user\t=x",
    "user=\u{a0}x\u{a0}",
    "user=x=y",
    "USER=x",
    "dbname=x\r",
    "dbname=d",
    "password=p # x",
    "port=5432",
    "port=5433",
    "service=b",
    "nonsense",
    "=x",
    "options=-c a=b",
    "#user=x",
];

#[test]
fn the_service_file_says_what_it_says_to_libpq() {
    let surroundings = Surroundings::new();
    surroundings.write_pgpass("*:*:*:*:of file\n");
    let host = surroundings
        .ear
        .host()
        .replace('\\', r"\\")
        .replace('\'', r"\'");
    let lines = prop::collection::vec(select(&SERVICE_LINES[..]), 0..8);
    let rest = select(
        &[
            "service=a",
            "service=a user=typed",
            "service=ab",
            "service='a '",
            "",
        ][..],
    );
    let variables = select(&["", "PGUSER", "PGSERVICE", "PGPASSWORD"][..]);
    check(400, &(lines, rest, variables), |(lines, rest, variable)| {
        let head = if lines.len() % 2 == 0 { "[a]\n" } else { "" };
        fs::write(
            surroundings.service_file(),
            format!("{head}{}", lines.join("\n")),
        )
        .unwrap();
        let variables = if variable.is_empty() {
            Vec::new()
        } else {
            vec![(variable, "a".to_owned())]
        };
        surroundings.agree(&format!("host='{host}' {rest}"), &variables)
    });
}
