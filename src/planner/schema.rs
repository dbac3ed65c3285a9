//! Schema entries as steps: pre-data in pg_dump's order, post-data after the rows they depend on.

use foldhash::{HashMap, HashSet};

use crate::model::archive::{Archive, Entry, Section};
use crate::model::catalog::{Index, TableKind};
use crate::model::definition;
use crate::model::feature::Feature;
use crate::model::name::{ObjectName, printable};
use crate::model::options::Keep;
use crate::model::plan::{Phase, Rule, StepId, TableLock, Text, schema_key};
use crate::sql::roles::{Grammar, mapped, without_session_authorization};
use crate::sql::{journal, settings, statements, unique};

use super::builder::{Draft, Steps, journal_key};
use super::definitions::is_skipped;
use super::rows::RowSteps;
use super::{Context, Sentence, dialect, evaluated, fallback, finish, lending};

/// Where an entry's step stands.
fn phase_of(entry: &Entry) -> Phase {
    match entry.kind.as_str() {
        // Last of all: they may refuse or log any DDL, that of the clean-up too.
        "EVENT TRIGGER" => Phase::CleanUp,
        "COMMENT" if entry.name.name.starts_with("EVENT TRIGGER ") => Phase::CleanUp,
        // The object may come from another entry than its comment names (an inherited constraint), or in `Finish` itself.
        "COMMENT" if entry.section == Section::PostData => Phase::Finish,
        "ACL"
        | "DEFAULT ACL"
        | "PUBLICATION"
        | "PUBLICATION TABLE"
        | "PUBLICATION TABLES IN SCHEMA"
        | "SUBSCRIPTION" => Phase::Finish,
        _ if entry.section == Section::PostData => Phase::Indexes,
        _ => Phase::Schema,
    }
}

/// Who is no superuser can give an object only to an owner who may create in its schema, which a grant may be needed for.
fn is_early_grant(context: &Context<'_>, entry: &Entry) -> bool {
    !context.inspection.destination.is_superuser
        && context.options.owners == Keep::Keep
        && entry.kind == "ACL"
        && entry.name.name.starts_with("SCHEMA ")
}

fn phase_in(context: &Context<'_>, entry: &Entry) -> Phase {
    if is_early_grant(context, entry) {
        Phase::Schema
    } else {
        phase_of(entry)
    }
}

/// Entries that are made, with the number of their step.
pub(super) type StepOfEntry = HashMap<u32, StepId>;

/// The journal key of each entry's step.
pub(super) fn keys(archive: &Archive) -> impl Iterator<Item = Text> {
    let mut namesakes: HashMap<Text, u32> = HashMap::default();
    archive.entries.iter().map(move |entry| {
        let key = schema_key(&entry.kind, &entry.name);
        // pg_dump names operators without their types, default privileges without their role, a line break as a space.
        let namesake = namesakes.entry(key.clone()).or_default();
        *namesake += 1;
        if *namesake > 1 {
            format_args!("{key} ({namesake})").into()
        } else {
            key
        }
    })
}

