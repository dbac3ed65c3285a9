//! The proof: steps that hold the destination against the source, after a run or alone.

use std::collections::BTreeMap;

use crate::model::options::VerifyLevel;
use crate::model::plan::{Action, Phase, Rule, Session, StepId, StepKind};
use crate::sql::joined;
use crate::sql::large_objects;
use crate::sql::measure;
use crate::sql::measure::Measurement;
use crate::sql::statements;

use super::builder::{Draft, Steps, journal_key};
use super::route::Route;
use super::rows::{Carried, LARGE_OBJECTS, RowSteps};
use super::{Context, finish, rows};

/// After a run: rows per table, sequences, large objects. The source was measured in the snapshot its rows were read in. Returns
/// the data steps whose rows come together in one table.
pub(super) fn push(
    context: &Context<'_>,
    steps: &mut Steps,
    carried: &[Carried],
    rows: &RowSteps,
    sequences: &[(usize, StepId)],
) -> Vec<Vec<StepId>> {
    let Some(measurement) = context.measurement() else {
        return Vec::new();
    };
    let mut joined: BTreeMap<usize, Vec<StepId>> = BTreeMap::new();
    // Rows added to rows that are there were counted before and after.
    for carried in carried.iter().filter(|_| !context.appends()) {
        let Some(data) = rows.data_steps(carried.table).next() else {
            continue;
        };
        let route = Route::of(context, carried.table);
        if let Some(together) = route.joins() {
            let members = joined.entry(together).or_default();
            members.push(data);
            if members.len() > 1 {
                continue;
            }
        }
        let draft = table(context, carried.table, measurement, Some(data));
        let (parts, durable) = (rows.data_steps(carried.table), rows.of_table(carried.table));
        steps.push(draft.needs(parts).needs(durable));
    }
    // A counter that went on, or large objects beside others, need not be the source's.
    if context.appends() {
        return Vec::new();
    }
    for (at, data) in sequences {
        steps.push(sequence(context, *at, Some(*data)).needs([*data]));
    }
    if let Some(data) = rows.data_steps(LARGE_OBJECTS).next() {
        steps.push(blobs(context, Some(data)).needs([data]));
    }
    joined.into_values().collect()
}

fn table(
    context: &Context<'_>,
    at: usize,
    measurement: Measurement,
    data: Option<StepId>,
) -> Draft {
    let table = &context.inspection.catalog.tables[at];
    let route = Route::of(context, at);
    let how = if measurement == Measurement::Count {
        "The destination's rows are counted and compared with the number that the source gave."
    } else {
        "A checksum over every value of every row is compared with that of the source's snapshot."
    };
    let draft = Draft::new(Phase::Verify, format_args!("Compare {}", route.name), how)
        .kind(StepKind::VerifyTable { data })
        .object(&table.name)
        .key(journal_key("verify", &table.name));
    let measure = route.measure(measurement);
    match data {
        Some(_) => draft,
        None => draft
            .size(table.table_bytes, table.estimated_rows)
            .statement(
                Session::Source,
                Action::MeasureSource,
                measure_source(context, at, measurement),
            ),
    }
    .statement(Session::Destination, Action::MeasureDestination, measure)
}

fn measure_source(context: &Context<'_>, at: usize, measurement: Measurement) -> String {
    let table = &context.inspection.catalog.tables[at];
    let route = Route::of(context, at);
    let filter = context.selection.filter(at);
    measure::measure_source(table, &route.compared, measurement, filter)
}

/// Tables whose rows are all in one on the destination, or distributed anew.
fn tables_together(
    context: &Context<'_>,
    members: &[usize],
    measurement: Measurement,
) -> Option<Draft> {
    let route = Route::of(context, *members.first()?);
    let tables = || {
        members
            .iter()
            .map(|at| &context.inspection.catalog.tables[*at])
    };
    let measures: Vec<String> = members
        .iter()
        .map(|at| measure_source(context, *at, measurement))
        .collect();
    let draft = Draft::new(
        Phase::Verify,
        format_args!("Compare {}", route.name),
        "The destination may have other rows in each partition, so all partitions are compared as one.",
    )
    .kind(StepKind::VerifyTable { data: None })
    .object(route.name)
    .key(journal_key("verify", route.name))
    .size(
        tables().map(|table| table.table_bytes).sum(),
        tables().map(|table| table.estimated_rows).sum(),
    )
    .statement(
        Session::Source,
        Action::MeasureSource,
        joined::measure_joined(&measures, measurement),
    )
    .statement(
        Session::Destination,
        Action::MeasureDestination,
        route.measure(measurement),
    );
    Some(draft)
}

