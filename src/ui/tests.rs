//! Pictures of the screens, and every screen at every size.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::app::fixtures::*;
use crate::app::fixtures_plan::library;
use crate::app::{Key, KeyCode, Msg, Start};
use crate::model::connection::{Known, KnownFrom, Side};
use crate::model::problem::{Field, Problem};

const NOW: Now = Now(4_400);

pub(super) fn picture(state: &mut State, width: u16, height: u16, theme: &Theme) -> String {
    picture_at(state, width, height, NOW, theme)
}

pub(super) fn picture_at(
    state: &mut State,
    width: u16,
    height: u16,
    now: Now,
    theme: &Theme,
) -> String {
    state.update(Msg::Resize { width, height }, now);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| draw(state, now, frame, theme))
        .unwrap();
    terminal.backend().to_string()
}

/// Both sizes; ascii and without colour at the smaller.
pub(super) fn show(name: &str, mut state: State) {
    let theme = Theme::new(true, false);
    for (width, height) in [(80, 24), (120, 40)] {
        let shown = picture(&mut state, width, height, &theme);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), shown);
    }
}

pub(super) fn show_ascii(name: &str, mut state: State) {
    let shown = picture(&mut state, 80, 24, &Theme::new(false, true));
    insta::assert_snapshot!(format!("{name}_ascii"), shown);
}

pub(super) fn refused() -> State {
    let mut state = prefilled();
    press(&mut state, KeyCode::Enter);
    let refused = Problem::new(
        "Could not connect",
        "password authentication failed for user \"app\"",
    )
    .hint("Check user and password; press Ctrl-R to see what you typed.")
    .field(Field::Password);
    let unreachable = Problem::new("Could not connect", "no server answers at new.example:5432")
        .hint("Is the server running there, and does a firewall let this machine through?");
    for (attempt, side, problem) in [
        (1, Side::Source, refused),
        (2, Side::Destination, unreachable),
    ] {
        let outcome = Err(Box::new(problem));
        state.update(
            Msg::ConnectionTested {
                side,
                attempt,
                outcome,
            },
            NOW,
        );
    }
    state
}

#[test]
fn connect() {
    show("connect_empty", empty());
    show("connect_typical", connected());
    show("connect_error", refused());
    let mut waiting = prefilled();
    press(&mut waiting, KeyCode::Enter);
    show("connect_waiting", waiting);
    show_ascii("connect", connected());
    let mut picking = prefilled();
    picking.connect.focus.1 = crate::app::steps::connect_form::Item::Tls;
    picking.update(Msg::Key(Key::ctrl('p')), NOW);
    show("connect_pick_tls", picking);
    let known = [
        "shop@old.example:5432/shop",
        "顧客@\u{202e}new.example:5432/shop",
    ];
    let known = known.map(|name| Known {
        name: name.to_owned(),
        from: KnownFrom::Recent,
        endpoint: endpoint("old.example"),
    });
    let mut picking = State::new(Start {
        known: known.into(),
        ..Start::default()
    });
    picking.update(Msg::Key(Key::ctrl('p')), NOW);
    show("connect_pick", picking);
}

#[test]
fn check() {
    let mut waiting = connected();
    press(&mut waiting, KeyCode::Enter);
    show("check_empty", waiting);
    show("check_again", tried_again());
    show("check_typical", checked(warned_results(), shop()));
    show("check_error", checked(blocked_results(), shop()));
    show_ascii("check", checked(blocked_results(), shop()));
}

#[test]
fn select() {
    show("select_empty", selecting(bare()));
    let mut typical = selecting(shop());
    for key in "jjjjlu".chars() {
        press(&mut typical, KeyCode::Char(key));
    }
    press(&mut typical, KeyCode::Char('s'));
    press(&mut typical, KeyCode::Down);
    press(&mut typical, KeyCode::Right);
    press(&mut typical, KeyCode::Down);
    press(&mut typical, KeyCode::Char(' '));
    press(&mut typical, KeyCode::Char('M'));
    show("select_typical", typical);
    let mut filtered = selecting(shop());
    press(&mut filtered, KeyCode::Char('n'));
    press(&mut filtered, KeyCode::Char('/'));
    type_text(&mut filtered, "no such name");
    show("select_error", filtered);
    let mut details = selecting(shop());
    press(&mut details, KeyCode::Down);
    press(&mut details, KeyCode::Char('d'));
    let shown = picture(&mut details, 80, 24, &Theme::new(true, false));
    insta::assert_snapshot!("select_details_80x24", shown);
    let mut sequences = selecting(shop());
    press(&mut sequences, KeyCode::Tab);
    show("select_sequences", sequences);
    show_ascii("select", selecting(shop()));
}