/// Everything of `wanted` phase, in the archive's order. Entries without a statement (the schema `public`, which is
/// there already) get no step.
pub(super) fn push_entries(
    context: &Context<'_>,
    steps: &mut Steps,
    made: &mut StepOfEntry,
    rows: &RowSteps,
    wanted: Phase,
) {
    let tables = &context.inspection.catalog.tables;
    let all_indexes: u64 = tables.iter().map(|table| table.index_bytes).sum();
    let archive = &context.inspection.archive;
    let mut entries: Vec<(&Entry, &Text)> = archive
        .entries
        .iter()
        .zip(&context.entry_keys)
        .filter(|(entry, _)| phase_in(context, entry) == wanted)
        .collect();
    // An owner must be allowed to create in the schema before an object becomes his.
    entries.sort_by_key(|(entry, _)| match entry.kind.as_str() {
        "SCHEMA" => 0,
        _ if is_early_grant(context, entry) => 1,
        _ => 2,
    });
    let mut loans = match wanted {
        Phase::Schema => lending::of(context),
        _ => Vec::new(),
    };
    let mut all_rows: Option<StepId> = None;
    for (entry, key) in entries {
        if entry.kind != "SCHEMA" && !is_early_grant(context, entry) {
            for loan in loans.drain(..) {
                let step = loan.push(context, steps, made.get(&loan.schema.id).copied());
                made.insert(loan.schema.id, step);
            }
        }
        if !context.closure.carries(entry) || is_skipped(entry, context.options) {
            continue;
        }
        let mut sql: Vec<Text> = Vec::new();
        if crate::sql::lexer::has_statement(&entry.sql) {
            if finish::is_acl_of_public_schema(entry) && finish::closes_public_schema(context) {
                sql.push(statements::CLOSE_PUBLIC_SCHEMA.into());
            }
            sql.push(entry.sql.or_new(definition(context, entry)));
        }
        if context.options.owners == Keep::Keep {
            let map = &context.options.role_map;
            sql.extend(
                entry
                    .owner_sql
                    .as_ref()
                    .map(|sql| sql.or_new(mapped(Grammar::Owner, sql, map))),
            );
        }
        if sql.is_empty() {
            continue;
        }
        let mut needs: Vec<StepId> = entry
            .depends_on
            .iter()
            .filter_map(|id| made.get(id).copied())
            .collect();
        if wanted > Phase::Data {
            for dependency in &entry.depends_on {
                needs.extend(rows.of_entry(*dependency));
            }
        }
        if wanted == Phase::Indexes && waits_for_all_rows(context, entry) {
            needs.push(*all_rows.get_or_insert_with(|| rows.push_waiting(steps)));
        }
        needs.extend(super::roles::steps_of_entry(context, entry));
        if wanted == Phase::CleanUp {
            needs.push(steps.last_transaction());
        }
        let index = index_of(context, entry);
        let mut size = index.map_or(0, |index| index.bytes);
        // No lane beside it has as much to do.
        let outweighs = size > 0
            && size.saturating_mul(context.options.jobs as u64) >= all_indexes
            && Feature::ParallelIndexBuilds.is_in(context.inspection.destination.version_num);
        let workers = outweighs.then(|| Text::from(settings::WITH_PARALLEL_WORKERS));
        let mut journal = journal::done(key);
        if let Some((index_key, two)) = in_two(context, entry, index, &mut sql, workers.clone()) {
            needs = vec![steps.push(two.needs(needs).size(size, None).cost(2 * size))];
            size = 0;
            journal = journal::done_as(key, &index_key);
        } else {
            sql.splice(0..0, workers);
        }
        if evaluated::is_evaluated(entry) {
            sql.splice(0..0, context.as_on_source());
        }
        let Sentence { title, why } = sentence(entry);
        // One may not own the extension, or not have the label's provider: told, never fatal.
        let is_extension_comment =
            entry.kind == "COMMENT" && entry.name.name.starts_with("EXTENSION ");
        // Only a superuser may, and on a managed server that is its provider.
        let is_systems_acl = entry.kind == "ACL" && entry.name.schema == "pg_catalog";
        let rule = if is_extension_comment || is_systems_acl || entry.kind == "SECURITY LABEL" {
            Rule::Optional
        } else if wanted == Phase::CleanUp {
            // They would fire when the run is gone on with.
            Rule::WhenComplete
        } else {
            Rule::Normal
        };
        let draft = Draft::new(wanted, title, why)
            .rule(rule)
            .object(&entry.name)
            .key(key)
            .size(size, None)
            .cost(cost_of(context, entry, size))
            .needs(needs)
            .has_all_needs(wanted == Phase::Schema && is_made_beside_others(entry))
            .locks(locks_of(context, entry));
        let draft = if wanted == Phase::CleanUp {
            draft.in_last_transaction(sql)
        } else {
            draft
                .fallbacks(fallback::of_entry(context, entry, &sql, key))
                .transaction_and(sql, journal)
        };
        let step = steps.push(draft);
        made.insert(entry.id, step);
        if is_early_grant(context, entry) {
            // What stands in the schema waits for its grants, too.
            made.extend(entry.depends_on.iter().map(|schema| (*schema, step)));
        }
    }
}

