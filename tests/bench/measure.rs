//! Wall time, processor time of each party, and peak memory of one contender's run, as Linux counts them.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::{SysconfVar, sysconf};

use crate::Arena;
use crate::contenders::Contender;

/// Seconds, and mebibytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) wall: f64,
    /// The contender with all its child processes.
    pub(crate) tool: f64,
    /// All processes of the source's server.
    pub(crate) source: f64,
    pub(crate) destination: f64,
    /// Of the contender's first process alone: howdah's own, as it starts no shell. Its processor time without that of the
    /// programs it has started.
    pub(crate) own: f64,
    pub(crate) memory: f64,
}

impl Figures {
    pub(crate) fn cpu(&self) -> f64 {
        self.tool + self.source + self.destination
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.1} s, CPU {:.1} + {:.1} + {:.1} s, {:.0} MiB",
            self.wall, self.tool, self.source, self.destination, self.memory
        )
    }
}

/// How often a process is looked at; the kernel sums up, so only its last moments can be missed.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) fn run(arena: &Arena, contender: &Contender) -> Result<Figures> {
    let log = arena.work.path().join("log");
    let output = fs::File::create(&log)?;
    let (source, destination) = (arena.source.dir(), arena.destination.dir());
    let before = (
        cluster_cpu(source)?,
        cluster_cpu(destination)?,
        children_cpu()?,
    );
    let started = Instant::now();
    let mut child = arena
        .shell(contender.script)
        .stdout(Stdio::from(output.try_clone()?))
        .stderr(Stdio::from(output))
        .spawn()?;
    let (own, memory) = watch(&mut child)?;
    let status = child.wait()?;
    let wall = started.elapsed().as_secs_f64();
    if !status.success() {
        bail!("{status}\n{}", fs::read_to_string(log)?);
    }
    Ok(Figures {
        wall,
        tool: children_cpu()? - before.2,
        source: cluster_cpu(source)? - before.0,
        destination: cluster_cpu(destination)? - before.1,
        own,
        memory,
    })
}

/// Until the process ends; returns its own processor time and its peak memory.
fn watch(child: &mut Child) -> Result<(f64, f64)> {
    let per_second = sysconf(SysconfVar::CLK_TCK)?.context("no clock tick")?;
    let (mut ticks, mut peak) = (0, 0.0_f64);
    while child.try_wait()?.is_none() {
        if let Some(now) = Stat::read(child.id()) {
            ticks = ticks.max(now.own);
        }
        if let Some(now) = peak_memory(child.id()) {
            peak = peak.max(now);
        }
        std::thread::sleep(LOOK);
    }
    Ok((ticks as f64 / per_second as f64, peak))
}

/// None once the process has ended.
fn peak_memory(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

/// Of all processes that this one has started and waited for.
fn children_cpu() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1_000_000.0;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// Of a server's postmaster, of the processes it has now and of all it ever had.
fn cluster_cpu(dir: &Path) -> Result<f64> {
    let pid_file = fs::read_to_string(dir.join("data/postmaster.pid"))?;
    let postmaster: u32 = pid_file
        .lines()
        .next()
        .context("an empty pid file")?
        .parse()?;
    let per_second = sysconf(SysconfVar::CLK_TCK)?.context("no clock tick")?;
    loop {
        let before = Stat::read(postmaster).context("the server is gone")?;
        let mut ticks = before.own + before.waited_for;
        for entry in fs::read_dir("/proc")? {
            let Ok(pid) = entry?.file_name().to_string_lossy().parse() else {
                continue;
            };
            if let Some(stat) = Stat::read(pid).filter(|stat| stat.parent == postmaster) {
                ticks += stat.own;
            }
        }
        // The time of a process that ended while we looked is its parent's by now, and in neither sum.
        let after = Stat::read(postmaster).context("the server is gone")?;
        if after.waited_for == before.waited_for {
            return Ok(ticks as f64 / per_second as f64);
        }
    }
}

/// Times in clock ticks: proc(5).
struct Stat {
    parent: u32,
    own: u64,
    waited_for: u64,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything.
        let (_, rest) = stat.rsplit_once(") ")?;
        let field: Vec<&str> = rest.split(' ').collect();
        let number = |at: usize| field.get(at)?.parse::<u64>().ok();
        Some(Self {
            parent: field.get(1)?.parse().ok()?,
            own: number(11)? + number(12)?,
            waited_for: number(13)? + number(14)?,
        })
    }
}
