//! Turns what the wizard asks for into tasks, and their ends into messages. Every question is answered once, also when its
//! task panics, unless it is withdrawn.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::{Sender, UnboundedSender};
use tokio::task::{AbortHandle, JoinSet, spawn_blocking};
use tokio_util::task::AbortOnDropHandle;

use crate::app::{Effect, Msg};
use crate::checks;
use crate::engine::{self, Stopper};
use crate::model::connection::{Endpoint, PasswordOrigin};
use crate::model::event::{Control, Progress, RunEvent, Stop};
use crate::model::inspection::Inspection;
use crate::model::options::Options;
use crate::model::peek::Peek;
use crate::model::plan::{Plan, StepId};
use crate::model::problem::Problem;
use crate::model::selection::Selection;
use crate::pg;
use crate::pg::connect::probe;
use crate::planner;
use crate::settings::{Environment, PlanFile, fill_password, recent};

use super::inspecting::{Wanted, clean, inspect};
use super::rehearsing::{self, Hearing};
use super::{crash, files};

/// The tasks under way; dropping this ends them.
pub struct Effects {
    pub(super) answers: Sender<Msg>,
    environment: Environment,
    pub(super) tasks: JoinSet<()>,
    attempts: HashMap<u64, AbortHandle>,
    pub(super) run: Option<Run>,
}

pub(super) struct Run {
    pub(super) stopper: Stopper,
    pub(super) controls: UnboundedSender<Control>,
    pub(super) progress: Arc<Progress>,
    pub(super) running_steps: BTreeSet<StepId>,
}

impl Effects {
    pub fn new(answers: Sender<Msg>, environment: Environment) -> Self {
        Self {
            answers,
            environment,
            tasks: JoinSet::new(),
            attempts: HashMap::new(),
            run: None,
        }
    }

