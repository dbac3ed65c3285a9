//! Large objects, each read and written in chunks under its own number, all in the step's one transaction.

use std::sync::atomic::Ordering;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::model::event::Counter;
use crate::model::options::{Keep, OnExisting, Options};
use crate::model::problem::Problem;
use crate::pg::problem::problem;
use crate::sql::statements;

/// Bytes per round trip.
const CHUNK_BYTES: i32 = 1 << 20;

/// Copies all; returns (objects, bytes).
pub(super) async fn copy(
    source: &Client,
    destination: &Client,
    options: &Options,
    counter: &Counter,
) -> Result<(u64, u64), Problem> {
    let list = source
        .query(statements::LIST_LARGE_OBJECTS, &[])
        .await
        .map_err(|error| problem("Could not list the source's large objects", &error))?;
    let mut bytes = 0_u64;
    for row in &list {
        let (oid, owner, comment): (u32, String, Option<String>) =
            (row.get(0), row.get(1), row.get(2));
        let failed = |side: &str| format!("Could not {side} large object {oid}");
        if options.on_existing == OnExisting::Empty {
            destination
                .query_typed(statements::UNLINK_LARGE_OBJECT, &[(&oid, Type::OID)])
                .await
                .map_err(|error| problem(failed("replace"), &error))?;
        }
        destination
            .query_typed(statements::CREATE_LARGE_OBJECT, &[(&oid, Type::OID)])
            .await
            .map_err(|error| problem(failed("create"), &error))?;
        let mut offset = 0_i64;
        loop {
            let chunk = source
                .query_typed(
                    statements::READ_LARGE_OBJECT,
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
                    statements::WRITE_LARGE_OBJECT,
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
        let mut about = Vec::new();
        if options.owners == Keep::Keep {
            about.push(statements::own_large_object(
                oid,
                options.role_map.map_role(&owner),
            ));
        }
        about.extend(comment.map(|comment| statements::comment_large_object(oid, &comment)));
        for sql in about {
            destination
                .batch_execute(&sql)
                .await
                .map_err(|error| problem(failed("describe"), &error))?;
        }
        counter.rows.fetch_add(1, Ordering::Relaxed);
    }
    Ok((list.len() as u64, bytes))
}
