//! Holds every file under `src/` to the house rules: which room may know which, where SQL is built, where a clock is read.
//!
//! It reads text, not Rust: quick, without dependencies, and each rule proves on a bad snippet that it can fail. The crates that
//! howdah is built from have a rule of their own.

// Clippy then takes these modules for tests, where a panic is how to fail.
#[cfg(test)]
mod arrows;
#[cfg(test)]
mod licences;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod proof;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod source;

use std::path::Path;

use rules::RULES;

#[test]
fn the_house_rules_hold() {
    let found = source::all_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "");
    assert!(found.len() > 10, "the sources are elsewhere");
    let broken: Vec<String> = RULES
        .iter()
        .flat_map(|(rule, check)| {
            found.iter().flat_map(move |source| {
                let told = check(source).into_iter();
                told.map(move |what| format!("{rule}: src/{}: {what}", source.path))
            })
        })
        .collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}
