//! The house rules, each a function from a file to what is wrong with it.

use crate::source::Source;

pub(crate) use crate::arrows::arrows;

const FORBIDDEN_NAMES: [&str; 5] = ["utils", "util", "helpers", "common", "misc"];
const LONGEST_FILE: usize = 600;

pub(crate) fn names(source: &Source) -> Vec<String> {
    source
        .path
        .split('/')
        .map(|part| part.strip_suffix(".rs").unwrap_or(part))
        .filter(|part| FORBIDDEN_NAMES.contains(part))
        .map(|part| format!("\"{part}\" says nothing of what lives there"))
        .collect()
}

pub(crate) fn headers(source: &Source) -> Vec<String> {
    let has_header = source.text.starts_with("//!");
    (!has_header)
        .then(|| "does not start with //!".to_owned())
        .into_iter()
        .collect()
}

pub(crate) fn length(source: &Source) -> Vec<String> {
    let count = source.text.lines().count();
    (count > LONGEST_FILE)
        .then(|| format!("{count} lines, at most {LONGEST_FILE}"))
        .into_iter()
        .collect()
}

pub(crate) fn clocks(source: &Source) -> Vec<String> {
    // A test may: there is no other way to make an Instant.
    if !["app", "ui"].contains(&source.room()) || source.is_test() {
        return Vec::new();
    }
    let code: String = source
        .production
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    [
        "Instant::now",
        "SystemTime::now",
        "Timestamp::now",
        "Zoned::now",
    ]
    .into_iter()
    .filter(|clock| code.contains(clock))
    .map(|clock| format!("reads a clock: {clock}"))
    .collect()
}

/// SQL with holes in it is built in `sql` alone; a fixed query is not building.
pub(crate) fn built_sql(source: &Source) -> Vec<String> {
    if ["sql", "demo"].contains(&source.room()) || source.is_test() {
        return Vec::new();
    }
    source
        .strings
        .iter()
        .filter(|(_, text)| is_sql(text) && has_hole(text))
        .map(|(line, text)| format!("line {line}: builds SQL outside of sql/: {text}"))
        .collect()
}

fn is_sql(text: &str) -> bool {
    const OBJECTS: &str = "SCHEMA TABLE UNIQUE INDEX SERVER USER EXTENSION DATABASE FOREIGN SEQUENCE MATERIALIZED VIEW TYPE FUNCTION \
        TRIGGER UNLOGGED TEMP TEMPORARY OR ROLE SYSTEM LARGE DEFAULT";
    let text = text.trim_start();
    let words: Vec<&str> = text.split_whitespace().collect();
    // "Drop the table" is English; howdah writes SQL keywords in one case.
    let keyword = words.first().copied().unwrap_or_default();
    let is_upper = keyword.chars().all(char::is_uppercase);
    if !is_upper && !keyword.chars().all(char::is_lowercase) {
        return false;
    }
    let second = words
        .get(1)
        .map(|word| word.to_uppercase())
        .unwrap_or_default();
    let has = |phrase: &str| text.to_uppercase().contains(phrase);
    match keyword.to_uppercase().as_str() {
        "SELECT" => is_upper || has(" FROM ") || text.contains('('),
        "TRUNCATE" => is_upper || second == "TABLE" || second == "ONLY",
        "INSERT" => second == "INTO",
        "COPY" => has("TO STDOUT") || has("FROM STDIN"),
        "CREATE" | "DROP" | "ALTER" => OBJECTS.split_whitespace().any(|object| object == second),
        _ => false,
    }
}

/// A place for a value, or an open end to which something is to be pushed.
fn has_hole(text: &str) -> bool {
    let text = text.replace("{{", "").replace("}}", "");
    text.contains('{') || text.ends_with([' ', '"', '('])
}

pub(crate) type Rule = (&'static str, fn(&Source) -> Vec<String>);

pub(crate) const RULES: [Rule; 6] = [
    ("arrows", arrows),
    ("names", names),
    ("headers", headers),
    ("length", length),
    ("clocks", clocks),
    ("SQL", built_sql),
];
