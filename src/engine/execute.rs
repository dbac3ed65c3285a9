//! Executes one step: its statements, in order, each on the session it names, exactly as the plan has them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::types::Type;

use crate::model::connection::Side;
use crate::model::event::{Counter, Progress};
use crate::model::plan::{
    Action, Fallback, JOURNAL_REMOVAL_KEY, LAST_TRANSACTION_KEY, PASSWORD_MARKER, Plan, Rule,
    Session, Statement, Step, StepKind,
};
use crate::model::problem::{Problem, Retry};
use crate::model::report::Arrival;
use crate::pg::connect::Canceller;
use crate::pg::copy::{self, End};
use crate::pg::problem::problem;
use crate::sql::large_objects::{UNLINK, UNLINK_ALL};
use crate::sql::quote::literal;
use crate::sql::statements;

use super::failpoint::{self, Moment};
use super::large_objects::{self, Before};
use super::monitor::Backends;
use super::outcome::{Measure, StepOutcome, Violations};
use super::retry::Doubts;
use super::sessions::{Open, Sessions};

/// How often the growth of a table that postgres_fdw fills is looked at.
const GROWTH_INTERVAL: Duration = Duration::from_millis(500);

/// Cancellers of the sessions a running step holds.
pub(super) type Cancellers = Arc<Mutex<Vec<Canceller>>>;

/// What all steps share.
pub(super) struct Executor {
    pub(super) plan: Arc<Plan>,
    pub(super) sessions: Sessions,
    pub(super) progress: Arc<Progress>,
    pub(super) backends: Arc<Backends>,
    pub(super) doubts: Doubts,
}

/// A step's end: what it brought and what the servers said meanwhile.
pub(super) type Ended = (
    Result<StepOutcome, Problem>,
    Vec<crate::pg::connect::Notice>,
);

/// The sessions a step holds while it runs.
struct Held<'a> {
    step: &'a Step,
    executor: &'a Executor,
    cancellers: &'a Cancellers,
    open: HashMap<Session, Open>,
}

impl Held<'_> {
    /// What the snapshot's and the FDW sessions hold is lost with them: another one in their place would know nothing of it.
    fn may_open(&self, kind: Session) -> bool {
        let begins = matches!(
            self.step.kind,
            StepKind::OpenSnapshot | StepKind::FdwBarrier
        ) || self.step.journal_key == LAST_TRANSACTION_KEY;
        begins || !matches!(kind, Session::Coordinator | Session::Fdw(_) | Session::Last)
    }

    async fn session(&mut self, kind: Session) -> Result<&Open, Problem> {
        if !self.open.contains_key(&kind) {
            let open = self
                .executor
                .sessions
                .take(kind, self.may_open(kind))
                .await?;
            self.cancellers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(open.canceller.clone());
            let backends = &self.executor.backends;
            backends.begin(kind.side(), open.pid, self.step.id);
            self.open.insert(kind, open);
        }
        self.open
            .get(&kind)
            .ok_or_else(|| Problem::new("Could not use a session", "it was not kept"))
    }
}

