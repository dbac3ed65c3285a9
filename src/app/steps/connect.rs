//! Where from and where to: two forms whose URI and fields mirror each other, and a live test of both connections.

use std::path::PathBuf;

use crate::app::pick::{Pick, PickList};
use crate::app::{Action, Ctx, Effect, Flow, Key, KeyCode, Overlay, Pending, Prefill};
use crate::model::connection::{Endpoint, Known, PasswordOrigin, ServerFacts, Side};
use crate::model::problem::Problem;

use super::connect_form::{ConnectForm, Item};

#[derive(Debug)]
pub struct Connect {
    pub source: ConnectForm,
    pub destination: ConnectForm,
    /// The field in focus.
    pub focus: (Side, Item),
    /// Where it was when the tests under way were asked for.
    focus_of_tests: (Side, Item),
    /// Passwords are shown.
    pub is_revealed: bool,
    /// To pick from.
    known: Vec<Known>,
}

/// What is known of a side's connection, for the values that stand in its form.
#[derive(Debug, Default)]
pub enum Test {
    #[default]
    Untested,
    Pending(Pending),
    Fine(Box<ServerFacts>),
    Failed(Box<Problem>),
}

impl Connect {
    pub fn new(source: Prefill, destination: Prefill, known: Vec<Known>) -> Self {
        let mut connect = Self {
            source: ConnectForm::new(source),
            destination: ConnectForm::new(destination),
            focus: (Side::Source, Item::Uri),
            focus_of_tests: (Side::Source, Item::Uri),
            is_revealed: false,
            known,
        };
        // Where the user has to do something first.
        connect.focus = Side::BOTH
            .into_iter()
            .find_map(|side| {
                let problem = connect.form(side).endpoint().err()?;
                let is_empty = connect.form(side).uri.is_empty();
                let item = problem.field.and_then(Item::of).filter(|_| !is_empty);
                Some((side, item.unwrap_or(Item::Uri)))
            })
            .unwrap_or((Side::Source, Item::Uri));
        connect
    }

    pub fn has_known(&self) -> bool {
        !self.known.is_empty()
    }

    pub fn form(&self, side: Side) -> &ConnectForm {
        match side {
            Side::Source => &self.source,
            Side::Destination => &self.destination,
        }
    }

    fn form_mut(&mut self, side: Side) -> &mut ConnectForm {
        match side {
            Side::Source => &mut self.source,
            Side::Destination => &mut self.destination,
        }
    }

    pub fn is_pending(&self) -> bool {
        Side::BOTH
            .iter()
            .any(|side| matches!(self.form(*side).test, Test::Pending(_)))
    }

    /// Both connections work with the values that stand in the forms.
    pub fn is_fine(&self) -> bool {
        Side::BOTH
            .iter()
            .all(|side| matches!(self.form(*side).test, Test::Fine(_)))
    }

    /// Source and destination, if both forms are complete.
    pub fn endpoints(&self) -> Option<[Endpoint; 2]> {
        Some([
            self.source.endpoint().ok()?,
            self.destination.endpoint().ok()?,
        ])
    }

    pub fn is_typing(&self) -> bool {
        self.focus.1.is_text()
    }

