//! The report's pages of prose.

use super::Section;
use crate::app::format;
use crate::app::steps::preview::page::{Ink, Page, Writer};
use crate::model::definition::kinds;
use crate::model::report::{Report, Verdict};
use crate::report_text;

/// Differences on the summary before the reader is sent to the lists.
const LISTED: usize = 8;

pub(super) fn page(report: &Report, section: Section, columns: usize) -> Page {
    let mut out = Writer::new(columns);
    match section {
        Section::Summary => summary(report, &mut out),
        Section::Problems => problems(report, &mut out),
        Section::Objects => objects(report, &mut out),
        Section::Tables | Section::Sequences => {}
    }
    Page {
        title: section.title_in(report).to_owned(),
        rows: out.into_rows(),
        foot: Vec::new(),
    }
}

fn summary(report: &Report, out: &mut Writer) {
    let tables = report.tables.iter();
    let sequences = report.sequences.iter();
    let mut differences: Vec<_> = tables
        .filter(|table| table.verdict == Verdict::Different)
        .map(report_text::table_difference)
        .collect();
    differences.extend(
        sequences
            .filter(|sequence| sequence.verdict == Verdict::Different)
            .map(report_text::sequence_difference),
    );
    differences.extend(blobs(report, &Verdict::Different));
    let definitions = report.definitions.iter().flat_map(|d| &d.differences);
    differences.extend(definitions.map(report_text::definition_difference));
    list("What differs", Ink::Bad, &differences, LISTED, out);
    let failures: Vec<_> = report
        .failures
        .iter()
        .map(|(step, problem)| format!("{step}: {}", problem.message))
        .collect();
    let unfinished: Vec<_> = report
        .unfinished
        .iter()
        .map(report_text::unfinished)
        .collect();
    let title = "Foreign keys that hold for new rows only";
    list(title, Ink::Warning, &unfinished, LISTED, out);
    list("What failed", Ink::Bad, &failures, LISTED, out);
    if !failures.is_empty() {
        out.hanging("  The page Problems says more, and what to do.", 2);
    }
    list(
        "Left out after a failure",
        Ink::Bad,
        &pairs(&report.given_up),
        LISTED,
        out,
    );
    let arrivals = report_text::arrivals(report, LISTED);
    let title = "From the interrupted run";
    list(title, Ink::Heading, &arrivals, LISTED, out);
    let steps = &report.next_steps;
    list("What to do next", Ink::Heading, steps, usize::MAX, out);
    left_behind(report, out);
    let missed = &report.not_compared;
    list("What was not compared", Ink::Heading, missed, LISTED, out);
    out.blank();
    out.line(Ink::Heading, "Source and destination");
    out.hanging(&format!("  From  {}", report.source), 6);
    out.hanging(&format!("  To    {}", report.destination), 6);
    if !report.started_at.is_empty() {
        out.hanging(
            &format!("  Started {}", format::moment(&report.started_at)),
            2,
        );
    }
    if let Some(line) = blobs(report, &Verdict::Equal) {
        out.hanging(&format!("  {line}"), 2);
    }
    let counts = [
        (
            report.left_out.len(),
            "not carried, with the reason",
            "on the page Objects",
        ),
        (report.warnings.len(), "to know of", "on the page Problems"),
    ];
    for (number, what, place) in counts.into_iter().filter(|(number, ..)| *number > 0) {
        let things = format::counted(number as u64, "thing", "things");
        out.hanging(&format!("  {things} {what}: {place}"), 2);
    }
}

fn blobs(report: &Report, wanted: &Verdict) -> Option<String> {
    let blobs = report
        .large_objects
        .as_ref()
        .filter(|blobs| blobs.verdict == *wanted)?;
    Some(format!(
        "Large objects: {} on the source, {} on the destination, {}",
        format::count(blobs.source_count),
        report_text::rows(blobs.destination_count),
        report_text::verdict_word(&blobs.verdict)
    ))
}

fn problems(report: &Report, out: &mut Writer) {
    for (step, problem) in &report.failures {
        out.blank();
        out.line(Ink::Heading, step);
        out.problem(problem);
    }
    left_behind(report, out);
    let given_up = pairs(&report.given_up);
    let title = "Left out after a failure";
    list(title, Ink::Bad, &given_up, usize::MAX, out);
    let skipped = pairs(&report.skipped);
    list("Not run", Ink::Warning, &skipped, usize::MAX, out);
    let warnings = &report.warnings;
    list("Warnings", Ink::Warning, warnings, usize::MAX, out);
    if Section::Problems.count(report) == Some(0) {
        out.line(
            Ink::Good,
            "No step failed, and neither server gave a warning.",
        );
    }
}

fn pairs(steps: &[(String, String)]) -> Vec<String> {
    let told = steps.iter().map(|(step, why)| format!("{step}: {why}"));
    told.collect()
}

fn left_behind(report: &Report, out: &mut Writer) {
    if report.left_behind.is_empty() {
        return;
    }
    out.blank();
    out.line(
        Ink::Warning,
        "howdah could not remove some objects of its own from the destination; these statements do it",
    );
    for statement in &report.left_behind {
        out.sql(statement);
    }
}

fn objects(report: &Report, out: &mut Writer) {
    out.line(Ink::Heading, "Objects created on the destination");
    if report.objects.is_empty() {
        out.line(
            Ink::Prose,
            "  None: only rows and sequence values were copied.",
        );
    }
    for (kind, count) in &report.objects {
        let line = format!("{:>9}  {}", format::count(*count), kinds(kind, *count));
        out.hanging(&line, 11);
    }
    definitions(report, out);
    let left_out: Vec<_> = report
        .left_out
        .iter()
        .map(|it| format!("{}: {}", it.object, it.because))
        .collect();
    list("Left out", Ink::Warning, &left_out, usize::MAX, out);
    let removed = &report.removed;
    let title = "Removed from the destination afterwards";
    list(title, Ink::Heading, removed, usize::MAX, out);
}

/// Both definitions of every object that is not the same on both sides.
fn definitions(report: &Report, out: &mut Writer) {
    let Some(result) = &report.definitions else {
        return;
    };
    out.blank();
    out.line(Ink::Heading, "Definitions");
    let compared = format::counted(result.compared, "object", "objects");
    match &result.verdict {
        Verdict::Equal => out.line(Ink::Good, &format!("  {compared} compared, all equal")),
        Verdict::NotCompared(why) => out.hanging(&format!("  Not compared: {why}"), 2),
        Verdict::Different => {
            let number = format::count(result.differences.len() as u64);
            out.line(
                Ink::Bad,
                &format!("  {compared} compared, {number} different"),
            );
        }
    }
    for one in &result.differences {
        out.blank();
        out.line(Ink::Bad, &report_text::definition_difference(one));
        for (side, sql) in [("source", &one.source), ("destination", &one.destination)] {
            if let Some(sql) = sql {
                out.line(Ink::Note, &format!("-- on the {side}"));
                out.sql(sql);
            }
        }
    }
}

/// A heading and its lines, at most so many; nothing where there are none.
fn list(title: &str, ink: Ink, lines: &[String], most: usize, out: &mut Writer) {
    if lines.is_empty() {
        return;
    }
    out.blank();
    out.line(ink, title);
    for line in lines.iter().take(most) {
        for (number, part) in line.split('\n').enumerate() {
            let mark = if number == 0 { "•" } else { " " };
            out.hanging(&format!("  {mark} {part}"), 2);
        }
    }
    if lines.len() > most {
        let more = format::count((lines.len() - most) as u64);
        out.hanging(&format!("  and {more} more"), 2);
    }
}
