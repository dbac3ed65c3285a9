//! Rows: which method and format each table takes, and the steps that carry them.

use std::collections::HashMap;

use crate::model::catalog::{ExtensionConfig, Table, WireType};
use crate::model::name::{ObjectName, printable};
use crate::model::options::{Method, OnExisting};
use crate::model::plan::{Action, Phase, Session, StepId, StepKind};
use crate::model::selection::Carry;
use crate::sql::large_objects;
use crate::sql::measure;
use crate::sql::measure::{ComparedColumn, Measurement};
use crate::sql::statements;

use super::Context;
use super::builder::{Draft, Steps, journal_key};
use super::fdw::Scaffold;

/// A table whose rows are carried, and how.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    /// Position in the catalog.
    pub(super) table: usize,
    pub(super) method: Method,
    pub(super) is_binary: bool,
    /// Said in the step's why when the method is not the one asked for.
    pub(super) because: Option<String>,
}

/// Where a table's rows go on the destination, and what of them is compared.
pub(super) struct Route<'a> {
    pub(super) name: &'a ObjectName,
    pub(super) columns: Vec<&'a str>,
    pub(super) compared: Vec<ComparedColumn<'a>>,
    config: Option<&'a ExtensionConfig>,
    is_partitioned: bool,
    /// Rows of other tables of the source may come here too.
    pub(super) is_shared: bool,
    /// Position in the destination's catalog, where tables are there already.
    pub(super) target: Option<usize>,
}

impl<'a> Route<'a> {
    pub(super) fn of(context: &'a Context<'_>, at: usize) -> Self {
        let table = &context.inspection.catalog.tables[at];
        match context.landing(at) {
            Some(landing) => Self {
                name: &landing.there.name,
                columns: landing.columns.clone(),
                compared: landing.compared.clone(),
                config: table.extension_config.as_ref(),
                is_partitioned: landing.is_distributed,
                is_shared: landing.is_shared,
                target: Some(landing.table),
            },
            _ => Self {
                name: &table.name,
                columns: table.copied_columns().map(|c| c.name.as_str()).collect(),
                compared: table.columns.iter().map(ComparedColumn::from).collect(),
                config: table.extension_config.as_ref(),
                is_partitioned: false,
                is_shared: false,
                target: None,
            },
        }
    }

    /// The rows on the destination.
    pub(super) fn measure(&self, measurement: Measurement) -> String {
        measure::measure_destination(
            self.name,
            &self.compared,
            measurement,
            self.config,
            self.is_partitioned,
        )
    }
}

/// The data steps made, findable by table.
#[derive(Debug, Default)]
pub(super) struct RowSteps {
    /// Table position to (data step, the step whose success makes its rows durable).
    by_table: HashMap<usize, (StepId, StepId)>,
    /// Archive entry of a table to every table whose rows it stands for: itself, or its leaf partitions.
    tables_of_entry: HashMap<u32, Vec<usize>>,
}

impl RowSteps {
    /// What must be done before something that depends on this archive entry.
    pub(super) fn of_entry(&self, entry: u32) -> Vec<StepId> {
        let tables = self.tables_of_entry.get(&entry).into_iter().flatten();
        tables.filter_map(|table| self.of_table(*table)).collect()
    }

    /// The step after which the table's rows are there to stay.
    pub(super) fn of_table(&self, table: usize) -> Option<StepId> {
        self.by_table.get(&table).map(|(_, durable)| *durable)
    }

    pub(super) fn data_step(&self, table: usize) -> Option<StepId> {
        self.by_table.get(&table).map(|(data, _)| *data)
    }
}

/// Tables whose rows are to be carried, the longest chain of work first.
pub(super) fn carried(context: &Context<'_>) -> Vec<Carried> {
    let catalog = &context.inspection.catalog;
    let mut carried: Vec<Carried> = catalog
        .tables
        .iter()
        .enumerate()
        .filter(|(at, table)| {
            table.holds_rows()
                && !table.is_out_of_reach
                && context.selection.tables.get(*at) == Some(&Carry::RowsAndStructure)
                && context.is_made_or_there(*at)
        })
        .map(|(at, table)| {
            let chosen = context.selection.methods.get(at).copied().flatten();
            let wanted = chosen.unwrap_or(context.options.method);
            let objection = why_not_fdw(table, context.selection.filter(at))
                .or_else(|| context.why_not_fdw_there(at));
            let (method, because) = match (wanted, objection) {
                (Method::Fdw, Some(reason)) => (Method::Copy, Some(reason)),
                (method, _) => (method, None),
            };
            Carried {
                table: at,
                method,
                is_binary: match context.landing(at) {
                    Some(landing) => landing.is_binary,
                    None => is_binary_safe(table),
                },
                because,
            }
        })
        .collect();
    carried.sort_by_key(|c| {
        let table = &catalog.tables[c.table];
        (
            std::cmp::Reverse(table.table_bytes + 2 * table.index_bytes),
            c.table,
        )
    });
    carried
}

