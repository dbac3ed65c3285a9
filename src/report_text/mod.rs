//! A report in words: a short summary for the normal screen, Markdown to keep, JSON for programs.
//!
//! Pure, and known to the model only. What a server named is made harmless before it stands in a line.

mod forecast;
mod json;
mod markdown;
#[cfg(test)]
mod tests;

pub use forecast::{forecast_headline, forecast_json, forecast_lines, forecast_text, wrapped};
pub use json::json;
pub use markdown::markdown;

use crate::model::definition::{Change, DefinitionDifference};
use crate::model::format::{bytes_plain, count, counted, duration};
use crate::model::name::{printable, printable_lines};
use crate::model::options::Method;
use crate::model::report::{
    Arrival, Outcome, Report, SequenceResult, TableResult, Unfinished, Verdict,
};

/// Lines of one kind in the summary; the rest is counted.
const SHOWN: usize = 3;

/// How many results of one kind ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub equal: u64,
    pub different: u64,
    pub not_compared: u64,
}

impl Tally {
    pub fn of<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> Self {
        let mut tally = Self::default();
        for verdict in verdicts {
            match verdict {
                Verdict::Equal => tally.equal += 1,
                Verdict::Different => tally.different += 1,
                Verdict::NotCompared(_) => tally.not_compared += 1,
            }
        }
        tally
    }

    pub fn total(self) -> u64 {
        self.equal + self.different + self.not_compared
    }
}

pub fn table_tally(report: &Report) -> Tally {
    Tally::of(report.tables.iter().map(|t| &t.verdict))
}

pub fn sequence_tally(report: &Report) -> Tally {
    Tally::of(report.sequences.iter().map(|s| &s.verdict))
}

/// The outcome as one word.
pub fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Failed => "failed",
        Outcome::Different => "different",
        Outcome::Cancelled => "stopped",
    }
}

/// The outcome as the title of a box.
pub fn outcome_title(report: &Report) -> &'static str {
    match report.outcome {
        Outcome::Done => "Done",
        Outcome::Failed => "Failed",
        Outcome::Different if !report.differs() => "Incomplete",
        Outcome::Different => "Different",
        Outcome::Cancelled => "Stopped",
    }
}

/// The outcome as a sentence. "Not compared" is never told as equal.
pub fn headline(report: &Report) -> String {
    let (tables, sequences) = (table_tally(report), sequence_tally(report));
    match report.outcome {
        Outcome::Done => done(report, tables, sequences),
        Outcome::Different => {
            let mut parts = Vec::new();
            if tables.different > 0 {
                parts.push(of_all(tables.different, tables.total(), "table", "tables"));
            }
            if sequences.different > 0 {
                let all = sequences.total();
                parts.push(of_all(sequences.different, all, "sequence", "sequences"));
            }
            if large_objects(report) == Some(&Verdict::Different) {
                parts.push("the large objects".to_owned());
            }
            let definitions = report.definitions.iter().flat_map(|d| &d.differences);
            let definitions = definitions.count() as u64;
            if definitions > 0 {
                parts.push(format!(
                    "the definitions of {}",
                    counted(definitions, "object", "objects")
                ));
            }
            let unfinished = report.unfinished.len() as u64;
            let given_up = report.given_up.len() as u64;
            if parts.is_empty() && unfinished == 0 {
                return format!(
                    "{} left out after a failure; everything else was copied.",
                    counted(given_up, "step was", "steps were")
                );
            }
            let mut text = match (parts.is_empty(), unfinished) {
                (true, unfinished) => format!(
                    "Everything was copied, but {} for new rows only: rows that were copied break {}.",
                    counted(unfinished, "foreign key holds", "foreign keys hold"),
                    if unfinished == 1 { "it" } else { "them" }
                ),
                (false, 0) => format!("The copy differs from the original in {}.", listed(&parts)),
                (false, unfinished) => format!(
                    "The copy differs from the original in {}; {} for new rows only.",
                    listed(&parts),
                    counted(unfinished, "foreign key holds", "foreign keys hold")
                ),
            };
            if given_up > 0 {
                let left_out = counted(given_up, "step was", "steps were");
                text.push_str(&format!(" {left_out} left out after a failure."));
            }
            text
        }
        Outcome::Failed => {
            let what = if report.is_comparison {
                "comparison"
            } else {
                "migration"
            };
            let mut text = format!(
                "The {what} failed: {}",
                counted(report.failures.len() as u64, "step failed", "steps failed")
            );
            if !report.skipped.is_empty() {
                let skipped = report.skipped.len() as u64;
                text.push_str(&format!(
                    ", {} not run",
                    counted(skipped, "other was", "others were")
                ));
            }
            if report.is_comparison {
                return format!("{text}.");
            }
            format!("{text}. {}", arrived(tables))
        }
        Outcome::Cancelled if report.is_comparison => {
            "The comparison was stopped before its end.".to_owned()
        }
        Outcome::Cancelled => format!(
            "The migration was stopped before its end. {}",
            arrived(tables)
        ),
    }
}

