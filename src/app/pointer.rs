//! The mouse, for those who turn it on: wheel and clicks on what the view says lies under the pointer. Nothing can be done with
//! it that keys cannot do.

use super::key::{Key, KeyCode};
use super::keymap::Action;
use super::message::{Effect, Now};
use super::overlay::Overlay;
use super::state::{State, WizardStep};

/// Lines that one turn of the wheel moves.
const WHEEL_LINES: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gesture {
    Click,
    WheelUp,
    WheelDown,
}

/// What lies under the pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A name in the step bar.
    Step(WizardStep),
    /// A key in the footer.
    Key(Key),
    /// A row of the step's list, by its position in the whole list; its box, where rows can be ticked.
    Row(usize),
    Tick(usize),
    /// The step's list beside its rows.
    List,
    /// What is told about the row in focus, beside the list or below it.
    Page,
    /// The log of the run.
    Log,
    /// One of the step's tabs or pages.
    Tab(usize),
    /// A button of the question that is open.
    Button(usize),
    /// Anything else of what lies over the step.
    Overlay,
}

impl State {
    pub(super) fn switch_mouse(&mut self, now: Now) -> Vec<Effect> {
        self.has_mouse = !self.has_mouse;
        let words = if self.has_mouse {
            "The mouse works here now; to mark text hold Shift, or press F2."
        } else {
            "The mouse is the terminal's again."
        };
        self.say(words.to_owned(), now);
        vec![Effect::CaptureMouse(self.has_mouse)]
    }

    pub(super) fn pointed(&mut self, gesture: Gesture, target: Target, now: Now) -> Vec<Effect> {
        if self.overlay.is_some() {
            return self.pointed_at_overlay(gesture, target, now);
        }
        match gesture {
            Gesture::Click => self.clicked(target, now),
            Gesture::WheelUp => self.wheeled(Action::Up, target, now),
            Gesture::WheelDown => self.wheeled(Action::Down, target, now),
        }
    }

    fn pointed_at_overlay(&mut self, gesture: Gesture, target: Target, now: Now) -> Vec<Effect> {
        let code = match (gesture, target, &mut self.overlay) {
            (Gesture::Click, Target::Button(at), Some(Overlay::Confirm(question))) => {
                question.chosen = at.min(question.buttons.len().saturating_sub(1));
                return self.key(Key::plain(KeyCode::Enter), now);
            }
            // In forms and questions the same keys choose, which nobody means by a wheel.
            (
                Gesture::WheelUp | Gesture::WheelDown,
                _,
                Some(Overlay::Help(_) | Overlay::List(_) | Overlay::Peek(_) | Overlay::Pick(_)),
            ) => match gesture {
                Gesture::WheelUp => KeyCode::Up,
                _ => KeyCode::Down,
            },
            _ => return Vec::new(),
        };
        (0..WHEEL_LINES)
            .flat_map(|_| self.key(Key::plain(code), now))
            .collect()
    }

    fn clicked(&mut self, target: Target, now: Now) -> Vec<Effect> {
        match target {
            Target::Key(key) => return self.key(key, now),
            Target::Step(step) => return self.clicked_step(step, now),
            Target::Tab(at) => match self.step {
                WizardStep::Select => self.select.show_tab(at, self.size),
                WizardStep::Report => self.report.show_section(at),
                _ => {}
            },
            Target::Row(at) | Target::Tick(at) => {
                self.focus_row(at);
                if matches!(target, Target::Tick(_)) {
                    return self.act(Action::Toggle, now);
                }
            }
            Target::List | Target::Page | Target::Log => self.focus(target),
            Target::Button(_) | Target::Overlay => {}
        }
        Vec::new()
    }

    /// Back as far as wanted, or on by one: each step has to be passed.
    fn clicked_step(&mut self, wanted: WizardStep, now: Now) -> Vec<Effect> {
        if self.step.next() == Some(wanted) {
            return self.act(Action::Next, now);
        }
        let mut effects = Vec::new();
        while self.step > wanted && self.overlay.is_none() {
            let before = self.step;
            effects.extend(self.act(Action::Back, now));
            if self.step == before {
                return effects;
            }
        }
        if self.step < wanted {
            let words = "One step after the other: Enter continues to the next.";
            self.warn(words.to_owned(), now);
        }
        effects
    }

    fn focus_row(&mut self, at: usize) {
        match self.step {
            WizardStep::Check => self.check.focus_row(at, self.size),
            WizardStep::Select => self.select.focus_row(at, self.size),
            WizardStep::Preview => self.preview.focus_row(at),
            WizardStep::Run => self.run.focus_row(at),
            WizardStep::Report => self.report.focus_row(at),
            WizardStep::Connect => {}
        }
    }

