//! The end of a run. The journal goes in the one transaction that makes what cannot come before: event triggers, which would
//! react to its removal, and settings of the database, which would hold for howdah's own sessions. Whatever ends the run before
//! that commit leaves the journal, and the run can be gone on with; after it, nothing is missing.

use crate::model::plan::{
    JOURNAL_REMOVAL_KEY, LAST_TRANSACTION_KEY, Phase, Repeat, Rule, Session, StepId, Text,
};
use crate::sql::{existing, statements};

use super::builder::{Draft, Steps};

impl Steps {
    /// The step that begins the last transaction, made when it is first needed.
    pub(super) fn last_transaction(&mut self) -> StepId {
        if let Some(begun) = self.last_transaction {
            return begun;
        }
        let begin = self.push(
            Draft::new(
                Phase::CleanUp,
                "Begin the last transaction",
                "It creates event triggers, sets the database's settings and removes the journal: all at once, or nothing, and then the run can be resumed.",
            )
            .key(LAST_TRANSACTION_KEY)
            .rule(Rule::WhenComplete)
            .repeat(Repeat::Freely)
            .run(Session::Last, statements::BEGIN)
            .run(Session::Last, statements::WAIT_FOR_DISK)
            .run(Session::Last, statements::DROP_JOURNAL),
        );
        self.last_transaction = Some(begin);
        begin
    }
}

impl Draft {
    /// As a part of the last transaction: refused, it takes nothing else along.
    pub(super) fn in_last_transaction(
        self,
        sql: impl IntoIterator<Item = impl Into<Text>>,
    ) -> Self {
        let draft = self.run(Session::Last, statements::SAVEPOINT);
        sql.into_iter()
            .fold(draft, |draft, sql| draft.run(Session::Last, sql))
            .run(Session::Last, statements::RELEASE_SAVEPOINT)
    }
}

/// Always the last of our own scaffold. A run can be gone on with as long as its journal is there. Returns the step where others
/// wait for its commit.
pub(super) fn push_journal_removal(
    steps: &mut Steps,
    may_hold_the_way_back: bool,
) -> Option<StepId> {
    let begin = steps.last_transaction;
    let draft = Draft::new(
        Phase::CleanUp,
        "Remove the journal",
        match begin {
            Some(_) => {
                "The last transaction commits: nothing of howdah's own stays on the destination, and nothing is missing."
            }
            None => "Nothing of howdah's own stays on the destination.",
        },
    )
    .key(JOURNAL_REMOVAL_KEY)
    .rule(Rule::WhenComplete)
    .repeat(Repeat::AskForNoJournal)
    .needs(begin);
    let removal = if may_hold_the_way_back {
        existing::DROP_JOURNAL_IF_ALL_IS_BACK
    } else {
        statements::DROP_JOURNAL
    };
    let step = steps.push(match begin {
        Some(_) => draft.run(Session::Last, statements::COMMIT),
        None => [
            statements::BEGIN,
            statements::WAIT_FOR_DISK,
            removal,
            statements::COMMIT,
        ]
        .into_iter()
        .fold(draft, |draft, sql| draft.run(Session::Destination, sql)),
    });
    begin.map(|_| step)
}
