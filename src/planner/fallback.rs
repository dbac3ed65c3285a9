//! What is done when a server refuses a definition for a reason that was foreseen. The other way stands in the plan from the
//! start, so it is previewed like everything else.

use crate::model::archive::Entry;
use crate::model::catalog::{Catalog, ForeignKey, TableKind};
use crate::model::feature::Feature;
use crate::model::plan::{Action, Fallback, Session, Statement, Text, Way, Words};
use crate::sql::{constraints, journal, lexer, statements};

use super::Context;
use super::builder::transaction;
use super::rows::{self, Carried, Share};

/// Undefined function, table, object or schema: what an unqualified name is under an empty search_path.
const UNDEFINED: &[&str] = &["42883", "42P01", "42704", "3F000"];

/// The other ways to the same object; `sql` is the first.
pub(super) fn of_entry(
    context: &Context<'_>,
    entry: &Entry,
    sql: &[Text],
    journal_key: &Text,
) -> Vec<Fallback> {
    let own = match entry.kind.as_str() {
        "FK CONSTRAINT" => not_valid_entry(context, entry, journal_key),
        "INDEX" | "CONSTRAINT" | "CHECK CONSTRAINT" | "STATISTICS"
            if context.calls_functions(entry.id) =>
        {
            let first = transaction(sql.to_vec(), journal::done(journal_key));
            by_search_path(context, &first.collect::<Vec<_>>())
        }
        "TABLE" | "MATERIALIZED VIEW" => leaving_out(
            sql,
            journal_key,
            // Feature not supported; syntax error before 14.
            &["0A000", "42601"],
            Way::WithoutCompression,
            "the server does not know the compression of a column, so new values take its own default.",
        ),
        _ => None,
    };
    let elsewhere = leaving_out(
        sql,
        journal_key,
        // Invalid parameter value: no such tablespace.
        &["22023"],
        Way::WithoutTablespace,
        "the server does not have the tablespace, so the object is put into the database's own.",
    );
    own.into_iter().chain(elsewhere).collect()
}

/// The source's foreign key that an entry makes.
fn not_valid_entry(context: &Context<'_>, entry: &Entry, journal_key: &str) -> Option<Fallback> {
    let catalog = &context.inspection.catalog;
    let key = catalog
        .foreign_keys
        .get(*context.foreign_keys.get(&entry.oid)?)?;
    not_valid(context, catalog, key, || {
        let add = constraints::not_valid(&entry.sql);
        transaction([add], done_by(journal_key, Way::NotValid)).collect()
    })
}

/// A foreign key that the rows break is added `NOT VALID`, by the statements of `add`: it holds for new rows, and the old ones are
/// counted. A partitioned table cannot have one before 18.
pub(super) fn not_valid(
    context: &Context<'_>,
    catalog: &Catalog,
    key: &ForeignKey,
    add: impl FnOnce() -> Vec<Statement>,
) -> Option<Fallback> {
    let (referencing, referenced) = (&catalog.tables[key.table], &catalog.tables[key.references]);
    let can_be_not_valid = referencing.kind != TableKind::Partitioned
        || Feature::NotValidOnPartitioned.is_in(context.inspection.destination.version_num);
    // A temporal key (18) refers to spans of time, which one comparison per column does not tell.
    if !can_be_not_valid
        || key.definition.ends_with(" NOT VALID")
        || key.columns.is_empty()
        || key.definition.contains("PERIOD ")
    {
        return None;
    }
    let count = Statement::new(
        Session::Destination,
        Action::CountViolations,
        constraints::orphans(key, referencing, referenced),
    );
    Some(Fallback {
        after: &["23503"],
        why: "some rows refer to rows that are not there, so the key is added for new rows only (NOT VALID), and the old ones that break it are counted."
            .to_owned(),
        statements: add().into_iter().chain([count]).collect(),
        to_finish: Some(constraints::validate_constraint(&referencing.name, &key.name)),
        way: Some(Way::NotValid),
    })
}

