//! The wizard by keys alone.

use super::fixtures::*;
use super::overlay::Choice;
use super::steps::connect::Test;
use super::steps::select::tree::Row;
use super::*;
use crate::model::connection::{Endpoint, PasswordOrigin, Secret, Side};
use crate::model::journal::Request;
use crate::model::options::{Method, Options};
use crate::model::problem::{Field, Problem};
use crate::model::selection::{Carry, Selection};

pub(super) fn toast(state: &State) -> &str {
    state.toast.as_ref().map_or("", |toast| &toast.text)
}

#[test]
fn a_uri_fills_the_fields_and_its_password_disappears() {
    let mut state = empty();
    type_text(
        &mut state,
        "postgres://ann:s3c@db.example:6543/shop?sslmode=require",
    );
    let form = &state.connect.source;
    assert_eq!(
        form.uri.value(),
        "postgres://ann@db.example:6543/shop?sslmode=require"
    );
    assert_eq!(form.host.value(), "db.example");
    assert_eq!(form.port.value(), "6543");
    assert_eq!(form.user.value(), "ann");
    assert_eq!(form.password.value(), "s3c");
    assert_eq!(form.tls.mode.keyword(), "require");
    assert!(!format!("{state:?}").contains("s3c"));
}

#[test]
fn the_fields_write_the_uri() {
    let mut state = prefilled();
    press(&mut state, KeyCode::Tab);
    type_text(&mut state, ".org");
    assert!(
        state
            .connect
            .source
            .uri
            .value()
            .contains("app@old.example.org")
    );
    assert!(!state.connect.source.uri.value().contains("geheim"));
}

#[test]
fn a_uri_pasted_anywhere_fills_its_side() {
    let mut state = prefilled();
    for _ in 0..7 {
        press(&mut state, KeyCode::Tab);
    }
    press(&mut state, KeyCode::Tab);
    state.update(Msg::Paste(Secret::new("postgresql://u:p@h/d\n")), Now(0));
    assert_eq!(state.connect.destination.host.value(), "h");
    assert_eq!(state.connect.destination.password.value(), "p");
    assert_eq!(state.connect.destination.uri.value(), "postgresql://u@h/d");
    assert_eq!(state.connect.source.host.value(), "old.example");
}

#[test]
fn a_password_from_a_file_is_not_sent_elsewhere() {
    let mut start = endpoint("old.example");
    start.password_origin = PasswordOrigin::Passfile("/root/.pgpass".into());
    let mut state = State::new(Start {
        source: Prefill {
            endpoint: Some(start),
            problem: None,
            warnings: Vec::new(),
        },
        ..Start::default()
    });
    state.connect.focus = (Side::Source, steps::connect_form::Item::Host);
    type_text(&mut state, "x");
    assert!(state.connect.source.password.is_empty());
}

#[test]
fn enter_tests_and_the_next_enter_goes_on() {
    let mut state = prefilled();
    let effects = press(&mut state, KeyCode::Enter);
    assert!(matches!(
        effects.as_slice(),
        [
            Effect::TestConnection {
                side: Side::Source,
                attempt: 1,
                create_database: false,
                ..
            },
            Effect::TestConnection {
                side: Side::Destination,
                attempt: 2,
                create_database: true,
                ..
            }
        ]
    ));
    assert!(state.wants_ticks());
    let mut state = connected();
    assert!(!state.wants_ticks());
    let effects = press(&mut state, KeyCode::Enter);
    assert_eq!(state.step, WizardStep::Check);
    assert!(matches!(
        effects.as_slice(),
        [Effect::Inspect { attempt: 3, .. }, Effect::Remember(_)]
    ));
}

#[test]
fn editing_withdraws_the_test_of_that_side_only() {
    let mut state = connected();
    type_text(&mut state, "x");
    assert!(matches!(state.connect.source.test, Test::Untested));
    assert!(matches!(state.connect.destination.test, Test::Fine(_)));
    let mut state = prefilled();
    press(&mut state, KeyCode::Enter);
    let effects = press(&mut state, KeyCode::Char('x'));
    assert!(matches!(
        effects.as_slice(),
        [Effect::Cancel { attempt: 1 }]
    ));
    let late = Msg::ConnectionTested {
        side: Side::Source,
        attempt: 1,
        outcome: Ok(facts("15", 1)),
    };
    state.update(late, Now(5));
    assert!(matches!(state.connect.source.test, Test::Untested));
}

