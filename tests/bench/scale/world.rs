//! Two servers, and a database of very many tables as pg_dump and the catalogs would tell of it. Pure: made from its number.

use std::sync::Arc;

use howdah::app::{Effect, Inspection, Key, KeyCode, Msg, Now, Prefill, Start, State, WizardStep};
use howdah::model::archive::{Archive, Entry, Section};
use howdah::model::catalog::{
    Catalog, Column, HashForm, Index, Sequence, SequenceOwner, Statistics, Table, TableKind,
    WireType,
};
use howdah::model::connection::{
    DatabaseFacts, Endpoint, PasswordOrigin, ServerFacts, Side, Silence, Tls,
};
use howdah::model::event::RunEvent;
use howdah::model::name::ObjectName;
use howdah::model::report::{Report, TableResult, Verdict};
use howdah::model::text::Text;
use howdah::planner;

fn endpoint(host: &str) -> Endpoint {
    Endpoint {
        host: host.to_owned(),
        port: 5432,
        database: "many".to_owned(),
        user: "app".to_owned(),
        password: None,
        password_origin: PasswordOrigin::default(),
        tls: Tls::default(),
        connect_timeout_secs: 10,
        silence: Silence::default(),
        options: None,
    }
}

fn facts(relation_count: u64) -> ServerFacts {
    ServerFacts {
        version_num: 170_002,
        version: "17.2".to_owned(),
        user: "app".to_owned(),
        is_superuser: true,
        system_identifier: Some(relation_count),
        started_at: None,
        in_recovery: false,
        tls: None,
        latency_micros: 400,
        cores: None,
        shared_buffers_kib: 131_072,
        maintenance_work_mem_kib: 65_536,
        has_lz4: true,
        database: Some(DatabaseFacts {
            has_public_schema: true,
            name: "many".to_owned(),
            oid: 5,
            encoding: "UTF8".to_owned(),
            collate: "C".to_owned(),
            ctype: "C".to_owned(),
            size_bytes: 1 << 30,
            relation_count,
            search_path: "\"$user\", public".to_owned(),
            time_zone: "UTC".to_owned(),
            date_style: "ISO, YMD".to_owned(),
            ..DatabaseFacts::default()
        }),
    }
}

fn column(name: &str, type_name: &str) -> Column {
    Column {
        name: Text::of(name),
        type_name: Text::of(type_name),
        wire: WireType::BuiltIn,
        is_not_null: true,
        is_identity: false,
        is_generated: false,
        hash_form: HashForm::Value,
        default: None,
    }
}

fn schema_of(at: usize) -> String {
    format!("s{:03}", at / 200)
}

fn table(at: usize) -> Table {
    let (schema, name) = (schema_of(at), format!("t{at:05}"));
    let index = |suffix: &str, columns: &str, is_unique: bool| Index {
        name: format!("{name}_{suffix}").into(),
        definition: format!(
            "CREATE INDEX {name}_{suffix} ON {schema}.{name} USING btree ({columns})"
        )
        .into(),
        is_primary: suffix == "pkey",
        is_unique,
        is_valid: true,
        bytes: 16_384,
    };
    Table {
        oid: oid(at),
        kind: TableKind::Ordinary,
        is_unlogged: false,
        is_out_of_reach: false,
        owner: "app".into(),
        partition_of: None,
        inherits: Vec::new(),
        has_inheritance_children: false,
        columns: vec![
            column("id", "integer"),
            column("code", "text"),
            column("at", "timestamp with time zone"),
        ],
        indexes: vec![
            index("pkey", "id", true),
            index("code_key", "code", true),
            index("at_idx", "at", false),
        ],
        estimated_rows: Some(10),
        page_count: 1,
        is_heap: true,
        table_bytes: 16_384,
        index_bytes: 49_152,
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
        name: ObjectName::new(&schema, &name),
    }
}

fn oid(at: usize) -> u32 {
    20_000 + 10 * u32::try_from(at).unwrap_or(0)
}

