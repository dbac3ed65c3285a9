//! What the wizard hears ([`Msg`]) and what it asks for ([`Effect`]).
//!
//! Answers carry the `attempt` number of the question, so that an answer to a question long withdrawn is known as such.

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::activity::Activity;
use crate::model::connection::{Endpoint, Secret, ServerFacts, Side};
use crate::model::event::{Control, RunEvent, Stop};
use crate::model::finding::CheckResult;
use crate::model::forecast::Forecast;
pub use crate::model::inspection::Inspection;
use crate::model::options::Options;
use crate::model::peek::Peek;
use crate::model::plan::{Plan, StepId};
use crate::model::problem::Problem;
use crate::model::report::Report;
use crate::model::sample::Sample;
use crate::model::selection::Selection;
use crate::planner::rehearsal::Rehearsal;

use crate::settings::Loaded;

use super::key::Key;
use super::pointer::{Gesture, Target};

/// Milliseconds since the program started: the only clock the wizard knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now(pub u64);

impl Now {
    /// Milliseconds since `earlier`, 0 if that is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

#[derive(Debug)]
pub enum Msg {
    Key(Key),
    /// Wheel and clicks, and what they are meant for.
    Pointer {
        gesture: Gesture,
        target: Target,
    },
    /// Text pasted in one piece (bracketed paste). It may be a URI with its password, so `Debug` shows nothing of it.
    Paste(Secret),
    Resize {
        width: u16,
        height: u16,
    },
    /// Comes about ten times a second, but only while [`State::wants_ticks`](super::State) says so. `samples` are rows and bytes so
    /// far of the steps now running.
    Tick {
        samples: Vec<(StepId, u64, u64)>,
    },
    /// First SIGINT/SIGTERM/SIGHUP arrive as this.
    Interrupt {
        is_final: bool,
    },

    ConnectionTested {
        side: Side,
        attempt: u64,
        outcome: Result<ServerFacts, Box<Problem>>,
    },
    /// While a connection is tested: what has no effect on it, though it looks as if it had.
    ConnectionWarned {
        side: Side,
        attempt: u64,
        warnings: Vec<String>,
    },
    /// While a connection is tested: the password comes from this file.
    PasswordFound {
        side: Side,
        attempt: u64,
        file: PathBuf,
    },
    /// One check has ended; several come per inspection.
    CheckDone {
        attempt: u64,
        result: CheckResult,
    },
    /// What may pass by itself was in the way: it is waited for, and the checks are done once more, `number` times by then.
    CheckAgain {
        attempt: u64,
        number: u32,
        problem: Box<Problem>,
    },
    /// All checks have ended. An error: the databases could not be read at all.
    Inspected {
        attempt: u64,
        outcome: Result<Arc<Inspection>, Box<Problem>>,
    },
    Cleaned {
        attempt: u64,
        outcome: Result<(), Box<Problem>>,
    },
    /// What was to mend what a check found has run.
    Mended {
        attempt: u64,
        outcome: Result<(), Box<Problem>>,
    },
    Planned {
        attempt: u64,
        outcome: Result<Arc<Plan>, Box<Problem>>,
    },
    /// Both methods were tried.
    MethodsTimed {
        attempt: u64,
        outcome: Result<Sample, Box<Problem>>,
    },
    Peeked {
        attempt: u64,
        outcome: Result<Peek, Box<Problem>>,
    },
    Run(RunEvent),
    RehearsalPlanned {
        attempt: u64,
        outcome: Result<Arc<Rehearsal>, Box<Problem>>,
    },
    /// The rehearsal has ended, and its scratch database is gone. An error: it broke off.
    Rehearsed(Result<Box<Forecast>, Box<Problem>>),
    /// What the sessions of running steps do just now: all of them.
    Watched(Vec<Activity>),
    Copied {
        what: String,
    },
    SelectionLoaded {
        attempt: u64,
        outcome: Result<Loaded, Box<Problem>>,
    },
    /// The selection was not saved: there is such a file.
    SelectionExists {
        path: String,
    },
    Written {
        what: String,
        outcome: Result<PathBuf, Box<Problem>>,
    },
}

/// As what a plan is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanForm {
    /// To be run without howdah.
    Script,
    /// To be edited, and run by `howdah run --plan`.
    File,
    /// To be read.
    Statements,
}