#[test]
fn a_missing_field_is_named_and_gets_the_focus() {
    let mut state = empty();
    press(&mut state, KeyCode::Enter);
    assert!(
        matches!(&state.connect.source.test, Test::Failed(problem) if problem.field == Some(Field::Host))
    );
    assert_eq!(
        state.connect.focus,
        (Side::Source, steps::connect_form::Item::Host)
    );
}

#[test]
fn escape_goes_back_and_keeps_the_input() {
    let mut state = selecting(shop());
    assert_eq!(state.step, WizardStep::Select);
    press(&mut state, KeyCode::Char('n'));
    let chosen = state.selection.clone();
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.step, WizardStep::Connect);
    assert_eq!(state.connect.source.host.value(), "old.example");
    assert_eq!(state.selection, chosen);
    assert!(press(&mut state, KeyCode::Esc).is_empty());
    assert!(state.overlay.is_some());
    press(&mut state, KeyCode::Esc);
    assert!(state.overlay.is_none());
    // A new reading keeps what was chosen.
    press(&mut state, KeyCode::Enter);
    let outcome = Ok(std::sync::Arc::new(shop()));
    state.update(
        Msg::Inspected {
            attempt: 4,
            outcome,
        },
        Now(9),
    );
    assert_eq!(state.selection, chosen);
}

#[test]
fn warnings_ask_once_and_blocking_findings_stop() {
    let mut state = checked(blocked_results(), shop());
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.step, WizardStep::Check);
    assert!(toast(&state).contains("stops the migration"));

    let mut state = checked(warned_results(), shop());
    assert_eq!(state.check.cursor.selected, 2);
    let effects = press(&mut state, KeyCode::Char('y'));
    assert!(
        matches!(effects.as_slice(), [Effect::CopyText { text, .. }] if text.starts_with("CREATE ROLE"))
    );
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.step, WizardStep::Check);
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.step, WizardStep::Select);
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.step, WizardStep::Select);
}

#[test]
fn the_address_form_sets_options_and_checks_again() {
    let mut state = checked(fine_results(), shop());
    press(&mut state, KeyCode::Char('f'));
    type_text(&mut state, "10.0.0.7");
    press(&mut state, KeyCode::Tab);
    type_text(&mut state, "6000");
    let effects = press(&mut state, KeyCode::Enter);
    assert!(
        matches!(effects.last(), Some(Effect::Inspect { options, .. }) if options.fdw_port == Some(6000))
    );
    assert_eq!(state.options.fdw_host.as_deref(), Some("10.0.0.7"));
}

#[test]
fn ticks_have_three_states_and_can_be_taken_back() {
    use steps::select::ticks::{Tick, tick_of};
    let mut state = selecting(shop());
    let all = state.selection.clone();
    let public = state.select.tree.of_schema(1);
    assert_eq!(tick_of(&state.selection, &public), Tick::On);
    // billing, invoice, public, Übersicht, film, payment
    for _ in 0..5 {
        press(&mut state, KeyCode::Down);
    }
    assert_eq!(
        state.select.selected(),
        Some(Row::Table { table: 3, depth: 1 })
    );
    press(&mut state, KeyCode::Char(' '));
    assert_eq!(tick_of(&state.selection, &[3, 4, 5]), Tick::Off);
    assert_eq!(tick_of(&state.selection, &public), Tick::Partial);
    press(&mut state, KeyCode::Right);
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Char(' '));
    // A partition brings its root along.
    assert_eq!(
        state.selection.tables[3..6],
        [
            Carry::RowsAndStructure,
            Carry::RowsAndStructure,
            Carry::Nothing
        ]
    );
    press(&mut state, KeyCode::Char('s'));
    assert_eq!(state.selection.tables[4], Carry::StructureOnly);
    for _ in 0..3 {
        press(&mut state, KeyCode::Char('u'));
    }
    assert_eq!(state.selection, all);
    press(&mut state, KeyCode::Char('u'));
    assert_eq!(toast(&state), "There is nothing to undo.");
}

#[test]
fn a_range_is_ticked_as_one_and_taken_back_as_one() {
    let mut state = selecting(shop());
    let carried = |state: &State| {
        let tables = state.selection.tables.iter();
        tables.filter(|one| **one != Carry::Nothing).count()
    };
    let all = carried(&state);
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Char('v'));
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Down);
    assert_eq!(state.select.range(), Some(1..=3));
    press(&mut state, KeyCode::Char(' '));
    // The invoice and the first table of the next schema, whose name lies between.
    assert_eq!(carried(&state), all - 2);
    press(&mut state, KeyCode::Char('u'));
    assert_eq!(carried(&state), all);
    press(&mut state, KeyCode::Char('v'));
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.step, WizardStep::Select);
    assert_eq!(state.select.range(), None);
    // A range of sequences becomes one of ticks only.
    press(&mut state, KeyCode::Tab);
    press(&mut state, KeyCode::Char(' '));
    press(&mut state, KeyCode::Char('v'));
    press(&mut state, KeyCode::End);
    press(&mut state, KeyCode::Char(' '));
    assert_eq!(state.selection.sequences, [true, true, true]);
}

