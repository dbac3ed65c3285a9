//! The texts of one report of each outcome.

use super::*;
use crate::model::samples;

#[test]
fn summaries() {
    for (name, report) in [
        ("done", samples::done()),
        ("different", samples::different()),
        ("failed", samples::failed()),
        ("cancelled", samples::cancelled()),
    ] {
        let text = summary(&report);
        let lines = text.lines().count();
        assert!((5..=13).contains(&lines), "{name}: {lines} lines");
        insta::assert_snapshot!(format!("summary_{name}"), text);
    }
}

#[test]
fn files() {
    insta::assert_snapshot!("markdown", markdown(&samples::failed()));
    insta::assert_snapshot!("json", json(&samples::failed()));
}

#[test]
fn not_compared_is_not_equal() {
    let mut report = samples::done();
    report.sequences.clear();
    report.large_objects = None;
    report.tables.truncate(2);
    report.tables[0].verdict = Verdict::NotCompared("switched off".to_owned());
    assert_eq!(
        headline(&report),
        "What was compared is equal: 1 table with 200 rows. Not compared: 1 table."
    );
    report.tables.truncate(1);
    assert_eq!(
        headline(&report),
        "Everything was carried, but nothing was compared: 1 table."
    );
    report.tables.clear();
    assert!(headline(&report).contains("no rows and no sequences"));
}

#[test]
fn hostile_names_stay_harmless() {
    let mut report = samples::different();
    report.tables[4].name.name = "a|b`\u{1b}[31m\nc".to_owned();
    let text = summary(&report);
    assert!(!text.contains('\u{1b}') && text.contains("public.a|b`\\u{1b}[31m\\nc"));
    let text = markdown(&report);
    assert!(!text.contains('\u{1b}') && text.contains("public.a\\|b\\`"));
}
