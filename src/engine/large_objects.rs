//! Large objects, each read and written in chunks under its own number. So many at a time are a transaction that the server has
//! room for their locks; the last of them is the step's own.

use std::sync::atomic::Ordering;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::model::catalog::Privilege;
use crate::model::event::Counter;
use crate::model::options::Options;
use crate::model::problem::Problem;
use crate::pg::problem::problem;
use crate::sql::large_objects::{self as sql, About};
use crate::sql::statements;

/// Bytes per round trip.
const CHUNK_BYTES: i32 = 1 << 20;

/// What may be there already.
#[derive(Clone, Copy)]
pub(super) struct Before {
    /// All there are come from the run that this one goes on with.
    pub(super) all_ours: bool,
    /// Those of the same numbers are replaced.
    pub(super) replaces: bool,
}

/// Copies all; returns (objects, bytes).
pub(super) async fn copy(
    source: &Client,
    destination: &Client,
    options: &Options,
    before: Before,
    counter: &Counter,
) -> Result<(u64, u64), Problem> {
    let row = destination
        .query_typed_one(sql::BEGIN, &[])
        .await
        .map_err(|error| problem("Could not begin to copy large objects", &error))?;
    let maker: String = row.get(0);
    // Some may have come before this step was broken off.
    let replaces = before.replaces || row.get(1);
    if before.all_ours {
        unlink_all(destination).await?;
    }
    let list = source
        .query(sql::LIST, &[])
        .await
        .map_err(|error| problem("Could not list the source's large objects", &error))?;
    let mut bytes = 0_u64;
    for (at, row) in list.iter().enumerate() {
        if at > 0 && at % sql::BATCH == 0 {
            destination
                .batch_execute(sql::BEGUN)
                .await
                .map_err(|error| problem("Could not write the journal", &error))?;
            next_transaction(destination).await?;
        }
        let about = about(row);
        let oid = about.oid;
        let failed = |side: &str| format!("Could not {side} large object {oid}");
        if replaces {
            destination
                .query_typed(sql::UNLINK, &[(&oid, Type::OID)])
                .await
                .map_err(|error| problem(failed("replace"), &error))?;
        }
        destination
            .query_typed(sql::CREATE, &[(&oid, Type::OID)])
            .await
            .map_err(|error| problem(failed("create"), &error))?;
        let mut offset = 0_i64;
        loop {
            let chunk = source
                .query_typed(
                    sql::READ,
                    &[
                        (&oid, Type::OID),
                        (&offset, Type::INT8),
                        (&CHUNK_BYTES, Type::INT4),
                    ],
                )
                .await
                .map_err(|error| problem(failed("read"), &error))?;
            let chunk: &[u8] = chunk.first().map_or(&[][..], |row| row.get(0));
            if chunk.is_empty() {
                break;
            }
            destination
                .query_typed(
                    sql::WRITE,
                    &[
                        (&oid, Type::OID),
                        (&offset, Type::INT8),
                        (&chunk, Type::BYTEA),
                    ],
                )
                .await
                .map_err(|error| problem(failed("write"), &error))?;
            bytes += chunk.len() as u64;
            offset += i64::try_from(chunk.len()).unwrap_or(i64::MAX);
            counter.bytes.store(bytes, Ordering::Relaxed);
        }
        let description = sql::describe(&about, &maker, options);
        if !description.is_empty() {
            destination
                .batch_execute(&description.join(";\n"))
                .await
                .map_err(|error| problem(failed("describe"), &error))?;
        }
        counter.rows.fetch_add(1, Ordering::Relaxed);
    }
    Ok((list.len() as u64, bytes))
}

async fn unlink_all(destination: &Client) -> Result<(), Problem> {
    loop {
        let removed = destination.query_typed_one(sql::UNLINK_ALL, &[]).await;
        let removed = removed
            .map_err(|error| problem("Could not remove large objects of an earlier run", &error))?;
        if removed.get::<_, i64>(0) == 0 {
            return Ok(());
        }
        next_transaction(destination).await?;
    }
}

async fn next_transaction(destination: &Client) -> Result<(), Problem> {
    for sql in [statements::COMMIT, statements::BEGIN] {
        destination
            .batch_execute(sql)
            .await
            .map_err(|error| problem("Could not commit large objects", &error))?;
    }
    Ok(())
}

fn about(row: &Row) -> About {
    let privileges = || {
        let grantors: Vec<String> = row.get(4);
        // Aggregates over nothing are null.
        let grantees: Option<Vec<Option<String>>> = row.get(5);
        let names: Option<Vec<String>> = row.get(6);
        let grantable: Option<Vec<bool>> = row.get(7);
        grantors
            .into_iter()
            .zip(grantees.unwrap_or_default())
            .zip(names.unwrap_or_default())
            .zip(grantable.unwrap_or_default())
            .map(
                |(((grantor, grantee), privilege), is_grantable)| Privilege {
                    grantor,
                    grantee,
                    privilege,
                    is_grantable,
                },
            )
            .collect()
    };
    About {
        oid: row.get(0),
        owner: row.get(1),
        comment: row.get(2),
        privileges: row.get::<_, bool>(3).then(privileges),
    }
}
