//! The one description of a migration that preview, script, run and report all read.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::archive::Archive;
use super::connection::Side;
use super::name::ObjectName;
use super::options::{Method, Options};
use super::provider::Profile;

pub use super::text::Text;

/// Position in [`Plan::steps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u32);

impl StepId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

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

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    Prepare,
    Schema,
    Data,
    Indexes,
    Sequences,
    Finish,
    Verify,
    CleanUp,
}

impl Phase {
    pub const ALL: [Self; 8] = [
        Self::Prepare,
        Self::Schema,
        Self::Data,
        Self::Indexes,
        Self::Sequences,
        Self::Finish,
        Self::Verify,
        Self::CleanUp,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Prepare => "Prepare",
            Self::Schema => "Schema",
            Self::Data => "Data",
            Self::Indexes => "Indexes and constraints",
            Self::Sequences => "Sequences",
            Self::Finish => "Finish",
            Self::Verify => "Verify",
            Self::CleanUp => "Clean up",
        }
    }
}

/// A unit of work that succeeds or fails as a whole. A plan of 20,000 tables has 240,000 of them: none holds room to grow.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub id: StepId,
    pub phase: Phase,
    pub kind: StepKind,
    /// `Copy the rows of public.film`.
    pub title: Text,
    /// One plain sentence for a first-time user: why this is done, and why this way.
    pub why: Text,
    pub object: Option<ObjectName>,
    /// Exactly what is sent, in order, transaction control and journal included.
    pub statements: Box<[Statement]>,
    /// Steps that must have succeeded.
    pub needs: Box<[StepId]>,
    /// Bytes to move or to read; 0 when unknown.
    pub size_hint_bytes: u64,
    /// What the step costs, as the bytes that COPY would move meanwhile: orders the work, and is shown to nobody.
    pub cost: u64,
    /// The planner's estimate of rows; none when unknown.
    pub row_hint: Option<u64>,
    /// Stable name of this unit over replans, e.g. `data/public.film`.
    pub journal_key: Text,
    pub rule: Rule,
    /// Which part of a table's rows a data step carries, where it is not all.
    pub part: Option<Part>,
    /// Tables this step locks against others of its phase; two steps that would wait for, or deadlock with, each other
    /// are not run at once.
    pub locks: Box<[TableLock]>,
    /// What the user runs to end what the step may find: rows that break a foreign key.
    pub remedy: Option<Text>,
    /// What is done instead when the server refuses the statements for reasons that were foreseen; the first that fits.
    pub fallbacks: Box<[Fallback]>,
    pub repeat: Repeat,
    /// It is among others of the schema of which it needs none but those it names: they may be made beside it.
    pub has_all_needs: bool,
}

/// Whether a step may be done once more by itself after its connection was lost and nobody knows how far it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeat {
    /// What it stands on was lost with its session.
    #[default]
    Never,
    /// Done twice it is as done once; what it had not committed is rolled back.
    Freely,
    /// Its row in the journal, which commits with it, says whether it is done.
    AskJournal,
    /// The same where it is the journal itself that it begins.
    AskForJournal,
    /// It is done when the journal is gone, and else lost with its session.
    AskForNoJournal,
    /// `CREATE DATABASE` has no transaction; the list of databases says whether it is done.
    AskForDatabase,
}

/// One of the steps that carry a table's rows between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1; 0 proves what came before the run was interrupted.
    pub number: u32,
    pub of: u32,
}

/// Another way to the same object, taken after the first was refused and rolled back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// SQLSTATEs of the refusal; any other error fails the step.
    pub after: &'static [&'static str],
    /// What the refusal means and what is done about it, one sentence.
    pub why: String,
    pub statements: Vec<Statement>,
    /// What makes the object whole again once its cause is mended; none when nothing is missing.
    pub to_finish: Option<String>,
    /// None where the object is as the step's own way makes it.
    pub way: Option<Way>,
}

/// What another way leaves different from the source, as the journal remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    WithoutTablespace,
    WithoutCompression,
    NotValid,
}

impl Way {
    const ALL: [Self; 3] = [
        Self::WithoutTablespace,
        Self::WithoutCompression,
        Self::NotValid,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::WithoutTablespace => "without tablespace",
            Self::WithoutCompression => "without compression",
            Self::NotValid => "not valid",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.word() == word)
    }
}

/// A table, by its position in the catalog, and how it is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableLock {
    pub table: usize,
    /// Building an index lets other index builds go on; whatever alters the table does not.
    pub is_shared: bool,
}

impl Step {
    /// Statements of nothing yet, for no object; its place in a plan gives it its number.
    pub fn new(phase: Phase, title: impl Into<Text>, why: impl Into<Text>) -> Self {
        Self {
            id: StepId(0),
            phase,
            kind: StepKind::Sql,
            title: title.into(),
            why: why.into(),
            object: None,
            statements: Box::default(),
            needs: Box::default(),
            size_hint_bytes: 0,
            cost: 0,
            row_hint: None,
            part: None,
            journal_key: Text::default(),
            rule: Rule::Normal,
            locks: Box::default(),
            remedy: None,
            fallbacks: Box::default(),
            repeat: Repeat::Never,
            has_all_needs: false,
        }
    }

