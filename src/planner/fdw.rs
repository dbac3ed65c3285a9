//! The postgres_fdw scaffold. Each FDW session makes its server, mapping and foreign tables in the transaction that reads
//! the rows, and drops them before it commits: no failure, and no kill, can leave a login in the destination's catalogs.
//!
//! One FDW session reads one state of the source (manual, postgres_fdw, "Transaction Management"). Several sessions open
//! their transactions while the coordinator holds SHARE locks, so that all read the same state.

use std::collections::BTreeMap;

use foldhash::HashMap;

use crate::model::name::ObjectName;
use crate::model::options::{Method, VerifyLevel};
use crate::model::plan::{
    Action, FDW_EXTENSION_KEY, Phase, Repeat, Rule, Session, StepId, StepKind,
};
use crate::sql::existing;
use crate::sql::hush::Hush;
use crate::sql::journal;
use crate::sql::measure::{self, Measurement};
use crate::sql::statements::{self, FdwAddress};

use super::Context;
use super::builder::{Draft, Steps};
use super::fallback;
use super::route::Route;
use super::rows::{Carried, Portion, Share};

/// Bytes that one round trip should bring, and the bounds of rows per round trip.
const FETCH_BYTES: u64 = 8 << 20;
const FETCH_ROWS: (u64, u64) = (50, 20_000);
/// Seconds the barrier may queue behind a writer before it lets go and tries again.
const BARRIER_LOCK_SECONDS: u32 = 3;

/// What is to be set up, and where each table goes.
#[derive(Debug, Default)]
pub(super) struct Scaffold {
    foreign: HashMap<(u16, usize), ObjectName>,
    /// Of a table's parts, or of its whole, in their order.
    sessions_of: HashMap<usize, Vec<u16>>,
    session_count: u16,
    removes_extension: bool,
    /// Of all tables, those that go by COPY among them: without that, only one session reads one state.
    can_lock: bool,
    barrier: Option<StepId>,
    /// All sessions read what the coordinator's snapshot shows.
    is_one_state: bool,
}

/// What one session reads of one source schema.
struct Reading {
    foreign_schema: String,
    tables: Vec<usize>,
}

impl Scaffold {
    pub(super) fn barrier(&self) -> Option<StepId> {
        self.barrier
    }

    /// Pushes nothing when no table goes by FDW.
    pub(super) fn push(context: &Context<'_>, steps: &mut Steps, carried: &[Carried]) -> Self {
        let fdw: Vec<&Carried> = carried.iter().filter(|c| c.method == Method::Fdw).collect();
        let is_installed = context.inspection.is_fdw_installed;
        let installs = !fdw.is_empty() && !is_installed && !context.carries_fdw_extension();
        let mut scaffold = Self {
            // An interrupted run's is removed by the one that goes on with it.
            removes_extension: installs || (is_installed && context.has_installed_fdw()),
            ..Self::default()
        };
        if fdw.is_empty() {
            return scaffold;
        }
        scaffold.can_lock = can_lock(context, carried);
        scaffold.assign_sessions(context, &fdw);
        let installed = installs.then(|| {
            steps.push(
                Draft::new(
                    Phase::Data,
                    "Install postgres_fdw",
                    "This extension lets the destination server read tables of the source by itself; it is removed afterwards.",
                )
                .key(FDW_EXTENSION_KEY)
                .transaction([statements::CREATE_FDW_EXTENSION.to_owned()]),
            )
        });
        scaffold.barrier = Some(scaffold.push_barrier(context, steps, carried, installed));
        scaffold
    }

    /// The largest tables first, each, or each part of it, to the session with the least to do so far.
    fn assign_sessions(&mut self, context: &Context<'_>, fdw: &[&Carried]) {
        let tables = &context.inspection.catalog.tables;
        let wanted = if self.can_lock {
            let shares = fdw.iter().map(|carried| carried.shares().count()).sum();
            context.options.jobs.min(shares).max(1)
        } else {
            1
        };
        let mut load = vec![0_u64; wanted];
        for carried in fdw {
            let bytes = tables[carried.table].table_bytes / carried.parts.len().max(1) as u64;
            let assign = |_| {
                let least = (0..load.len()).min_by_key(|at| load[*at]).unwrap_or(0);
                load[least] += bytes.max(8192);
                u16::try_from(least).unwrap_or(0)
            };
            let sessions = carried.shares().map(assign).collect();
            self.sessions_of.insert(carried.table, sessions);
        }
        self.session_count = u16::try_from(wanted).unwrap_or(1);
    }