/// A database of many tables has many of these, one beside the other. They stand on types and functions, which come before all
/// of them, and on each other, which pg_dump says; of all other kinds its order says more than what depends on what.
fn is_made_beside_others(entry: &Entry) -> bool {
    matches!(
        entry.kind.as_str(),
        "TABLE" | "SEQUENCE" | "SEQUENCE OWNED BY" | "DEFAULT"
    )
}

/// As pg_dump wrote it, but for the names of the roles and for what only a superuser may say.
fn definition(context: &Context<'_>, entry: &Entry) -> String {
    let version = context.inspection.destination.version_num;
    dialect::understood(entry, mapped_definition(context, entry), version)
}

fn mapped_definition(context: &Context<'_>, entry: &Entry) -> String {
    let Some(grammar) = Grammar::of_kind(&entry.kind) else {
        return entry.sql.to_string();
    };
    let sql = mapped(grammar, &entry.sql, &context.options.role_map);
    if grammar == Grammar::Acl && !context.inspection.destination.is_superuser {
        return without_session_authorization(&sql);
    }
    sql
}

/// Which tables an entry locks while it is made (manual, "Explicit Locking"): CREATE INDEX takes SHARE, ALTER TABLE and CREATE
/// TRIGGER stronger ones. A foreign key locks both its tables, and, as a trigger does, all their partitions. Attaching an
/// index looks whether the parent's is now whole, up to the root: two at once would each miss the other's, and the
/// parent's index would stay invalid.
fn locks_of(context: &Context<'_>, entry: &Entry) -> Vec<TableLock> {
    if entry.section != Section::PostData {
        return Vec::new();
    }
    // An index that is also the replica identity, or that the table is clustered on, alters the table.
    let is_shared = entry.kind == "INDEX" && !entry.sql.contains("ALTER TABLE");
    let mut tables: Vec<usize> = entry
        .depends_on
        .iter()
        .filter_map(|id| context.table_behind(*id))
        .collect();
    let mut next = 0;
    while let Some(table) = tables.get(next).copied() {
        match entry.kind.as_str() {
            "FK CONSTRAINT" | "TRIGGER" => {
                tables.extend(context.partitions.get(&table).into_iter().flatten());
            }
            "INDEX ATTACH" => tables.extend(context.inspection.catalog.tables[table].partition_of),
            _ => {}
        }
        next += 1;
    }
    tables.sort_unstable();
    tables.dedup();
    tables
        .into_iter()
        .map(|table| TableLock { table, is_shared })
        .collect()
}

/// The index that an entry makes.
fn index_of<'a>(context: &'a Context<'_>, entry: &Entry) -> Option<&'a Index> {
    let table = context.table_of_index.get(&entry.id)?;
    let table = &context.inspection.catalog.tables[*table];
    // pg_dump's headers have spaces for line ends.
    let is_same = |header: &str, name: &str| {
        let mut name = name.bytes().map(|byte| match byte {
            b'\n' | b'\r' => b' ',
            byte => byte,
        });
        header.len() == name.len() && header.bytes().all(|byte| name.next() == Some(byte))
    };
    let header = entry.name.name.as_str();
    let of_table = header.split_at_checked(table.name.name.len());
    let of_table = of_table.filter(|(owner, _)| is_same(owner, &table.name.name));
    let after = of_table.and_then(|(_, rest)| rest.strip_prefix(' '));
    table.indexes.iter().find(|index| {
        is_same(header, &index.name) || after.is_some_and(|name| is_same(name, &index.name))
    })
}

/// A byte of an index costs about twice what one of the rows does; a foreign key is a join over the rows.
fn cost_of(context: &Context<'_>, entry: &Entry, index_bytes: u64) -> u64 {
    let key = context.foreign_keys.get(&entry.oid);
    match key.filter(|_| entry.kind == "FK CONSTRAINT") {
        Some(key) => {
            let catalog = &context.inspection.catalog;
            catalog.tables[catalog.foreign_keys[*key].table].table_bytes / 2
        }
        None => 2 * index_bytes,
    }
}

