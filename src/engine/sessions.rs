//! The sessions of a run: opened when first needed, pinned, reused, given up after an error.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_postgres::Client;

use crate::model::connection::{Endpoint, Side};
use crate::model::plan::{Plan, Session};
use crate::model::problem::{Problem, Retry};
use crate::pg::connect::{Canceller, Ending, Notice, Tap, connect};
use crate::pg::problem::problem;
use crate::sql::statements;

use super::retry;

/// One open session of the given kind.
pub(super) struct Open {
    pub(super) kind: Session,
    pub(super) client: Client,
    pub(super) canceller: Canceller,
    pub(super) ending: Ending,
    pub(super) tap: Tap,
    /// Its server process, and since when that is there.
    pub(super) pid: i32,
    pub(super) since: String,
    notices: tokio::sync::mpsc::UnboundedReceiver<Notice>,
}

impl Open {
    /// What the server has said meanwhile.
    pub(super) fn take_notices(&mut self) -> Vec<Notice> {
        std::iter::from_fn(|| self.notices.try_recv().ok()).collect()
    }
}

/// Idle sessions by kind, and what is needed to open more.
pub(super) struct Sessions {
    plan: Arc<Plan>,
    source: Endpoint,
    destination: Endpoint,
    idle: Mutex<HashMap<Session, Vec<Open>>>,
    snapshot: Mutex<Option<String>>,
    /// A session on the destination was lost: its server may have crashed, and forgotten what it had confirmed last.
    is_suspect: AtomicBool,
}

impl Sessions {
    pub(super) fn new(plan: Arc<Plan>, source: Endpoint, destination: Endpoint) -> Self {
        Self {
            plan,
            source,
            destination,
            idle: Mutex::default(),
            snapshot: Mutex::default(),
            is_suspect: AtomicBool::new(false),
        }
    }

    pub(super) fn is_suspect(&self) -> bool {
        self.is_suspect.load(Ordering::Relaxed)
    }

    pub(super) fn suspect(&self, is_suspect: bool) {
        self.is_suspect.store(is_suspect, Ordering::Relaxed);
    }

    pub(super) fn source(&self) -> &Endpoint {
        &self.source
    }

    pub(super) fn destination(&self) -> &Endpoint {
        &self.destination
    }

    /// Names the snapshot that source sessions join from now on.
    pub(super) fn set_snapshot(&self, id: String) {
        *self.snapshot.lock().unwrap_or_else(PoisonError::into_inner) = Some(id);
    }

    /// An idle session of this kind, or, if `may_open`, a new one.
    pub(super) async fn take(&self, kind: Session, may_open: bool) -> Result<Open, Problem> {
        let idle = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.get_mut(&kind).and_then(Vec::pop)
        };
        if kind == Session::Destination {
            let is_lost = idle.as_ref().is_some_and(|open| open.client.is_closed());
            self.is_suspect.fetch_or(is_lost, Ordering::Relaxed);
            if self.is_suspect() {
                return Err(Problem {
                    retry: Retry::MayPass,
                    ..Problem::new(
                        "Could not continue a session on the destination",
                        "its connection was lost",
                    )
                });
            }
        }
        match idle {
            Some(open) if !open.client.is_closed() => Ok(open),
            _ if may_open => self.open(kind).await,
            _ => Err(Problem {
                // What the last transaction holds can be made again.
                retry: match kind {
                    Session::Last => Retry::MayPass,
                    _ => Retry::AfterFix,
                },
                ..Problem::new(
                    format!("Could not continue a session on the {}", kind.side()),
                    "its connection was lost, and with it what it had begun",
                )
                .hint(retry::GO_ON)
            }),
        }
    }

    pub(super) fn give_back(&self, open: Open) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.entry(open.kind).or_default().push(open);
    }

    /// The session that exported the snapshot is there: as long as it is, others can join.
    pub(super) fn holds_snapshot(&self) -> bool {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut held = idle.get(&Session::Coordinator).into_iter().flatten();
        held.any(|open| !open.client.is_closed())
    }

    /// Closes the idle sessions that `gone` says so of.
    pub(super) fn close(&self, gone: impl Fn(Session) -> bool) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|kind, _| !gone(*kind));
    }

    pub(super) async fn open(&self, kind: Session) -> Result<Open, Problem> {
        // Tells whose scratch database is under way before anything is connected to it.
        let maintenance = format!("for {}", self.destination.database);
        let (endpoint, settings, purpose) = match kind {
            Session::Coordinator => (self.source.clone(), &self.plan.source_settings, "snapshot"),
            Session::Source | Session::SourceNow => {
                (self.source.clone(), &self.plan.source_settings, "read")
            }
            Session::Destination | Session::Last => (
                self.destination.clone(),
                &self.plan.destination_settings,
                "write",
            ),
            Session::Fdw(_) => (
                self.destination.clone(),
                &self.plan.destination_settings,
                "fdw",
            ),
            Session::Maintenance => {
                let endpoint = Endpoint {
                    database: "postgres".to_owned(),
                    ..self.destination.clone()
                };
                (endpoint, &self.plan.destination_settings, &*maintenance)
            }
        };
        let connected = connect(&endpoint, purpose).await?;
        let pin = settings.join(";\n");
        let what = match kind.side() {
            Side::Source => "Could not prepare a session on the source",
            Side::Destination => "Could not prepare a session on the destination",
        };
        connected
            .client
            .batch_execute(&pin)
            .await
            .map_err(|error| problem(what, &error))?;
        let row = connected
            .client
            .query_one(statements::WHICH_BACKEND, &[])
            .await
            .map_err(|error| problem(what, &error))?;
        let (pid, since) = (row.get(0), row.get(1));
        if kind == Session::Source {
            let snapshot = self
                .snapshot
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let Some(snapshot) = snapshot else {
                return Err(Problem::new(what, "the source's snapshot is not open"));
            };
            let join = format!(
                "{};\n{}",
                statements::BEGIN_SNAPSHOT,
                statements::import_snapshot(&snapshot)
            );
            connected.client.batch_execute(&join).await.map_err(|error| {
                problem("Could not join the source's snapshot", &error).hint(
                    "Connect to one server directly: behind a load balancer each session may reach another one.",
                )
            })?;
        }
        Ok(Open {
            kind,
            client: connected.client,
            canceller: connected.canceller,
            ending: connected.ending,
            tap: connected.tap,
            pid,
            since,
            notices: connected.notices,
        })
    }
}
