//! A short sample of both methods between two servers. The source is only read; on the destination everything happens in
//! transactions that are rolled back, and its session ends with them.

use std::time::{Duration, Instant};

use crate::model::catalog::{Catalog, Table, TableKind};
use crate::model::connection::{Endpoint, Side};
use crate::model::event::Counter;
use crate::model::format;
use crate::model::inspection::Inspection;
use crate::model::options::Options;
use crate::model::problem::Problem;
use crate::model::sample::{Sample, Speed};
use crate::sql::sample::{self, Rows};
use crate::sql::{settings, statements};

use super::connect::{CancelOnDrop, Connected, connect};
use super::copy::{CopyError, End, pipe};
use super::foreign::{self, Trial};
use super::problem::problem;

const WHAT: &str = "Could not time the methods";
const FIRST_ROWS: u64 = 1_000;
/// Rounds grow until one takes this long, or the table ends.
const LONG_ENOUGH: Duration = Duration::from_secs(1);
const WANTED: Duration = Duration::from_secs(2);
/// Bytes that one round trip of FDW should bring, and the bounds of its rows: as in a run.
const FETCH_BYTES: u64 = 8 << 20;
const FETCH_ROWS: (u64, u64) = (50, 20_000);

/// Within a bound: a server that has fallen silent is told as such.
pub async fn measure(
    source: &Endpoint,
    destination: &Endpoint,
    inspection: &Inspection,
    options: &Options,
) -> Result<Sample, Problem> {
    let limit = Duration::from_secs(u64::from(Sample::LIMIT_SECONDS));
    let measuring = Box::pin(within(source, destination, inspection, options));
    tokio::time::timeout(limit, measuring)
        .await
        .unwrap_or_else(|_| {
            Err(Problem::new(
                WHAT,
                format!(
                    "it took more than {}",
                    format::duration(u64::from(Sample::LIMIT_SECONDS) * 1000)
                ),
            ))
        })
}

async fn within(
    source: &Endpoint,
    destination: &Endpoint,
    inspection: &Inspection,
    options: &Options,
) -> Result<Sample, Problem> {
    // Where the database is yet to be made, another one of its server takes the sample.
    let destination = match inspection.destination.database {
        Some(_) => destination.clone(),
        None => Endpoint {
            database: "postgres".to_owned(),
            ..destination.clone()
        },
    };
    let from = pinned(source, settings::source(inspection.source.version_num)).await?;
    let to = pinned(
        &destination,
        settings::destination(inspection.destination.version_num),
    )
    .await?;
    let running = CancelOnDrop::of([&from, &to]);
    let trial = |fetch_size| Trial {
        source_endpoint: source,
        source: &inspection.source,
        destination: &inspection.destination,
        host: options.fdw_host.as_deref().unwrap_or(&source.host),
        port: options.fdw_port.unwrap_or(source.port),
        fetch_size,
    };
    let mut found = None;
    if let Some(table) = largest(&inspection.catalog) {
        let rows = Rows::Of(table);
        let both = both(&from, &to, rows, trial(fetch_size(table))).await?;
        found = Some(both).filter(|one| !one.has_too_few_rows());
    }
    let found = match found {
        Some(found) => found,
        None => both(&from, &to, Rows::Made, trial(FETCH_ROWS.1)).await?,
    };
    running.done();
    Ok(found)
}

async fn both(
    from: &Connected,
    to: &Connected,
    rows: Rows<'_>,
    trial: Trial<'_>,
) -> Result<Sample, Problem> {
    let copied = copies(from, to, rows).await;
    roll_back(to).await?;
    let by_copy = copied.as_ref().ok().copied();
    let count = by_copy.map_or(FIRST_ROWS, |speed| speed.rows);
    let pulled = pulls(to, rows, trial, count).await;
    roll_back(to).await?;
    Ok(Sample {
        table: match rows {
            Rows::Of(table) => Some(table.name.to_string()),
            Rows::Made => None,
        },
        copy: copied,
        fdw: pulled.map(|(rows, taken)| Speed {
            rows,
            // Rows that came by FDW are as heavy as those that came by COPY.
            bytes: by_copy.map_or(0, |copy| copy.bytes * rows / copy.rows.max(1)),
            micros: micros(taken),
        }),
    })
}

