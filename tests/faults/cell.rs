//! One cell of the matrix: a run that stands still at a moment, a fault, and what becomes of it.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

use howdah::model::connection::Endpoint;
use nix::unistd::Pid;
use tokio_postgres::Client;

use crate::fault::{Fault, Run};
use crate::moment::{self, Moment};
use crate::network::Network;
use crate::support;
use crate::world::{World, bounded, text_of, until};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    pub(crate) fault: Fault,
    pub(crate) moment: Moment,
    pub(crate) method: &'static str,
}

pub(crate) enum Outcome {
    /// How it went.
    Equal(String),
    /// It equals, and the run came to its end by itself: nothing of it was struck, or it tried again.
    Unharmed(String),
    Survived(String),
    Failed(String),
    NotRun(String),
}

/// The key of the check in `halted`.
const HALT: &str = "select pg_advisory_lock(4711)";
const GO_ON: &str = "select pg_advisory_unlock(4711)";
const IS_HALTED: &str = "select count(*) from pg_locks where locktype = 'advisory' and not granted";
const SESSIONS: &str = "select count(*) from pg_stat_activity
    where application_name like 'howdah %' or application_name = 'postgres_fdw'";
const SCAFFOLD: &str = "select string_agg(name, ' ') from (
    select srvname::text from pg_foreign_server union all select umuser::text from pg_user_mappings
    union all select nspname::text from pg_namespace where nspname like 'howdah%'
    union all select extname::text from pg_extension where extname = 'postgres_fdw') x(name)";

/// What is made in the last moment, and the oracle does not look at.
const OF_DATABASE: [(&str, &str); 2] = [
    (
        "settings of the database",
        "select setconfig::text from pg_db_role_setting
            where setdatabase = (select oid from pg_database where datname = current_database())",
    ),
    (
        "comment on the database",
        "select shobj_description(oid, 'pg_database') from pg_database where datname = current_database()",
    ),
];

/// All that read there have ended by then: it hangs on who was quicker.
const NOBODY: &str = "no session on the source to terminate";

/// What it says when it tries a step again.
const PATIENT: &str = "tried again (2)";

/// Exit codes of the program.
const FINE: i32 = 0;
const NOTHING_TO_DO: i32 = 2;

pub(crate) async fn run(world: &mut World, cell: Cell) -> Outcome {
    if let Some(reason) = cell.fault.makes_no_sense_at(cell.moment, cell.method) {
        return Outcome::NotRun(reason.to_owned());
    }
    let missing = match cell.fault {
        Fault::NetworkCut => world.network.as_ref().err(),
        Fault::DiskFull => world.disk.as_ref().err(),
        _ => None,
    };
    if let Some(reason) = missing {
        return Outcome::NotRun(reason.clone());
    }
    let destination = world.destination(cell.fault == Fault::DiskFull).await;
    cell.moment.prepare(&destination).await;
    if cell.fault == Fault::SourceStop {
        moment::empty_what_a_crash_empties(&world.source).await;
    }
    let struck = Struck::new(world, cell, destination.clone());
    let outcome = match struck.judge(world).await {
        Ok((End::Unharmed, words)) => Outcome::Unharmed(words),
        Ok((End::Survived, words)) => Outcome::Survived(words),
        Ok((End::Broken, words)) => Outcome::Equal(words),
        Err(words) if words.starts_with(NOBODY) => {
            Outcome::NotRun(words.lines().next().unwrap_or_default().to_owned())
        }
        Err(words) => Outcome::Failed(words),
    };
    world.forget(&destination).await;
    if cell.fault == Fault::SourceStop {
        moment::refill(&world.source).await;
    }
    outcome
}

/// How the run that was struck ended.
enum End {
    Unharmed,
    Survived,
    Broken,
}

struct Struck {
    cell: Cell,
    destination: Endpoint,
    /// The failpoint's file; its words go beside it.
    hold: PathBuf,
}

impl Struck {
    fn new(world: &World, cell: Cell, destination: Endpoint) -> Self {
        let hold = world.home.path().join(&destination.database);
        Self {
            cell,
            destination,
            hold,
        }
    }

