//! Whether a run that has not come to its end can be gone on with: all that it has made must be there as the source has it now.

use crate::model::archive::Archive;
use crate::model::catalog::Catalog;
use crate::model::definition::Change;
use crate::model::existing::ExistingSchema;
use crate::model::finding::{Finding, Level};
use crate::model::journal::Journal;
use crate::model::name::ObjectName;
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

/// `destination` is the destination's own schema.
pub(super) fn fits(
    source: &Archive,
    journal: &Journal,
    destination: &Archive,
    versions: Versions,
) -> Vec<Finding> {
    if !journal.can_be_gone_on_with() {
        return vec![Finding::new(
            Level::Blocking,
            "A run into tables that are there is not gone on with",
            "Which rows in them are the run's and which are yours, nobody can tell any more. howdah clean puts back what it had set aside; then run it again, with --on-existing empty if the tables may be emptied.",
        )];
    }
    let differences = resume::unfit(
        source,
        journal,
        destination,
        &journal.request.options,
        versions,
    );
    if differences.is_empty() {
        return vec![Finding::fine(
            "All that is done stands as the source has it now",
        )];
    }
    let described = differences.iter().map(|one| {
        let what = match one.change {
            Change::Missing => "is not in the destination any more",
            Change::Extra => "is not on the source any more",
            Change::Changed => "is not the same on both sides",
        };
        format!("{} {what}", one.object())
    });
    vec![
        Finding::new(
            Level::Blocking,
            format!("{} objects that the run had made do not fit any more", differences.len()),
            "The schema has changed on one side since. Undo the change, or start anew: howdah clean, then run with --on-existing empty.",
        )
        .objects(described.collect()),
    ]
}
