//! The README's pictures: frames of the demo's shop on its way, held to `assets/screens/` and written there anew by
//! `HOWDAH_UPDATE=1 cargo test --lib up_to_date`.

use std::fs;
use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::tests_svg::svg;
use super::*;
use crate::app::fixtures::*;
use crate::app::fixtures_control::tell;
use crate::app::fixtures_demo::demo;
use crate::app::fixtures_plan::answer;
use crate::app::fixtures_run::finish;
use crate::app::{Effect, Inspection, KeyCode, Msg};
use crate::kept;
use crate::model::catalog::Catalog;
use crate::model::connection::Side;
use crate::model::definition::DefinitionsResult;
use crate::model::event::RunEvent;
use crate::model::finding::{CheckResult, Finding, Fix, Level};
use crate::model::options::Method;
use crate::model::plan::{Plan, StepId, StepKind};
use crate::model::report::{
    Arrival, LargeObjectResult, Outcome, Report, SequenceResult, TableResult, Verdict,
};

const FOLDER: &str = "assets/screens";
const WIDTH: u16 = 100;
const HEIGHT: u16 = 28;

type Made = fn() -> (State, Now);

/// File, what it shows, and the state and time of it.
const PICTURES: [(&str, &str, Made); 6] = [
    (
        "connect.svg",
        "Connect: both ends are filled in and tested",
        connect,
    ),
    (
        "check.svg",
        "Check: a role is missing on the destination, everything else is fine",
        check,
    ),
    (
        "select.svg",
        "Select: the tables with their rows, sizes and methods",
        select,
    ),
    (
        "preview.svg",
        "Preview: the steps of the plan, and the statements of one of them",
        preview,
    ),
    (
        "run.svg",
        "Run: four steps running, with rows, rates and time left",
        run,
    ),
    (
        "report.svg",
        "Report: each table with the rows of both sides, all equal",
        report,
    ),
];

fn connect() -> (State, Now) {
    let mut state = prefilled();
    press(&mut state, KeyCode::Enter);
    for (attempt, side) in [(1, Side::Source), (2, Side::Destination)] {
        let inspection = shop_of_the_demo();
        let outcome = Ok(match side {
            Side::Source => inspection.source,
            Side::Destination => inspection.destination,
        });
        let msg = Msg::ConnectionTested {
            side,
            attempt,
            outcome,
        };
        state.update(msg, Now(1_100));
    }
    (state, Now(1_200))
}

fn shop_of_the_demo() -> Inspection {
    let mut inspection = demo();
    for (facts, size) in [
        (&mut inspection.source, 180_355_072),
        (&mut inspection.destination, 7_680_000),
    ] {
        if let Some(database) = &mut facts.database {
            database.size_bytes = size;
        }
    }
    inspection
}

/// The titles and words of the program's own checks.
fn results() -> Vec<CheckResult> {
    let fine = |title, what| check_of(title, Finding::fine(what));
    vec![
        check_of(
            "Owners and grantees exist on the destination",
            Finding::new(
                Level::Warning,
                "1 role is missing on the destination",
                "They own objects or have rights on them. Three ways: let howdah create them, without login or password (--create-roles); give their part to existing roles (--map-role OLD=NEW); or leave owners and privileges out (--owners skip --privileges skip). In the wizard, o opens these options.",
            )
            .objects(vec!["accounting".to_owned()])
            .fix(Fix::on_destination(vec!["CREATE ROLE accounting NOLOGIN INHERIT;".to_owned()], "a superuser or a role with CREATEROLE", true)),
        ),
        fine("Both servers answer", "Source PostgreSQL 15.18 with TLSv1.3, destination PostgreSQL 17.2 with TLSv1.3"),
        fine("Source and destination are two databases", ""),
        fine("All sessions reach the same server", ""),
        fine("pg_dump can read the source", ""),
        fine("Every table and sequence can be read", ""),
        fine("No policy hides rows from this role", ""),
        fine("Encoding and collation agree", ""),
        fine("Nothing on the destination is in the way", ""),
        fine("This role may create objects on the destination", ""),
        fine("Both servers can take the load", ""),
        fine("The destination has the extensions", ""),
        fine("The destination server reaches the source", ""),
    ]
}

