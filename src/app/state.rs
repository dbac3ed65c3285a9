//! What the wizard remembers between two messages.

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::connection::{Endpoint, Known};
use crate::model::event::Stop;
use crate::model::options::Options;
use crate::model::problem::Problem;
use crate::model::selection::Selection;

use super::message::{Inspection, Now};
use super::overlay::Overlay;
use super::steps::{
    check::Check, connect::Connect, preview::Preview, report::ReportView, run::Run, select::Select,
};

/// The six stations of the way, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WizardStep {
    #[default]
    Connect,
    Check,
    Select,
    Preview,
    Run,
    Report,
}

impl WizardStep {
    pub const ALL: [Self; 6] = [
        Self::Connect,
        Self::Check,
        Self::Select,
        Self::Preview,
        Self::Run,
        Self::Report,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Connect => "Connect",
            Self::Check => "Check",
            Self::Select => "Select",
            Self::Preview => "Preview",
            Self::Run => "Run",
            Self::Report => "Report",
        }
    }

    /// The step after this one; Report has none.
    pub fn next(self) -> Option<Self> {
        let position = Self::ALL.iter().position(|step| *step == self)?;
        Self::ALL.get(position + 1).copied()
    }

    /// The step before this one; Connect has none.
    pub fn previous(self) -> Option<Self> {
        let position = Self::ALL.iter().position(|step| *step == self)?;
        Self::ALL.get(position.checked_sub(1)?).copied()
    }
}

/// What one side's form starts with.
#[derive(Clone, Debug, Default)]
pub struct Prefill {
    pub endpoint: Option<Endpoint>,
    /// What was wrong with what the user gave on the command line or in the environment.
    pub problem: Option<Problem>,
    /// What has no effect on the connection, though it looks as if it had.
    pub warnings: Vec<String>,
}

/// What the wizard is opened with.
#[derive(Clone, Debug, Default)]
pub struct Start {
    pub source: Prefill,
    pub destination: Prefill,
    pub options: Options,
    /// Connections to pick from.
    pub known: Vec<Known>,
    /// Where selections are kept.
    pub selection_dir: Option<PathBuf>,
    /// Wheel and clicks are for the wizard.
    pub has_mouse: bool,
    /// The two servers are throw-away ones made by `howdah demo`.
    pub is_demo: bool,
    /// Where what happens is also written.
    pub log_file: Option<PathBuf>,
}

/// A question on its way: what to give up, and since when the user waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    pub attempt: u64,
    pub since: Now,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToastKind {
    Info,
    /// Why a key did nothing, or what went wrong.
    Warning,
}

/// One line above the footer; gone at the next key or after some seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    pub text: String,
    pub kind: ToastKind,
    pub since: Now,
}

impl Toast {
    pub const SHOWN_MS: u64 = 6_000;
}

/// Everything the screens are drawn from.
#[derive(Debug)]
pub struct State {
    pub step: WizardStep,
    pub connect: Connect,
    pub check: Check,
    pub select: Select,
    pub preview: Preview,
    pub run: Run,
    pub report: ReportView,
    /// None until the Check step has read both databases.
    pub inspection: Option<Arc<Inspection>>,
    /// Source and destination of the last inspection that was asked for, whether or not it has ended.
    pub inspected: Option<Box<[Endpoint; 2]>>,
    pub selection: Selection,
    pub options: Options,
    pub overlay: Option<Overlay>,
    pub toast: Option<Toast>,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    pub is_demo: bool,
    pub log_file: Option<PathBuf>,
    /// Wheel and clicks are for the wizard, not for the terminal's own marking of text.
    pub has_mouse: bool,
    /// How the run was asked to end early.
    pub stop: Option<Stop>,
    /// Something was done on the destination: a fix, a removal, a run.
    pub(super) has_changed: bool,
    /// The system asked the program to end: it does as soon as the run has.
    pub(super) is_leaving: bool,
    /// What the last checks were made with.
    pub(super) checked_options: Option<Box<Options>>,
    /// The source of the interrupted run that is gone on with, in place of the one on Connect.
    pub resuming: Option<Box<Endpoint>>,
    /// The checks were asked for only to get to the preview.
    pub(super) is_hurrying: bool,
    /// The checks were made again on the way from Select or Preview.
    pub(super) is_rechecking: bool,
    pub(super) attempts: u64,
    /// Files that were written when the user asked for them.
    pub written: Vec<PathBuf>,
}

/// What a step wants to happen around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Next,
    Back,
    /// Read both databases (again).
    Inspect,
    /// The same, for the check under the cursor alone.
    InspectOne,
    /// The selection or the options changed: make the plan anew.
    Replan,
    /// Go on with the run that has just ended before its time.
    Resume,
}

/// What a step may see and change of the wizard around it while it handles a key.
#[derive(Debug)]
pub struct Ctx<'a> {
    pub now: Now,
    pub size: (u16, u16),
    pub options: &'a mut Options,
    pub selection: &'a mut Selection,
    pub inspection: Option<&'a Arc<Inspection>>,
    /// Source and destination of the last inspection that was asked for.
    pub inspected: Option<&'a [Endpoint; 2]>,
    pub overlay: &'a mut Option<Overlay>,
    pub toast: &'a mut Option<Toast>,
    pub attempts: &'a mut u64,
    /// Set by the step; carried out by the state afterwards.
    pub flow: Option<Flow>,
}

impl Ctx<'_> {
    /// Numbers a new question to the shell.
    pub fn pending(&mut self) -> Pending {
        *self.attempts += 1;
        Pending {
            attempt: *self.attempts,
            since: self.now,
        }
    }

    pub fn info(&mut self, text: impl Into<String>) {
        self.toast(text.into(), ToastKind::Info);
    }

    pub fn warn(&mut self, text: impl Into<String>) {
        self.toast(text.into(), ToastKind::Warning);
    }

    fn toast(&mut self, text: String, kind: ToastKind) {
        *self.toast = Some(Toast {
            text,
            kind,
            since: self.now,
        });
    }

    /// Rows between step bar and toast line.
    pub fn body_height(&self) -> usize {
        usize::from(self.size.1.saturating_sub(3))
    }
}

impl State {
    pub fn new(start: Start) -> Self {
        Self {
            step: WizardStep::Connect,
            connect: Connect::new(start.source, start.destination, start.known),
            check: Check::default(),
            select: Select::new(start.selection_dir),
            preview: Preview::default(),
            run: Run::default(),
            report: ReportView::default(),
            inspection: None,
            inspected: None,
            selection: Selection::default(),
            // The preview shows the CREATE DATABASE before it is run, so that offering it is harmless.
            options: Options {
                create_database: true,
                ..start.options
            },
            overlay: None,
            toast: None,
            size: (80, 24),
            log_file: start.log_file,
            is_demo: start.is_demo,
            has_mouse: start.has_mouse,
            stop: None,
            checked_options: None,
            has_changed: false,
            is_leaving: false,
            resuming: None,
            is_hurrying: false,
            is_rechecking: false,
            attempts: 0,
            written: Vec::new(),
        }
    }

    /// True only while something moves on the screen by itself.
    pub fn wants_ticks(&self) -> bool {
        self.toast.is_some()
            || self.connect.is_pending()
            || matches!(&self.overlay, Some(Overlay::Peek(peek)) if peek.is_pending())
            || matches!(&self.overlay, Some(Overlay::Sample(sample)) if sample.is_pending())
            || matches!(&self.overlay, Some(Overlay::Rehearsal(one)) if one.is_pending())
            || self.check.pending.is_some()
            || self.preview.is_pending()
            || self.run.is_running()
    }
}
