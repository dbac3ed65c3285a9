//! The demo's shop, read from the SQL that makes it: what the README's pictures show.

use std::sync::Arc;

use super::Inspection;
use super::fixtures::{bare, facts, table};
use crate::model::archive::{Entry, Section};
use crate::model::catalog::{
    Column, HashForm, Index, LargeObjects, Sequence, Table, TableKind, WireType,
};
use crate::model::name::ObjectName;
use crate::model::text::Text;

const TABLES: &str = include_str!("../../assets/demo/1_tables.sql");
const CONSTRAINTS: &str = include_str!("../../assets/demo/3_constraints.sql");

/// Rows and bytes on disk, as a server tells them of the demo.
const SIZES: [(&str, u64, u64); 23] = [
    ("country", 12, 49_152),
    ("customer", 60_000, 31_037_850),
    ("category", 40, 49_152),
    ("product", 8_000, 2_621_440),
    ("product_manual", 8, 40_960),
    ("order", 150_000, 17_301_504),
    ("order_line", 450_000, 30_723_277),
    ("review", 50_000, 5_872_025),
    ("voucher", 0, 8_192),
    ("cart", 5_000, 557_056),
    ("warehouse", 12, 49_152),
    ("employee", 600, 122_880),
    ("level", 40_000, 1_782_579),
    ("document", 4_000, 311_296),
    ("delivery_note", 26_000, 1_782_579),
    ("event", 0, 0),
    ("event_2023", 71_836, 8_178_892),
    ("event_2024_h1", 35_819, 4_089_446),
    ("event_2024_h2", 36_213, 4_089_446),
    ("event_2025", 71_836, 8_178_892),
    ("event_other", 24_296, 2_726_297),
    ("Price List; 2025", 2_000, 147_456),
    ("salary", 600, 65_536),
];

const SEQUENCES: [(&str, &str); 10] = [
    ("audit", "event_numbers"),
    ("shop", "category_id_seq"),
    ("shop", "customer_id_seq"),
    ("shop", "invoice_number"),
    ("shop", "lottery"),
    ("shop", "order_id_seq"),
    ("shop", "product_id_seq"),
    ("shop", "voucher_id_seq"),
    ("stock", "document_id_seq"),
    ("stock", "employee_id_seq"),
];

/// Without the comments between them.
fn statements(sql: &str) -> Vec<String> {
    let lines: Vec<&str> = sql.lines().filter(|line| !line.starts_with("--")).collect();
    let text = lines.join("\n");
    text.split(";\n").map(|one| one.trim().to_owned()).collect()
}

/// `shop."order" add …` → the name and what follows it.
fn name(text: &str) -> (ObjectName, &str) {
    let (schema, rest) = word(text);
    let (name, rest) = word(rest.strip_prefix('.').unwrap());
    (
        ObjectName::new(schema.to_owned(), name.to_owned()),
        rest.trim_start(),
    )
}

/// An identifier, without its quotes.
fn word(text: &str) -> (&str, &str) {
    match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').unwrap(),
        None => text.split_at(
            text.find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(text.len()),
        ),
    }
}

fn column(line: &str) -> Column {
    let (name, rest) = word(line.trim().trim_end_matches(','));
    let ends = [" not null", " default", " generated", " collate", " check"];
    let type_name = ends
        .iter()
        .fold(rest, |text, end| text.split(end).next().unwrap_or(text));
    Column {
        name: Text::of(name),
        type_name: Text::of(type_name.trim()),
        // As the program finds them: a type that somebody made may read differently on the other side.
        wire: if type_name.contains("shop.address") {
            WireType::Other
        } else {
            WireType::BuiltIn
        },
        hash_form: HashForm::Value,
        is_not_null: rest.contains("not null"),
        is_identity: rest.contains("as identity"),
        is_generated: rest.contains("stored"),
        default: None,
    }
}

fn entry(kind: &str, name: ObjectName, sql: &str) -> Entry {
    Entry {
        kind: kind.to_owned().into(),
        name,
        owner: "app".into(),
        sql: format!("{sql};").into(),
        section: match kind {
            "SCHEMA" | "TABLE" | "SEQUENCE" => Section::PreData,
            _ => Section::PostData,
        },
        ..Entry::default()
    }
}

/// A table and what makes it.
fn read_table(statement: &str) -> Option<(Table, Entry)> {
    let rest = statement.strip_prefix("create ")?;
    let is_unlogged = rest.starts_with("unlogged");
    let (name, definition) = name(
        rest.trim_start_matches("unlogged ")
            .strip_prefix("table ")?,
    );
    let (_, rows, bytes) = SIZES.iter().find(|(one, ..)| name.name == *one)?;
    let mut table = table(&name.schema, &name.name, *rows);
    table.is_unlogged = is_unlogged;
    table.indexes.clear();
    table.columns = definition
        .lines()
        .filter(|line| line.starts_with("  ") && !line.contains("partition by"))
        .map(column)
        .collect();
    table.estimated_rows = (*rows > 0).then_some(*rows);
    table.table_bytes = *bytes;
    table.page_count = bytes / 8_192;
    table.index_bytes = bytes / 4;
    Some((table, entry("TABLE", name, statement)))
}