fn done(report: &Report, tables: Tally, sequences: Tally) -> String {
    let rows: u64 = report
        .tables
        .iter()
        .filter(|t| t.verdict == Verdict::Equal)
        .filter_map(|t| t.source_rows)
        .sum();
    let mut compared = Vec::new();
    if tables.equal > 0 {
        compared.push(format!(
            "{} with {}",
            counted(tables.equal, "table", "tables"),
            counted(rows, "row", "rows")
        ));
    }
    let with_rows = compared.len();
    if sequences.equal > 0 {
        compared.push(counted(sequences.equal, "sequence", "sequences"));
    }
    if large_objects(report) == Some(&Verdict::Equal) {
        let number = report.large_objects.as_ref().map_or(0, |l| l.source_count);
        compared.push(counted(number, "large object", "large objects"));
    }
    if let Some(definitions) = definitions_equal(report) {
        compared.push(counted(definitions, "definition", "definitions"));
    }
    let mut missed = Vec::new();
    if tables.not_compared > 0 {
        missed.push(counted(tables.not_compared, "table", "tables"));
    }
    if sequences.not_compared > 0 {
        missed.push(counted(sequences.not_compared, "sequence", "sequences"));
    }
    if matches!(large_objects(report), Some(Verdict::NotCompared(_))) {
        missed.push("the large objects".to_owned());
    }
    match (compared.is_empty(), missed.is_empty()) {
        (true, true) if report.is_comparison => "There was nothing to compare.".to_owned(),
        (true, true) => {
            "Everything was copied; there were no rows and no sequences to compare.".to_owned()
        }
        (true, false) => format!(
            "Everything was copied, but nothing was compared: {}.",
            listed(&missed)
        ),
        // A count proves that all have come, not what they hold.
        (false, true) if report.is_counted_only && with_rows > 0 => {
            let (tables, others) = compared.split_at(with_rows);
            let equal = match others {
                [] => String::new(),
                others => format!("; equal: {}", listed(others)),
            };
            let found = if report.is_comparison {
                "Both sides agree"
            } else {
                "The copy is complete"
            };
            format!("{found}: {} counted on both sides{equal}.", listed(tables))
        }
        (false, true) => format!(
            "The copy equals the original: {} compared.",
            listed(&compared)
        ),
        (false, false) => format!(
            "What was {} is equal: {}. Not compared: {}.",
            if report.is_counted_only {
                "counted or compared"
            } else {
                "compared"
            },
            listed(&compared),
            listed(&missed)
        ),
    }
}

/// How many definitions were found equal, where they were compared.
fn definitions_equal(report: &Report) -> Option<u64> {
    let definitions = report.definitions.as_ref()?;
    let equal = definitions
        .compared
        .saturating_sub(definitions.rewritten.len() as u64);
    (definitions.verdict == Verdict::Equal && equal > 0).then_some(equal)
}

fn large_objects(report: &Report) -> Option<&Verdict> {
    report.large_objects.as_ref().map(|l| &l.verdict)
}

/// `2 of 31 tables`.
fn of_all(part: u64, all: u64, singular: &str, plural: &str) -> String {
    format!("{} of {}", count(part), counted(all, singular, plural))
}

fn arrived(tables: Tally) -> String {
    if tables.total() == 0 {
        return "There were no rows to copy.".to_owned();
    }
    let verb = if tables.equal == 1 { "is" } else { "are" };
    format!(
        "{} {verb} copied and equal.",
        of_all(tables.equal, tables.total(), "table", "tables")
    )
}

