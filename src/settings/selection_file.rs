//! A selection as a file of its own, to be kept, edited and used again: on the same source later, or on another with the same
//! names. It says nothing about servers.

use std::collections::{BTreeMap, BTreeSet};

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::catalog::Catalog;
use crate::model::name::ObjectName;
use crate::model::problem::Problem;
use crate::model::selection::{Carry, Selection};

use super::choice_lines::{self, Name, SequenceLines, TableLines, section};

const HEAD: &str = "\
# A selection of howdah, to be read and edited. Load it on Select with L, or give it to howdah run, plan and check: --selection FILE
#
# A line for each table:
#   carry   rows, structure-only or nothing
#   method  copy or fdw, where it is another than that of the options
#   where   a condition that rows must satisfy to be copied
# and true or false for the value of each sequence.

# What becomes of a table without a line: rows, structure-only or nothing. A partition without a line goes with its parent, a
# sequence without a line with the table that owns it.
";

/// A file for people, read whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectionFile {
    #[serde(default)]
    others: Carry,
    #[serde(default)]
    tables: TableLines,
    #[serde(default)]
    sequences: SequenceLines,
}

/// What a file means for a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    pub selection: Selection,
    /// What the file names and the source does not have, one sentence each; the rest holds.
    pub missing: Vec<String>,
    /// What the source has and the file does not name, one sentence each.
    pub unnamed: Vec<String>,
}

impl SelectionFile {
    pub fn new(catalog: &Catalog, selection: &Selection) -> Self {
        let (tables, sequences) = choice_lines::lines_of(catalog, selection);
        Self {
            others: Carry::default(),
            tables,
            sequences,
        }
    }

    /// The error names the file, and the line.
    pub fn load(file: &Path) -> Result<Self, Problem> {
        let what = format!("Could not read {}", file.display());
        let text = std::fs::read_to_string(file)
            .map_err(|error| Problem::new(what.clone(), error.to_string()))?;
        Self::read(&text).map_err(|problem| problem.doing(what))
    }

    /// The error names the line.
    pub fn read(text: &str) -> Result<Self, Problem> {
        toml::from_str(text).map_err(|error| {
            Problem::new("Could not read the selection", error.to_string().trim_end())
        })
    }

    pub fn text(&self) -> Result<String, Problem> {
        let others = toml::Value::try_from(self.others).map_err(choice_lines::lost)?;
        let mut text = format!("{HEAD}others = {others}\n");
        section(&mut text, "\n[tables]\n", &self.tables)?;
        section(&mut text, "\n[sequences]\n", &self.sequences)?;
        Ok(text)
    }

    pub fn selection(&self, catalog: &Catalog) -> Loaded {
        let mut selection = Selection::all(catalog);
        for (carry, table) in selection.tables.iter_mut().zip(&catalog.tables) {
            // What is not the user's takes a line.
            let is_left = catalog.is_provided_table(table);
            *carry = if is_left { Carry::Nothing } else { self.others };
        }
        choice_lines::apply(&self.tables, &BTreeMap::new(), catalog, &mut selection);
        self.follow_parents(catalog, &mut selection);
        for (chosen, sequence) in selection.sequences.iter_mut().zip(&catalog.sequences) {
            let carry = match &sequence.owned_by {
                Some(owner) => selection.tables.get(owner.table).copied(),
                None if catalog.is_provided_sequence(sequence) => Some(Carry::Nothing),
                None => Some(self.others),
            };
            *chosen = carry != Some(Carry::Nothing);
        }
        choice_lines::apply(&TableLines::new(), &self.sequences, catalog, &mut selection);
        let (mut missing, mut unnamed) = (Vec::new(), Vec::new());
        // What goes with another that has a line needs none of its own.
        let has_line = |at: Option<usize>| at.is_some_and(|at| self.line_of(catalog, at).is_some());
        let tables = catalog.tables.iter();
        let tables = tables.map(|one| (&one.name, has_line(one.partition_of)));
        let named: BTreeSet<_> = self.tables.keys().map(|name| &name.0).collect();
        compare("table", &named, tables, &mut missing, &mut unnamed);
        let sequences = catalog.sequences.iter().map(|one| {
            let owner = one.owned_by.as_ref().map(|owner| owner.table);
            (&one.name, has_line(owner))
        });
        let named: BTreeSet<_> = self.sequences.keys().map(|name| &name.0).collect();
        compare("sequence", &named, sequences, &mut missing, &mut unnamed);
        let otherwise = match self.others {
            Carry::Nothing => ": left out",
            Carry::StructureOnly => ": taken without rows",
            Carry::RowsAndStructure => ": taken along",
        };
        for one in &mut unnamed {
            one.push_str(otherwise);
        }
        Loaded {
            selection,
            missing,
            unnamed,
        }
    }

    /// The table whose line holds for this one: itself, or the nearest that it is a partition of.
    fn line_of(&self, catalog: &Catalog, at: usize) -> Option<usize> {
        let parent = |at: &usize| catalog.tables.get(*at)?.partition_of;
        std::iter::successors(Some(at), parent).find(|at| {
            let table = catalog.tables.get(*at);
            table.is_some_and(|one| self.tables.contains_key(&Name(one.name.clone())))
        })
    }

