//! Rehearsal: the plan of a run into a scratch database that carries a sample of each table's rows, and how each step of the
//! real run grows from what it took there. The steps are those of a real run, made by the same code.
//!
//! A sample is a range of pages from the middle of the table: one condition for COPY and FDW alike, and no other page is read.

use std::sync::Arc;

use foldhash::HashMap;

use crate::model::catalog::Table;
use crate::model::connection::Endpoint;
use crate::model::feature::Feature;
use crate::model::forecast::{Class, Growth, Sample, SampleSize};
use crate::model::format::{bytes_plain, counted};
use crate::model::inspection::Inspection;
use crate::model::journal::Leftovers;
use crate::model::name::{ObjectName, printable};
use crate::model::options::{Method, OnExisting, Options, SchemaChoice};
use crate::model::plan::{Phase, Plan, Rule, Session, Step, StepId, StepKind};
use crate::model::problem::Problem;
use crate::model::roles::{RoleMap, RolePair};
use crate::model::selection::Selection;
use crate::sql::{pages, scratch};

use super::builder::{Draft, Steps};
use super::rows::Carried;
use super::{Context, make, roles};

/// Of a table that is hardly larger than the sample, all is carried.
const HARDLY: f64 = 1.25;
/// ANALYZE looks at so many pages at most (`default_statistics_target` of 100).
const ANALYZED_PAGES: f64 = 30_000.0;

/// A rehearsal and the run it is for.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// Into the scratch database, with a sample of the rows.
    pub plan: Arc<Plan>,
    /// The same with all rows.
    pub whole: Arc<Plan>,
    /// By step of the whole.
    pub growth: Vec<Growth>,
    pub samples: Vec<Sample>,
    /// What the rehearsal cannot tell, one sentence each.
    pub not_measured: Vec<String>,
    /// The real run's.
    pub destination: String,
}

/// The part of a table that is carried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PartOf {
    from: u64,
    to: u64,
    share: f64,
}

impl PartOf {
    const ALL: Self = Self {
        from: 0,
        to: u64::MAX,
        share: 1.0,
    };

    /// About so much from the middle.
    fn of_table(table: &Table, sample: SampleSize) -> Self {
        if table.is_heap && table.extension_config.is_none() {
            let wanted = sample.of(table.table_bytes, table.estimated_rows);
            Self::middle(table.page_count, table.table_bytes, wanted)
        } else {
            Self::ALL
        }
    }

    fn middle(page_count: u64, bytes: u64, sample: u64) -> Self {
        let is_large = bytes as f64 > sample as f64 * HARDLY;
        if !is_large || page_count < 2 {
            return Self::ALL;
        }
        let pages = u128::from(sample) * u128::from(page_count) / u128::from(bytes.max(1));
        let pages = u64::try_from(pages).unwrap_or(u64::MAX);
        let pages = pages.clamp(1, page_count - 1);
        let from = (page_count - pages) / 2;
        Self {
            from,
            to: from + pages,
            share: pages as f64 / page_count as f64,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count"
    )]
    pub(super) fn of(self, count: u64) -> u64 {
        if self.share >= 1.0 {
            return count;
        }
        (count as f64 * self.share) as u64
    }
}

pub(super) fn part_of(context: &Context<'_>, at: usize) -> PartOf {
    let table = &context.inspection.catalog.tables[at];
    let sample = context.sample;
    sample.map_or(PartOf::ALL, |sample| PartOf::of_table(table, sample))
}

/// The condition that a table's rows must satisfy to be carried: the user's, and that of the sample.
pub(super) fn filter(context: &Context<'_>, carried: &Carried) -> Option<String> {
    let wanted = context.selection.filter(carried.table);
    let part = part_of(context, carried.table);
    if part == PartOf::ALL {
        return wanted.map(str::to_owned);
    }
    let table = &context.inspection.catalog.tables[carried.table];
    let has_ranges = Feature::TidRangeScans.is_in(context.inspection.source.version_num);
    // postgres_fdw does not send a list of places along.
    let is_sampled = if has_ranges || carried.method == Method::Fdw {
        pages::within(part.from, Some(part.to))
    } else {
        let rows = table.estimated_rows.unwrap_or(0);
        // Twice as many as on a page of usual rows; a sample need not have all.
        let on_each = (2 * rows / table.page_count.max(1)).clamp(8, 291);
        pages::places(part.from, part.to, on_each)
    };
    Some(match wanted {
        Some(wanted) => format!("(\n{wanted}\n) AND {is_sampled}"),
        None => is_sampled,
    })
}

