//! Rows that go into tables that are there: what is silenced for them, what is set aside and put back, how they are counted.
//!
//! Triggers. Where the role may, the transaction runs under `session_replication_role = replica`, which silences ordinary triggers
//! and foreign keys. What would fire all the same is switched off by name and given back its former state in the very transaction
//! that brings the rows: whatever ends it, the rollback restores. Where a table has a deferrable key, its check at the end would
//! be silenced too; such a table is treated as if the role might not silence anything.
//!
//! Foreign keys. Silenced ones are counted after: rows that break them are told. Where they cannot be silenced and both ends
//! are carried, they are dropped first and put back however the run goes on; the journal has the statements, so that
//! they are found again even after a crash. All others stay in force.
//!
//! Indexes stay where they are.

use std::collections::BTreeSet;

use crate::model::catalog::{ForeignKey, Table};
use crate::model::existing::Trigger;
use crate::model::journal::{KeyAside, key_label, put_back_key};
use crate::model::name::printable;
use crate::model::options::{OnExisting, SchemaChoice};
use crate::model::plan::{
    Action, EMPTYING_KEY, Phase, Repeat, Rule, Session, StepId, StepKind, TableLock, Text, Way,
    Words,
};
use crate::model::problem::Problem;
use crate::sql::constraints;
use crate::sql::existing;
use crate::sql::journal;
use crate::sql::measure::Measurement;
use crate::sql::optimizer_statistics;
use crate::sql::settings;
use crate::sql::statements;

use super::builder::{Draft, Steps, journal_key, transaction};
use super::landing::{self, Difference, Fate, Ground, KeyAction, Landing, root_of};
use super::route::Route;
use super::rows::{Carried, RowSteps};
use super::{Context, fallback, resume};

impl Context<'_> {
    /// Where the rows of a table go; none when the table is made here.
    pub(super) fn landing(&self, table: usize) -> Option<&Landing<'_>> {
        self.landings.get(&table)?.as_ref().ok()
    }

    pub(super) fn appends(&self) -> bool {
        self.options.schema == SchemaChoice::None && self.options.on_existing == OnExisting::Append
    }

    /// How one table is measured. Rows that are added to others can only be counted.
    pub(super) fn measurement_of(&self, table: usize) -> Option<Measurement> {
        let measurement = self.measurement()?;
        let is_added = self.appends() && self.landing(table).is_some();
        Some(if is_added {
            Measurement::Count
        } else {
            measurement
        })
    }

    /// What is counted before and after rows that are added to others.
    fn counted(&self, table: usize) -> Option<String> {
        self.measurement()?;
        let landing = self.landing(table).filter(|_| self.appends())?;
        Some(if landing.is_shared {
            existing::count_inserted(landing.there)
        } else {
            Route::of(self, table).measure(Measurement::Count)
        })
    }

    /// How the transaction that brings the rows begins.
    pub(super) fn begin(&self, table: usize) -> &'static str {
        if self.counted(table).is_some() {
            existing::BEGIN_COUNTING
        } else {
            statements::BEGIN
        }
    }

    /// Why postgres_fdw would carry the rows wrongly into what is there.
    pub(super) fn why_not_fdw_there(&self, table: usize) -> Option<String> {
        let landing = self.landing(table)?;
        let reason = if landing.is_distributed || landing.is_shared {
            "the destination partitions these rows differently from the source"
        } else if !landing.types_agree {
            "columns have other types on the destination, which reads the values as text"
        } else if landing.there.has_insert_rule {
            "a rule on the destination's table would replace the INSERT, and COPY ignores rules"
        } else {
            return None;
        };
        Some(format!("By COPY, not FDW: {reason}."))
    }
}

