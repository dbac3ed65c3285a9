//! Collects steps and gives them their numbers.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::name::ObjectName;
use crate::model::plan::{
    Action, Fallback, Part, Phase, Repeat, Rule, Session, Statement, Step, StepId, StepKind,
    TableLock, Text, Way, Words,
};
use crate::sql::{journal, quote, statements};

/// The journal's key of `work` on an object; unlike a name for people it cannot be read in two ways (`a."b.c"`, `"a.b".c`).
pub(super) fn journal_key(work: &str, object: &ObjectName) -> Text {
    format_args!("{work}/{}", quote::qualified(object)).into()
}

use super::{Context, fallback};

/// A step before it has a number.
#[derive(Debug)]
pub(super) struct Draft {
    step: Step,
    statements: Vec<Statement>,
    needs: Vec<StepId>,
    fallbacks: Vec<Fallback>,
}

impl Draft {
    pub(super) fn new(phase: Phase, title: impl Into<Text>, why: impl Into<Text>) -> Self {
        Self {
            step: Step::new(phase, title, why),
            statements: Vec::new(),
            needs: Vec::new(),
            fallbacks: Vec::new(),
        }
    }

    pub(super) fn kind(mut self, kind: StepKind) -> Self {
        self.step.kind = kind;
        self
    }

    pub(super) fn part(mut self, part: Part) -> Self {
        self.step.extras_mut().part = Some(part);
        self
    }

    pub(super) fn rule(mut self, rule: Rule) -> Self {
        self.step.rule = rule;
        self
    }

    pub(super) fn has_all_needs(mut self, is_so: bool) -> Self {
        self.step.has_all_needs = is_so;
        self
    }

    pub(super) fn repeat(mut self, repeat: Repeat) -> Self {
        self.step.repeat = repeat;
        self
    }

    pub(super) fn locks(mut self, locks: Vec<TableLock>) -> Self {
        self.step.locks = locks.into();
        self
    }

    pub(super) fn remedy(mut self, statement: String) -> Self {
        self.step.extras_mut().remedy = Some(statement.into());
        self
    }

    pub(super) fn fallbacks(mut self, fallbacks: impl IntoIterator<Item = Fallback>) -> Self {
        self.fallbacks.extend(fallbacks);
        self
    }

    /// Done once more under the source's search_path where an unqualified name is not found under the empty one.
    pub(super) fn or_by_search_path(mut self, context: &Context<'_>) -> Self {
        let fallback = fallback::by_search_path(context, &self.statements);
        self.fallbacks.extend(fallback);
        self
    }

    pub(super) fn into_statements(self) -> Vec<Statement> {
        self.statements
    }

    pub(super) fn object(mut self, object: &ObjectName) -> Self {
        self.step.object = Some(object.clone());
        self
    }

    pub(super) fn key(mut self, key: impl Into<Text>) -> Self {
        self.step.journal_key = key.into();
        self
    }

    pub(super) fn needs(mut self, needs: impl IntoIterator<Item = StepId>) -> Self {
        self.needs.extend(needs);
        self.needs.sort_unstable();
        self.needs.dedup();
        self
    }

    pub(super) fn size(mut self, bytes: u64, rows: Option<u64>) -> Self {
        self.step.size_hint_bytes = bytes;
        self.step.cost = bytes;
        if rows.is_some() || self.step.extras.is_some() {
            self.step.extras_mut().row_hint = rows;
        }
        self
    }

    /// Where it is not what its size says.
    pub(super) fn cost(mut self, cost: u64) -> Self {
        self.step.cost = cost;
        self
    }

    pub(super) fn statement(
        mut self,
        session: Session,
        action: Action,
        words: impl Into<Words>,
    ) -> Self {
        self.statements.push(Statement::new(session, action, words));
        self
    }

    pub(super) fn statements(mut self, list: impl IntoIterator<Item = Statement>) -> Self {
        self.statements.extend(list);
        self
    }

    pub(super) fn run(self, session: Session, words: impl Into<Words>) -> Self {
        self.statement(session, Action::Run, words)
    }

    pub(super) fn run_all(self, session: Session, list: Vec<Text>) -> Self {
        list.into_iter()
            .fold(self, |draft, sql| draft.run(session, sql))
    }

    /// The statements in one transaction on the destination, with the step's journal row.
    pub(super) fn transaction(self, statements: impl IntoIterator<Item = impl Into<Text>>) -> Self {
        let journal = journal::done(&self.step.journal_key);
        self.transaction_and(statements, journal)
    }