    /// Starts what is asked for and returns at once. The terminal's own effects are not for here.
    pub fn start(&mut self, effect: Effect) {
        match effect {
            Effect::TestConnection {
                side,
                attempt,
                endpoint,
                create_database,
            } => {
                let has_password = endpoint.password.is_some();
                let mut endpoint = *endpoint;
                let warnings = fill_password(&mut endpoint, &self.environment);
                let answers = self.answers.clone();
                let test = async move {
                    if !warnings.is_empty() {
                        let told = Msg::ConnectionWarned {
                            side,
                            attempt,
                            warnings,
                        };
                        send(&answers, told).await;
                    }
                    if let (false, PasswordOrigin::Passfile(file)) =
                        (has_password, endpoint.password_origin.clone())
                    {
                        let found = Msg::PasswordFound {
                            side,
                            attempt,
                            file,
                        };
                        send(&answers, found).await;
                    }
                    Box::pin(probe(&endpoint, create_database)).await
                };
                self.ask(
                    attempt,
                    "Could not test the connection",
                    test,
                    move |outcome| Msg::ConnectionTested {
                        side,
                        attempt,
                        outcome,
                    },
                );
            }
            Effect::Remember(endpoints) => {
                if let Some(dir) = self.environment.state_dir.clone() {
                    self.write(move || {
                        let outcome = recent::remember(&dir, endpoints.as_slice());
                        let failed = outcome.err().map(|problem| Err(Box::new(problem)));
                        let what = "the recent connections".to_owned();
                        failed.map(|failed| (what, failed)).into_iter().collect()
                    });
                }
            }
            Effect::Cancel { attempt } => {
                if let Some(task) = self.attempts.remove(&attempt) {
                    task.abort();
                }
            }
            Effect::Inspect {
                attempt,
                source,
                destination,
                options,
                goes_on,
                only,
            } => {
                let inspection = inspect(
                    self.with_password(*source),
                    self.with_password(*destination),
                    Wanted {
                        options: (!goes_on).then_some(*options),
                        only,
                    },
                    self.answers.clone(),
                    attempt,
                );
                self.ask(
                    attempt,
                    "Could not read the databases",
                    inspection,
                    move |outcome| Msg::Inspected {
                        attempt,
                        outcome: outcome.map(Arc::new),
                    },
                );
            }
            Effect::Clean {
                attempt,
                destination,
                statements,
            } => {
                let cleaning = clean(self.with_password(*destination), statements);
                self.ask(attempt, "Could not clean up", cleaning, move |outcome| {
                    Msg::Cleaned { attempt, outcome }
                });
            }
            Effect::Mend {
                attempt,
                destination,
                statements,
            } => {
                let destination = self.with_password(*destination);
                let mending = async move { engine::mend(&destination, &statements).await };
                self.ask(attempt, "Could not run the fix", mending, move |outcome| {
                    Msg::Mended { attempt, outcome }
                });
            }
            Effect::MakePlan {
                attempt,
                inspection,
                selection,
                options,
            } => {
                let source = self.with_password(inspection.source_endpoint.clone());
                let plan = make_plan(source, inspection, selection, *options);
                self.ask(attempt, "Could not make the plan", plan, move |outcome| {
                    Msg::Planned {
                        attempt,
                        outcome: outcome.map(Arc::new),
                    }
                });
            }
            Effect::TimeMethods {
                attempt,
                inspection,
                options,
            } => {
                let source = self.with_password(inspection.source_endpoint.clone());
                let destination = self.with_password(inspection.destination_endpoint.clone());
                let timing = async move {
                    pg::sample::measure(&source, &destination, &inspection, &options).await
                };
                self.ask(
                    attempt,
                    "Could not time the methods",
                    timing,
                    move |outcome| Msg::MethodsTimed { attempt, outcome },
                );
            }
            Effect::Peek {
                attempt,
                inspection,
                table,
                filter,
            } => {
                let source = self.with_password(inspection.source_endpoint.clone());
                let rows = peek(source, inspection, table, filter);
                self.ask(
                    attempt,
                    "Could not look at the rows",
                    rows,
                    move |outcome| Msg::Peeked { attempt, outcome },
                );
            }
            Effect::StartRun {
                plan,
                source,
                destination,
            } => {
                let source = self.with_password(*source);
                let destination = self.with_password(*destination);
                let handle = engine::start_attended(Arc::clone(&plan), source, destination);
                self.follow(handle, &plan, None);
            }
            Effect::MakeRehearsal {
                attempt,
                inspection,
                selection,
                options,
            } => {
                let source = self.with_password(inspection.source_endpoint.clone());
                let destination = self.with_password(inspection.destination_endpoint.clone());
                let plan = rehearsing::plan(source, destination, inspection, selection, *options);
                self.ask(
                    attempt,
                    "Could not plan the rehearsal",
                    plan,
                    move |outcome| Msg::RehearsalPlanned {
                        attempt,
                        outcome: outcome.map(Arc::new),
                    },
                );
            }
            Effect::StartRehearsal {
                rehearsal,
                source,
                destination,
            } => {
                let source = self.with_password(*source);
                let destination = self.with_password(*destination);
                let plan = Arc::clone(&rehearsal.plan);
                let handle = engine::start(Arc::clone(&plan), source, destination);
                self.follow(handle, &plan, Some(Hearing::new(rehearsal)));
            }
            Effect::StopRun(stop) => self.stop_run(stop),
            Effect::SteerRun(control) => {
                if let Some(run) = &self.run {
                    // A run that has just ended has nothing left to steer.
                    let _unheard = run.controls.send(control).is_err();
                }
            }
            Effect::WriteReport(report) => self.write(move || files::report(&report)),
            Effect::WritePlan {
                form,
                plan,
                inspection,
                selection,
                options,
            } => self.write(move || {
                vec![files::plan(form, &plan, || {
                    PlanFile::new(&inspection, &selection, &options)
                })]
            }),
            Effect::SaveSelection {
                path,
                may_replace,
                inspection,
                selection,
            } => {
                let file = self.path(&path);
                let save =
                    move || files::selection(&file, may_replace, &inspection.catalog, &selection);
                let answers = self.answers.clone();
                self.tasks.spawn(async move {
                    let msg = match spawn_blocking(save).await {
                        Ok(Some((what, outcome))) => Msg::Written { what, outcome },
                        Ok(None) => Msg::SelectionExists { path },
                        Err(_) => return,
                    };
                    send(&answers, msg).await;
                });
            }
            Effect::LoadSelection {
                attempt,
                path,
                inspection,
            } => {
                let file = self.path(&path);
                let load = async move {
                    let read = move || files::loaded(&file, &inspection.catalog);
                    let crashed = |_| Err(crash::problem("Could not load the selection"));
                    spawn_blocking(read).await.unwrap_or_else(crashed)
                };
                self.ask(
                    attempt,
                    "Could not load the selection",
                    load,
                    move |outcome| Msg::SelectionLoaded { attempt, outcome },
                );
            }
            Effect::CopyText { .. }
            | Effect::CaptureMouse(_)
            | Effect::Bell
            | Effect::Notify(_)
            | Effect::Quit => {}
        }
    }