/// `a`, `a and b`, `a, b and c`.
fn listed(parts: &[String]) -> String {
    match parts.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// How long it took, how much was moved and how long the source was held; a sentence.
pub fn time_taken(report: &Report) -> String {
    let mut text = format!("It took {}", duration(report.elapsed_ms));
    if report.byte_count() > 0 {
        text.push_str(&format!(
            " for {} of rows",
            bytes_plain(report.byte_count())
        ));
    }
    if let Some(held) = report.snapshot_held_ms {
        text.push_str(&format!(
            "; the source's snapshot was held for {}",
            duration(held)
        ));
    }
    text + "."
}

/// How a table's rows went: `COPY binary`; nothing where sides were only compared.
pub fn method(table: &TableResult) -> &'static str {
    match (table.method, table.is_binary) {
        _ if table.arrival == Arrival::Kept => "kept",
        (Some(Method::Copy), true) => "COPY binary",
        (Some(Method::Copy), false) => "COPY text",
        (Some(Method::Fdw), _) => "FDW",
        (None, _) => "",
    }
}

/// A number that may be unknown.
pub fn rows(rows: Option<u64>) -> String {
    rows.map_or_else(|| "?".to_owned(), count)
}

/// The value a sequence gives next is told by both parts: `42`, or `1 (not used yet)`.
pub fn counter(counter: Option<(i64, bool)>) -> String {
    match counter {
        Some((value, true)) => value.to_string(),
        Some((value, false)) => format!("{value} (not used yet)"),
        None => "?".to_owned(),
    }
}

pub fn verdict_word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Equal => "equal",
        Verdict::Different => "different",
        Verdict::NotCompared(_) => "not compared",
    }
}

/// Some plain lines for the normal screen: the outcome first, what to do next last.
pub fn summary(report: &Report) -> String {
    let mut lines = vec![headline(report)];
    differences(report, &mut lines);
    failures(report, &mut lines);
    if !report.left_behind.is_empty() {
        lines.push("Some objects of howdah's own could not be removed from the destination; these statements do it:".to_owned());
        let statements = report.left_behind.iter();
        some(
            statements.map(|sql| format!("  {}", closed_for_show(sql))),
            &mut lines,
        );
    }
    let given_up = report.given_up.iter();
    some(
        given_up.map(|(step, why)| printable(&format!("  {step}: {why}")).into_owned()),
        &mut lines,
    );
    let arrivals = arrivals(report, SHOWN);
    lines.extend(arrivals.iter().map(|line| printable(line).into_owned()));
    let left_out = report.left_out.iter();
    some(
        left_out.map(|one| {
            printable(&format!("Left out: {}: {}", one.object, one.because)).into_owned()
        }),
        &mut lines,
    );
    if matches!(report.outcome, Outcome::Done | Outcome::Different) {
        let missed = report.not_compared.iter();
        some(
            missed.map(|what| format!("Not compared: {}", printable(what))),
            &mut lines,
        );
    } else if !report.not_compared.is_empty() {
        lines.push("Not everything was compared.".to_owned());
    }
    let warnings = report.warnings.iter();
    some(
        warnings.map(|w| format!("Warning: {}", printable_lines(w))),
        &mut lines,
    );
    lines.push(time_taken(report));
    lines.extend(
        report
            .next_steps
            .iter()
            .map(|step| format!("Next: {}", printable(step))),
    );
    lines.join("\n")
}

/// Which tables a run that went on with another kept, and which came again; at most so many names each.
pub fn arrivals(report: &Report, most: usize) -> Vec<String> {
    let told = |arrival: Arrival, what: &str| {
        let tables = report.tables.iter().filter(|t| t.arrival == arrival);
        let names: Vec<String> = tables.map(|table| table.name.to_string()).collect();
        let (shown, rest) = names.split_at(names.len().min(most));
        let more = match rest.len() {
            0 => String::new(),
            more => format!(" and {} more", count(more as u64)),
        };
        let number = counted(names.len() as u64, "table", "tables");
        (!names.is_empty()).then(|| format!("{number} {what}: {}{more}", shown.join(", ")))
    };
    let kept = told(Arrival::Kept, "kept, proved equal by checksum");
    let completed = told(
        Arrival::Completed,
        "completed; the parts copied before proved equal by checksum",
    );
    let again = told(
        Arrival::Again,
        "emptied and copied again, because the source had changed",
    );
    [kept, completed, again].into_iter().flatten().collect()
}