/// The first of the selected tables that cannot land. In the wizard the selection is made after the checks.
pub(super) fn refuse(context: &Context<'_>) -> Result<(), Problem> {
    let tables = &context.inspection.catalog.tables;
    let mut stray = context.landings.iter().filter_map(|(at, landing)| {
        let reason = landing::why_not(landing)?;
        Some(format!("{}: {reason}", tables[*at].name))
    });
    let Some(first) = stray.next() else {
        return Ok(());
    };
    let more = match stray.count() {
        0 => String::new(),
        1 => "; and 1 other table".to_owned(),
        more => format!("; and {more} other tables"),
    };
    Err(
        Problem::new("Could not make the plan", format!("{first}{more}")).hint(
            "Leave these tables out, correct the destination, or let howdah create the schema.",
        ),
    )
}

impl Draft {
    /// In front of rows that arrive in a table that is there. Those that an unfinished run has brought, and that are no longer the
    /// source's, go first.
    pub(super) fn silence(self, context: &Context<'_>, table: usize, on: Session) -> Self {
        let (Some(landing), Some(ground)) = (context.landing(table), &context.ground) else {
            return self;
        };
        let is_silenced = ground.is_silenced(landing);
        let triggers = ground.triggers(landing);
        let mut draft = self;
        if is_silenced {
            draft = draft.run(on, settings::QUIET_REPLICA);
        } else if ground.existing.may_silence {
            draft = draft.run(on, existing::UNSILENCED);
        }
        if !is_silenced && !triggers.is_empty() {
            draft = draft.run(on, existing::CHECK_AT_ONCE);
        }
        for (at, triggers) in &triggers {
            let name = &ground.existing.catalog.tables[*at].name;
            let sql = existing::disable_triggers(name, triggers.iter().copied());
            draft = draft.run(on, sql);
        }
        if ground.is_filled(landing) {
            let key = journal_key("data", &landing.source.name);
            draft = draft.run(
                on,
                existing::take_back(landing.there, landing.is_unlogged, &key),
            );
        }
        match context.counted(table) {
            Some(count) => draft.statement(on, Action::MeasureBefore, count),
            None => draft,
        }
    }

    /// Behind them: what came is counted, and everything is as it was.
    pub(super) fn unsilence(self, context: &Context<'_>, table: usize, on: Session) -> Self {
        let (Some(landing), Some(ground)) = (context.landing(table), &context.ground) else {
            return self;
        };
        let mut draft = self;
        if let Some(count) = context.counted(table) {
            draft = draft.statement(on, Action::MeasureDestination, count);
        }
        for (at, triggers) in ground.triggers(landing) {
            let name = &ground.existing.catalog.tables[at].name;
            draft = draft.run(on, existing::restore_triggers(name, triggers));
        }
        draft
    }

    /// Two steps that fill one tree are not run at once when one of them alters it.
    pub(super) fn sharing(self, context: &Context<'_>, table: usize) -> Self {
        let (Some(landing), Some(ground)) = (context.landing(table), &context.ground) else {
            return self;
        };
        if !landing.is_shared {
            return self;
        }
        let lock = TableLock {
            table: lock_of(context, root_of(&ground.existing.catalog, landing.table)),
            is_shared: ground.triggers(landing).is_empty(),
        };
        self.locks(vec![lock])
    }
}

/// A table of the destination among the locks, which are numbered by the source's tables.
fn lock_of(context: &Context<'_>, table: usize) -> usize {
    context.inspection.catalog.tables.len() + table
}

