//! What a destination needs whose tables are there already (`--schema none`): emptied first, its triggers silent while rows come
//! in, its foreign keys checked afterwards. What is taken away for that comes back whatever becomes of the run.

use crate::model::catalog::{ForeignKey, Table, TableKind, Trigger};
use crate::model::name::{ObjectName, printable};
use crate::model::options::{OnExisting, SchemaChoice};
use crate::model::plan::{Action, Fallback, Phase, Rule, Session, Statement, StepId};
use crate::sql::constraints;
use crate::sql::statements;

use super::Context;
use super::builder::{Draft, Steps};
use super::rows::{Carried, RowSteps};
use super::target::Target;

/// Tables of the destination that get rows, each once.
fn receiving(context: &Context<'_>, carried: &[Carried]) -> Vec<usize> {
    let mut tables: Vec<usize> = carried
        .iter()
        .filter_map(|one| context.target(one.table).ok().flatten())
        .map(|target| target.at)
        .collect();
    tables.sort_unstable();
    tables.dedup();
    tables
}

/// Empties the tables first, all in one statement, when the user asked for it.
pub(super) fn push_emptying(context: &Context<'_>, steps: &mut Steps, carried: &[Carried]) {
    let options = context.options;
    let Some(targets) = &context.targets else {
        return;
    };
    if options.on_existing != OnExisting::Empty || options.schema != SchemaChoice::None {
        return;
    }
    let tables = receiving(context, carried);
    let names: Vec<(&ObjectName, bool)> = tables
        .iter()
        .map(|at| targets.table(*at))
        .map(|table| (&table.name, table.kind == TableKind::Partitioned))
        .collect();
    if names.is_empty() {
        return;
    }
    steps.push(
        Draft::new(
            Phase::Prepare,
            format!("Empty {} tables of the destination", names.len()),
            "You asked for it: rows that are there would otherwise be doubled or clash.",
        )
        .key("prepare/empty")
        .rule(Rule::Normal)
        .transaction([statements::truncate_all(names)]),
    );
}

/// Triggers that are kept silent in the very transaction that brings a table's rows: whatever ends it puts them back.
pub(super) fn silenced<'a>(
    context: &'a Context<'_>,
    table: usize,
) -> Vec<(&'a Table, &'a Trigger)> {
    match (&context.targets, context.target(table)) {
        (Some(targets), Ok(Some(target))) => {
            targets.firing_triggers(target.at, context.inspection.can_silence_triggers)
        }
        _ => Vec::new(),
    }
}

/// FDW sessions carry many tables in one transaction, by `INSERT`: not into tables that need more than that.
pub(super) fn why_not_fdw(
    context: &Context<'_>,
    table: &Table,
    target: &Target<'_>,
) -> Option<String> {
    let targets = context.targets.as_ref()?;
    let can_silence = context.inspection.can_silence_triggers;
    let has_same_columns = table
        .copied_columns()
        .map(|column| column.name.as_str())
        .eq(target.columns.iter().copied());
    let reason = if target.table.has_insert_rule {
        "a rule of the destination's table would change what an INSERT does"
    } else if !targets.firing_triggers(target.at, can_silence).is_empty() {
        "triggers of the destination's table are kept silent in the table's own transaction"
    } else if target.is_parted_otherwise {
        "the destination is parted into other partitions"
    } else if !has_same_columns || !target.is_alike {
        "the destination's table has other columns"
    } else if context.adds_rows() {
        "rows are counted before and after, for they come to rows that are there"
    } else {
        return None;
    };
    Some(format!("By COPY, not FDW: {reason}."))
}

/// A foreign key that must go while the rows come in, with the step that takes it away.
pub(super) struct DroppedKey {
    key: ForeignKey,
    step: StepId,
}

/// A role that cannot silence foreign keys takes them away: rows come in no order that they could follow. The journal knows how
/// to put them back.
pub(super) fn push_key_drops(
    context: &Context<'_>,
    steps: &mut Steps,
    carried: &[Carried],
) -> Vec<DroppedKey> {
    let Some(targets) = &context.targets else {
        return Vec::new();
    };
    if context.inspection.can_silence_triggers {
        return Vec::new();
    }
    let keys = targets.checked_keys(&receiving(context, carried));
    keys.into_iter()
        .map(|key| {
            let table = &targets.table(key.table).name;
            let add = constraints::add_constraint(table, &key.name, &key.definition);
            let step = steps.push(
                Draft::new(
                    Phase::Prepare,
                    format!("Take foreign key {} off {table}", printable(&key.name)),
                    "It would be checked for each row before the rows it refers to are there; it comes back after the rows, whatever becomes of them.",
                )
                .object(table)
                .key(format!("prepare/key/{}.{}", key.table, key.name))
                .transaction([
                    constraints::journal_promise(&add),
                    constraints::drop_constraint(table, &key.name),
                ]),
            );
            DroppedKey {
                key: key.clone(),
                step,
            }
        })
        .collect()
}

