//! Looks at the sessions of running steps from outside, about once a second: what they wait for, how far index builds are.
//!
//! For the eyes alone: nothing depends on it, and where it cannot look, the run goes on without.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_util::task::AbortOnDropHandle;

use crate::model::activity::{Activity, Build, Wait};
use crate::model::connection::{Endpoint, Side};
use crate::model::feature::Feature;
use crate::model::plan::StepId;
use crate::model::problem::Problem;
use crate::pg::connect::connect;
use crate::pg::problem::problem;

const INTERVAL: Duration = Duration::from_secs(1);
/// A server that takes longer to say what it does is left alone.
const PATIENCE: Duration = Duration::from_secs(10);
/// Looks in vain after which a side is not asked any more.
const MOST_FAILURES: u32 = 3;

const ACTIVITY: &str = include_str!("../../assets/sql/activity.sql");
const ACTIVITY_10: &str = include_str!("../../assets/sql/activity_10.sql");

/// Which step each busy session works for.
#[derive(Debug, Default)]
pub(super) struct Backends(Mutex<HashMap<(Side, i32), StepId>>);

impl Backends {
    pub(super) fn begin(&self, side: Side, pid: i32, step: StepId) {
        self.all().insert((side, pid), step);
    }

    pub(super) fn end(&self, side: Side, pid: i32) {
        self.all().remove(&(side, pid));
    }

    fn of(&self, side: Side) -> HashMap<i32, StepId> {
        let all = self.all();
        let of_side = all.iter().filter(|((one, _), _)| *one == side);
        of_side.map(|((_, pid), step)| (*pid, *step)).collect()
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<(Side, i32), StepId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The monitoring session on one side, opened when there is something to look at.
struct Watcher {
    side: Side,
    endpoint: Endpoint,
    settings: String,
    session: Option<(Client, &'static str)>,
    failures: u32,
}

impl Watcher {
    async fn look(&mut self, backends: &Backends) -> Vec<Activity> {
        let steps = backends.of(self.side);
        if steps.is_empty() || self.failures >= MOST_FAILURES {
            return Vec::new();
        }
        let outcome = timeout(PATIENCE, self.ask(&steps)).await;
        let outcome = outcome.unwrap_or_else(|_| {
            Err(Problem::new(
                "Could not look at the sessions",
                format!("the {} did not answer in time", self.side),
            ))
        });
        outcome.unwrap_or_else(|problem| {
            tracing::info!("{problem}");
            self.session = None;
            self.failures += 1;
            Vec::new()
        })
    }

    async fn ask(&mut self, steps: &HashMap<i32, StepId>) -> Result<Vec<Activity>, Problem> {
        let what = format!("Could not look at the sessions on the {}", self.side);
        let (client, query) = match self.session.take() {
            Some(session) => session,
            None => self.open().await?,
        };
        let pids: Vec<i32> = steps.keys().copied().collect();
        let rows = client
            .query(query, &[&pids])
            .await
            .map_err(|error| problem(what, &error))?;
        self.session = Some((client, query));
        let activity = rows.iter().filter_map(|row| {
            let phase: String = row.get(4);
            let count = |column: usize| u64::try_from(row.get::<_, i64>(column)).unwrap_or(0);
            Some(Activity {
                step: *steps.get(&row.get(0))?,
                side: self.side,
                wait: Wait::of(row.get(1), row.get(2), row.get(3)),
                build: (!phase.is_empty()).then(|| Build {
                    phase,
                    done: count(5),
                    total: count(6),
                }),
            })
        });
        Ok(activity.collect())
    }

    async fn open(&self) -> Result<(Client, &'static str), Problem> {
        let what = format!("Could not open a session to watch the {}", self.side);
        let client = connect(&self.endpoint, "monitor").await?.client;
        client
            .batch_execute(&self.settings)
            .await
            .map_err(|error| problem(what.clone(), &error))?;
        let version = client
            .query_one("select current_setting('server_version_num')::int", &[])
            .await
            .map_err(|error| problem(what, &error))?;
        let version = u32::try_from(version.get::<_, i32>(0)).unwrap_or(0);
        let query = if Feature::IndexProgress.is_in(version) {
            ACTIVITY
        } else {
            ACTIVITY_10
        };
        Ok((client, query))
    }
}

/// Not yet watching: whoever has eyes for it says so.
#[derive(Debug)]
pub struct Monitor {
    pub(super) backends: Arc<Backends>,
    /// Source and destination, with the settings that their sessions are pinned to.
    pub(super) sides: [(Side, Endpoint, Vec<String>); 2],
}

/// What is seen, for as long as this is kept.
#[derive(Debug)]
pub struct Sight {
    seen: watch::Receiver<Vec<Activity>>,
    _watching: AbortOnDropHandle<Infallible>,
}

impl Sight {
    /// Waits until the servers have something else to tell.
    pub async fn next(&mut self) -> Vec<Activity> {
        if self.seen.changed().await.is_err() {
            // Nobody looks any more: there is nothing to come.
            return std::future::pending().await;
        }
        self.seen.borrow_and_update().clone()
    }
}

impl Monitor {
    pub fn start(self) -> Sight {
        let (seen_in, seen) = watch::channel(Vec::new());
        let watching = tokio::spawn(watch(self, seen_in));
        Sight {
            seen,
            _watching: AbortOnDropHandle::new(watching),
        }
    }
}

/// The first look waits, so that what is done in a moment costs no connection.
async fn watch(monitor: Monitor, seen: watch::Sender<Vec<Activity>>) -> Infallible {
    let mut watchers = monitor.sides.map(|(side, endpoint, settings)| Watcher {
        side,
        endpoint,
        settings: settings.join(";\n"),
        session: None,
        failures: 0,
    });
    loop {
        tokio::time::sleep(INTERVAL).await;
        let [source, destination] = &mut watchers;
        let (mut activity, more) = tokio::join!(
            source.look(&monitor.backends),
            destination.look(&monitor.backends)
        );
        activity.extend(more);
        activity.sort_by_key(|one| (one.step, one.side));
        seen.send_if_modified(|before| {
            let is_news = *before != activity;
            *before = activity;
            is_news
        });
    }
}
