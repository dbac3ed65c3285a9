//! A list to pick from, over the form on Connect.

use super::key::{Key, KeyCode};
use super::overlay::Choice;
use crate::model::connection::{Endpoint, Known, KnownFrom, Side, TlsMode};

/// Rows that PgUp and PgDn move, whatever the height of the box.
const PAGE: usize = 10;

#[derive(Debug)]
pub struct PickList {
    pub title: String,
    pub rows: Vec<PickRow>,
    pub chosen: usize,
    side: Side,
}

#[derive(Debug)]
pub struct PickRow {
    pub label: String,
    pub note: String,
    pub pick: Pick,
}

/// What a row stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Pick {
    Connection(Box<Endpoint>),
    Tls(TlsMode),
}

impl PickList {
    pub fn of_connections(side: Side, known: &[Known]) -> Self {
        let row = |one: &Known| PickRow {
            label: one.name.clone(),
            note: match one.from {
                KnownFrom::Recent => "used recently".to_owned(),
                KnownFrom::Service => format!("service: {}", one.endpoint.label()),
            },
            pick: Pick::Connection(Box::new(one.endpoint.clone())),
        };
        Self {
            title: format!("Connections for the {side}"),
            rows: known.iter().map(row).collect(),
            chosen: 0,
            side,
        }
    }

    pub fn of_tls(side: Side, present: TlsMode) -> Self {
        let row = |mode: TlsMode| PickRow {
            label: mode.keyword().to_owned(),
            note: mode.meaning().to_owned(),
            pick: Pick::Tls(mode),
        };
        let all = TlsMode::ALL;
        Self {
            title: format!("TLS to the {side}"),
            rows: all.into_iter().map(row).collect(),
            chosen: all.iter().position(|mode| *mode == present).unwrap_or(0),
            side,
        }
    }

    pub(super) fn key(&mut self, key: Key) -> Option<Choice> {
        let last = self.rows.len().saturating_sub(1);
        match key.code {
            KeyCode::Esc => return Some(Choice::Dismiss),
            KeyCode::Up | KeyCode::BackTab | KeyCode::Char('k') => {
                self.chosen = self.chosen.saturating_sub(1);
            }
            KeyCode::Down | KeyCode::Tab | KeyCode::Char('j') => {
                self.chosen = (self.chosen + 1).min(last);
            }
            KeyCode::PageUp => self.chosen = self.chosen.saturating_sub(PAGE),
            KeyCode::PageDown => self.chosen = (self.chosen + PAGE).min(last),
            KeyCode::Home | KeyCode::Char('g') => self.chosen = 0,
            KeyCode::End | KeyCode::Char('G') => self.chosen = last,
            KeyCode::Enter | KeyCode::Char(' ') => {
                let row = self.rows.get(self.chosen)?;
                return Some(Choice::Picked(self.side, row.pick.clone()));
            }
            _ => {}
        }
        None
    }
}
