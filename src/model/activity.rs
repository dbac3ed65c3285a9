//! What the sessions of a running step do, as their servers tell it about once a second.

use super::connection::Side;
use super::plan::StepId;

/// One session of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    pub step: StepId,
    pub side: Side,
    pub wait: Wait,
    /// How far an index build is.
    pub build: Option<Build>,
}

/// `wait_event_type` and `wait_event`, sorted by what they mean to a person (manual, "Wait Events").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// For nothing: it computes.
    None,
    /// For a lock that others hold; who they are, as far as this role may know.
    Lock(Vec<String>),
    /// For the program on the other end to send.
    ToReceive,
    /// For the program on the other end to take what is there.
    ToSend,
    /// For files: tables and indexes, or temporary ones.
    Disk,
    /// For the write-ahead log.
    Wal,
    /// For another server, by an extension such as postgres_fdw.
    OtherServer,
    /// For something inside of the server, under its own name.
    Other(String),
}

impl Wait {
    pub fn of(kind: &str, event: &str, holders: Vec<String>) -> Self {
        match (kind, event) {
            ("", _) => Self::None,
            ("Lock", _) => Self::Lock(holders),
            ("Client", "ClientRead") => Self::ToReceive,
            ("Client", "ClientWrite") => Self::ToSend,
            ("Client" | "Extension", _) => Self::OtherServer,
            (_, event) if event.to_ascii_uppercase().contains("WAL") => Self::Wal,
            ("IO", _) => Self::Disk,
            (_, event) => Self::Other(event.to_owned()),
        }
    }
}

/// `pg_stat_progress_create_index`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    pub phase: String,
    pub done: u64,
    /// 0 when the phase has no measure.
    pub total: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_mean_what_people_can_act_on() {
        let wait = |kind: &str, event: &str| Wait::of(kind, event, Vec::new());
        assert_eq!(wait("", ""), Wait::None);
        assert_eq!(wait("Client", "ClientWrite"), Wait::ToSend);
        assert_eq!(wait("IO", "DataFileRead"), Wait::Disk);
        assert_eq!(wait("IO", "WALSync"), Wait::Wal);
        assert_eq!(wait("LWLock", "WalInsert"), Wait::Wal);
        assert_eq!(wait("Extension", "PostgresFdwGetResult"), Wait::OtherServer);
        assert_eq!(
            wait("IPC", "ParallelFinish"),
            Wait::Other("ParallelFinish".into())
        );
    }
}
