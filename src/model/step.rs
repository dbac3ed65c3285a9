//! One unit of a plan's work, and the statements it is made of.

use super::connection::Side;
use super::name::ObjectName;
use super::options::Method;
use super::text::Text;

/// Position in [`Plan::steps`](super::plan::Plan::steps).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u32);

impl StepId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
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
    /// Stable name of this unit over replans, e.g. `data/public.film`.
    pub journal_key: Text,
    pub rule: Rule,
    /// Tables this step locks against others of its phase; two steps that would wait for, or deadlock with, each other
    /// are not run at once.
    pub locks: Box<[TableLock]>,
    /// What most steps have not.
    pub extras: Option<Box<Extras>>,
    pub repeat: Repeat,
    /// It is among others of the schema of which it needs none but those it names: they may be made beside it.
    pub has_all_needs: bool,
}

/// What only some steps say of themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extras {
    /// The planner's estimate of rows; none when unknown.
    pub row_hint: Option<u64>,
    /// Which part of a table's rows a data step carries, where it is not all.
    pub part: Option<Part>,
    /// What the user runs to end what the step may find: rows that break a foreign key.
    pub remedy: Option<Text>,
    /// What is done instead when the server refuses the statements for reasons that were foreseen; the first that fits.
    pub fallbacks: Box<[Fallback]>,
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
            journal_key: Text::default(),
            rule: Rule::Normal,
            locks: Box::default(),
            extras: None,
            repeat: Repeat::Never,
            has_all_needs: false,
        }
    }

    pub fn extras_mut(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    /// [`Extras::row_hint`].
    pub fn row_hint(&self) -> Option<u64> {
        self.extras.as_ref()?.row_hint
    }

    /// [`Extras::part`].
    pub fn part(&self) -> Option<Part> {
        self.extras.as_ref()?.part
    }

    /// [`Extras::remedy`].
    pub fn remedy(&self) -> Option<&str> {
        self.extras.as_ref()?.remedy.as_deref()
    }

    /// [`Extras::fallbacks`].
    pub fn fallbacks(&self) -> &[Fallback] {
        self.extras.as_ref().map_or(&[], |extras| &extras.fallbacks)
    }

    pub fn is_of_last_transaction(&self) -> bool {
        let mut list = self.statements.iter();
        list.any(|statement| statement.session == Session::Last)
    }

    /// The other way by which an earlier run has done it, where nothing is left to do.
    pub fn was_done_by(&self) -> Option<&Fallback> {
        let is_settled = self.statements.is_empty();
        self.fallbacks().first().filter(|_| is_settled)
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

/// One statement, read by `Statement::sql`. Two may say the same in different wordings, and are not equal then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub session: Session,
    pub action: Action,
    pub(crate) wording: Wording,
    pub(crate) text: Text,
}

impl Statement {
    pub fn new(session: Session, action: Action, words: impl Into<Words>) -> Self {
        let Words { wording, text } = words.into();
        Self {
            session,
            action,
            wording,
            text,
        }
    }
}

/// How a statement is made of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wording {
    /// It is its text.
    Whole,
    /// Its text is the key of a step that the journal is told to be done.
    Done,
    /// The same, with what the step has brought.
    DoneWithRows,
}

/// What a statement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    wording: Wording,
    text: Text,
}

impl Words {
    pub(crate) fn of_key(wording: Wording, key: &Text) -> Self {
        Self {
            wording,
            text: key.clone(),
        }
    }
}

impl<T: Into<Text>> From<T> for Words {
    fn from(text: T) -> Self {
        Self {
            wording: Wording::Whole,
            text: text.into(),
        }
    }
}

/// Stands in every printed statement where the source's password goes at execution.
pub const PASSWORD_MARKER: &str = "'<password of the source>'";

#[cfg(test)]
mod tests {
    use super::*;

    /// With 20,000 tables a plan has 240,000 steps and a million statements: each byte of these is a megabyte.
    #[test]
    fn steps_and_statements_stay_small() {
        assert_eq!(size_of::<Statement>(), 16);
        assert_eq!(size_of::<Step>(), 128);
    }
}
