//! A small world for tests: two servers, a shop's catalog, check results.

use std::sync::Arc;

use super::{Inspection, Key, KeyCode, Msg, Now, Prefill, Start, State};
use crate::model::catalog::{
    Catalog, Column, ForeignKey, HashForm, Index, LargeObjects, Sequence, SequenceOwner,
    Statistics, Table, TableKind, WireType,
};
use crate::model::connection::{
    DatabaseFacts, Endpoint, PasswordOrigin, Secret, ServerFacts, Side, Silence, Tls,
};
use crate::model::finding::{CheckResult, Finding, Fix, Level};
use crate::model::journal::Leftovers;
use crate::model::name::ObjectName;
use crate::model::options::Options;
use crate::model::problem::{Field, Problem};
use crate::model::text::Text;

pub(crate) fn endpoint(host: &str) -> Endpoint {
    Endpoint {
        host: host.to_owned(),
        port: 5432,
        database: "shop".to_owned(),
        user: "app".to_owned(),
        password: Some(Secret::new("geheim")),
        password_origin: PasswordOrigin::Typed,
        tls: Tls::default(),
        connect_timeout_secs: 10,
        silence: Silence::default(),
        options: None,
    }
}

/// Opened without any connection.
pub(crate) fn empty() -> State {
    State::new(Start {
        options: options(),
        ..Start::default()
    })
}

/// The same jobs on every machine.
fn options() -> Options {
    Options {
        jobs: 4,
        ..Options::default()
    }
}

pub(crate) fn prefilled() -> State {
    let side = |host| Prefill {
        endpoint: Some(endpoint(host)),
        problem: None,
        warnings: Vec::new(),
    };
    State::new(Start {
        source: side("old.example"),
        destination: side("new.example"),
        options: options(),
        ..Start::default()
    })
}

pub(crate) fn facts(version: &str, relation_count: u64) -> ServerFacts {
    ServerFacts {
        version_num: 150_018,
        version: version.to_owned(),
        user: "app".to_owned(),
        is_superuser: true,
        system_identifier: None,
        started_at: None,
        in_recovery: false,
        tls: Some("TLSv1.3".to_owned()),
        latency_micros: 4_100,
        shared_buffers_kib: 131_072,
        cores: None,
        maintenance_work_mem_kib: 65_536,
        has_lz4: true,
        database: Some(DatabaseFacts {
            has_public_schema: true,
            name: "shop".to_owned(),
            oid: 16384,
            encoding: "UTF8".to_owned(),
            collate: "C".to_owned(),
            ctype: "C".to_owned(),
            size_bytes: 19_648_000_000,
            relation_count,
            search_path: "\"$user\", public".to_owned(),
            time_zone: "Etc/UTC".to_owned(),
            date_style: "ISO, YMD".to_owned(),
            ..DatabaseFacts::default()
        }),
    }
}

pub(crate) fn press(state: &mut State, code: KeyCode) -> Vec<super::Effect> {
    state.update(Msg::Key(Key::plain(code)), Now(1_000))
}

pub(crate) fn type_text(state: &mut State, text: &str) {
    for c in text.chars() {
        press(state, KeyCode::Char(c));
    }
}

/// Both connections tested and fine.
pub(crate) fn connected() -> State {
    let mut state = prefilled();
    press(&mut state, KeyCode::Enter);
    for (attempt, side) in [(1, Side::Source), (2, Side::Destination)] {
        let outcome = Ok(match side {
            Side::Source => facts("15.18", 40),
            Side::Destination => facts("17.2", 0),
        });
        let msg = Msg::ConnectionTested {
            side,
            attempt,
            outcome,
        };
        state.update(msg, Now(1_100));
    }
    state
}

pub(crate) fn check(title: &'static str, findings: Vec<Finding>) -> CheckResult {
    CheckResult {
        id: match title {
            "Both servers can be reached" => "reach",
            "pg_dump is there and new enough" => "pg-dump",
            "Roles that own objects exist in the destination" => "roles",
            _ => "test",
        },
        title,
        outcome: Ok(findings),
    }
}