/// Keys of the journal for indexes that a constraint takes over.
pub const INDEX_FIRST: &str = "index/";

/// Indexes of one table whose bytes are worth a second step.
const WORTH_A_STEP: u64 = 16 * 1024 * 1024;

/// `ADD CONSTRAINT` keeps everybody off the table while its index is built, the builders of other indexes too. So where there
/// are others, the index comes first, beside them, and `sql` is left to take it over. Returns the journal's key of its step too.
fn in_two(
    context: &Context<'_>,
    entry: &Entry,
    index: Option<&Index>,
    sql: &mut [Text],
    workers: Option<Text>,
) -> Option<(Text, Draft)> {
    let index = index.filter(|_| entry.kind == "CONSTRAINT")?;
    let at = *context.table_of_index.get(&entry.id)?;
    let table = &context.inspection.catalog.tables[at];
    let name = ObjectName::new(&table.name.schema, &index.name);
    let key = journal_key("index", &name);
    let is_worth_it = table.kind == TableKind::Ordinary
        && table.indexes.len() >= 2
        && table.index_bytes >= WORTH_A_STEP;
    // An interrupted run's index stands, however small the table has become since.
    if !is_worth_it && !context.is_done(&key) {
        return None;
    }
    let two = unique::in_two(sql.first()?, &index.definition, &index.name)?;
    *sql.first_mut()? = two.adopt_index.into();
    let build: Vec<Text> = workers
        .into_iter()
        .chain([two.build_index.into()])
        .collect();
    let draft = Draft::new(
        Phase::Indexes,
        format_args!("Build unique index {name}"),
        "The index of a key is built beside the table's other indexes; the key then takes it over at once.",
    )
    .object(&name)
    .key(&key)
    .locks(vec![TableLock {
        table: at,
        is_shared: true,
    }])
    .fallbacks(fallback::of_entry(context, entry, &build, &key))
    .transaction(build);
    Some((key, draft))
}

/// An index over what a function of the database returns may read any table's rows while it is built, whatever the function was
/// declared as. A check after the rows is one that old rows may break: of a domain it knows no table, of a table it is that of
/// the tables that inherit from it too; so is NOT NULL.
fn waits_for_all_rows(context: &Context<'_>, entry: &Entry) -> bool {
    match entry.kind.as_str() {
        "CHECK CONSTRAINT" => true,
        "CONSTRAINT" if index_of(context, entry).is_none() => true,
        "CONSTRAINT" | "INDEX" => context.reading.contains(&entry.id),
        _ => false,
    }
}

/// Functions of the database itself that are written in SQL or a procedural language, and what calls them: types and operators,
/// and what is made of these.
pub(super) fn reading(entries: &[Entry]) -> HashSet<u32> {
    let is_compiled = |sql: &str| {
        // pg_dump's own line; what a function is declared to return has no line end.
        let language = sql
            .split_once("\n    LANGUAGE ")
            .map_or("", |(_, rest)| rest);
        matches!(language.split_whitespace().next(), Some("c" | "internal"))
    };
    let mut reading = HashSet::default();
    for entry in entries {
        let calls = || entry.depends_on.iter().any(|id| reading.contains(id));
        let is_one = match entry.kind.as_str() {
            "FUNCTION" => !is_compiled(&entry.sql),
            "AGGREGATE" | "CAST" | "CONSTRAINT" | "DOMAIN" | "INDEX" | "OPERATOR"
            | "OPERATOR CLASS" | "OPERATOR FAMILY" | "TYPE" => calls(),
            _ => false,
        };
        if is_one {
            reading.insert(entry.id);
        }
    }
    reading
}

