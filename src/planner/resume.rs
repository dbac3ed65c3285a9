//! Going on with a run that has not come to its end: what is done, what of it has to be proved, and what has to be done again.
//!
//! Objects that stand are kept as they are. Rows are kept only when both sides prove to hold the same, in the snapshot that all
//! other rows come from; else the table is emptied and filled again. Foreign keys, triggers and rules that stand already, and
//! constraints that hold for new rows alone, would be in the way of that, so they are made last once more.

use std::collections::BTreeSet;

use foldhash::HashSet;

use crate::model::archive::Archive;
use crate::model::catalog::Catalog;
use crate::model::definition::{Change, Definition, DefinitionDifference};
use crate::model::existing::{ExistingSchema, HurdleKind};
use crate::model::format::counted;
use crate::model::journal::{Journal, KeyAside, key_label};
use crate::model::name::ObjectName;
use crate::model::options::Options;
use crate::model::plan::{
    Action, EMPTYING_KEY, LARGE_OBJECTS_KEY, Phase, Repeat, Session, Text, schema_key,
};
use crate::sql::existing::{
    delete_user_rows, drop_domain_constraint, drop_rule, forget, take_back,
};
use crate::sql::statements;

use super::builder::{Draft, Steps, journal_key};
use super::definitions::Terms;
use super::dialect::Versions;
use super::route::Route;
use super::rows::Carried;
use super::{Context, definitions, fallback, parts, schema};

/// The step that sets foreign keys of the destination's own aside.
pub(super) const SETTING_ASIDE_KEY: &str = "prepare/set aside";

/// What stands in the destination and has to be made again.
#[derive(Debug, Default)]
struct Standing {
    drops: Vec<String>,
    keys: BTreeSet<String>,
}

/// Foreign keys of the tables that the run has made, and what rows or an emptying would fire or run into.
fn standing(there: Option<&ExistingSchema>, journal: &Journal) -> Standing {
    let mut standing = Standing::default();
    let Some(there) = there else {
        return standing;
    };
    if journal.is_rows_only() {
        // Keys that the run had put back when it ended are set aside anew.
        let again = journal.done.get(SETTING_ASIDE_KEY);
        standing.keys.extend(again.cloned());
        return standing;
    }
    let tables = &there.catalog.tables;
    let mut add = |kind: &str, table: &ObjectName, name: &str, drop: Option<String>| {
        // pg_dump's headers have spaces for line ends.
        let tag = format!("{} {name}", table.name).replace(['\n', '\r'], " ");
        let key = schema_key(kind, &ObjectName::new(&table.schema, tag));
        if journal.done.contains(&*key) {
            standing.drops.extend(drop);
            standing.keys.insert(key.to_string());
        }
    };
    for key in &there.catalog.foreign_keys {
        let table = &tables[key.table].name;
        let drop = statements::drop_constraint(table, &key.name);
        add("FK CONSTRAINT", table, &key.name, Some(drop));
    }
    for (table, of_table) in tables.iter().zip(&there.tables) {
        for trigger in &of_table.triggers {
            let drop = statements::drop_trigger(&table.name, &trigger.name);
            // A copy goes with its root's.
            let drop = (!trigger.is_copy).then_some(drop);
            add("TRIGGER", &table.name, &trigger.name, drop);
        }
    }
    for hurdle in &there.hurdles {
        let (on, name) = (&hurdle.on, &hurdle.name);
        let (kind, drop) = match hurdle.kind {
            HurdleKind::Rule => ("RULE", drop_rule(on, name)),
            HurdleKind::Check => ("CHECK CONSTRAINT", statements::drop_constraint(on, name)),
            HurdleKind::NotNull => ("CONSTRAINT", statements::drop_constraint(on, name)),
            HurdleKind::DomainCheck => ("CHECK CONSTRAINT", drop_domain_constraint(on, name)),
        };
        add(kind, on, name, Some(drop));
    }
    standing
}

/// Where the steps of a plan begin: at nothing, or with what the journal says is done.
pub(super) fn begin(context: &Context<'_>) -> Steps {
    let Some(journal) = &context.inspection.journal else {
        return Steps::default();
    };
    let again = standing(context.inspection.existing_schema.as_ref(), journal).keys;
    let is_settled = |key: &&String| {
        // A comment may be that of a key or a trigger which is made again.
        let is_of_schema = key.starts_with("schema/") && !key.starts_with("schema/COMMENT/");
        let is_of_index = key.starts_with(schema::INDEX_FIRST);
        let is_removed = matches!(key.as_str(), "prepare/remove" | EMPTYING_KEY);
        (is_of_schema && !again.contains(*key)) || is_of_index || is_removed
    };
    let (settled, others): (BTreeSet<String>, _) = journal
        .done
        .iter()
        .cloned()
        .partition(|key| is_settled(&key));
    let others = &others - &again;
    Steps::going_on(settled, others, journal.ways.clone())
}