/// The reason why postgres_fdw would carry this table wrongly; none when it carries it well.
fn why_not_fdw(table: &Table, filter: Option<&str>) -> Option<String> {
    if filter.is_some() {
        return Some(
            "By COPY, not FDW: the condition is for the source to judge, with its own functions and settings."
                .to_owned(),
        );
    }
    if table.has_inheritance_children {
        return Some(
            "By COPY, not FDW: other tables inherit from this one, and a foreign table would return their rows too."
                .to_owned(),
        );
    }
    if table.copied_columns().next().is_none() {
        return Some("By COPY, not FDW: there is no column an INSERT could name.".to_owned());
    }
    if table.has_reading_check {
        return Some(
            "By COPY, not FDW: a check calls a function that may read other tables, so these rows come after all others."
                .to_owned(),
        );
    }
    if table.extension_config.is_some() {
        return Some(
            "By COPY, not FDW: only a part of this extension's table is the user's.".to_owned(),
        );
    }
    None
}

/// Binary form is the same on every server for these types; others hold OIDs or belong to an extension.
pub(super) fn is_binary_safe(table: &Table) -> bool {
    table
        .copied_columns()
        .all(|c| matches!(c.wire, WireType::BuiltIn | WireType::Enum))
}

/// Pushes the data steps and what they stand on. `first` are the steps every data step needs.
pub(super) fn push_rows(
    context: &Context<'_>,
    steps: &mut Steps,
    carried: &[Carried],
    snapshot: Option<StepId>,
) -> RowSteps {
    let mut rows = RowSteps {
        tables_of_entry: context.leaves_by_entry(),
        ..RowSteps::default()
    };
    let scaffold = Scaffold::push(context, steps, carried);
    let snapshot = scaffold.barrier().or(snapshot);
    // Where a check may read other tables, those must have their rows first, or it refuses what it accepted on the source.
    let reads = |c: &&Carried| context.inspection.catalog.tables[c.table].has_reading_check;
    let (last, first): (Vec<&Carried>, Vec<&Carried>) = carried.iter().partition(reads);
    for carried in first {
        let table = &context.inspection.catalog.tables[carried.table];
        match carried.method {
            Method::Copy => {
                let data = steps.push(copy_step(context, table, carried).needs(snapshot));
                rows.by_table.insert(carried.table, (data, data));
            }
            Method::Fdw => {
                let Some((data, commit)) = scaffold.push_rows(context, steps, carried) else {
                    continue;
                };
                rows.by_table.insert(carried.table, (data, commit));
            }
        }
    }
    scaffold.push_commits(context, steps, &mut rows.by_table);
    let others: Vec<StepId> = rows
        .by_table
        .values()
        .map(|(_, durable)| *durable)
        .collect();
    for carried in last {
        let table = &context.inspection.catalog.tables[carried.table];
        let draft = copy_step(context, table, carried);
        let data = steps.push(draft.needs(snapshot).needs(others.iter().copied()));
        rows.by_table.insert(carried.table, (data, data));
    }
    let large_objects = &context.inspection.catalog.large_objects;
    if large_objects.count > 0 && context.carries_large_objects() {
        rows.by_table.insert(LARGE_OBJECTS, {
            let step = steps.push(large_object_step(context).needs(snapshot));
            (step, step)
        });
    }
    if let Some(snapshot) = snapshot {
        push_release(steps, Phase::Data, snapshot);
    }
    scaffold.push_removal(steps);
    rows
}

/// Lets go of the source as soon as nothing reads in its snapshot any more.
pub(super) fn push_release(steps: &mut Steps, phase: Phase, snapshot: StepId) {
    steps.push(
        Draft::new(
            phase,
            "Let go of the source's snapshot",
            "The last row is read: the source can clean up after itself again.",
        )
        .kind(StepKind::ReleaseSnapshot)
        .key("source/release")
        .needs([snapshot])
        .run(Session::Coordinator, statements::COMMIT),
    );
}

/// Stands for the large objects among the tables.
pub(super) const LARGE_OBJECTS: usize = usize::MAX;

/// Of rows that came before a run was interrupted.
pub(super) const KEPT: &str = "Came before the run was interrupted, and stays if source and destination prove to hold the same; else it is emptied and comes again.";

const LARGE_OBJECTS_KEY: &str = "data/large objects";

fn format_name(is_binary: bool) -> &'static str {
    if is_binary { "binary" } else { "text" }
}

