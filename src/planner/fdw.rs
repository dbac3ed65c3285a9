//! The postgres_fdw scaffold: made before the rows, gone as soon as they are committed.
//!
//! One FDW session reads one state of the source (manual, postgres_fdw, "Transaction Management"). Several sessions open
//! their transactions while the coordinator holds SHARE locks, so that all read the same state.

use std::collections::{BTreeMap, HashMap};

use crate::model::catalog::Table;
use crate::model::name::ObjectName;
use crate::model::options::{Method, VerifyLevel};
use crate::model::plan::{Action, Phase, Rule, Session, StepId, StepKind};
use crate::sql::statements::{self, FdwAddress};

use super::Context;
use super::builder::{Draft, Steps};
use super::rows::Carried;

/// Bytes that one round trip should bring, and the bounds of rows per round trip.
const FETCH_BYTES: u64 = 8 << 20;
const FETCH_ROWS: (u64, u64) = (50, 20_000);
/// Seconds the barrier may queue behind a writer before it lets go and tries again.
const BARRIER_LOCK_SECONDS: u32 = 3;

/// What has been set up, and where each table goes.
#[derive(Debug, Default)]
pub(super) struct Scaffold {
    foreign: HashMap<usize, ObjectName>,
    session_of: HashMap<usize, u16>,
    session_count: u16,
    schemas: Vec<String>,
    creates_extension: bool,
    barrier: Option<StepId>,
    commits: std::cell::RefCell<Vec<StepId>>,
}

impl Scaffold {
    pub(super) fn barrier(&self) -> Option<StepId> {
        self.barrier
    }

    /// Pushes nothing when no table goes by FDW.
    pub(super) fn push(context: &Context<'_>, steps: &mut Steps, carried: &[Carried]) -> Self {
        let fdw: Vec<&Carried> = carried.iter().filter(|c| c.method == Method::Fdw).collect();
        if fdw.is_empty() {
            return Self::default();
        }
        let tables = &context.inspection.catalog.tables;
        let mut by_schema: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for carried in &fdw {
            by_schema
                .entry(&tables[carried.table].name.schema)
                .or_default()
                .push(carried.table);
        }
        let mut scaffold = Self {
            creates_extension: !context.inspection.is_fdw_installed
                && !context.carries_fdw_extension(),
            ..Self::default()
        };
        let mut schema_of = HashMap::new();
        for (number, schema) in by_schema.keys().enumerate() {
            let name = format!("{}{}", statements::FDW_SCHEMA_PREFIX, number + 1);
            schema_of.insert(*schema, name.clone());
            scaffold.schemas.push(name);
        }
        for (schema, positions) in &by_schema {
            for position in positions {
                let name = ObjectName::new(&schema_of[schema], &tables[*position].name.name);
                scaffold.foreign.insert(*position, name);
            }
        }
        scaffold.assign_sessions(context, &fdw);

        let ready = scaffold.push_server(context, steps, &fdw);
        let mut imported = vec![Self::push_mapping(context, steps, ready)];
        for (schema, positions) in &by_schema {
            imported.push(scaffold.push_import(
                context,
                steps,
                schema,
                positions,
                &schema_of[schema],
                &imported,
            ));
        }
        scaffold.barrier = Some(scaffold.push_barrier(context, steps, carried, imported));
        scaffold
    }

    /// The largest tables first, each to the session with the least to do so far.
    fn assign_sessions(&mut self, context: &Context<'_>, fdw: &[&Carried]) {
        let tables = &context.inspection.catalog.tables;
        let can_lock = !context.inspection.source.in_recovery
            && fdw.iter().all(|carried| tables[carried.table].can_lock);
        let wanted = if can_lock {
            context.options.jobs.min(fdw.len()).max(1)
        } else {
            1
        };
        let mut load = vec![0_u64; wanted];
        for carried in fdw {
            let least = (0..load.len()).min_by_key(|at| load[*at]).unwrap_or(0);
            load[least] += tables[carried.table].table_bytes.max(8192);
            self.session_of
                .insert(carried.table, u16::try_from(least).unwrap_or(0));
        }
        self.session_count = u16::try_from(wanted).unwrap_or(1);
    }

