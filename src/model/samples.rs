//! A small plan and the reports a run of it can end with, for tests.

use super::event::RunEvent;
use super::forecast::{Ending, Forecast, Link, Sample, Span, Spread};
use super::name::ObjectName;
use super::options::Method;
use super::plan::{Action, LeftOut, Phase, Plan, Rule, Session, Statement, Step, StepId, StepKind};
use super::problem::Problem;
use super::report::{
    Arrival, LargeObjectResult, Outcome, Report, SequenceResult, TableResult, Verdict,
};

/// Name, rows, bytes, method of the sample's tables.
pub(crate) const TABLES: [(&str, u64, u64, Method); 8] = [
    ("film", 1_000, 425_984, Method::Copy),
    ("actor", 200, 40_960, Method::Copy),
    ("customer", 599, 106_496, Method::Copy),
    ("inventory", 4_581, 450_560, Method::Copy),
    ("rental", 16_044_000, 2_416_000_000, Method::Copy),
    ("payment", 14_596_000, 1_807_000_000, Method::Fdw),
    ("audit_log", 0, 0, Method::Fdw),
    ("staff", 2, 32_768, Method::Copy),
];

fn public(name: &str) -> ObjectName {
    ObjectName::new("public", name.to_owned())
}

fn add(plan: &mut Plan, phase: Phase, kind: StepKind, title: String) -> &mut Step {
    let id = StepId(u32::try_from(plan.steps.len()).unwrap());
    let sql = format!("-- {title}");
    let statement = Statement::new(Session::Destination, Action::Run, sql);
    let mut step = Step::new(phase, title, "A reason.");
    step.id = id;
    step.kind = kind;
    step.statements = [statement].into();
    step.journal_key = format!("step/{}", id.0).into();
    plan.steps.push(step);
    plan.steps.last_mut().unwrap()
}

/// Ids of the sample's steps by phase: see [`plan`].
pub(crate) fn step_of(plan: &Plan, title: &str) -> StepId {
    plan.steps.iter().find(|s| s.title == title).unwrap().id
}

/// Two steps prepare, eight create tables.
fn data_step(position: usize) -> StepId {
    StepId(u32::try_from(2 + TABLES.len() + position).unwrap())
}

/// A shop of eight tables, one large object step, two sequences.
pub(crate) fn plan() -> Plan {
    let mut plan = Plan {
        source: "app@old.example:5432/shop".to_owned(),
        destination: "app@new.example:5432/shop".to_owned(),
        destination_database: "shop".to_owned(),
        at_once: 4,
        ..Plan::default()
    };
    let p = &mut plan;
    add(
        p,
        Phase::Prepare,
        StepKind::OpenSnapshot,
        "Take a snapshot of the source".into(),
    );
    add(p, Phase::Prepare, StepKind::Sql, "Start the journal".into());
    for (name, ..) in TABLES {
        add(
            p,
            Phase::Schema,
            StepKind::Sql,
            format!("Create table public.{name}"),
        );
    }
    for (name, rows, bytes, method) in TABLES {
        let kind = match method {
            Method::Copy => StepKind::CopyRows {
                is_binary: name != "film",
            },
            Method::Fdw => StepKind::FdwRows { session: 0 },
        };
        let step = add(
            p,
            Phase::Data,
            kind,
            format!("Copy the rows of public.{name}"),
        );
        step.object = Some(public(name));
        step.size_hint_bytes = bytes;
        step.extras_mut().row_hint = (rows > 0).then_some(rows);
    }
    for (position, (name, ..)) in TABLES.into_iter().enumerate() {
        let step = add(
            p,
            Phase::Indexes,
            StepKind::Sql,
            format!("Build index public.{name}_pkey"),
        );
        step.needs = [data_step(position)].into();
    }
    for name in ["rental_id_seq", "payment_id_seq"] {
        let step = add(
            p,
            Phase::Sequences,
            StepKind::Sequence,
            format!("Set the counter of public.{name}"),
        );
        step.object = Some(public(name));
    }
    for (position, (name, ..)) in TABLES.into_iter().enumerate() {
        let data = data_step(position);
        add(
            p,
            Phase::Verify,
            StepKind::VerifyTable { data: Some(data) },
            format!("Compare public.{name}"),
        );
    }
    let step = add(
        p,
        Phase::CleanUp,
        StepKind::Sql,
        "Remove the journal howdah".into(),
    );
    step.rule = Rule::Always;
    plan
}

pub(crate) fn finished(plan: &Plan, title: &str) -> RunEvent {
    let step = step_of(plan, title);
    let hints = plan.step(step).unwrap();
    RunEvent::StepFinished {
        step,
        rows: hints.row_hint().unwrap_or(0),
        bytes: hints.size_hint_bytes,
        elapsed_ms: 1_234,
        is_kept: false,
    }
}