    /// Keeps track of what goes by on its way to the wizard.
    pub fn heard(&mut self, msg: &Msg) {
        // Ended tasks would otherwise be kept.
        while self.tasks.try_join_next().is_some() {}
        match msg {
            Msg::ConnectionTested { attempt, .. }
            | Msg::Inspected { attempt, .. }
            | Msg::Cleaned { attempt, .. }
            | Msg::Mended { attempt, .. }
            | Msg::Planned { attempt, .. }
            | Msg::SelectionLoaded { attempt, .. }
            | Msg::MethodsTimed { attempt, .. }
            | Msg::RehearsalPlanned { attempt, .. }
            | Msg::Peeked { attempt, .. } => {
                self.attempts.remove(attempt);
            }
            Msg::Run(RunEvent::Finished(_)) | Msg::Rehearsed(_) => self.run = None,
            Msg::Run(event) => {
                if let Some(run) = &mut self.run {
                    match event {
                        RunEvent::StepStarted(step) => {
                            run.running_steps.insert(*step);
                        }
                        RunEvent::StepFinished { step, .. }
                        | RunEvent::StepFailed { step, .. }
                        | RunEvent::StepUndecided { step, .. }
                        | RunEvent::StepSkipped { step, .. } => {
                            run.running_steps.remove(step);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// Rows and bytes so far of the steps now running.
    pub fn samples(&self) -> Vec<(StepId, u64, u64)> {
        let Some(run) = &self.run else {
            return Vec::new();
        };
        let sample = |step: &StepId| {
            let (rows, bytes) = run.progress.counter(*step)?.sample();
            Some((*step, rows, bytes))
        };
        run.running_steps.iter().filter_map(sample).collect()
    }

    pub fn is_running(&self) -> bool {
        self.run.is_some()
    }

    pub fn stop_run(&self, stop: Stop) {
        if let Some(run) = &self.run {
            run.stopper.stop(stop);
        }
    }

    /// The form may name another host or user than the one whose password was looked up at the start.
    fn with_password(&self, mut endpoint: Endpoint) -> Endpoint {
        for warning in fill_password(&mut endpoint, &self.environment) {
            tracing::warn!("{warning}");
        }
        endpoint
    }

    /// `~/` is the home directory, as shells have it.
    fn path(&self, typed: &str) -> PathBuf {
        match (typed.strip_prefix("~/"), &self.environment.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(typed),
        }
    }

    /// Runs a question as a task of its own that can be withdrawn, and sends its answer.
    fn ask<T: Send + 'static>(
        &mut self,
        attempt: u64,
        what: &'static str,
        question: impl Future<Output = Result<T, Problem>> + Send + 'static,
        answer: impl FnOnce(Result<T, Box<Problem>>) -> Msg + Send + 'static,
    ) {
        let answers = self.answers.clone();
        let task = self.tasks.spawn(async move {
            let question = AbortOnDropHandle::new(tokio::spawn(question));
            let outcome = question.await.unwrap_or_else(|_| Err(crash::problem(what)));
            send(&answers, answer(outcome.map_err(Box::new))).await;
        });
        self.attempts.insert(attempt, task);
    }

    fn write(&mut self, work: impl FnOnce() -> Vec<files::Written> + Send + 'static) {
        let answers = self.answers.clone();
        self.tasks.spawn(async move {
            for (what, outcome) in spawn_blocking(work).await.unwrap_or_default() {
                send(&answers, Msg::Written { what, outcome }).await;
            }
        });
    }
}

/// Nobody listens any more only when the wizard is being left.
pub(super) async fn send(answers: &Sender<Msg>, msg: Msg) {
    let _unheard = answers.send(msg).await;
}

async fn peek(
    source: Endpoint,
    inspection: Arc<Inspection>,
    table: usize,
    filter: Option<String>,
) -> Result<Peek, Problem> {
    let what = "Could not look at the rows";
    if let Some(reason) = filter
        .as_deref()
        .and_then(checks::filters::is_more_than_a_condition)
    {
        return Err(Problem::new(what, reason).hint("Correct the table's condition (w)."));
    }
    let table = inspection.catalog.tables.get(table);
    let table = table.ok_or_else(|| Problem::new(what, "the table is not known"))?;
    pg::peek::peek(
        &source,
        inspection.source.version_num,
        table,
        filter.as_deref(),
    )
    .await
}

async fn make_plan(
    source: Endpoint,
    inspection: Arc<Inspection>,
    selection: Arc<Selection>,
    options: Options,
) -> Result<Plan, Problem> {
    checks::filters::check(&source, &inspection, &selection).await?;
    spawn_blocking(move || planner::plan(&inspection, &selection, &options))
        .await
        .unwrap_or_else(|_| Err(crash::problem("Could not make the plan")))
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::model::connection::Side;
    use crate::model::problem::Field;
    use crate::settings::resolve;
    use std::time::Duration;
    use tokio::sync::mpsc::{self, Receiver};
    use tokio::time::timeout;

    fn effects() -> (Effects, Receiver<Msg>) {
        let (answers, messages) = mpsc::channel(8);
        (Effects::new(answers, Environment::default()), messages)
    }

    fn test_connection(attempt: u64, uri: &str) -> Effect {
        Effect::TestConnection {
            side: Side::Source,
            attempt,
            endpoint: Box::new(resolve(Some(uri), &Environment::default()).unwrap()),
            create_database: false,
        }
    }

    #[tokio::test]
    async fn a_question_is_answered_under_its_number() {
        let (mut effects, mut messages) = effects();
        effects.start(test_connection(7, "postgres://u@127.0.0.1:1/d"));
        let msg = messages.recv().await.unwrap();
        effects.heard(&msg);
        assert!(effects.attempts.is_empty());
        let Msg::ConnectionTested {
            attempt: 7,
            outcome: Err(problem),
            ..
        } = msg
        else {
            panic!("{msg:?}");
        };
        assert_eq!(problem.field, Some(Field::Port));
    }

    #[tokio::test]
    async fn a_withdrawn_question_gets_no_answer() {
        let (mut effects, mut messages) = effects();
        // Takes the connection and never says a word.
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = silent.local_addr().unwrap().port();
        effects.start(test_connection(
            1,
            &format!("postgres://u@127.0.0.1:{port}/d"),
        ));
        effects.start(Effect::Cancel { attempt: 1 });
        while effects.tasks.join_next().await.is_some() {}
        let waited = timeout(Duration::from_millis(50), messages.recv()).await;
        assert!(waited.is_err());
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let (mut effects, mut messages) = effects();
        let panics = async { panic!("broken") };
        effects.ask::<()>(1, "Could not try", panics, |outcome| Msg::Written {
            what: String::new(),
            outcome: outcome.map(|()| std::path::PathBuf::new()),
        });
        let Some(Msg::Written {
            outcome: Err(problem),
            ..
        }) = messages.recv().await
        else {
            panic!("no answer");
        };
        assert_eq!(problem.what, "Could not try");
    }
}
