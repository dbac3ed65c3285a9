//! Catalog + archive + selection + options → one [`Plan`]. Pure: no I/O, no clock.
//!
//! Preview, script, run and report all read the plan made here; what is previewed is what runs.

mod builder;
mod closure;
mod fdw;
mod finish;
mod rows;
mod schema;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::inspection::Inspection;
use crate::model::name::printable;
use crate::model::options::{Method, OnExisting, Options, SchemaChoice, VerifyLevel};
use crate::model::plan::{Phase, Plan, Session, StepId};
use crate::model::problem::Problem;
use crate::model::selection::{Carry, Selection};
use crate::sql::statements::Measurement;
use crate::sql::{settings, statements};

use builder::{Draft, Steps};
use closure::Closure;
use rows::{Carried, RowSteps};
use schema::StepOfEntry;

/// Title and reason of a step.
struct Sentence {
    title: String,
    why: String,
}

/// What every part of the planner looks at.
struct Context<'a> {
    inspection: &'a Inspection,
    selection: &'a Selection,
    options: &'a Options,
    closure: Closure,
    /// Archive entry of a table to its catalog position.
    table_of_entry: HashMap<u32, usize>,
    /// Archive entry of an index to its table's catalog position.
    table_of_index: HashMap<u32, usize>,
    /// Table to its archive entry.
    entry_of_table: HashMap<usize, u32>,
    /// A partitioned table to its direct partitions.
    partitions: HashMap<usize, Vec<usize>>,
    /// Catalog position to the step that creates the table; filled once the schema steps stand.
    creating_step: HashMap<usize, StepId>,
}

impl Context<'_> {
    /// howdah creates this table itself, so nobody else's rows can be in it.
    fn is_made_here(&self, table: usize) -> bool {
        self.options.schema == SchemaChoice::All && self.creating_step.contains_key(&table)
    }

    /// The table will exist when rows arrive.
    fn is_made_or_there(&self, table: usize) -> bool {
        match self.options.schema {
            SchemaChoice::None => true,
            SchemaChoice::All => {
                self.inspection.catalog.tables[table]
                    .extension_config
                    .is_some()
                    || self.creating_step.contains_key(&table)
            }
        }
    }

    fn table_step(&self, table: usize) -> Option<StepId> {
        self.creating_step.get(&table).copied()
    }

    /// The table that an archive entry is, or is an index of.
    fn table_behind(&self, entry: u32) -> Option<usize> {
        self.table_of_entry
            .get(&entry)
            .or_else(|| self.table_of_index.get(&entry))
            .copied()
    }

    fn carries_large_objects(&self) -> bool {
        // They belong to no table: a selection of tables says nothing about them.
        self.options.include.is_empty()
    }

    fn carries_fdw_extension(&self) -> bool {
        self.options.schema == SchemaChoice::All
            && self
                .inspection
                .archive
                .entries
                .iter()
                .any(|e| e.kind == "EXTENSION" && e.name.name == "postgres_fdw")
    }

    /// How tables are measured; none when nothing is compared.
    fn measurement(&self) -> Option<Measurement> {
        match self.options.verify {
            VerifyLevel::Off => None,
            VerifyLevel::Counts => Some(Measurement::Count),
            VerifyLevel::Checksums => Some(Measurement::checksum(
                self.inspection.source.version_num,
                self.inspection.destination.version_num,
            )),
        }
    }

    /// In front of rows that go into tables with triggers and foreign keys already in place.
    fn quiet_destination(&self) -> Vec<String> {
        let is_needed =
            self.options.schema == SchemaChoice::None && self.inspection.destination.is_superuser;
        is_needed
            .then(|| settings::QUIET_REPLICA.to_owned())
            .into_iter()
            .collect()
    }

    /// Each TABLE entry with the tables whose rows it stands for: itself, or every leaf below a partitioned table.
    fn leaves_by_entry(&self) -> HashMap<u32, Vec<usize>> {
        let tables = &self.inspection.catalog.tables;
        let mut of_entry: HashMap<u32, Vec<usize>> = HashMap::new();
        for at in 0..tables.len() {
            let mut next = Some(at);
            while let Some(table) = next {
                if let Some(entry) = self.entry_of_table.get(&table) {
                    of_entry.entry(*entry).or_default().push(at);
                }
                next = tables[table].partition_of;
            }
        }
        of_entry
    }
}

