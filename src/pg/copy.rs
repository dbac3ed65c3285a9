//! The pipe: `COPY … TO STDOUT` of one server into `COPY … FROM STDIN` of the other.
//!
//! The frames go from tap to tap below the driver; rows are never decoded. Back-pressure works both ways, and memory stays at a
//! few stretches of frames whatever the size of the table or of a row.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::oneshot::error::TryRecvError;
use tokio_postgres::{Client, CopyInSink, Error};

use crate::model::connection::Side;
use crate::model::event::Counter;

use super::tap::{self, Passed, Tap};

/// How often the counter is brought up to date.
const COUNTING: Duration = Duration::from_millis(50);

/// One end of the pipe: a session and the tap on its stream.
#[derive(Clone, Copy)]
pub struct End<'a> {
    pub client: &'a Client,
    pub tap: &'a Tap,
    /// The COPY.
    pub sql: &'a str,
}

/// What went over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// As the source's command tag tells.
    pub source_rows: u64,
    /// As the destination's command tag tells.
    pub rows: u64,
    /// Payload.
    pub bytes: u64,
}

/// Which side broke, and how.
#[derive(Debug)]
pub struct CopyError {
    pub side: Side,
    /// None when it ended too early without a word.
    pub error: Option<Error>,
}

fn from_source(error: Error) -> CopyError {
    CopyError {
        side: Side::Source,
        error: Some(error),
    }
}

fn from_destination(error: Error) -> CopyError {
    CopyError {
        side: Side::Destination,
        error: Some(error),
    }
}

/// Streams one table. On an error of either side the destination's COPY is ended as failed, so that its transaction
/// cannot be committed by mistake; after one of the destination the source's session is lost, for it would otherwise have to be
/// read to the table's end.
pub async fn pipe(
    source: End<'_>,
    destination: End<'_>,
    counter: &Counter,
) -> Result<Copied, CopyError> {
    let sink: CopyInSink<Bytes> = destination
        .client
        .copy_in(destination.sql)
        .await
        .map_err(from_destination)?;
    let mut sink = pin!(sink);
    let passed = Arc::new(Passed::default());
    let (sender, receiver) = tap::channel();
    let mut whether_all = destination.tap.inject(receiver);
    source.tap.divert(sender, Arc::clone(&passed));
    let stream = source
        .client
        .copy_out(source.sql)
        .await
        .map_err(from_source)?;
    let mut stream = pin!(stream);

    let mut counting = tokio::time::interval(COUNTING);
    let mut is_all: Option<bool> = None;
    // The driver sees only the end of it.
    loop {
        tokio::select! {
            end = stream.next() => match end {
                None => break,
                Some(Err(error)) => {
                    // The source's session also ends when the destination takes no more: then that is the reason.
                    let is_refused = match is_all {
                        Some(is_all) => !is_all,
                        None => matches!(whether_all.try_recv(), Ok(false) | Err(TryRecvError::Closed)),
                    };
                    if !is_refused {
                        return Err(from_source(error));
                    }
                    is_all = Some(false);
                    break;
                }
                Some(Ok(_)) => return Err(CopyError { side: Side::Source, error: None }),
            },
            all = &mut whether_all, if is_all.is_none() => {
                is_all = Some(all.unwrap_or(false));
                if is_all == Some(false) {
                    break;
                }
            }
            _ = counting.tick() => show(&passed, counter),
        }
    }
    let is_all = match is_all {
        Some(is_all) => is_all,
        None => whether_all.await.unwrap_or(false),
    };
    show(&passed, counter);
    // What it has refused, the server says at the end.
    let finished = sink.as_mut().finish().await;
    match finished {
        Ok(rows) if is_all => {
            counter.rows.store(rows, Ordering::Relaxed);
            Ok(Copied {
                source_rows: passed.rows.load(Ordering::Relaxed),
                rows,
                bytes: passed.bytes.load(Ordering::Relaxed),
            })
        }
        Ok(_) => Err(CopyError {
            side: Side::Destination,
            error: None,
        }),
        Err(error) => Err(from_destination(error)),
    }
}

fn show(passed: &Passed, counter: &Counter) {
    let bytes = passed.bytes.load(Ordering::Relaxed);
    counter.rows.store(passed.rows_so_far(), Ordering::Relaxed);
    counter.bytes.store(bytes, Ordering::Relaxed);
}
