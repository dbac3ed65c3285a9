//! Files of the repository that are made from the program: tests hold them to it, and `HOWDAH_UPDATE=1 cargo test --lib up_to_date`
//! writes them anew.

use std::fs;
use std::path::{Path, PathBuf};

const RENEW: &str = "HOWDAH_UPDATE=1 cargo test --lib up_to_date";

pub(crate) fn path(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

/// The file is this text.
#[track_caller]
pub(crate) fn whole(below: &str, text: &str) {
    let found = fs::read_to_string(path(below)).unwrap_or_default();
    if found == text {
        return;
    }
    if std::env::var_os("HOWDAH_UPDATE").is_some() {
        fs::create_dir_all(path(below).parent().unwrap()).unwrap();
        fs::write(path(below), text).unwrap();
        return;
    }
    // The whole of it would drown the line that matters.
    let differs = found
        .lines()
        .zip(text.lines())
        .find(|(old, new)| old != new);
    panic!("{below} is not what the program makes of it ({differs:?}); renew it: {RENEW}");
}

/// What stands between the marks `<!-- NAME: begin … -->` and `<!-- NAME: end -->`, which each have a line to themselves.
#[track_caller]
pub(crate) fn part(below: &str, name: &str, text: &str) {
    let found = fs::read_to_string(path(below)).unwrap();
    let mut lines: Vec<&str> = found.lines().collect();
    let line_of = |mark: &str| {
        let start = format!("<!-- {name}: {mark}");
        let at = lines.iter().position(|line| line.starts_with(&start));
        at.unwrap_or_else(|| panic!("{below} has no line {start}"))
    };
    let (begin, end) = (line_of("begin"), line_of("end"));
    lines.splice(begin + 1..end, text.lines());
    whole(below, &(lines.join("\n") + "\n"));
}