impl Executor {
    /// Runs the step's statements. Sessions go back to the pool after success; after a failure they are closed, which rolls
    /// back whatever they had begun, except an FDW session, which goes back to its savepoint.
    pub(super) async fn execute(&self, step: &Step, cancellers: &Cancellers) -> Ended {
        if step.rule == Rule::Always {
            // What they had begun is not wanted any more, and would block what is removed now.
            self.sessions.close(|kind| matches!(kind, Session::Fdw(_)));
        }
        // A database that is used cannot be removed.
        let mut statements = step.statements.iter();
        if step.rule == Rule::Always && statements.any(|s| s.session == Session::Maintenance) {
            self.sessions.close(|kind| kind.side() == Side::Destination);
        }
        let mut held = Held {
            step,
            executor: self,
            cancellers,
            open: HashMap::new(),
        };
        failpoint::reach(step, Moment::Begin).await;
        let mut notices = Vec::new();
        let mut result = self.statements(step, &step.statements, &mut held).await;
        if let Err(refusal) = &result
            && let Some(fallback) = step
                .fallbacks()
                .iter()
                .find(|one| is_foreseen(refusal, one))
        {
            let refusal = refusal.clone();
            let first = self.roll_back(step, &mut held).await;
            result = match first {
                Ok(said) => {
                    notices.extend(said);
                    self.statements(step, &fallback.statements, &mut held).await
                }
                Err(problem) => Err(problem),
            };
            if let Ok(outcome) = &mut result {
                outcome.oddities_mut().refusal = Some((refusal, fallback.clone()));
            }
        }
        for (_, mut open) in held.open {
            notices.extend(open.take_notices());
            self.backends.end(open.kind.side(), open.pid);
            let is_usable = match (&result, open.kind, step.kind) {
                (Ok(_), _, _) => true,
                (Err(_), Session::Fdw(_), StepKind::FdwRows { .. })
                | (Err(_), Session::Last, _) => open
                    .client
                    .batch_execute(statements::ROLLBACK_TO_SAVEPOINT)
                    .await
                    .is_ok(),
                (Err(_), _, _) => false,
            };
            if is_usable {
                self.sessions.give_back(open);
            } else if matches!(open.kind, Session::Destination | Session::Last) {
                self.doubts.lost(open.pid, open.since);
            }
        }
        match (&result, step.kind) {
            // A limit of connections holds now.
            (Ok(_), StepKind::Sql) if step.journal_key == JOURNAL_REMOVAL_KEY => {
                self.sessions.close(|_| true);
            }
            (Ok(_), StepKind::ReleaseSnapshot) => {
                self.sessions
                    .close(|kind| matches!(kind, Session::Source | Session::Coordinator));
            }
            (_, StepKind::FdwCommit { session }) => {
                self.sessions.close(|kind| kind == Session::Fdw(session));
            }
            _ => {}
        }
        (result, notices)
    }

    /// Ends what a refused way has left on the sessions it used. Returns what the servers had said before.
    async fn roll_back(
        &self,
        step: &Step,
        held: &mut Held<'_>,
    ) -> Result<Vec<crate::pg::connect::Notice>, Problem> {
        let mut notices = Vec::new();
        for open in held.open.values_mut() {
            notices.extend(open.take_notices());
            // An FDW session's transaction carries other tables too.
            let undo = match open.kind {
                Session::Fdw(_) => statements::ROLLBACK_TO_SAVEPOINT,
                _ => statements::ROLLBACK,
            };
            open.client
                .batch_execute(undo)
                .await
                .map_err(|error| problem(&step.title, &error))?;
            // The COMMIT sent after the refused statement has ended the transaction already: the warning says only that.
            drop(open.take_notices());
        }
        Ok(notices)
    }

