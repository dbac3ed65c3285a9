//! Select as it is felt: many tables, and what lies over them.

use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::tests::picture;
use super::*;
use crate::app::fixtures::*;
use crate::app::{Effect, Inspection, Key, KeyCode, Msg};
use crate::model::archive::Entry;
use crate::model::catalog::{Column, ForeignKey};
use crate::model::name::ObjectName;
use crate::model::peek::Peek;
use crate::model::problem::Problem;
use crate::settings::{Loaded, SelectionFile};

/// Each table with a primary key, an index, a sequence and a foreign key to its neighbour.
fn crowded(tables: u32) -> Inspection {
    let mut inspection = huge(tables as usize);
    for (at, table) in (0..).zip(&mut inspection.catalog.tables) {
        table.oid = 16_384 + at;
        let entry = |number: u32, kind: &str, depends_on: Vec<u32>| Entry {
            id: at * 5 + number,
            class_oid: if kind == "TABLE" { 1259 } else { 0 },
            oid: if kind == "TABLE" { table.oid } else { 0 },
            kind: kind.to_owned().into(),
            name: ObjectName::new(&table.name.schema, format!("{} {number}", table.name.name)),
            depends_on: depends_on.into(),
            ..Entry::default()
        };
        let own = at * 5 + 1;
        let neighbour = (at + 1) % tables;
        Arc::make_mut(&mut inspection.archive).entries.extend([
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

/// Moving, ticking, filtering and reading what falls away, three hundred keys and frames; how long each takes, `cargo bench --bench
/// scale` tells.
#[test]
fn twenty_thousand_tables_are_walked_through() {
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
    for key in keys {
        state.update(Msg::Key(Key::plain(key)), Now(0));
        terminal
            .draw(|frame| draw(&state, Now(0), frame, &theme))
            .unwrap();
    }
    assert!(!state.select.fallen.is_empty());
    // What falls with it is named beside counts of five digits, on a narrow screen too.
    state.update(
        Msg::Resize {
            width: 80,
            height: 24,
        },
        Now(0),
    );
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal
        .draw(|frame| draw(&state, Now(0), frame, &theme))
        .unwrap();
    let words = format!("c lists {} left out too", state.select.fallen.len());
    let frame = terminal.backend().to_string();
    assert!(frame.contains(&words), "{words}\n{frame}");
}

/// Values that try a terminal's patience.
pub(super) fn found() -> Peek {
    let row = |id: &str, title: Option<&str>| {
        vec![
            Some(id.to_owned()),
            title.map(ToOwned::to_owned),
            Some("9.90".to_owned()),
        ]
    };
    Peek {
        columns: ["id", "title", "total"].map(str::to_owned).to_vec(),
        rows: vec![
            row("1", Some("Academy Dinosaur")),
            row("2", None),
            row("3", Some("\u{1b}[2Jgone\nnext\u{202e}")),
            row("4", Some("顧客リスト e\u{301}")),
            row("5", Some(&"x".repeat(Peek::CHARACTERS + 1))),
        ],
    }
}

/// Looks at the first table.
pub(super) fn peeking(state: &mut State) -> u64 {
    state.select.cursor.selected = 1;
    let effects = press(state, KeyCode::Char('p'));
    let [Effect::Peek { attempt, .. }] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    *attempt
}

#[test]
fn details_of_a_wide_table_are_read_to_their_end() {
    let mut inspection = shop();
    let table = &mut inspection.catalog.tables[0];
    let column = table.columns[0].clone();
    table.columns = (0..80)
        .map(|number| Column {
            name: format!("column_{number}_of_80").into(),
            ..column.clone()
        })
        .collect();
    let mut state = selecting(inspection);
    let theme = Theme::new(true, false);
    state.select.cursor.selected = 1;
    for (width, height) in [(80, 24), (120, 40)] {
        let look = |state: &mut State| picture(state, width, height, &theme);
        if width == 80 {
            press(&mut state, KeyCode::Char('d'));
        }
        assert!(look(&mut state).contains("column_0_of_80"));
        for _ in 0..20 {
            press(&mut state, KeyCode::Char('J'));
        }
        let end = look(&mut state);
        assert!(end.contains("column_79_of_80"), "{end}");
        assert!(!end.contains("column_0_of_80"), "{end}");
        for _ in 0..20 {
            press(&mut state, KeyCode::Char('K'));
        }
        assert!(look(&mut state).contains("column_0_of_80"));
    }
}

#[test]
fn first_rows_of_a_table() {
    let mut state = selecting(shop());
    let attempt = peeking(&mut state);
    assert!(state.wants_ticks());
    let theme = Theme::new(true, false);
    insta::assert_snapshot!("peek_waiting_80x24", picture(&mut state, 80, 24, &theme));
    let outcome = Ok(found());
    state.update(Msg::Peeked { attempt, outcome }, Now(2_000));
    assert!(!state.wants_ticks());
    for (width, height) in [(80, 24), (120, 40)] {
        let shown = picture(&mut state, width, height, &theme);
        insta::assert_snapshot!(format!("peek_{width}x{height}"), shown);
    }
    let ascii = picture(&mut state, 80, 24, &Theme::new(false, true));
    insta::assert_snapshot!("peek_ascii", ascii);
    press(&mut state, KeyCode::Char('x'));
    assert!(state.overlay.is_none());
}

#[test]
fn a_look_that_fails_says_why_and_one_withdrawn_is_forgotten() {
    let mut state = selecting(shop());
    let attempt = peeking(&mut state);
    let problem = Problem::new("Could not look at the rows", "permission denied");
    let outcome = Err(Box::new(problem));
    state.update(Msg::Peeked { attempt, outcome }, Now(2_000));
    let theme = Theme::new(true, false);
    insta::assert_snapshot!("peek_error_80x24", picture(&mut state, 80, 24, &theme));
    press(&mut state, KeyCode::Esc);
    let attempt = peeking(&mut state);
    // Any key but Esc could have been meant for the rows that are still to be copied.
    press(&mut state, KeyCode::Down);
    let effects = press(&mut state, KeyCode::Esc);
    assert!(matches!(effects.as_slice(), [Effect::Cancel { attempt: one }] if *one == attempt));
    let outcome = Ok(found());
    state.update(Msg::Peeked { attempt, outcome }, Now(2_000));
    assert!(state.overlay.is_none());
}

#[test]
fn a_selection_is_saved_and_loaded() {
    let theme = Theme::new(true, false);
    let mut state = selecting(shop());
    let show = |name: &str, state: &mut State| {
        for (width, height) in [(80, 24), (120, 40)] {
            let shown = picture(state, width, height, &theme);
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), shown);
        }
    };
    press(&mut state, KeyCode::Char('S'));
    show("selection_save", &mut state);
    let effects = press(&mut state, KeyCode::Enter);
    let [
        Effect::SaveSelection {
            path,
            may_replace: false,
            ..
        },
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    let path = path.clone();
    state.update(Msg::SelectionExists { path }, Now(0));
    show("selection_exists", &mut state);
    // The first answer keeps the file.
    assert!(press(&mut state, KeyCode::Enter).is_empty());

    let load = |state: &mut State| {
        press(state, KeyCode::Char('L'));
        let effects = press(state, KeyCode::Enter);
        match effects.as_slice() {
            [Effect::LoadSelection { attempt, .. }] => *attempt,
            _ => panic!("{effects:?}"),
        }
    };
    let before = state.selection.clone();
    let text = "others = 'nothing'\n[tables]\n'public.film' = { carry = 'rows' }\n'public.gone' = { carry = 'rows' }";
    let loaded = SelectionFile::read(text)
        .unwrap()
        .selection(&shop().catalog);
    let wanted = loaded.selection.clone();
    let attempt = load(&mut state);
    // What was asked for before is not what is waited for.
    let outcome = Ok(Loaded::default());
    state.update(
        Msg::SelectionLoaded {
            attempt: attempt - 1,
            outcome,
        },
        Now(0),
    );
    assert_eq!(state.selection, before);
    let outcome = Ok(loaded);
    state.update(Msg::SelectionLoaded { attempt, outcome }, Now(0));
    assert_eq!(state.selection, wanted);
    show("selection_misfit", &mut state);
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Char('u'));
    assert_eq!(state.selection, before);
    press(&mut state, KeyCode::Char('U'));
    assert_eq!(state.selection, wanted);

    let attempt = load(&mut state);
    let problem = SelectionFile::read("[tables]\n'film' = { carry = 'rows' }").unwrap_err();
    let outcome = Err(Box::new(problem.doing("Could not read shop.toml")));
    state.update(Msg::SelectionLoaded { attempt, outcome }, Now(0));
    assert_eq!(state.selection, wanted);
    show("selection_error", &mut state);
}

/// However large the numbers, both what is found and what is hidden is told at 80 columns.
#[test]
fn the_filter_counts_what_it_hides() {
    let mut state = selecting(huge(20_000));
    press(&mut state, KeyCode::Char('/'));
    type_text(&mut state, "table_0001");
    let shown = picture(&mut state, 80, 24, &Theme::new(true, false));
    assert!(
        shown.contains("10 of 20,000, 19,990 ticked not shown"),
        "{shown}"
    );
}

#[test]
fn a_range_of_rows() {
    let mut state = selecting(shop());
    let shifted = Key {
        shift: true,
        ..Key::plain(KeyCode::Down)
    };
    press(&mut state, KeyCode::Down);
    state.update(Msg::Key(shifted), Now(0));
    state.update(Msg::Key(shifted), Now(0));
    let theme = Theme::new(true, false);
    insta::assert_snapshot!("select_range_80x24", picture(&mut state, 80, 24, &theme));
    press(&mut state, KeyCode::Char(' '));
    assert_eq!(state.select.range(), None);
    press(&mut state, KeyCode::Char('u'));
    // Without the film the invoice's foreign key cannot be made.
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Char(' '));
    insta::assert_snapshot!("select_needed_80x24", picture(&mut state, 80, 24, &theme));
    insta::assert_snapshot!(
        "select_because_120x40",
        picture(&mut state, 120, 40, &theme)
    );
}

/// A schema of the service's is not ticked by itself, and says why.
#[test]
fn what_belongs_to_a_service_is_not_ticked() {
    use crate::model::provider::{Provided, Signs};
    let mut inspection = shop();
    for table in &mut inspection.catalog.tables {
        if table.name.schema == "billing" {
            table.name = ObjectName::new("auth", &table.name.name);
        }
    }
    let signs = [("superuser", "supabase_admin"), ("role", "authenticator")];
    let signs = signs.map(|(kind, name)| (kind.to_owned(), name.to_owned()));
    inspection.catalog.provided = Signs::of(signs).recognise().map(|by| Provided {
        by,
        is_there: false,
        extensions: std::collections::BTreeSet::new(),
    });
    let mut state = selecting(inspection);
    press(&mut state, KeyCode::Char('d'));
    super::tests::show("select_provided", state);
}