/// In the journal's place: it is there.
pub(super) fn push_going_on(context: &Context<'_>, steps: &mut Steps, journal: &Journal) {
    let standing = standing(context.inspection.existing_schema.as_ref(), journal);
    let keys = standing.keys.iter().map(String::as_str);
    let forget = (!standing.keys.is_empty()).then(|| statements::forget_steps(keys));
    let why = if journal.is_rows_only() {
        "Of the rows that it has copied into tables of yours, those that are proved stay; exactly the others are removed and copied again."
    } else {
        "Foreign keys, triggers and rules that exist already, and constraints that hold for new rows alone, are created again at the end: they would be in the way of rows that have changed on the source since."
    };
    let draft = Draft::new(
        Phase::Prepare,
        format_args!("Resume the run of {}", journal.started_at),
        why,
    )
    .key("prepare/resume")
    .run(Session::Destination, statements::BEGIN);
    let there = context.inspection.existing_schema.as_ref();
    let draft = standing
        .drops
        .into_iter()
        .chain(forget)
        .chain(
            there
                .into_iter()
                .flat_map(|there| back_by_hand(there, journal)),
        )
        .chain([statements::MARK_UNBROKEN_AGAIN.to_owned()])
        .fold(draft, |draft, sql| draft.run(Session::Destination, sql));
    let draft = draft.run(Session::Destination, statements::COMMIT);
    steps.push(draft.repeat(Repeat::Freely));
}

/// Foreign keys that somebody has put back meanwhile: the journal need not hold them any more.
fn back_by_hand(there: &ExistingSchema, journal: &Journal) -> Vec<String> {
    let catalog = &there.catalog;
    let aside: BTreeSet<String> = there
        .keys_aside
        .iter()
        .map(|at| &catalog.foreign_keys[*at])
        .map(|key| key_label(&catalog.tables[key.table].name, &key.name))
        .collect();
    let labels = journal.aside.iter().map(KeyAside::label);
    labels
        .filter(|label| !aside.contains(label))
        .map(|label| forget(&label))
        .collect()
}

/// What is done, what is left and what comes again, one sentence each; nothing for a run that begins.
pub(super) fn progress(context: &Context<'_>, carried: &[Carried]) -> Vec<String> {
    let Some(journal) = &context.inspection.journal else {
        return Vec::new();
    };
    let tables = &context.inspection.catalog.tables;
    let carried: Vec<&ObjectName> = carried.iter().map(|c| &tables[c.table].name).collect();
    told(
        journal,
        context.inspection.existing_schema.as_ref(),
        &carried,
    )
}

/// The same for who has no plan yet. `there`: the destination's own tables; `carried`: those whose rows the run was to bring.
pub fn told(
    journal: &Journal,
    there: Option<&ExistingSchema>,
    carried: &[&ObjectName],
) -> Vec<String> {
    let again = standing(there, journal).keys.len();
    let objects = journal.done.iter().filter(|key| key.starts_with("schema/"));
    let names = |wanted: Arrived| {
        let names = carried
            .iter()
            .filter(|name| arrived(journal, name) == wanted);
        let mut names: Vec<String> = names.map(ToString::to_string).collect();
        names.sort_unstable();
        names
    };
    let (there, parts, left) = (
        names(Arrived::All),
        names(Arrived::Parts),
        names(Arrived::Nothing),
    );
    let mut notes = if journal.is_rows_only() {
        Vec::new()
    } else {
        vec![format!(
            "Of the run of {}: {} created, which stay.",
            journal.started_at,
            counted(
                objects.count().saturating_sub(again) as u64,
                "object",
                "objects"
            ),
        )]
    };
    if !there.is_empty() {
        let else_ = if journal.is_rows_only() {
            "those rows, and no others, are removed and copied again"
        } else {
            "it is emptied and copied again"
        };
        let have = if there.len() == 1 {
            "has its"
        } else {
            "have their"
        };
        notes.push(format!(
            "{} {have} rows; each stays if both sides prove to hold the same, otherwise {else_}: {}.",
            counted(there.len() as u64, "table", "tables"),
            shortened(&there)
        ));
    }
    if !parts.is_empty() {
        let have = if parts.len() == 1 {
            "has parts of its"
        } else {
            "have parts of their"
        };
        notes.push(format!(
            "{} {have} rows; those stay if the source proves to hold the same, and only the others are copied: {}.",
            counted(parts.len() as u64, "table", "tables"),
            shortened(&parts)
        ));
    }
    if !left.is_empty() {
        notes.push(format!(
            "Rows of {} are still to be copied: {}. What was under way when the run broke off was rolled back, and begins anew.",
            counted(left.len() as u64, "table", "tables"),
            shortened(&left)
        ));
    }
    if again > 0 && !journal.is_rows_only() {
        notes.push(format!(
            "{} are created again, after the rows.",
            counted(
                again as u64,
                "foreign key, trigger, rule or constraint",
                "foreign keys, triggers, rules or constraints"
            )
        ));
    }
    notes
}