/// On Check, with the given results in; attempt 3.
pub(crate) fn checked(results: Vec<CheckResult>, inspection: Inspection) -> State {
    let mut state = connected();
    press(&mut state, KeyCode::Enter);
    for result in results {
        state.update(Msg::CheckDone { attempt: 3, result }, Now(1_200));
    }
    let outcome = Ok(Arc::new(inspection));
    state.update(
        Msg::Inspected {
            attempt: 3,
            outcome,
        },
        Now(1_300),
    );
    state
}

/// On Check, where a server has no free place for a session; attempt 3.
pub(crate) fn tried_again() -> State {
    let mut state = connected();
    press(&mut state, KeyCode::Enter);
    for result in fine_results() {
        state.update(Msg::CheckDone { attempt: 3, result }, Now(1_200));
    }
    let full = Problem {
        sqlstate: Some("53300".to_owned()),
        ..Problem::new(
            "Could not connect to shop",
            "sorry, too many clients already",
        )
    };
    let again = Msg::CheckAgain {
        attempt: 3,
        number: 2,
        problem: Box::new(full),
    };
    state.update(again, Now(1_300));
    state
}

pub(crate) fn fine_results() -> Vec<CheckResult> {
    vec![
        check(
            "Both servers can be reached",
            vec![Finding::fine("PostgreSQL 15.18 and 17.2")],
        ),
        check(
            "pg_dump is there and new enough",
            vec![Finding::fine("pg_dump 17.2 in /usr/lib/postgresql/17/bin")],
        ),
    ]
}

pub(crate) fn warned_results() -> Vec<CheckResult> {
    let mut results = fine_results();
    results.push(check(
        "Roles that own objects exist in the destination",
        vec![
            Finding::new(
                Level::Warning,
                "The role \"billing\" is missing",
                "Objects belong to it on the source. Without it they will belong to the role that connects.",
            )
            .objects(vec!["table billing.invoice".to_owned(), "view billing.open".to_owned()])
            .fix(Fix::on_destination(
                vec!["CREATE ROLE billing NOLOGIN;".to_owned()],
                "a superuser or a role with CREATEROLE",
                true,
            )),
        ],
    ));
    results
}

pub(crate) fn blocked_results() -> Vec<CheckResult> {
    let mut results = warned_results();
    results.push(check(
        "Source and destination are different databases",
        vec![Finding::new(
            Level::Blocking,
            "Both connections lead to the same database",
            "Carrying a database onto itself would destroy it.",
        )],
    ));
    results.push(CheckResult {
        id: "fdw-reaches-source",
        title: "The destination server reaches the source",
        outcome: Err(
            Problem::new("Could not ask the destination", "permission denied")
                .hint("Connect as a role that may create extensions.")
                .field(Field::FdwHost),
        ),
    });
    results
}

fn column(name: &str, type_name: &str) -> Column {
    Column {
        name: Text::of(name),
        type_name: Text::of(type_name),
        wire: WireType::BuiltIn,
        hash_form: HashForm::Value,
        is_not_null: name == "id",
        is_identity: name == "id",
        is_generated: name == "total",
        default: None,
    }
}

