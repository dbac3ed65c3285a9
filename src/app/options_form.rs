//! The small form over Check and Select in which the options of a migration are chosen.

use crate::model::options::{
    Keep, Method, OnExisting, Options, SchemaChoice, ToastCompression, VerifyLevel,
};

use crate::model::roles::RoleMap;

use super::form::Field;
use super::key::{Key, KeyCode};
use super::overlay::Choice;

/// Works on a copy; the wizard takes it over when the form is closed with Enter.
#[derive(Debug)]
pub struct OptionsForm {
    pub options: Options,
    /// Position in [`ROWS`].
    pub focus: usize,
    /// The text of [`Row::RoleMap`].
    pub role_map: Field,
}

/// Enough for some dozens of roles.
const ROLE_MAP_CHARS: usize = 4_096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    Method,
    Verify,
    OnExisting,
    Schema,
    Owners,
    Privileges,
    MissingRoles,
    RoleMap,
    Toast,
    DatabaseSettings,
    Jobs,
}

pub const ROWS: [Row; 11] = [
    Row::Method,
    Row::Verify,
    Row::OnExisting,
    Row::Schema,
    Row::Owners,
    Row::Privileges,
    Row::MissingRoles,
    Row::RoleMap,
    Row::Toast,
    Row::DatabaseSettings,
    Row::Jobs,
];

pub const MAX_JOBS: usize = 64;

impl Row {
    pub fn label(self) -> &'static str {
        match self {
            Self::Method => "Method",
            Self::Verify => "Verify with",
            Self::OnExisting => "Existing objects",
            Self::Schema => "Structure",
            Self::Owners => "Owners",
            Self::Privileges => "Privileges",
            Self::MissingRoles => "Missing roles",
            Self::RoleMap => "Other role names",
            Self::Toast => "Long values",
            Self::DatabaseSettings => "Database settings",
            Self::Jobs => "Parallel jobs",
        }
    }

    pub fn value(self, options: &Options) -> String {
        match self {
            Self::Method => options.method.label().to_owned(),
            Self::Verify => match options.verify {
                VerifyLevel::Off => "nothing".to_owned(),
                VerifyLevel::Counts => "row counts".to_owned(),
                VerifyLevel::Checksums => "checksums".to_owned(),
            },
            Self::OnExisting => match options.on_existing {
                OnExisting::Stop => "stop".to_owned(),
                OnExisting::Empty => "remove first".to_owned(),
                OnExisting::Append => "add to them".to_owned(),
            },
            Self::Schema => match options.schema {
                SchemaChoice::All => "create".to_owned(),
                SchemaChoice::None => "exists already".to_owned(),
            },
            Self::Owners => keep(options.owners).to_owned(),
            Self::Privileges => keep(options.privileges).to_owned(),
            Self::MissingRoles => if options.create_roles {
                "create"
            } else {
                "stop"
            }
            .to_owned(),
            Self::RoleMap => options.role_map.to_string(),
            Self::Toast => match options.toast_compression {
                ToastCompression::Fast => "lz4".to_owned(),
                ToastCompression::Server => "server default".to_owned(),
            },
            Self::DatabaseSettings => keep(options.database_settings).to_owned(),
            Self::Jobs => options.jobs.to_string(),
        }
    }

    /// What the value now chosen means, in plain words.
    pub fn meaning(self, options: &Options) -> &'static str {
        match self {
            Self::Method => match options.method {
                Method::Copy => {
                    "COPY: rows are streamed from the source through howdah into the destination."
                }
                Method::Fdw => {
                    "FDW: the destination server connects to the source and pulls the rows itself (extension postgres_fdw)."
                }
            },
            Self::Verify => match options.verify {
                VerifyLevel::Off => "Nothing is compared afterwards.",
                VerifyLevel::Counts => {
                    "Afterwards the rows of each table are counted on both sides and compared."
                }
                VerifyLevel::Checksums => {
                    "Afterwards a checksum over all rows of each table is compared. This reads everything again."
                }
            },
            Self::OnExisting => match options.on_existing {
                OnExisting::Stop => {
                    "If the destination already holds one of the objects, the run does not start."
                }
                OnExisting::Empty => {
                    "What is in the way on the destination is removed first, and its data is lost. You are asked again before the run."
                }
                OnExisting::Append => {
                    "Existing tables keep their rows, and the source's rows are added."
                }
            },
            Self::Schema => match options.schema {
                SchemaChoice::All => {
                    "Tables, views, functions and all other objects are created on the destination, as pg_dump describes them."
                }
                SchemaChoice::None => {
                    "Only rows and sequence values are copied, into tables that exist already."
                }
            },
            Self::Owners => match options.owners {
                Keep::Keep => {
                    "Each object gets the same owner as on the source; the roles must exist on the destination."
                }
                Keep::Skip => {
                    "Everything will belong to the role that connects to the destination."
                }
            },
            Self::Privileges => match options.privileges {
                Keep::Keep => {
                    "Who may do what (GRANT and REVOKE) is copied too; the roles must exist on the destination."
                }
                Keep::Skip => "Only the owner gets rights on the new objects.",
            },
            Self::MissingRoles => {
                if options.create_roles {
                    "Roles that the destination lacks are created there, without login or password. They stay, however the run ends."
                } else {
                    "The run does not start while the destination lacks a role that owns something or has rights."
                }
            }
            Self::RoleMap => {
                "OLD=NEW, …: what the source's role OLD owns or was granted goes to the destination's role NEW. Names with = , or spaces stand in double quotes."
            }
            Self::Toast => match options.toast_compression {
                ToastCompression::Fast => {
                    "Long values are stored compressed with lz4 where the destination has it: faster, and the values stay the same."
                }
                ToastCompression::Server => {
                    "Long values are stored as is usual on the destination (default_toast_compression)."
                }
            },
            Self::DatabaseSettings => match options.database_settings {
                Keep::Keep => {
                    "Settings, comment, limits and grants of the database itself are set too; each one that the server refuses is reported."
                }
                Keep::Skip => {
                    "Settings, comment, limits and grants of the database itself are left alone."
                }
            },
            Self::Jobs => {
                "How many tables are copied, and how many indexes are built, at the same time."
            }
        }
    }
}