/// What of a table's rows an interrupted run has brought.
#[derive(PartialEq)]
enum Arrived {
    All,
    Parts,
    Nothing,
}

fn arrived(journal: &Journal, table: &ObjectName) -> Arrived {
    if journal.done.contains(&*journal_key("data", table)) {
        Arrived::All
    } else if parts::done_in(journal, table).is_empty() {
        Arrived::Nothing
    } else {
        Arrived::Parts
    }
}

/// The first few, and how many more.
fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let (shown, rest) = names.split_at(names.len().min(SHOWN));
    let more = if rest.is_empty() {
        String::new()
    } else {
        format!(" and {} more", rest.len())
    };
    format!("{}{more}", shown.join(", "))
}

impl Context<'_> {
    /// The journal says that the step of this key is done.
    pub(super) fn is_done(&self, key: &str) -> bool {
        let journal = self.inspection.journal.as_ref();
        journal.is_some_and(|journal| journal.done.contains(key))
    }
}

impl Draft {
    /// Rows that came in an earlier run stay if the source still has the very same; else they go, in the transaction that
    /// brings the new ones: from a table that was there before, once it is silenced. `on` is the session that holds it; `source` is asked on the session that reads.
    pub(super) fn keep_if_equal(
        self,
        context: &Context<'_>,
        carried: &Carried,
        on: Session,
        source: (Session, String),
        commit: &'static str,
    ) -> Self {
        let route = Route::of(context, carried.table);
        let table = &context.inspection.catalog.tables[carried.table];
        let brought = route.measure_brought(context.checksum(), &journal_key("data", &table.name));
        // Floats that two servers write with other digits have no part in the checksum: it would prove too little.
        let mut columns = route.compared.iter();
        let is_provable = columns.all(|column| context.checksum().includes(column.form));
        let draft = if is_provable {
            self.statement(source.0, Action::MeasureSource, source.1)
                .statement(on, Action::MeasureDestination, brought)
                .statement(on, Action::KeepIfEqual, commit)
        } else {
            self
        };
        let condition = table.extension_config.as_ref().map(|c| c.condition.trim());
        if let Some(root) = route.through {
            let root = &context.inspection.catalog.tables[root];
            let key = journal_key("data", &table.name);
            return draft.run(on, take_back(root, table.is_unlogged, &key));
        }
        match (route.target, condition) {
            // What is there beside the run's own rows is not ours to remove.
            (Some(_), _) => draft,
            (None, Some(condition)) if !condition.is_empty() => {
                draft.run(on, delete_user_rows(table, condition))
            }
            (None, _) => draft.run(on, statements::truncate_only(route.name)),
        }
    }
}

/// Tables that a run into tables of the destination's own has filled, and that are not carried any more: nobody would prove their rows.
pub fn strays(journal: &Journal, catalog: &Catalog) -> Vec<String> {
    let known: HashSet<Text> = catalog
        .tables
        .iter()
        .map(|table| journal_key("data", &table.name))
        .collect();
    let is_of_table = |key: &&String| key.starts_with("data/") && *key != LARGE_OBJECTS_KEY;
    let filled = journal.done.iter().filter(is_of_table);
    filled
        .filter(|key| journal.is_rows_only() && !known.contains(key.as_str()))
        .map(|key| key.trim_start_matches("data/").to_owned())
        .collect()
}

/// Why the journal's work cannot be gone on with: done objects that are not, or no longer, what the source has.
pub fn unfit(
    archive: &Archive,
    journal: &Journal,
    destination: &Archive,
    options: &Options,
    versions: Versions,
) -> Vec<DefinitionDifference> {
    let is_made_again = |kind: &str| matches!(kind, "COMMENT" | "FK CONSTRAINT" | "TRIGGER");
    let mut expected: Vec<Definition> = Vec::new();
    let mut present: HashSet<Text> = HashSet::default();
    for (entry, key) in archive.entries.iter().zip(schema::keys(archive)) {
        if journal.done.contains(&*key) && !is_made_again(&entry.kind) {
            let made = definitions::expected(entry, options).map(|one| Definition {
                sql: match journal.ways.get(&*key) {
                    Some(way) => fallback::without(&one.sql, *way).trim().to_owned(),
                    None => one.sql,
                },
                ..one
            });
            expected.extend(made);
        }
        present.insert(key);
    }
    let compared = definitions::compare(
        &expected,
        destination,
        &Terms {
            options,
            versions,
            is_whole: false,
            extensions_there: &[],
            provider: None,
        },
    );
    let gone = journal.done.iter().filter_map(|key| {
        let (kind, name) = key.strip_prefix("schema/")?.split_once('/')?;
        let is_gone = !present.contains(key.as_str()) && !is_made_again(kind);
        is_gone.then(|| DefinitionDifference {
            kind: kind.to_owned(),
            name: ObjectName::new("", name.to_owned()),
            change: Change::Extra,
            source: None,
            destination: None,
        })
    });
    compared.differences.into_iter().chain(gone).collect()
}
