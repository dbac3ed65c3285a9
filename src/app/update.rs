//! Messages in, effects out: the wizard's only door.

use std::sync::Arc;

use super::help::Help;
use super::key::Key;
use super::keymap::{self, Action};
use super::message::{Effect, Msg, Now};
use super::overlay::{Choice, Confirm, Overlay};
use super::state::{Ctx, Flow, Pending, State, Toast, ToastKind, WizardStep};
use super::{questions, rehearsing};

impl State {
    pub fn update(&mut self, msg: Msg, now: Now) -> Vec<Effect> {
        match msg {
            Msg::Key(key) => return self.key(key, now),
            Msg::Paste(text) => return self.paste(text.expose(), now),
            Msg::Pointer { gesture, target } => return self.pointed(gesture, target, now),
            Msg::Resize { width, height } => {
                self.size = (width, height);
                self.preview.resize(self.size);
                self.run.resize(self.size);
                self.report.resize(self.size);
                match &mut self.overlay {
                    Some(Overlay::Rehearsal(rehearsing)) => rehearsing.resize(self.size),
                    Some(Overlay::Help(help)) => help.resize(self.size),
                    _ => {}
                }
            }
            Msg::Tick { samples } => {
                if self.run.is_running() {
                    self.run.tick(&samples, now);
                }
                self.rehearsal_tick(&samples, now);
                if self
                    .toast
                    .as_ref()
                    .is_some_and(|toast| now.since(toast.since) > Toast::SHOWN_MS)
                {
                    self.toast = None;
                }
            }
            Msg::Interrupt { is_final: true } => return vec![Effect::Quit],
            Msg::Interrupt { is_final: false } => return self.signalled(),
            Msg::ConnectionTested {
                side,
                attempt,
                outcome,
            } => self.connect.tested(side, attempt, outcome),
            Msg::ConnectionWarned {
                side,
                attempt,
                warnings,
            } => self.connect.warned(side, attempt, warnings),
            Msg::PasswordFound {
                side,
                attempt,
                file,
            } => self.connect.password_found(side, attempt, file),
            Msg::CheckDone { attempt, result } => self.check.arrived(attempt, result),
            Msg::CheckAgain {
                attempt,
                number,
                problem,
            } => self.check.waits(attempt, number, problem),
            Msg::Mended { attempt, outcome } => return self.mended(attempt, outcome, now),
            Msg::Inspected { attempt, outcome } => return self.both_read(attempt, outcome, now),
            Msg::Cleaned { attempt, outcome } => return self.cleaned(attempt, outcome, now),
            Msg::Planned { attempt, outcome } => {
                if self.preview.pending.map(|p| p.attempt) == Some(attempt) {
                    self.preview.planned(outcome);
                }
            }
            Msg::MethodsTimed { attempt, outcome } => {
                if let Some(Overlay::Sample(sample)) = &mut self.overlay
                    && let Some(failure) = sample.answer(attempt, outcome)
                {
                    self.overlay = Some(Overlay::List(failure));
                }
            }
            Msg::Peeked { attempt, outcome } => {
                if let Some(Overlay::Peek(peek)) = &mut self.overlay
                    && let Some(failure) = peek.answer(attempt, outcome)
                {
                    self.overlay = Some(Overlay::List(failure));
                }
            }
            Msg::Watched(activity) => match self.running_rehearsal() {
                Some(rehearsing) => rehearsing.run.board.activity = activity,
                None => self.run.board.activity = activity,
            },
            Msg::Run(event) if self.running_rehearsal().is_some() => {
                return self.rehearsal_event(event, now);
            }
            Msg::Run(event) => return self.run_event(event, now),
            Msg::SelectionLoaded { attempt, outcome } => {
                self.selection_loaded(attempt, outcome, now);
            }
            Msg::SelectionExists { path } => self.ask_to_replace(path),
            // Whether it got there the terminal does not say.
            Msg::Copied { what } => {
                let text = format!(
                    "Sent {what} to the terminal's clipboard (OSC 52; some terminals ignore it)."
                );
                self.say(text, now);
            }
            Msg::RehearsalPlanned { attempt, outcome } => {
                return self.rehearsal_planned(attempt, outcome, now);
            }
            Msg::Rehearsed(outcome) => return self.rehearsed(outcome),
            Msg::Written { what, outcome } => match outcome {
                Ok(path) => self.say_written(&what, path, now),
                Err(problem) => self.warn(format!("{}: {}", problem.what, problem.message), now),
            },
        }
        Vec::new()
    }