fn sequence(context: &Context<'_>, at: usize, data: Option<StepId>) -> Draft {
    let name = &context.inspection.catalog.sequences[at].name;
    let mut draft = Draft::new(
        Phase::Verify,
        format_args!("Compare sequence {name}"),
        "last_value and is_called must both be the source's.",
    )
    .kind(StepKind::VerifySequence { data })
    .object(name)
    .key(journal_key("verify/sequence", name));
    let read = statements::read_sequence(name);
    if data.is_none() {
        draft = draft.statement(Session::SourceNow, Action::MeasureSource, read.clone());
    }
    draft.statement(Session::Destination, Action::MeasureDestination, read)
}

fn blobs(context: &Context<'_>, data: Option<StepId>) -> Draft {
    let mut draft = Draft::new(
        Phase::Verify,
        "Compare large objects",
        "Number, contents and comments of all large objects are compared, and owners and privileges where they are kept.",
    )
    .kind(StepKind::VerifyLargeObjects { data })
    .key("verify/large objects");
    let measure = large_objects::measure(context.options);
    if data.is_none() {
        draft = draft.statement(Session::Source, Action::MeasureSource, measure.clone());
    }
    draft.statement(Session::Destination, Action::MeasureDestination, measure)
}

/// The last step of all, when nothing of howdah's own is there any more: the destination is dumped as the source was.
/// Returns why it cannot be done, if so.
pub(super) fn push_definitions(
    context: &Context<'_>,
    steps: &mut Steps,
    phase: Phase,
    is_whole: bool,
    after: Option<StepId>,
) -> Option<String> {
    let inspection = context.inspection;
    if context.options.verify == VerifyLevel::Off {
        return Some("verification was switched off".to_owned());
    }
    let client = &inspection.archive.client_version;
    if inspection.archive.client_major() < inspection.destination.major() {
        return Some(format!(
            "pg_dump {client} cannot read a server of version {}; install the client programs of that version",
            inspection.destination.major()
        ));
    }
    steps.push(
        Draft::new(
            phase,
            "Compare definitions",
            "The destination's schema is dumped as the source's was; each object must read the same, and nothing may be missing.",
        )
        .kind(StepKind::VerifyDefinitions { is_whole })
        .key("verify/definitions")
        // pg_dump would wait for what the last transaction holds.
        .needs(after)
        // Whatever keeps pg_dump from running takes nothing away from what was carried.
        .rule(Rule::Optional)
        .statement(
            Session::Destination,
            Action::CompareDefinitions,
            "-- pg_dump --format=custom --schema-only of the destination, read entry by entry",
        ),
    );
    None
}

/// Everything selected compared on both sides; nothing is changed on either.
pub(super) fn push_comparison(context: &Context<'_>, steps: &mut Steps) {
    let Some(measurement) = context.measurement() else {
        return;
    };
    let carried = rows::carried(context);
    let snapshot = rows::push_snapshot(context, steps, &carried);
    let mut together: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in carried.iter().map(|carried| carried.table) {
        match Route::of(context, at).joins() {
            Some(with) => together.entry(with).or_default().push(at),
            None => {
                steps.push(table(context, at, measurement, None).needs([snapshot]));
            }
        }
    }
    for members in together.values() {
        if let Some(draft) = tables_together(context, members, measurement) {
            steps.push(draft.needs([snapshot]));
        }
    }
    // Also where the source has none: the destination may, unless what is only there is not judged.
    let has_some = context.inspection.catalog.large_objects.count > 0;
    if context.carries_large_objects() && (has_some || context.options.exclude.is_empty()) {
        steps.push(blobs(context, None).needs([snapshot]));
    }
    rows::push_release(steps, Phase::Verify, snapshot);
    for at in finish::wanted_sequences(context) {
        steps.push(sequence(context, at, None));
    }
}

/// Positions of the entries of everything that is carried.
pub(super) fn carried_entries(context: &Context<'_>) -> Vec<u32> {
    let entries = context.inspection.archive.entries.iter().zip(0..);
    entries
        .filter(|(entry, _)| context.closure.carries(entry))
        .map(|(_, at)| at)
        .collect()
}