    /// Why a key does nothing now, as a sentence.
    pub fn why_not(&self, action: Action) -> Option<String> {
        match action {
            Action::Toggle if self.is_typing() => {
                Some("Space changes only the TLS mode and the checkbox.".to_owned())
            }
            Action::Pick if self.known.is_empty() && self.focus.1 != Item::Tls => Some(
                "There is nothing to pick from yet: no connection is remembered, and there is no pg_service.conf."
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// An answer to a test long withdrawn is dropped.
    pub fn tested(&mut self, side: Side, attempt: u64, outcome: Result<ServerFacts, Box<Problem>>) {
        let form = self.form_mut(side);
        if matches!(form.test, Test::Pending(pending) if pending.attempt == attempt) {
            form.test = match outcome {
                Ok(facts) => Test::Fine(Box::new(facts)),
                Err(problem) => Test::Failed(problem),
            };
            self.focus_on_failure();
        }
    }

    /// With both answers there, to the field that is to blame. Whoever is elsewhere meanwhile, or types, is not disturbed.
    fn focus_on_failure(&mut self) {
        let is_answered = |side| matches!(self.form(side).test, Test::Fine(_) | Test::Failed(_));
        if self.focus != self.focus_of_tests || !Side::BOTH.into_iter().all(is_answered) {
            return;
        }
        let to_blame = |side| match &self.form(side).test {
            Test::Failed(problem) => Some((side, problem.field.and_then(Item::of)?)),
            _ => None,
        };
        self.focus = Side::BOTH
            .into_iter()
            .find_map(to_blame)
            .unwrap_or(self.focus);
    }

    pub fn action(&mut self, action: Action, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        match action {
            Action::Next => return self.next(ctx),
            Action::Back => {
                let cancelled = self.cancel_all();
                if cancelled.is_empty() {
                    ctx.flow = Some(Flow::Back);
                }
                return cancelled;
            }
            Action::NextField => self.move_focus(true),
            Action::PreviousField => self.move_focus(false),
            Action::Reveal => self.is_revealed = !self.is_revealed,
            Action::Pick => {
                let (side, item) = self.focus;
                let list = if item == Item::Tls {
                    PickList::of_tls(side, self.form(side).tls.mode)
                } else {
                    PickList::of_connections(side, &self.known)
                };
                *ctx.overlay = Some(Overlay::Pick(list));
            }
            Action::Toggle => return self.change(true, ctx),
            Action::Left | Action::Right => {
                let is_right = action == Action::Right;
                if !self.is_typing() {
                    return self.change(is_right, ctx);
                }
                let code = if is_right {
                    KeyCode::Right
                } else {
                    KeyCode::Left
                };
                return self.text(Key::plain(code), ctx);
            }
            _ => {}
        }
        Vec::new()
    }

    /// A key that the keymap does not know: text for the field in focus.
    pub fn text(&mut self, key: Key, _ctx: &mut Ctx<'_>) -> Vec<Effect> {
        let (side, item) = self.focus;
        if self.form_mut(side).key(item, key) {
            return self.withdraw(side);
        }
        Vec::new()
    }

    /// A URI fills the whole side, whatever field is in focus.
    pub fn paste(&mut self, text: &str, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        let (side, item) = self.focus;
        if !self.form_mut(side).paste(item, text) {
            return Vec::new();
        }
        if self.form(side).uri_problem.is_none() && item != Item::Uri {
            ctx.info(format!("The fields of the {side} were filled."));
        }
        self.withdraw(side)
    }

    /// What a list was closed with.
    pub fn picked(&mut self, side: Side, pick: Pick) -> Vec<Effect> {
        match pick {
            Pick::Connection(endpoint) => self.form_mut(side).fill(*endpoint),
            Pick::Tls(mode) => self.form_mut(side).set_tls(mode),
        }
        self.withdraw(side)
    }

    /// The shell found what the user should know of a connection that is being tested.
    pub fn warned(&mut self, side: Side, attempt: u64, warnings: Vec<String>) {
        let form = self.form_mut(side);
        if matches!(form.test, Test::Pending(pending) if pending.attempt == attempt) {
            for warning in warnings {
                if !form.warnings.contains(&warning) {
                    form.warnings.push(warning);
                }
            }
        }
    }

    /// The shell found a password for what is being tested.
    pub fn password_found(&mut self, side: Side, attempt: u64, file: PathBuf) {
        let form = self.form_mut(side);
        if matches!(form.test, Test::Pending(pending) if pending.attempt == attempt) {
            form.password_origin = PasswordOrigin::Passfile(file);
        }
    }

    /// The values of a side have changed: what was found with the old ones says nothing any more.
    fn withdraw(&mut self, side: Side) -> Vec<Effect> {
        match std::mem::take(&mut self.form_mut(side).test) {
            Test::Pending(pending) => vec![Effect::Cancel {
                attempt: pending.attempt,
            }],
            _ => Vec::new(),
        }
    }

    fn cancel_all(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for side in Side::BOTH {
            if matches!(self.form(side).test, Test::Pending(_)) {
                effects.extend(self.withdraw(side));
            }
        }
        effects
    }

    fn move_focus(&mut self, forward: bool) {
        let all: Vec<_> = Side::BOTH
            .into_iter()
            .flat_map(|side| Item::of_side(side).map(move |item| (side, item)))
            .collect();
        let here = all.iter().position(|one| *one == self.focus).unwrap_or(0);
        let step = if forward { 1 } else { all.len() - 1 };
        self.focus = all[(here + step) % all.len()];
    }

    fn change(&mut self, forward: bool, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        let (side, item) = self.focus;
        match item {
            Item::Tls => self.form_mut(side).cycle_tls(forward),
            Item::Create => ctx.options.create_database = !ctx.options.create_database,
            _ => return Vec::new(),
        }
        self.withdraw(side)
    }

    /// Goes on if both connections are known to work, else tests those that are not.
    fn next(&mut self, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        if self.is_fine() {
            ctx.flow = Some(Flow::Next);
            return Vec::new();
        }
        let mut effects = Vec::new();
        let mut to_mend = None;
        for side in Side::BOTH {
            let create_database = side == Side::Destination && ctx.options.create_database;
            let form = self.form_mut(side);
            if matches!(form.test, Test::Fine(_) | Test::Pending(_)) {
                continue;
            }
            match form.endpoint() {
                Ok(endpoint) => {
                    let pending = ctx.pending();
                    form.test = Test::Pending(pending);
                    effects.push(Effect::TestConnection {
                        side,
                        attempt: pending.attempt,
                        endpoint: Box::new(endpoint),
                        create_database,
                    });
                }
                Err(problem) => {
                    let item = problem.field.and_then(Item::of).unwrap_or(Item::Uri);
                    to_mend.get_or_insert((side, item));
                    form.test = Test::Failed(Box::new(problem));
                }
            }
        }
        self.focus_of_tests = self.focus;
        if let Some(place) = to_mend {
            self.focus = place;
        } else if effects.is_empty() {
            ctx.warn("The connections are still being tested; Esc cancels.");
        }
        effects
    }
}
