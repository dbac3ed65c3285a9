//! Rows: which method and format each table takes, and the steps that carry them.

use foldhash::HashMap;

use crate::model::catalog::{Table, WireType};
use crate::model::name::printable;
use crate::model::options::{Method, OnExisting};
use crate::model::plan::{
    Action, LARGE_OBJECTS_KEY, Part, Phase, Repeat, Session, StepId, StepKind, Text,
};
use crate::model::selection::Carry;
use crate::sql::journal;
use crate::sql::large_objects;
use crate::sql::measure;
use crate::sql::measure::Measurement;
use crate::sql::statements::{self, CopyFormat};

use super::Context;
use super::builder::{Draft, Steps, journal_key};
use super::fdw::Scaffold;
use super::parts::{self, Pages};
use super::rehearsal;
use super::route::Route;

/// A table whose rows are carried, and how.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    /// Position in the catalog.
    pub(super) table: usize,
    pub(super) method: Method,
    pub(super) is_binary: bool,
    /// Ranges of pages that go one by one; none where the table goes as a whole.
    pub(super) parts: Vec<Pages>,
    /// Said in the step's why when the method is not the one asked for.
    pub(super) because: Option<String>,
}

impl Carried {
    /// What one step carries: the table, or one part of it after the other.
    pub(super) fn shares(&self) -> impl Iterator<Item = Share> {
        let of = u32::try_from(self.parts.len()).unwrap_or(u32::MAX);
        let parts = self.parts.iter().zip(1..);
        let parts = parts.map(move |(pages, number)| Some((Part { number, of }, *pages)));
        let whole = self.parts.is_empty().then_some(None);
        whole.into_iter().chain(parts)
    }
}

/// A part of a table with its pages; none is all of it.
pub(super) type Share = Option<(Part, Pages)>;

/// Steps whose rows a crash of the destination takes although it keeps their commit.
pub(super) fn unlogged(context: &Context<'_>, carried: &[Carried], rows: &RowSteps) -> Vec<StepId> {
    let tables = &context.inspection.catalog.tables;
    let is_unlogged = |at: usize| match context.landing(at) {
        Some(landing) => landing.is_unlogged,
        None => tables[at].is_unlogged,
    };
    let unlogged = carried.iter().filter(|one| is_unlogged(one.table));
    unlogged
        .flat_map(|one| rows.data_steps(one.table))
        .collect()
}

/// What is different where a step carries a part only.
pub(super) struct Portion {
    pub(super) key: Text,
    pub(super) filter: Option<String>,
    /// `, part 2 of 4`.
    title: String,
    why: &'static str,
}

impl Portion {
    pub(super) fn of(context: &Context<'_>, carried: &Carried, share: Share) -> Self {
        let table = carried.table;
        let name = &context.inspection.catalog.tables[table].name;
        match share {
            Some((Part { number, of }, pages)) => Self {
                key: pages.key(name).into(),
                filter: Some(pages.condition()),
                title: format!(", part {number} of {of}"),
                why: "One of several parts of a large table that are copied side by side; each is a range of the pages that the rows lie on. ",
            },
            None => Self {
                key: journal_key("data", name),
                filter: rehearsal::filter(context, carried),
                title: String::new(),
                why: "",
            },
        }
    }

    pub(super) fn title(&self, verb: &str, table: &Table) -> Text {
        format_args!("{verb} the rows of {}{}", table.name, self.title).into()
    }

    pub(super) fn why(&self, context: &Context<'_>, why: Text) -> Text {
        match (context.is_done(&self.key), self.why) {
            (false, "") => why,
            (is_done, part) => {
                let kept = if is_done { KEPT } else { "" };
                format_args!("{kept}{part}{why}").into()
            }
        }
    }
}

impl Draft {
    /// Number and size of what a step carries.
    pub(super) fn share(self, context: &Context<'_>, at: usize, share: Share) -> Self {
        let table = &context.inspection.catalog.tables[at];
        let Some((part, _)) = share else {
            let sampled = rehearsal::part_of(context, at);
            let rows = table.estimated_rows.map(|rows| sampled.of(rows));
            return self.size(sampled.of(table.table_bytes), rows);
        };
        let of = u64::from(part.of);
        let rows = table.estimated_rows.map(|rows| rows / of);
        self.size(table.table_bytes / of, rows).part(part)
    }
}

/// The data steps made, findable by table.
#[derive(Debug, Default)]
pub(super) struct RowSteps {
    /// Table position to (data step, the step whose success makes its rows durable), one for each part.
    by_table: HashMap<usize, Vec<(StepId, StepId)>>,
    /// Archive entry of a table to every table whose rows it stands for: itself, or its leaf partitions.
    tables_of_entry: HashMap<u32, Vec<usize>>,
}

