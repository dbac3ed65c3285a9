//! The faults, and how each is brought about while a run stands still.

use howdah::demo::cluster::Cluster;
use howdah::model::connection::{Endpoint, Side};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::moment::Moment;
use crate::support;
use crate::world::{World, text_of, until};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    Kill,
    DiskFull,
    SourceStop,
    DestinationStop,
    SourceBackend,
    DestinationBackend,
    NetworkCut,
    CtrlC,
    CtrlCTwice,
    Terminate,
    HangUp,
    Panic,
}

/// A session of the run, the one at work before those that wait. The foreign server's are the source's sessions of FDW.
const SESSION: &str = "select pid from pg_stat_activity where backend_type = 'client backend'
    and (application_name like 'howdah %' or application_name = 'postgres_fdw')
    order by application_name = 'howdah snapshot', wait_event_type is distinct from 'Lock', state = 'idle',
      backend_xmin is null, state_change desc limit 1";

impl Fault {
    pub(crate) const ALL: [Self; 12] = [
        Self::Kill,
        Self::DiskFull,
        Self::SourceStop,
        Self::DestinationStop,
        Self::SourceBackend,
        Self::DestinationBackend,
        Self::NetworkCut,
        Self::CtrlC,
        Self::CtrlCTwice,
        Self::Terminate,
        Self::HangUp,
        Self::Panic,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kill => "howdah killed (-9)",
            Self::SourceStop => "source stopped (immediate)",
            Self::DestinationStop => "destination stopped (immediate)",
            Self::SourceBackend => "source session terminated",
            Self::DestinationBackend => "destination session terminated",
            Self::NetworkCut => "network cut without FIN",
            Self::DiskFull => "destination's disk full",
            Self::CtrlC => "Ctrl-C once",
            Self::CtrlCTwice => "Ctrl-C twice",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "terminal closed (SIGHUP)",
            Self::Panic => "panic in a worker",
        }
    }

    /// Why the cell can say nothing.
    pub(crate) fn makes_no_sense_at(self, moment: Moment, method: &str) -> Option<&'static str> {
        match (self, moment, method) {
            (Self::SourceBackend, Moment::CleanUp, _) => {
                Some("nothing is read from the source any more")
            }
            (Self::SourceBackend, Moment::Schema, "fdw") => {
                Some("nothing is read from the source yet: FDW's sessions begin after the schema")
            }
            _ => None,
        }
    }

    /// Brings it about. The inner error: there is nothing it could strike.
    pub(crate) async fn strike(self, world: &mut World, run: &Run<'_>) -> Result<(), String> {
        match self {
            Self::Kill => signal(run.pid, Signal::SIGKILL),
            Self::SourceStop => stop(&mut world.source_server),
            Self::DestinationStop => stop(&mut world.destination_server),
            Self::SourceBackend => {
                terminate(&world.source_server.endpoint("postgres"), Side::Source).await
            }
            Self::DestinationBackend => {
                let endpoint = world.destination_server.endpoint("postgres");
                terminate(&endpoint, Side::Destination).await
            }
            Self::NetworkCut => {
                world.network.as_ref().map_err(Clone::clone)?.cut();
                Ok(())
            }
            Self::DiskFull => {
                world.disk.as_ref().map_err(Clone::clone)?.fill();
                Ok(())
            }
            Self::CtrlC => heard(run, Signal::SIGINT).await,
            Self::Terminate => heard(run, Signal::SIGTERM).await,
            Self::HangUp => heard(run, Signal::SIGHUP).await,
            Self::CtrlCTwice => {
                heard(run, Signal::SIGINT).await?;
                signal(run.pid, Signal::SIGINT)
            }
            Self::Panic => Ok(()),
        }
    }

    /// What a DBA does about it once it has struck.
    pub(crate) fn mend(self, world: &mut World) {
        match self {
            Self::SourceStop => world.source_server.restart().unwrap(),
            Self::DestinationStop => world.destination_server.restart().unwrap(),
            Self::NetworkCut => world.network.as_ref().unwrap().mend(),
            Self::DiskFull => world.disk.as_ref().unwrap().make_room(),
            _ => {}
        }
    }
}

/// The run that is struck.
pub(crate) struct Run<'a> {
    pub(crate) pid: Pid,
    pub(crate) words: &'a std::path::Path,
}

fn signal(pid: Pid, signal: Signal) -> Result<(), String> {
    kill(pid, signal).map_err(|error| error.to_string())
}

/// A signal is struck when howdah has answered it.
async fn heard(run: &Run<'_>, which: Signal) -> Result<(), String> {
    signal(run.pid, which)?;
    let answered = || async { text_of(run.words).contains("Stopping: ") };
    until("howdah hears the signal", answered).await
}

fn stop(server: &mut Cluster) -> Result<(), String> {
    server
        .stop_immediate()
        .map_err(|problem| problem.to_string())
}

async fn terminate(maintenance: &Endpoint, side: Side) -> Result<(), String> {
    let sql = format!("select pg_terminate_backend(pid, 10000) from ({SESSION}) x");
    match support::query_text(maintenance, &sql).await.as_str() {
        "t" => Ok(()),
        "" => Err(format!("no session on the {side} to terminate")),
        answer => Err(format!("pg_terminate_backend said {answer}")),
    }
}