/// Empties existing tables first, all in one statement, when the user asked for it.
pub(super) fn push_emptying(context: &Context<'_>, steps: &mut Steps, snapshot: Option<StepId>) {
    let Some(ground) = &context.ground else {
        return;
    };
    if context.options.on_existing != OnExisting::Empty {
        return;
    }
    let tables = &ground.existing.catalog.tables;
    let emptied = ground.emptied(&context.landings);
    let partly: Vec<(&Table, &str)> = context
        .landings
        .values()
        .flatten()
        .filter_map(|landing| {
            let config = landing.source.extension_config.as_ref()?;
            Some((&tables[landing.table], config.condition.as_str()))
        })
        .collect();
    if emptied.is_empty() && partly.is_empty() {
        return;
    }
    let touched: BTreeSet<usize> = emptied.iter().flat_map(|at| ground.tree(*at)).collect();
    let triggers = ground.triggers_on_truncate(touched);
    let altered = |alter: &dyn Fn(&Table, &[&Trigger]) -> String| -> Vec<String> {
        let list = triggers.iter();
        list.map(|(at, triggers)| alter(&tables[*at], triggers))
            .collect()
    };
    let mut list: Vec<String> = Vec::new();
    if ground.existing.may_silence {
        list.push(settings::QUIET_REPLICA.to_owned());
    }
    list.extend(altered(&|table, triggers| {
        existing::disable_triggers(&table.name, triggers.iter().copied())
    }));
    if !emptied.is_empty() {
        list.push(existing::truncate(emptied.iter().map(|at| &tables[*at])));
    }
    list.extend(
        partly
            .iter()
            .map(|(table, condition)| existing::delete_user_rows(table, condition)),
    );
    list.extend(altered(&|table, triggers| {
        existing::restore_triggers(&table.name, triggers.iter().copied())
    }));
    steps.push(
        Draft::new(
            Phase::Prepare,
            format_args!("Empty {} tables of the destination", emptied.len() + partly.len()),
            "You asked for it: their rows would otherwise be doubled or clash. All are emptied, or none; their triggers do not fire.",
        )
        .key(EMPTYING_KEY)
        .needs(snapshot)
        .transaction(list),
    );
}

/// Foreign keys that are dropped first, with the step that drops them.
pub(super) struct SetAside<'a> {
    step: StepId,
    keys: Vec<KeyWithFate<'a>>,
}

/// Drops the foreign keys that could not be obeyed table by table. The journal remembers how they are put back.
pub(super) fn push_setting_aside<'a>(
    context: &Context<'a>,
    steps: &mut Steps,
) -> Result<Option<SetAside<'a>>, Problem> {
    let Some(ground) = &context.ground else {
        return Ok(None);
    };
    let keys = keys(context, ground, KeyAction::SetAside);
    if keys.is_empty() {
        return Ok(None);
    }
    let mut list = vec![existing::CREATE_SET_ASIDE.to_owned()];
    for (number, key, _) in &keys {
        let label = name_of(ground, key);
        // An unfinished run has put it back when it ended, or has not: then it is set aside already.
        if !ground.existing.keys_aside.contains(number) {
            let table = &ground.existing.catalog.tables[key.table].name;
            let about = about(ground, key)?;
            list.push(existing::remember(&label, &put_back(ground, key), &about));
            list.push(existing::drop_key(table, &key.name));
        }
        let put_back = put_back_key(&label);
        if context.is_done(&put_back) {
            list.push(statements::forget_steps([put_back.as_str()]));
        }
    }
    let step = steps.push(
        Draft::new(
            Phase::Prepare,
            format_args!("Drop {} foreign keys for the time of the copy", keys.len()),
            "This role may not switch them off, and rows of one table would arrive before those they refer to. They are put back when the rows are there, however the run ends; the journal remembers how.",
        )
        .key(resume::SETTING_ASIDE_KEY)
        .transaction(list),
    );
    Ok(Some(SetAside { step, keys }))
}

/// With its position in the destination's catalog.
type KeyWithFate<'a> = (usize, &'a ForeignKey, Fate);

fn keys<'a>(context: &Context<'_>, ground: &Ground<'a>, action: KeyAction) -> Vec<KeyWithFate<'a>> {
    let catalog = &ground.existing.catalog;
    let fates = ground.foreign_keys(&context.landings).into_iter();
    fates
        .filter(|(_, fate)| fate.action == action)
        .map(|(number, fate)| (number, &catalog.foreign_keys[number], fate))
        .collect()
}

fn name_of(ground: &Ground<'_>, key: &ForeignKey) -> String {
    key_label(&ground.existing.catalog.tables[key.table].name, &key.name)
}

/// For a later start.
fn about(ground: &Ground<'_>, key: &ForeignKey) -> Result<String, Problem> {
    let tables = &ground.existing.catalog.tables;
    let about = KeyAside {
        table: tables[key.table].name.clone(),
        name: key.name.clone(),
        references: tables[key.references].name.clone(),
        definition: key.definition.clone(),
        columns: key.columns.clone(),
        is_match_full: key.is_match_full,
        comment: ground.existing.key_comments.get(&key.oid).cloned(),
    };
    serde_json::to_string(&about)
        .map_err(|error| Problem::new("Could not write down a foreign key", error.to_string()))
}