#[test]
fn an_owned_sequence_follows_its_table() {
    let mut state = selecting(shop());
    press(&mut state, KeyCode::Char(' '));
    assert_eq!(state.selection.sequences, [false, true, true]);
}

#[test]
fn a_filter_limits_what_is_ticked() {
    let mut state = selecting(shop());
    press(&mut state, KeyCode::Char('/'));
    type_text(&mut state, "payment_");
    assert_eq!(state.select.rows.len(), 4);
    press(&mut state, KeyCode::Enter);
    press(&mut state, KeyCode::Char('i'));
    assert_eq!(
        state.selection.tables[4..6],
        [Carry::Nothing, Carry::Nothing]
    );
    assert_eq!(state.selection.tables[2], Carry::RowsAndStructure);
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.step, WizardStep::Select);
    assert!(!state.select.filter.is_active());
}

#[test]
fn methods_per_table_and_for_all() {
    let mut state = selecting(shop());
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Char('m'));
    assert_eq!(state.selection.methods[0], Some(Method::Fdw));
    press(&mut state, KeyCode::Char('m'));
    assert_eq!(state.selection.methods[0], None);
    press(&mut state, KeyCode::Char('M'));
    assert_eq!(state.options.method, Method::Fdw);
    let catalog = &shop().catalog;
    let parent =
        steps::select::ticks::method(&state.selection, &state.options, &catalog.tables[6], 6);
    assert!(matches!(parent, Some((Method::Copy, Some(_)))));
}

#[test]
fn a_choice_that_needs_other_checks_gets_them_on_the_way() {
    let mut state = selecting(shop());
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Char('m'));
    let effects = press(&mut state, KeyCode::Enter);
    assert_eq!(state.step, WizardStep::Check);
    assert!(
        matches!(effects.as_slice(), [Effect::Inspect { attempt: 4, options, .. }] if options.method == Method::Fdw)
    );
    let outcome = Ok(std::sync::Arc::new(shop()));
    state.update(
        Msg::Inspected {
            attempt: 4,
            outcome,
        },
        Now(9),
    );
    let effects = press(&mut state, KeyCode::Enter);
    assert_eq!(state.step, WizardStep::Preview);
    assert!(
        matches!(effects.as_slice(), [Effect::MakePlan { options, selection, .. }]
        if options.method == Method::Copy && selection.methods[0] == Some(Method::Fdw))
    );
}

#[test]
fn nothing_ticked_goes_nowhere() {
    let mut state = selecting(shop());
    press(&mut state, KeyCode::Char('n'));
    press(&mut state, KeyCode::Tab);
    press(&mut state, KeyCode::Char('n'));
    assert!(press(&mut state, KeyCode::Enter).is_empty());
    assert!(toast(&state).starts_with("Nothing is ticked"));
    press(&mut state, KeyCode::Char('a'));
    let effects = press(&mut state, KeyCode::Enter);
    assert!(matches!(effects.as_slice(), [Effect::MakePlan { .. }]));
    assert_eq!(state.step, WizardStep::Preview);
}

#[test]
fn twenty_thousand_tables_are_filtered_and_ticked() {
    let mut state = selecting(huge(20_000));
    press(&mut state, KeyCode::Char('/'));
    type_text(&mut state, "table_0123");
    press(&mut state, KeyCode::Enter);
    press(&mut state, KeyCode::Char('a'));
    press(&mut state, KeyCode::Char('n'));
    assert_eq!(state.select.rows.len(), 11);
}

fn running() -> State {
    let mut state = selecting(shop());
    press(&mut state, KeyCode::Enter);
    let plan = crate::model::plan::Plan {
        source: "app@old.example:5432/shop".to_owned(),
        destination: "app@new.example:5432/shop".to_owned(),
        destination_database: "shop".to_owned(),
        ..Default::default()
    };
    let outcome = Ok(std::sync::Arc::new(plan));
    state.update(
        Msg::Planned {
            attempt: 4,
            outcome,
        },
        Now(1_400),
    );
    press(&mut state, KeyCode::Enter);
    assert!(matches!(state.overlay, Some(Overlay::Confirm(_))));
    let effects = press(&mut state, KeyCode::Enter);
    assert!(matches!(effects.as_slice(), [Effect::StartRun { .. }]));
    assert_eq!(state.step, WizardStep::Run);
    state
}

