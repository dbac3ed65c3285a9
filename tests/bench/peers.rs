//! Measures howdah against its peers in one run: the same database, the same two servers, one contender after another,
//! round by round, and prints medians and ratios as Markdown.
//!
//! Nothing is asserted about time. A contender that fails, or whose copy `howdah verify` finds different, ends the run; one that
//! succeeds and leaves objects behind is told, and has no figures.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of its own, whose table goes to standard output"
)]

mod contenders;
mod measure;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use clap::{Parser, ValueEnum};
use howdah::demo::binaries::Binaries;
use howdah::demo::cluster::{Cluster, ClusterOptions};
use howdah::model::connection::Secret;

use contenders::Contender;
use measure::Figures;

/// Carries a generated database with howdah and every installed peer in turn, and prints the figures.
#[derive(Parser)]
#[command(name = "tests/bench/run")]
struct Arguments {
    /// What to carry.
    #[arg(long, value_enum, default_value = "mixed")]
    dataset: Dataset,
    /// Size of the database; 1 is 1.5 GB for mixed, 40 is 4 million rows for narrow, 1 is 20,000 tables for many,
    /// and 100,000 for empty.
    #[arg(long)]
    scale: Option<f64>,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only contenders whose name contains this; may be given again.
    #[arg(long)]
    only: Vec<String>,
    /// Compare every copy in the first round, value by value.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    verify: bool,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Dataset {
    Mixed,
    Narrow,
    Many,
    Empty,
}

impl Dataset {
    fn file(self) -> &'static str {
        match self {
            Self::Mixed => "mixed.sql",
            Self::Narrow => "narrow.sql",
            Self::Many => "many.sql",
            Self::Empty => "empty.sql",
        }
    }

    fn scale(self) -> f64 {
        match self {
            Self::Mixed | Self::Many | Self::Empty => 1.0,
            Self::Narrow => 40.0,
        }
    }
}

/// Two servers as a migration finds them: durable, with a gigabyte of buffers. Autovacuum would come in at times of its own.
const SETTINGS: [(&str, &str); 8] = [
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
    ("shared_buffers", "1GB"),
    ("max_wal_size", "4GB"),
    ("checkpoint_timeout", "30min"),
    ("autovacuum", "off"),
    ("max_locks_per_transaction", "2048"),
];

const DATABASE: &str = "bench";

/// The two servers and what the contenders are told of them.
pub(crate) struct Arena {
    source: Cluster,
    destination: Cluster,
    work: tempfile::TempDir,
}

impl Arena {
    fn new() -> Result<Self> {
        let binaries = Binaries::find().map_err(|problem| anyhow::anyhow!("{problem}"))?;
        let settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let options = ClusterOptions {
            settings: settings.to_vec(),
            ..ClusterOptions::default()
        };
        let start =
            || Cluster::start(&binaries, &options).map_err(|problem| anyhow::anyhow!("{problem}"));
        let arena = Self {
            source: start()?,
            destination: start()?,
            work: tempfile::tempdir()?,
        };
        arena.write_passfile()?;
        Ok(arena)
    }

    fn passfile(&self) -> PathBuf {
        self.work.path().join("pgpass")
    }

