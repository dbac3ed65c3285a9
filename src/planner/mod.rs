//! Catalog + archive + selection + options → one [`Plan`]. Pure: no I/O, no clock.
//!
//! Preview, script, run and report all read the plan made here; what is previewed is what runs.

mod builder;
mod closure;
pub mod comparison;
pub mod consequences;
mod database;
pub mod definitions;
pub mod dialect;
mod encoding;
mod evaluated;
mod existing;
mod fallback;
mod fdw;
mod finish;
pub mod landing;
mod last;
mod lending;
mod notes;
mod parts;
pub mod rehearsal;
pub mod resume;
pub mod roles;
mod route;
mod rows;
pub mod schema;
mod statistics;
mod verification;

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use crate::model::archive::Entry;
use crate::model::connection::ServerFacts;
use crate::model::forecast::SampleSize;
use crate::model::inspection::Inspection;
use crate::model::journal::Request;
use crate::model::name::printable;
use crate::model::options::{Method, OnExisting, Options, SchemaChoice, VerifyLevel};
use crate::model::plan::{FDW_EXTENSION_KEY, Phase, Plan, Repeat, Session, StepId, Text};
use crate::model::problem::Problem;
use crate::model::selection::Selection;
use crate::sql::measure::Measurement;
use crate::sql::{self, settings, statements};

use builder::{Draft, Steps};
use closure::Closure;
use landing::{Ground, Landings};
use rows::RowSteps;
use schema::StepOfEntry;

/// Title and reason of a step.
struct Sentence {
    title: Text,
    why: Text,
}

/// What every part of the planner looks at.
struct Context<'a> {
    inspection: &'a Inspection,
    selection: &'a Selection,
    options: &'a Options,
    closure: Closure,
    /// The journal key of each archive entry, in their order.
    entry_keys: Vec<Text>,
    /// Archive entry of a table to its catalog position.
    table_of_entry: HashMap<u32, usize>,
    /// Archive entry of an index to its table's catalog position.
    table_of_index: HashMap<u32, usize>,
    /// Table to its archive entry.
    entry_of_table: HashMap<usize, u32>,
    /// A partitioned table to its direct partitions.
    partitions: HashMap<usize, Vec<usize>>,
    /// OID of a foreign key's constraint to its place in the catalog.
    foreign_keys: HashMap<u32, usize>,
    /// Archive entries that depend on a function, or on what may call one unseen.
    calling: HashSet<u32>,
    /// Archive entries of tables whose rows are evaluated as they come.
    evaluated_tables: HashSet<u32>,
    /// Those among them that may read any table through one.
    reading: HashSet<u32>,
    /// Where rows go when only rows are carried.
    landings: Landings<'a>,
    /// The tables they go into.
    ground: Option<Ground<'a>>,
    /// Catalog position to the step that creates the table; filled once the schema steps stand.
    creating_step: HashMap<usize, StepId>,
    /// A role of the destination to the step that makes it.
    step_of_role: HashMap<String, StepId>,
    /// Of each table only about so much is carried, into a database that is dropped at the end.
    sample: Option<SampleSize>,
}

