//! Which room may know which.

#![expect(
    clippy::string_slice,
    reason = "every cut stands beside an ASCII character or a match that was just found"
)]

use crate::source::{Source, line, words};

/// The rooms from the top of the house; a room may use those in a later line, and itself.
const FLOORS: [&[&str]; 8] = [
    &["main", "cli"],
    &["shell", "headless"],
    &["demo", "ui"],
    &["app"],
    &["engine", "checks"],
    &["pg"],
    &["planner"],
    &["sql", "settings"],
];

/// Below all floors.
const GROUND: &str = "model";

/// Rooms that stand outside of the floors: what `room` may use.
const ONLY: [(&str, &[&str]); 5] = [
    ("demo", &["pg", "settings", "model"]),
    (
        "headless",
        &[
            "engine", "checks", "pg", "planner", "sql", "settings", "model", "signals",
        ],
    ),
    ("signals", &[]),
    ("lib", &[]),
    ("model", &[]),
];

/// Crates and rooms that a room must not know although they lie below it or outside of the house.
const NEVER: [(&str, &[&str]); 9] = [
    (
        "ui",
        &[
            "engine",
            "checks",
            "pg",
            "tokio",
            "tokio_postgres",
            "tokio_util",
        ],
    ),
    (
        "app",
        &[
            "engine",
            "checks",
            "pg",
            "tokio",
            "tokio_postgres",
            "tokio_util",
            "ratatui",
            "crossterm",
        ],
    ),
    ("engine", &["ratatui", "crossterm"]),
    ("checks", &["ratatui", "crossterm"]),
    ("pg", &["ratatui", "crossterm"]),
    (
        "planner",
        &[
            "tokio",
            "tokio_postgres",
            "ratatui",
            "crossterm",
            "std::fs",
            "std::process",
        ],
    ),
    (
        "sql",
        &[
            "tokio",
            "tokio_postgres",
            "ratatui",
            "crossterm",
            "std::fs",
            "std::process",
        ],
    ),
    (
        "settings",
        &["tokio", "tokio_postgres", "ratatui", "crossterm"],
    ),
    (
        "model",
        &[
            "tokio",
            "tokio_postgres",
            "ratatui",
            "crossterm",
            "std::fs",
            "std::process",
        ],
    ),
];

/// Rooms without network; addresses they may parse.
const OFFLINE: [&str; 4] = ["planner", "sql", "settings", "model"];
const NETWORK: [&str; 5] = [
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "ToSocketAddrs",
];

/// The only files of `settings` that may look at the machine.
const SETTINGS_THAT_READ: [&str; 10] = [
    "resolve",
    "environment",
    "passfile",
    "service",
    "plan_file",
    "selection_file",
    "recent",
    "known",
    "unheeded",
    "config",
];

fn is_room(name: &str) -> bool {
    name == GROUND || floor(name).is_some() || ONLY.iter().any(|(room, _)| *room == name)
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn may_use(room: &str, other: &str) -> bool {
    if room == other {
        return true;
    }
    if let Some((_, allowed)) = ONLY.iter().find(|(name, _)| *name == room) {
        return allowed.contains(&other);
    }
    if NEVER
        .iter()
        .any(|(name, not)| *name == room && not.contains(&other))
    {
        return false;
    }
    match other {
        GROUND => true,
        "demo" => floor(room) == Some(0),
        "signals" => floor(room).is_some_and(|floor| floor <= 1),
        // Two rooms of one floor do not know each other, but for the two files at the door.
        _ => floor(room) < floor(other) || floor(room) == Some(0),
    }
}

pub(crate) fn arrows(source: &Source) -> Vec<String> {
    let room = source.room();
    let mut broken: Vec<String> = rooms_used(source)
        .into_iter()
        .filter(|(_, other)| !may_use(room, other))
        .map(|(line, other)| format!("line {line}: {room} must not use {other}"))
        .collect();
    let never = NEVER.iter().filter(|(name, _)| *name == room);
    for outside in never
        .flat_map(|(_, not)| not.iter())
        .filter(|name| !is_room(name))
    {
        if source.mentions(outside) {
            broken.push(format!("{room} must not use {outside}"));
        }
    }
    if OFFLINE.contains(&room) {
        let used = words(&source.code).filter(|(_, word)| NETWORK.contains(word));
        broken.extend(used.map(|(at, word)| {
            format!(
                "line {}: {room} must not use {word}",
                line(&source.code, at)
            )
        }));
    }
    if room == "settings" && !SETTINGS_THAT_READ.contains(&source.stem()) && !source.is_test() {
        for outside in ["std::fs", "std::env"] {
            if source.mentions(outside) {
                broken.push(format!(
                    "only {SETTINGS_THAT_READ:?} of settings may use {outside}"
                ));
            }
        }
    }
    broken
}

/// The rooms a file names: `crate::x`, `howdah::x`, `crate::{x, y::…}`, and enough `super`s to reach the top.
fn rooms_used(source: &Source) -> Vec<(usize, String)> {
    let depth = source.path.split('/').count() - usize::from(source.stem() == "mod");
    let code = &source.code;
    let mut found = Vec::new();
    let mut supers = 0;
    let mut previous_end = 0;
    for (at, word) in words(code) {
        if word == "super" {
            let chained = code[previous_end..at].trim() == "::";
            supers = if chained { supers + 1 } else { 1 };
        } else if supers > 0 && code[previous_end..at].trim() != "::" {
            supers = 0;
        }
        previous_end = at + word.len();
        let is_top = word == "crate" || word == "howdah" || (word == "super" && supers >= depth);
        let Some(rest) = code[previous_end..].trim_start().strip_prefix("::") else {
            continue;
        };
        if !is_top || code[..at].ends_with('$') {
            continue;
        }
        let rest = rest.trim_start();
        let names = match rest.strip_prefix('{') {
            Some(group) => heads(group),
            None => words(rest)
                .take(1)
                .map(|(_, word)| word.to_owned())
                .collect(),
        };
        let by_super = word == "super";
        let names = names.into_iter().filter(|name| !by_super || is_room(name));
        found.extend(names.map(|name| (line(code, at), name)));
    }
    found.retain(|(_, name)| is_room(name));
    found
}

/// The first word of each item of a use group whose opening brace was just read.
fn heads(group: &str) -> Vec<String> {
    let mut depth = 1;
    let mut heads = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => heads.push(String::new()),
            c if depth == 1 => heads.last_mut().into_iter().for_each(|head| head.push(c)),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    heads
        .iter()
        .filter_map(|head| words(head).next().map(|(_, word)| word.to_owned()))
        .collect()
}
