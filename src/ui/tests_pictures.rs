//! The README's pictures: frames of the demo's shop on its way, held to `assets/screens/` and written there anew by
//! `HOWDAH_UPDATE=1 cargo test --lib up_to_date`.

use std::fs;
use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::tests_svg::svg;
use super::*;
use crate::app::fixtures::*;
use crate::app::fixtures_demo::demo;
use crate::app::fixtures_plan::answer;
use crate::app::fixtures_played::play;
use crate::app::fixtures_run::finish;
use crate::app::{Effect, Inspection, KeyCode, Msg};
use crate::kept;
use crate::model::catalog::{Catalog, Table};
use crate::model::connection::Side;
use crate::model::definition::DefinitionsResult;
use crate::model::finding::{CheckResult, Finding, Fix, Level};
use crate::model::plan::{Plan, StepKind};
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

/// When [`press`] presses.
const BEGAN: Now = Now(1_000);

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

/// As the demo is over a slow line, halfway.
fn run() -> (State, Now) {
    let (mut state, plan) = begun();
    let (now, _) = play(&mut state, &plan, BEGAN, 13_000);
    state.toast = None;
    (state, now)
}

/// What came of the same run at its end.
fn report() -> (State, Now) {
    let (mut state, plan) = begun();
    let (now, taken) = play(&mut state, &plan, BEGAN, 600_000);
    let catalog = shop_of_the_demo().catalog;
    let copied = |table: &Table| {
        let mut taken = taken.iter();
        taken.find_map(|one| {
            let step = plan.step(one.step)?;
            let is_of = step.method().is_some() && step.object.as_ref() == Some(&table.name);
            is_of.then_some((step, *one))
        })
    };
    // In the order they ended.
    let mut tables: Vec<(u64, TableResult)> = catalog
        .tables
        .iter()
        .filter_map(|table| {
            let (step, taken) = copied(table)?;
            let result = TableResult {
                name: table.name.clone(),
                method: step.method(),
                is_binary: matches!(step.kind, StepKind::CopyRows { is_binary: true }),
                source_rows: Some(step.row_hint().unwrap_or(0)),
                destination_rows: Some(step.row_hint().unwrap_or(0)),
                bytes: step.size_hint_bytes,
                copy_ms: taken.elapsed_ms,
                arrival: Arrival::Carried,
                verdict: Verdict::Equal,
            };
            Some((taken.ended_ms, result))
        })
        .collect();
    tables.sort_by_key(|(ended, table)| (std::cmp::Reverse(table.bytes), *ended));
    let released = taken.iter().find(|one| {
        let step = plan.step(one.step);
        step.is_some_and(|step| step.kind == StepKind::ReleaseSnapshot)
    });
    let sequences = catalog
        .sequences
        .iter()
        .map(|sequence| SequenceResult {
            name: sequence.name.clone(),
            source: sequence.last_value.map(|value| (value, true)),
            destination: sequence.last_value.map(|value| (value, true)),
            verdict: Verdict::Equal,
        })
        .collect();
    let report = Report {
        outcome: Outcome::Done,
        source: "app@old.example:5432/shop".to_owned(),
        destination: "app@new.example:5432/shop".to_owned(),
        started_at: "2026-03-01T08:30:00Z".to_owned(),
        elapsed_ms: now.since(BEGAN),
        snapshot_held_ms: released.map(|one| one.ended_ms),
        tables: tables.into_iter().map(|(_, table)| table).collect(),
        sequences,
        large_objects: Some(LargeObjectResult {
            source_count: catalog.large_objects.count,
            destination_count: Some(catalog.large_objects.count),
            bytes: catalog.large_objects.bytes,
            verdict: Verdict::Equal,
        }),
        definitions: Some(DefinitionsResult {
            compared: shop_of_the_demo().archive.entries.len() as u64,
            verdict: Verdict::Equal,
            differences: Vec::new(),
            rewritten: Vec::new(),
        }),
        objects: vec![("TABLE".to_owned(), catalog.tables.len() as u64)],
        ..Report::default()
    };
    finish(&mut state, report, now);
    press(&mut state, KeyCode::Enter);
    press(&mut state, KeyCode::Tab);
    state.toast = None;
    (state, now)
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
