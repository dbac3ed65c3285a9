//! What lies over a step: help, questions and small forms. While one is open it gets every key.

use crate::model::connection::Side;
use crate::model::event::{Control, Stop};
use crate::model::name::printable_lines;
use crate::model::options::Options;
use crate::model::problem::Problem;

use super::form::Field;
use super::help::Help;
use super::key::{Key, KeyCode};
use super::message::PlanForm;
use super::options_form::OptionsForm;
use super::path_form::PathForm;
use super::pick::{Pick, PickList};
use super::rehearsing::Rehearsing;
use super::steps::method_sample::SampleBox;
use super::steps::select::peek::PeekBox;

#[derive(Debug)]
pub enum Overlay {
    Help(Help),
    Confirm(Confirm),
    Options(OptionsForm),
    SourceAddress(AddressForm),
    RowFilter(RowFilterForm),
    List(TextList),
    Peek(PeekBox),
    Sample(SampleBox),
    Pick(PickList),
    Path(PathForm),
    Rehearsal(Box<Rehearsing>),
}

/// What closing an overlay means.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// Nothing happens.
    Dismiss,
    Quit,
    /// Past the warnings of the checks.
    GoOn,
    StartRun,
    /// Ask what a rehearsal is, or begin it.
    AskToRehearse,
    Rehearse,
    StopRehearsal,
    WritePlan(PlanForm),
    Stop(Stop),
    /// What is waited for is not wanted any more.
    Withdraw(u64),
    Picked(Side, Pick),
    Steer(Control),
    /// Go on with the run whose journal was found, from its own source or from the one given on Connect.
    GoOnWithRun {
        from_given: bool,
    },
    AskToClean,
    Clean,
    /// Run these statements on the destination.
    Mend(Vec<String>),
    SetOptions(Box<Options>),
    SaveSelection {
        path: String,
        may_replace: bool,
    },
    LoadSelection {
        path: String,
    },
    /// For these tables; none takes the condition away.
    SetFilter {
        tables: Vec<usize>,
        condition: Option<String>,
    },
}

impl Overlay {
    /// None: it stays open.
    pub fn key(&mut self, key: Key) -> Option<Choice> {
        match self {
            Self::Help(help) => help.key(key),
            Self::Confirm(confirm) => confirm.key(key),
            Self::Options(form) => form.key(key),
            Self::SourceAddress(form) => form.key(key),
            Self::RowFilter(form) => form.key(key),
            Self::List(list) => list.key(key),
            Self::Peek(peek) => peek.key(key),
            Self::Sample(sample) => sample.key(key),
            Self::Pick(list) => list.key(key),
            Self::Path(form) => form.key(key),
            Self::Rehearsal(rehearsing) => rehearsing.key(key),
        }
    }

    pub fn paste(&mut self, text: &str) {
        match self {
            Self::Confirm(Confirm {
                typed: Some(typed), ..
            }) => {
                typed.field.paste(text);
            }
            Self::SourceAddress(form) => form.paste(text),
            Self::RowFilter(form) => {
                form.condition.paste(text);
            }
            Self::Options(form) => form.paste(text),
            Self::Path(form) => {
                form.path.paste(text);
            }
            _ => {}
        }
    }
}

/// A question with two or more answers; Esc is always the harmless one.
#[derive(Debug)]
pub struct Confirm {
    pub title: String,
    /// Paragraphs, wrapped when drawn.
    pub lines: Vec<String>,
    pub buttons: Vec<(String, Choice)>,
    /// Position in `buttons` that Enter presses.
    pub chosen: usize,
    /// Drawn in the colour of danger.
    pub is_dangerous: bool,
    /// What must be typed before any button but the harmless one works.
    pub typed: Option<TypedName>,
    /// First line shown where not all fit; the drawing stops at the end.
    pub scroll: usize,
}

#[derive(Debug)]
pub struct TypedName {
    pub wanted: String,
    pub field: Field,
}

impl Confirm {
    pub fn new(title: impl Into<String>, lines: Vec<String>) -> Self {
        Self {
            title: title.into(),
            lines,
            buttons: Vec::new(),
            chosen: 0,
            is_dangerous: false,
            typed: None,
            scroll: 0,
        }
    }

    /// The first button is the one Enter presses, unless [`Self::default_button`] says otherwise.
    #[must_use]
    pub fn button(mut self, label: impl Into<String>, choice: Choice) -> Self {
        self.buttons.push((label.into(), choice));
        self
    }

    /// Makes it dangerous; with `wanted`, that name must be typed first.
    #[must_use]
    pub fn dangerous(mut self, wanted: Option<String>) -> Self {
        self.is_dangerous = true;
        self.typed = wanted.map(|wanted| TypedName {
            wanted,
            field: Field::text(255),
        });
        self
    }

    #[must_use]
    pub fn default_button(mut self, position: usize) -> Self {
        self.chosen = position;
        self
    }

    /// False while the name to be typed is not complete and the button does something.
    pub fn is_enabled(&self, button: usize) -> bool {
        let is_harmless =
            matches!(self.buttons.get(button), Some((_, choice)) if *choice == Choice::Dismiss);
        is_harmless
            || self
                .typed
                .as_ref()
                .is_none_or(|typed| typed.field.value() == typed.wanted)
    }

