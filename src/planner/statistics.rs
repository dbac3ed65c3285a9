//! What the destination's planner knows of the rows: the source's own statistics where the destination takes them (18 and
//! newer), else gathered anew.

use std::collections::BTreeMap;

use foldhash::HashMap;

use crate::model::catalog::{Statistics, Table};
use crate::model::feature::Feature;
use crate::model::plan::{
    Action, Fallback, Phase, Repeat, Rule, Session, Statement, StepId, TableLock,
};
use crate::sql::{optimizer_statistics as sql, statements};

use super::Context;
use super::builder::{Draft, Steps, journal_key};
use super::rows::{Carried, RowSteps};
use super::schema::StepOfEntry;

const GATHERED: &str =
    "Without statistics the planner would guess, and the first queries would be slow.";

/// Once a table's rows are there and its indexes stand: an expression index brings statistics of its own, and building any
/// index counts the rows anew.
pub(super) fn push(
    context: &Context<'_>,
    steps: &mut Steps,
    carried: &[Carried],
    rows: &RowSteps,
    made: &StepOfEntry,
) {
    let mut needs: BTreeMap<usize, Vec<StepId>> = BTreeMap::new();
    needs.extend(carried.iter().map(|c| (c.table, Vec::new())));
    for table in carried.iter().map(|c| c.table) {
        for at in context.tables_of_rows(table) {
            if let Some(needs) = needs.get_mut(&at) {
                needs.extend(rows.of_table(table));
            }
        }
    }
    for (entry, table) in &context.table_of_index {
        if let (Some(needs), Some(step)) = (needs.get_mut(table), made.get(entry)) {
            needs.push(*step);
        }
    }
    let is_taken = Feature::StatisticsImport.is_in(context.inspection.destination.version_num);
    let whole = whole(context, carried);
    for (table, needs) in with_parents(context, needs, is_taken) {
        let draft = if is_taken {
            one_by_one(context, table, &whole)
        } else {
            gather(context, table, GATHERED, sql::analyze)
        };
        steps.push(draft.needs(needs));
    }
}

/// The partitioned tables over them too, whose own statistics no autovacuum gathers (manual, ANALYZE). Where ANALYZE reaches the
/// partitions from the root, only the root.
fn with_parents(
    context: &Context<'_>,
    needs: BTreeMap<usize, Vec<StepId>>,
    is_one_by_one: bool,
) -> BTreeMap<usize, Vec<StepId>> {
    let tables = &context.inspection.catalog.tables;
    let mut all: BTreeMap<usize, Vec<StepId>> = BTreeMap::new();
    for (table, needs) in needs {
        let chain = std::iter::successors(Some(table), |at| tables[*at].partition_of);
        let is_root = |at: &usize| tables[*at].partition_of.is_none();
        for at in chain.filter(|at| is_one_by_one || is_root(at)) {
            all.entry(at).or_default().extend(&needs);
        }
    }
    all
}

/// Tables that come with all their rows, and all rows of the tables below them.
fn whole(context: &Context<'_>, carried: &[Carried]) -> Vec<bool> {
    let tables = &context.inspection.catalog.tables;
    let mut whole: Vec<bool> = tables.iter().map(|table| !table.holds_rows()).collect();
    for carried in carried {
        let table = &tables[carried.table];
        whole[carried.table] = context.is_made_here(carried.table)
            && table.extension_config.is_none()
            && context.rehashed_by(carried.table).is_none()
            && context.selection.filter(carried.table).is_none();
    }
    let mut parents: HashMap<usize, Vec<usize>> = HashMap::default();
    for (at, table) in tables.iter().enumerate() {
        let above = table.inherits.iter().copied().chain(table.partition_of);
        parents.entry(at).or_default().extend(above);
    }
    let mut lessened: Vec<usize> = (0..tables.len()).filter(|at| !whole[*at]).collect();
    while let Some(at) = lessened.pop() {
        for parent in parents.get(&at).into_iter().flatten() {
            if std::mem::replace(&mut whole[*parent], false) {
                lessened.push(*parent);
            }
        }
    }
    whole
}

fn one_by_one(context: &Context<'_>, at: usize, whole: &[bool]) -> Draft {
    let table = &context.inspection.catalog.tables[at];
    let analyze = if table.holds_rows() {
        sql::analyze
    } else {
        sql::analyze_only
    };
    match (whole[at], table.statistics) {
        (true, Statistics::Complete) => carry(context, at, table),
        (true, Statistics::Incomplete) => gather(
            context,
            at,
            "The source has none, or not for all columns. Without them the planner would guess, and the first queries would be slow.",
            analyze,
        ),
        (true, Statistics::Extended) => gather(
            context,
            at,
            "The source's cannot be copied, because some of them are of CREATE STATISTICS. Without them the planner would guess.",
            analyze,
        ),
        (false, _) => gather(
            context,
            at,
            "The source's do not fit, because the table does not get the very same rows. Without them the planner would guess.",
            analyze,
        ),
    }
}

fn draft(context: &Context<'_>, table: usize, verb: &str, why: &'static str) -> Draft {
    let name = &context.inspection.catalog.tables[table].name;
    Draft::new(
        Phase::Indexes,
        format_args!("{verb} statistics of {name}"),
        why,
    )
    .object(name)
    .rule(Rule::Optional)
    .repeat(Repeat::Freely)
    // It waits for whatever alters the table, and that for it.
    .locks(vec![TableLock {
        table,
        is_shared: false,
    }])
    .needs(context.table_step(table))
}

fn gather(
    context: &Context<'_>,
    at: usize,
    why: &'static str,
    analyze: fn(&crate::model::name::ObjectName) -> String,
) -> Draft {
    let name = &context.inspection.catalog.tables[at].name;
    draft(context, at, "Gather", why)
        .key(journal_key("analyze", name))
        .run(Session::Destination, analyze(name))
}

/// Not in the journal: rows that come again after an interruption take some of it away.
fn carry(context: &Context<'_>, at: usize, table: &Table) -> Draft {
    let version = context.inspection.source.version_num;
    let name = &table.name;
    let [relations, columns] = sql::restore(name, version);
    let analyze = if table.holds_rows() {
        sql::analyze(name)
    } else {
        sql::analyze_only(name)
    };
    draft(
        context,
        at,
        "Copy",
        "What the source's planner knows of these rows holds for the copy: no need to read them again.",
    )
    .key(journal_key("statistics", name))
    .run(Session::Destination, statements::BEGIN)
    .run(Session::Destination, sql::STAGE)
    .statement(Session::SourceNow, Action::CopyOut, sql::copy_out(name, version))
    .statement(Session::Destination, Action::CopyIn, sql::COPY_IN)
    .run(Session::Destination, relations)
    .run(Session::Destination, columns)
    .run(Session::Destination, statements::COMMIT)
    .fallbacks([Fallback {
        // Insufficient privilege: to make a temporary table.
        after: &["42501"],
        why: "the role may not do that here, so statistics are gathered.".to_owned(),
        statements: vec![Statement::new(
            Session::Destination,
            Action::Run,
            analyze,
        )],
        to_finish: None,
        way: None,
    }])
}