    /// The tables of one session, by source schema.
    fn readings(&self, context: &Context<'_>, session: u16) -> Vec<Reading> {
        let tables = &context.inspection.catalog.tables;
        let mut by_schema: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let of_session = |of: &(&usize, &Vec<u16>)| of.1.contains(&session);
        for (table, _) in self.sessions_of.iter().filter(of_session) {
            by_schema
                .entry(&tables[*table].name.schema)
                .or_default()
                .push(*table);
        }
        by_schema
            .into_values()
            .enumerate()
            .map(|(number, mut tables)| {
                tables.sort_unstable();
                let prefix = statements::FDW_SCHEMA_PREFIX;
                let foreign_schema = format!("{prefix}{}_{}", session + 1, number + 1);
                Reading {
                    foreign_schema,
                    tables,
                }
            })
            .collect()
    }

    /// All sessions open their transactions on one state of the source; what they need for it they make in these very
    /// transactions, so that whatever happens nothing of it can stay.
    fn push_barrier(
        &mut self,
        context: &Context<'_>,
        steps: &mut Steps,
        carried: &[Carried],
        installed: Option<StepId>,
    ) -> StepId {
        let tables = &context.inspection.catalog.tables;
        // What a foreign table brings is compared by the source itself, which must see the same rows for that.
        let compares_there = context.options.verify == VerifyLevel::Checksums;
        let has_barrier = self.can_lock
            && (self.session_count > 1
                || compares_there
                || carried.iter().any(|c| c.method == Method::Copy));
        self.is_one_state = has_barrier;
        let names = || carried.iter().map(|c| &tables[c.table].name);
        let why = if has_barrier {
            "Each session defines its foreign tables in its own transaction, seen by nobody else. Then, for the moment in which all begin to read, nobody may write on the source, so that all read the very same state."
        } else {
            "The session defines its foreign tables in its own transaction, seen by nobody else, and reads all of them in it: all rows come from one moment."
        };
        let mut draft = Draft::new(Phase::Data, "Begin reading through postgres_fdw", why)
            .kind(StepKind::FdwBarrier)
            .key("fdw/barrier")
            .needs(installed);
        let begin = |draft: Draft| draft.run(Session::Coordinator, statements::BEGIN_SNAPSHOT);
        let hold = |draft: Draft| match statements::lock_tables(names(), "ACCESS SHARE") {
            Some(lock) => draft.run(Session::Coordinator, lock),
            None => draft,
        };
        // A table that is truncated after a snapshot reads as empty in it (manual, TRUNCATE): nobody may do that from then on.
        if !has_barrier {
            draft = hold(begin(draft));
        }
        for session in 0..self.session_count {
            draft = self.begin_session(context, draft, session);
        }
        let first = |session: u16| {
            let reading = self.readings(context, session).into_iter().next()?;
            let table = &tables[*reading.tables.first()?];
            let foreign = ObjectName::new(reading.foreign_schema, &table.name.name);
            Some((Session::Fdw(session), foreign, table.is_heap))
        };
        let firsts: Vec<_> = (0..self.session_count).filter_map(first).collect();
        if has_barrier {
            // Nobody has read yet, but all are connected: nothing slow is left for the time in which nobody may write.
            for (on, foreign, _) in &firsts {
                for sql in statements::connect_foreign(foreign) {
                    draft = draft.run(*on, sql);
                }
            }
            draft = begin(draft).run(Session::SourceNow, statements::BEGIN).run(
                Session::SourceNow,
                statements::local_statement_timeout(BARRIER_LOCK_SECONDS),
            );
            if let Some(lock) = statements::lock_tables(names(), "SHARE") {
                draft = draft.run(Session::SourceNow, lock);
            }
        }
        for (on, foreign, is_heap) in &firsts {
            draft = draft.run(*on, statements::touch_foreign(foreign, *is_heap));
        }
        if has_barrier {
            // All that comes after, pg_dump among it, is seen as it was at this moment.
            draft = hold(draft)
                .run(Session::Coordinator, statements::TAKE_SNAPSHOT)
                .run(Session::SourceNow, statements::COMMIT);
        }
        steps.push(draft.statement(
            Session::Coordinator,
            Action::ExportSnapshot,
            statements::EXPORT_SNAPSHOT,
        ))
    }

