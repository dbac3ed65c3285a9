//! The whole report as Markdown: what a person keeps, or hands to a colleague.

use super::{
    closed_for_show, counter, definition_difference, headline, method, outcome_word, rows,
    sequence_tally, table_tally, time_taken, unfinished, verdict_word,
};
use crate::model::definition::kinds;
use crate::model::format::{bytes_plain, count, duration};
use crate::model::name::{printable, printable_lines};
use crate::model::report::{Report, TableResult, Verdict};

pub fn markdown(report: &Report) -> String {
    let mut out = format!(
        "# {} report: {}\n\n{}\n\n",
        if report.is_comparison {
            "Comparison"
        } else {
            "Migration"
        },
        outcome_word(report.outcome),
        text(&headline(report))
    );
    out.push_str(&format!("- Source: {}\n", code(&report.source)));
    out.push_str(&format!("- Destination: {}\n", code(&report.destination)));
    out.push_str(&format!("- Started: {}\n", text(&report.started_at)));
    out.push_str(&format!("- {}\n", time_taken(report)));
    list(&mut out, "Next steps", &report.next_steps);
    failures(&mut out, report);
    let open: Vec<_> = report.unfinished.iter().map(unfinished).collect();
    list(&mut out, "Holds for new rows only", &open);
    list_code(
        &mut out,
        "Left on the destination; these statements remove it",
        &report.left_behind,
    );
    let given_up: Vec<_> = report.given_up.iter().map(pair).collect();
    list(&mut out, "Left out after a failure", &given_up);
    let arrivals = super::arrivals(report, usize::MAX);
    list(&mut out, "From the interrupted run", &arrivals);
    list(&mut out, "Warnings", &report.warnings);
    tables(&mut out, report);
    sequences(&mut out, report);
    large_objects(&mut out, report);
    definitions(&mut out, report);
    if !report.objects.is_empty() {
        out.push_str("\n## Objects created\n\n| Kind | Number |\n|---|---:|\n");
        for (kind, number) in &report.objects {
            out.push_str(&format!(
                "| {} | {} |\n",
                text(&kinds(kind, *number)),
                count(*number)
            ));
        }
    }
    list(&mut out, "Not compared", &report.not_compared);
    let skipped: Vec<_> = report.skipped.iter().map(pair).collect();
    list(&mut out, "Not run", &skipped);
    let left_out: Vec<_> = report
        .left_out
        .iter()
        .map(|one| format!("{}: {}", one.object, one.because))
        .collect();
    list(&mut out, "Left out", &left_out);
    list(&mut out, "Removed from the destination", &report.removed);
    out
}

fn pair((what, why): &(String, String)) -> String {
    format!("{what}: {why}")
}

fn tables(out: &mut String, report: &Report) {
    if report.tables.is_empty() {
        return;
    }
    let tally = table_tally(report);
    out.push_str(&format!(
        "\n## Tables\n\n{} equal, {} different, {} not compared.\n\n",
        count(tally.equal),
        count(tally.different),
        count(tally.not_compared)
    ));
    if let Some(how) = &report.measured_by {
        out.push_str(&format!("Compared by {}.\n\n", text(how)));
    }
    out.push_str("| Table | Rows on source | Rows on destination | Verdict | Method | Size | Time |\n|---|---:|---:|---|---|---:|---:|\n");
    for table in differences_first(&report.tables) {
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            code(&table.name.to_string()),
            rows(table.source_rows),
            rows(table.destination_rows),
            verdict(&table.verdict),
            method(table),
            bytes_plain(table.bytes),
            duration(table.copy_ms)
        ));
    }
}

/// Different, then not compared, then equal; else as in the plan.
pub(crate) fn differences_first(tables: &[TableResult]) -> Vec<&TableResult> {
    let mut sorted: Vec<_> = tables.iter().collect();
    sorted.sort_by_key(|table| gravity(&table.verdict));
    sorted
}

pub(crate) fn gravity(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Different => 0,
        Verdict::NotCompared(_) => 1,
        Verdict::Equal => 2,
    }
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::NotCompared(why) => format!("not compared: {}", text(why)),
        Verdict::Different => format!("**{}**", verdict_word(verdict)),
        Verdict::Equal => verdict_word(verdict).to_owned(),
    }
}

