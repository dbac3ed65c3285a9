//! What a reader should know before running: said once, in plan, preview and report.

use foldhash::HashSet;

use crate::model::catalog::ForeignKey;
use crate::model::format::counted;
use crate::model::name::{ObjectName, printable};
use crate::model::options::{Method, SchemaChoice, ToastCompression, VerifyLevel};
use crate::model::plan::LeftOut;
use crate::model::selection::Carry;

use super::rows::Carried;
use super::schema::StepOfEntry;
use super::{Context, existing, fdw, finish};

/// Rows of tables that are made, but stay behind.
pub(super) fn rows_left_out(context: &Context<'_>) -> Vec<LeftOut> {
    let tables = context.inspection.catalog.tables.iter().enumerate();
    tables
        .filter(|(_, table)| table.holds_rows())
        .filter_map(|(at, table)| {
            let because = match context.selection.tables.get(at)? {
                Carry::RowsAndStructure if table.is_out_of_reach => {
                    "it is unlogged, and a standby does not have its rows".to_owned()
                }
                Carry::Nothing => return None,
                Carry::StructureOnly => "only the structure was asked for".to_owned(),
                Carry::RowsAndStructure => {
                    let filter = context.selection.filter(at)?;
                    format!("only rows that satisfy {} are copied", printable(filter))
                }
            };
            Some(LeftOut {
                object: format!("rows of {}", table.name),
                because,
            })
        })
        .chain(counters_out_of_reach(context))
        .collect()
}

/// pg_dump leaves indexes out that `CREATE INDEX CONCURRENTLY` could not finish; one of a partitioned table is invalid only
/// until every partition has its own, and comes along.
pub(super) fn invalid_indexes(context: &Context<'_>, made: &StepOfEntry) -> Vec<LeftOut> {
    let is_made = |table: usize| {
        let entry = context.entry_of_table.get(&table);
        entry.is_some_and(|entry| made.contains_key(entry))
    };
    let tables = context.inspection.catalog.tables.iter().enumerate();
    tables
        .filter(|(at, table)| table.holds_rows() && is_made(*at))
        .flat_map(|(_, table)| table.indexes.iter().map(move |index| (table, index)))
        .filter(|(_, index)| !index.is_valid)
        .map(|(table, index)| LeftOut {
            object: format!("index {}", ObjectName::new(&table.name.schema, &index.name)),
            because:
                "it is invalid on the source (its build never finished), and pg_dump leaves it out"
                    .to_owned(),
        })
        .collect()
}

/// Of extensions that are older there; newer ones are told among the notes.
pub(super) fn older_extensions(context: &Context<'_>) -> Vec<LeftOut> {
    let versions = context.inspection.other_versions.iter();
    versions
        .filter(|one| one.is_older())
        .map(|one| LeftOut {
            object: format!(
                "version {} of extension {}",
                printable(&one.source),
                printable(&one.extension)
            ),
            because: one.what_is_there(),
        })
        .collect()
}

fn counters_out_of_reach(context: &Context<'_>) -> impl Iterator<Item = LeftOut> {
    let sequences = context.inspection.catalog.sequences.iter();
    sequences
        .filter(|one| one.is_out_of_reach)
        .map(|one| LeftOut {
            object: format!("value of {}", one.name),
            because: "it is unlogged, and a standby does not have it".to_owned(),
        })
}

/// Foreign keys whose rows are carried while rows they refer to stay behind.
fn torn_keys(context: &Context<'_>) -> Vec<String> {
    let catalog = &context.inspection.catalog;
    let selection = context.selection;
    let carry = |table: usize| {
        selection
            .tables
            .get(table)
            .copied()
            .unwrap_or(Carry::Nothing)
    };
    let is_torn = |key: &&ForeignKey| {
        let is_cut = carry(key.references) == Carry::StructureOnly
            || selection.filter(key.references).is_some();
        carry(key.table) == Carry::RowsAndStructure
            && carry(key.references) != Carry::Nothing
            && is_cut
    };
    let torn = catalog.foreign_keys.iter().filter(is_torn);
    torn.map(|key| {
        let (from, to) = (&catalog.tables[key.table].name, &catalog.tables[key.references].name);
        format!(
            "Rows of {from} may refer to rows of {to} that stay behind; if they do, the foreign key {} is added for new rows only (NOT VALID).",
            printable(&key.name)
        )
    })
    .collect()
}