/// What a step of this kind does and why, in words for someone who does it for the first time.
fn sentence(entry: &Entry) -> Sentence {
    let name = match entry.kind.as_str() {
        "COMMENT" | "ACL" | "SECURITY LABEL" => definition::describe_tag(&entry.name),
        _ if entry.name.schema.is_empty() => printable(&entry.name.name).into_owned(),
        _ => ObjectName::to_string(&entry.name),
    };
    let (verb, why) = match entry.kind.as_str() {
        "TABLE" => (
            "Create table",
            "The empty table comes first; its rows follow, and its indexes after the rows.",
        ),
        "SEQUENCE" => (
            "Create sequence",
            "The sequence is created here; its value is set after the rows.",
        ),
        "SEQUENCE OWNED BY" => (
            "Set the owning column of sequence",
            "The sequence is then dropped with its column.",
        ),
        "DEFAULT" => (
            "Set default of",
            "New rows get this value when none is given.",
        ),
        "TABLE ATTACH" => (
            "Attach partition",
            "The partition becomes part of its parent table.",
        ),
        "INDEX ATTACH" => (
            "Attach index",
            "The partition's index becomes part of the parent's.",
        ),
        "INDEX" => (
            "Build index",
            "Building it once after the rows is faster than keeping it up to date for each row.",
        ),
        "CONSTRAINT" => (
            "Add constraint",
            "Checked once over all rows, after they have been copied.",
        ),
        "CHECK CONSTRAINT" => ("Add check", "Added after the rows, as pg_dump does."),
        "FK CONSTRAINT" => (
            "Add foreign key",
            "Added when both tables have their rows, so the order of copying does not matter.",
        ),
        "TRIGGER" => (
            "Create trigger",
            "Created after the rows, so that it does not fire for rows that existed already.",
        ),
        "EVENT TRIGGER" => (
            "Create event trigger",
            "The very last step, so that it does not react to this migration.",
        ),
        "RULE" => (
            "Create rule",
            "Created after the rows, so that it cannot redirect them.",
        ),
        "POLICY" => ("Create policy", "Row-level security comes after the rows."),
        "ROW SECURITY" => (
            "Turn on row-level security for",
            "Row-level security comes after the rows.",
        ),
        "VIEW" => (
            "Create view",
            "A view holds no rows; it is computed from its tables.",
        ),
        "MATERIALIZED VIEW" => (
            "Create materialized view",
            "Created empty; filled at the end from the tables that were copied.",
        ),
        "EXTENSION" => (
            "Install extension",
            "Types and functions of the extension must be there before the tables that use them.",
        ),
        "SCHEMA" => (
            "Create schema",
            "Tables live in schemas, so schemas come first.",
        ),
        "ACL" | "DEFAULT ACL" => (
            "Grant privileges on",
            "Who may read and change the object, as on the source.",
        ),
        "COMMENT" => (
            "Comment on",
            "Comments are documentation kept in the database.",
        ),
        "FUNCTION" => (
            "Create function",
            "Defaults, checks and triggers may call it.",
        ),
        "TYPE" | "SHELL TYPE" | "DOMAIN" => ("Create type", "Columns of this type need it first."),
        "STATISTICS" => (
            "Create statistics object",
            "It tells the planner which columns belong together.",
        ),
        _ => {
            return Sentence {
                title: format_args!("Create {} {name}", entry.kind.to_lowercase()).into(),
                why: "Created exactly as pg_dump describes it.".into(),
            };
        }
    };
    Sentence {
        title: format_args!("{verb} {name}").into(),
        why: why.into(),
    }
}

/// Which table each index, and each constraint that is one, belongs to.
pub(super) fn table_of_index(
    entries: &[Entry],
    table_of_entry: &HashMap<u32, usize>,
) -> HashMap<u32, usize> {
    entries
        .iter()
        .filter(|entry| entry.kind == "INDEX" || entry.kind == "CONSTRAINT")
        .filter_map(|entry| {
            let table = entry
                .depends_on
                .iter()
                .find_map(|id| table_of_entry.get(id))?;
            Some((entry.id, *table))
        })
        .collect()
}

/// Which catalog table each TABLE entry of the archive describes.
pub(super) fn table_of_entry(
    entries: &[Entry],
    position_of_oid: &HashMap<u32, usize>,
) -> HashMap<u32, usize> {
    entries
        .iter()
        .filter(|entry| entry.is_table())
        .filter_map(|entry| Some((entry.id, *position_of_oid.get(&entry.oid)?)))
        .collect()
}