/// One that both methods can read as it stands.
fn largest(catalog: &Catalog) -> Option<&Table> {
    let usable = catalog.tables.iter().filter(|table| {
        table.kind == TableKind::Ordinary
            && table.can_select
            && !table.is_out_of_reach
            && !table.rows_hidden_by_policy
            && !table.has_inheritance_children
            && !table.columns.is_empty()
            && table.page_count > 0
    });
    usable.max_by_key(|table| table.table_bytes)
}

fn fetch_size(table: &Table) -> u64 {
    let rows = table.estimated_rows.unwrap_or(0).max(1);
    let width = (table.table_bytes / rows).max(1);
    (FETCH_BYTES / width).clamp(FETCH_ROWS.0, FETCH_ROWS.1)
}

async fn pinned(endpoint: &Endpoint, mut settings: Vec<String>) -> Result<Connected, Problem> {
    let connected = connect(endpoint, "sample").await?;
    settings.push(sample::patience());
    run(&connected, &settings.join(";\n")).await?;
    Ok(connected)
}

async fn run(on: &Connected, sql: &str) -> Result<(), Problem> {
    let outcome = on.client.batch_execute(sql).await;
    outcome.map_err(|error| problem(WHAT, &error))
}

async fn roll_back(on: &Connected) -> Result<(), Problem> {
    run(on, statements::ROLLBACK).await
}

/// Rounds that grow until one says something; then that many rows once more, when the source has them at hand as it will for
/// FDW.
async fn copies(from: &Connected, to: &Connected, rows: Rows<'_>) -> Result<Speed, Problem> {
    run(to, statements::BEGIN).await?;
    run(to, &rows.create_target()).await?;
    let mut wanted = FIRST_ROWS;
    loop {
        let speed = copy(from, to, rows, wanted).await?;
        let taken = Duration::from_micros(speed.micros);
        if speed.rows < wanted || taken >= LONG_ENOUGH {
            return copy(from, to, rows, speed.rows).await;
        }
        let growth = WANTED.as_micros() / taken.as_micros().max(1);
        wanted = wanted.saturating_mul(u64::try_from(growth.clamp(2, 10)).unwrap_or(2));
    }
}

async fn copy(
    from: &Connected,
    to: &Connected,
    rows: Rows<'_>,
    count: u64,
) -> Result<Speed, Problem> {
    run(to, sample::MAKE_ROOM).await?;
    let (out, into) = (rows.copy_out(count), rows.copy_in());
    let source = End {
        client: &from.client,
        tap: &from.tap,
        sql: &out,
    };
    let destination = End {
        client: &to.client,
        tap: &to.tap,
        sql: &into,
    };
    let begun = Instant::now();
    let copied = pipe(source, destination, &Counter::default())
        .await
        .map_err(told)?;
    Ok(Speed {
        rows: copied.rows,
        bytes: copied.bytes,
        micros: micros(begun.elapsed()),
    })
}

fn told(broken: CopyError) -> Problem {
    let side = match broken.side {
        Side::Source => "source",
        Side::Destination => "destination",
    };
    match broken.error {
        Some(error) => problem(format!("Could not time COPY, on the {side}"), &error),
        None => Problem::new(
            "Could not time COPY",
            format!("the {side} ended it too early"),
        ),
    }
}

async fn pulls(
    to: &Connected,
    rows: Rows<'_>,
    trial: Trial<'_>,
    count: u64,
) -> Result<(u64, Duration), Problem> {
    let doing = |found: Problem| found.doing("FDW could not be timed");
    let what_logs =
        foreign::what_logs_the_login(&to.client, trial.source_endpoint, trial.destination);
    if what_logs.await.map_err(doing)?.is_some() {
        return Err(Problem::new(
            "FDW could not be timed",
            "the destination's log would hold the source's password",
        )
        .hint("Only a superuser may switch that off for the moment; COPY does not need it."));
    }
    foreign::begin(&to.client, trial).await.map_err(doing)?;
    let own = [rows.create_target()];
    for sql in rows.create_foreign().iter().chain(&own) {
        run(to, sql).await.map_err(doing)?;
    }
    let pull = async |count| {
        let pulled = to.client.execute(&rows.pull(count), &[]).await;
        pulled.map_err(|error| doing(foreign::failed(&error)))
    };
    // Connects.
    pull(1).await?;
    run(to, sample::MAKE_ROOM).await?;
    let begun = Instant::now();
    let pulled = pull(count).await?;
    Ok((pulled, begun.elapsed()))
}

fn micros(taken: Duration) -> u64 {
    u64::try_from(taken.as_micros()).unwrap_or(u64::MAX)
}
