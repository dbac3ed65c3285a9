//! A plan as a file that a person can edit: both ends without their secrets, the choices, one line per table and sequence, and
//! what the source's schema was, so that a plan that no longer fits is known.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::model::archive::Archive;
use crate::model::catalog::Catalog;
use crate::model::connection::Endpoint;
use crate::model::inspection::Inspection;
use crate::model::name::{ObjectName, toml_string};
use crate::model::options::{Method, Options};
use crate::model::problem::Problem;
use crate::model::selection::{Carry, Selection};

const HEAD: &str = "\
# A plan of howdah, to be read and edited, and run with: howdah run --plan FILE --yes
# No password is in here; they come from PGPASSWORD, ~/.pgpass or the service file, as with psql.
#
# [options] bear the names that they have on the command line. Each table's own line below wins over what they say of it:
#   carry   rows, structure-only or nothing
#   method  copy or fdw, where it is another than that of [options]
#   where   a condition that rows must satisfy to be carried

";

const DEFINITIONS_HEAD: &str = "
# What the schema was when the plan was made. The run is refused when it is no longer so, with what has changed.
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
    tables: BTreeMap<String, TableLine>,
    /// Whether a counter is carried.
    #[serde(default)]
    sequences: BTreeMap<String, bool>,
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
#[serde(deny_unknown_fields)]
struct TableLine {
    carry: Carry,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<Method>,
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
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
        let catalog = &inspection.catalog;
        let line = |at: usize| TableLine {
            carry: selection.tables.get(at).copied().unwrap_or_default(),
            method: selection.methods.get(at).copied().flatten(),
            filter: selection.filter(at).map(str::to_owned),
        };
        let tables = catalog.tables.iter().enumerate();
        let sequences = catalog.sequences.iter().zip(&selection.sequences);
        Self {
            source: inspection.source_endpoint.without_password(),
            destination: inspection.destination_endpoint.without_password(),
            options: options.clone(),
            tables: tables.map(|(at, t)| (t.name.written(), line(at))).collect(),
            sequences: sequences
                .map(|(sequence, is_chosen)| (sequence.name.written(), *is_chosen))
                .collect(),
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
        let named = file.tables.keys().chain(file.sequences.keys());
        match named.into_iter().find(|n| ObjectName::read(n).is_none()) {
            Some(name) => Err(Problem::new(
                "Could not read the plan file",
                format!("{name} is not schema.name"),
            )
            .hint("Put a part that holds a dot into double quotes: 'shop.\"a.b\"'.")),
            None => Ok(file),
        }
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
                Some(_) => found.push(format!("{object} is defined otherwise now")),
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
        let lines: HashMap<ObjectName, &TableLine> = self
            .tables
            .iter()
            .filter_map(|(name, line)| Some((ObjectName::read(name)?, line)))
            .collect();
        for (at, table) in catalog.tables.iter().enumerate() {
            if let Some(line) = lines.get(&table.name) {
                selection.tables[at] = line.carry;
                selection.methods[at] = line.method;
                selection.filters[at].clone_from(&line.filter);
            }
        }
        for (chosen, sequence) in selection.sequences.iter_mut().zip(&catalog.sequences) {
            if let Some(is_chosen) = self.sequences.get(&sequence.name.written()) {
                *chosen = *is_chosen;
            }
        }
        selection
    }
}

fn definitions(archive: &Archive) -> BTreeMap<String, String> {
    let definitions = archive.definitions().into_iter();
    definitions
        .map(|(object, digest)| (object, format!("{digest:016x}")))
        .collect()
}

/// A key and a value a line, however many keys the value has.
fn section<T: Serialize>(
    text: &mut String,
    head: &str,
    lines: &BTreeMap<String, T>,
) -> Result<(), Problem> {
    text.push_str(head);
    for (name, line) in lines {
        let value = toml::Value::try_from(line).map_err(lost)?;
        text.push_str(&format!(
            "{} = {}\n",
            toml_string(name),
            of_one_line(&value)
        ));
    }
    Ok(())
}

fn of_one_line(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => toml_string(text),
        toml::Value::Table(table) => {
            let pairs = table.iter();
            let pairs: Vec<String> = pairs
                .map(|(key, value)| format!("{key} = {}", of_one_line(value)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err gives it")]
fn lost(error: toml::ser::Error) -> Problem {
    Problem::new("Could not write the plan", error.to_string())
        .hint("The path of a certificate must be UTF-8.")
}

fn compare_names<'a>(
    what: &str,
    named: impl Iterator<Item = &'a String>,
    there: impl Iterator<Item = &'a ObjectName>,
    found: &mut Vec<String>,
) {
    let mut there: BTreeSet<&ObjectName> = there.collect();
    for name in named {
        if !ObjectName::read(name).is_some_and(|name| there.remove(&name)) {
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
