//! The pipe: `COPY … TO STDOUT` of one server into `COPY … FROM STDIN` of the other.
//!
//! Payloads are forwarded untouched; rows are never decoded. Back-pressure works both ways, and memory stays at a few
//! messages whatever the size of the table.

use std::pin::pin;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio_postgres::{Client, CopyInSink, Error};

use crate::model::connection::Side;
use crate::model::event::Counter;

/// What went over, as the destination counted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    pub rows: u64,
    pub bytes: u64,
}

/// Which side broke, and how.
#[derive(Debug)]
pub struct CopyError {
    pub side: Side,
    pub error: Error,
}

/// Streams one table. On an error of either side the destination's COPY is ended as failed, so that its transaction
/// cannot be committed by mistake.
pub async fn pipe(
    source: &Client,
    copy_out: &str,
    destination: &Client,
    copy_in: &str,
    counter: &Counter,
) -> Result<Copied, CopyError> {
    let from_source = |error| CopyError {
        side: Side::Source,
        error,
    };
    let from_destination = |error| CopyError {
        side: Side::Destination,
        error,
    };

    let stream = source.copy_out(copy_out).await.map_err(from_source)?;
    let sink: CopyInSink<Bytes> = destination
        .copy_in(copy_in)
        .await
        .map_err(from_destination)?;
    let mut stream = pin!(stream);
    let mut sink = pin!(sink);
    let mut bytes = 0_u64;
    while let Some(message) = stream.next().await {
        // One message is one row, in both formats; the binary header and trailer are corrected by the final count.
        let message = message.map_err(from_source)?;
        let length = message.len() as u64;
        if let Err(error) = sink.feed(message).await {
            // The channel closed because the server ended the COPY; its own words come with the end of it.
            return Err(from_destination(sink.finish().await.err().unwrap_or(error)));
        }
        bytes += length;
        counter.bytes.store(bytes, Ordering::Relaxed);
        counter.rows.fetch_add(1, Ordering::Relaxed);
    }
    let rows = sink.finish().await.map_err(from_destination)?;
    counter.rows.store(rows, Ordering::Relaxed);
    Ok(Copied { rows, bytes })
}
