//! Scratch databases of rehearsals: whether this role may make one, and those that a killed rehearsal has left.

use tokio_postgres::Client;

use crate::model::connection::Endpoint;
use crate::model::finding::{Finding, Fix, Level};
use crate::model::name::printable;
use crate::model::problem::Problem;
use crate::sql::{scratch, statements};

use super::{Facts, Purpose, ask, ask_bool, pinned};

/// Of the server of `endpoint`, whose own database need not be there.
fn maintenance(endpoint: &Endpoint) -> Endpoint {
    Endpoint {
        database: "postgres".to_owned(),
        ..endpoint.clone()
    }
}

/// Errors say what is missing, and how it is given.
pub async fn may_rehearse(destination: &Endpoint) -> Result<(), Problem> {
    let session = pinned(&maintenance(destination), &[]).await?;
    if ask_bool(&session.client, "rights", statements::MAY_CREATE_DATABASE).await? {
        return Ok(());
    }
    let user = &destination.user;
    Err(Problem::new(
        "Could not start the rehearsal",
        format!(
            "{} may not create a database on the destination server, and a rehearsal needs a scratch database",
            printable(user)
        ),
    )
    .hint(format!(
        "Let an administrator run: {} (and ALTER ROLE … NOCREATEDB afterwards, if you like).",
        scratch::let_create(user)
    )))
}

/// What dead rehearsals left on a server; those that are under way are not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scratches {
    pub names: Vec<String>,
    pub in_use: Vec<String>,
}

pub(super) async fn find(client: &Client) -> Result<Scratches, Problem> {
    let mut found = Scratches::default();
    for row in ask(client, "scratch databases", scratch::FIND).await? {
        let (name, sessions): (String, i64) = (row.get(0), row.get(1));
        if sessions == 0 {
            found.names.push(name);
        } else {
            found.in_use.push(name);
        }
    }
    Ok(found)
}

/// The same of the server of `destination`, and where they can be removed from: there, or, if that database is yet to be made,
/// from another one of its server.
pub async fn scratches_of(destination: &Endpoint) -> Result<(Scratches, Endpoint), Problem> {
    const NO_SUCH_DATABASE: &str = "3D000";
    let (session, reachable) = match pinned(destination, &[]).await {
        Err(problem) if problem.sqlstate.as_deref() == Some(NO_SUCH_DATABASE) => {
            let reachable = maintenance(destination);
            (pinned(&reachable, &[]).await?, reachable)
        }
        session => (session?, destination.clone()),
    };
    Ok((find(&session.client).await?, reachable))
}

impl Scratches {
    /// In order; refused by the server while somebody uses one.
    pub fn statements(&self) -> impl Iterator<Item = String> {
        self.names.iter().map(|name| scratch::drop_unused(name))
    }
}

/// They are in nobody's way, so this is no more than a warning.
pub(super) fn check(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    let found = facts.scratches.clone()?;
    if found.names.is_empty() {
        return Ok(vec![Finding::fine("None is left")]);
    }
    let fix: Vec<String> = found.statements().map(|sql| format!("{sql};")).collect();
    Ok(vec![
        Finding::new(
            Level::Warning,
            "A rehearsal of howdah left its scratch database behind",
            format!(
                "The rehearsal was killed before it could remove the database, which holds only copies of rows; {} removes it, with the statement below.",
                match facts.purpose {
                    Purpose::Wizard => "c",
                    _ => "howdah clean",
                }
            ),
        )
        .objects(found.names)
        .fix(
            Fix::on_destination(fix, "its owner", true)
                .left_to_you("This drops a database, which howdah never does from here. howdah clean does, after asking; or copy the statement (y)."),
        ),
    ])
}