fn check_of(title: &'static str, finding: Finding) -> CheckResult {
    CheckResult {
        id: title,
        title,
        outcome: Ok(vec![finding]),
    }
}

fn check() -> (State, Now) {
    (checked(results(), shop_of_the_demo()), Now(1_400))
}

fn select() -> (State, Now) {
    let mut state = selecting(shop_of_the_demo());
    let line = |state: &State, name: &str| {
        let catalog = shop_of_the_demo().catalog;
        let wanted = table_of(&catalog, name);
        let rows = &state.select.rows;
        rows.iter()
            .position(|row| matches!(row, crate::app::steps::select::tree::Row::Table { table, .. } if *table == wanted))
            .unwrap()
    };
    state.select.cursor.selected = line(&state, "cart");
    press(&mut state, KeyCode::Char('s'));
    state.select.cursor.selected = line(&state, "review");
    press(&mut state, KeyCode::Char(' '));
    state.select.cursor.selected = line(&state, "order_line");
    press(&mut state, KeyCode::Char('m'));
    state.toast = None;
    (state, Now(2_000))
}

fn table_of(catalog: &Catalog, name: &str) -> usize {
    catalog
        .tables
        .iter()
        .position(|table| table.name.name == name)
        .unwrap()
}

fn previewing() -> State {
    let mut state = selecting(shop_of_the_demo());
    let effects = press(&mut state, KeyCode::Enter);
    answer(&mut state, effects);
    state
}

fn preview() -> (State, Now) {
    let mut state = previewing();
    press(&mut state, KeyCode::Char('/'));
    type_text(&mut state, "rows of shop.order_line");
    press(&mut state, KeyCode::Enter);
    press(&mut state, KeyCode::Esc);
    state.toast = None;
    (state, Now(2_000))
}

/// The run has begun, and its plan.
fn begun() -> (State, Arc<Plan>) {
    let mut state = selecting(shop_of_the_demo());
    let effects = press(&mut state, KeyCode::Enter);
    let plan = effects.iter().find_map(|effect| match effect {
        Effect::MakePlan {
            inspection,
            selection,
            options,
            ..
        } => crate::planner::plan(inspection, selection, options).ok(),
        _ => None,
    });
    answer(&mut state, effects);
    press(&mut state, KeyCode::Enter);
    press(&mut state, KeyCode::Enter);
    (state, Arc::new(plan.unwrap()))
}

/// Tenths of a second that the tables of the picture are on their way.
const LONG: u64 = 120;

/// As the demo is over a slow line: what has come, what is on its way, and the log of it.
fn run() -> (State, Now) {
    let (mut state, plan) = begun();
    let is_rows = |kind: &StepKind| matches!(kind, StepKind::CopyRows { .. });
    let step_of = |title: &str| plan.steps.iter().find(|step| step.title == title).unwrap();
    let at_work: Vec<StepId> = [
        "Copy the rows of shop.order_line",
        "Copy the rows of shop.order",
        "Copy the rows of audit.event_2025",
    ]
    .map(|title| step_of(title).id)
    .into();
    let done = |name: &str| {
        ["shop.customer", "audit.event_2023", "shop.review"]
            .iter()
            .any(|one| name.ends_with(one))
    };
    let mut now = 1_000;
    for step in &plan.steps {
        let is_before = step.phase <= crate::model::plan::Phase::Schema;
        if !(is_before || is_rows(&step.kind) && done(&step.title)) {
            continue;
        }
        let elapsed_ms = if is_before { 4 } else { 700 };
        tell(&mut state, RunEvent::StepStarted(step.id), now);
        now += elapsed_ms.min(40);
        tell(
            &mut state,
            RunEvent::StepFinished {
                step: step.id,
                rows: step.row_hint.unwrap_or(0),
                bytes: if is_rows(&step.kind) {
                    step.size_hint_bytes
                } else {
                    0
                },
                elapsed_ms,
            },
            now,
        );
    }
    for step in &at_work {
        tell(&mut state, RunEvent::StepStarted(*step), now);
    }
    let index = step_of("Build index shop.customer_by_name");
    tell(&mut state, RunEvent::StepStarted(index.id), now + 900);
    let sizes = at_work
        .clone()
        .into_iter()
        .map(|step| plan.step(step).map_or(0, |step| step.size_hint_bytes))
        .collect::<Vec<_>>();
    let mut per_mille = 0;
    for tenth in 1..=LONG {
        let passed = tenth * 100;
        // It begins slowly, finds its pace, and is held up now and then.
        per_mille += match tenth {
            0..20 => 2,
            50..60 => 3,
            _ => 5 + tenth / 10 % 3,
        };
        let share = |at: usize, whole: u64| whole * per_mille * (3 + at as u64) / 4_500;
        let samples = (0..at_work.len())
            .map(|at| {
                let rows = plan.step(at_work[at]).and_then(|step| step.row_hint);
                (
                    at_work[at],
                    share(at, rows.unwrap_or(0)),
                    share(at, sizes[at]),
                )
            })
            .collect();
        state.update(Msg::Tick { samples }, Now(now + passed));
    }
    state.toast = None;
    (state, Now(now + LONG * 100 + 50))
}

