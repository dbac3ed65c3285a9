//! SIGINT, SIGTERM and SIGHUP as one stream of wishes to stop.
//!
//! It decides nothing: what a signal means is up to whoever listens.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens from its creation on. A signal that cannot be listened to keeps its usual meaning: the process ends.
#[derive(Debug)]
pub struct Signals {
    all: Vec<Signal>,
}

impl Signals {
    pub fn listen() -> Self {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        Self {
            all: kinds
                .into_iter()
                .filter_map(|kind| signal(kind).ok())
                .collect(),
        }
    }

    /// Resolves at the next signal.
    pub async fn next(&mut self) {
        if self.all.is_empty() {
            return std::future::pending().await;
        }
        let waits = self.all.iter_mut().map(|signal| Box::pin(signal.recv()));
        let _which = futures_util::future::select_all(waits).await;
    }
}
