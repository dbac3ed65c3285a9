//! What README promises names the tests that hold it to that, and how many there are: neither may go stale.

use std::fs;
use std::path::Path;

const BEGIN: &str = "## What is guaranteed, and how that is tested\n";

/// Tests in a file, or in all files below a folder.
fn tests_in(path: &Path) -> usize {
    if path.is_dir() {
        let entries = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        return entries.map(|one| tests_in(&one)).sum();
    }
    let is_test = |line: &&str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    text.lines().map(str::trim).filter(is_test).count()
}

fn section(readme: &str) -> &str {
    let (_, section) = readme.split_once(BEGIN).expect("README has the section");
    section.split("\n## ").next().unwrap_or_default()
}

#[test]
fn readme_counts_the_tests_that_it_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let mut counted = 0;
    let mut wrong = Vec::new();
    for (at, _) in section(&readme).match_indices("`tests/") {
        let rest = section(&readme).split_at(at + 1).1;
        let (path, after) = rest.split_once('`').unwrap();
        let number = tests_in(&root.join(path));
        // Fixtures, and what brings a harness of its own, have none.
        if number == 0 {
            continue;
        }
        let noun = if number == 1 { "test" } else { "tests" };
        let said = format!(", {number} {noun}");
        let is_said = after
            .strip_prefix(&said)
            .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
        if !is_said {
            wrong.push(format!("`{path}`{said}"));
        }
        counted += 1;
    }
    assert!(counted > 15, "{counted}");
    assert!(wrong.is_empty(), "README should say:\n{}", wrong.join("\n"));
}

/// Modules of the database tests that have tests.
fn database_modules(root: &Path) -> Vec<String> {
    let folder = root.join("tests/database");
    let main = fs::read_to_string(folder.join("main.rs")).unwrap();
    let names = main.lines().filter_map(|line| line.strip_prefix("mod "));
    names
        .map(|line| line.trim_end_matches(';').to_owned())
        .filter(|name| {
            let file = folder.join(format!("{name}.rs"));
            tests_in(&if file.exists() {
                file
            } else {
                folder.join(name)
            }) > 0
        })
        .collect()
}

/// What the second pass leaves out is a module, with a reason, and no other module goes with it: the harness looks for the name
/// anywhere in a test's.
#[test]
fn the_second_pass_leaves_out_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = fs::read_to_string(root.join(".ci/run")).unwrap();
    let (_, list) = script.split_once("\nleft_out=(\n").unwrap();
    let (list, _) = list.split_once("\n)\n").unwrap();
    let modules = database_modules(root);
    for line in list.lines() {
        let (name, reason) = line.trim().trim_matches('\'').split_once(": ").unwrap();
        assert!(reason.split(' ').count() > 3, "{line}");
        let skipped: Vec<&String> = modules.iter().filter(|one| one.ends_with(name)).collect();
        assert_eq!(skipped, [name], "{line}");
    }
}

/// Figures in its sentences, and where each comes from.
#[test]
fn readme_has_the_figures_of_the_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let readme = read("README.md");
    let between = |path: &str, before: &str, after: &str| {
        let text = read(path);
        let (_, rest) = text
            .split_once(before)
            .unwrap_or_else(|| panic!("{path}: {before}"));
        rest.split(after).next().unwrap().to_owned()
    };
    let kinds = between("tests/database/hostile.rs", "const EVIL: [&str; ", "]");
    let left_out = between(".ci/run", "\nleft_out=(\n", "\n)\n");
    let left_out = left_out.lines().count();
    let modules = database_modules(root).len() - left_out;
    let faults = between("tests/faults/fault.rs", "const ALL: [Self; ", "]");
    let moments = between("tests/faults/moment.rs", "const ALL: [Self; ", "]");
    let cells = 2 * faults.parse::<u32>().unwrap() * moments.parse::<u32>().unwrap();
    for words in [
        format!("errors with {kinds} kinds of"),
        format!("{modules} modules of the database tests"),
        format!("the other {left_out} are in one list"),
        format!("The matrix of faults has {cells} cells"),
    ] {
        assert!(section(&readme).contains(&words), "README: {words}");
    }
}