    async fn statements(
        &self,
        step: &Step,
        list: &[Statement],
        held: &mut Held<'_>,
    ) -> Result<StepOutcome, Problem> {
        let mut outcome = StepOutcome::default();
        let default = Counter::default();
        let counter = self.progress.counter(step.id).unwrap_or(&default);
        let mut position = 0;
        while let Some(statement) = list.get(position) {
            let next = list.get(position + 1);
            match statement.action {
                Action::Run => {
                    let stops = failpoint::is_at(step, Moment::Commit);
                    if stops && statement.sql() == statements::COMMIT {
                        failpoint::reach(step, Moment::Commit).await;
                    }
                    let batch: Vec<&Statement> = list[position..]
                        .iter()
                        .enumerate()
                        .take_while(|(at, s)| {
                            let is_apart = stops && *at > 0 && s.sql() == statements::COMMIT;
                            s.action == Action::Run && s.session == statement.session && !is_apart
                        })
                        .map(|(_, s)| s)
                        .collect();
                    let open = held.session(statement.session).await?;
                    let ran = run_batch(step, open, &batch).await;
                    self.doubts.commit(step, &batch, ran, &outcome)?;
                    position += batch.len();
                    continue;
                }
                Action::RunWithPassword => {
                    let password = self.sessions.source().password.as_ref();
                    let text = password.map_or("", |p| p.expose());
                    let sql = statement.sql().replace(PASSWORD_MARKER, &literal(text));
                    let open = held.session(statement.session).await?;
                    open.client
                        .batch_execute(&sql)
                        .await
                        .or_fail(step, statement, open)
                        .await?;
                }
                Action::CopyOut => {
                    let Some(copy_in) = next.filter(|n| n.action == Action::CopyIn) else {
                        return Err(Problem::new(&step.title, "a COPY has no other end"));
                    };
                    held.session(statement.session).await?;
                    held.session(copy_in.session).await?;
                    let (Some(source), Some(destination)) = (
                        held.open.get(&statement.session),
                        held.open.get(&copy_in.session),
                    ) else {
                        return Err(Problem::new(&step.title, "a session was not kept"));
                    };
                    let (out, into) = (statement.sql(), copy_in.sql());
                    let piped =
                        copy::pipe(end(source, &out), end(destination, &into), counter).await;
                    let copied = match piped {
                        Ok(copied) => copied,
                        Err(broken) => {
                            let (statement, open) = match broken.side {
                                Side::Source => (statement, source),
                                Side::Destination => (copy_in, destination),
                            };
                            let problem = match &broken.error {
                                Some(error) => failed(step, statement, open, error).await,
                                None => ended_early(step, statement),
                            };
                            // What it has not sent is still under way there.
                            held.open.remove(&Session::Source);
                            return Err(problem);
                        }
                    };
                    outcome.measured_mut().source = Some(Measure::Rows {
                        count: copied.source_rows,
                        checksum: None,
                    });
                    (outcome.rows, outcome.bytes) = (copied.rows, copied.bytes);
                    position += 1;
                }
                Action::CopyIn => {
                    return Err(Problem::new(&step.title, "a COPY has no beginning"));
                }
                Action::CarryRows => {
                    let open = held.session(statement.session).await?;
                    let sql = statement.sql();
                    let carried = tokio::select! {
                        carried = open.client.execute(&*sql, &[]) => carried,
                        never = self.watch_growth(step, counter) => match never {},
                    };
                    outcome.rows = carried.or_fail(step, statement, open).await?;
                    outcome.bytes = step.size_hint_bytes;
                    counter.rows.store(outcome.rows, Ordering::Relaxed);
                    counter.bytes.store(outcome.bytes, Ordering::Relaxed);
                }
                Action::MeasureSource => {
                    let open = held.session(statement.session).await?;
                    outcome.measured_mut().source = Some(measure(step, statement, open).await?);
                }
                Action::MeasureDestination => {
                    let open = held.session(statement.session).await?;
                    let measured = measure(step, statement, open).await;
                    outcome.measured_mut().destination = Some(match measured {
                        // Undefined table or column: not the source's, which is a result, not a failure to compare.
                        Err(problem)
                            if matches!(problem.sqlstate.as_deref(), Some("42P01" | "42703")) =>
                        {
                            Measure::Absent
                        }
                        measured => measured?,
                    });
                }
                Action::KeepIfEqual => {
                    if outcome.source().is_some() && outcome.source() == outcome.destination() {
                        let open = held.session(statement.session).await?;
                        run_batch(step, open, &[statement]).await?;
                        return Ok(outcome.kept(&self.plan.options, counter));
                    }
                    outcome = StepOutcome {
                        arrival: Arrival::Again,
                        ..StepOutcome::default()
                    };
                }
                Action::SkipIfDone => {
                    let open = held.session(statement.session).await?;
                    let row = open
                        .client
                        .query_typed_one(&statement.sql(), &[])
                        .await
                        .or_fail(step, statement, open)
                        .await?;
                    if row.get(0) {
                        return Ok(outcome);
                    }
                }
                Action::MeasureBefore => {
                    let open = held.session(statement.session).await?;
                    outcome.measured_mut().before = Some(measure(step, statement, open).await?);
                }
                Action::CompareDefinitions => {
                    let StepKind::VerifyDefinitions { is_whole } = step.kind else {
                        return Err(Problem::new(&step.title, "nothing says what to compare"));
                    };
                    let compared = self.compare_definitions(is_whole).await?;
                    outcome.oddities_mut().definitions = Some(compared);
                }
                Action::CountViolations => {
                    let open = held.session(statement.session).await?;
                    let row = open
                        .client
                        .query_typed_one(&statement.sql(), &[])
                        .await
                        .or_fail(step, statement, open)
                        .await?;
                    outcome.oddities_mut().violations = Some(Violations::of(&row));
                }
                Action::BindMeasured => {
                    let Some(Measure::Counter {
                        last_value,
                        is_called,
                    }) = outcome.source().cloned()
                    else {
                        return Err(Problem::new(
                            &step.title,
                            "the source's sequence value was not read",
                        ));
                    };
                    let open = held.session(statement.session).await?;
                    open.client
                        .query_typed(
                            &statement.sql(),
                            &[(&last_value, Type::INT8), (&is_called, Type::BOOL)],
                        )
                        .await
                        .or_fail(step, statement, open)
                        .await?;
                }
                Action::ExportSnapshot => {
                    let open = held.session(statement.session).await?;
                    let answer = open
                        .client
                        .simple_query(&statement.sql())
                        .await
                        .or_fail(step, statement, open)
                        .await?;
                    let id = answer.iter().find_map(|message| match message {
                        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                        _ => None,
                    });
                    let id = id.ok_or_else(|| {
                        Problem::new(&step.title, "the source did not name its snapshot")
                    })?;
                    self.sessions.set_snapshot(id.clone());
                    self.check_source(&id, open).await?;
                }
                Action::Journal => {
                    let open = held.session(statement.session).await?;
                    let as_i64 = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
                    let (rows, bytes) = (as_i64(outcome.rows), as_i64(outcome.bytes));
                    open.client
                        .query_typed(
                            &statement.sql(),
                            &[(&rows, Type::INT8), (&bytes, Type::INT8)],
                        )
                        .await
                        .or_fail(step, statement, open)
                        .await?;
                }
                Action::Stream => {
                    let calls = list[position..].iter();
                    let calls: Vec<&Statement> =
                        calls.take_while(|s| s.action == Action::Stream).collect();
                    let has = |sql: &str| calls.iter().any(|call| call.sql() == sql);
                    let before = Before {
                        all_ours: has(UNLINK_ALL),
                        replaces: has(UNLINK),
                    };
                    held.session(Session::Source).await?;
                    held.session(Session::Destination).await?;
                    let (Some(source), Some(destination)) = (
                        held.open.get(&Session::Source),
                        held.open.get(&Session::Destination),
                    ) else {
                        return Err(Problem::new(&step.title, "a session was not kept"));
                    };
                    let options = &self.plan.options;
                    (outcome.rows, outcome.bytes) = large_objects::copy(
                        &source.client,
                        &destination.client,
                        options,
                        before,
                        counter,
                    )
                    .await?;
                    position += calls.len();
                    continue;
                }
            }
            position += 1;
        }
        Ok(outcome)
    }