    fn begin_session(&mut self, context: &Context<'_>, draft: Draft, session: u16) -> Draft {
        let inspection = context.inspection;
        let endpoint = &inspection.source_endpoint;
        let on = Session::Fdw(session);
        let begin = if context.appends() {
            existing::BEGIN_COUNTING
        } else {
            statements::BEGIN
        };
        let hush = Hush::of(&inspection.destination);
        let version = inspection.destination.version_num;
        let mut draft = draft;
        if let Some(sql) = hush.sampling(version) {
            draft = draft.run(on, sql);
        }
        let mut draft = draft.run(on, begin).run(
            on,
            statements::create_fdw_server(&FdwAddress {
                host: context
                    .options
                    .fdw_host
                    .as_deref()
                    .unwrap_or(&endpoint.host),
                port: context.options.fdw_port.unwrap_or(endpoint.port),
                endpoint,
                session,
                source_version_num: inspection.source.version_num,
                destination_version_num: inspection.destination.version_num,
                fetch_size: FETCH_ROWS.1,
            }),
        );
        let tables = &inspection.catalog.tables;
        for reading in self.readings(context, session) {
            let into = &reading.foreign_schema;
            draft = draft.run(on, statements::create_schema(into));
            for table in reading.tables {
                let of = &tables[table];
                let foreign = ObjectName::new(into, &of.name.name);
                let fetch_size = fetch_size(of.estimated_rows, of.table_bytes);
                let fetch_size = Some(fetch_size).filter(|rows| *rows != FETCH_ROWS.1);
                let create = statements::create_foreign_table(&foreign, of, session, fetch_size);
                draft = draft.run(on, create);
                self.foreign.insert((session, table), foreign);
            }
        }
        // The login is the last that is stored, and the first that goes.
        if let Some(sql) = hush.begin() {
            draft = draft.run(on, sql);
        }
        draft = draft.statement(
            on,
            Action::RunWithPassword,
            statements::create_user_mapping(session, &endpoint.user, endpoint.password.is_some()),
        );
        if let Some(sql) = hush.end() {
            draft = draft.run(on, sql);
        }
        draft
    }

    /// The data step of a table, or of one part of it. Its rows are there when its session's commit step is over.
    pub(super) fn push_rows(
        &self,
        context: &Context<'_>,
        steps: &mut Steps,
        carried: &Carried,
        share: Share,
    ) -> StepId {
        let at = carried.table;
        let table = &context.inspection.catalog.tables[at];
        let number = self.session_of(at, share);
        let session = Session::Fdw(number);
        let foreign = &self.foreign[&(number, at)];
        let portion = Portion::of(context, carried, share);
        let filter = portion.filter.as_deref();
        let key = &portion.key;
        let route = Route::of(context, at);
        // By the source itself, where that sees the same: what comes through a foreign table the destination has read already.
        let measure = |how: Measurement, filter: Option<&str>| {
            if self.is_one_state && how != Measurement::Count {
                let sql = measure::measure_source(table, &route.compared, how, filter);
                (Session::Source, sql)
            } else {
                let sql = measure::measure_foreign(&route.compared, foreign, how, filter);
                (session, sql)
            }
        };
        let mut draft = Draft::new(
            Phase::Data,
            portion.title("Pull", table),
            portion.why(context, "The destination reads the rows straight from the source; they do not pass through this machine.".into()),
        )
        .kind(StepKind::FdwRows { session: number })
        .object(&table.name)
        .key(key)
        .share(context, at, share)
        .needs(context.table_step(at))
        .needs(self.barrier)
        .run(session, statements::SAVEPOINT);
        if context.is_done(key) {
            let source = measure(context.checksum(), None);
            let commit = statements::RELEASE_SAVEPOINT;
            draft = draft.keep_if_equal(context, carried, session, source, commit);
        }
        let is_evaluated = context.rows_are_evaluated(at);
        if is_evaluated {
            draft = draft.run_all(session, context.as_on_source());
        }
        draft = draft.silence(context, at, session).statement(
            session,
            Action::CarryRows,
            statements::insert_from_foreign(route.name, &route.columns, foreign, filter),
        );
        if is_evaluated {
            draft = draft.run_all(session, context.as_pinned());
        }
        if let Some(measurement) = context.measurement_of(at) {
            let (on, sql) = measure(measurement, filter);
            draft = draft.statement(on, Action::MeasureSource, sql);
        }
        steps.push(
            draft
                .unsilence(context, at, session)
                .statement(session, Action::Journal, journal::done_with_rows(key))
                .run(session, statements::RELEASE_SAVEPOINT)
                .fallbacks(fallback::of_long_values(context, carried, share)),
        )
    }

