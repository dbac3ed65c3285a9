//! The rows of the tree: schema › tables › partitions, as far as they are unfolded and pass the filter.

use std::collections::{BTreeMap, HashSet};

use super::filter::Filter;
use crate::model::catalog::Catalog;

/// One row of the list; numbers are positions in [`Tree::schemas`] and in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Row {
    Schema(usize),
    Table { table: usize, depth: usize },
    Sequence(usize),
}

#[derive(Debug, Default)]
pub struct Schema {
    pub name: String,
    /// Tables that are no partition, in name order.
    pub roots: Vec<usize>,
}

/// What the catalog's flat lists say about nesting; made once per inspection.
#[derive(Debug, Default)]
pub struct Tree {
    pub schemas: Vec<Schema>,
    /// Partitions of each table.
    children: Vec<Vec<usize>>,
    /// `schema.name`, and the same in lower case: made once, because the filter reads them at each key.
    table_names: Vec<(String, String)>,
    sequence_names: Vec<(String, String)>,
    folded: HashSet<usize>,
    unfolded: HashSet<usize>,
}

impl Tree {
    pub fn new(catalog: &Catalog) -> Self {
        let mut roots: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut children = vec![Vec::new(); catalog.tables.len()];
        for (position, table) in catalog.tables.iter().enumerate() {
            match table
                .partition_of
                .and_then(|parent| children.get_mut(parent))
            {
                Some(siblings) => siblings.push(position),
                None => roots.entry(&table.name.schema).or_default().push(position),
            }
        }
        let schemas = roots.into_iter().map(|(name, roots)| Schema {
            name: name.to_owned(),
            roots,
        });
        let both_cases = |name: String| {
            let lower = name.to_lowercase();
            (name, lower)
        };
        let tables = catalog.tables.iter().map(|one| one.name.to_string());
        let sequences = catalog.sequences.iter().map(|one| one.name.to_string());
        Self {
            schemas: schemas.collect(),
            children,
            table_names: tables.map(both_cases).collect(),
            sequence_names: sequences.map(both_cases).collect(),
            folded: HashSet::new(),
            unfolded: HashSet::new(),
        }
    }

    /// The table and everything partitioned off it, itself first.
    pub fn subtree(&self, table: usize) -> Vec<usize> {
        let mut found = vec![table];
        let mut next = 0;
        while let Some(one) = found.get(next) {
            found.extend(self.partitions(*one));
            next += 1;
        }
        found
    }

    pub fn partitions(&self, table: usize) -> &[usize] {
        self.children.get(table).map_or(&[], Vec::as_slice)
    }

    /// All tables of a schema's trees, partitions of other schemas included.
    pub fn of_schema(&self, schema: usize) -> Vec<usize> {
        let roots = self.schemas.get(schema).map_or(&[][..], |one| &one.roots);
        roots.iter().flat_map(|root| self.subtree(*root)).collect()
    }

    pub fn is_unfolded(&self, row: Row) -> bool {
        match row {
            Row::Schema(schema) => !self.folded.contains(&schema),
            Row::Table { table, .. } => self.unfolded.contains(&table),
            Row::Sequence(_) => false,
        }
    }

    /// False if there is nothing to fold, or nothing changes.
    pub fn fold(&mut self, row: Row, unfold: bool) -> bool {
        match row {
            Row::Schema(schema) if unfold => self.folded.remove(&schema),
            Row::Schema(schema) => self.folded.insert(schema),
            Row::Table { table, .. } if self.partitions(table).is_empty() => false,
            Row::Table { table, .. } if unfold => self.unfolded.insert(table),
            Row::Table { table, .. } => self.unfolded.remove(&table),
            Row::Sequence(_) => false,
        }
    }

    /// Folds all schemas and partitions; unfolds the schemas first, then the partitions.
    pub fn fold_all(&mut self, unfold: bool) {
        if !unfold {
            self.folded = (0..self.schemas.len()).collect();
            self.unfolded.clear();
        } else if self.folded.is_empty() {
            let tables = 0..self.children.len();
            self.unfolded = tables
                .filter(|at| !self.partitions(*at).is_empty())
                .collect();
        } else {
            self.folded.clear();
        }
    }

    /// Tables whose own name passes.
    pub fn matching_tables(&self, filter: &Filter) -> Vec<usize> {
        matching(&self.table_names, filter)
    }

    pub fn matching_sequences(&self, filter: &Filter) -> Vec<usize> {
        matching(&self.sequence_names, filter)
    }

    /// The rows to show. With a filter everything that leads to a hit is unfolded.
    pub fn rows(&self, filter: &Filter) -> Vec<Row> {
        let mut is_shown = vec![!filter.is_active(); self.children.len()];
        if filter.is_active() {
            for hit in self.matching_tables(filter) {
                is_shown[hit] = true;
            }
        }
        let mut rows = Vec::new();
        for (position, schema) in self.schemas.iter().enumerate() {
            let head = rows.len();
            rows.push(Row::Schema(position));
            for root in &schema.roots {
                self.push(*root, 1, filter.is_active(), &is_shown, &mut rows);
            }
            if filter.is_active() && rows.len() == head + 1 {
                rows.pop();
            } else if !filter.is_active() && self.folded.contains(&position) {
                rows.truncate(head + 1);
            }
        }
        rows
    }

    fn push(
        &self,
        table: usize,
        depth: usize,
        is_filtered: bool,
        is_shown: &[bool],
        rows: &mut Vec<Row>,
    ) {
        let here = rows.len();
        rows.push(Row::Table { table, depth });
        if is_filtered || self.unfolded.contains(&table) {
            for partition in self.partitions(table) {
                self.push(*partition, depth + 1, is_filtered, is_shown, rows);
            }
        }
        let leads_to_a_hit = rows.len() > here + 1;
        if is_filtered && !leads_to_a_hit && !is_shown[table] {
            rows.pop();
        }
    }
}

fn matching(names: &[(String, String)], filter: &Filter) -> Vec<usize> {
    let passes = |(_, (name, lower)): &(usize, &(String, String))| filter.passes(name, lower);
    let hits = names.iter().enumerate().filter(passes);
    hits.map(|(position, _)| position).collect()
}
