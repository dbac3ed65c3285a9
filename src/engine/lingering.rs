//! Who is still connected to the source when all is carried: they would go on writing to the old database.

use std::time::Duration;

use tokio::time::timeout;

use crate::model::connection::Endpoint;
use crate::model::format;
use crate::model::name::printable;
use crate::model::problem::Problem;
use crate::pg::connect::connect;
use crate::pg::problem::problem;

const PATIENCE: Duration = Duration::from_secs(10);
const SESSIONS: &str = include_str!("../../assets/sql/lingering_sessions.sql");

/// `billing as app from 10.0.0.7 (3 sessions)`, those with the most sessions first.
pub(super) async fn sessions(source: &Endpoint) -> Result<Vec<String>, Problem> {
    let what = "Could not ask who is still connected to the source";
    let asked = async {
        let client = connect(source, "report").await?.client;
        let rows = client.query(SESSIONS, &[]).await;
        rows.map_err(|error| problem(what, &error))
    };
    let rows = timeout(PATIENCE, asked)
        .await
        .unwrap_or_else(|_| Err(Problem::new(what, "it did not answer in time")))?;
    let told = rows.iter().map(|row| {
        let [program, user, place] = [0, 1, 2].map(|column| {
            let text: String = row.get(column);
            printable(&text).into_owned()
        });
        let count = u64::try_from(row.get::<_, i64>(3)).unwrap_or(0);
        let count = format::counted(count, "session", "sessions");
        format!("{program} as {user} from {place} ({count})")
    });
    Ok(told.collect())
}