    fn words(&self, of: &str) -> PathBuf {
        self.hold.with_extension(of)
    }

    async fn judge(&self, world: &mut World) -> Result<(End, String), String> {
        let began = Instant::now();
        let ended = self
            .strike(world)
            .await
            .map_err(|error| format!("{error}\n{}", text_of(&self.words("run"))))?;
        let struck = began.elapsed().as_secs_f64();
        let went_on = self.go_on(world, ended).await?;
        self.compare(world).await?;
        let words = format!("{ended} after {struck:.1} s, then {went_on}");
        let has_tried = text_of(&self.words("run")).contains(PATIENT);
        let end = match (ended.success(), has_tried) {
            (true, true) => End::Survived,
            (true, false) => End::Unharmed,
            (false, _) => End::Broken,
        };
        Ok((end, words))
    }

    /// Runs up to the moment, strikes, mends, and says how the run ended.
    async fn strike(&self, world: &mut World) -> Result<ExitStatus, String> {
        let (moment, fault) = (self.cell.moment, self.cell.fault);
        let is_panic = fault == Fault::Panic;
        let halts = moment.is_within_rows() && !is_panic;
        let key = if halts { Some(self.halt().await) } else { None };
        let what = if is_panic {
            "panic".to_owned()
        } else {
            format!("hold:{}", self.hold.display())
        };
        let mut command = self.howdah(world, "run");
        command.args([
            "--yes",
            "--verify",
            "checksums",
            "--method",
            self.cell.method,
        ]);
        command.args(moment.options());
        if !halts {
            command.env(
                "HOWDAH_FAILPOINT",
                format!("{}={what}", moment.place(self.cell.method)),
            );
        }
        let mut child = tokio::process::Command::from(self.heard(command, "run"))
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| error.to_string())?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        let words = self.words("run");
        let run = Run {
            pid: Pid::from_raw(pid.ok_or("it has no process")?),
            words: &words,
        };
        if !is_panic {
            let maintenance = world.destination_server.endpoint("postgres");
            let is_there = || async {
                if halts {
                    support::query_text(&maintenance, IS_HALTED).await != "0"
                } else {
                    self.words("reached").exists()
                }
            };
            tokio::select! {
                there = until("the run comes to the moment", is_there) => there?,
                ended = child.wait() => return Err(format!("it ended before the moment: {ended:?}")),
            }
        }
        let struck = fault.strike(world, &run).await;
        if let Some(key) = key {
            // Its server may be gone, and the key with it.
            drop(key.simple_query(GO_ON).await);
        }
        std::fs::write(&self.hold, "").map_err(|error| error.to_string())?;
        if struck.is_ok() {
            // Somebody sees to it, sooner or later; a run that is patient may see it through.
            let is_patient = || async { text_of(&words).contains(PATIENT) };
            tokio::select! {
                waits = until("the run ends, or tries again", is_patient) => waits?,
                _ = child.wait() => {}
            }
            fault.mend(world);
        }
        let ended = bounded("the run comes to an end", child.wait()).await;
        struck?;
        if is_panic && !text_of(&words).contains("A worker of howdah crashed") {
            return Err("no worker panicked".to_owned());
        }
        ended?.map_err(|error| error.to_string())
    }

    /// Until the session ends, or lets go, the check in `halted` waits.
    async fn halt(&self) -> Client {
        let client = support::connect(&self.destination).await;
        client.simple_query(HALT).await.unwrap();
        client
    }

    /// What was begun is gone on with; what was not even begun is run again; what came to its end has nothing left.
    async fn go_on(&self, world: &World, ended: ExitStatus) -> Result<String, String> {
        self.no_sessions(world).await?;
        let resumed = self.tell(world, "resume", &["--yes"]).await?;
        match (resumed.code(), ended.code()) {
            (Some(FINE), _) => Ok("resumed".to_owned()),
            (Some(NOTHING_TO_DO), Some(FINE)) => Ok("nothing to resume".to_owned()),
            (Some(NOTHING_TO_DO), _) => {
                let verified = ["--verify", "checksums"];
                if self.tell(world, "verify", &verified).await?.success() {
                    return Ok("nothing to resume".to_owned());
                }
                let options = [&["--yes"][..], self.cell.moment.options()].concat();
                let again = self.tell(world, "run", &options).await?;
                if again.success() {
                    Ok("run again".to_owned())
                } else {
                    Err(self.said(
                        &["run", "resume", "verify", "run again"],
                        "it cannot be run again",
                    ))
                }
            }
            (code, _) => Err(self.said(&["run", "resume"], &format!("resume ended with {code:?}"))),
        }
    }

    async fn compare(&self, world: &World) -> Result<(), String> {
        self.cell.moment.finish_by_hand(&self.destination).await;
        let verified = self
            .tell(world, "verify", &["--verify", "checksums"])
            .await?;
        if !verified.success() {
            return Err(self.said(&["run", "resume", "verify"], "verify says no"));
        }
        let differences = support::differences(&world.source, &self.destination).await;
        if !differences.is_empty() {
            return Err(self.said(&["run", "resume"], &differences.join("\n")));
        }
        for (what, question) in OF_DATABASE {
            let both = [
                support::query_text(&world.source, question).await,
                support::query_text(&self.destination, question).await,
            ];
            if both[0] != both[1] {
                return Err(self.said(&["run", "resume"], &format!("{what}: {both:?}")));
            }
        }
        let left = support::query_text(&self.destination, SCAFFOLD).await;
        if !left.is_empty() {
            return Err(self.said(&["run", "resume"], &format!("left behind: {left}")));
        }
        self.no_sessions(world).await
    }

    /// Neither server may keep a session of a run that has ended.
    async fn no_sessions(&self, world: &World) -> Result<(), String> {
        for server in [&world.source_server, &world.destination_server] {
            let maintenance = server.endpoint("postgres");
            let is_gone = || async { support::query_text(&maintenance, SESSIONS).await == "0" };
            until("the servers are rid of its sessions", is_gone).await?;
        }
        Ok(())
    }

    fn howdah(&self, world: &World, verb: &str) -> Command {
        let is_cut = self.cell.fault == Fault::NetworkCut && verb == "run";
        let network = world.network.as_ref().ok().filter(|_| is_cut);
        let mut command = network.map_or_else(
            || Command::new(env!("CARGO_BIN_EXE_howdah")),
            Network::howdah,
        );
        let uri = |endpoint: &Endpoint| match network {
            Some(network) => {
                let host = network.servers.clone();
                let far = Endpoint {
                    host,
                    ..endpoint.clone()
                };
                format!("{}?{IMPATIENT}", support::uri(&far))
            }
            None => support::uri(endpoint),
        };
        command
            .arg(verb)
            .args(["--source", &uri(&world.source)])
            .args(["--destination", &uri(&self.destination)])
            .env("HOME", world.home.path());
        command
    }

    /// What it says goes to a file.
    fn heard(&self, mut command: Command, of: &str) -> Command {
        let file = File::create(self.words(of)).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file);
        command
    }

    async fn tell(&self, world: &World, verb: &str, more: &[&str]) -> Result<ExitStatus, String> {
        let mut command = self.howdah(world, verb);
        command.args(more);
        let name = if verb == "run" { "run again" } else { verb };
        let mut child = tokio::process::Command::from(self.heard(command, name))
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| error.to_string())?;
        let ended = bounded(&format!("howdah {verb} comes to an end"), child.wait()).await;
        ended
            .map_err(|error| self.said(&["run", name], &error))?
            .map_err(|error| error.to_string())
    }

    fn said(&self, which: &[&str], what: &str) -> String {
        let texts = which
            .iter()
            .map(|of| format!("--- {of}:\n{}", text_of(&self.words(of))));
        format!("{what}\n{}", texts.collect::<Vec<_>>().join("\n"))
    }
}

/// Who is gone is noticed in seconds.
const IMPATIENT: &str = "connect_timeout=2&keepalives_idle=1&keepalives_interval=1&keepalives_count=2&tcp_user_timeout=2000";