/// What pg_dump prints of one table, with its sequence.
fn entries(at: usize, next_id: &mut u32) -> Vec<Entry> {
    let (schema, name) = (schema_of(at), format!("t{at:05}"));
    let first = *next_id;
    let mut entry = |kind: &str, tag: String, oid: u32, needs: &[u32], sql: String, late: bool| {
        let id = *next_id;
        *next_id += 1;
        Entry {
            id,
            class_oid: if oid == 0 { 0 } else { 1259 },
            oid,
            kind: kind.to_owned().into(),
            name: ObjectName::new(&schema, &tag),
            owner: "app".to_owned().into(),
            depends_on: needs.iter().map(|need| first + need).collect(),
            section: if late {
                Section::PostData
            } else {
                Section::PreData
            },
            owner_sql: (kind == "TABLE" || kind == "SEQUENCE")
                .then(|| format!("ALTER {kind} {schema}.{tag} OWNER TO app;").into()),
            sql: sql.into(),
        }
    };
    let on = format!("{schema}.{name}");
    let alter = format!("ALTER TABLE ONLY {on}\n    ");
    vec![
        entry(
            "TABLE",
            name.clone(),
            oid(at),
            &[],
            format!(
                "CREATE TABLE {on} (\n    id integer NOT NULL,\n    code text NOT NULL,\n    at timestamp with time zone NOT NULL\n);"
            ),
            false,
        ),
        entry(
            "SEQUENCE",
            format!("{name}_id_seq"),
            oid(at) + 1,
            &[0],
            format!(
                "CREATE SEQUENCE {on}_id_seq\n    AS integer\n    START WITH 1\n    INCREMENT BY 1\n    NO MINVALUE\n    NO MAXVALUE\n    CACHE 1;"
            ),
            false,
        ),
        entry(
            "SEQUENCE OWNED BY",
            format!("{name}_id_seq"),
            0,
            &[1],
            format!("ALTER SEQUENCE {on}_id_seq OWNED BY {on}.id;"),
            false,
        ),
        entry(
            "DEFAULT",
            format!("{name} id"),
            0,
            &[0, 1],
            format!("{alter}ALTER COLUMN id SET DEFAULT nextval('{on}_id_seq'::regclass);"),
            false,
        ),
        entry(
            "CONSTRAINT",
            format!("{name} {name}_code_key"),
            0,
            &[0],
            format!("{alter}ADD CONSTRAINT {name}_code_key UNIQUE (code);"),
            true,
        ),
        entry(
            "CONSTRAINT",
            format!("{name} {name}_pkey"),
            0,
            &[0],
            format!("{alter}ADD CONSTRAINT {name}_pkey PRIMARY KEY (id);"),
            true,
        ),
        entry(
            "INDEX",
            format!("{name}_at_idx"),
            0,
            &[0],
            format!("CREATE INDEX {name}_at_idx ON {on} USING btree (at);"),
            true,
        ),
    ]
}

/// So many tables, each with three indexes and a sequence; two hundred to a schema.
pub(crate) fn inspection(tables: usize) -> Inspection {
    let mut next_id = 1;
    let mut all: Vec<Entry> = (0..tables.div_ceil(200))
        .map(|schema| {
            let name = schema_of(schema * 200);
            next_id += 1;
            Entry {
                id: next_id - 1,
                kind: "SCHEMA".to_owned().into(),
                sql: format!("CREATE SCHEMA {name};").into(),
                name: ObjectName::new("", &name),
                owner: "app".to_owned().into(),
                ..Entry::default()
            }
        })
        .collect();
    let (early, late): (Vec<Entry>, Vec<Entry>) = (0..tables)
        .flat_map(|at| entries(at, &mut next_id))
        .partition(|entry| entry.section == Section::PreData);
    all.extend(early);
    all.extend(late);
    let sequence = |at: usize| Sequence {
        oid: oid(at) + 1,
        name: ObjectName::new(schema_of(at), format!("t{at:05}_id_seq")),
        owner: "app".into(),
        owned_by: Some(SequenceOwner {
            table: at,
            column: "id".into(),
            is_identity: false,
        }),
        last_value: Some(10),
        can_select: true,
        is_out_of_reach: false,
        extension: None,
    };
    Inspection {
        source_endpoint: endpoint("old.example"),
        destination_endpoint: endpoint("new.example"),
        source: facts(1),
        destination: facts(0),
        catalog: Catalog {
            tables: (0..tables).map(table).collect(),
            sequences: (0..tables).map(sequence).collect(),
            ..Catalog::default()
        },
        archive: std::sync::Arc::new(Archive {
            client_version: "17.2".to_owned(),
            entries: all,
            ..Archive::default()
        }),
        existing: Vec::new(),
        destination_roles: Vec::new(),
        existing_schema: None,
        journal: None,
        unfinished: None,
        leftovers: howdah::model::journal::Leftovers::default(),
        provider_there: None,
        scratches: Vec::new(),
        is_fdw_installed: false,
        other_versions: Vec::new(),
    }
}