    /// A partition without a line goes with the nearest parent that has one.
    fn follow_parents(&self, catalog: &Catalog, selection: &mut Selection) {
        let has_own_line = |at: usize| {
            let table = catalog.tables.get(at);
            table.is_some_and(|one| self.tables.contains_key(&Name(one.name.clone())))
        };
        for at in 0..catalog.tables.len() {
            let Some(named) = self.line_of(catalog, at).filter(|one| *one != at) else {
                continue;
            };
            selection.tables[at] = selection.tables[named];
            selection.methods[at] = selection.methods[named];
            selection.filters[at] = selection.filters[named].clone();
        }
        // A partition cannot be made without what it is a partition of.
        for at in 0..catalog.tables.len() {
            let parent = |at: &usize| catalog.tables.get(*at)?.partition_of;
            let chain = std::iter::successors(parent(&at), parent);
            if selection.tables[at] == Carry::Nothing {
                continue;
            }
            for above in chain.filter(|one| !has_own_line(*one)) {
                if selection.tables[above] == Carry::Nothing {
                    selection.tables[above] = Carry::RowsAndStructure;
                }
            }
        }
    }
}

/// Of what is there: its name, and whether it goes with another that is named.
fn compare<'a>(
    what: &str,
    named: &BTreeSet<&ObjectName>,
    there: impl Iterator<Item = (&'a ObjectName, bool)>,
    missing: &mut Vec<String>,
    unnamed: &mut Vec<String>,
) {
    let there: BTreeMap<&ObjectName, bool> = there.collect();
    let gone = named.iter().filter(|name| !there.contains_key(*name));
    missing.extend(gone.map(|name| format!("the {what} {name} is not on the source")));
    let new = there
        .iter()
        .filter(|(name, goes_along)| !**goes_along && !named.contains(*name));
    unnamed.extend(new.map(|(name, _)| format!("the {what} {name} is not in the file")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{Sequence, SequenceOwner, Table};
    use crate::model::options::Method;

    /// `part` is a partition of `whole`; `film` owns `film_id_seq`.
    fn catalog() -> Catalog {
        let table = |name: &str, partition_of| Table {
            name: ObjectName::new("shop", name.to_owned()),
            partition_of,
            ..Table::default()
        };
        let sequence = |name: &str, owner: Option<usize>| Sequence {
            name: ObjectName::new("shop", name.to_owned()),
            owned_by: owner.map(|table| SequenceOwner {
                table,
                column: "id".into(),
                is_identity: true,
            }),
            ..Sequence::default()
        };
        Catalog {
            tables: vec![
                table("film", None),
                table("part", Some(2)),
                table("whole", None),
                table("a.\"b\u{202e}", None),
            ],
            sequences: vec![sequence("film_id_seq", Some(0)), sequence("ticket", None)],
            ..Catalog::default()
        }
    }

    #[test]
    fn a_selection_comes_back_as_it_was_written() {
        let catalog = catalog();
        let mut selection = Selection::all(&catalog);
        selection.tables[0] = Carry::StructureOnly;
        selection.tables[1] = Carry::Nothing;
        selection.methods[2] = Some(Method::Fdw);
        selection.filters[3] = Some("note = 'a \"b\"\n'".to_owned());
        selection.sequences[0] = false;
        let text = SelectionFile::new(&catalog, &selection).text().unwrap();
        let loaded = SelectionFile::read(&text).unwrap().selection(&catalog);
        assert_eq!(loaded.selection, selection, "{text}");
        assert_eq!((loaded.missing, loaded.unnamed), (vec![], vec![]));
    }

    #[test]
    fn what_has_no_line_goes_with_its_parent_or_as_the_file_says_of_others() {
        let catalog = catalog();
        let read = |text| SelectionFile::read(text).unwrap().selection(&catalog);
        let whole = read(
            "others = 'nothing'\n[tables]\n'shop.whole' = { carry = 'rows', method = 'fdw', where = 'x' }",
        );
        let (rows, nothing) = (Carry::RowsAndStructure, Carry::Nothing);
        assert_eq!(whole.selection.tables, [nothing, rows, rows, nothing]);
        assert_eq!(whole.selection.methods[1], Some(Method::Fdw));
        assert_eq!(whole.selection.filter(1), Some("x"));
        assert_eq!(whole.selection.sequences, [false, false]);
        let part = read(
            "others = 'nothing'\n[tables]\n'shop.part' = { carry = 'rows' }\n[sequences]\n'shop.ticket' = true",
        );
        assert_eq!(part.selection.tables, [nothing, rows, rows, nothing]);
        assert_eq!(part.selection.sequences, [false, true]);
        let all = read("");
        assert_eq!(all.selection, Selection::all(&catalog));
    }

    #[test]
    fn what_does_not_fit_is_named_and_the_rest_holds() {
        let catalog = catalog();
        let text = "[tables]\n'shop.film' = { carry = 'nothing' }\n'shop.gone' = { carry = 'rows' }\n[sequences]\n'shop.old' = true";
        let loaded = SelectionFile::read(text).unwrap().selection(&catalog);
        assert_eq!(loaded.selection.tables[0], Carry::Nothing);
        assert_eq!(
            loaded.missing,
            [
                "the table shop.gone is not on the source",
                "the sequence shop.old is not on the source"
            ]
        );
        assert_eq!(loaded.unnamed.len(), 4);
        assert_eq!(
            loaded.unnamed[0],
            "the table shop.a.\"b\\u{202e} is not in the file: taken along"
        );
    }

    #[test]
    fn an_error_names_its_line() {
        for (text, word) in [
            (
                "[tables]\n'film' = { carry = 'rows' }",
                "film is not schema.name",
            ),
            ("[tables]\n'shop.film' = { carry = 'some' }", "some"),
            ("[tables]\n'shop.film' = { carri = 'rows' }", "carri"),
            ("others = 'rows'\nothr = 3", "othr"),
            ("[sequences]\n'shop.ticket' = 'yes'", "boolean"),
        ] {
            let message = SelectionFile::read(text).unwrap_err().message;
            let is_told = message.contains("line 2") && message.contains(word);
            assert!(is_told, "{message}");
        }
    }
}
