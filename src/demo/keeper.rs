//! The small shell process that owns a throw-away cluster, so that nothing of it outlives howdah.
//!
//! It holds the reading end of a pipe. Whatever ends howdah (a return, a panic, Ctrl-C, `kill -9`) closes the pipe, and
//! the keeper then stops the server and removes the directory: one way of cleaning up for every way of ending.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nix::unistd::{User, geteuid};

use crate::model::problem::Problem;

const SCRIPT: &str = include_str!("../../assets/demo/keeper.sh");

/// The user a server runs as when howdah runs as root, which PostgreSQL refuses for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Owner {
    /// None unless howdah runs as root.
    pub(super) fn needed() -> Result<Option<Self>, Problem> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| {
                Some(Self {
                    uid: user.uid.as_raw(),
                    gid: user.gid.as_raw(),
                })
            })
            .ok_or_else(|| {
                Problem::new(
                    "Could not start a PostgreSQL server",
                    "howdah runs as root, PostgreSQL refuses to, and there is neither a user \"postgres\" nor \"nobody\"",
                )
                .hint("run howdah as an ordinary user")
            })
    }
}

/// A running keeper. Dropping it stops the server, removes the directory and returns when both are done.
#[derive(Debug)]
pub(super) struct Keeper {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    pub(super) fn start(bindir: &Path, dir: &Path, owner: Option<Owner>) -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(SCRIPT)
            .arg("howdah-keeper")
            .arg(bindir)
            .arg(dir)
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .env("LC_ALL", "C")
            // The server's postgres_fdw would look there for certificates, and may not even enter root's.
            .env("HOME", dir)
            // A group of its own: Ctrl-C at the terminal is for howdah, which then tells the keeper.
            .process_group(0);
        for (name, _) in env::vars_os().filter(|(name, _)| is_libpq(name.to_str())) {
            command.env_remove(name);
        }
        if let Some(owner) = owner {
            // Std also gives up root's supplementary groups when it changes the user.
            command.uid(owner.uid).gid(owner.gid);
        }
        let mut process = command.spawn()?;
        let lost = || io::Error::other("the shell came without its pipes");
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().ok_or_else(lost)?);
        Ok(Self {
            process,
            orders,
            answers,
        })
    }

    /// Gives an order of `keeper.sh` and waits for its end; false when the program reported a failure.
    pub(super) fn order(&mut self, order: &str) -> io::Result<bool> {
        let gone = || io::Error::other("the process that keeps the cluster is gone");
        let orders = self.orders.as_mut().ok_or_else(gone)?;
        orders.write_all(format!("{order}\n").as_bytes())?;
        let mut answer = String::new();
        if self.answers.read_line(&mut answer)? == 0 {
            return Err(gone());
        }
        Ok(answer.trim() == "0")
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.orders.take());
        // Nothing is left to be done with an error here: the keeper has ended in either case.
        drop(self.process.wait());
    }
}

/// A `PGHOST` or `PGSERVICE` of the user must not send `pg_ctl` to another server.
fn is_libpq(variable: Option<&str>) -> bool {
    variable.is_some_and(|name| name.starts_with("PG"))
}