/// Makes the plan. Errors say what in the choices cannot be carried out.
pub fn plan(
    inspection: &Inspection,
    selection: &Selection,
    options: &Options,
) -> Result<Plan, Problem> {
    let position_of_oid: HashMap<u32, usize> = inspection
        .catalog
        .tables
        .iter()
        .enumerate()
        .map(|(at, t)| (t.oid, at))
        .collect();
    let table_of_entry = schema::table_of_entry(&inspection.archive.entries, &position_of_oid);
    let mut context = Context {
        inspection,
        selection,
        options,
        closure: match options.schema {
            SchemaChoice::All => Closure::of(&inspection.archive, &inspection.catalog, selection),
            SchemaChoice::None => Closure::default(),
        },
        entry_of_table: table_of_entry
            .iter()
            .map(|(entry, table)| (*table, *entry))
            .collect(),
        table_of_entry,
        table_of_index: HashMap::new(),
        partitions: partitions(inspection),
        creating_step: HashMap::new(),
    };
    context.table_of_index =
        schema::table_of_index(&inspection.archive.entries, &context.table_of_entry);
    if options.schema == SchemaChoice::All {
        // Where the creating steps will stand is not known yet; that they will is.
        let entries = inspection
            .archive
            .entries
            .iter()
            .filter(|e| context.closure.carries(e));
        context.creating_step = entries
            .filter_map(|entry| Some((*context.table_of_entry.get(&entry.id)?, StepId(0))))
            .collect();
    }
    let carried = rows::carried(&context);
    let is_copy_only = carried.iter().all(|c| c.method == Method::Copy);

    let mut steps = Steps::default();
    push_preparation(&context, &mut steps);
    rows::push_emptying(&context, &mut steps, &carried);
    let snapshot = is_copy_only.then(|| rows::push_snapshot(&context, &mut steps, &carried));

    let mut made = StepOfEntry::new();
    let no_rows = RowSteps::default();
    let makes_schema = options.schema == SchemaChoice::All;
    if makes_schema {
        schema::push_entries(&context, &mut steps, &mut made, &no_rows, Phase::Schema);
        context.creating_step = context
            .table_of_entry
            .iter()
            .filter_map(|(entry, table)| Some((*table, *made.get(entry)?)))
            .collect();
    }
    let rows = rows::push_rows(&context, &mut steps, &carried, snapshot);
    if makes_schema {
        schema::push_entries(&context, &mut steps, &mut made, &rows, Phase::Indexes);
    }
    finish::push_analyze(&context, &mut steps, &carried, &rows);
    let sequences = finish::push_sequences(&context, &mut steps);
    if makes_schema {
        finish::push_refreshes(&context, &mut steps, &made);
        schema::push_entries(&context, &mut steps, &mut made, &rows, Phase::Finish);
    }
    finish::push_verification(&context, &mut steps, &carried, &rows, &sequences);
    finish::push_journal_removal(&mut steps);
    if makes_schema {
        schema::push_entries(&context, &mut steps, &mut made, &rows, Phase::CleanUp);
    }

    let notes = notes(&context, &carried);
    let object_counts = object_counts(&context, &made);
    Ok(Plan {
        source: inspection.source_endpoint.label(),
        destination: inspection.destination_endpoint.label(),
        destination_database: inspection.destination_endpoint.database.clone(),
        options: options.clone(),
        source_settings: settings::source(inspection.source.version_num),
        destination_settings: settings::destination(inspection.destination.version_num),
        steps: steps.into_inner(),
        schema_digest: inspection.archive.digest(),
        client_directory: inspection.archive.client_directory.clone(),
        object_counts,
        notes,
        left_out: context.closure.left_out,
    })
}

fn partitions(inspection: &Inspection) -> HashMap<usize, Vec<usize>> {
    let mut partitions: HashMap<usize, Vec<usize>> = HashMap::new();
    for (at, table) in inspection.catalog.tables.iter().enumerate() {
        if let Some(parent) = table.partition_of {
            partitions.entry(parent).or_default().push(at);
        }
    }
    partitions
}