fn keep(keep: Keep) -> &'static str {
    match keep {
        Keep::Keep => "keep",
        Keep::Skip => "leave out",
    }
}

impl OptionsForm {
    pub fn new(options: &Options) -> Self {
        let mut role_map = Field::text(ROLE_MAP_CHARS);
        role_map.set(&options.role_map.to_string());
        Self {
            options: options.clone(),
            focus: 0,
            role_map,
        }
    }

    /// A sentence about role names that cannot be read.
    pub fn complaint(&self) -> Option<String> {
        RoleMap::parse(self.role_map.value()).err()
    }

    pub(super) fn paste(&mut self, text: &str) {
        if self.focused() == Row::RoleMap {
            self.role_map.paste(text);
        }
    }

    pub fn focused(&self) -> Row {
        ROWS[self.focus % ROWS.len()]
    }

    pub(super) fn key(&mut self, key: Key) -> Option<Choice> {
        let count = ROWS.len();
        match key.code {
            KeyCode::Esc => return Some(Choice::Dismiss),
            KeyCode::Enter => {
                if let Ok(role_map) = RoleMap::parse(self.role_map.value()) {
                    self.options.role_map = role_map;
                    return Some(Choice::SetOptions(Box::new(self.options.clone())));
                }
                // The complaint stands there; the cursor goes to what it is about.
                let position = ROWS.iter().position(|row| *row == Row::RoleMap);
                self.focus = position.unwrap_or(self.focus);
            }
            KeyCode::Up | KeyCode::BackTab => self.focus = (self.focus + count - 1) % count,
            KeyCode::Down | KeyCode::Tab => self.focus = (self.focus + 1) % count,
            _ if self.focused() == Row::RoleMap => {
                self.role_map.key(key);
            }
            KeyCode::Char('k') => self.focus = (self.focus + count - 1) % count,
            KeyCode::Char('j') => self.focus = (self.focus + 1) % count,
            KeyCode::Left => self.change(false),
            KeyCode::Right | KeyCode::Char(' ') => self.change(true),
            _ => {}
        }
        None
    }

    fn change(&mut self, forward: bool) {
        let options = &mut self.options;
        match ROWS[self.focus % ROWS.len()] {
            Row::Method => cycle(&mut options.method, &[Method::Copy, Method::Fdw], forward),
            Row::Verify => cycle(
                &mut options.verify,
                &[
                    VerifyLevel::Off,
                    VerifyLevel::Counts,
                    VerifyLevel::Checksums,
                ],
                forward,
            ),
            Row::OnExisting => cycle(
                &mut options.on_existing,
                &[OnExisting::Stop, OnExisting::Empty, OnExisting::Append],
                forward,
            ),
            Row::Schema => cycle(
                &mut options.schema,
                &[SchemaChoice::All, SchemaChoice::None],
                forward,
            ),
            Row::Owners => cycle(&mut options.owners, &[Keep::Keep, Keep::Skip], forward),
            Row::Privileges => cycle(&mut options.privileges, &[Keep::Keep, Keep::Skip], forward),
            Row::MissingRoles => options.create_roles = !options.create_roles,
            Row::RoleMap => {}
            Row::Toast => cycle(
                &mut options.toast_compression,
                &[ToastCompression::Fast, ToastCompression::Server],
                forward,
            ),
            Row::DatabaseSettings => cycle(
                &mut options.database_settings,
                &[Keep::Keep, Keep::Skip],
                forward,
            ),
            Row::Jobs => {
                options.jobs = if forward {
                    (options.jobs + 1).min(MAX_JOBS)
                } else {
                    options.jobs.saturating_sub(1).max(1)
                }
            }
        }
    }
}

fn cycle<T: Copy + PartialEq>(value: &mut T, all: &[T], forward: bool) {
    let position = all.iter().position(|one| one == value).unwrap_or(0);
    let step = if forward { 1 } else { all.len() - 1 };
    *value = all[(position + step) % all.len()];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(form: &mut OptionsForm, text: &str) {
        form.focus = ROWS.iter().position(|row| *row == Row::RoleMap).unwrap();
        for c in text.chars() {
            form.key(Key::char(c));
        }
    }

    #[test]
    fn a_role_map_goes_in_and_comes_out_whole() {
        let text = "\"a b\"=c, j=k, x=\"=,\"\"\"";
        let mut form = OptionsForm::new(&Options::default());
        typed(&mut form, text);
        let Some(Choice::SetOptions(options)) = form.key(Key::plain(KeyCode::Enter)) else {
            panic!("refused: {:?}", form.complaint());
        };
        assert_eq!(options.role_map.map_role("a b"), "c");
        assert_eq!(options.role_map.map_role("x"), "=,\"");
        assert_eq!(OptionsForm::new(&options).role_map.value(), text);
    }

    #[test]
    fn a_wrong_role_map_keeps_the_form_open() {
        let mut form = OptionsForm::new(&Options::default());
        typed(&mut form, "a=b c");
        form.focus = 0;
        assert_eq!(form.key(Key::plain(KeyCode::Enter)), None);
        assert_eq!(form.focused(), Row::RoleMap);
        assert!(form.complaint().is_some());
        form.paste("=d");
        assert_eq!(form.complaint(), None);
    }
}