impl RowSteps {
    /// What must be done before something that depends on this archive entry. A session's commit can succeed without the rows
    /// of one of its tables.
    pub(super) fn of_entry(&self, entry: u32) -> Vec<StepId> {
        let tables = self.tables_of_entry.get(&entry).into_iter().flatten();
        let steps = tables.flat_map(|table| self.steps(*table));
        steps.flat_map(|(data, durable)| [data, durable]).collect()
    }

    fn steps(&self, table: usize) -> impl Iterator<Item = (StepId, StepId)> {
        self.by_table.get(&table).into_iter().flatten().copied()
    }

    /// The steps after which the table's rows are there to stay.
    pub(super) fn of_table(&self, table: usize) -> impl Iterator<Item = StepId> {
        self.steps(table).map(|(_, durable)| durable)
    }

    pub(super) fn data_steps(&self, table: usize) -> impl Iterator<Item = StepId> {
        self.steps(table).map(|(data, _)| data)
    }

    /// The one step that waits for all of them, for what needs them all: many such things and many tables would be too many needs.
    pub(super) fn push_waiting(&self, steps: &mut Steps) -> StepId {
        let all = self.by_table.values().flatten();
        steps.push(
            Draft::new(
                Phase::Indexes,
                "Wait for the rows of all tables",
                "An index over a function of the database may read any table through it, and a check that is not valid may be one that old rows break.",
            )
            .key("rows/all")
            .repeat(Repeat::Freely)
            .needs(all.flat_map(|(data, durable)| [*data, *durable])),
        )
    }

