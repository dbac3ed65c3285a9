//! Whether the sessions that an endpoint gives are sessions of one server, each with a process of its own.
//!
//! A pooler that lends a process for each transaction loses what a session has set, and so would lose snapshots and locks; an
//! address that stands for several servers gives each session another state of the data.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::model::connection::Endpoint;
use crate::model::problem::Problem;

use super::connect::connect;
use super::problem::problem;

const IDENTITY: &str = include_str!("../../assets/sql/session_identity.sql");

/// Enough for an address of two servers that takes turns.
const SESSIONS: usize = 3;
/// Each is asked as often; a pooler may lend the same process twice by chance.
const ROUNDS: usize = 2;
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Footing {
    Direct,
    /// Sessions share processes.
    Pooled,
    /// Different servers answer, described.
    Several(Vec<String>),
}

/// Opens some sessions side by side and asks each, over and over, who it is.
pub async fn footing(endpoint: &Endpoint) -> Result<Footing, Problem> {
    match timeout(PATIENCE, Box::pin(ask_all(endpoint))).await {
        Ok(found) => found,
        Err(_) => Err(Problem::new(
            WHAT,
            format!("{SESSIONS} sessions side by side got no answer in time"),
        )
        .hint("A pooler with a small pool makes them wait; connect to the server's own port.")),
    }
}

const WHAT: &str = "Could not see whether all sessions reach the same server";

async fn ask_all(endpoint: &Endpoint) -> Result<Footing, Problem> {
    let mut sessions = Vec::with_capacity(SESSIONS);
    for _ in 0..SESSIONS {
        sessions.push(Box::pin(connect(endpoint, "check")).await?.client);
    }
    let mut first: Vec<(String, String)> = Vec::new();
    let mut servers = BTreeSet::new();
    let mut is_pooled = false;
    for _ in 0..ROUNDS {
        for (at, client) in sessions.iter().enumerate() {
            let identity = identity(client).await?;
            servers.insert(identity.1.clone());
            if let Some(before) = first.get(at) {
                is_pooled |= *before != identity;
            } else {
                is_pooled |= first.contains(&identity);
                first.push(identity);
            }
        }
    }
    Ok(if servers.len() > 1 {
        Footing::Several(servers.into_iter().collect())
    } else if is_pooled {
        Footing::Pooled
    } else {
        Footing::Direct
    })
}

/// Process and server, by the simple protocol: such a pooler need not know prepared statements.
async fn identity(client: &Client) -> Result<(String, String), Problem> {
    let messages = client
        .simple_query(IDENTITY)
        .await
        .map_err(|error| problem(WHAT, &error))?;
    let row = messages.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let text = |at| {
        let value = row.as_ref().and_then(|row| row.try_get(at).ok().flatten());
        value.unwrap_or_default().to_owned()
    };
    Ok((text(0), text(1)))
}