    fn key(&mut self, key: Key) -> Option<Choice> {
        let count = self.buttons.len().max(1);
        match key.code {
            KeyCode::Esc => return Some(Choice::Dismiss),
            KeyCode::Enter => {
                if self.is_enabled(self.chosen) {
                    return Some(
                        self.buttons
                            .get(self.chosen)
                            .map_or(Choice::Dismiss, |(_, choice)| choice.clone()),
                    );
                }
            }
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(5),
            KeyCode::PageDown => self.scroll = (self.scroll + 5).min(10_000),
            KeyCode::Tab | KeyCode::Right | KeyCode::Down => {
                self.chosen = (self.chosen + 1) % count;
            }
            KeyCode::BackTab | KeyCode::Left | KeyCode::Up => {
                self.chosen = (self.chosen + count - 1) % count;
            }
            _ => {
                if let Some(typed) = &mut self.typed {
                    typed.field.key(key);
                }
            }
        }
        None
    }
}

/// Host and port of the source as the destination server sees it (method FDW).
#[derive(Debug)]
pub struct AddressForm {
    pub host: Field,
    pub port: Field,
    pub is_port_focused: bool,
    /// What is used while a field is empty.
    pub fallback: (String, u16),
    options: Box<Options>,
}

impl AddressForm {
    pub fn new(options: &Options, fallback: (String, u16)) -> Self {
        let mut host = Field::text(255);
        host.set(options.fdw_host.as_deref().unwrap_or_default());
        let mut port = Field::digits(5);
        port.set(
            &options
                .fdw_port
                .map(|port| port.to_string())
                .unwrap_or_default(),
        );
        Self {
            host,
            port,
            is_port_focused: false,
            fallback,
            options: Box::new(options.clone()),
        }
    }

    /// A sentence about a port that is none.
    pub fn complaint(&self) -> Option<&'static str> {
        let text = self.port.value();
        let is_port = text.parse::<u16>().is_ok_and(|port| port > 0);
        (!text.is_empty() && !is_port).then_some("A port is a number from 1 to 65535.")
    }

    fn key(&mut self, key: Key) -> Option<Choice> {
        match key.code {
            KeyCode::Esc => return Some(Choice::Dismiss),
            KeyCode::Enter if self.complaint().is_none() => {
                let host = self.host.value().trim();
                let mut options = self.options.clone();
                options.fdw_host = (!host.is_empty()).then(|| host.to_owned());
                options.fdw_port = self.port.value().parse().ok();
                return Some(Choice::SetOptions(options));
            }
            KeyCode::Tab | KeyCode::BackTab | KeyCode::Up | KeyCode::Down => {
                self.is_port_focused = !self.is_port_focused;
            }
            _ => {
                self.focused().key(key);
            }
        }
        None
    }

    fn paste(&mut self, text: &str) {
        self.focused().paste(text);
    }

    fn focused(&mut self) -> &mut Field {
        if self.is_port_focused {
            &mut self.port
        } else {
            &mut self.host
        }
    }
}

/// The condition that a table's rows must satisfy to be carried.
#[derive(Debug)]
pub struct RowFilterForm {
    /// As the user knows it; a partitioned table stands for its partitions.
    pub name: String,
    pub condition: Field,
    tables: Vec<usize>,
}

/// Enough for a condition, not for a program.
const CONDITION_CHARS: usize = 2000;

impl RowFilterForm {
    pub fn new(name: String, tables: Vec<usize>, present: Option<&str>) -> Self {
        let mut condition = Field::text(CONDITION_CHARS);
        condition.set(present.unwrap_or_default());
        Self {
            name,
            condition,
            tables,
        }
    }

    fn key(&mut self, key: Key) -> Option<Choice> {
        match key.code {
            KeyCode::Esc => return Some(Choice::Dismiss),
            KeyCode::Enter => {
                let text = self.condition.value().trim();
                return Some(Choice::SetFilter {
                    tables: self.tables.clone(),
                    condition: (!text.is_empty()).then(|| text.to_owned()),
                });
            }
            _ => {
                self.condition.key(key);
            }
        }
        None
    }
}

/// Lines to read.
#[derive(Debug)]
pub struct TextList {
    pub title: String,
    pub lines: Vec<String>,
    pub scroll: usize,
}

impl TextList {
    pub(super) fn of_problem(title: String, problem: &Problem) -> Self {
        let words = printable_lines(&problem.to_string());
        Self {
            title,
            lines: words.lines().map(str::to_owned).collect(),
            scroll: 0,
        }
    }

    fn key(&mut self, key: Key) -> Option<Choice> {
        let last = self.lines.len().saturating_sub(1);
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.scroll = (self.scroll + 1).min(last),
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(10),
            KeyCode::PageDown => self.scroll = (self.scroll + 10).min(last),
            KeyCode::Home | KeyCode::Char('g') => self.scroll = 0,
            KeyCode::End | KeyCode::Char('G') => self.scroll = last,
            _ => return Some(Choice::Dismiss),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_be_typed_before_the_dangerous_button_works() {
        let mut confirm = Confirm::new("Empty it?", Vec::new())
            .button("No", Choice::Dismiss)
            .button("Empty and start", Choice::StartRun)
            .dangerous(Some("shop".to_owned()));
        let enter = Key::plain(KeyCode::Enter);
        assert_eq!(confirm.key(Key::plain(KeyCode::Tab)), None);
        assert_eq!(confirm.key(enter), None);
        for c in "shop".chars() {
            assert_eq!(confirm.key(Key::char(c)), None);
        }
        assert_eq!(confirm.key(enter), Some(Choice::StartRun));
        assert_eq!(confirm.key(Key::plain(KeyCode::Esc)), Some(Choice::Dismiss));
    }
}
