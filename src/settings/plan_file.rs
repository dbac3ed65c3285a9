//! A plan as a file that a person can edit: both ends without their secrets, the choices, one line per table and sequence, and
//! what the source's schema was, so that a plan that no longer fits is known.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::archive::Archive;
use crate::model::catalog::Catalog;
use crate::model::connection::Endpoint;
use crate::model::inspection::Inspection;
use crate::model::name::{ObjectName, toml_string};
use crate::model::options::Options;
use crate::model::problem::Problem;
use crate::model::selection::Selection;

use super::choice_lines::{self, Name, SequenceLines, TableLines, lost, section};

const HEAD: &str = "\
# A plan of howdah, to be read and edited, and run with: howdah run --plan FILE --yes
# No password is in here; they come from PGPASSWORD, ~/.pgpass or the service file, as with psql.
#
# [options] have the names that they have on the command line. A table's own line below wins over them:
#   carry   rows, structure-only or nothing
#   method  copy or fdw, where it is another than that of [options]
#   where   a condition that rows must satisfy to be copied

";

const DEFINITIONS_HEAD: &str = "
# What the schema was when the plan was made. If that has changed, the run is refused and names the changes.
";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// Without its password.
    pub source: Endpoint,
    pub destination: Endpoint,
    #[serde(default)]
    pub options: Options,
    #[serde(default)]
    tables: TableLines,
    #[serde(default)]
    sequences: SequenceLines,
    #[serde(default)]
    schema: Schema,
}

/// What stands before the lines of the tables.
#[derive(Serialize)]
struct Head<'a> {
    source: &'a Endpoint,
    destination: &'a Endpoint,
    options: &'a Options,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Schema {
    /// Another one writes the same definitions otherwise.
    pg_dump: String,
    definitions: BTreeMap<String, String>,
}

impl PlanFile {
    pub fn new(inspection: &Inspection, selection: &Selection, options: &Options) -> Self {
        let (tables, sequences) = choice_lines::lines_of(&inspection.catalog, selection);
        Self {
            source: inspection.source_endpoint.without_password(),
            destination: inspection.destination_endpoint.without_password(),
            options: options.clone(),
            tables,
            sequences,
            schema: Schema {
                pg_dump: inspection.archive.client_version.clone(),
                definitions: definitions(&inspection.archive),
            },
        }
    }

    /// The error names the line.
    pub fn read(text: &str) -> Result<Self, Problem> {
        let file: Self = toml::from_str(text).map_err(|error| {
            Problem::new("Could not read the plan file", error.to_string().trim_end())
        })?;
        if !(1..=256).contains(&file.options.jobs) {
            return Err(Problem::new(
                "Could not read the plan file",
                "jobs is not a number from 1 to 256",
            ));
        }
        Ok(file)
    }

    pub fn text(&self) -> Result<String, Problem> {
        let head = Head {
            source: &self.source,
            destination: &self.destination,
            options: &self.options,
        };
        let mut text = format!("{HEAD}{}", toml::to_string(&head).map_err(lost)?);
        section(&mut text, "\n[tables]\n", &self.tables)?;
        section(&mut text, "\n[sequences]\n", &self.sequences)?;
        text.push_str(DEFINITIONS_HEAD);
        let pg_dump = toml_string(&self.schema.pg_dump);
        text.push_str(&format!("[schema]\npg-dump = {pg_dump}\n"));
        section(
            &mut text,
            "\n[schema.definitions]\n",
            &self.schema.definitions,
        )?;
        Ok(text)
    }

    /// What is no longer as it was when the plan was made, one sentence each.
    pub fn differences(&self, inspection: &Inspection) -> Vec<String> {
        let catalog = &inspection.catalog;
        let mut found = Vec::new();
        let tables = catalog.tables.iter().map(|table| &table.name);
        compare_names("table", self.tables.keys(), tables, &mut found);
        let sequences = catalog.sequences.iter().map(|sequence| &sequence.name);
        compare_names("sequence", self.sequences.keys(), sequences, &mut found);
        let major = |version: &str| version.split('.').next().map(str::to_owned);
        let now = &inspection.archive;
        if major(&self.schema.pg_dump) != major(&now.client_version) {
            found.push(format!(
                "the plan was made with pg_dump {}, and now {} would be used: definitions cannot be compared",
                self.schema.pg_dump, now.client_version
            ));
            return found;
        }
        let now = definitions(now);
        for (object, digest) in &self.schema.definitions {
            match now.get(object) {
                Some(current) if current == digest => {}
                Some(_) => found.push(format!("{object} is defined differently now")),
                None => found.push(format!("{object} is gone")),
            }
        }
        let new = now
            .keys()
            .filter(|o| !self.schema.definitions.contains_key(*o));
        found.extend(new.map(|object| format!("{object} is new")));
        found
    }

    /// The choices for a source that the plan fits.
    pub fn selection(&self, catalog: &Catalog) -> Selection {
        let mut selection = Selection::of(catalog, &self.options);
        choice_lines::apply(&self.tables, &self.sequences, catalog, &mut selection);
        selection
    }
}

fn definitions(archive: &Archive) -> BTreeMap<String, String> {
    let definitions = archive.definitions().into_iter();
    definitions
        .map(|(object, digest)| (object, format!("{digest:016x}")))
        .collect()
}

fn compare_names<'a>(
    what: &str,
    named: impl Iterator<Item = &'a Name>,
    there: impl Iterator<Item = &'a ObjectName>,
    found: &mut Vec<String>,
) {
    let mut there: BTreeSet<&ObjectName> = there.collect();
    for name in named {
        if !there.remove(&name.0) {
            let name = name.0.written();
            found.push(format!("the {what} {name} is not on the source any more"));
        }
    }
    for name in there {
        found.push(format!(
            "the {what} {} is new; the plan says nothing about it",
            name.written()
        ));
    }
}
