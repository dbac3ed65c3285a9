//! Collects steps and gives them their numbers.

use std::collections::BTreeSet;

use crate::model::name::ObjectName;
use crate::model::plan::{
    Action, Fallback, Part, Phase, Rule, Session, Statement, Step, StepId, StepKind, TableLock,
    Text,
};
use crate::sql::{quote, statements};

/// The journal's key of `work` on an object; unlike a name for people it cannot be read in two ways (`a."b.c"`, `"a.b".c`).
pub(super) fn journal_key(work: &str, object: &ObjectName) -> String {
    format!("{work}/{}", quote::qualified(object))
}

use super::{Context, fallback};

/// A step before it has a number.
#[derive(Debug)]
pub(super) struct Draft(Step);

impl Draft {
    pub(super) fn new(phase: Phase, title: impl Into<String>, why: impl Into<Text>) -> Self {
        Self(Step {
            id: StepId(0),
            phase,
            kind: StepKind::Sql,
            title: title.into(),
            why: why.into(),
            object: None,
            statements: Vec::new(),
            needs: Vec::new(),
            size_hint_bytes: 0,
            cost: 0,
            row_hint: None,
            part: None,
            journal_key: String::new(),
            rule: Rule::Normal,
            locks: Vec::new(),
            remedy: None,
            fallbacks: Vec::new(),
        })
    }

    pub(super) fn kind(mut self, kind: StepKind) -> Self {
        self.0.kind = kind;
        self
    }

    pub(super) fn part(mut self, part: Part) -> Self {
        self.0.part = Some(part);
        self
    }

    pub(super) fn rule(mut self, rule: Rule) -> Self {
        self.0.rule = rule;
        self
    }

    pub(super) fn locks(mut self, locks: Vec<TableLock>) -> Self {
        self.0.locks = locks;
        self
    }

    pub(super) fn remedy(mut self, statement: String) -> Self {
        self.0.remedy = Some(statement);
        self
    }

    pub(super) fn fallbacks(mut self, fallbacks: impl IntoIterator<Item = Fallback>) -> Self {
        self.0.fallbacks.extend(fallbacks);
        self
    }

    /// Done once more under the source's search_path where an unqualified name is not found under the empty one.
    pub(super) fn or_by_search_path(mut self, context: &Context<'_>) -> Self {
        let fallback = fallback::by_search_path(context, &self.0.statements);
        self.0.fallbacks.extend(fallback);
        self
    }

    pub(super) fn into_statements(self) -> Vec<Statement> {
        self.0.statements
    }

    pub(super) fn object(mut self, object: &ObjectName) -> Self {
        self.0.object = Some(object.clone());
        self
    }

    pub(super) fn key(mut self, key: impl Into<String>) -> Self {
        self.0.journal_key = key.into();
        self
    }

    pub(super) fn needs(mut self, needs: impl IntoIterator<Item = StepId>) -> Self {
        self.0.needs.extend(needs);
        self.0.needs.sort_unstable();
        self.0.needs.dedup();
        self
    }

    pub(super) fn size(mut self, bytes: u64, rows: Option<u64>) -> Self {
        self.0.size_hint_bytes = bytes;
        self.0.cost = bytes;
        self.0.row_hint = rows;
        self
    }

    /// Where it is not what its size says.
    pub(super) fn cost(mut self, cost: u64) -> Self {
        self.0.cost = cost;
        self
    }

    pub(super) fn statement(
        mut self,
        session: Session,
        action: Action,
        sql: impl Into<Text>,
    ) -> Self {
        self.0.statements.push(Statement {
            session,
            action,
            sql: sql.into(),
        });
        self
    }

    pub(super) fn run(self, session: Session, sql: impl Into<Text>) -> Self {
        self.statement(session, Action::Run, sql)
    }

    /// The statements in one transaction on the destination, with the step's journal row.
    pub(super) fn transaction(
        mut self,
        statements: impl IntoIterator<Item = impl Into<Text>>,
    ) -> Self {
        let journal = statements::journal_done(&self.0.journal_key);
        self.0.statements.extend(transaction(statements, journal));
        self
    }

    /// The same for what comes after the journal's removal.
    pub(super) fn transaction_without_journal(
        self,
        statements: impl IntoIterator<Item = impl Into<Text>>,
    ) -> Self {
        let mut draft = self.run(Session::Destination, statements::BEGIN);
        for sql in statements {
            draft = draft.run(Session::Destination, sql);
        }
        draft.run(Session::Destination, statements::COMMIT)
    }
}

/// Statements in one transaction on the destination, the journal's among them.
pub(super) fn transaction(
    statements: impl IntoIterator<Item = impl Into<Text>>,
    journal: String,
) -> impl Iterator<Item = Statement> {
    std::iter::once(Text::from(statements::BEGIN))
        .chain(statements.into_iter().map(Into::into))
        .chain([journal.into(), statements::COMMIT.into()])
        .map(|sql| Statement {
            session: Session::Destination,
            action: Action::Run,
            sql,
        })
}

/// The steps so far.
#[derive(Debug, Default)]
pub(super) struct Steps {
    steps: Vec<Step>,
    /// Keys of steps that an earlier run has done for good.
    done: BTreeSet<String>,
}

impl Steps {
    /// Steps of these keys have nothing left to do.
    pub(super) fn going_on(done: BTreeSet<String>) -> Self {
        Self {
            steps: Vec::new(),
            done,
        }
    }

    /// Room for about so many, so that a plan of very many is not moved while it grows.
    pub(super) fn with_room_for(mut self, steps: usize) -> Self {
        self.steps.reserve_exact(steps);
        self
    }

    pub(super) fn push(&mut self, draft: Draft) -> StepId {
        let id = StepId(u32::try_from(self.steps.len()).unwrap_or(u32::MAX));
        let mut step = draft.0;
        step.id = id;
        if self.done.contains(&step.journal_key) {
            step.why =
                "Done before the run was interrupted: the journal has it, and it is as it was made."
                    .into();
            step.statements.clear();
            step.fallbacks.clear();
            step.size_hint_bytes = 0;
            step.cost = 0;
        }
        step.title.shrink_to_fit();
        step.journal_key.shrink_to_fit();
        step.statements.shrink_to_fit();
        step.needs.shrink_to_fit();
        self.steps.push(step);
        id
    }

    pub(super) fn kind(&self, id: StepId) -> Option<StepKind> {
        self.steps.get(id.index()).map(|step| step.kind)
    }

    /// All that FDW sessions do: what they have begun, others may have to wait for.
    pub(super) fn of_fdw_sessions(&self) -> Vec<StepId> {
        let is_one = |step: &&Step| {
            matches!(
                step.kind,
                StepKind::FdwBarrier | StepKind::FdwRows { .. } | StepKind::FdwCommit { .. }
            )
        };
        self.steps
            .iter()
            .filter(is_one)
            .map(|step| step.id)
            .collect()
    }

    pub(super) fn into_inner(mut self) -> Vec<Step> {
        self.steps.shrink_to_fit();
        self.steps
    }
}
