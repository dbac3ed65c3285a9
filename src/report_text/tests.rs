//! The texts of one report of each outcome.

use super::*;
use crate::model::forecast::{Ending, Forecast};
use crate::model::name::ObjectName;
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
fn forecasts() {
    for (name, forecast) in [
        ("done", samples::forecast()),
        ("failed", samples::forecast_of_failure()),
    ] {
        let text = forecast_text(&forecast);
        assert!(text.lines().all(|line| line.chars().count() < 80), "{text}");
        insta::assert_snapshot!(format!("forecast_{name}"), text);
    }
    let json = format!("{:#}", forecast_json(&samples::forecast_of_failure()));
    insta::assert_snapshot!("forecast_json", json);
}

#[test]
fn a_stopped_rehearsal_has_no_forecast() {
    let stopped = Forecast {
        ending: Ending::Cancelled,
        window: None,
        ..samples::forecast()
    };
    assert!(forecast_text(&stopped).starts_with("The rehearsal was stopped"));
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
        "What was counted or compared is equal: 1 table with 200 rows. Not compared: 1 table."
    );
    report.tables.truncate(1);
    assert_eq!(
        headline(&report),
        "Everything was copied, but nothing was compared: 1 table."
    );
    report.tables.clear();
    assert!(headline(&report).contains("no rows and no sequences"));
}

#[test]
fn hostile_names_stay_harmless() {
    let mut report = samples::different();
    report.tables[4].name = ObjectName::new("public", "a|b`\u{1b}[31m\nc");
    let text = summary(&report);
    assert!(!text.contains('\u{1b}') && text.contains("public.a|b`\\u{1b}[31m\\nc"));
    let text = markdown(&report);
    assert!(!text.contains('\u{1b}') && text.contains("public.a\\|b\\`"));
}

/// Names and messages are no Markdown, whatever they look like: neither in cells and headings nor where a line begins with them.
#[test]
fn what_looks_like_markdown_is_text() {
    let mut report = samples::failed();
    let name = "a](http://x) | b `c` &lt; &#x202e; <img> ~~d~~ **e**\n# f";
    report.tables[0].name = ObjectName::new("public", name);
    report.failures[0].0 = name.to_owned();
    report.failures[0].1.message = "```\n# out of the fence\n````".to_owned();
    report.warnings =
        vec!["said\n---\n===\n# a\n- b\n+ c\n1. d\n12) e\n    f\n| g |\n> h".to_owned()];
    let text = markdown(&report);
    let escaped = r"a\](http://x) \| b \`c\` \&lt; \&\#x202e; \<img\> \~\~d\~\~ \*\*e\*\*\\n\# f";
    assert!(text.contains(&format!("| public.{escaped} |")), "{text}");
    assert!(text.contains(&format!("### {escaped}\n")), "{text}");
    let fenced = text.split("`````\n").nth(1).unwrap_or_default();
    assert!(
        fenced.contains("    # out of the fence\n    ````"),
        "{text}"
    );
    for line in [
        r"\---", r"\===", r"\# a", r"\- b", r"\+ c", r"1\. d", r"12\) e", "f", r"\| g \|", r"\> h",
    ] {
        assert!(text.contains(&format!("\n  {line}\n")), "{line}: {text}");
    }
}