    /// True while characters are text for a field.
    pub fn is_typing(&self) -> bool {
        match self.step {
            WizardStep::Connect => self.connect.is_typing(),
            WizardStep::Select => self.select.is_typing(),
            WizardStep::Preview => self.preview.is_typing(),
            WizardStep::Run => self.run.is_typing(),
            WizardStep::Check | WizardStep::Report => false,
        }
    }

    /// Why an action is not possible now, as a sentence; the footer draws it dim.
    pub fn why_not(&self, action: Action) -> Option<String> {
        let is_choice = matches!(
            action,
            Action::Options | Action::SourceAddress | Action::Method | Action::MethodForAll
        );
        if self.resuming.is_some() && is_choice && self.step < WizardStep::Run {
            return Some("A run is resumed as it was started; its options stay.".to_owned());
        }
        if self.resuming.is_some() && action == Action::Rehearse {
            return Some("A resumed run cannot be rehearsed.".to_owned());
        }
        let is_file = action == Action::Write && self.step == WizardStep::Preview;
        if self.resuming.is_some() && is_file {
            return Some("The plan of a resumed run is in its journal, not in a file.".to_owned());
        }
        match self.step {
            WizardStep::Connect => self.connect.why_not(action),
            WizardStep::Check => self.check.why_not(action),
            WizardStep::Select => self.select.why_not(action),
            WizardStep::Preview => self.preview.why_not(action),
            WizardStep::Run => self.run.why_not(action),
            WizardStep::Report => self.report.why_not(action),
        }
    }