/// A statement as one can paste it: it ends.
pub fn closed_for_show(sql: &str) -> String {
    let mut text = printable_lines(sql.trim_end());
    if !text.ends_with(';') {
        text.push(';');
    }
    text
}

pub fn arrival_word(arrival: Arrival) -> &'static str {
    match arrival {
        Arrival::Carried => "carried",
        Arrival::Kept => "kept",
        Arrival::Completed => "completed",
        Arrival::Again => "again",
    }
}

fn differences(report: &Report, lines: &mut Vec<String>) {
    let tables = report
        .tables
        .iter()
        .filter(|t| t.verdict == Verdict::Different)
        .map(table_difference);
    let sequences = report
        .sequences
        .iter()
        .filter(|s| s.verdict == Verdict::Different)
        .map(sequence_difference);
    some(
        tables.chain(sequences).map(|text| format!("  {text}")),
        lines,
    );
    let definitions = report.definitions.iter().flat_map(|d| &d.differences);
    some(
        definitions.map(|one| format!("  {}", definition_difference(one))),
        lines,
    );
    some(
        report
            .unfinished
            .iter()
            .map(|one| format!("  {}", unfinished(one))),
        lines,
    );
}

/// `index public.film_title_idx: missing on the destination`.
pub fn definition_difference(one: &DefinitionDifference) -> String {
    let how = match one.change {
        Change::Missing => "missing on the destination",
        Change::Extra => "only on the destination",
        Change::Changed => "defined differently on the destination",
    };
    format!("{}: {how}", one.object())
}

/// `Add foreign key public.film film_fkey: NOT VALID, 3 rows refer to nothing, such as (7)`.
pub fn unfinished(one: &Unfinished) -> String {
    let rows = match one.violations {
        Some(number) => counted(number, "row refers to nothing", "rows refer to nothing"),
        None => "some rows break it".to_owned(),
    };
    let such_as = match one.sample.as_slice() {
        [] => String::new(),
        sample => format!(", such as {}", sample.join(" ")),
    };
    let state = if one.is_not_valid {
        "done as NOT VALID"
    } else {
        "in force, but switched off while the rows were copied"
    };
    printable(&format!("{}: {state}; {rows}{such_as}", one.title)).into_owned()
}

/// `public.film: 1,000 rows in the source, 998 in the destination`.
pub fn table_difference(table: &TableResult) -> String {
    if table.destination_rows.is_none() && table.method.is_some() {
        return format!(
            "{}: its rows lie among those of other tables, and all together are not the source's",
            table.name
        );
    }
    if table.destination_rows.is_none() {
        return format!(
            "{}: the destination has no such table with these columns",
            table.name
        );
    }
    if table.source_rows == table.destination_rows {
        return format!(
            "{}: the same number of rows on both sides, but not the same rows",
            table.name
        );
    }
    format!(
        "{}: {} rows on the source, {} on the destination",
        table.name,
        rows(table.source_rows),
        rows(table.destination_rows)
    )
}

pub fn sequence_difference(sequence: &SequenceResult) -> String {
    format!(
        "{}: {} on the source, {} on the destination",
        sequence.name,
        counter(sequence.source),
        counter(sequence.destination)
    )
}

/// The first in full, then what was being done and the message.
fn failures(report: &Report, lines: &mut Vec<String>) {
    let texts = report
        .failures
        .iter()
        .enumerate()
        .map(|(position, (_, problem))| {
            let text = problem.to_string();
            let shown = if position == 0 {
                text.as_str()
            } else {
                text.lines().next().unwrap_or_default()
            };
            format!("  {}", shown.replace('\n', "\n  "))
        });
    some(texts, lines);
}

/// The first few, and how many more there are.
fn some(all: impl Iterator<Item = String>, lines: &mut Vec<String>) {
    let mut all = all.peekable();
    lines.extend(all.by_ref().take(SHOWN));
    let more = all.count();
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
}
