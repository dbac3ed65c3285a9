//! Large objects, each read and written in chunks under its own number, all in the step's one transaction.

use std::sync::atomic::Ordering;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::model::catalog::Privilege;
use crate::model::event::Counter;
use crate::model::options::Options;
use crate::model::problem::Problem;
use crate::pg::problem::problem;
use crate::sql::large_objects::{self as sql, About};

/// Bytes per round trip.
const CHUNK_BYTES: i32 = 1 << 20;

/// Copies all; returns (objects, bytes).
pub(super) async fn copy(
    source: &Client,
    destination: &Client,
    options: &Options,
    replaces: bool,
    counter: &Counter,
) -> Result<(u64, u64), Problem> {
    let list = source
        .query(sql::LIST, &[])
        .await
        .map_err(|error| problem("Could not list the source's large objects", &error))?;
    let mut bytes = 0_u64;
    for row in &list {
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
        let description = sql::describe(&about, options);
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