    /// What a key does just now, in a word or two for the footer; empty where it is not shown there.
    pub fn label(&self, binding: &keymap::Binding) -> &'static str {
        let words = match self.step {
            WizardStep::Connect => {
                let is_cancel = binding.action == Action::Back && self.connect.is_pending();
                is_cancel.then_some("Cancel")
            }
            WizardStep::Report => None,
            WizardStep::Check => self.check.label(binding.action),
            WizardStep::Select => self.select.label(binding.action),
            WizardStep::Preview => self.preview.label(binding.action),
            WizardStep::Run => self.run.label(binding.action),
        };
        words.unwrap_or(binding.label)
    }

    pub(super) fn key(&mut self, key: Key, now: Now) -> Vec<Effect> {
        self.toast = None;
        if key == Key::ctrl('c') {
            return self.interrupt();
        }
        if let Some(overlay) = &mut self.overlay {
            return match overlay.key(key) {
                // The box stays until the scratch database is gone.
                Some(Choice::StopRehearsal) => self.stop_rehearsal(),
                Some(choice) => {
                    self.overlay = None;
                    self.choose(choice, now)
                }
                None => Vec::new(),
            };
        }
        match keymap::find(self.step, self.is_typing(), key) {
            Some(action) => self.act(action, now),
            None => self.in_step(now, |state, ctx| state.text(key, ctx)),
        }
    }

    fn paste(&mut self, text: &str, now: Now) -> Vec<Effect> {
        if let Some(overlay) = &mut self.overlay {
            overlay.paste(text);
            return Vec::new();
        }
        self.in_step(now, |state, ctx| state.paste(text, ctx))
    }

    pub(super) fn act(&mut self, action: Action, now: Now) -> Vec<Effect> {
        if let Some(reason) = self.why_not(action) {
            self.warn(reason, now);
            return Vec::new();
        }
        match action {
            Action::Help => self.overlay = Some(Overlay::Help(Help::new(self.step, self.size))),
            Action::Quit => return self.ask_to_quit(),
            Action::Mouse => return self.switch_mouse(now),
            _ => return self.in_step(now, |state, ctx| state.action(action, ctx)),
        }
        Vec::new()
    }

    /// Lets the step on screen work, then goes where it wants to.
    fn in_step(
        &mut self,
        now: Now,
        work: impl FnOnce(&mut StepMut<'_>, &mut Ctx<'_>) -> Vec<Effect>,
    ) -> Vec<Effect> {
        let mut ctx = Ctx {
            now,
            size: self.size,
            options: &mut self.options,
            selection: &mut self.selection,
            inspection: self.inspection.as_ref(),
            inspected: self.inspected.as_deref(),
            overlay: &mut self.overlay,
            toast: &mut self.toast,
            attempts: &mut self.attempts,
            flow: None,
        };
        let mut step = match self.step {
            WizardStep::Connect => StepMut::Connect(&mut self.connect),
            WizardStep::Check => StepMut::Check(&mut self.check),
            WizardStep::Select => StepMut::Select(&mut self.select),
            WizardStep::Preview => StepMut::Preview(&mut self.preview),
            WizardStep::Run => StepMut::Run(&mut self.run),
            WizardStep::Report => StepMut::Report(&mut self.report),
        };
        let mut effects = work(&mut step, &mut ctx);
        match ctx.flow {
            Some(Flow::Next) => effects.extend(self.next(now)),
            Some(Flow::Back) => effects.extend(self.back(now)),
            Some(Flow::Inspect) => effects.extend(self.inspect(now)),
            Some(Flow::InspectOne) => effects.extend(self.inspect_selected(now)),
            Some(Flow::Replan) => effects.extend(self.make_plan(now)),
            Some(Flow::Resume) => effects.extend(self.resume_at_once(now)),
            None => {}
        }
        effects
    }

    fn next(&mut self, now: Now) -> Vec<Effect> {
        match self.step {
            WizardStep::Connect => {
                self.step = WizardStep::Check;
                self.is_rechecking = false;
                self.resuming = None;
                let mut effects = self.inspect(now);
                // Those of the demo will not be there again.
                effects.extend(
                    self.inspected
                        .clone()
                        .filter(|_| !self.is_demo)
                        .map(Effect::Remember),
                );
                return effects;
            }
            WizardStep::Check => return self.after_check(now),
            WizardStep::Select | WizardStep::Preview if self.has_outgrown_checks() => {
                self.step = WizardStep::Check;
                self.is_rechecking = true;
                let why = "Your choices need checks that were not run yet; they run now.";
                self.say(why.to_owned(), now);
                return self.inspect(now);
            }
            WizardStep::Select => {
                self.step = WizardStep::Preview;
                return self.make_plan(now);
            }
            WizardStep::Preview => self.overlay = self.confirm_start().map(Overlay::Confirm),
            WizardStep::Run => {
                if let Some(report) = &self.run.report {
                    self.report.show(Arc::clone(report), self.size);
                    self.step = WizardStep::Report;
                }
            }
            WizardStep::Report => {}
        }
        Vec::new()
    }

    fn back(&mut self, now: Now) -> Vec<Effect> {
        // What was found and planned before a run no longer holds after it.
        if self.step == WizardStep::Run && self.run.report.is_some() {
            self.step = WizardStep::Check;
            self.resuming = None;
            self.is_rechecking = false;
            self.preview.forget();
            let words = "The run has changed the destination: both databases are checked again.";
            self.say(words.to_owned(), now);
            return self.inspect(now);
        }
        // What was chosen for a run that is gone on with stands in its journal.
        if self.resuming.is_some() && self.step == WizardStep::Preview {
            self.step = WizardStep::Check;
            return Vec::new();
        }
        match self.step.previous() {
            Some(step) => self.step = step,
            None => {
                self.overlay = Some(Overlay::Confirm(
                    Confirm::new("Quit howdah?", vec![self.what_was_changed().to_owned()])
                        .button("Stay", Choice::Dismiss)
                        .button("Quit", Choice::Quit),
                ));
            }
        }
        Vec::new()
    }

    pub(super) fn make_plan(&mut self, now: Now) -> Vec<Effect> {
        let Some(inspection) = self.inspection.clone() else {
            self.warn("The databases have not been read yet.".to_owned(), now);
            return Vec::new();
        };
        let mut effects = Vec::new();
        if let Some(old) = self.preview.pending.take() {
            effects.push(Effect::Cancel {
                attempt: old.attempt,
            });
        }
        let (selection, options) = match &inspection.journal {
            Some(journal) => {
                let request = &journal.request;
                (
                    request.selection(&inspection.catalog),
                    request.options.clone(),
                )
            }
            None => (self.selection.clone(), self.options.clone()),
        };
        let pending = self.pending(now);
        self.preview.ask(pending, self.size);
        effects.push(Effect::MakePlan {
            attempt: pending.attempt,
            inspection,
            selection: Arc::new(selection),
            options: Box::new(options),
        });
        effects
    }

    fn choose(&mut self, choice: Choice, now: Now) -> Vec<Effect> {
        match choice {
            Choice::Dismiss => {}
            Choice::Quit => return vec![Effect::Quit],
            Choice::GoOn => {
                self.check.accept_warnings();
                return self.after_check(now);
            }
            Choice::StartRun => return self.start_run(now),
            Choice::AskToRehearse => {
                self.overlay = Some(Overlay::Confirm(rehearsing::ask_to_rehearse()));
            }
            Choice::Rehearse => {
                let pending = self.pending(now);
                return self.rehearse(pending);
            }
            Choice::StopRehearsal => return self.stop_rehearsal(),
            Choice::WritePlan(form) => return self.write_plan(form),
            Choice::Picked(side, pick) => return self.connect.picked(side, pick),
            Choice::Withdraw(attempt) => return vec![Effect::Cancel { attempt }],
            Choice::Stop(stop) => return self.stop_run(stop),
            Choice::GoOnWithRun { from_given } => {
                if let Some(source) = self.source_to_go_on_from(from_given) {
                    return self.go_on_with_run(source, now);
                }
            }
            Choice::AskToClean => {
                let inspection = self.inspection.as_deref();
                self.overlay = inspection.map(questions::clean);
            }
            Choice::Clean => return self.clean(now),
            Choice::Mend(statements) => return self.mend(statements, now),
            Choice::Steer(control) => return vec![Effect::SteerRun(control)],
            Choice::SaveSelection { path, may_replace } => {
                return self.save_selection(path, may_replace);
            }
            Choice::LoadSelection { path } => return self.load_selection(path, now),
            Choice::SetFilter { tables, condition } => {
                let select = &mut self.select;
                let condition = condition.as_deref();
                select.set_filter(&mut self.selection, &self.options, &tables, condition);
            }
            Choice::SetOptions(options) => {
                let is_changed = self.options != *options;
                self.options = *options;
                // What the checks look at depends on the options, the tree on Select only shows them.
                if is_changed && self.step == WizardStep::Check {
                    return self.inspect(now);
                }
                if is_changed && self.step == WizardStep::Preview {
                    return self.make_plan(now);
                }
            }
        }
        Vec::new()
    }

    pub(super) fn pending(&mut self, now: Now) -> Pending {
        self.attempts += 1;
        Pending {
            attempt: self.attempts,
            since: now,
        }
    }

    pub(super) fn say(&mut self, text: String, now: Now) {
        self.toast = Some(Toast {
            text,
            kind: ToastKind::Info,
            since: now,
        });
    }

    pub(super) fn warn(&mut self, text: String, now: Now) {
        self.toast = Some(Toast {
            text,
            kind: ToastKind::Warning,
            since: now,
        });
    }
}