/// What the shell is to do; each is answered by the message named.
#[derive(Clone, Debug)]
pub enum Effect {
    /// [`Msg::ConnectionTested`]. `create_database`: a missing database is not a problem.
    TestConnection {
        side: Side,
        attempt: u64,
        endpoint: Box<Endpoint>,
        create_database: bool,
    },
    /// Keeps these for the next time, without their passwords. [`Msg::Written`] only if that fails.
    Remember(Box<[Endpoint; 2]>),
    /// Abandons a test, an inspection or the making of a plan: no answer will come.
    Cancel {
        attempt: u64,
    },
    /// [`Msg::CheckDone`] several times, then [`Msg::Inspected`].
    Inspect {
        attempt: u64,
        source: Box<Endpoint>,
        destination: Box<Endpoint>,
        options: Box<Options>,
        /// The run whose journal is in the destination is gone on with: as that says, not as `options` do.
        goes_on: bool,
        /// The check of this id alone, beside what has to be read.
        only: Option<&'static str>,
    },
    /// Runs what mends what a check found, all or nothing: [`Msg::Mended`].
    Mend {
        attempt: u64,
        destination: Box<Endpoint>,
        statements: Vec<String>,
    },
    /// Removes what an earlier run left, with these statements; [`Msg::Cleaned`].
    Clean {
        attempt: u64,
        destination: Box<Endpoint>,
        statements: Vec<String>,
    },
    /// [`Msg::Planned`].
    MakePlan {
        attempt: u64,
        inspection: Arc<Inspection>,
        selection: Arc<Selection>,
        options: Box<Options>,
    },
    /// Both methods between the inspection's servers; the destination is left as it was: [`Msg::MethodsTimed`].
    TimeMethods {
        attempt: u64,
        inspection: Arc<Inspection>,
        options: Box<Options>,
    },
    /// The first rows of a table of the inspection's source: [`Msg::Peeked`].
    Peek {
        attempt: u64,
        inspection: Arc<Inspection>,
        /// Position in the catalog.
        table: usize,
        filter: Option<String>,
    },
    /// [`Msg::Run`] many times; the last is `Finished`. Endpoints are those of the inspection.
    StartRun {
        plan: Arc<Plan>,
        source: Box<Endpoint>,
        destination: Box<Endpoint>,
    },
    /// [`Msg::RehearsalPlanned`].
    MakeRehearsal {
        attempt: u64,
        inspection: Arc<Inspection>,
        selection: Arc<Selection>,
        options: Box<Options>,
    },
    /// [`Msg::Run`] many times, but never `Finished`: the last is [`Msg::Rehearsed`].
    StartRehearsal {
        rehearsal: Arc<Rehearsal>,
        source: Box<Endpoint>,
        destination: Box<Endpoint>,
    },
    /// The run's or the rehearsal's, whichever is under way.
    StopRun(Stop),
    SteerRun(Control),
    /// Terminal clipboard (OSC 52); [`Msg::Copied`].
    CopyText {
        what: String,
        text: String,
    },
    /// A report beside the working directory, Markdown and JSON; [`Msg::Written`] for each.
    WriteReport(Arc<Report>),
    /// The plan as a file in the working directory; [`Msg::Written`].
    WritePlan {
        form: PlanForm,
        plan: Arc<Plan>,
        inspection: Arc<Inspection>,
        selection: Arc<Selection>,
        options: Box<Options>,
    },
    /// [`Msg::Written`], or [`Msg::SelectionExists`].
    SaveSelection {
        /// As typed.
        path: String,
        may_replace: bool,
        inspection: Arc<Inspection>,
        selection: Arc<Selection>,
    },
    /// [`Msg::SelectionLoaded`].
    LoadSelection {
        attempt: u64,
        path: String,
        inspection: Arc<Inspection>,
    },
    /// Wheel and clicks come as messages, or stay the terminal's own.
    CaptureMouse(bool),
    Bell,
    /// On the desktop, where the terminal can.
    Notify(String),
    /// Leaves the wizard. The report, if there is one, is summed up on the normal screen.
    Quit,
}