fn push_preparation(context: &Context<'_>, steps: &mut Steps) {
    let inspection = context.inspection;
    if let (None, Some(like)) = (
        &inspection.destination.database,
        &inspection.source.database,
    ) {
        steps.push(
            Draft::new(
                Phase::Prepare,
                format!(
                    "Create database {}",
                    printable(&inspection.destination_endpoint.database)
                ),
                "The destination server does not have it yet; encoding and locale are the source's.",
            )
            .key("prepare/database")
            .run(
                Session::Maintenance,
                statements::create_database(&inspection.destination_endpoint.database, like),
            ),
        );
    }
    steps.push(
        Draft::new(
            Phase::Prepare,
            "Start the journal",
            "A small schema in the destination that records each finished step in the step's own transaction; removed at the end.",
        )
        .key("prepare/journal")
        .run(Session::Destination, statements::BEGIN)
        .run(Session::Destination, statements::CREATE_JOURNAL[0])
        .run(Session::Destination, statements::CREATE_JOURNAL[1])
        .run(Session::Destination, statements::CREATE_JOURNAL[2])
        .run(
            Session::Destination,
            statements::begin_journal(
                &inspection.source_endpoint.label(),
                inspection.archive.digest(),
            ),
        )
        .run(Session::Destination, statements::COMMIT),
    );
    let clashes = clashing(context);
    if context.options.on_existing == OnExisting::Empty && !clashes.is_empty() {
        steps.push(
            Draft::new(
                Phase::Prepare,
                format!("Remove {} objects that are in the way", clashes.len()),
                "You asked for it: these stand where objects of the source will be created. All go, or none.",
            )
            .key("prepare/remove")
            .transaction(clashes),
        );
    }
}

/// `DROP` statements for what stands where something will be created.
fn clashing(context: &Context<'_>) -> Vec<String> {
    if context.options.schema == SchemaChoice::None {
        return Vec::new();
    }
    let wanted: HashSet<(&str, &str)> = context
        .inspection
        .archive
        .entries
        .iter()
        .filter(|entry| context.closure.carries(entry))
        .map(|entry| {
            let name = entry.name.name.as_str();
            let bare = match entry.kind.as_str() {
                "FUNCTION" | "PROCEDURE" | "AGGREGATE" => name.split('(').next().unwrap_or(name),
                // Any other name may hold a parenthesis, and what stands before it may be the name of another object.
                _ => name,
            };
            (entry.name.schema.as_str(), bare)
        })
        .collect();
    context
        .inspection
        .existing
        .iter()
        .filter(|object| object.kind != "schema")
        .filter(|object| wanted.contains(&(&object.name.schema, &object.name.name)))
        .map(|object| statements::drop_existing(&object.kind, &object.identity))
        .chain(
            context
                .inspection
                .existing
                .iter()
                .filter(|object| {
                    object.kind == "schema" && wanted.contains(&("", object.name.name.as_str()))
                })
                .map(|object| statements::drop_existing("schema", &object.identity)),
        )
        .collect()
}

fn notes(context: &Context<'_>, carried: &[Carried]) -> Vec<String> {
    let mut notes = Vec::new();
    let by_fdw = carried.iter().filter(|c| c.method == Method::Fdw).count();
    let fallback = carried.iter().filter(|c| c.because.is_some()).count();
    let tables = &context.inspection.catalog.tables;
    if fallback > 0 {
        notes.push(format!(
            "{fallback} of the tables chosen for FDW go by COPY, because FDW would copy them wrongly; each says why."
        ));
    }
    let can_lock =
        !context.inspection.source.in_recovery && carried.iter().all(|c| tables[c.table].can_lock);
    if by_fdw > 0 && by_fdw < carried.len() && !can_lock {
        notes.push(
            "Tables by FDW and tables by COPY are read at two moments, because this role may not lock the source's tables. Stop writers, or use COPY for all."
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
            "{structure_only} tables are made without their rows, as chosen."
        ));
    }
    if context.inspection.catalog.large_objects.count > 0 && !context.carries_large_objects() {
        notes.push(
            "Large objects are left out: they belong to no table, and only some tables were asked for."
                .to_owned(),
        );
    }
    notes
}

fn object_counts(context: &Context<'_>, made: &StepOfEntry) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in &context.inspection.archive.entries {
        if made.contains_key(&entry.id) {
            *counts.entry(&entry.kind).or_default() += 1;
        }
    }
    counts
        .into_iter()
        .map(|(kind, count)| (kind.to_owned(), count))
        .collect()
}