    fn push_server(&self, context: &Context<'_>, steps: &mut Steps, fdw: &[&Carried]) -> StepId {
        let mut statements = Vec::new();
        if self.creates_extension {
            statements.push(statements::CREATE_FDW_EXTENSION.to_owned());
        }
        let endpoint = &context.inspection.source_endpoint;
        statements.push(statements::create_fdw_server(&FdwAddress {
            host: context
                .options
                .fdw_host
                .as_deref()
                .unwrap_or(&endpoint.host),
            port: context.options.fdw_port.unwrap_or(endpoint.port),
            endpoint,
            source_version_num: context.inspection.source.version_num,
            destination_version_num: context.inspection.destination.version_num,
            fetch_size: FETCH_ROWS.1,
        }));
        statements.extend(
            self.schemas
                .iter()
                .map(|schema| statements::create_schema(schema)),
        );
        steps.push(
            Draft::new(
                Phase::Data,
                "Describe the source to the destination server",
                format!(
                    "postgres_fdw lets the destination read {} tables of the source by itself; all of this is removed afterwards.",
                    fdw.len()
                ),
            )
            .key("fdw/server")
            .transaction(statements),
        )
    }

    fn push_mapping(context: &Context<'_>, steps: &mut Steps, server: StepId) -> StepId {
        let endpoint = &context.inspection.source_endpoint;
        let mut draft = Draft::new(
            Phase::Data,
            "Tell the destination server how to log in to the source",
            "The password lies in the destination's catalogs while the rows are read: made last, removed first.",
        )
        .key("fdw/mapping")
        .needs([server])
        .run(Session::Destination, statements::BEGIN);
        if context.inspection.destination.is_superuser {
            for sql in statements::UNLOGGED_SETTINGS {
                draft = draft.run(Session::Destination, sql);
            }
        }
        steps.push(
            draft
                .statement(
                    Session::Destination,
                    Action::RunWithPassword,
                    statements::create_user_mapping(&endpoint.user, endpoint.password.is_some()),
                )
                .run(Session::Destination, statements::COMMIT),
        )
    }

    fn push_import(
        &self,
        context: &Context<'_>,
        steps: &mut Steps,
        schema: &str,
        positions: &[usize],
        into: &str,
        needs: &[StepId],
    ) -> StepId {
        let tables = &context.inspection.catalog.tables;
        let names = positions.iter().map(|at| tables[*at].name.name.as_str());
        let version = context.inspection.destination.version_num;
        let mut statements = vec![statements::import_foreign_schema(
            schema, names, into, version,
        )];
        for position in positions {
            let fetch_size = fetch_size(&tables[*position]);
            if fetch_size != FETCH_ROWS.1 {
                statements.push(statements::set_fetch_size(
                    &self.foreign[position],
                    fetch_size,
                ));
            }
        }
        steps.push(
            Draft::new(
                Phase::Data,
                format!("Make foreign tables for {}", crate::model::name::printable(schema)),
                "Each foreign table is a window on one table of the source; wide rows are fetched fewer at a time.",
            )
            .key(format!("fdw/import/{schema}"))
            .needs(needs.iter().copied())
            .transaction(statements),
        )
    }

    /// All sessions open their transactions on one state of the source.
    fn push_barrier(
        &self,
        context: &Context<'_>,
        steps: &mut Steps,
        carried: &[Carried],
        imported: Vec<StepId>,
    ) -> StepId {
        let tables = &context.inspection.catalog.tables;
        let has_barrier = carried.iter().all(|c| tables[c.table].can_lock)
            && !context.inspection.source.in_recovery
            && (self.session_count > 1 || carried.iter().any(|c| c.method == Method::Copy));
        let names = || carried.iter().map(|c| &tables[c.table].name);
        let why = if has_barrier {
            "For a moment nobody may write on the source, so that all sessions begin to read from the very same state."
        } else {
            "One session reads all foreign tables in one transaction, so all rows come from the same moment."
        };
        let mut draft = Draft::new(Phase::Data, "Begin reading through postgres_fdw", why)
            .kind(StepKind::FdwBarrier)
            .key("fdw/barrier")
            .needs(imported);
        if has_barrier {
            draft = draft.run(Session::SourceNow, statements::BEGIN).run(
                Session::SourceNow,
                statements::local_lock_timeout(BARRIER_LOCK_SECONDS),
            );
            if let Some(lock) = statements::lock_tables(names(), "SHARE") {
                draft = draft.run(Session::SourceNow, lock);
            }
        }
        for session in 0..self.session_count {
            let first = carried
                .iter()
                .find(|c| self.session_of.get(&c.table) == Some(&session))
                .and_then(|c| self.foreign.get(&c.table));
            draft = draft.run(Session::Fdw(session), statements::BEGIN);
            if let Some(foreign) = first {
                draft = draft.run(Session::Fdw(session), statements::touch_foreign(foreign));
            }
        }
        draft = draft.run(Session::Coordinator, statements::BEGIN_SNAPSHOT);
        if let Some(lock) = statements::lock_tables(names(), "ACCESS SHARE") {
            draft = draft.run(Session::Coordinator, lock);
        }
        draft = draft.statement(
            Session::Coordinator,
            Action::ExportSnapshot,
            statements::EXPORT_SNAPSHOT,
        );
        if has_barrier {
            draft = draft.run(Session::SourceNow, statements::COMMIT);
        }
        steps.push(draft)
    }