/// The last step of all: whatever has happened before it.
pub(super) fn push_removal(context: &Context<'_>, steps: &mut Steps) {
    if context.sample.is_none() {
        return;
    }
    let inspection = context.inspection;
    let name = &inspection.destination_endpoint.database;
    let draft = Draft::new(
        Phase::CleanUp,
        "Remove the scratch database",
        "It was created for the rehearsal only.",
    )
    .key("rehearsal/remove")
    .rule(Rule::Always);
    let statements = scratch::drop(name, inspection.destination.version_num);
    steps.push(
        statements
            .into_iter()
            .fold(draft, |draft, sql| draft.run(Session::Maintenance, sql)),
    );
}

/// The same servers, and a destination of this name that is yet to be made.
pub fn with_scratch(inspection: &Inspection, name: String) -> Inspection {
    let mut scratch = inspection.clone();
    scratch.destination_endpoint.database = name;
    scratch.destination.database = None;
    scratch.existing = Vec::new();
    scratch.existing_schema = None;
    (scratch.journal, scratch.unfinished) = (None, None);
    scratch.leftovers = Leftovers::default();
    scratch.scratches = Vec::new();
    scratch.is_fdw_installed = false;
    scratch.other_versions.retain(|one| !one.is_installed);
    scratch
}

/// What a rehearsal is made with. Errors say what cannot be rehearsed.
pub fn options(options: &Options) -> Result<Options, Problem> {
    if options.schema == SchemaChoice::None {
        return Err(Problem::new(
            "This cannot be rehearsed",
            "only rows are to be copied, into tables that only the destination itself has, with their keys, triggers and rows; an empty scratch database has none of them",
        )
        .hint("Rehearse with the structure too (--schema all): the rows take about as long, without what keys and triggers of the destination cost."));
    }
    Ok(Options {
        on_existing: OnExisting::Stop,
        create_database: true,
        ..options.clone()
    })
}

/// Roles belong to the whole server: none is made, and what would be theirs is the connecting role's.
fn without_new_roles(
    inspection: &Inspection,
    selection: &Selection,
    options: Options,
) -> (Options, Vec<String>) {
    if !options.create_roles {
        return (options, Vec::new());
    }
    let (archive, catalog) = (&inspection.archive, &inspection.catalog);
    let is_there = |name: &str| inspection.destination_roles.iter().any(|r| r.name == name);
    let missing: Vec<String> = roles::needs(archive, catalog, selection, &options)
        .into_iter()
        .filter(|need| !is_there(&need.name) && !roles::is_predefined(&need.name))
        .map(|need| need.source_name)
        .collect();
    let kept = options.role_map.pairs().iter();
    let kept = kept.filter(|pair| !missing.contains(&pair.old)).cloned();
    let stand_ins = missing.iter().map(|old| RolePair {
        old: old.clone(),
        new: inspection.destination.user.clone(),
    });
    let role_map = RoleMap::new(kept.chain(stand_ins).collect());
    let options = Options {
        create_roles: false,
        role_map,
        ..options
    };
    (options, missing)
}

/// `inspection` has a scratch database as its destination; `asked` is what the real run is asked to do, and `destination` where.
pub fn plan(
    inspection: &Inspection,
    selection: &Selection,
    asked: &Options,
    sample: SampleSize,
    destination: &Endpoint,
) -> Result<Rehearsal, Problem> {
    let (options, missing) = without_new_roles(inspection, selection, options(asked)?);
    let real = with_scratch(inspection, destination.database.clone());
    let whole = make(Context::new(&real, selection, &options))?;
    let mut context = Context::new(inspection, selection, &options);
    context.sample = Some(sample);
    let plan = make(context)?;
    let mut context = Context::new(inspection, selection, &options);
    context.sample = Some(sample);
    let samples = samples(&context, &plan);
    Ok(Rehearsal {
        growth: growth(&context, &plan, &whole),
        not_measured: not_measured(&context, asked, &samples, &missing),
        samples,
        plan: Arc::new(plan),
        whole: Arc::new(whole),
        destination: destination.label(),
    })
}