    /// An INSERT tells nothing until it ends; the file it fills does. Never ends; errors only mean that nothing is shown.
    async fn watch_growth(&self, step: &Step, counter: &Counter) -> Infallible {
        // Nobody but the session itself may look at a table that it has emptied before: the question would wait with it.
        let empties = step
            .statements
            .iter()
            .any(|s| statements::empties(&s.sql()));
        let Some(name) = step.object.as_ref().filter(|_| !empties) else {
            return std::future::pending().await;
        };
        let question = statements::relation_size(name);
        loop {
            tokio::time::sleep(GROWTH_INTERVAL).await;
            let Ok(open) = self.sessions.take(Session::Destination, true).await else {
                return std::future::pending().await;
            };
            let answer = open.client.query_one(&question, &[]).await;
            self.sessions.give_back(open);
            let Ok(row) = answer else {
                return std::future::pending().await;
            };
            // Parts of one table grow together in one file.
            let parts = step.part().map_or(1, |part| u64::from(part.of.max(1)));
            let bytes = u64::try_from(row.get::<_, i64>(0)).unwrap_or(0) / parts;
            counter.bytes.store(bytes, Ordering::Relaxed);
            if let (Some(rows), true) = (step.row_hint(), step.size_hint_bytes > 0) {
                let share = bytes.min(step.size_hint_bytes) as f64 / step.size_hint_bytes as f64;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a share of a count"
                )]
                counter
                    .rows
                    .store((rows as f64 * share) as u64, Ordering::Relaxed);
            }
        }
    }
}