/// A function that names tables or functions without their schema works in applications, whose search_path has it, but not
/// under the empty one that everything is restored with. The definition stays as it is; only the session's path differs.
pub(super) fn by_search_path(context: &Context<'_>, first: &[Statement]) -> Option<Fallback> {
    let path = &context.inspection.source.database.as_ref()?.search_path;
    let (begin, rest) = first.split_first()?;
    let set = Statement::new(
        Session::Destination,
        Action::Run,
        statements::local_search_path(path),
    );
    Some(Fallback {
        after: UNDEFINED,
        why: format!(
            "it calls a function that names something without its schema, so it is done again under the source's search_path ({path})."
        ),
        statements: [begin.clone(), set]
            .into_iter()
            .chain(rest.iter().cloned())
            .collect(),
        to_finish: None,
        way: None,
    })
}

/// Of parameters that look like somebody's own some are of a library that lets nobody but a superuser set them. There is one
/// other way for each step, so the source's search_path is set in it as well.
pub(super) fn without_parameters(
    context: &Context<'_>,
    parameters: &[Text],
    plainly: impl Iterator<Item = Text>,
    journal_key: &Text,
) -> Option<Fallback> {
    let path = &context.inspection.source.database.as_ref()?.search_path;
    let set = Text::from(statements::local_search_path(path));
    let journal = journal::done(journal_key);
    (!parameters.is_empty()).then(|| Fallback {
        // Insufficient privilege, cannot be changed now, invalid name or value.
        after: &["42501", "55P02", "42602", "22023"],
        why: format!(
            "a parameter of the database may not be set by this role, so it is done again without those, under the source's search_path ({path})."
        ),
        statements: transaction([set].into_iter().chain(plainly), journal).collect(),
        to_finish: None,
        way: None,
    })
}

/// A `bytea` of more than 512 MB has no text form that a server could hold: postgres_fdw fails at it, and so does text COPY,
/// with an internal error. Binary COPY carries it.
pub(super) fn of_long_values(
    context: &Context<'_>,
    carried: &Carried,
    share: Share,
) -> Option<Fallback> {
    let table = &context.inspection.catalog.tables[carried.table];
    let has_bytes = table.copied_columns().any(|c| c.type_name == "bytea");
    if !has_bytes || !carried.is_binary {
        return None;
    }
    let by_copy = Carried {
        is_binary: true,
        ..carried.clone()
    };
    Some(Fallback {
        // Internal error ("invalid memory alloc request size"), or a program limit.
        after: &["XX000", "54000"],
        why: "a value of more than 512 MB has no text form, which postgres_fdw needs, so the table is copied by binary COPY."
            .to_owned(),
        statements: rows::copy_step(context, &by_copy, share).into_statements(),
        to_finish: None,
        way: None,
    })
}

/// What the statements of a way that leaves something out begin with, and say inside.
fn dropped_by(way: Way) -> Option<(&'static str, &'static str)> {
    match way {
        Way::WithoutTablespace => Some(("SET LOCAL default_tablespace", "")),
        Way::WithoutCompression => Some(("ALTER ", " SET COMPRESSION ")),
        Way::NotValid => None,
    }
}

/// A definition without what another way has left out of it.
pub(super) fn without(sql: &str, way: Way) -> String {
    let Some((begin, inside)) = dropped_by(way) else {
        return sql.to_owned();
    };
    let is_dropped = |piece: &str| piece.trim_start().starts_with(begin) && piece.contains(inside);
    let pieces = lexer::statements(sql).into_iter();
    pieces.filter(|piece| !is_dropped(piece)).collect()
}

/// The same without the statements that are of no meaning for what the object holds.
fn leaving_out(
    sql: &[Text],
    journal_key: &Text,
    after: &'static [&'static str],
    way: Way,
    why: &str,
) -> Option<Fallback> {
    let (begin, inside) = dropped_by(way)?;
    // Most say neither, and need not be read word by word.
    if !sql
        .iter()
        .any(|part| part.contains(begin) && part.contains(inside))
    {
        return None;
    }
    let kept: Vec<String> = sql.iter().map(|part| without(part, way)).collect();
    if kept.iter().zip(sql).all(|(kept, part)| **kept == **part) {
        return None;
    }
    let kept: Vec<String> = kept
        .into_iter()
        .filter(|part| lexer::has_statement(part))
        .collect();
    Some(Fallback {
        after,
        why: why.to_owned(),
        statements: transaction(kept, done_by(journal_key, way)).collect(),
        to_finish: None,
        way: Some(way),
    })
}

pub(super) fn done_by(journal_key: &str, way: Way) -> Words {
    journal::done_by(journal_key, way.word())
}