fn title_of(ground: &Ground<'_>, key: &ForeignKey) -> String {
    printable(&name_of(ground, key)).into_owned()
}

/// What makes a dropped foreign key stand as it stood.
fn put_back(ground: &Ground<'_>, key: &ForeignKey) -> Vec<String> {
    let table = &ground.existing.catalog.tables[key.table].name;
    let comment = ground.existing.key_comments.get(&key.oid);
    std::iter::once(existing::add_key(table, &key.name, &key.definition))
        .chain(comment.map(|text| existing::comment_key(table, &key.name, text)))
        .collect()
}

/// Puts back each foreign key once the rows on both its ends are there, or will not come any more.
pub(super) fn push_putting_back(
    context: &Context<'_>,
    steps: &mut Steps,
    rows: &RowSteps,
    aside: Option<&SetAside<'_>>,
) {
    let (Some(aside), Some(ground)) = (aside, &context.ground) else {
        return;
    };
    // What an FDW session has begun would block it.
    let fdw = steps.of_fdw_sessions();
    for (_, key, fate) in &aside.keys {
        let ends = fate.from.iter().chain(&fate.to);
        let brought = ends.flat_map(|table| rows.of_table(*table));
        let name = name_of(ground, key);
        let tables = &ground.existing.catalog.tables;
        let journal = Text::from(put_back_key(&name));
        let done = |add: Vec<String>, journal: Words| {
            let list = add.into_iter().chain([existing::forget(&name)]);
            transaction(list, journal).collect::<Vec<_>>()
        };
        let mut draft = Draft::new(
            Phase::Indexes,
            format_args!("Put back foreign key {}", title_of(ground, key)),
            "As it was before; the server checks every row while the key is added.",
        )
        .kind(StepKind::PutBack { taken: aside.step })
        .rule(Rule::Always)
        .object(&tables[key.table].name)
        .key(&journal)
        .needs([aside.step])
        .needs(brought)
        .needs(fdw.iter().copied())
        .locks(
            BTreeSet::from([key.table, key.references])
                .into_iter()
                .map(|table| TableLock {
                    table: lock_of(context, root_of(&ground.existing.catalog, table)),
                    is_shared: false,
                })
                .collect(),
        );
        draft = draft.statements(done(put_back(ground, key), journal::done(&journal)));
        let catalog = &ground.existing.catalog;
        let fallback = fallback::not_valid(context, catalog, key, || {
            let mut list = put_back(ground, key);
            if let Some(add) = list.first_mut() {
                *add = constraints::not_valid(add);
            }
            // A later start knows by it that the key had held for all rows.
            done(list, fallback::done_by(&journal, Way::NotValid))
        });
        draft = draft.fallbacks(fallback);
        steps.push(draft);
    }
}

/// Foreign keys that were silenced: the rows that break them are counted.
pub(super) fn push_counting_orphans(context: &Context<'_>, steps: &mut Steps, rows: &RowSteps) {
    let Some(ground) = &context.ground else {
        return;
    };
    let tables = &ground.existing.catalog.tables;
    for (_, key, fate) in keys(context, ground, KeyAction::CountOrphans) {
        let (referencing, referenced) = (&tables[key.table], &tables[key.references]);
        let ends = fate.from.iter().chain(&fate.to);
        let brought: Vec<StepId> = ends.flat_map(|table| rows.of_table(*table)).collect();
        steps.push(
            Draft::new(
                Phase::Verify,
                format_args!("Check foreign key {}", title_of(ground, key)),
                "It was switched off while the rows were copied; rows that refer to nothing are counted now.",
            )
            .kind(StepKind::VerifyForeignKey)
            .object(&referencing.name)
            .key(format!("verify/foreign key/{}", name_of(ground, key)))
            .needs(brought)
            .statement(
                Session::Destination,
                Action::CountViolations,
                constraints::orphans(key, referencing, referenced),
            )
            .remedy(existing::check_key_again(
                &referencing.name,
                &key.name,
                &key.definition,
            )),
        );
    }
}

