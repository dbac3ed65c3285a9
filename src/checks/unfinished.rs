//! Whether a run that has not come to its end can be gone on with: all that it has made must be there as the source has it now.

use crate::model::archive::Archive;
use crate::model::catalog::Catalog;
use crate::model::connection::Side;
use crate::model::definition::{Change, DefinitionDifference};
use crate::model::existing::ExistingSchema;
use crate::model::finding::{Finding, Level};
use crate::model::journal::Journal;
use crate::model::name::{ObjectName, printable};
use crate::model::selection::Carry;
use crate::planner::dialect::Versions;
use crate::planner::resume;

/// What is done, what is left and what comes again, one sentence each.
pub(super) fn told(
    journal: &Journal,
    catalog: &Catalog,
    there: Option<&ExistingSchema>,
) -> Vec<String> {
    let selection = journal.request.selection(catalog);
    let tables = catalog.tables.iter().zip(&selection.tables);
    let carried =
        tables.filter(|(table, carry)| table.holds_rows() && **carry == Carry::RowsAndStructure);
    let carried: Vec<&ObjectName> = carried.map(|(table, _)| &table.name).collect();
    let mut told = vec![format!(
        "It copies from {}.",
        journal.request.source.label()
    )];
    told.extend(resume::told(journal, there, &carried));
    told
}

/// The same of a run that has made nothing, but has filled tables which were there.
pub(super) fn all_are_known(journal: &Journal, catalog: &Catalog) -> Vec<Finding> {
    let strays = resume::strays(journal, catalog);
    if strays.is_empty() {
        return vec![Finding::fine(
            "The source still has every table that is done",
        )];
    }
    vec![
        Finding::new(
            Level::Blocking,
            match strays.len() {
                1 => "1 table that the run has filled is no longer on the source".to_owned(),
                many => format!("{many} tables that the run has filled are no longer on the source"),
            },
            "Their rows cannot be proved. Undo the change on the source; or remove the rows yourself, and start over after howdah clean.",
        )
        .objects(strays),
    ]
}

/// `destination` is the destination's own schema.
pub(super) fn fits(
    source: &Archive,
    journal: &Journal,
    destination: &Archive,
    versions: Versions,
) -> Vec<Finding> {
    let differences = resume::unfit(
        source,
        journal,
        destination,
        &journal.request.options,
        versions,
    );
    if differences.is_empty() {
        return vec![Finding::fine(
            "Everything that is done matches the source as it is now",
        )];
    }
    let described = differences.iter().map(|one| {
        let what = match one.change {
            Change::Missing => "is no longer on the destination".to_owned(),
            Change::Extra => "is no longer on the source".to_owned(),
            Change::Changed => format!("is not the same on both sides{}", told_apart(one)),
        };
        format!("{} {what}", one.object())
    });
    vec![
        Finding::new(
            Level::Blocking,
            match differences.len() {
                1 => "1 object that the run created no longer matches".to_owned(),
                many => format!("{many} objects that the run created no longer match"),
            },
            "The schema has changed on one side since. Undo the change, or start over: howdah clean, then run with --on-existing empty.",
        )
        .objects(described.collect()),
    ]
}

/// The first line of each side that the other does not have.
fn told_apart(one: &DefinitionDifference) -> String {
    let own = |sql: &Option<String>, other: &Option<String>| {
        let lines = |sql: &Option<String>| -> Vec<String> {
            let lines = sql.iter().flat_map(|sql| sql.lines());
            // A last column has no comma, until another one comes behind it.
            lines
                .map(|line| line.trim().trim_end_matches([',', ';']).to_owned())
                .collect()
        };
        let others = lines(other);
        lines(sql).into_iter().find(|line| !others.contains(line))
    };
    let sides = [
        (Side::Source, own(&one.source, &one.destination)),
        (Side::Destination, own(&one.destination, &one.source)),
    ];
    let told: Vec<String> = sides
        .into_iter()
        .filter_map(|(side, line)| Some(format!("{side} has {}", printable(&line?))))
        .collect();
    if told.is_empty() {
        String::new()
    } else {
        format!(": the {}", told.join(", the "))
    }
}