fn samples(context: &Context<'_>, plan: &Plan) -> Vec<Sample> {
    let at_name = tables_by_name(context);
    let mut samples: Vec<Sample> = plan
        .steps
        .iter()
        .filter_map(|step| {
            let method = step.method()?;
            let at = *at_name.get(step.object.as_ref()?)?;
            let table = &context.inspection.catalog.tables[at];
            Some(Sample {
                name: table.name.clone(),
                method,
                step: step.id,
                share: part_of(context, at).share,
                table_bytes: table.table_bytes,
                estimated_rows: table.estimated_rows,
                rows: 0,
                elapsed_ms: 0,
            })
        })
        .collect();
    samples.sort_by_key(|sample| std::cmp::Reverse(sample.table_bytes));
    samples
}

fn tables_by_name<'a>(context: &'a Context<'_>) -> HashMap<&'a ObjectName, usize> {
    let tables = context.inspection.catalog.tables.iter().enumerate();
    tables.map(|(at, table)| (&table.name, at)).collect()
}

/// What stands in a table and in all tables below it.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    bytes: f64,
    sampled_bytes: f64,
    rows: f64,
    sampled_rows: f64,
}

impl Extent {
    fn of(context: &Context<'_>, at: usize) -> Self {
        let mut whole = Self::default();
        let mut open = vec![at];
        while let Some(at) = open.pop() {
            open.extend(context.partitions.get(&at).into_iter().flatten());
            let table = &context.inspection.catalog.tables[at];
            let share = part_of(context, at).share;
            let (bytes, rows) = (table.table_bytes, table.estimated_rows.unwrap_or(0));
            whole = whole.with(Self {
                bytes: bytes as f64,
                sampled_bytes: bytes as f64 * share,
                rows: rows as f64,
                sampled_rows: rows as f64 * share,
            });
        }
        whole
    }

    fn with(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            sampled_bytes: self.sampled_bytes + other.sampled_bytes,
            rows: self.rows + other.rows,
            sampled_rows: self.sampled_rows + other.sampled_rows,
        }
    }

    fn linear(self) -> f64 {
        if self.sampled_bytes < 1.0 {
            return 1.0;
        }
        (self.bytes / self.sampled_bytes).max(1.0)
    }

    /// As a sort grows.
    fn sorting(self) -> f64 {
        let (all, few) = (self.rows.max(2.0), self.sampled_rows.max(2.0));
        self.linear() * (all.log2() / few.log2()).max(1.0)
    }
}

/// By step of the whole plan.
fn growth(context: &Context<'_>, plan: &Plan, whole: &Plan) -> Vec<Growth> {
    let by_key: HashMap<&str, StepId> = plan
        .steps
        .iter()
        .map(|step| (step.journal_key.as_str(), step.id))
        .collect();
    let rows_of: HashMap<&ObjectName, StepId> = plan
        .steps
        .iter()
        .filter(|step| step.method().is_some())
        .filter_map(|step| Some((step.object.as_ref()?, step.id)))
        .collect();
    let at_name = tables_by_name(context);
    let everything = (0..context.inspection.catalog.tables.len())
        .filter(|at| context.inspection.catalog.tables[*at].holds_rows())
        .map(|at| Extent::of(context, at))
        .fold(Extent::default(), Extent::with);
    let of_step = |step: &Step| {
        let own = step.object.as_ref().and_then(|name| at_name.get(name));
        let extent = || own.map_or(Extent::default(), |at| Extent::of(context, *at));
        // Of a partitioned table all partitions stand beside it already.
        let locked = || {
            let own = step
                .locks
                .iter()
                .map(|lock| Extent::of_one(context, lock.table));
            own.fold(Extent::default(), Extent::with)
        };
        let parts = step.part().map_or(1.0, |part| f64::from(part.of.max(1)));
        let key = step.journal_key.as_str();
        let (class, factor) = match step.kind {
            StepKind::CopyRows { .. } | StepKind::FdwRows { .. } => {
                (Class::Rows, extent().linear() / parts)
            }
            StepKind::VerifyTable { .. } => (Class::Compare, extent().linear()),
            _ if key.starts_with("analyze/") => {
                let pages = |bytes: f64| (bytes / 8192.0).clamp(1.0, ANALYZED_PAGES);
                let extent = extent();
                let factor = pages(extent.bytes) / pages(extent.sampled_bytes);
                (Class::Other, factor)
            }
            _ if key.starts_with("refresh/") => (Class::Check, everything.linear()),
            _ if uses_index(step) => (Class::Other, 1.0),
            _ if key.starts_with("index/")
                || key.starts_with("schema/INDEX/")
                || key.starts_with("schema/CONSTRAINT/") =>
            {
                (Class::Index, locked().sorting())
            }
            _ if key.starts_with("schema/FK CONSTRAINT/")
                || key.starts_with("schema/CHECK CONSTRAINT/") =>
            {
                (Class::Check, locked().linear())
            }
            _ => (Class::Other, 1.0),
        };
        let rows = step.object.as_ref().filter(|_| step.method().is_some());
        let rehearsed = match rows {
            Some(name) => rows_of.get(name).copied(),
            None => by_key.get(key).copied(),
        };
        Growth {
            rehearsed,
            factor,
            class,
        }
    };
    whole.steps.iter().map(of_step).collect()
}