/// What is computed anew on the destination.
pub(super) fn computed(context: &Context<'_>) -> Option<String> {
    let carried: HashSet<u32> = context
        .inspection
        .archive
        .entries
        .iter()
        .filter(|entry| entry.kind == "MATERIALIZED VIEW" && context.closure.carries(entry))
        .map(|entry| entry.oid)
        .collect();
    let views = context.inspection.catalog.materialized_views.iter();
    let mut names: Vec<String> = views
        .filter(|view| view.is_populated && carried.contains(&view.oid))
        .map(|view| view.name.to_string())
        .collect();
    names.sort_unstable();
    (!names.is_empty()).then(|| {
        format!(
            "The contents of materialized views, which are computed anew from the rows: {}.",
            names.join(", ")
        )
    })
}

/// Columns that no checksum of both servers can tell apart from what is written otherwise.
pub(super) fn not_measured(context: &Context<'_>) -> Vec<String> {
    let Some(measurement) = context.measurement() else {
        return Vec::new();
    };
    let carry = &context.selection.tables;
    let tables = context.inspection.catalog.tables.iter().zip(carry);
    let columns = tables
        .filter(|(table, carry)| table.holds_rows() && **carry == Carry::RowsAndStructure)
        .flat_map(|(table, _)| table.columns.iter().map(move |column| (table, column)));
    let columns = columns
        .filter(|(_, column)| !measurement.includes(&column.hash_form))
        .map(|(table, column)| {
            format!(
                "Values of {}.{}: a server before 12 writes floats with other digits, and {} has no other form to compare.",
                table.name,
                printable(&column.name),
                printable(&column.type_name)
            )
        });
    columns.chain(computed(context)).collect()
}

pub(super) fn notes(context: &Context<'_>, carried: &[Carried]) -> Vec<String> {
    let mut notes = Vec::new();
    if context.inspection.destination.has_lz4
        && context.options.toast_compression == ToastCompression::Fast
    {
        notes.push(
            "Long values are stored compressed with lz4, which takes about half the time of PostgreSQL's own method, unless their column says otherwise; the values stay the same."
                .to_owned(),
        );
    }
    let by_fdw = carried.iter().filter(|c| c.method == Method::Fdw).count();
    let fallback = carried.iter().filter(|c| c.because.is_some()).count();
    if fallback > 0 {
        notes.push(format!(
            "{}, because FDW would copy them wrongly; each says why.",
            counted(
                fallback as u64,
                "table chosen for FDW is copied by COPY",
                "tables chosen for FDW are copied by COPY"
            )
        ));
    }
    let can_lock = fdw::can_lock(context, carried);
    if by_fdw > 0 && by_fdw < carried.len() && !can_lock {
        notes.push(
            "Tables by FDW and tables by COPY are read at two moments, because this role may not lock the source's tables. Stop writers, or use COPY for all."
                .to_owned(),
        );
    }
    if by_fdw > 0 && !can_lock && context.options.verify == VerifyLevel::Checksums {
        notes.push(
            "Checksums of what is pulled are all computed by the destination, those of the source from what came through postgres_fdw, because nobody may lock the source's tables there for a moment. To have the source compute its own, use COPY."
                .to_owned(),
        );
    }
    if context.options.schema == SchemaChoice::All
        && context
            .inspection
            .archive
            .entries
            .iter()
            .any(|e| e.kind == "SUBSCRIPTION")
    {
        notes.push(
            "Subscriptions are left out: they would start to replicate into the destination."
                .to_owned(),
        );
    }
    let structure_only = context
        .selection
        .tables
        .iter()
        .filter(|carry| **carry == Carry::StructureOnly)
        .count();
    if structure_only > 0 {
        notes.push(format!(
            "{} created without rows, as chosen.",
            counted(structure_only as u64, "table is", "tables are")
        ));
    }
    for one in &context.inspection.other_versions {
        if !one.is_older() {
            notes.push(format!(
                "Extension {} is {} on the source; {}.",
                printable(&one.extension),
                printable(&one.source),
                one.what_is_there()
            ));
        }
    }
    if finish::lacks_public_schema(context) && !context.is_whole() {
        notes.push(
            "Schema public, which the source has dropped, stays on the destination, which is not empty."
                .to_owned(),
        );
    }
    notes.extend(torn_keys(context));
    notes.extend(existing::notes(context));
    if context.inspection.catalog.large_objects.count > 0 && !context.carries_large_objects() {
        notes.push(
            "Large objects are left out: they belong to no table, and only some tables were asked for."
                .to_owned(),
        );
    }
    notes
}
