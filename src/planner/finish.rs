//! What follows the rows besides the archive's own entries: counters, materialized views, clean-up.

use foldhash::{HashMap, HashSet};

use crate::model::archive::Entry;
use crate::model::connection::ServerFacts;
use crate::model::feature::Feature;
use crate::model::name::ObjectName;
use crate::model::options::Keep;
use crate::model::plan::{Action, Phase, Repeat, Rule, Session, StepId, StepKind};
use crate::sql::{existing, journal, optimizer_statistics, statements};

use super::builder::{Draft, Steps, journal_key};
use super::rows::RowSteps;
use super::schema::StepOfEntry;
use super::{Context, fallback};
use crate::model::archive::PG_CLASS;

/// pg_dump takes for granted that nobody but its owner may create in schema public, as it is from 15 on, and says only what
/// the source has besides. An older destination is brought to that first, or what the source forbids would be allowed there.
pub(super) fn closes_public_schema(context: &Context<'_>) -> bool {
    let archive = &context.inspection.archive;
    context.options.privileges == Keep::Keep
        && context.options.include.is_empty()
        && archive.client_major() >= Feature::ClosedPublicSchema.since()
        && !Feature::ClosedPublicSchema.is_in(context.inspection.destination.version_num)
}

/// The same where the archive has no entry that it could be a part of.
pub(super) fn push_closing_public_schema(context: &Context<'_>, steps: &mut Steps) {
    let mut entries = context.inspection.archive.entries.iter();
    if !closes_public_schema(context)
        || entries.any(is_acl_of_public_schema)
        || has_dropped_public_schema(&context.inspection.source)
        || has_dropped_public_schema(&context.inspection.destination)
    {
        return;
    }
    steps.push(
        Draft::new(
            Phase::Finish,
            "Let only the owner create in schema public",
            "On the source nobody else may; a server before 15 allows it by default.",
        )
        .key("finish/public")
        .transaction([statements::CLOSE_PUBLIC_SCHEMA.to_owned()]),
    );
}

fn has_dropped_public_schema(facts: &ServerFacts) -> bool {
    let database = facts.database.as_ref();
    database.is_some_and(|one| !one.has_public_schema)
}

/// The source has dropped schema public, and the destination has it.
pub(super) fn lacks_public_schema(context: &Context<'_>) -> bool {
    let inspection = context.inspection;
    context.options.include.is_empty()
        && has_dropped_public_schema(&inspection.source)
        && !has_dropped_public_schema(&inspection.destination)
}

/// With the journal, in the last transaction: a run that is resumed may have use for it. What is the destination's own may, too.
pub(super) fn push_dropping_public_schema(context: &Context<'_>, steps: &mut Steps) {
    let is_managed = context.inspection.provider_there.is_some();
    if !lacks_public_schema(context) || !context.is_whole() || is_managed {
        return;
    }
    let last = steps.last_transaction();
    steps.push(
        Draft::new(
            Phase::CleanUp,
            "Drop schema public",
            "Every new database has one; the source's was dropped.",
        )
        .rule(Rule::Optional)
        .key("finish/no public")
        .needs([last])
        .in_last_transaction([statements::DROP_PUBLIC_SCHEMA]),
    );
}

pub(super) fn is_acl_of_public_schema(entry: &Entry) -> bool {
    entry.kind == "ACL" && entry.name.schema.is_empty() && entry.name.name == "SCHEMA public"
}

/// Positions of the sequences whose counters are carried.
pub(super) fn wanted_sequences(context: &Context<'_>) -> Vec<usize> {
    let archive = &context.inspection.archive;
    let made: HashSet<u32> = archive
        .entries
        .iter()
        .filter(|e| e.class_oid == PG_CLASS && e.kind == "SEQUENCE" && context.closure.carries(e))
        .map(|e| e.oid)
        .collect();
    let there: Option<HashSet<&ObjectName>> = context.ground.as_ref().map(|ground| {
        let sequences = ground.existing.catalog.sequences.iter();
        sequences.map(|sequence| &sequence.name).collect()
    });
    let sequences = context.inspection.catalog.sequences.iter().enumerate();
    sequences
        .filter(|(at, sequence)| {
            // A sequence that a named table's default calls comes along; without its counter the next row would clash.
            let comes_along = sequence.owned_by.is_none()
                && !context.options.include.is_empty()
                && !context
                    .options
                    .exclude
                    .iter()
                    .any(|pattern| pattern.matches(&sequence.name));
            let is_selected = context.selection.sequences.get(*at) == Some(&true) || comes_along;
            let is_there = match &there {
                Some(there) => there.contains(&sequence.name),
                None => made.contains(&sequence.oid) || sequence.extension.is_some(),
            };
            is_selected && is_there && !sequence.is_out_of_reach
        })
        .map(|(at, _)| at)
        .collect()
}