/// What came of the whole: the demo's own figures.
fn report() -> (State, Now) {
    let (mut state, _) = begun();
    let catalog = shop_of_the_demo().catalog;
    let mut tables: Vec<TableResult> = catalog
        .tables
        .iter()
        .filter(|table| table.name.name != "event")
        .map(|table| TableResult {
            name: table.name.clone(),
            method: Some(Method::Copy),
            is_binary: table.name.name != "customer",
            source_rows: table.estimated_rows.or(Some(0)),
            destination_rows: table.estimated_rows.or(Some(0)),
            bytes: table.table_bytes * 7 / 10,
            copy_ms: table.table_bytes / 16_000,
            arrival: Arrival::Carried,
            verdict: Verdict::Equal,
        })
        .collect();
    // As the run takes them: the largest first.
    tables.sort_by_key(|table| std::cmp::Reverse(table.bytes));
    let sequences = catalog
        .sequences
        .iter()
        .map(|sequence| SequenceResult {
            name: sequence.name.clone(),
            source: Some((4_711, true)),
            destination: Some((4_711, true)),
            verdict: Verdict::Equal,
        })
        .collect();
    let report = Report {
        outcome: Outcome::Done,
        source: "app@old.example:5432/shop".to_owned(),
        destination: "app@new.example:5432/shop".to_owned(),
        started_at: "2026-03-01T08:30:00Z".to_owned(),
        elapsed_ms: 7_800,
        snapshot_held_ms: Some(5_100),
        tables,
        sequences,
        large_objects: Some(LargeObjectResult {
            source_count: 8,
            destination_count: Some(8),
            bytes: 1_153_434,
            verdict: Verdict::Equal,
        }),
        definitions: Some(DefinitionsResult {
            compared: 168,
            verdict: Verdict::Equal,
            differences: Vec::new(),
            rewritten: Vec::new(),
        }),
        objects: vec![("TABLE".to_owned(), 24)],
        ..Report::default()
    };
    finish(&mut state, report, Now(9_000));
    press(&mut state, KeyCode::Enter);
    press(&mut state, KeyCode::Tab);
    state.toast = None;
    (state, Now(9_500))
}

fn frame(state: &mut State, now: Now) -> ratatui::buffer::Buffer {
    let size = Msg::Resize {
        width: WIDTH,
        height: HEIGHT,
    };
    state.update(size, now);
    let mut terminal = Terminal::new(TestBackend::new(WIDTH, HEIGHT)).unwrap();
    let theme = Theme::new(true, false);
    terminal
        .draw(|frame| draw(state, now, frame, &theme))
        .unwrap();
    terminal.backend().buffer().clone()
}

#[test]
fn the_pictures_are_up_to_date() {
    for (file, title, state) in PICTURES {
        let (mut state, now) = state();
        let picture = svg(&frame(&mut state, now), title);
        kept::whole(&format!("{FOLDER}/{file}"), &picture);
    }
}

/// Each is shown, and none is left over from before.
#[test]
fn the_readme_shows_each_picture() {
    let readme = fs::read_to_string(kept::path("README.md")).unwrap();
    let mut files: Vec<String> = fs::read_dir(kept::path(FOLDER))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let mut named = PICTURES.map(|(file, ..)| file);
    named.sort_unstable();
    assert_eq!(files, named);
    for (file, title, _) in PICTURES {
        let shown = format!("![{title}]({FOLDER}/{file})");
        assert!(readme.contains(&shown), "README.md lacks {shown}");
    }
}
