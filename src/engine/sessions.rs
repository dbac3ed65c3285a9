//! The sessions of a run: opened when first needed, pinned, reused, given up after an error.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_postgres::Client;

use crate::model::connection::{Endpoint, Side};
use crate::model::plan::{Plan, Session};
use crate::model::problem::Problem;
use crate::pg::connect::{Canceller, Ending, Notice, Tap, connect};
use crate::pg::problem::problem;
use crate::sql::statements;

/// One open session of the given kind.
pub(super) struct Open {
    pub(super) kind: Session,
    pub(super) client: Client,
    pub(super) canceller: Canceller,
    pub(super) ending: Ending,
    pub(super) tap: Tap,
    /// Its server process.
    pub(super) pid: i32,
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
}

impl Sessions {
    pub(super) fn new(plan: Arc<Plan>, source: Endpoint, destination: Endpoint) -> Self {
        Self {
            plan,
            source,
            destination,
            idle: Mutex::default(),
            snapshot: Mutex::default(),
        }
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
        match idle {
            Some(open) if !open.client.is_closed() => Ok(open),
            _ if may_open => self.open(kind).await,
            _ => Err(Problem::new(
                format!("Could not go on with a session on the {}", kind.side()),
                "its connection was lost, and with it what it had begun",
            )),
        }
    }

    pub(super) fn give_back(&self, open: Open) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.entry(open.kind).or_default().push(open);
    }

    /// Closes the idle sessions that `gone` says so of.
    pub(super) fn close(&self, gone: impl Fn(Session) -> bool) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|kind, _| !gone(*kind));
    }

    async fn open(&self, kind: Session) -> Result<Open, Problem> {
        // Tells whose scratch database is under way before anything is connected to it.
        let maintenance = format!("for {}", self.destination.database);
        let (endpoint, settings, purpose) = match kind {
            Session::Coordinator => (self.source.clone(), &self.plan.source_settings, "snapshot"),
            Session::Source | Session::SourceNow => {
                (self.source.clone(), &self.plan.source_settings, "read")
            }
            Session::Destination => (
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
            .query_one(statements::BACKEND_PID, &[])
            .await
            .map_err(|error| problem(what, &error))?;
        let pid = row.get(0);
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
            notices: connected.notices,
        })
    }
}
