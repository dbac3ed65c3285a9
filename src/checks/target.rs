//! Tables that are there already: do they take the rows? By name, column by column; nothing is tried.

use crate::model::finding::{Finding, Level};
use crate::model::name::printable;
use crate::model::options::OnExisting;
use crate::model::selection::Carry;
use crate::planner::target::{Mismatch, Targets};

use super::Facts;

pub(super) fn tables(facts: &Facts<'_>) -> Vec<Finding> {
    let Some(target) = facts.target else {
        return vec![Finding::new(
            Level::Blocking,
            "The destination database is not there, and so are none of its tables",
            "Only rows are to be copied (--schema none), so the tables must be there.",
        )];
    };
    let targets = Targets::new(facts.catalog, target);
    let mut refused = Vec::new();
    let mut told = Vec::new();
    let mut receiving = Vec::new();
    let tables = facts
        .catalog
        .tables
        .iter()
        .zip(&facts.selection.tables)
        .enumerate();
    for (at, (table, _)) in tables.filter(|(_, (table, carry))| {
        table.holds_rows() && **carry == Carry::RowsAndStructure && table.extension_config.is_none()
    }) {
        let name = &table.name;
        match targets.of(at) {
            Ok(found) => {
                receiving.push(found.at);
                if found.is_parted_otherwise {
                    told.push(format!(
                        "{name}: its rows go into {}, which is parted otherwise",
                        found.table.name
                    ));
                }
                if !found.is_alike {
                    told.push(format!(
                        "{name}: columns have other types there; rows go as text"
                    ));
                }
                if !found.computed.is_empty() {
                    let columns: Vec<_> = found.computed.iter().map(|c| printable(c)).collect();
                    told.push(format!(
                        "{name}: the destination computes {} by itself",
                        columns.join(", ")
                    ));
                }
            }
            Err(mismatch) => refused.push(format!("{name}: {}", reason(&mismatch))),
        }
    }
    let mut findings = Vec::new();
    if !refused.is_empty() {
        findings.push(
            Finding::new(
                Level::Blocking,
                format!("{} tables of the destination do not take the rows", refused.len()),
                "Only rows are to be copied (--schema none), so the tables must fit. Change them, leave them out, or let the schema be made.",
            )
            .objects(refused),
        );
    }
    let missing: Vec<String> = facts
        .catalog
        .sequences
        .iter()
        .zip(&facts.selection.sequences)
        .filter(|(sequence, is_wanted)| {
            **is_wanted && !target.sequences.iter().any(|one| one.name == sequence.name)
        })
        .map(|(sequence, _)| sequence.name.to_string())
        .collect();
    if !missing.is_empty() {
        findings.push(
            Finding::new(
                Level::Blocking,
                format!("{} sequences are missing on the destination", missing.len()),
                "Their counters could not be set. Make them, or leave them out (--exclude).",
            )
            .objects(missing),
        );
    }
    if facts.options.on_existing == OnExisting::Empty {
        receiving.sort_unstable();
        receiving.dedup();
        let outside: Vec<String> = targets
            .referring_from_outside(&receiving)
            .iter()
            .map(|key| {
                let (from, to) = (targets.table(key.table), targets.table(key.references));
                format!(
                    "{} refers to {} by {}",
                    from.name,
                    to.name,
                    printable(&key.name)
                )
            })
            .collect();
        if !outside.is_empty() {
            findings.push(
                Finding::new(
                    Level::Blocking,
                    "Tables that stay refer to tables that would be emptied",
                    "The server does not empty a table that others refer to. Carry those too, or take their foreign keys off.",
                )
                .objects(outside),
            );
        }
    }
    if !told.is_empty() {
        findings.push(
            Finding::new(
                Level::Warning,
                "Some tables of the destination are not made like the source's",
                "The rows fit, but differ in form: columns are matched by name.",
            )
            .objects(told),
        );
    }
    if findings.is_empty() {
        findings.push(Finding::fine(
            "Every table of the destination has the source's columns",
        ));
    }
    findings
}

fn reason(mismatch: &Mismatch) -> String {
    let list = |columns: &[String]| {
        let shown: Vec<_> = columns.iter().map(|name| printable(name)).collect();
        shown.join(", ")
    };
    match mismatch {
        Mismatch::Missing => "there is no such table".to_owned(),
        Mismatch::Foreign => "it is a foreign table there".to_owned(),
        Mismatch::Hidden => {
            "its row-level security would judge the rows; connect as its owner or with BYPASSRLS"
                .to_owned()
        }
        Mismatch::Lacks(columns) => format!("it lacks {}", list(columns)),
        Mismatch::Wants(columns) => {
            format!(
                "it wants a value for {}, which the source does not have",
                list(columns)
            )
        }
    }
}