impl Extent {
    /// Without the tables below it.
    fn of_one(context: &Context<'_>, at: usize) -> Self {
        if context.inspection.catalog.tables[at].holds_rows() {
            return Self::of(context, at);
        }
        Self::default()
    }
}

/// The index is there already: the constraint only takes it over.
fn uses_index(step: &Step) -> bool {
    let mut statements = step.statements.iter();
    statements.any(|statement| statement.sql().contains(" USING INDEX "))
}

fn not_measured(
    context: &Context<'_>,
    asked: &Options,
    samples: &[Sample],
    missing_roles: &[String],
) -> Vec<String> {
    let inspection = context.inspection;
    let catalog = &inspection.catalog;
    let mut all = Vec::new();
    let is_sampled = samples.iter().any(|sample| !sample.is_whole());
    if is_sampled && !catalog.foreign_keys.is_empty() {
        all.push("Foreign keys: rows of a sample refer to rows outside of it, so whether the keys hold was not tested. Their time is that of a query that counts such rows.".to_owned());
    }
    if is_sampled && catalog.materialized_views.iter().any(|v| v.is_populated) {
        all.push("Materialized views were filled from the samples; their time is taken to grow with the rows, and a query's may grow faster.".to_owned());
    }
    let large_objects = catalog.large_objects;
    if large_objects.count > 0
        && super::carries_large_objects(context.options)
        && !context.carries_large_objects()
    {
        all.push(format!(
            "{} ({}) were not copied; their time is taken from the rate of the rows.",
            counted(large_objects.count, "large object", "large objects"),
            bytes_plain(large_objects.bytes)
        ));
    }
    if asked.on_existing == OnExisting::Empty {
        all.push(
            "Removing what is in the way on the destination: the rehearsal does not touch it."
                .to_owned(),
        );
    }
    if !missing_roles.is_empty() {
        let names: Vec<_> = missing_roles.iter().map(|role| printable(role)).collect();
        all.push(format!(
            "Roles that the run creates ({}): none was created, the connecting role stood in for them.",
            names.join(", ")
        ));
    }
    let has_ranges = Feature::TidRangeScans.is_in(inspection.source.version_num);
    let is_scanned = |s: &Sample| !s.is_whole() && s.method == Method::Fdw;
    if !has_ranges && samples.iter().any(is_scanned) {
        all.push("By FDW a source before 14 reads a whole table to find a part of it, so these tables seem slower than they are.".to_owned());
    }
    all.push("What is in the destination database itself: only the checks look there.".to_owned());
    all.push("Other work on the servers, and writing to disk that they put off for later: a long run has more of it than a short one.".to_owned());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_from_the_middle_and_never_more_than_the_table() {
        let part = PartOf::middle(1000, 8_192_000, 819_200);
        assert_eq!((part.from, part.to, part.of(5000)), (450, 550, 500));
        assert_eq!(PartOf::middle(1000, 8_192_000, 8_000_000), PartOf::ALL);
        assert_eq!(PartOf::middle(1, 8_192_000, 8192), PartOf::ALL);
        let least = PartOf::middle(10, 1 << 40, 1);
        assert_eq!((least.from, least.to), (4, 5));
    }

    #[test]
    fn a_sort_grows_faster_than_its_rows() {
        let extent = Extent {
            bytes: 1000.0,
            sampled_bytes: 10.0,
            rows: 1_048_576.0,
            sampled_rows: 1024.0,
        };
        assert!((extent.linear() - 100.0).abs() < 1e-9);
        assert!((extent.sorting() - 200.0).abs() < 1e-9);
    }

    #[test]
    fn only_rows_cannot_be_rehearsed() {
        let only_rows = Options {
            schema: SchemaChoice::None,
            ..Options::default()
        };
        assert!(options(&only_rows).is_err());
    }
}
