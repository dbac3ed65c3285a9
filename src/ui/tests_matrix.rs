//! Every screen, empty, as it usually is, and with something wrong: in colour at both sizes (the snapshots named after them),
//! without colour, in ASCII, and at any size.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::tests::refused;
use super::tests_everywhere::{OPENERS, SCREENS};
use super::*;
use crate::app::fixtures::*;
use crate::app::fixtures_control::*;
use crate::app::fixtures_plan::{answer, planning, previewing, previewing_fdw, unplannable};
use crate::app::fixtures_rehearsal::{asked, rehearsing};
use crate::app::fixtures_run::*;
use crate::app::steps::connect_form::Item;
use crate::app::{Key, KeyCode, Msg, Start};
use crate::model::connection::{Known, KnownFrom};
use crate::model::peek::Peek;
use crate::model::problem::Problem;
use crate::model::report::Report;
use crate::model::sample::Sample;
use crate::model::samples;

const NOW: Now = Now(42_050);
const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

type Made = fn() -> State;

/// Screen, then empty, typical, error.
const MATRIX: [(&str, [Made; 3]); 6] = [
    ("connect", [empty, connected, refused]),
    (
        "check",
        [
            || checked(Vec::new(), bare()),
            || checked(warned_results(), shop()),
            || checked(blocked_results(), shop()),
        ],
    ),
    (
        "select",
        [
            || selecting(bare()),
            || selecting(shop()),
            || {
                let mut state = selecting(shop());
                press(&mut state, KeyCode::Char('/'));
                type_text(&mut state, "no such name");
                state
            },
        ],
    ),
    ("preview", [planning, previewing, unplannable]),
    (
        "run",
        [|| started(&samples::plan()), halfway, halfway_with_failure],
    ),
    (
        "report",
        [
            || {
                reported(Report {
                    source: "app@old.example:5432/shop".to_owned(),
                    destination: "app@new.example:5432/shop".to_owned(),
                    ..Report::default()
                })
            },
            || reported(samples::done()),
            || reported(samples::failed()),
        ],
    ),
];

const KINDS: [&str; 3] = ["empty", "typical", "error"];

fn frame(state: &mut State, (width, height): (u16, u16), theme: &Theme) -> Buffer {
    state.update(Msg::Resize { width, height }, NOW);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| draw(state, NOW, frame, theme))
        .unwrap();
    terminal.backend().buffer().clone()
}

/// Each row, and below it how its cells stand out: `r`eversed, `b`old, `d`im.
fn rows(buffer: &Buffer) -> String {
    let columns = usize::from(buffer.area.width);
    let mut out = String::new();
    for cells in buffer.content().chunks(columns) {
        let mut text = String::new();
        let mut at = 0;
        while let Some(cell) = cells.get(at) {
            text.push_str(cell.symbol());
            at += unicode_width::UnicodeWidthStr::width(cell.symbol()).max(1);
        }
        out.push_str(&format!("|{text}|\n"));
        let marks: String = cells
            .iter()
            .map(|cell| match cell.modifier {
                how if how.contains(Modifier::REVERSED) => 'r',
                how if how.contains(Modifier::BOLD) => 'b',
                how if how.contains(Modifier::DIM) => 'd',
                _ => ' ',
            })
            .collect();
        if !marks.trim().is_empty() {
            out.push_str(&format!(" {}\n", marks.trim_end()));
        }
    }
    out
}

/// One file for a screen: its three states under each other.
#[test]
fn without_colours_and_in_ascii() {
    for (screen, states) in MATRIX {
        for (name, theme) in [
            ("no_color", Theme::new(false, false)),
            ("ascii", Theme::new(true, true)),
        ] {
            let mut shown = String::new();
            for (kind, state) in KINDS.iter().zip(states) {
                let buffer = frame(&mut state(), SIZES[0], &theme);
                shown.push_str(&format!("{kind}\n{}\n", rows(&buffer)));
            }
            insta::assert_snapshot!(format!("{screen}_{name}"), shown);
        }
    }
}

/// The largest and the smallest that the screens are made for.
#[test]
fn typical_screens_at_the_largest_and_the_smallest() {
    for (name, size) in [("200x60", (200, 60)), ("60x16", MINIMUM)] {
        let mut shown = String::new();
        for (screen, [_, typical, _]) in MATRIX {
            let buffer = frame(&mut typical(), size, &Theme::new(true, false));
            shown.push_str(&format!("{screen}\n{}\n", rows(&buffer)));
        }
        insta::assert_snapshot!(format!("typical_{name}"), shown);
    }
}

fn opened(mut state: State, key: char) -> State {
    press(&mut state, KeyCode::Char(key));
    state
}

fn on_a_table() -> State {
    let mut state = selecting(shop());
    press(&mut state, KeyCode::Down);
    state
}