/// Counters of all selected sequences; returns (sequence position, step).
pub(super) fn push_sequences(context: &Context<'_>, steps: &mut Steps) -> Vec<(usize, StepId)> {
    let mut pushed = Vec::new();
    let (set, why): (fn(&ObjectName) -> String, _) = if context.appends() {
        (
            existing::advance_sequence,
            "Rows were added to existing rows: the sequence moves forward to the source's value, and never back.",
        )
    } else {
        (
            statements::set_sequence,
            "Read after the rows, because sequence values are not part of a snapshot; the next value then is the one the source would give.",
        )
    };
    for at in wanted_sequences(context) {
        let name = &context.inspection.catalog.sequences[at].name;
        let key = journal_key("sequence", name);
        let step = steps.push(
            Draft::new(Phase::Sequences, format_args!("Set sequence {name}"), why)
                .kind(StepKind::Sequence)
                .object(name)
                .key(&key)
                .statement(
                    Session::SourceNow,
                    Action::MeasureSource,
                    statements::read_sequence(name),
                )
                .run(Session::Destination, statements::BEGIN)
                .statement(Session::Destination, Action::BindMeasured, set(name))
                .run(Session::Destination, journal::done(&key))
                .run(Session::Destination, statements::COMMIT),
        );
        pushed.push((at, step));
    }
    pushed
}

/// Materialized views that are filled on the source are filled here, each after those it reads.
pub(super) fn push_refreshes(
    context: &Context<'_>,
    steps: &mut Steps,
    made: &StepOfEntry,
    rows: &RowSteps,
) {
    // The archive's headers have spaces for line ends in names; the catalog has the names as they are.
    let populated: HashMap<u32, &ObjectName> = context
        .inspection
        .catalog
        .materialized_views
        .iter()
        .filter(|view| view.is_populated)
        .map(|view| (view.oid, &view.name))
        .collect();
    if populated.is_empty() {
        return;
    }
    // Entry to the steps that bring what is read through it, looking through plain views: without the rows of one table a
    // materialized view would be filled, and wrong.
    let mut upstream: HashMap<u32, Vec<StepId>> = HashMap::default();
    for entry in &context.inspection.archive.entries {
        let mut needs: Vec<StepId> = entry
            .depends_on
            .iter()
            .filter_map(|id| upstream.get(id))
            .flatten()
            .copied()
            .chain(rows.of_entry(entry.id))
            .collect();
        needs.sort_unstable();
        needs.dedup();
        if entry.kind == "MATERIALIZED VIEW"
            && let Some(name) = populated.get(&entry.oid).copied()
            && let Some(created) = made.get(&entry.id)
        {
            needs.push(*created);
            let key = journal_key("refresh", name);
            let refresh = [statements::refresh_materialized_view(name).into()];
            let parameters = context.parameters_of_database();
            let plainly = context.as_on_source().into_iter().chain(refresh.clone());
            let without = fallback::without_parameters(context, &parameters, plainly, &key);
            let before = context.as_on_source().into_iter().chain(parameters);
            let refresh = steps.push(
                Draft::new(
                    Phase::Finish,
                    format_args!("Fill materialized view {name}"),
                    "Computed from the rows that were copied, after the materialized views it reads.",
                )
                .object(name)
                .key(&key)
                .needs(needs)
                .transaction(before.chain(refresh))
                .or_by_search_path(context)
                .fallbacks(without),
            );
            needs = vec![refresh];
            push_gathering(steps, name, refresh);
        }
        if !needs.is_empty() {
            upstream.insert(entry.id, needs);
        }
    }
}

/// It is filled from rows that came anew, whatever was known of it on the source.
fn push_gathering(steps: &mut Steps, view: &ObjectName, refresh: StepId) {
    steps.push(
        Draft::new(
            Phase::Finish,
            format_args!("Gather statistics of {view}"),
            "Without statistics the planner would guess, and the first queries would be slow.",
        )
        .object(view)
        .rule(Rule::Optional)
        .repeat(Repeat::Freely)
        .key(journal_key("analyze", view))
        .needs([refresh])
        .run(Session::Destination, optimizer_statistics::analyze(view)),
    );
}