    /// Steps that carry one table between them.
    pub(super) fn split(&self) -> Vec<Vec<StepId>> {
        let mut split: Vec<Vec<StepId>> = self
            .by_table
            .values()
            .filter(|steps| steps.len() > 1)
            .map(|steps| steps.iter().map(|(data, _)| *data).collect())
            .collect();
        split.sort_unstable();
        split
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
                .or_else(|| context.why_not_fdw_there(at))
                .or_else(|| why_not_by_hash(context, at));
            let parts = parts::of(context, at);
            let is_half_there = || !parts::done(context, &table.name).is_empty();
            let objection = objection.or_else(|| {
                is_half_there()
                    .then(|| "By COPY, not FDW: parts of its rows were copied before.".to_owned())
            });
            let (method, because) = match (wanted, objection) {
                (Method::Fdw, Some(reason)) => (Method::Copy, Some(reason)),
                (method, _) => (method, None),
            };
            Carried {
                table: at,
                method,
                is_binary: !context.binary_would_convert(table)
                    && match context.landing(at) {
                        Some(landing) => landing.is_binary,
                        None => is_binary_safe(table),
                    },
                parts,
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
            "By COPY, not FDW: the source must evaluate the condition, with its own functions and settings."
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
        return Some("By COPY, not FDW: there is no column that an INSERT could name.".to_owned());
    }
    if table.has_reading_check {
        return Some(
            "By COPY, not FDW: a check calls a function that may read other tables, so these rows are copied after all others."
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

fn why_not_by_hash(context: &Context<'_>, table: usize) -> Option<String> {
    let root = &context.inspection.catalog.tables[context.rehashed_by(table)?].name;
    Some(format!(
        "By COPY, not FDW: {root} hashes values that every server numbers for itself, so its rows are distributed anew."
    ))
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
        let of_table = rows.by_table.entry(carried.table).or_default();
        let proof = parts::proof(context, carried);
        let proof = proof.map(|draft| steps.push(draft.needs(snapshot)));
        of_table.extend(proof.map(|step| (step, step)));
        for share in carried.shares() {
            let data = match carried.method {
                Method::Copy => {
                    let draft = copy_step(context, carried, share);
                    steps.push(draft.needs(snapshot).needs(proof))
                }
                Method::Fdw => scaffold.push_rows(context, steps, carried, share),
            };
            of_table.push((data, data));
        }
    }
    let commits = scaffold.push_commits(context, steps);
    for (data, durable) in rows.by_table.values_mut().flatten() {
        if let Some(StepKind::FdwRows { session }) = steps.kind(*data) {
            durable.clone_from(commits.get(usize::from(session)).unwrap_or(data));
        }
    }
    let others: Vec<StepId> = rows
        .by_table
        .values()
        .flatten()
        .flat_map(|(data, durable)| [*data, *durable])
        .collect();
    for carried in last {
        let draft = copy_step(context, carried, None);
        let data = steps.push(draft.needs(snapshot).needs(others.iter().copied()));
        rows.by_table.insert(carried.table, vec![(data, data)]);
    }
    let large_objects = &context.inspection.catalog.large_objects;
    // What an unfinished run has brought goes, also where the source has none any more.
    let has_some = large_objects.count > 0 || context.is_done(LARGE_OBJECTS_KEY);
    if has_some && context.carries_large_objects() {
        rows.by_table.insert(LARGE_OBJECTS, {
            let step = steps.push(large_object_step(context).needs(snapshot));
            vec![(step, step)]
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
            "Release the source's snapshot",
            "The last row is read: the source need no longer keep old versions of rows.",
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
pub(super) const KEPT: &str = "Copied before the run was interrupted, and stays if source and destination prove to hold the same; otherwise it is emptied and copied again. ";

/// Bytes from which rows are frozen as they come, so that nothing has to be written once more later. It takes a TRUNCATE in the
/// same transaction, which makes the table's files anew, and a commit that removes files waits for the disk whatever
/// `synchronous_commit` says (manual, 30.4): ten times the work of a few rows.
const WORTH_FREEZING: u64 = 1 << 20;

/// All rows of a table, or those of one part of it.
pub(super) fn copy_step(context: &Context<'_>, carried: &Carried, share: Share) -> Draft {
    let table = &context.inspection.catalog.tables[carried.table];
    // Beside other parts nothing may be emptied, and nothing frozen.
    let freezes = context.is_made_here(carried.table)
        && share.is_none()
        && context.rehashed_by(carried.table).is_none()
        // A crash of the destination may have this step done once more, of which nobody then knows what is left.
        && (table.table_bytes >= WORTH_FREEZING || table.is_unlogged);
    let portion = Portion::of(context, carried, share);
    let filter = portion.filter.as_deref();
    let (format, name) = match context.encoding_of_both() {
        _ if carried.is_binary => (CopyFormat::Binary, "binary"),
        Some(encoding) => (CopyFormat::TextIn(encoding), "text"),
        None => (CopyFormat::Text, "text"),
    };
    let why: Text = match &carried.because {
        Some(reason) => format_args!("{reason} Streamed in {name} format.").into(),
        None if carried.is_binary => {
            "Streamed through howdah in PostgreSQL's binary format, which is fastest and exact.".into()
        }
        None if context.binary_would_convert(table) => {
            "Streamed through howdah as text in the encoding of both databases: in binary form its characters would be converted to UTF8 and back.".into()
        }
        None => "Streamed through howdah as text: a column's type has no binary form that every server reads alike.".into(),
    };
    let why = match context.selection.filter(carried.table) {
        Some(filter) => format_args!("Only rows that satisfy {}. {why}", printable(filter)).into(),
        None => why,
    };
    let key = &portion.key;
    let mut draft = Draft::new(
        Phase::Data,
        portion.title("Copy", table),
        portion.why(context, why),
    )
    .kind(StepKind::CopyRows {
        is_binary: carried.is_binary,
    })
    .object(&table.name)
    .key(key)
    .share(context, carried.table, share)
    .needs(context.table_step(carried.table))
    .sharing(context, carried.table);
    if share.is_some() && context.is_done(key) {
        draft = draft.skip_if_done(key);
    }
    draft = draft.run(Session::Destination, context.begin(carried.table));
    let route = Route::of(context, carried.table);
    if share.is_none() && context.is_done(key) {
        let measure = measure::measure_source(table, &route.compared, context.checksum(), filter);
        let source = (Session::Source, measure);
        let on = Session::Destination;
        draft = draft.keep_if_equal(context, carried, on, source, statements::COMMIT);
    } else if freezes {
        draft = draft.run(Session::Destination, statements::truncate_only(&table.name));
    }
    if context.rows_are_evaluated(carried.table) {
        draft = draft.run_all(Session::Destination, context.as_on_source());
    }
    draft = draft
        .silence(context, carried.table, Session::Destination)
        .statement(
            Session::Source,
            Action::CopyOut,
            statements::copy_out(table, &route.columns, format, filter),
        )
        .statement(
            Session::Destination,
            Action::CopyIn,
            statements::copy_in(route.name, &route.columns, format, freezes),
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
            journal::done_with_rows(key),
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
        format_args!("Copy {} large objects", objects.count),
        "Large objects belong to no table; each is read and written in pieces of one megabyte, under its own number.",
    )
    .kind(StepKind::LargeObjects)
    .key(LARGE_OBJECTS_KEY)
    .needs(super::roles::steps_of_large_objects(context))
    .size(objects.bytes, None)
    .run(Session::Destination, statements::BEGIN)
    .statement(
        Session::Destination,
        Action::Stream,
        large_objects::BEGIN,
    );
    let draft = if context.is_done(LARGE_OBJECTS_KEY) && context.is_whole() {
        draft.statement(
            Session::Destination,
            Action::Stream,
            large_objects::UNLINK_ALL,
        )
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
        .statement(Session::Destination, Action::Stream, large_objects::BEGUN)
        .statement(
            Session::Destination,
            Action::Stream,
            large_objects::NEXT_TRANSACTION,
        )
        .statement(
            Session::Source,
            Action::MeasureSource,
            large_objects::measure(context.options),
        )
        .statement(
            Session::Destination,
            Action::Journal,
            journal::done_what_was_begun(LARGE_OBJECTS_KEY),
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
        "Everything is read from this one moment, however long the copy takes and whatever is written meanwhile. pg_dump then tells whether the definitions are still those of the plan; over a slow link that takes longest.",
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