fn options_with(map: &str) -> State {
    let mut state = opened(selecting(shop()), 'o');
    for _ in 0..7 {
        press(&mut state, KeyCode::Down);
    }
    type_text(&mut state, map);
    state
}

fn picking_tls() -> State {
    let mut state = prefilled();
    state.connect.focus.1 = Item::Tls;
    state.update(Msg::Key(Key::ctrl('p')), NOW);
    state
}

fn picking() -> State {
    let known = Known {
        name: "顧客@new.example:5432/shop".to_owned(),
        from: KnownFrom::Recent,
        endpoint: endpoint("new.example"),
    };
    let start = Start {
        known: vec![known],
        ..Start::default()
    };
    let mut state = State::new(start);
    state.update(Msg::Key(Key::ctrl('p')), NOW);
    state
}

fn looked(outcome: Result<Peek, Box<Problem>>) -> State {
    let mut state = selecting(shop());
    let attempt = tests_select::peeking(&mut state);
    state.update(Msg::Peeked { attempt, outcome }, NOW);
    state
}

fn timed(outcome: Result<Sample, Box<Problem>>) -> State {
    let mut state = checked(fine_results(), shop());
    let attempt = tests_sample::timing(&mut state);
    state.update(Msg::MethodsTimed { attempt, outcome }, NOW);
    state
}

fn refusal() -> Problem {
    Problem {
        sqlstate: Some("42501".to_owned()),
        ..Problem::new("Could not look at the source", "permission denied")
    }
}

/// What lies over a step: before there is anything in it, as it usually is, and with something wrong, as far as it has these.
const OVERLAYS: [(&str, Made); 31] = [
    ("help", || opened(selecting(shop()), '?')),
    ("quit", || opened(selecting(shop()), 'q')),
    ("pick_tls", picking_tls),
    ("pick", picking),
    ("options", || opened(selecting(shop()), 'o')),
    ("options_roles", || options_with("app_owner=shop_owner")),
    ("options_wrong", || options_with("x==y")),
    ("address", || opened(checked(warned_results(), shop()), 'f')),
    ("warnings", || {
        let mut state = checked(warned_results(), shop());
        press(&mut state, KeyCode::Enter);
        state
    }),
    ("fix", || opened(checked(warned_results(), shop()), 'x')),
    ("clean", || opened(finding_a_run("old.example"), 'c')),
    ("sample_waiting", || {
        opened(checked(fine_results(), shop()), 't')
    }),
    ("sample", || timed(Ok(tests_sample::found()))),
    ("sample_made", || {
        let table = None;
        timed(Ok(Sample {
            table,
            ..tests_sample::found()
        }))
    }),
    ("sample_error", || timed(Err(Box::new(refusal())))),
    ("peek_waiting", || {
        let mut state = selecting(shop());
        tests_select::peeking(&mut state);
        state
    }),
    ("peek_empty", || {
        let columns = tests_select::found().columns;
        looked(Ok(Peek {
            columns,
            rows: Vec::new(),
        }))
    }),
    ("peek", || looked(Ok(tests_select::found()))),
    ("peek_error", || looked(Err(Box::new(refusal())))),
    ("row_filter", || opened(on_a_table(), 'w')),
    ("save", || opened(selecting(shop()), 'S')),
    ("load", || opened(selecting(shop()), 'L')),
    ("write", || opened(previewing(), 'w')),
    ("start", || {
        let mut state = previewing();
        press(&mut state, KeyCode::Enter);
        state
    }),
    ("rehearsal_question", || opened(previewing(), 't')),
    ("rehearsal_planning", asked),
    ("rehearsal_running", rehearsing),
    ("rehearsal", || {
        tests_rehearsal::forecast(samples::forecast())
    }),
    ("rehearsal_error", || {
        tests_rehearsal::forecast(samples::forecast_of_failure())
    }),
    ("stop", || opened(halfway(), 'x')),
    ("leave_out", || opened(waiting(), 's')),
];

/// In colour at both sizes, without colour, in ASCII: one file each.
#[test]
fn overlays_in_every_look() {
    let plain = Theme::new(true, false);
    for (name, size, theme) in [
        ("80x24", SIZES[0], plain),
        ("120x40", SIZES[1], plain),
        ("no_color", SIZES[0], Theme::new(false, false)),
        ("ascii", SIZES[0], Theme::new(true, true)),
    ] {
        let mut shown = String::new();
        for (overlay, made) in OVERLAYS {
            let mut state = made();
            assert!(state.overlay.is_some(), "{overlay}");
            let buffer = frame(&mut state, size, &theme);
            shown.push_str(&format!("{overlay}\n{}\n", rows(&buffer)));
        }
        insta::assert_snapshot!(format!("overlays_{name}"), shown);
    }
}