pub(super) fn copy_step(context: &Context<'_>, table: &Table, carried: &Carried) -> Draft {
    let is_ours = context.is_made_here(carried.table);
    let filter = context.selection.filter(carried.table);
    let format = format_name(carried.is_binary);
    let why = match &carried.because {
        Some(reason) => format!("{reason} Streamed in {format} format."),
        None if carried.is_binary => {
            "Streamed through howdah in PostgreSQL's binary format, which is fastest and exact.".to_owned()
        }
        None => "Streamed through howdah as text: a column's type has no binary form that every server reads alike.".to_owned(),
    };
    let why = match filter {
        Some(filter) => format!("Only rows that satisfy {}. {why}", printable(filter)),
        None => why,
    };
    let key = journal_key("data", &table.name);
    let why = if context.is_done(&key) {
        format!("{KEPT} {why}")
    } else {
        why
    };
    let mut draft = Draft::new(Phase::Data, format!("Copy the rows of {}", table.name), why)
        .kind(StepKind::CopyRows {
            is_binary: carried.is_binary,
        })
        .object(&table.name)
        .key(&key)
        .size(table.table_bytes, table.estimated_rows)
        .needs(context.table_step(carried.table))
        .sharing(context, carried.table)
        .run(Session::Destination, context.begin(carried.table))
        .silence(context, carried.table, Session::Destination);
    let route = Route::of(context, carried.table);
    if context.is_done(&key) {
        let measure = measure::measure_source(table, &route.compared, context.checksum(), filter);
        let source = (Session::Source, measure);
        let on = Session::Destination;
        draft = draft.keep_if_equal(context, carried, on, source, statements::COMMIT);
    } else if is_ours {
        draft = draft.run(Session::Destination, statements::truncate_only(&table.name));
    }
    draft = draft
        .statement(
            Session::Source,
            Action::CopyOut,
            statements::copy_out(table, &route.columns, carried.is_binary, filter),
        )
        .statement(
            Session::Destination,
            Action::CopyIn,
            statements::copy_in(route.name, &route.columns, carried.is_binary, is_ours),
        );
    // Before the commit: a table whose source cannot be measured any more is not carried half-proved.
    // How many rows there were, the COPY itself tells.
    let measurement = context.measurement_of(carried.table);
    if let Some(measurement) = measurement.filter(|how| *how != Measurement::Count) {
        draft = draft.statement(
            Session::Source,
            Action::MeasureSource,
            measure::measure_source(table, &route.compared, measurement, filter),
        );
    }
    let draft = draft
        .unsilence(context, carried.table, Session::Destination)
        .statement(
            Session::Destination,
            Action::Journal,
            statements::journal_step(&key),
        )
        .run(Session::Destination, statements::COMMIT);
    if context.rows_call_functions(carried.table) {
        draft.or_by_search_path(context)
    } else {
        draft
    }
}

fn large_object_step(context: &Context<'_>) -> Draft {
    let objects = &context.inspection.catalog.large_objects;
    let draft = Draft::new(
        Phase::Data,
        format!("Copy {} large objects", objects.count),
        "Large objects belong to no table; each is read and written in pieces of one megabyte, under its own number.",
    )
    .kind(StepKind::LargeObjects)
    .key(LARGE_OBJECTS_KEY)
    .needs(super::roles::steps_of_large_objects(context))
    .size(objects.bytes, None)
    .run(Session::Destination, statements::BEGIN);
    let draft = if context.is_done(LARGE_OBJECTS_KEY) && context.is_whole() {
        draft.run(Session::Destination, large_objects::UNLINK_ALL)
    } else {
        draft
    };
    let draft = draft.statement(Session::Source, Action::Stream, large_objects::LIST);
    let draft =
        if context.options.on_existing == OnExisting::Empty || context.is_done(LARGE_OBJECTS_KEY) {
            draft.statement(Session::Destination, Action::Stream, large_objects::UNLINK)
        } else {
            draft
        };
    let draft = draft
        .statement(Session::Destination, Action::Stream, large_objects::CREATE)
        .statement(Session::Source, Action::Stream, large_objects::READ)
        .statement(Session::Destination, Action::Stream, large_objects::WRITE);
    let about = large_objects::description_in_plan(context.options);
    about
        .into_iter()
        .fold(draft, |draft, sql| {
            draft.statement(Session::Destination, Action::Stream, sql)
        })
        .statement(
            Session::Source,
            Action::MeasureSource,
            large_objects::measure(context.options),
        )
        .statement(
            Session::Destination,
            Action::Journal,
            statements::journal_step(LARGE_OBJECTS_KEY),
        )
        .run(Session::Destination, statements::COMMIT)
}

/// The snapshot that pure COPY runs open before anything else is read.
pub(super) fn push_snapshot(
    context: &Context<'_>,
    steps: &mut Steps,
    carried: &[Carried],
) -> StepId {
    let names = carried
        .iter()
        .map(|c| &context.inspection.catalog.tables[c.table].name);
    let mut draft = Draft::new(
        Phase::Prepare,
        "Take a snapshot of the source",
        "Everything is read from this one moment, however long the copy takes and whatever is written meanwhile.",
    )
    .kind(StepKind::OpenSnapshot)
    .key("source/snapshot")
    .run(Session::Coordinator, statements::BEGIN_SNAPSHOT);
    if let Some(lock) = statements::lock_tables(names, "ACCESS SHARE") {
        draft = draft.run(Session::Coordinator, lock);
    }
    steps.push(draft.statement(
        Session::Coordinator,
        Action::ExportSnapshot,
        statements::EXPORT_SNAPSHOT,
    ))
}