    /// The same where `journal` says more than that it is done.
    pub(super) fn transaction_and(
        mut self,
        statements: impl IntoIterator<Item = impl Into<Text>>,
        journal: impl Into<Words>,
    ) -> Self {
        self.statements
            .extend(transaction(statements, journal.into()));
        self
    }
}

/// Statements in one transaction on the destination, the journal's among them.
pub(super) fn transaction(
    statements: impl IntoIterator<Item = impl Into<Text>>,
    journal: Words,
) -> impl Iterator<Item = Statement> {
    std::iter::once(Words::from(statements::BEGIN))
        .chain(statements.into_iter().map(|sql| Words::from(sql.into())))
        .chain([journal, statements::COMMIT.into()])
        .map(|words| Statement::new(Session::Destination, Action::Run, words))
}

/// A lost session takes along what it has begun; whether it had committed, the journal knows. A row of an earlier run says
/// nothing of this one; but what is done once more then, rows that are proved or a counter, may be done twice.
fn repeat_of(step: &Step, statements: &[Statement], is_in_journal: bool) -> Repeat {
    let has_row = || statements.iter().any(Statement::writes_journal);
    match step.kind {
        StepKind::FdwRows { .. } | StepKind::FdwCommit { .. } | StepKind::ReleaseSnapshot => {
            Repeat::Never
        }
        StepKind::OpenSnapshot
        | StepKind::FdwBarrier
        | StepKind::Sequence
        | StepKind::VerifyTable { .. }
        | StepKind::VerifySequence { .. }
        | StepKind::VerifyLargeObjects { .. }
        | StepKind::VerifyDefinitions { .. }
        | StepKind::VerifyForeignKey => Repeat::Freely,
        _ if has_row() && is_in_journal => Repeat::Freely,
        _ if has_row() => Repeat::AskJournal,
        _ => step.repeat,
    }
}

/// The steps so far.
#[derive(Debug, Default)]
pub(super) struct Steps {
    all: Vec<Step>,
    /// Keys of steps that an earlier run has done for good.
    done: BTreeSet<String>,
    /// Others that the journal has: what these do, they may do twice.
    again: BTreeSet<String>,
    /// Those that were done by another way than their own.
    ways: BTreeMap<String, Way>,
    pub(super) last_transaction: Option<StepId>,
}

impl Steps {
    /// Steps of these keys have nothing left to do.
    pub(super) fn going_on(
        done: BTreeSet<String>,
        again: BTreeSet<String>,
        ways: BTreeMap<String, Way>,
    ) -> Self {
        Self {
            done,
            again,
            ways,
            ..Self::default()
        }
    }

    /// Room for about so many, so that a plan of very many is not moved while it grows.
    pub(super) fn with_room_for(mut self, steps: usize) -> Self {
        self.all.reserve_exact(steps);
        self
    }

    pub(super) fn push(&mut self, draft: Draft) -> StepId {
        let id = StepId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        let Draft {
            mut step,
            mut statements,
            needs,
            mut fallbacks,
        } = draft;
        step.id = id;
        let is_in_journal = self.again.contains(step.journal_key.as_str());
        step.repeat = repeat_of(&step, &statements, is_in_journal);
        if self.done.contains(step.journal_key.as_str()) {
            step.why =
                "Done before the run was interrupted: the journal has it, and the object has not changed since."
                    .into();
            statements.clear();
            // What was left out then is told of this run too.
            let way = self.ways.get(step.journal_key.as_str()).copied();
            fallbacks.retain(|one| one.way.is_some() && one.way == way);
            for fallback in &mut fallbacks {
                fallback.statements.clear();
            }
            step.size_hint_bytes = 0;
            step.cost = 0;
        }
        step.statements = statements.into();
        step.needs = needs.into();
        if !fallbacks.is_empty() {
            step.extras_mut().fallbacks = fallbacks.into();
        }
        self.all.push(step);
        id
    }

    pub(super) fn kind(&self, id: StepId) -> Option<StepKind> {
        self.all.get(id.index()).map(|step| step.kind)
    }

    /// All that FDW sessions do: what they have begun, others may have to wait for.
    pub(super) fn of_fdw_sessions(&self) -> Vec<StepId> {
        let is_one = |step: &&Step| {
            matches!(
                step.kind,
                StepKind::FdwBarrier | StepKind::FdwRows { .. } | StepKind::FdwCommit { .. }
            )
        };
        self.all.iter().filter(is_one).map(|step| step.id).collect()
    }

    pub(super) fn into_inner(mut self) -> Vec<Step> {
        self.all.shrink_to_fit();
        self.all
    }
}
