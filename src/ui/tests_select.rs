//! Select as it is felt: many tables, and what lies over them.

use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::app::fixtures::*;
use crate::app::{Inspection, Key, KeyCode, Msg};
use crate::model::archive::Entry;
use crate::model::catalog::ForeignKey;
use crate::model::name::ObjectName;

const MOST: Duration = Duration::from_secs(20);

/// Each table with a primary key, an index, a sequence and a foreign key to its neighbour.
fn crowded(tables: u32) -> Inspection {
    let mut inspection = huge(tables as usize);
    for (at, table) in (0..).zip(&mut inspection.catalog.tables) {
        table.oid = 16_384 + at;
        let entry = |number: u32, kind: &str, depends_on: Vec<u32>| Entry {
            id: at * 5 + number,
            class_oid: if kind == "TABLE" { 1259 } else { 0 },
            oid: if kind == "TABLE" { table.oid } else { 0 },
            kind: kind.to_owned(),
            name: ObjectName::new(&table.name.schema, format!("{} {number}", table.name.name)),
            depends_on,
            ..Entry::default()
        };
        let own = at * 5 + 1;
        let neighbour = (at + 1) % tables;
        inspection.archive.entries.extend([
            entry(1, "TABLE", vec![]),
            entry(2, "SEQUENCE", vec![own]),
            entry(3, "CONSTRAINT", vec![own]),
            entry(4, "INDEX", vec![own]),
            entry(5, "FK CONSTRAINT", vec![own, neighbour * 5 + 3]),
        ]);
        inspection.catalog.foreign_keys.push(ForeignKey {
            oid: 0,
            columns: Vec::new(),
            is_match_full: false,
            name: String::new(),
            table: at as usize,
            references: neighbour as usize,
            definition: String::new(),
        });
    }
    inspection
}

/// Moving, ticking, filtering and reading what falls away: each key and its frame cost no more than what is in sight, or one look
/// at each object. The bound is ten times what an idle machine takes without optimization; looking at
/// everything for each key takes ten times longer still.
#[test]
fn twenty_thousand_tables_feel_instant() {
    let mut state = selecting(crowded(20_000));
    state.update(
        Msg::Resize {
            width: 120,
            height: 40,
        },
        Now(0),
    );
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
    let theme = Theme::new(true, false);
    let keys = format!(
        "jj{}u/11\r c{}\x1b\x1bmMhl",
        " j".repeat(100),
        "j".repeat(200)
    );
    let keys = keys.chars().map(|c| match c {
        '\r' => KeyCode::Enter,
        '\x1b' => KeyCode::Esc,
        c => KeyCode::Char(c),
    });
    let started = Instant::now();
    for key in keys {
        state.update(Msg::Key(Key::plain(key)), Now(0));
        terminal
            .draw(|frame| draw(&state, Now(0), frame, &theme))
            .unwrap();
    }
    assert!(!state.select.fallen.is_empty());
    assert!(started.elapsed() < MOST, "{:?}", started.elapsed());
}