/// What stands in `3_constraints.sql`: kind and name of each, and its table.
fn read_constraint(statement: &str) -> Vec<(&'static str, String, ObjectName)> {
    let altered = statement
        .strip_prefix("alter")
        .and_then(|rest| rest.trim_start().strip_prefix("table"));
    if let Some(rest) = altered {
        let (on, rest) = name(rest.trim_start());
        return rest
            .split("add ")
            .filter_map(|part| {
                if part.starts_with("primary key") {
                    return Some(("CONSTRAINT", format!("{}_pkey", on.name), on.clone()));
                }
                let (_, key) = part.split_once("foreign key (")?;
                let (column, _) = key.split_once(')')?;
                let title = format!("{}_{column}_fkey", on.name);
                Some(("FK CONSTRAINT", title, on.clone()))
            })
            .collect();
    }
    let Some((head, rest)) = statement.split_once(" on ") else {
        return Vec::new();
    };
    let Some(index) = head
        .strip_prefix("create index")
        .or_else(|| head.strip_prefix("create unique index"))
    else {
        return Vec::new();
    };
    let (on, rest) = name(rest);
    let (_, columns) = rest.split_once('(').unwrap();
    let title = match index.trim() {
        "" => format!("{}_{}_idx", on.name, word(columns).0),
        named => word(named).0.to_owned(),
    };
    vec![("INDEX", title, on)]
}

pub(crate) fn demo() -> Inspection {
    let mut inspection = bare();
    inspection.source = facts("15.18", 40);
    let made = statements(TABLES);
    let mut entries: Vec<Entry> = made
        .iter()
        .filter_map(|one| {
            let (schema, _) = word(one.strip_prefix("create schema")?.trim_start());
            Some(entry("SCHEMA", ObjectName::new("", schema.to_owned()), one))
        })
        .collect();
    let mut read: Vec<(Table, Entry)> = made.iter().filter_map(|one| read_table(one)).collect();
    read.sort_by(|one, other| one.0.name.cmp(&other.0.name));
    let mut tables = Vec::new();
    for (mut table, mut entry) in read {
        table.oid = 16_400 + u32::try_from(tables.len()).unwrap();
        (entry.class_oid, entry.oid) = (1259, table.oid);
        entries.push(entry);
        tables.push(table);
    }
    let position = |tables: &[Table], wanted: &ObjectName| {
        tables
            .iter()
            .position(|table| table.name == *wanted)
            .unwrap()
    };
    let event = position(&tables, &ObjectName::new("audit", "event"));
    tables[event].kind = TableKind::Partitioned;
    let columns = tables[event].columns.clone();
    for table in &mut tables {
        if table.name.name.starts_with("event_") {
            table.partition_of = Some(event);
            table.columns.clone_from(&columns);
        }
    }
    let constraints = statements(CONSTRAINTS);
    let read = constraints.iter().flat_map(|one| {
        let found = read_constraint(one).into_iter();
        found.map(move |what| (one, what))
    });
    let mut stands_on = Vec::new();
    for (statement, (kind, title, on)) in read {
        let at = position(&tables, &on);
        // pg_dump names a constraint after its table, too.
        let full = if kind == "INDEX" {
            title.clone()
        } else {
            format!("{} {title}", on.name)
        };
        entries.push(entry(kind, ObjectName::new(&on.schema, full), statement));
        stands_on.push((entries.len() - 1, kind, on.clone()));
        if kind != "FK CONSTRAINT" {
            let bytes = tables[at].table_bytes / 8;
            tables[at].indexes.push(Index {
                name: title.into(),
                definition: "btree (…)".into(),
                is_primary: kind == "CONSTRAINT",
                is_unique: kind == "CONSTRAINT",
                is_valid: true,
                bytes,
            });
        }
    }
    for (id, entry) in (1..).zip(&mut entries) {
        entry.id = id;
    }
    // An index needs its table; a foreign key the keys it may refer to besides.
    let ids = |kind: &str, on: Option<&ObjectName>| -> Vec<u32> {
        let all = entries.iter().filter(|one| one.kind == *kind);
        let wanted = all.filter(|one| on.is_none_or(|on| one.name == *on));
        wanted.map(|one| one.id).collect()
    };
    let needs: Vec<(usize, Vec<u32>)> = stands_on
        .iter()
        .map(|(at, kind, on)| {
            let mut needs = ids("TABLE", Some(on));
            if *kind == "FK CONSTRAINT" {
                needs.extend(ids("CONSTRAINT", None));
            }
            (*at, needs)
        })
        .collect();
    for (at, needs) in needs {
        entries[at].depends_on = needs.into();
    }
    let archive = Arc::make_mut(&mut inspection.archive);
    archive.entries = entries;
    archive.client_version = "17.2".to_owned();
    inspection.catalog.tables = tables;
    inspection.catalog.sequences = SEQUENCES
        .map(|(schema, name)| Sequence {
            oid: 1,
            name: ObjectName::new(schema, name),
            owner: "app".into(),
            owned_by: None,
            last_value: Some(4_711),
            can_select: true,
            is_out_of_reach: false,
            extension: None,
        })
        .into();
    inspection.catalog.large_objects = LargeObjects {
        count: 8,
        bytes: 1_153_434,
    };
    inspection
}