pub(crate) fn duplicate_key() -> Problem {
    Problem {
        what: "Could not copy the rows of public.customer".to_owned(),
        object: Some("TABLE public.customer".to_owned()),
        sqlstate: Some("23505".to_owned()),
        message: "duplicate key value violates unique constraint \"customer_email_key\"".to_owned(),
        detail: Some("Key (email)=(mary@example.org) already exists.".to_owned()),
        server_hint: None,
        our_hint: Some("Two rows of the source have the same key: remove one of them on the source, then run again.".to_owned()),
        statement: Some("COPY public.customer (id, email)\nFROM STDIN (FORMAT binary)".to_owned()),
        position: Some(6),
        ..Problem::default()
    }
}

/// Everything arrived.
pub(crate) fn done() -> Report {
    let tables = TABLES
        .into_iter()
        .map(|(name, rows, bytes, method)| TableResult {
            name: public(name),
            method: Some(method),
            is_binary: method == Method::Copy && name != "film",
            source_rows: Some(rows),
            destination_rows: Some(rows),
            bytes,
            copy_ms: 400 + bytes / 40_000,
            arrival: Arrival::Carried,
            verdict: Verdict::Equal,
        })
        .collect();
    let sequence = |name, value, is_called| SequenceResult {
        name: public(name),
        source: Some((value, is_called)),
        destination: Some((value, is_called)),
        verdict: Verdict::Equal,
    };
    Report {
        outcome: Outcome::Done,
        source: "app@old.example:5432/shop".to_owned(),
        destination: "app@new.example:5432/shop".to_owned(),
        started_at: "2026-03-01T08:30:00Z".to_owned(),
        elapsed_ms: 185_000,
        snapshot_held_ms: Some(131_000),
        is_counted_only: true,
        tables,
        sequences: vec![sequence("rental_id_seq", 16_049, true), sequence("payment_id_seq", 1, false)],
        large_objects: Some(LargeObjectResult {
            source_count: 12,
            destination_count: Some(12),
            bytes: 1_200_000,
            verdict: Verdict::Equal,
        }),
        objects: vec![("FUNCTION".into(), 9), ("INDEX".into(), 21), ("TABLE".into(), 8), ("VIEW".into(), 7)],
        removed: vec!["Removed the journal howdah".to_owned()],
        left_out: vec![LeftOut {
            object: "subscription feed".to_owned(),
            because: "a copy that subscribes too would take the original's place".to_owned(),
        }],
        not_compared: vec![
            "The values in the rows: rows were counted on both sides, not compared value by value.".to_owned(),
        ],
        next_steps: vec![
            "What was written to the source after the run's snapshot (taken soon after 2026-03-01 08:30:00 UTC) is not in the copy. If anything was, stop what writes there and copy again before you switch.".to_owned(),
            "Still connected to the source: billing as app from 10.0.0.7 (3 sessions). End these sessions when you switch; this makes new sessions there read-only: ALTER DATABASE shop SET default_transaction_read_only = on".to_owned(),
            "Point the application to app@new.example:5432/shop.".to_owned(),
        ],
        ..Report::default()
    }
}

/// A table and a sequence that are not the same on both sides.
pub(crate) fn different() -> Report {
    let mut report = done();
    report.outcome = Outcome::Different;
    report.tables[4].destination_rows = Some(16_043_998);
    report.tables[4].verdict = Verdict::Different;
    report.sequences[1].destination = Some((77, true));
    report.sequences[1].verdict = Verdict::Different;
    report.next_steps = vec![
        "Do not switch the application yet: find out why the sides differ, then copy again."
            .to_owned(),
    ];
    report
}

const RESUME: &str = "howdah resume --destination 'postgres://app@new.example/shop' --yes";
const BEGIN_ANEW: &str = "What is done stays on the destination, recorded in its schema howdah. To start over instead: howdah clean --destination 'postgres://app@new.example/shop' --yes, then run with --on-existing empty. In the wizard: c on Check, then o, existing objects, remove first.";

/// A run that went on with another: some tables were kept, one came again.
pub(crate) fn resumed() -> Report {
    let mut report = done();
    for table in &mut report.tables[..3] {
        (table.arrival, table.bytes) = (Arrival::Kept, 0);
    }
    report.tables[4].arrival = Arrival::Again;
    report
}

/// A table that failed was left out in the middle of the run.
pub(crate) fn given_up() -> Report {
    let mut report = done();
    report.outcome = Outcome::Different;
    let why = "it failed and was left out: duplicate key value violates unique constraint";
    let fallen = "it needs \"Copy the rows of public.customer\", which was left out";
    report.given_up = vec![
        (
            "Copy the rows of public.customer".to_owned(),
            why.to_owned(),
        ),
        ("Compare public.customer".to_owned(), fallen.to_owned()),
    ];
    report.tables[2].source_rows = None;
    report.tables[2].destination_rows = None;
    report.tables[2].verdict = Verdict::NotCompared("it was not copied".to_owned());
    report.next_steps = vec![
        "Create or copy by hand what was left out, before you switch: the report names it."
            .to_owned(),
    ];
    report
}