/// The step on screen, for as long as it works.
enum StepMut<'a> {
    Connect(&'a mut super::steps::connect::Connect),
    Check(&'a mut super::steps::check::Check),
    Select(&'a mut super::steps::select::Select),
    Preview(&'a mut super::steps::preview::Preview),
    Run(&'a mut super::steps::run::Run),
    Report(&'a mut super::steps::report::ReportView),
}

impl StepMut<'_> {
    fn action(&mut self, action: Action, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        match self {
            Self::Connect(step) => step.action(action, ctx),
            Self::Check(step) => step.action(action, ctx),
            Self::Select(step) => step.action(action, ctx),
            Self::Preview(step) => step.action(action, ctx),
            Self::Run(step) => step.action(action, ctx),
            Self::Report(step) => step.action(action, ctx),
        }
    }

    fn text(&mut self, key: Key, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        match self {
            Self::Connect(step) => return step.text(key, ctx),
            Self::Select(step) => step.text(key, ctx),
            Self::Preview(step) => step.text(key, ctx),
            Self::Run(step) => step.text(key, ctx),
            Self::Check(_) | Self::Report(_) => {}
        }
        Vec::new()
    }

    fn paste(&mut self, text: &str, ctx: &mut Ctx<'_>) -> Vec<Effect> {
        match self {
            Self::Connect(step) => return step.paste(text, ctx),
            Self::Select(step) => step.paste(text, ctx),
            Self::Preview(step) => step.paste(text, ctx),
            _ => {}
        }
        Vec::new()
    }
}