fn sequences(out: &mut String, report: &Report) {
    if report.sequences.is_empty() {
        return;
    }
    let tally = sequence_tally(report);
    out.push_str(&format!(
        "\n## Sequences\n\n{} equal, {} different, {} not compared.\n\n",
        count(tally.equal),
        count(tally.different),
        count(tally.not_compared)
    ));
    out.push_str("| Sequence | Source | Destination | Verdict |\n|---|---:|---:|---|\n");
    let mut sorted: Vec<_> = report.sequences.iter().collect();
    sorted.sort_by_key(|sequence| gravity(&sequence.verdict));
    for sequence in sorted {
        out.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            code(&sequence.name.to_string()),
            counter(sequence.source),
            counter(sequence.destination),
            verdict(&sequence.verdict)
        ));
    }
}

fn large_objects(out: &mut String, report: &Report) {
    if let Some(objects) = &report.large_objects {
        out.push_str(&format!(
            "\n## Large objects\n\n{} on the source, {} on the destination, {}: {}.\n",
            count(objects.source_count),
            rows(objects.destination_count),
            bytes_plain(objects.bytes),
            verdict(&objects.verdict)
        ));
    }
}

fn definitions(out: &mut String, report: &Report) {
    let Some(result) = &report.definitions else {
        return;
    };
    let number = result.differences.len() as u64;
    out.push_str(&format!(
        "\n## Definitions\n\n{} objects compared, {} different: {}.\n",
        count(result.compared),
        count(number),
        verdict(&result.verdict)
    ));
    for one in &result.differences {
        out.push_str(&format!("\n### {}\n", text(&definition_difference(one))));
        let sides = [("Source", &one.source), ("Destination", &one.destination)];
        for (side, sql) in sides {
            if let Some(sql) = sql {
                out.push_str(&format!("\n{side}:\n\n{}", fenced(&printable_lines(sql))));
            }
        }
    }
}

fn failures(out: &mut String, report: &Report) {
    if report.failures.is_empty() {
        return;
    }
    out.push_str("\n## Failures\n");
    for (title, problem) in &report.failures {
        out.push_str(&format!("\n### {}\n\n", text(title)));
        out.push_str(&fenced(&problem.to_string()));
        if let Some(statement) = &problem.statement {
            out.push_str("\nThe statement:\n\n");
            out.push_str(&fenced(&printable_lines(statement)));
        }
    }
}

/// Verbatim text, in a fence longer than any in it.
fn fenced(text: &str) -> String {
    let fence = "`".repeat((longest_ticks(text) + 1).max(3));
    format!("{fence}\n{text}\n{fence}\n")
}

fn longest_ticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

fn list(out: &mut String, title: &str, items: &[String]) {
    if !items.is_empty() {
        out.push_str(&format!("\n## {title}\n\n"));
        for item in items {
            let item = printable_lines(item);
            let lines: Vec<_> = item.lines().map(|line| text(line.trim_start())).collect();
            out.push_str(&format!("- {}\n", lines.join("\n  ")));
        }
    }
}

fn list_code(out: &mut String, title: &str, items: &[String]) {
    if !items.is_empty() {
        out.push_str(&format!("\n## {title}\n\n"));
        let items: Vec<_> = items.iter().map(|sql| closed_for_show(sql)).collect();
        out.push_str(&fenced(&items.join("\n")));
    }
}

/// Text that Markdown leaves as it is, also where it begins a line.
fn text(text: &str) -> String {
    let text = printable(text);
    let mut out = String::with_capacity(text.len());
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    for (at, c) in text.char_indices() {
        let is_markdown = match c {
            '\\' | '|' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '#' | '&' => true,
            '-' | '+' | '=' => at == 0,
            '.' | ')' => at == digits && at > 0,
            '~' => text.matches('~').nth(1).is_some(),
            _ => false,
        };
        if is_markdown {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A name in code type where that needs no escapes.
fn code(name: &str) -> String {
    let name = printable(name);
    if name.contains(['`', '|', '\\']) {
        return text(&name);
    }
    format!("`{name}`")
}
