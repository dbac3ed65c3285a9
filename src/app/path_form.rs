//! Where a selection is saved to or loaded from.

use super::form::Field;
use super::key::{Key, KeyCode};
use super::overlay::Choice;

/// Longer than the paths that systems allow to be given at once.
const PATH_CHARS: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Save,
    Load,
}

#[derive(Debug)]
pub struct PathForm {
    pub purpose: Purpose,
    pub path: Field,
}

impl PathForm {
    pub fn new(purpose: Purpose, usual: &str) -> Self {
        let mut path = Field::text(PATH_CHARS);
        path.set(usual);
        Self { purpose, path }
    }

    pub(super) fn key(&mut self, key: Key) -> Option<Choice> {
        match key.code {
            KeyCode::Esc => return Some(Choice::Dismiss),
            KeyCode::Enter => {
                let path = self.path.value().trim().to_owned();
                if path.is_empty() {
                    return None;
                }
                return Some(match self.purpose {
                    Purpose::Save => Choice::SaveSelection {
                        path,
                        may_replace: false,
                    },
                    Purpose::Load => Choice::LoadSelection { path },
                });
            }
            _ => {
                self.path.key(key);
            }
        }
        None
    }
}