    fn focus(&mut self, target: Target) {
        match self.step {
            WizardStep::Preview => self.preview.focus_page(target == Target::Page),
            WizardStep::Run => self.run.focus_log(target == Target::Log),
            _ => {}
        }
    }

    /// The wheel moves what is under it, and that is in focus then.
    fn wheeled(&mut self, action: Action, target: Target, now: Now) -> Vec<Effect> {
        let is_list = matches!(target, Target::List | Target::Row(_) | Target::Tick(_));
        if !is_list && !matches!(target, Target::Page | Target::Log) {
            return Vec::new();
        }
        self.focus(target);
        let action = match (self.step, action, target) {
            // What is told about a check scrolls by pages alone.
            (WizardStep::Check, Action::Up, Target::Page) => Action::PageUp,
            (WizardStep::Check, _, Target::Page) => Action::PageDown,
            (WizardStep::Select, Action::Up, Target::Page) => Action::DetailsUp,
            (WizardStep::Select, _, Target::Page) => Action::DetailsDown,
            (WizardStep::Connect, ..) => return Vec::new(),
            _ => action,
        };
        let times = if matches!(action, Action::Up | Action::Down) {
            WHEEL_LINES
        } else {
            1
        };
        (0..times).flat_map(|_| self.act(action, now)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Msg;
    use crate::app::fixtures::{blocked_results, checked, selecting, shop};
    use crate::app::fixtures_plan::previewing;
    use crate::app::steps::preview::Focus;
    use crate::model::selection::Carry;

    fn point(state: &mut State, gesture: Gesture, target: Target) -> Vec<Effect> {
        state.update(Msg::Pointer { gesture, target }, Now(0))
    }

    #[test]
    fn a_click_focuses_and_on_the_box_it_ticks() {
        let mut state = selecting(shop());
        point(&mut state, Gesture::Click, Target::Row(4));
        assert_eq!(state.select.cursor.selected, 4);
        assert!(!state.selection.tables.contains(&Carry::Nothing));
        point(&mut state, Gesture::Click, Target::Tick(1));
        assert_eq!(state.selection.tables[0], Carry::Nothing);
        point(&mut state, Gesture::Click, Target::Tab(1));
        assert_eq!(state.select.rows.len(), 3);
    }

    #[test]
    fn the_wheel_moves_what_is_under_it() {
        let mut state = selecting(shop());
        point(&mut state, Gesture::WheelDown, Target::List);
        assert_eq!(state.select.cursor.selected, WHEEL_LINES);
        let mut state = previewing();
        let selected = state.preview.selected();
        point(&mut state, Gesture::WheelDown, Target::Page);
        assert_eq!(state.preview.focus, Focus::Page);
        assert_eq!(state.preview.selected(), selected);
        point(&mut state, Gesture::WheelDown, Target::Row(0));
        assert_ne!(state.preview.selected(), selected);
    }

    #[test]
    fn the_step_bar_goes_back_but_skips_nothing() {
        let mut state = selecting(shop());
        point(&mut state, Gesture::Click, Target::Step(WizardStep::Report));
        assert_eq!(state.step, WizardStep::Select);
        assert!(state.toast.is_some());
        point(
            &mut state,
            Gesture::Click,
            Target::Step(WizardStep::Connect),
        );
        assert_eq!(state.step, WizardStep::Connect);
        // What stops the way by keys stops it here.
        let mut state = checked(blocked_results(), shop());
        point(&mut state, Gesture::Click, Target::Step(WizardStep::Select));
        assert_eq!(state.step, WizardStep::Check);
    }

    #[test]
    fn over_a_question_only_its_buttons_count() {
        let mut state = selecting(shop());
        let quit = Target::Key(Key::char('q'));
        point(&mut state, Gesture::Click, quit);
        assert!(matches!(state.overlay, Some(Overlay::Confirm(_))));
        point(&mut state, Gesture::Click, Target::Row(4));
        point(&mut state, Gesture::WheelDown, Target::List);
        assert_eq!(state.select.cursor.selected, 0);
        let effects = point(&mut state, Gesture::Click, Target::Button(1));
        assert!(matches!(effects.as_slice(), [Effect::Quit]));
    }

    #[test]
    fn f2_takes_the_mouse_and_gives_it_back() {
        let mut state = selecting(shop());
        for is_on in [true, false] {
            let effects = state.update(Msg::Key(Key::plain(KeyCode::F(2))), Now(0));
            assert!(matches!(effects.as_slice(), [Effect::CaptureMouse(one)] if *one == is_on));
        }
    }
}
