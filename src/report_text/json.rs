//! The report as one JSON object, for programs. Names are as the server has them, numbers are plain numbers.

use serde_json::{Value, json};

use super::{arrival_word, headline, outcome_word, verdict_word};
use crate::model::definition::{Change, DefinitionsResult};
use crate::model::name::printable_json;
use crate::model::options::Method;
use crate::model::problem::Problem;
use crate::model::report::{Report, Verdict};

pub fn json(report: &Report) -> String {
    printable_json(&format!("{:#}\n", value(report)))
}

fn value(report: &Report) -> Value {
    let tables: Vec<_> = report
        .tables
        .iter()
        .map(|table| {
            json!({
                "schema": table.name.schema,
                "name": table.name.name,
                "method": table.method.map(Method::label),
                "binary": table.is_binary,
                "source_rows": table.source_rows,
                "destination_rows": table.destination_rows,
                "bytes": table.bytes,
                "copy_ms": table.copy_ms,
                "arrival": arrival_word(table.arrival),
                "verdict": verdict_word(&table.verdict),
                "not_compared_because": because(&table.verdict),
            })
        })
        .collect();
    let sequences: Vec<_> = report
        .sequences
        .iter()
        .map(|sequence| {
            json!({
                "schema": sequence.name.schema,
                "name": sequence.name.name,
                "source": counter(sequence.source),
                "destination": counter(sequence.destination),
                "verdict": verdict_word(&sequence.verdict),
                "not_compared_because": because(&sequence.verdict),
            })
        })
        .collect();
    let large_objects = report.large_objects.as_ref().map(|objects| {
        json!({
            "source_count": objects.source_count,
            "destination_count": objects.destination_count,
            "bytes": objects.bytes,
            "verdict": verdict_word(&objects.verdict),
            "not_compared_because": because(&objects.verdict),
        })
    });
    let objects: serde_json::Map<_, _> = report
        .objects
        .iter()
        .map(|(kind, count)| (kind.clone(), json!(count)))
        .collect();
    let failures: Vec<_> = report
        .failures
        .iter()
        .map(|(step, problem)| failure(step, problem))
        .collect();
    let skipped: Vec<_> = report
        .skipped
        .iter()
        .map(|(step, why)| json!({"step": step, "because": why}))
        .collect();
    let given_up: Vec<_> = report
        .given_up
        .iter()
        .map(|(step, why)| json!({"step": step, "because": why}))
        .collect();
    let left_out: Vec<_> = report
        .left_out
        .iter()
        .map(|one| json!({"object": one.object, "because": one.because}))
        .collect();
    let definitions = report.definitions.as_ref().map(definitions);
    let unfinished: Vec<_> = report
        .unfinished
        .iter()
        .map(|one| {
            json!({
                "step": one.title,
                "because": one.because.message,
                "violations": one.violations,
                "sample": one.sample,
                "statement": one.statement,
            })
        })
        .collect();
    json!({
        "outcome": outcome_word(report.outcome),
        "headline": headline(report),
        "source": report.source,
        "destination": report.destination,
        "started_at": report.started_at,
        "elapsed_ms": report.elapsed_ms,
        "snapshot_held_ms": report.snapshot_held_ms,
        "rows": report.row_count(),
        "bytes": report.byte_count(),
        "measured_by": report.measured_by,
        "tables": tables,
        "sequences": sequences,
        "large_objects": large_objects,
        "definitions": definitions,
        "unfinished": unfinished,
        "objects": objects,
        "failures": failures,
        "skipped": skipped,
        "given_up": given_up,
        "left_out": left_out,
        "removed": report.removed,
        "left_behind": report.left_behind,
        "warnings": report.warnings,
        "repeats": report.repeats,
        "not_compared": report.not_compared,
        "next_steps": report.next_steps,
        "resume_command": report.resume_command,
    })
}

fn definitions(result: &DefinitionsResult) -> Value {
    let differences: Vec<_> = result
        .differences
        .iter()
        .map(|one| {
            json!({
                "kind": one.kind,
                "schema": one.name.schema,
                "name": one.name.name,
                "change": match one.change {
                    Change::Missing => "missing",
                    Change::Extra => "extra",
                    Change::Changed => "changed",
                },
                "source": one.source,
                "destination": one.destination,
            })
        })
        .collect();
    json!({
        "compared": result.compared,
        "verdict": verdict_word(&result.verdict),
        "not_compared_because": because(&result.verdict),
        "differences": differences,
        "rewritten": result.rewritten,
    })
}

fn because(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::NotCompared(why) => Some(why),
        _ => None,
    }
}

fn counter(counter: Option<(i64, bool)>) -> Option<Value> {
    counter.map(|(last_value, is_called)| json!({"last_value": last_value, "is_called": is_called}))
}

pub(super) fn failure(step: &str, problem: &Problem) -> Value {
    json!({
        "step": step,
        "what": problem.what,
        "object": problem.object,
        "sqlstate": problem.sqlstate,
        "message": problem.message,
        "detail": problem.detail,
        "server_hint": problem.server_hint,
        "our_hint": problem.our_hint,
        "statement": problem.statement,
        "position": problem.position,
    })
}