    /// The data step; its commit step is pushed later and its place is taken by the data step until then.
    pub(super) fn push_rows(
        &self,
        context: &Context<'_>,
        steps: &mut Steps,
        carried: &Carried,
    ) -> Option<(StepId, StepId)> {
        let table = &context.inspection.catalog.tables[carried.table];
        let foreign = self.foreign.get(&carried.table)?;
        let number = *self.session_of.get(&carried.table)?;
        let session = Session::Fdw(number);
        let key = format!("data/{}.{}", table.name.schema, table.name.name);
        let mut draft = Draft::new(
            Phase::Data,
            format!("Pull the rows of {}", table.name),
            "The destination reads the rows straight from the source; they do not pass through this machine.",
        )
        .kind(StepKind::FdwRows { session: number })
        .object(&table.name)
        .key(&key)
        .size(table.table_bytes, table.estimated_rows)
        .needs(context.table_step(carried.table))
        .needs(self.barrier)
        .run(session, statements::SAVEPOINT);
        for sql in context.quiet_destination() {
            draft = draft.run(session, sql);
        }
        draft = draft.statement(
            session,
            Action::CarryRows,
            statements::insert_from_foreign(table, foreign),
        );
        if context.options.verify != VerifyLevel::Off {
            draft = draft.statement(
                session,
                Action::MeasureSource,
                statements::count_foreign(foreign),
            );
        }
        let step = steps.push(
            draft
                .statement(session, Action::Journal, statements::journal_step(&key))
                .run(session, statements::RELEASE_SAVEPOINT),
        );
        Some((step, step))
    }

    /// One commit per session; what needs a table's rows then waits for its session's commit.
    pub(super) fn push_commits(
        &self,
        steps: &mut Steps,
        by_table: &mut HashMap<usize, (StepId, StepId)>,
    ) {
        for session in 0..self.session_count {
            let tables: Vec<usize> = self
                .session_of
                .iter()
                .filter(|(_, s)| **s == session)
                .map(|(t, _)| *t)
                .collect();
            let commit = steps.push(
                Draft::new(
                    Phase::Data,
                    format!("Commit what FDW session {} has read", session + 1),
                    "Up to here every table of this session was one transaction; now its rows are there to stay.",
                )
                .kind(StepKind::FdwCommit { session })
                .key(format!("fdw/commit/{}", session + 1))
                .needs(self.barrier)
                .run(Session::Fdw(session), statements::COMMIT),
            );
            self.commits.borrow_mut().push(commit);
            for table in tables {
                if let Some((_, durable)) = by_table.get_mut(&table) {
                    *durable = commit;
                }
            }
        }
    }

    /// Mapping first, for it holds the password.
    pub(super) fn push_removal(&self, steps: &mut Steps) {
        if self.barrier.is_none() {
            return;
        }
        let mut statements = vec![statements::drop_fdw_server()];
        statements.extend(
            self.schemas
                .iter()
                .map(|schema| statements::drop_schema(schema)),
        );
        if self.creates_extension {
            statements.push(statements::DROP_FDW_EXTENSION.to_owned());
        }
        let mut draft = Draft::new(
            Phase::Data,
            "Remove the postgres_fdw scaffold",
            "Nothing that the source does not have may stay: the stored login goes first, then foreign tables and server.",
        )
        .key("fdw/remove")
        .rule(Rule::Always)
        .needs(self.commits.borrow().iter().copied())
        .run(Session::Destination, statements::drop_user_mapping());
        for sql in statements {
            draft = draft.run(Session::Destination, sql);
        }
        steps.push(draft);
    }
}

/// Rows per round trip, so that one brings about 8 MiB.
fn fetch_size(table: &Table) -> u64 {
    let rows = table.estimated_rows.unwrap_or(0);
    let width = table
        .table_bytes
        .checked_div(rows)
        .map_or(1024, |width| width.max(1));
    (FETCH_BYTES / width).clamp(FETCH_ROWS.0, FETCH_ROWS.1)
}
