//! Connections that are picked, remembered and completed.

use super::fixtures::*;
use super::steps::connect_form::Item;
use super::tests::toast;
use super::*;
use crate::model::connection::{Endpoint, Known, KnownFrom, PasswordOrigin, Side, Tls, TlsMode};
use crate::model::problem::{Field, Problem};

/// With a recent connection and a service.
fn knowing() -> State {
    let one = |name: &str, from, host: &str| Known {
        name: name.to_owned(),
        from,
        endpoint: Endpoint {
            tls: Tls {
                mode: TlsMode::VerifyFull,
                ..Tls::default()
            },
            ..endpoint(host)
        },
    };
    State::new(Start {
        known: vec![
            one(
                "app@recent.example:5432/shop",
                KnownFrom::Recent,
                "recent.example",
            ),
            one("shop", KnownFrom::Service, "service.example"),
        ],
        ..Start::default()
    })
}

#[test]
fn connections_and_tls_modes_are_picked() {
    let mut state = knowing();
    let pick = |state: &mut State| state.update(Msg::Key(Key::ctrl('p')), Now(0));
    type_text(&mut state, "postgres://half");
    pick(&mut state);
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Enter);
    let form = &state.connect.source;
    assert_eq!(
        form.uri.value(),
        "postgres://app@service.example/shop?sslmode=verify-full"
    );
    assert_eq!(form.host.value(), "service.example");
    assert!(form.endpoint().is_ok());
    for _ in 0..6 {
        press(&mut state, KeyCode::Tab);
    }
    pick(&mut state);
    press(&mut state, KeyCode::Up);
    press(&mut state, KeyCode::Up);
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.connect.source.tls.mode, TlsMode::Require);
    assert!(
        state
            .connect
            .source
            .uri
            .value()
            .ends_with("sslmode=require")
    );
    // Nothing known: the key says why it does nothing.
    let mut state = prefilled();
    pick(&mut state);
    assert!(toast(&state).contains("nothing to pick"));
}

#[test]
fn connections_that_work_are_remembered_but_not_those_of_the_demo() {
    let remembers = |effects: &[Effect]| {
        let mut hosts = effects.iter().filter_map(|effect| match effect {
            Effect::Remember(both) => Some(both.each_ref().map(|one| one.host.clone())),
            _ => None,
        });
        hosts.next()
    };
    let mut state = connected();
    let effects = press(&mut state, KeyCode::Enter);
    let hosts = remembers(&effects).unwrap();
    assert_eq!(hosts, ["old.example", "new.example"]);
    let mut state = connected();
    state.is_demo = true;
    assert_eq!(remembers(&press(&mut state, KeyCode::Enter)), None);
}

#[test]
fn a_password_found_for_what_was_typed_is_told_until_that_changes() {
    let mut state = empty();
    type_text(&mut state, "postgres://ann@db.example/shop");
    press(&mut state, KeyCode::Enter);
    let file = std::path::PathBuf::from("/home/ann/.pgpass");
    let found = |attempt| Msg::PasswordFound {
        side: Side::Source,
        attempt,
        file: file.clone(),
    };
    state.update(found(7), Now(0));
    assert_eq!(state.connect.source.password_origin, PasswordOrigin::None);
    state.update(found(1), Now(0));
    let origin = PasswordOrigin::Passfile(file.clone());
    assert_eq!(state.connect.source.password_origin, origin);
    state.connect.focus = (Side::Source, Item::Host);
    type_text(&mut state, "x");
    assert_eq!(state.connect.source.password_origin, PasswordOrigin::None);
}

#[test]
fn a_refused_connection_gets_the_focus_once_both_have_answered() {
    let answer = |state: &mut State, side, attempt, field| {
        let problem = Problem::new("Could not connect", "refused").field(field);
        let outcome = Err(Box::new(problem));
        let msg = Msg::ConnectionTested {
            side,
            attempt,
            outcome,
        };
        state.update(msg, Now(5));
    };
    let mut state = prefilled();
    press(&mut state, KeyCode::Enter);
    answer(&mut state, Side::Destination, 2, Field::Password);
    assert_eq!(state.connect.focus, (Side::Source, Item::Uri));
    answer(&mut state, Side::Source, 1, Field::Port);
    assert_eq!(state.connect.focus, (Side::Source, Item::Port));
    // Who types on one side, or went to another field, stays there.
    for key in [KeyCode::Char('x'), KeyCode::Tab] {
        let mut state = prefilled();
        press(&mut state, KeyCode::Enter);
        press(&mut state, key);
        let focus = state.connect.focus;
        answer(&mut state, Side::Destination, 2, Field::Password);
        answer(&mut state, Side::Source, 1, Field::Port);
        assert_eq!(state.connect.focus, focus);
    }
}