/// Puts back what [`push_key_drops`] took away, also after a failure.
pub(super) fn push_keys_back(
    context: &Context<'_>,
    steps: &mut Steps,
    dropped: &[DroppedKey],
    rows: &RowSteps,
) {
    let Some(targets) = &context.targets else {
        return;
    };
    for DroppedKey { key, step } in dropped {
        let (table, referenced) = (targets.table(key.table), targets.table(key.references));
        let add = constraints::add_constraint(&table.name, &key.name, &key.definition);
        let kept = constraints::journal_kept(&add);
        let run = |sql: String| Statement {
            session: Session::Destination,
            action: Action::Run,
            sql,
        };
        let fallback = (!key.definition.contains(" NOT VALID")
            && table.kind != TableKind::Partitioned)
            .then(|| Fallback {
                after: &["23503"],
                why: "some rows refer to rows that are not there, so the key is put back for new rows only (NOT VALID), and the old ones are counted."
                    .to_owned(),
                statements: [
                    statements::BEGIN.to_owned(),
                    constraints::not_valid(&add),
                    kept.clone(),
                    statements::COMMIT.to_owned(),
                ]
                .map(run)
                .into_iter()
                .chain([Statement {
                    session: Session::Destination,
                    action: Action::CountViolations,
                    sql: constraints::orphans(key, table, referenced),
                }])
                .collect(),
                to_finish: Some(constraints::validate_constraint(&table.name, &key.name)),
            });
        steps.push(
            Draft::new(
                Phase::Indexes,
                format!(
                    "Put foreign key {} back on {}",
                    printable(&key.name),
                    table.name
                ),
                "As the destination had it; checked once over all rows.",
            )
            .object(&table.name)
            .rule(Rule::Always)
            .key(format!("finish/key/{}.{}", key.table, key.name))
            .needs([*step])
            .needs(rows.all())
            .transaction_without_journal([add, kept])
            .fallbacks(fallback),
        );
    }
}

/// Foreign keys that were silent while the rows came in are checked now.
pub(super) fn push_key_checks(
    context: &Context<'_>,
    steps: &mut Steps,
    carried: &[Carried],
    rows: &RowSteps,
) {
    let Some(targets) = &context.targets else {
        return;
    };
    if !context.inspection.can_silence_triggers {
        return;
    }
    for key in targets.checked_keys(&receiving(context, carried)) {
        if key.definition.contains(" NOT VALID")
            || key.definition.contains("PERIOD ")
            || key.columns.is_empty()
        {
            continue;
        }
        let (table, referenced) = (targets.table(key.table), targets.table(key.references));
        steps.push(
            Draft::new(
                Phase::Verify,
                format!("Check foreign key {} of {}", printable(&key.name), table.name),
                "It was not checked row by row while the rows came in; each must refer to a row that is there.",
            )
            .object(&table.name)
            .key(format!("verify/key/{}.{}", key.table, key.name))
            .needs(rows.all())
            .statement(
                Session::Destination,
                Action::CountViolations,
                constraints::orphans(key, table, referenced),
            ),
        );
    }
}

/// What a reader should know of tables that are there already.
pub(super) fn notes(context: &Context<'_>) -> Vec<String> {
    let tables = context.inspection.catalog.tables.iter().enumerate();
    let mut notes = Vec::new();
    if context.targets.is_some() {
        notes.push(
            "Indexes of the destination stay and are kept up to date row by row; dropping those that are no constraints first, and making them again after, would be faster."
                .to_owned(),
        );
    }
    for (at, table) in tables {
        let Ok(Some(target)) = context.target(at) else {
            continue;
        };
        if context.selection.tables.get(at)
            != Some(&crate::model::selection::Carry::RowsAndStructure)
            || !table.holds_rows()
        {
            continue;
        }
        if target.is_parted_otherwise {
            notes.push(format!(
                "Rows of {} go into {}, whose partitions are not the source's.",
                table.name, target.table.name
            ));
        }
        if !target.computed.is_empty() {
            let columns: Vec<_> = target.computed.iter().map(|c| printable(c)).collect();
            notes.push(format!(
                "The destination computes {} of {} by itself; what the source has there is not carried.",
                columns.join(", "),
                target.table.name
            ));
        }
    }
    notes
}

/// Materialized views of the destination show the rows of before.
pub(super) fn next_steps(context: &Context<'_>) -> Vec<String> {
    let Some(target) = context
        .inspection
        .target
        .as_ref()
        .filter(|_| context.targets.is_some())
    else {
        return Vec::new();
    };
    let filled = target
        .materialized_views
        .iter()
        .filter(|view| view.is_populated);
    filled
        .map(|view| {
            format!(
                "Refresh what is computed from the rows: {};",
                statements::refresh_materialized_view(&view.name)
            )
        })
        .collect()
}