impl Context<'_> {
    /// howdah creates this table itself, so nobody else's rows can be in it.
    fn is_made_here(&self, table: usize) -> bool {
        self.options.schema == SchemaChoice::All && self.creating_step.contains_key(&table)
    }

    /// The table will exist when rows arrive.
    fn is_made_or_there(&self, table: usize) -> bool {
        match self.options.schema {
            SchemaChoice::None => self.landing(table).is_some(),
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

    /// The object may call functions that somebody wrote: a database's own, or an extension's.
    fn calls_functions(&self, entry: u32) -> bool {
        self.calling.contains(&entry)
    }

    /// Rows of the table pass such functions on their way in: in checks, generated columns, domains.
    fn rows_call_functions(&self, table: usize) -> bool {
        let tables = &self.inspection.catalog.tables;
        std::iter::successors(Some(table), |at| tables[*at].partition_of).any(|at| {
            let entry = self.entry_of_table.get(&at);
            entry.is_some_and(|id| self.calls_functions(*id))
        })
    }

    fn carries_large_objects(&self) -> bool {
        let bytes = self.inspection.catalog.large_objects.bytes;
        carries_large_objects(self.options)
            && self
                .sample
                .is_none_or(|sample| bytes <= sample.of(bytes, None))
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

    /// The extension there is the scaffold of a run that did not come to its end.
    fn has_installed_fdw(&self) -> bool {
        let unfinished = self.inspection.unfinished.as_ref();
        self.is_done(FDW_EXTENSION_KEY)
            || unfinished.is_some_and(|journal| journal.done.contains(FDW_EXTENSION_KEY))
    }

    /// How tables are measured; none when nothing is compared.
    fn measurement(&self) -> Option<Measurement> {
        match self.options.verify {
            VerifyLevel::Off => None,
            VerifyLevel::Counts => Some(Measurement::Count),
            VerifyLevel::Checksums => Some(self.checksum()),
        }
    }

    /// How rows are compared value by value.
    fn checksum(&self) -> Measurement {
        let (source, destination) = (&self.inspection.source, &self.inspection.destination);
        let encoding = |facts: &ServerFacts| facts.database.as_ref().map(|d| d.encoding.clone());
        // A database yet to be made takes the source's encoding.
        let is_one_encoding =
            destination.database.is_none() || encoding(source) == encoding(destination);
        Measurement::checksum(source.version_num, destination.version_num, is_one_encoding)
    }

    /// The destination holds nothing but what the run makes.
    fn is_whole(&self) -> bool {
        match &self.inspection.journal {
            Some(journal) => journal.request.is_whole,
            // What is in no schema may be an administrator's.
            None => (self.inspection.existing.iter())
                .all(|one| one.name.schema.is_empty() && one.kind != "large objects"),
        }
    }

    /// What a later start needs to go on, as the journal keeps it.
    fn request(&self) -> Result<String, Problem> {
        let request = Request::new(
            &self.inspection.source_endpoint,
            self.options,
            &self.inspection.catalog,
            self.selection,
            self.is_whole(),
        );
        // The path of a certificate need not be UTF-8.
        serde_json::to_string(&request).map_err(|error| {
            Problem::new(
                "Could not write down what the run is to do",
                error.to_string(),
            )
            .hint("Name the certificates by paths in UTF-8.")
        })
    }

    /// Each TABLE entry with the tables whose rows it stands for: itself, or every leaf below a partitioned table.
    fn leaves_by_entry(&self) -> HashMap<u32, Vec<usize>> {
        let mut of_entry: HashMap<u32, Vec<usize>> = HashMap::default();
        for at in 0..self.inspection.catalog.tables.len() {
            for table in self.tables_of_rows(at) {
                if let Some(entry) = self.entry_of_table.get(&table) {
                    of_entry.entry(*entry).or_default().push(at);
                }
            }
        }
        of_entry
    }
}

impl<'a> Context<'a> {
    fn new(inspection: &'a Inspection, selection: &'a Selection, options: &'a Options) -> Self {
        let catalog = &inspection.catalog;
        let entries = &inspection.archive.entries;
        let positions = catalog.tables.iter().enumerate();
        let position_of_oid = positions.map(|(at, table)| (table.oid, at)).collect();
        let table_of_entry = schema::table_of_entry(entries, &position_of_oid);
        let makes_schema = options.schema == SchemaChoice::All;
        let closure = if makes_schema {
            Closure::of(&inspection.archive, catalog, selection).tell(&inspection.archive)
        } else {
            Closure::default()
        };
        // Where the creating steps will stand is not known yet; that they will is.
        let creating_step = entries
            .iter()
            .filter(|entry| makes_schema && closure.carries(entry))
            .filter_map(|entry| Some((*table_of_entry.get(&entry.id)?, StepId(0))))
            .collect();
        let functions: HashSet<u32> = entries
            .iter()
            .filter(|entry| {
                matches!(
                    entry.kind.as_str(),
                    "FUNCTION" | "AGGREGATE" | "OPERATOR" | "CAST" | "DOMAIN" | "EXTENSION"
                )
            })
            .map(|entry| entry.id)
            .collect();
        let calls = |entry: &&Entry| entry.depends_on.iter().any(|id| functions.contains(id));
        let calling = entries.iter().filter(calls).map(|entry| entry.id).collect();
        let existing = inspection.existing_schema.as_ref();
        let existing = existing.filter(|_| !makes_schema);
        Self {
            inspection,
            selection,
            options,
            closure,
            entry_keys: schema::keys(&inspection.archive).collect(),
            calling,
            evaluated_tables: evaluated::tables(&inspection.archive),
            reading: schema::reading(entries),
            entry_of_table: table_of_entry
                .iter()
                .map(|(entry, table)| (*table, *entry))
                .collect(),
            table_of_index: schema::table_of_index(entries, &table_of_entry),
            table_of_entry,
            partitions: partitions(inspection),
            foreign_keys: catalog
                .foreign_keys
                .iter()
                .enumerate()
                .map(|(at, key)| (key.oid, at))
                .collect(),
            landings: existing
                .map(|existing| landing::of(catalog, selection, existing))
                .unwrap_or_default(),
            ground: existing.map(|there| Ground::new(there, inspection.journal.as_ref())),
            creating_step,
            step_of_role: HashMap::default(),
            sample: None,
        }
    }

    /// A plan of these steps.
    fn into_plan(self, steps: Steps) -> Plan {
        let inspection = self.inspection;
        Plan {
            source: inspection.source_endpoint.label(),
            destination: inspection.destination_endpoint.label(),
            destination_database: inspection.destination_endpoint.database.clone(),
            destination_user: inspection.destination.user.clone(),
            options: self.options.clone(),
            source_settings: settings::source(inspection.source.version_num),
            destination_settings: [
                settings::with_dates_of(
                    inspection
                        .source
                        .database
                        .as_ref()
                        .map_or("", |one| &one.date_style),
                    settings::destination(inspection.destination.version_num),
                ),
                settings::loading(&inspection.destination, self.options),
            ]
            .concat(),
            steps: steps.into_inner(),
            at_once: at_once(&inspection.destination, self.options),
            schema_digest: inspection.archive.digest,
            archive: Arc::clone(&inspection.archive),
            client_directory: inspection.archive.client_directory.clone(),
            versions: (
                inspection.source.version_num,
                inspection.destination.version_num,
            ),
            extensions_there: (inspection.is_fdw_installed && !self.has_installed_fdw())
                .then(|| "postgres_fdw".to_owned())
                .into_iter()
                .collect(),
            provider_there: inspection.provider_there,
            not_measured: notes::not_measured(&self),
            measured_by: self.measurement().map(|m| m.describe().to_owned()),
            left_out: self.closure.left_out,
            ..Plan::default()
        }
    }
}

/// Index builds go on beside the copies, as many of each as `jobs`: a copy often waits for the network. On a server whose
/// cores are known they are not more than those, so that the longest chain of work is not slowed down by shorter ones.
fn at_once(destination: &ServerFacts, options: &Options) -> usize {
    let cores = destination.cores.unwrap_or(usize::MAX);
    cores.clamp(options.jobs, 2 * options.jobs)
}

/// A plan that compares what is selected on both sides and changes neither.
pub fn comparison(inspection: &Inspection, selection: &Selection, options: &Options) -> Plan {
    let context = Context::new(inspection, selection, options);
    let mut steps = Steps::default();
    verification::push_comparison(&context, &mut steps);
    let is_whole = options.include.is_empty() && options.exclude.is_empty();
    let not_compared =
        verification::push_definitions(&context, &mut steps, Phase::Verify, is_whole, None);
    let carried_entries = verification::carried_entries(&context);
    let lacks_public = finish::lacks_public_schema(&context);
    let mut plan = context.into_plan(steps);
    plan.not_measured
        .push("The database's own settings, comment, owner and privileges.".to_owned());
    if lacks_public {
        plan.not_measured.push(
            "Schema public itself: the source has dropped it, the destination has it.".to_owned(),
        );
    }
    Plan {
        carried_entries,
        definitions_not_compared: not_compared,
        is_comparison: true,
        // Nothing is written there either.
        destination_settings: settings::source(inspection.destination.version_num),
        ..plan
    }
}

/// They belong to no table: a selection of tables says nothing about them.
fn carries_large_objects(options: &Options) -> bool {
    options.include.is_empty()
}

/// Makes the plan. Errors say what in the choices cannot be carried out.
pub fn plan(
    inspection: &Inspection,
    selection: &Selection,
    options: &Options,
) -> Result<Plan, Problem> {
    make(Context::new(inspection, selection, options))
}

fn make(mut context: Context<'_>) -> Result<Plan, Problem> {
    let (inspection, options) = (context.inspection, context.options);
    roles::check_map(&inspection.archive, &inspection.catalog, options)?;
    if options.schema == SchemaChoice::None && inspection.existing_schema.is_none() {
        return Err(Problem::new(
            "Could not make the plan",
            "only rows are to be copied, and the destination database does not exist",
        )
        .hint("Let howdah create the schema too, or create the database and its tables first."));
    }
    existing::refuse(&context)?;
    let carried = rows::carried(&context);
    let is_copy_only = carried.iter().all(|c| c.method == Method::Copy);

    let catalog = &inspection.catalog;
    let likely =
        inspection.archive.entries.len() + 3 * catalog.tables.len() + 2 * catalog.sequences.len();
    // A step too many would double it.
    let mut steps = resume::begin(&context).with_room_for(likely + likely / 32 + 64);
    push_preparation(&context, &mut steps)?;
    let (step_of_role, new_roles) = roles::push_roles(&context, &mut steps);
    context.step_of_role = step_of_role;
    let aside = existing::push_setting_aside(&context, &mut steps)?;
    let snapshot = is_copy_only.then(|| rows::push_snapshot(&context, &mut steps, &carried));
    existing::push_emptying(&context, &mut steps, snapshot);
    push_removal(&context, &mut steps, snapshot);

    let mut made = StepOfEntry::default();
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
    if makes_schema {
        statistics::push(&context, &mut steps, &carried, &rows, &made);
    } else {
        existing::push_putting_back(&context, &mut steps, &rows, aside.as_ref());
        existing::push_analyze(&context, &mut steps, &carried, &rows);
    }
    let sequences = finish::push_sequences(&context, &mut steps);
    if makes_schema {
        lending::push_ends(&context, &mut steps);
        finish::push_closing_public_schema(&context, &mut steps);
        schema::push_entries(&context, &mut steps, &mut made, &rows, Phase::Finish);
        // A view is filled with its owner's rights.
        finish::push_refreshes(&context, &mut steps, &made, &rows);
    }
    let mut joined = rows.split();
    let shared = verification::push(&context, &mut steps, &carried, &rows, &sequences);
    joined.extend(shared);
    existing::push_counting_orphans(&context, &mut steps, &rows);
    if makes_schema {
        schema::push_entries(&context, &mut steps, &mut made, &rows, Phase::CleanUp);
        database::push_settings(&context, &mut steps);
        finish::push_dropping_public_schema(&context, &mut steps);
    }
    let removal = last::push_journal_removal(&mut steps, aside.is_some());
    let definitions_not_compared = if makes_schema {
        // Rows of an existing destination's objects are its own affair, and so are the objects.
        let is_whole = context.is_whole();
        verification::push_definitions(&context, &mut steps, Phase::CleanUp, is_whole, removal)
    } else {
        Some("the tables existed already; howdah verify compares them".to_owned())
    };
    rehearsal::push_removal(&context, &mut steps);
    let carried_entries = verification::carried_entries(&context);
    let notes = notes::notes(&context, &carried);
    let rows_left_out = notes::rows_left_out(&context);
    context.closure.left_out.extend(rows_left_out);
    if makes_schema {
        let invalid = notes::invalid_indexes(&context, &made);
        context.closure.left_out.extend(invalid);
        let switches = database::left_out(&context);
        let older = notes::older_extensions(&context);
        let left_out = &mut context.closure.left_out;
        left_out.extend(switches.into_iter().chain(older));
    }
    Ok(Plan {
        object_counts: object_counts(&context, &made),
        new_roles,
        progress: resume::progress(&context, &carried),
        notes,
        joined,
        unlogged: rows::unlogged(&context, &carried, &rows),
        has_no_large_objects: context.carries_large_objects()
            && rows.data_steps(rows::LARGE_OBJECTS).next().is_none(),
        next_steps: existing::next_steps(&context),
        carried_entries,
        definitions_not_compared,
        ..context.into_plan(steps)
    })
}

fn partitions(inspection: &Inspection) -> HashMap<usize, Vec<usize>> {
    let mut partitions: HashMap<usize, Vec<usize>> = HashMap::default();
    for (at, table) in inspection.catalog.tables.iter().enumerate() {
        if let Some(parent) = table.partition_of {
            partitions.entry(parent).or_default().push(at);
        }
    }
    partitions
}

fn push_preparation(context: &Context<'_>, steps: &mut Steps) -> Result<(), Problem> {
    let inspection = context.inspection;
    if let (None, Some(like)) = (
        &inspection.destination.database,
        &inspection.source.database,
    ) {
        steps.push(
            Draft::new(
                Phase::Prepare,
                format_args!(
                    "Create database {}",
                    printable(&inspection.destination_endpoint.database)
                ),
                "The destination server does not have it yet; encoding and locale are the source's.",
            )
            .key("prepare/database")
            .repeat(Repeat::AskForDatabase)
            .run(
                Session::Maintenance,
                sql::database::create(
                    &inspection.destination_endpoint.database,
                    like,
                    inspection.destination.version_num,
                ),
            ),
        );
    }
    if let Some(journal) = &inspection.journal {
        resume::push_going_on(context, steps, journal);
    } else {
        let request = context.request()?;
        steps.push(
            Draft::new(
                Phase::Prepare,
                "Start the journal",
                "A small schema on the destination that records each finished step in the step's own transaction; it is removed at the end.",
            )
            .key("prepare/journal")
            .repeat(Repeat::AskForJournal)
            .run(Session::Destination, statements::BEGIN)
            .run(Session::Destination, statements::WAIT_FOR_DISK)
            .run(Session::Destination, statements::CREATE_JOURNAL[0])
            .run(Session::Destination, statements::CREATE_JOURNAL[1])
            .run(Session::Destination, statements::CREATE_JOURNAL[2])
            .run(Session::Destination, statements::CREATE_JOURNAL[3])
            .run(
                Session::Destination,
                statements::begin_journal(&request),
            )
            .run(Session::Destination, statements::COMMIT),
        );
    }
    Ok(())
}

/// Nothing is taken away before the source has been seen to be readable: it needs the snapshot where there is one.
fn push_removal(context: &Context<'_>, steps: &mut Steps, snapshot: Option<StepId>) {
    let clashes = clashing(context);
    if context.options.on_existing == OnExisting::Empty && !clashes.is_empty() {
        steps.push(
            Draft::new(
                Phase::Prepare,
                format_args!("Remove {} objects that are in the way", clashes.len()),
                "You asked for it: objects of the source will be created under the same names. All are removed, or none.",
            )
            .key("prepare/remove")
            .needs(snapshot)
            .transaction(clashes),
        );
    }
}

/// `DROP` statements for what stands where something will be created.
fn clashing(context: &Context<'_>) -> Vec<String> {
    if context.options.schema == SchemaChoice::None {
        return Vec::new();
    }
    let entries = context.inspection.archive.entries.iter();
    let carried = entries.filter(|entry| context.closure.carries(entry));
    consequences::in_the_way(&context.inspection.existing, carried)
        .into_iter()
        .map(|object| statements::drop_existing(&object.kind, &object.identity))
        .collect()
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
