//! The one description of a migration that preview, script, run and report all read.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::archive::Archive;
use super::name::ObjectName;
use super::options::Options;
use super::provider::Profile;

pub use super::step::{
    Action, Fallback, PASSWORD_MARKER, Part, Phase, Repeat, Rule, Session, Statement, Step, StepId,
    StepKind, TableLock, Way, Words,
};
pub use super::text::Text;

/// Everything that will be run, in the order a reader should see it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// `user@host:port/database`, never a password.
    pub source: String,
    pub destination: String,
    pub destination_database: String,
    /// The role that connects there.
    pub destination_user: String,
    pub options: Options,
    /// Statements each session runs first, by side.
    pub source_settings: Vec<String>,
    pub destination_settings: Vec<String>,
    pub steps: Vec<Step>,
    /// Copies and index builds that run at once, together.
    pub at_once: usize,
    /// Digest of the schema the plan was made from; the run refuses a source whose schema has changed since.
    pub schema_digest: u64,
    /// None were there to be carried; the run refuses a source that has some since.
    pub has_no_large_objects: bool,
    /// Where the pg_dump that wrote the schema is.
    pub client_directory: std::path::PathBuf,
    /// Schema entries that will be made, by kind: `("TABLE", 22)`.
    pub object_counts: Vec<(String, u64)>,
    /// Roles that the destination lacks and gets.
    pub new_roles: Vec<NewRole>,
    /// What an interrupted run has done, what is left of it and what comes again, one sentence each; empty for a run that begins.
    pub progress: Vec<String>,
    /// What a reader should know before running, one sentence each.
    pub notes: Vec<String>,
    /// What is not carried, with the reason.
    pub left_out: Vec<LeftOut>,
    /// How rows are compared, in words; none when they are not.
    pub measured_by: Option<String>,
    /// Columns whose values are not part of the measure, with the reason, one sentence each.
    pub not_measured: Vec<String>,
    /// Extensions of the destination that howdah uses and did not install.
    pub extensions_there: Vec<String>,
    /// The service that runs the destination and has objects of its own there.
    pub provider_there: Option<&'static Profile>,
    /// `server_version_num` of the source and the destination.
    pub versions: (u32, u32),
    /// The source's schema, and the positions of those of its entries that the destination must have in the end.
    pub archive: Arc<Archive>,
    pub carried_entries: Vec<u32>,
    /// Why definitions are not compared, where no step does it.
    pub definitions_not_compared: Option<String>,
    /// Data steps of unlogged tables: a crash of the destination empties them, whatever it has confirmed.
    pub unlogged: Vec<StepId>,
    /// Data steps whose rows come together in one table: compared as a whole, by the step that compares the first.
    pub joined: Vec<Vec<StepId>>,
    /// What is left to do for a person, statements included.
    pub next_steps: Vec<String>,
    /// Only compares; nothing is carried.
    pub is_comparison: bool,
}

impl Plan {
    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.get(id.index())
    }

    /// It goes on with a run that has not come to its end.
    pub fn goes_on(&self) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|step| step.journal_key == "prepare/resume")
    }

    /// A step of it removes what was in the destination before.
    pub fn removes_what_is_there(&self) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|step| {
            let removes = matches!(step.journal_key.as_str(), "prepare/remove" | EMPTYING_KEY);
            removes && !step.statements.is_empty()
        })
    }

    /// Steps that cannot be done without this one, in order.
    pub fn dependants(&self, id: StepId) -> BTreeSet<StepId> {
        let mut needing: HashMap<StepId, Vec<StepId>> = HashMap::new();
        for step in self.steps.iter().filter(|step| step.rule != Rule::Always) {
            for need in &step.needs {
                needing.entry(*need).or_default().push(step.id);
            }
        }
        let mut fallen = BTreeSet::new();
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            let more = needing.remove(&id).unwrap_or_default();
            stack.extend(more.into_iter().filter(|one| fallen.insert(*one)));
        }
        fallen
    }
}

/// The journal key of the step that makes an object.
pub fn schema_key(kind: &str, name: &ObjectName) -> Text {
    format_args!("schema/{kind}/{}.{}", name.schema, name.name).into()
}

/// The journal key of the step that installs postgres_fdw: its row says that the extension is howdah's own.
pub const FDW_EXTENSION_KEY: &str = "fdw/extension";

/// [`Step::journal_key`] of the step that carries large objects.
pub const LARGE_OBJECTS_KEY: &str = "data/large objects";

/// [`Step::journal_key`] of the step that empties tables which are there.
pub const EMPTYING_KEY: &str = "prepare/empty";

/// The journal key of the step that begins the last transaction, and of the one that removes the journal.
pub const LAST_TRANSACTION_KEY: &str = "last/begin";
pub const JOURNAL_REMOVAL_KEY: &str = "clean/journal";

/// A role that a step makes. Roles belong to the whole server: they stay, whatever becomes of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRole {
    pub step: StepId,
    pub name: String,
    /// On the source it can; here it cannot before it has a password.
    pub logged_in: bool,
    /// The connecting role is made its member.
    pub is_joined: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// `VIEW public.film_list`.
    pub object: String,
    /// `it needs public.film, which is left out`.
    pub because: String,
}