fn enter(state: &mut State) -> Vec<Effect> {
    state.update(Msg::Key(Key::plain(KeyCode::Enter)), Now(1_000))
}

/// On Check, with everything read.
pub(crate) fn checked(tables: usize) -> State {
    let side = |host| Prefill {
        endpoint: Some(endpoint(host)),
        problem: None,
        warnings: Vec::new(),
    };
    let mut state = State::new(Start {
        source: side("old.example"),
        destination: side("new.example"),
        ..Start::default()
    });
    for effect in enter(&mut state) {
        if let Effect::TestConnection { side, attempt, .. } = effect {
            let relations = u64::from(side == Side::Source);
            let outcome = Ok(facts(relations));
            let msg = Msg::ConnectionTested {
                side,
                attempt,
                outcome,
            };
            state.update(msg, Now(1_000));
        }
    }
    for effect in enter(&mut state) {
        if let Effect::Inspect { attempt, .. } = effect {
            let outcome = Ok(Arc::new(inspection(tables)));
            state.update(Msg::Inspected { attempt, outcome }, Now(1_000));
        }
    }
    assert_eq!(state.step, WizardStep::Check);
    state
}

/// On Select, with everything ticked.
pub(crate) fn selecting(tables: usize) -> State {
    let mut state = checked(tables);
    enter(&mut state);
    assert_eq!(state.step, WizardStep::Select);
    state
}

pub(crate) fn previewing(tables: usize) -> State {
    let mut state = selecting(tables);
    for effect in enter(&mut state) {
        if let Effect::MakePlan {
            attempt,
            inspection,
            selection,
            options,
        } = effect
        {
            let outcome = planner::plan(&inspection, &selection, &options);
            let outcome = outcome.map(Arc::new).map_err(Box::new);
            state.update(Msg::Planned { attempt, outcome }, Now(1_500));
        }
    }
    assert_eq!(state.step, WizardStep::Preview);
    state
}

/// On Run, half of the steps done.
pub(crate) fn running(tables: usize) -> State {
    let mut state = previewing(tables);
    enter(&mut state);
    let mut effects = enter(&mut state);
    let plan = effects.drain(..).find_map(|effect| match effect {
        Effect::StartRun { plan, .. } => Some(plan),
        _ => None,
    });
    let plan = plan.expect("the run begins");
    for step in plan.steps.iter().take(plan.steps.len() / 2) {
        state.update(Msg::Run(RunEvent::StepStarted(step.id)), Now(2_000));
        let finished = RunEvent::StepFinished {
            step: step.id,
            rows: 10,
            bytes: 500,
            elapsed_ms: 3,
            is_kept: false,
        };
        state.update(Msg::Run(finished), Now(3_000));
    }
    assert_eq!(state.step, WizardStep::Run);
    state
}

pub(crate) fn reporting(tables: usize) -> State {
    let mut state = running(tables);
    let report = Report {
        tables: (0..tables)
            .map(|at| TableResult {
                name: table(at).name,
                method: Some(howdah::model::options::Method::Copy),
                is_binary: true,
                source_rows: Some(10),
                destination_rows: Some(10),
                bytes: 500,
                copy_ms: 3,
                arrival: howdah::model::report::Arrival::Carried,
                verdict: Verdict::Equal,
            })
            .collect(),
        ..Report::default()
    };
    let finished = RunEvent::Finished(Box::new(report));
    state.update(Msg::Run(finished), Now(187_000));
    enter(&mut state);
    assert_eq!(state.step, WizardStep::Report);
    state
}