/// ANALYZE of what has taken rows, each tree at its top.
pub(super) fn push_analyze(
    context: &Context<'_>,
    steps: &mut Steps,
    carried: &[Carried],
    rows: &RowSteps,
) {
    let Some(ground) = &context.ground else {
        return;
    };
    let catalog = &ground.existing.catalog;
    let mut roots: std::collections::BTreeMap<usize, Vec<StepId>> =
        std::collections::BTreeMap::new();
    for carried in carried {
        if let Some(landing) = context.landing(carried.table) {
            let root = root_of(catalog, landing.table);
            // Nobody else may; autovacuum will.
            if !ground.existing.tables[root].is_owned {
                continue;
            }
            let needs = roots.entry(root).or_default();
            needs.extend(rows.of_table(carried.table));
        }
    }
    for (root, needs) in roots {
        let name = &catalog.tables[root].name;
        steps.push(
            Draft::new(
                Phase::Indexes,
                format_args!("Gather statistics of {name}"),
                "Without new statistics the planner would go by what the table held before.",
            )
            .object(name)
            .rule(Rule::Optional)
            .locks(vec![TableLock {
                table: lock_of(context, root),
                is_shared: false,
            }])
            .key(format!("analyze/{}.{}", name.schema, name.name))
            .repeat(Repeat::Freely)
            .needs(needs)
            .run(Session::Destination, optimizer_statistics::analyze(name)),
        );
    }
}

/// What a reader should know before the run.
pub(super) fn notes(context: &Context<'_>) -> Vec<String> {
    if context.ground.is_none() {
        return Vec::new();
    }
    let mut notes = vec![
        "Rows go into existing tables: their indexes stay in place, which takes longer than building them afterwards."
            .to_owned(),
    ];
    for landing in context.landings.values().flatten() {
        let name = &landing.source.name;
        if landing.is_distributed {
            notes.push(format!(
                "Rows of {name} go through {}, which partitions them its own way.",
                landing.there.name
            ));
        } else if landing.there.name != *name {
            notes.push(format!("Rows of {name} go into {}.", landing.there.name));
        }
        for difference in &landing.differences {
            notes.extend(note(difference).map(|text| format!("{name}: {text}")));
        }
    }
    notes
}

fn note(difference: &Difference) -> Option<String> {
    Some(match difference {
        Difference::GeneratedThere(column) => format!(
            "column {} is computed by the destination; the source's values are not copied and not compared.",
            printable(column)
        ),
        Difference::GeneratedHere(column) => format!(
            "column {} is computed by the source; the destination keeps the values.",
            printable(column)
        ),
        Difference::NotCarried(column) => format!(
            "column {} is computed by the source, and the destination does not have it.",
            printable(column)
        ),
        Difference::Type {
            column,
            source,
            destination,
        } => format!(
            "column {} is {source} on the source and {destination} on the destination; its values are copied as text.",
            printable(column)
        ),
        Difference::Missing(_) | Difference::Unfillable(_) | Difference::Extra(_) => return None,
    })
}

/// Materialized views of the destination that show what was there before.
pub(super) fn next_steps(context: &Context<'_>) -> Vec<String> {
    let Some(ground) = &context.ground else {
        return Vec::new();
    };
    let existing = ground.existing;
    let filled: BTreeSet<u32> = context
        .landings
        .values()
        .flatten()
        .flat_map(|landing| ground.concerned(landing))
        .map(|at| existing.catalog.tables[at].oid)
        .collect();
    existing
        .materialized_views
        .iter()
        .filter(|view| view.reads.iter().any(|oid| filled.contains(oid)))
        .map(|view| {
            format!(
                "Materialized views still show the old rows; refresh them in this order: {};",
                statements::refresh_materialized_view(&view.name)
            )
        })
        .collect()
}