/// One table did not arrive, and what needed it was not run.
pub(crate) fn failed() -> Report {
    let mut report = done();
    report.outcome = Outcome::Failed;
    report.failures = vec![(
        "Copy the rows of public.customer".to_owned(),
        duplicate_key(),
    )];
    report.skipped = vec![
        (
            "Build index public.customer_pkey".to_owned(),
            "it needs: Copy the rows of public.customer".to_owned(),
        ),
        (
            "Compare public.customer".to_owned(),
            "it needs: Copy the rows of public.customer".to_owned(),
        ),
    ];
    let why = "it was not copied".to_owned();
    report.tables[2].source_rows = None;
    report.tables[2].destination_rows = None;
    report.tables[2].verdict = Verdict::NotCompared(why);
    report
        .not_compared
        .insert(0, "public.customer: it was not copied".to_owned());
    report.warnings =
        vec!["Comment on EXTENSION plpgsql: must be owner of extension plpgsql".to_owned()];
    report.left_behind = vec!["DROP SERVER howdah_source_1 CASCADE".to_owned()];
    report.removed.clear();
    report.resume_command = Some(RESUME.to_owned());
    report.next_steps = vec![
        format!(
            "Fix the causes above, then resume the run (passwords from ~/.pgpass or PGPASSWORD): {RESUME}"
        ),
        BEGIN_ANEW.to_owned(),
    ];
    report
}

/// Stopped by the user half-way.
pub(crate) fn cancelled() -> Report {
    let mut report = done();
    report.outcome = Outcome::Cancelled;
    report.elapsed_ms = 42_000;
    report.snapshot_held_ms = Some(41_000);
    for table in &mut report.tables[4..] {
        (table.source_rows, table.destination_rows, table.bytes) = (None, None, 0);
        table.copy_ms = 0;
        table.verdict = Verdict::NotCompared("it was not copied".to_owned());
    }
    report.sequences.clear();
    report.large_objects = None;
    report.skipped = vec![(
        "Copy the rows of public.staff".to_owned(),
        "the run was stopped".to_owned(),
    )];
    report.resume_command = Some(RESUME.to_owned());
    report.next_steps = vec![
        format!("Resume the run (passwords from ~/.pgpass or PGPASSWORD): {RESUME}"),
        BEGIN_ANEW.to_owned(),
    ];
    report
}

/// Of a rehearsal of [`plan`] with one large table, and one that was guessed.
pub(crate) fn forecast() -> Forecast {
    let link = |title: &str, phase, likely_ms| Link {
        step: StepId(0),
        title: title.to_owned(),
        phase,
        likely_ms,
        waited_for_place: false,
        is_guess: false,
    };
    let sample = |at: usize, share: f64, rows, elapsed_ms| {
        let (name, all, bytes, method) = TABLES[at];
        Sample {
            name: public(name),
            method,
            step: StepId(0),
            share,
            table_bytes: bytes,
            estimated_rows: Some(all),
            rows,
            elapsed_ms,
        }
    };
    Forecast {
        ending: Ending::Done,
        source: "app@old.example:5432/shop".to_owned(),
        destination: "app@new.example:5432/shop".to_owned(),
        jobs: 2,
        window: Some(Span {
            least_ms: 731_000,
            likely_ms: 842_400,
            most_ms: 1_011_000,
        }),
        spread: Some(Spread {
            share: 0.18,
            tables: 4,
        }),
        chain: vec![
            link("Take a snapshot of the source", Phase::Prepare, 900),
            link("Create table public.film", Phase::Schema, 12),
            link("Create table public.rental", Phase::Schema, 9),
            link("Copy the rows of public.rental", Phase::Data, 512_000),
            link("Build index public.rental_customer_id_idx", Phase::Indexes, 211_000),
            Link {
                waited_for_place: true,
                ..link("Add constraint public.rental rental_pkey", Phase::Indexes, 95_000)
            },
            Link {
                is_guess: true,
                ..link(
                    "Add foreign key public.rental rental_inventory_id_and_a_long_name_fkey",
                    Phase::Indexes,
                    21_000,
                )
            },
            link("Compare public.rental", Phase::Verify, 2_400),
            link("Remove the journal", Phase::CleanUp, 4),
        ],
        samples: vec![
            sample(4, 0.027_8, 446_023, 14_200),
            sample(5, 0.037_1, 541_511, 11_900),
            sample(3, 1.0, 4_581, 40),
            sample(0, 1.0, 1_000, 35),
        ],
        elapsed_ms: 48_300,
        problems: Vec::new(),
        not_measured: vec![
            "Foreign keys: rows of a sample refer to rows outside of it, so whether the keys hold was not tested.".to_owned(),
        ],
        left_behind: Vec::new(),
    }
}

/// Of one in which a step failed that fails in the real run too.
pub(crate) fn forecast_of_failure() -> Forecast {
    Forecast {
        ending: Ending::Failed,
        problems: vec![(
            "Create function public.distance".to_owned(),
            Problem {
                sqlstate: Some("0A000".to_owned()),
                ..Problem::new(
                    "Create function public.distance failed on the destination",
                    "extension \"cube\" is not available",
                )
            },
        )],
        left_behind: vec![
            "DROP DATABASE IF EXISTS howdah_rehearsal_0123456789abcdef WITH (FORCE)".to_owned(),
        ],
        ..forecast()
    }
}