#[test]
fn consequences_of_a_selection() {
    let mut state = selecting(library());
    // The film table, on which a view and a foreign key hang.
    let film = state.select.rows.iter().position(|row| {
        matches!(
            row,
            crate::app::steps::select::tree::Row::Table { table: 1, .. }
        )
    });
    for _ in 0..film.unwrap() {
        press(&mut state, KeyCode::Down);
    }
    press(&mut state, KeyCode::Char('w'));
    type_text(&mut state, "title >= 'M'");
    let theme = Theme::new(true, false);
    insta::assert_snapshot!("select_filter_80x24", picture(&mut state, 80, 24, &theme));
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.selection.filter(1), Some("title >= 'M'"));
    insta::assert_snapshot!(
        "select_filtered_120x40",
        picture(&mut state, 120, 40, &theme)
    );
    press(&mut state, KeyCode::Char('u'));
    assert_eq!(state.selection.filter(1), None);
    press(&mut state, KeyCode::Char('w'));
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Char(' '));
    insta::assert_snapshot!("select_fallen_120x40", picture(&mut state, 120, 40, &theme));
    press(&mut state, KeyCode::Char('c'));
    insta::assert_snapshot!("select_fallen_80x24", picture(&mut state, 80, 24, &theme));
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Char('u'));
    assert_eq!(state.select.fallen, Vec::new());
}

#[test]
fn overlays() {
    let theme = Theme::new(true, false);
    let mut options = selecting(shop());
    press(&mut options, KeyCode::Char('o'));
    insta::assert_snapshot!("overlay_options", picture(&mut options, 80, 24, &theme));
    for _ in 0..7 {
        press(&mut options, KeyCode::Down);
    }
    type_text(
        &mut options,
        "app_owner=shop_owner, \"a b\"=c, reporting=read_only",
    );
    insta::assert_snapshot!(
        "overlay_options_roles",
        picture(&mut options, 80, 24, &theme)
    );
    type_text(&mut options, " x==y");
    press(&mut options, KeyCode::Enter);
    insta::assert_snapshot!(
        "overlay_options_wrong",
        picture(&mut options, 80, 24, &theme)
    );
    let mut help = selecting(shop());
    press(&mut help, KeyCode::Char('?'));
    insta::assert_snapshot!("overlay_help", picture(&mut help, 80, 24, &theme));
    let mut address = checked(warned_results(), shop());
    press(&mut address, KeyCode::Char('f'));
    insta::assert_snapshot!("overlay_address", picture(&mut address, 80, 24, &theme));
    let mut warned = checked(warned_results(), shop());
    press(&mut warned, KeyCode::Enter);
    insta::assert_snapshot!("overlay_warnings", picture(&mut warned, 80, 24, &theme));
    let mut small = empty();
    insta::assert_snapshot!("too_small", picture(&mut small, 40, 10, &theme));
}

/// Without colours the row or field in focus still stands out.
#[test]
fn no_color_loses_nothing() {
    use ratatui::style::{Color, Modifier};
    for number in 0..9 {
        let mut state = state(number);
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        state.update(
            Msg::Resize {
                width: 80,
                height: 24,
            },
            NOW,
        );
        let theme = Theme::new(false, false);
        terminal
            .draw(|frame| draw(&state, NOW, frame, &theme))
            .unwrap();
        let cells = terminal.backend().buffer().content();
        assert!(
            cells
                .iter()
                .all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset)
        );
        assert!(
            cells
                .iter()
                .any(|cell| cell.modifier.contains(Modifier::REVERSED))
        );
    }
}

fn any_state() -> impl Strategy<Value = usize> {
    0..9_usize
}

fn state(number: usize) -> State {
    match number {
        0 => empty(),
        1 => connected(),
        2 => refused(),
        3 => checked(blocked_results(), shop()),
        4 => selecting(shop()),
        5 => selecting(bare()),
        6 => selecting(huge(300)),
        7 => {
            let mut state = selecting(shop());
            press(&mut state, KeyCode::Enter);
            state
        }
        _ => checked(warned_results(), shop()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the size and whatever was pressed before, drawing does not panic, and the wizard does not either.
    #[test]
    fn any_screen_at_any_size(
        number in any_state(),
        width in 1_u16..=200,
        height in 1_u16..=60,
        is_ascii in any::<bool>(),
        keys in proptest::collection::vec(0..30_usize, 0..12),
    ) {
        let mut state = state(number);
        let special = [
            KeyCode::Up, KeyCode::Down, KeyCode::Left, KeyCode::Right, KeyCode::PageDown, KeyCode::End,
            KeyCode::Tab, KeyCode::Enter, KeyCode::Esc, KeyCode::F(1), KeyCode::Backspace,
        ];
        for key in keys {
            let code = special.get(key).copied().unwrap_or_else(|| {
                KeyCode::Char("ansimMu/ofdyr?oq x:表@".chars().nth(key - special.len()).unwrap_or('z'))
            });
            state.update(Msg::Key(Key::plain(code)), NOW);
        }
        picture(&mut state, width, height, &Theme::new(!is_ascii, is_ascii));
    }
}