fn end<'a>(open: &'a Open, sql: &'a str) -> End<'a> {
    End {
        client: &open.client,
        tap: &open.tap,
        sql,
    }
}

fn ended_early(step: &Step, statement: &Statement) -> Problem {
    let side = statement.session.side();
    Problem {
        statement: Some(statement.sql().into_owned()),
        retry: Retry::MayPass,
        ..Problem::new(
            format!("{} failed on the {side}", step.title),
            "the COPY ended early, without a message from the server",
        )
    }
}

fn is_foreseen(refusal: &Problem, fallback: &Fallback) -> bool {
    let code = refusal.sqlstate.as_deref();
    code.is_some_and(|code| fallback.after.contains(&code))
}

/// Sends all at once and waits for all: one round trip for a whole transaction.
async fn run_batch(step: &Step, open: &Open, batch: &[&Statement]) -> Result<(), Problem> {
    let sent = batch.iter().map(|statement| async move {
        open.client
            .simple_query(&statement.sql())
            .await
            .or_fail(step, statement, open)
            .await
            .map(|_| ())
    });
    futures_util::future::try_join_all(sent).await.map(|_| ())
}

/// Asked in one round trip: there are two for each table and each sequence, and none is asked twice on a session.
async fn measure(step: &Step, statement: &Statement, open: &Open) -> Result<Measure, Problem> {
    let row = open
        .client
        .query_typed_one(&statement.sql(), &[])
        .await
        .or_fail(step, statement, open)
        .await?;
    let count = || u64::try_from(row.get::<_, i64>(0)).unwrap_or(0);
    Ok(match step.kind {
        StepKind::Sequence | StepKind::VerifySequence { .. } => Measure::Counter {
            last_value: row.get(0),
            is_called: row.get(1),
        },
        StepKind::LargeObjects | StepKind::VerifyLargeObjects { .. } => Measure::LargeObjects {
            count: count(),
            digest: row.get::<_, String>(1).into(),
        },
        _ => Measure::Rows {
            count: count(),
            // The plan asks for one column or for two.
            checksum: (row.len() > 1).then(|| row.get::<_, String>(1).into()),
        },
    })
}

/// The server's error with the step it broke; the statement as the plan has it, so no secret is in it.
async fn failed(
    step: &Step,
    statement: &Statement,
    open: &Open,
    error: &tokio_postgres::Error,
) -> Problem {
    let what = format!("{} failed on the {}", step.title, statement.session.side());
    let mut found = open.ending.problem(what, error).await;
    if found.object.is_none() {
        found.object = step
            .object
            .as_ref()
            .filter(|o| !o.schema.is_empty())
            .map(ToString::to_string);
    }
    found.statement = Some(statement.sql().into_owned());
    found
}

/// An answer of the server, or the Problem that says what it broke.
trait OrFail<T> {
    async fn or_fail(self, step: &Step, statement: &Statement, open: &Open) -> Result<T, Problem>;
}

impl<T> OrFail<T> for Result<T, tokio_postgres::Error> {
    async fn or_fail(self, step: &Step, statement: &Statement, open: &Open) -> Result<T, Problem> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(failed(step, statement, open, &error).await),
        }
    }
}
