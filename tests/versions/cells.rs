//! One cell of the matrix: the fixture carried from one version to another by one method, judged by the oracle and by `verify`.

use std::process::{Command, Output};

use howdah::model::connection::{Endpoint, Secret};

use crate::packages;
use crate::servers;
use crate::support;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    pub(crate) source: u32,
    pub(crate) destination: u32,
    pub(crate) method: &'static str,
}

pub(crate) enum Outcome {
    /// What was compared, in howdah's words.
    Equal(String),
    Different(String),
    NotRun(String),
}

/// Sources that a run may read while it is written down what they must become.
pub(crate) async fn prepare(source: u32, destinations: &[u32]) -> Result<(), String> {
    servers::with_roles(source).await?;
    let from = servers::fixture(source).await?;
    for destination in destinations.iter().filter(|d| **d != source) {
        if let Ok(server) = servers::with_roles(*destination).await {
            let reference = server.endpoint(&reference_name(source));
            support::create_database(&server.endpoint("postgres"), &reference.database).await;
            make_reference(&from, &reference, *destination).await?;
        }
    }
    Ok(())
}

fn reference_name(source: u32) -> String {
    format!("reference_{source}")
}

/// The definitions as `pg_dump` alone carries them, without what an older server does not know.
async fn make_reference(from: &Endpoint, reference: &Endpoint, major: u32) -> Result<(), String> {
    let dumped = Command::new(packages::clients()?.join("pg_dump"))
        .args([
            "--schema-only",
            "--no-sync",
            "--dbname",
            &support::uri(from),
        ])
        .output()
        .map_err(|error| error.to_string())?;
    assert!(dumped.status.success(), "{}", said(&dumped));
    let sql = String::from_utf8(dumped.stdout).unwrap();
    let is_known = |line: &&str| {
        let is_newer = (*line == "SET transaction_timeout = 0;" && major < 17)
            || (*line == "    LOGGED" && major < 15);
        !line.starts_with('\\') && !is_newer
    };
    let sql: Vec<&str> = sql.lines().filter(is_known).collect();
    // From 15 on this is so by itself, and a dump takes it for granted.
    let closed = if major < 15 {
        "revoke create on schema public from public;\n"
    } else {
        ""
    };
    support::execute_batch(reference, &format!("{closed}{}", sql.join("\n"))).await;
    Ok(())
}

pub(crate) async fn run(cell: Cell) -> Outcome {
    match carried(cell).await {
        Ok(Ok(equal)) => Outcome::Equal(equal),
        Ok(Err(different)) => Outcome::Different(different),
        Err(reason) => Outcome::NotRun(reason),
    }
}

/// The outer error: it could not be run.
async fn carried(cell: Cell) -> Result<Result<String, String>, String> {
    let server = servers::server(cell.destination)?;
    let from = servers::server(cell.source)?.endpoint("fixture");
    let to = server.endpoint(&format!("from_{}_{}", cell.source, cell.method));
    let run = howdah(
        &from,
        &to,
        &[
            "run",
            "--yes",
            "--create-database",
            "--verify",
            "checksums",
            "--method",
            cell.method,
        ],
    )?;
    if !run.status.success() {
        return Ok(Err(said(&run)));
    }
    let reference = if cell.source == cell.destination {
        from.clone()
    } else {
        server.endpoint(&reference_name(cell.source))
    };
    let differences = support::differences_by(&reference, &from, &to).await;
    if !differences.is_empty() {
        return Ok(Err(differences.join("\n")));
    }
    let verified = howdah(&from, &to, &["verify", "--verify", "checksums"])?;
    let words = said(&verified);
    if !verified.status.success() {
        return Ok(Err(words));
    }
    let summary = words.lines().find(|line| line.contains("equal"));
    let summary = summary.unwrap_or_default().to_owned();
    let password = from.password.as_ref().map(Secret::expose);
    assert!(password.is_none_or(|secret| !words.contains(secret)));
    Ok(Ok(summary))
}

/// Runs the program between two databases, with client programs that can read both.
pub(crate) fn howdah(from: &Endpoint, to: &Endpoint, arguments: &[&str]) -> Result<Output, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::iter::once(packages::clients()?).chain(std::env::split_paths(&path));
    Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(arguments)
        .args(["--source", &support::uri(from)])
        .args(["--destination", &support::uri(to)])
        .env("PATH", std::env::join_paths(places).unwrap())
        .output()
        .map_err(|error| error.to_string())
}

pub(crate) fn said(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    format!("{out}{}", String::from_utf8_lossy(&output.stderr))
}