    fn session_of(&self, table: usize, share: Share) -> u16 {
        let sessions = &self.sessions_of[&table];
        let number = share.map_or(1, |(part, _)| part.number);
        sessions[number as usize - 1]
    }

    /// One commit per session, in their order; what needs a table's rows waits for those of its sessions.
    pub(super) fn push_commits(&self, context: &Context<'_>, steps: &mut Steps) -> Vec<StepId> {
        let mut commits = Vec::new();
        for session in 0..self.session_count {
            let on = Session::Fdw(session);
            let mut draft = Draft::new(
                Phase::Data,
                format_args!("Commit what FDW session {} has read", session + 1),
                "Foreign tables, server and the stored login are dropped first, in the same transaction that brought the rows: only the rows stay.",
            )
            .kind(StepKind::FdwCommit { session })
            .key(format!("fdw/commit/{}", session + 1))
            .needs(self.barrier)
            .run(on, statements::drop_fdw_server(&statements::fdw_server(session)));
            for reading in self.readings(context, session) {
                draft = draft.run(on, statements::drop_schema(&reading.foreign_schema));
            }
            commits.push(steps.push(draft.run(on, statements::COMMIT)));
        }
        commits
    }

    pub(super) fn push_removal(&self, steps: &mut Steps) {
        if !self.removes_extension {
            return;
        }
        // A session that reads holds the extension; after a stop its commit is over before it is.
        let readers = steps.of_fdw_sessions();
        steps.push(
            Draft::new(
                Phase::Data,
                "Remove postgres_fdw",
                "Nothing that the source does not have may stay.",
            )
            .key("fdw/remove")
            .repeat(Repeat::Freely)
            .rule(Rule::Always)
            .needs(readers)
            .run(Session::Destination, statements::DROP_FDW_EXTENSION),
        );
    }
}

/// Whether writers can be kept off all that is read, by COPY too, for the moment in which the sessions begin.
pub(super) fn can_lock(context: &Context<'_>, carried: &[Carried]) -> bool {
    let tables = &context.inspection.catalog.tables;
    !context.inspection.source.in_recovery && carried.iter().all(|one| tables[one.table].can_lock)
}

/// Rows per round trip, so that one brings about 8 MiB. Where nobody knows how many rows there are, each may be a large one.
fn fetch_size(rows: Option<u64>, bytes: u64) -> u64 {
    let width = match bytes.checked_div(rows.unwrap_or(0)) {
        Some(width) => width.max(1),
        None if bytes <= FETCH_BYTES => 1,
        None => FETCH_BYTES,
    };
    (FETCH_BYTES / width).clamp(FETCH_ROWS.0, FETCH_ROWS.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_never_brings_many_rows_of_unknown_width() {
        assert_eq!(fetch_size(Some(1_000), 1_024_000), 8192);
        assert_eq!(fetch_size(Some(50), 100_000_000), 50);
        assert_eq!(fetch_size(None, 100_000_000), 50);
        assert_eq!(fetch_size(Some(0), 100_000_000), 50);
        assert_eq!(fetch_size(None, 8192), 20_000);
        assert_eq!(fetch_size(Some(0), 0), 20_000);
    }
}