pub(crate) fn table(schema: &str, name: &str, rows: u64) -> Table {
    Table {
        oid: 1,
        name: ObjectName::new(schema.to_owned(), name.to_owned()),
        kind: TableKind::Ordinary,
        is_unlogged: false,
        is_out_of_reach: false,
        owner: "app".into(),
        partition_of: None,
        inherits: Vec::new(),
        has_inheritance_children: false,
        columns: vec![
            column("id", "bigint"),
            column("title", "text"),
            column("total", "numeric(10,2)"),
        ],
        indexes: vec![Index {
            name: format!("{name}_pkey").into(),
            definition: "".into(),
            is_primary: true,
            is_unique: true,
            is_valid: true,
            bytes: rows * 20,
        }],
        estimated_rows: Some(rows),
        page_count: rows / 60,
        is_heap: true,
        table_bytes: rows * 140,
        index_bytes: rows * 20,
        comment: None,
        rows_hidden_by_policy: false,
        can_select: true,
        can_lock: true,
        partition_key: None,
        partition_bound: None,
        hashes_oids: false,
        has_insert_rule: false,
        extension_config: None,
        has_reading_check: false,
        statistics: Statistics::Incomplete,
    }
}

/// Two databases that hold nothing.
pub(crate) fn bare() -> Inspection {
    Inspection {
        source_endpoint: endpoint("old.example"),
        destination_endpoint: endpoint("new.example"),
        source: facts("15.18", 0),
        destination: facts("17.2", 0),
        catalog: Catalog::default(),
        archive: Arc::default(),
        existing: Vec::new(),
        existing_schema: None,
        journal: None,
        unfinished: None,
        leftovers: Leftovers::default(),
        scratches: Vec::new(),
        destination_roles: Vec::new(),
        provider_there: None,
        is_fdw_installed: false,
        other_versions: Vec::new(),
    }
}

/// Two schemas, a partitioned table, an inheritance parent, names that try a terminal's patience.
pub(crate) fn shop() -> Inspection {
    let mut tables = vec![
        table("billing", "invoice", 120_000),
        table("public", "Übersicht \"neu\"", 12),
        table("public", "film", 1_000),
        table("public", "payment", 0),
        table("public", "payment_2025", 480_000),
        table("public", "payment_2026", 260_000),
        table("public", "vehicle", 900),
        table("public", "顧客\u{202e}リスト", 5_000_000),
    ];
    tables[3].kind = TableKind::Partitioned;
    tables[4].partition_of = Some(3);
    tables[5].partition_of = Some(3);
    tables[5].indexes.clear();
    tables[6].has_inheritance_children = true;
    tables[6].is_unlogged = true;
    tables[6].estimated_rows = None;
    tables[2].comment = Some("What can be rented.".into());
    let sequence = |schema: &str, name: &str, owner: Option<usize>| Sequence {
        oid: 1,
        name: ObjectName::new(schema.to_owned(), name.to_owned()),
        owner: "app".into(),
        owned_by: owner.map(|table| SequenceOwner {
            table,
            column: "id".into(),
            is_identity: true,
        }),
        last_value: owner.map(|_| 120_000),
        can_select: true,
        is_out_of_reach: false,
        extension: None,
    };
    Inspection {
        catalog: Catalog {
            tables,
            sequences: vec![
                sequence("billing", "invoice_id_seq", Some(0)),
                sequence("public", "film_id_seq", Some(2)),
                sequence("public", "ticket_number", None),
            ],
            foreign_keys: vec![ForeignKey {
                oid: 16_500,
                columns: Vec::new(),
                is_match_full: false,
                name: "invoice_film".to_owned(),
                table: 0,
                references: 2,
                definition: String::new(),
            }],
            large_objects: LargeObjects {
                count: 3,
                bytes: 6_144,
            },
            materialized_views: Vec::new(),
            ..Catalog::default()
        },
        ..bare()
    }
}

/// On Select, everything ticked.
pub(crate) fn selecting(inspection: Inspection) -> State {
    let mut state = checked(fine_results(), inspection);
    press(&mut state, KeyCode::Enter);
    state
}

/// Many tables in many schemas.
pub(crate) fn huge(tables: usize) -> Inspection {
    let mut inspection = bare();
    inspection.catalog.tables = (0..tables)
        .map(|at| {
            table(
                &format!("s{:03}", at / 100),
                &format!("table_{at:05}"),
                at as u64,
            )
        })
        .collect();
    inspection
}