    fn write_passfile(&self) -> Result<()> {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.passfile())?;
        for cluster in [&self.source, &self.destination] {
            let (port, password) = (cluster.port(), password(cluster));
            writeln!(file, "127.0.0.1:{port}:*:postgres:{password}")?;
        }
        Ok(())
    }

    /// A shell that stops at the first error, with everything a contender needs in its environment.
    fn shell(&self, script: &str) -> Command {
        let uri = |cluster: &Cluster| {
            format!(
                "postgresql://postgres@127.0.0.1:{}/{DATABASE}",
                cluster.port()
            )
        };
        let mut command = Command::new("bash");
        command
            .args(["-euo", "pipefail", "-c", script])
            .env("SRC", uri(&self.source))
            .env("DST", uri(&self.destination))
            .env("SRC_PORT", self.source.port().to_string())
            .env("DST_PORT", self.destination.port().to_string())
            .env("SRC_PASSWORD", password(&self.source))
            .env("PGPASSFILE", self.passfile())
            .env("WORK", self.work.path())
            .env("HOWDAH", env!("CARGO_BIN_EXE_howdah"))
            .stdin(Stdio::null());
        command
    }

    /// Runs a script that has to succeed; its output is shown when it does not.
    fn must(&self, script: &str) -> Result<()> {
        let output = self.shell(script).output()?;
        if !output.status.success() {
            bail!(
                "{}\n{}{}",
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }

    fn fill(&self, dataset: Dataset, scale: f64) -> Result<()> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/bench/datasets")
            .join(dataset.file());
        self.must(&format!(
            "psql -Xq -p $SRC_PORT -h 127.0.0.1 -U postgres -c 'CREATE DATABASE {DATABASE}' postgres
             psql -Xq -v scale={scale} -f '{}' \"$SRC\" >/dev/null",
            file.display()
        ))
        .context("the database to carry could not be made")
    }

    /// An empty destination, and nothing left to write from the contender before.
    fn clear(&self) -> Result<()> {
        self.must(&format!(
            "psql -Xq -h 127.0.0.1 -U postgres -p $DST_PORT -c 'DROP DATABASE IF EXISTS {DATABASE}' \
                 -c 'CREATE DATABASE {DATABASE} TEMPLATE template0' -c CHECKPOINT postgres 2>/dev/null
             psql -Xq -h 127.0.0.1 -U postgres -p $SRC_PORT -c CHECKPOINT postgres
             rm -rf \"$WORK/dump\" \"$WORK/pgcopydb\""
        ))
        .context("the destination could not be emptied")
    }

    /// All relations are there, and none is empty that has something on the source: asked after every run, for it takes no time.
    fn is_complete(&self) -> Result<()> {
        let question = "SELECT relkind, count(*), count(*) FILTER (WHERE pg_relation_size(oid) > 0) FROM pg_class \
            WHERE relkind IN ('r', 'p', 'i', 'S', 'm', 'v') AND (relnamespace >= 16384 OR relnamespace = 'public'::regnamespace) \
            GROUP BY 1 ORDER BY 1";
        self.must(&format!(
            "source=$(psql -XqAt -d \"$SRC\" -c \"{question}\")
             destination=$(psql -XqAt -d \"$DST\" -c \"{question}\")
             [ \"$source\" = \"$destination\" ] || {{
                 echo \"kind, number and those with contents on the source:\"; echo \"$source\"
                 echo \"on the destination:\"; echo \"$destination\"; exit 1
             }}"
        ))
    }

    fn is_equal(&self) -> Result<()> {
        self.must("$HOWDAH verify --source \"$SRC\" --destination \"$DST\" --verify checksums")
            .context("the copy differs from the original")
    }
}

fn password(cluster: &Cluster) -> String {
    let endpoint = cluster.endpoint(DATABASE);
    endpoint
        .password
        .as_ref()
        .map_or_else(String::new, |secret: &Secret| secret.expose().to_owned())
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let scale = arguments.scale.unwrap_or(arguments.dataset.scale());
    let is_wanted = |contender: &Contender| {
        let mut only = arguments.only.iter();
        arguments.only.is_empty() || only.any(|part| contender.name.contains(part.as_str()))
    };
    let contenders: Vec<Contender> = contenders::all().into_iter().filter(is_wanted).collect();
    let arena = Arena::new()?;
    eprintln!("making {:?} at scale {scale}", arguments.dataset);
    arena.fill(arguments.dataset, scale)?;

    // The first run of all would pay for files that both servers make once, and use again ever after.
    if let Some(first) = contenders.first() {
        arena.clear()?;
        let unmeasured = measure::run(&arena, first)?;
        eprintln!("to warm up, {}: {unmeasured}", first.name);
    }
    let mut figures: BTreeMap<&str, Vec<Figures>> = BTreeMap::new();
    for round in 1..=arguments.rounds {
        let mut in_turn: Vec<&Contender> = contenders.iter().collect();
        // Nobody always follows the same: what one leaves behind, in caches or in a machine grown warm, another may pay for.
        if round % 2 == 0 {
            in_turn.reverse();
        }
        for contender in in_turn {
            arena.clear()?;
            let measured = measure::run(&arena, contender)
                .with_context(|| format!("{} failed", contender.name))?;
            eprintln!("round {round}, {}: {measured}", contender.name);
            if let Err(why) = arena.is_complete() {
                eprintln!("    not a copy, and not counted: {why}");
                continue;
            }
            figures.entry(contender.name).or_default().push(measured);
            if arguments.verify && round == 1 {
                arena.is_equal().context(contender.name)?;
                eprintln!("    equal, value by value");
            }
        }
    }
    table::print(&arguments, scale, &contenders, &figures);
    Ok(())
}
