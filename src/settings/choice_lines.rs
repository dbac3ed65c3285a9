//! What is chosen of a source, one line per table and sequence, as plan files and selection files hold it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::model::catalog::Catalog;
use crate::model::name::{ObjectName, toml_string};
use crate::model::options::Method;
use crate::model::problem::Problem;
use crate::model::selection::{Carry, Selection};

pub(super) type TableLines = BTreeMap<Name, TableLine>;
/// Whether a counter is carried.
pub(super) type SequenceLines = BTreeMap<Name, bool>;

/// `schema.name`; what is none is refused where it stands, with its line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(pub(super) ObjectName);

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.written())
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("schema.name")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Name, E> {
                ObjectName::read(text).map(Name).ok_or_else(|| {
                    E::custom(format!(
                        "{text} is not schema.name; a part that holds a dot stands in double quotes: 'shop.\"a.b\"'"
                    ))
                })
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableLine {
    pub(super) carry: Carry,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<Method>,
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub(super) filter: Option<String>,
}

pub(super) fn lines_of(catalog: &Catalog, selection: &Selection) -> (TableLines, SequenceLines) {
    let line = |at: usize| TableLine {
        carry: selection.tables.get(at).copied().unwrap_or_default(),
        method: selection.methods.get(at).copied().flatten(),
        filter: selection.filter(at).map(str::to_owned),
    };
    let tables = catalog.tables.iter().enumerate();
    let sequences = catalog.sequences.iter().zip(&selection.sequences);
    (
        tables
            .map(|(at, t)| (Name(t.name.clone()), line(at)))
            .collect(),
        sequences
            .map(|(sequence, is_chosen)| (Name(sequence.name.clone()), *is_chosen))
            .collect(),
    )
}

/// Sets what the lines name; the rest stays.
pub(super) fn apply(
    tables: &TableLines,
    sequences: &SequenceLines,
    catalog: &Catalog,
    selection: &mut Selection,
) {
    let lines: HashMap<&ObjectName, &TableLine> =
        tables.iter().map(|(name, line)| (&name.0, line)).collect();
    for (at, table) in catalog.tables.iter().enumerate() {
        if let Some(line) = lines.get(&table.name) {
            selection.tables[at] = line.carry;
            selection.methods[at] = line.method;
            selection.filters[at].clone_from(&line.filter);
        }
    }
    let lines: HashMap<&ObjectName, bool> =
        sequences.iter().map(|(name, is)| (&name.0, *is)).collect();
    for (chosen, sequence) in selection.sequences.iter_mut().zip(&catalog.sequences) {
        if let Some(is_chosen) = lines.get(&sequence.name) {
            *chosen = *is_chosen;
        }
    }
}

/// A key and a value a line, however many keys the value has.
pub(super) fn section<K: Clone + Into<String>, T: Serialize>(
    text: &mut String,
    head: &str,
    lines: &BTreeMap<K, T>,
) -> Result<(), Problem> {
    text.push_str(head);
    for (name, line) in lines {
        let name: String = name.clone().into();
        let value = toml::Value::try_from(line).map_err(lost)?;
        text.push_str(&format!(
            "{} = {}\n",
            toml_string(&name),
            of_one_line(&value)
        ));
    }
    Ok(())
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.written()
    }
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
pub(super) fn lost(error: toml::ser::Error) -> Problem {
    Problem::new("Could not write the plan", error.to_string())
        .hint("The path of a certificate must be UTF-8.")
}