    pub fn is_of_last_transaction(&self) -> bool {
        let mut list = self.statements.iter();
        list.any(|statement| statement.session == Session::Last)
    }

    /// The other way by which an earlier run has done it, where nothing is left to do.
    pub fn was_done_by(&self) -> Option<&Fallback> {
        let is_settled = self.statements.is_empty();
        self.fallbacks.first().filter(|_| is_settled)
    }

    /// Its rows may be there already: that is looked at first, and then nothing is copied.
    pub fn may_be_kept(&self) -> bool {
        let mut statements = self.statements.iter();
        statements.any(|one| one.action == Action::KeepIfEqual)
    }

    /// The method of a data step.
    pub fn method(&self) -> Option<Method> {
        match self.kind {
            StepKind::CopyRows { .. } => Some(Method::Copy),
            StepKind::FdwRows { .. } => Some(Method::Fdw),
            _ => None,
        }
    }
}

/// How a step stands to failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// Runs when all it needs has succeeded; its failure fails the run.
    #[default]
    Normal,
    /// Its failure is a warning: nothing of the user's is lost by it (a comment on an extension one does not own).
    Optional,
    /// Runs however the run has gone: removes scaffold, lets go of the source.
    Always,
    /// Runs only when nothing before it has failed or was skipped: what would be in the way of going on later.
    WhenComplete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Statements one after another.
    Sql,
    /// One table through howdah.
    CopyRows {
        is_binary: bool,
    },
    /// One table pulled by the destination, on FDW session `session`.
    FdwRows {
        session: u16,
    },
    /// One counter: read on the source, set on the destination.
    Sequence,
    /// All selected large objects, in chunks.
    LargeObjects,
    /// Counts (and checksums) of one table compared; `data` is the step that carried it and measured the source then. Without
    /// one both sides are measured here.
    VerifyTable {
        data: Option<StepId>,
    },
    VerifySequence {
        data: Option<StepId>,
    },
    VerifyLargeObjects {
        data: Option<StepId>,
    },
    /// The destination's schema archive held against the plan's definitions. With `is_whole` it may hold nothing else.
    VerifyDefinitions {
        is_whole: bool,
    },
    /// Rows that break a foreign key which was silenced are counted.
    VerifyForeignKey,
    /// Puts back what step `taken` has taken away, however the run has gone since; not when nothing was taken.
    PutBack {
        taken: StepId,
    },
    /// Opens the exported snapshot that every source session reads from.
    OpenSnapshot,
    /// Ends it as soon as nothing reads from the source any more.
    ReleaseSnapshot,
    /// Begins the FDW sessions' transactions on one state of the source.
    FdwBarrier,
    /// Commits what FDW session `session` carried.
    FdwCommit {
        session: u16,
    },
}

/// The session a statement runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Session {
    /// Holds the exported snapshot and the locks on the source.
    Coordinator,
    /// A source session in the coordinator's snapshot.
    Source,
    /// A fresh source session outside of the snapshot (sequences are not in it).
    SourceNow,
    Destination,
    /// A destination session that pulls through `postgres_fdw`.
    Fdw(u16),
    /// A destination session with the last transaction of all, which stays open from step to step.
    Last,
    /// Database `postgres` of the destination server.
    Maintenance,
}

impl Session {
    pub fn side(self) -> Side {
        match self {
            Self::Coordinator | Self::Source | Self::SourceNow => Side::Source,
            Self::Destination | Self::Fdw(_) | Self::Last | Self::Maintenance => Side::Destination,
        }
    }
}

/// What is done with a statement's outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Sent as it is; result ignored but for errors and notices.
    Run,
    /// `COPY … TO STDOUT`, feeds the [`Action::CopyIn`] that follows.
    CopyOut,
    CopyIn,
    /// One statement whose command tag counts the rows carried (FDW's `INSERT … SELECT`).
    CarryRows,
    /// A query whose single row is kept as what the source holds: rows, or last_value and is_called.
    MeasureSource,
    /// The same on the destination; compared with what was measured on the source.
    MeasureDestination,
    /// Sent, and the step is over, when what was measured on both sides is equal; else what follows is done.
    KeepIfEqual,
    /// A query whose single value says that the step is done already: it is over then.
    SkipIfDone,
    /// The destination's rows before any are added to them.
    MeasureBefore,
    /// Sent with `$1`, `$2` bound to the source's measured row.
    BindMeasured,
    /// `pg_export_snapshot()`: its answer is what the source sessions join.
    ExportSnapshot,
    /// A query whose single row is a number and a sample of what it counted: rows that break a foreign key.
    CountViolations,
    /// The step's journal row: `$1` rows, `$2` bytes.
    Journal,
    /// Sent with the marker `<password>` replaced on the way to the server.
    RunWithPassword,
    /// Done by howdah in chunks; the text tells with which calls.
    Stream,
    /// Done by `pg_dump` and howdah; the text tells how.
    CompareDefinitions,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub session: Session,
    pub action: Action,
    pub sql: Text,
}

/// Stands in every printed statement where the source's password goes at execution.
pub const PASSWORD_MARKER: &str = "'<password of the source>'";