#[test]
fn interrupts_ask_then_stop_then_leave() {
    use crate::model::event::Stop;
    let mut state = running();
    let interrupt = |state: &mut State| state.update(Msg::Key(Key::ctrl('c')), Now(2_000));
    assert!(interrupt(&mut state).is_empty());
    assert!(matches!(
        interrupt(&mut state).as_slice(),
        [Effect::StopRun(Stop::Now)]
    ));
    assert!(matches!(interrupt(&mut state).as_slice(), [Effect::Quit]));
}

#[test]
fn a_signal_stops_the_run_and_leaves_when_it_has_ended() {
    use crate::model::event::{RunEvent, Stop};
    let mut state = running();
    let signal = state.update(Msg::Interrupt { is_final: false }, Now(2_000));
    assert!(matches!(signal.as_slice(), [Effect::StopRun(Stop::Now)]));
    let end = state.update(Msg::Run(RunEvent::Finished(Box::default())), Now(3_000));
    assert!(end.iter().any(|effect| matches!(effect, Effect::Quit)));
}

#[test]
fn the_end_of_a_run_leads_to_its_report() {
    use crate::model::event::RunEvent;
    let mut state = running();
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.step, WizardStep::Run);
    press(&mut state, KeyCode::Char('q'));
    assert!(state.overlay.is_some());
    state.update(Msg::Run(RunEvent::Finished(Box::default())), Now(3_000));
    assert!(state.overlay.is_none());
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.step, WizardStep::Report);
    assert!(matches!(
        press(&mut state, KeyCode::Char('q')).as_slice(),
        [Effect::Quit]
    ));
}

#[test]
fn emptying_a_destination_takes_its_typed_name() {
    use crate::model::existing::ExistingObject;
    use crate::model::options::OnExisting;
    let mut inspection = shop();
    inspection.existing = vec![ExistingObject {
        kind: "table".to_owned(),
        rows: Some(12),
        ..Default::default()
    }];
    let mut state = selecting(inspection);
    press(&mut state, KeyCode::Enter);
    let plan = crate::model::plan::Plan {
        destination_database: "shop".to_owned(),
        options: crate::model::options::Options {
            on_existing: OnExisting::Empty,
            ..Default::default()
        },
        ..Default::default()
    };
    let outcome = Ok(std::sync::Arc::new(plan));
    state.update(
        Msg::Planned {
            attempt: 4,
            outcome,
        },
        Now(1_400),
    );
    press(&mut state, KeyCode::Enter);
    let Some(Overlay::Confirm(question)) = &state.overlay else {
        panic!("no question");
    };
    assert_eq!(question.buttons[question.chosen].1, Choice::Dismiss);
    press(&mut state, KeyCode::Tab);
    assert!(press(&mut state, KeyCode::Enter).is_empty());
    type_text(&mut state, "shop");
    assert!(matches!(
        press(&mut state, KeyCode::Enter).as_slice(),
        [Effect::StartRun { .. }]
    ));
}

#[test]
fn a_problem_of_the_reading_is_kept_on_check() {
    let mut state = connected();
    press(&mut state, KeyCode::Enter);
    let outcome = Err(Box::new(Problem::new("Could not read the source", "gone")));
    state.update(
        Msg::Inspected {
            attempt: 3,
            outcome,
        },
        Now(2_000),
    );
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.step, WizardStep::Check);
    assert!(matches!(
        press(&mut state, KeyCode::Char('r')).as_slice(),
        [Effect::Inspect { attempt: 4, .. }]
    ));
}

#[test]
fn choices_come_back_by_name_and_no_password_is_written() {
    let inspection = fixtures::shop();
    let catalog = &inspection.catalog;
    let options = Options::default();
    let mut selection = Selection::all(catalog);
    selection.tables[1] = Carry::StructureOnly;
    selection.methods[0] = Some(Method::Fdw);
    selection.filters[0] = Some("id > 7".to_owned());
    selection.sequences[0] = false;
    let source = Endpoint {
        password: Some(Secret::new("canary".to_owned())),
        ..inspection.source_endpoint.clone()
    };
    let request = Request::new(&source, &options, catalog, &selection, true);
    let text = serde_json::to_string(&request).unwrap();
    assert!(!text.contains("canary"), "{text}");
    let back: Request = serde_json::from_str(&text).unwrap();
    assert_eq!(back, request);
    assert_eq!(back.selection(catalog), selection);
}
