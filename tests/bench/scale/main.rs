//! How the plan and the wizard bear very many objects: `cargo bench --bench scale`. Each line is one act of a person or of the
//! program on 20,000 tables with 60,000 indexes, with its time and the memory it takes from the heap.
//!
//! No database is asked; `tests/bench/run --dataset many` carries such a one.

mod world;

use divan::{Bencher, black_box};
use howdah::app::{Key, KeyCode, Msg, Now, State};
use howdah::model::options::Options;
use howdah::model::selection::Selection;
use howdah::planner;
use howdah::ui::{self, theme::Theme};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

#[global_allocator]
static MEMORY: divan::AllocProfiler = divan::AllocProfiler::system();

const TABLES: usize = 20_000;

fn main() {
    divan::main();
}

/// What is read of both databases.
#[divan::bench(sample_count = 5)]
fn inspection(bencher: Bencher<'_, '_>) {
    bencher.bench(|| world::inspection(TABLES));
}

#[divan::bench(sample_count = 5)]
fn plan(bencher: Bencher<'_, '_>) {
    let inspection = world::inspection(TABLES);
    let options = Options::default();
    let selection = Selection::all(&inspection.catalog);
    bencher.bench(|| planner::plan(&inspection, &selection, &options));
}

fn press(state: &mut State, code: KeyCode) {
    black_box(state.update(Msg::Key(Key::plain(code)), Now(2_000)));
}

/// One letter more in the filter of Select, which most names have in them.
#[divan::bench]
fn filter_by_one_letter(bencher: Bencher<'_, '_>) {
    bencher
        .with_inputs(|| {
            let mut state = world::selecting(TABLES);
            press(&mut state, KeyCode::Char('/'));
            state
        })
        .bench_local_refs(|state| press(state, KeyCode::Char('t')));
}

/// All out, and all in again.
#[divan::bench]
fn untick_all(bencher: Bencher<'_, '_>) {
    bencher
        .with_inputs(|| world::selecting(TABLES))
        .bench_local_refs(|state| press(state, KeyCode::Char('n')));
}

#[divan::bench]
fn tick_one(bencher: Bencher<'_, '_>) {
    bencher
        .with_inputs(|| {
            let mut state = world::selecting(TABLES);
            press(&mut state, KeyCode::Down);
            state
        })
        .bench_local_refs(|state| press(state, KeyCode::Char(' ')));
}

fn draw(bencher: Bencher<'_, '_>, mut state: State) {
    let theme = Theme::new(true, false);
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).expect("a screen in memory");
    state.update(
        Msg::Resize {
            width: 200,
            height: 60,
        },
        Now(2_000),
    );
    bencher.bench_local(|| {
        terminal
            .draw(|frame| ui::draw(&state, Now(2_000), frame, &theme))
            .map(|frame| frame.count)
    });
}

#[divan::bench]
fn draw_check(bencher: Bencher<'_, '_>) {
    draw(bencher, world::checked(TABLES));
}

#[divan::bench]
fn draw_select(bencher: Bencher<'_, '_>) {
    draw(bencher, world::selecting(TABLES));
}

#[divan::bench]
fn draw_preview(bencher: Bencher<'_, '_>) {
    draw(bencher, world::previewing(TABLES));
}

#[divan::bench]
fn preview_next_step(bencher: Bencher<'_, '_>) {
    let mut state = world::previewing(TABLES);
    bencher.bench_local(|| press(&mut state, KeyCode::Down));
}

/// The statement that locks all tables of the source names every one of them.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn preview_the_longest_page(bencher: Bencher<'_, '_>) {
    bencher
        .with_inputs(|| {
            let mut state = world::previewing(TABLES);
            for _ in 0..2 {
                press(&mut state, KeyCode::Down);
            }
            state
        })
        .bench_local_refs(|state| {
            press(state, KeyCode::Down);
            let rows = state.preview.page.rows.len();
            assert!(
                rows > TABLES / 20,
                "{rows} rows of {}",
                state.preview.page.title
            );
        });
}

/// A letter that hardly any title has, so that the statements are searched too.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn search_in_preview(bencher: Bencher<'_, '_>) {
    bencher
        .with_inputs(|| {
            let mut state = world::previewing(TABLES);
            press(&mut state, KeyCode::Char('/'));
            state
        })
        .bench_local_refs(|state| press(state, KeyCode::Char('q')));
}

#[divan::bench]
fn draw_run(bencher: Bencher<'_, '_>) {
    draw(bencher, world::running(TABLES));
}

#[divan::bench]
fn draw_report(bencher: Bencher<'_, '_>) {
    draw(bencher, world::reporting(TABLES));
}
