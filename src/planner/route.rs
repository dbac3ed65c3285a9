//! Where rows go on the destination. A partition's rows go into the partition, but where a hash decides that is not the same on
//! every server (of an enum: it is that of the labels' OIDs); there they go through the partitioned table above, as pg_dump's
//! `--load-via-partition-root` has it.

use std::collections::BTreeSet;

use crate::model::catalog::ExtensionConfig;
use crate::model::name::ObjectName;
use crate::model::options::SchemaChoice;
use crate::sql::measure::{self, ComparedColumn, Measurement};

use super::Context;

impl Context<'_> {
    /// The partitioned table, made here, that decides anew which of its partitions each row of this one belongs to.
    pub(super) fn rehashed_by(&self, table: usize) -> Option<usize> {
        let tables = &self.inspection.catalog.tables;
        let above = |at: &usize| tables[*at].partition_of;
        std::iter::successors(above(&table), above)
            .filter(|at| tables[*at].hashes_oids && self.creating_step.contains_key(at))
            .filter(|_| self.options.schema == SchemaChoice::All)
            .last()
    }

    /// The tables that rows of this one may be in, or are seen through: itself and those above, and where it is hashed anew all
    /// that are partitions of the same.
    pub(super) fn tables_of_rows(&self, table: usize) -> BTreeSet<usize> {
        let tables = &self.inspection.catalog.tables;
        let chain = std::iter::successors(Some(table), |at| tables[*at].partition_of);
        let mut all: BTreeSet<usize> = chain.collect();
        let mut below: Vec<usize> = self.rehashed_by(table).into_iter().collect();
        while let Some(at) = below.pop() {
            all.insert(at);
            below.extend(self.partitions.get(&at).into_iter().flatten());
        }
        all
    }
}

/// Where a table's rows go on the destination, and what of them is compared.
pub(super) struct Route<'a> {
    pub(super) name: &'a ObjectName,
    pub(super) columns: Vec<&'a str>,
    pub(super) compared: Vec<ComparedColumn<'a>>,
    config: Option<&'a ExtensionConfig>,
    is_partitioned: bool,
    /// Rows of other tables of the source may come here too.
    pub(super) is_shared: bool,
    /// Position in the destination's catalog, where tables are there already.
    pub(super) target: Option<usize>,
    /// Position of the partitioned table, made here, that the rows go through.
    pub(super) through: Option<usize>,
}

impl<'a> Route<'a> {
    pub(super) fn of(context: &'a Context<'_>, at: usize) -> Self {
        let table = &context.inspection.catalog.tables[at];
        if let Some(landing) = context.landing(at) {
            return Self {
                name: &landing.there.name,
                columns: landing.columns.clone(),
                compared: landing.compared.clone(),
                config: table.extension_config.as_ref(),
                is_partitioned: landing.is_distributed,
                is_shared: landing.is_shared,
                target: Some(landing.table),
                through: None,
            };
        }
        let through = context.rehashed_by(at);
        // All partitions in the same order of columns, so that their checksums can be added up.
        let made = through.map_or(table, |root| &context.inspection.catalog.tables[root]);
        Self {
            name: &made.name,
            columns: made.copied_columns().map(|c| c.name.as_str()).collect(),
            compared: made.columns.iter().map(ComparedColumn::from).collect(),
            config: table.extension_config.as_ref(),
            is_partitioned: through.is_some(),
            is_shared: through.is_some(),
            target: None,
            through,
        }
    }

    /// Rows that the run has not brought, or has brought for another table, are in the same one.
    pub(super) fn is_among_others(&self) -> bool {
        self.target.is_some() || self.through.is_some()
    }

    /// The same for all tables whose rows can only be compared together.
    pub(super) fn joins(&self) -> Option<usize> {
        self.target.filter(|_| self.is_shared).or(self.through)
    }

    /// Of the rows on the destination those that an unfinished run has brought.
    pub(super) fn measure_brought(&self, measurement: Measurement, key: &str) -> String {
        if !self.is_among_others() {
            return self.measure(measurement);
        }
        measure::measure_brought(
            self.name,
            &self.compared,
            measurement,
            self.is_partitioned,
            key,
        )
    }

    /// The rows on the destination.
    pub(super) fn measure(&self, measurement: Measurement) -> String {
        measure::measure_destination(
            self.name,
            &self.compared,
            measurement,
            self.config,
            self.is_partitioned,
        )
    }
}
