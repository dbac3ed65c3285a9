//! Reads a table's first rows in a session that can neither write nor take long.

use tokio_postgres::SimpleQueryMessage;

use crate::model::catalog::Table;
use crate::model::connection::Endpoint;
use crate::model::peek::Peek;
use crate::model::problem::Problem;
use crate::sql::{peek, settings};

use super::connect::connect;
use super::problem::problem;

/// `filter` is a whole condition (see `checks::filters`).
pub async fn peek(
    source: &Endpoint,
    version_num: u32,
    table: &Table,
    filter: Option<&str>,
) -> Result<Peek, Problem> {
    let what = format!("Could not look at the rows of {}", table.name);
    let client = connect(source, "peek").await?.client;
    let mut pinned = settings::source(version_num);
    pinned.push(peek::patience());
    client
        .batch_execute(&pinned.join(";\n"))
        .await
        .map_err(|error| problem(what.clone(), &error))?;
    let messages = client
        .simple_query(&peek::first_rows(table, filter))
        .await
        .map_err(|error| problem(what, &error))?;
    let count = table.columns.len();
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    Ok(Peek {
        columns: table
            .columns
            .iter()
            .map(|one| one.name.to_string())
            .collect(),
        rows: rows
            .map(|row| {
                let cells = (0..count).map(|at| row.get(at).map(ToOwned::to_owned));
                cells.collect()
            })
            .collect(),
    })
}