/// `NO_COLOR` takes away the colours and nothing else: signs, words, and how cells stand out are the same.
#[test]
fn colours_are_all_that_no_color_takes() {
    let (coloured, plain) = (Theme::new(true, false), Theme::new(false, false));
    for (screen, states) in MATRIX {
        for (kind, state) in KINDS.iter().zip(states) {
            same_signs(&format!("{screen} {kind}"), state, &coloured, &plain);
        }
    }
    for (overlay, state) in OVERLAYS {
        same_signs(overlay, state, &coloured, &plain);
    }
}

fn same_signs(name: &str, state: Made, coloured: &Theme, plain: &Theme) {
    for size in SIZES {
        let with = frame(&mut state(), size, coloured);
        let without = frame(&mut state(), size, plain);
        for (one, other) in with.content().iter().zip(without.content()) {
            assert_eq!(one.symbol(), other.symbol(), "{name}");
            assert_eq!(one.modifier, other.modifier, "{name}");
        }
    }
}

/// Good, doubtful and bad have a sign each, and a sign never has the colour of another: who sees no colours misses nothing.
#[test]
fn a_sign_says_what_its_colour_says() {
    let signs = [("✓", Color::Green), ("✗", Color::Red)];
    let mut seen = [0; 2];
    for (screen, states) in MATRIX {
        for (kind, state) in KINDS.iter().zip(states) {
            let buffer = frame(&mut state(), SIZES[1], &Theme::new(true, false));
            for (count, (sign, own)) in seen.iter_mut().zip(signs) {
                let cells = buffer.content().iter();
                for cell in cells.filter(|cell| cell.symbol() == sign) {
                    let is_other = signs
                        .iter()
                        .any(|(_, color)| *color != own && *color == cell.fg);
                    assert!(!is_other, "{screen} {kind}: {sign} in {}", cell.fg);
                    *count += 1;
                }
            }
            // What is red is told by a sign, or stands out.
            let columns = usize::from(SIZES[1].0);
            for row in buffer.content().chunks(columns) {
                let has_sign = row.iter().any(|cell| ["✗", "!"].contains(&cell.symbol()));
                let mut red = row.iter().filter(|cell| cell.fg == Color::Red);
                assert!(
                    has_sign || red.all(|cell| cell.modifier.contains(Modifier::BOLD)),
                    "{screen} {kind}"
                );
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 3), "{seen:?}");
}

/// Where a run waits, is gone on with, or has ended in another way.
const OTHERS: [Made; 14] = [
    refused,
    planning,
    previewing_fdw,
    unplannable,
    undecided,
    waiting,
    going_on,
    || finding_a_run("old.example"),
    || selecting(shop()),
    || selecting(huge(300)),
    || reported(samples::resumed()),
    || reported(samples::given_up()),
    || reported(Report::default()),
    || started(&samples::plan()),
];

fn any_key() -> impl Strategy<Value = Key> {
    let special = prop::sample::select(vec![
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::F(1),
    ]);
    let letter = prop::sample::select(
        "abcdefghijklmnopqrstuvwxyzGMN/? :=\"*表é@"
            .chars()
            .collect::<Vec<_>>(),
    );
    prop_oneof![
        special.prop_map(Key::plain),
        letter.prop_map(Key::char),
        prop::sample::select(vec!['p', 'r', 'a', 'u', 'c']).prop_map(Key::ctrl),
        prop::sample::select(vec![KeyCode::Up, KeyCode::Down]).prop_map(|code| Key {
            shift: true,
            ..Key::plain(code)
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Any screen with anything open over it, any keys, and another size after each: nothing panics.
    #[test]
    fn every_screen_at_any_size(
        which in 0..SCREENS.len() + OTHERS.len(),
        opener in prop::option::of(0..OPENERS.len()),
        presses in prop::collection::vec((any_key(), 1_u16..=200, 1_u16..=60), 1..10),
        has_color in any::<bool>(),
        is_ascii in any::<bool>(),
    ) {
        let made = SCREENS.get(which).copied().unwrap_or_else(|| OTHERS[which - SCREENS.len()]);
        let mut state = made();
        let theme = Theme::new(has_color, is_ascii);
        let opener = opener.and_then(|at| OPENERS.chars().nth(at));
        if let Some(opener) = opener {
            let code = if opener == '\t' { KeyCode::Tab } else { KeyCode::Char(opener) };
            let effects = press(&mut state, code);
            answer(&mut state, effects);
        }
        for (key, width, height) in presses {
            frame(&mut state, (width, height), &theme);
            let effects = state.update(Msg::Key(key), NOW);
            answer(&mut state, effects);
            frame(&mut state, (width, height), &theme);
        }
    }

}

proptest! {
    // Each case is eighteen states at five sizes.
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// The smallest and the largest, of every screen.
    #[test]
    fn every_screen_at_this_size(width in 1_u16..=200, height in 1_u16..=60) {
        for (_, states) in MATRIX {
            for state in states {
                let mut state = state();
                for size in [(width, height), (1, 1), (200, 60), (width, 1), (1, height)] {
                    frame(&mut state, size, &Theme::new(true, false));
                }
            }
        }
    }
}
