//! The row that a step writes into the journal in its own transaction: it says that the step is done.
//!
//! Nearly every step of a plan has such a statement, and of each only the key differs; so [`Statement`] keeps the key alone, and
//! the SQL is written here when somebody reads or sends it.

use std::borrow::Cow;

use super::quote::literal;
use crate::model::step::{Statement, Wording, Words};
use crate::model::text::Text;

const INTO_STEPS: &str = "INSERT INTO howdah.step ";

impl Statement {
    /// What is sent, or, where [`Action`](crate::model::step::Action) says so, what tells of it.
    pub fn sql(&self) -> Cow<'_, str> {
        match self.wording {
            Wording::Whole => Cow::Borrowed(self.text.as_str()),
            Wording::Done => {
                let key = literal(&self.text);
                Cow::Owned(format!(
                    "{INTO_STEPS}(key) VALUES ({key}) ON CONFLICT DO NOTHING"
                ))
            }
            Wording::DoneWithRows => Cow::Owned(with_rows(&self.text)),
        }
    }

    /// It says in the journal that its step is done.
    pub fn writes_journal(&self) -> bool {
        self.wording != Wording::Whole || self.text.starts_with(INTO_STEPS)
    }
}

/// A step may be done again by a later start.
fn with_rows(key: &str) -> String {
    format!(
        "{INTO_STEPS}(key, rows, bytes) VALUES ({}, $1, $2)\n    ON CONFLICT (key) DO UPDATE SET rows = excluded.rows, bytes = excluded.bytes, finished_at = excluded.finished_at",
        literal(key)
    )
}

/// For steps whose rows and bytes mean nothing.
pub fn done(key: &Text) -> Words {
    Words::of_key(Wording::Done, key)
}

/// `$1` rows, `$2` bytes.
pub fn done_with_rows(key: &Text) -> Words {
    Words::of_key(Wording::DoneWithRows, key)
}

/// The same of what the journal may have as begun.
pub fn done_what_was_begun(key: &str) -> String {
    format!("{}, way = NULL", with_rows(key))
}

/// Of a step that takes over what another has made: it was done by whatever way that was.
pub fn done_as(key: &str, other: &str) -> Words {
    Words::from(format_args!(
        "{INTO_STEPS}(key, way) SELECT {}, (SELECT s.way FROM howdah.step AS s WHERE s.key = {}) ON CONFLICT DO NOTHING",
        literal(key),
        literal(other)
    ))
}

/// Of a step that was done by another way than its own; `way` is the word for it.
pub fn done_by(key: &str, way: &str) -> Words {
    Words::from(format_args!(
        "{INTO_STEPS}(key, way) VALUES ({}, {}) ON CONFLICT DO NOTHING",
        literal(key),
        literal(way)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::step::{Action, Session};

    fn said(words: Words) -> Statement {
        Statement::new(Session::Destination, Action::Run, words)
    }

    #[test]
    fn a_key_is_written_as_a_literal() {
        let done = said(done(&"data/public.o'clock".into()));
        let sql =
            "INSERT INTO howdah.step (key) VALUES ('data/public.o''clock') ON CONFLICT DO NOTHING";
        assert_eq!(done.sql(), sql);
    }

    /// An interrupted run of an older version is gone on with by a newer one.
    #[test]
    fn each_form_is_written_as_it_has_always_been() {
        let key = Text::from("data/a");
        let again = "ON CONFLICT (key) DO UPDATE SET rows = excluded.rows, bytes = excluded.bytes, finished_at = excluded.finished_at";
        let with_rows = format!(
            "INSERT INTO howdah.step (key, rows, bytes) VALUES ('data/a', $1, $2)\n    {again}"
        );
        assert_eq!(said(done_with_rows(&key)).sql(), with_rows);
        let begun = said(done_what_was_begun(&key).into());
        assert_eq!(begun.sql(), format!("{with_rows}, way = NULL"));
        assert_eq!(
            said(done_as(&key, "index/a")).sql(),
            "INSERT INTO howdah.step (key, way) SELECT 'data/a', (SELECT s.way FROM howdah.step AS s WHERE s.key = 'index/a') ON CONFLICT DO NOTHING"
        );
        assert_eq!(
            said(done_by(&key, "not valid")).sql(),
            "INSERT INTO howdah.step (key, way) VALUES ('data/a', 'not valid') ON CONFLICT DO NOTHING"
        );
    }

    #[test]
    fn what_writes_the_journal_is_known_by_any_of_its_forms() {
        let key = Text::from("data/a");
        let forms = [
            done(&key),
            done_with_rows(&key),
            done_as(&key, "index/a"),
            done_by(&key, "not valid"),
            done_what_was_begun(&key).into(),
        ];
        assert!(forms.into_iter().all(|form| said(form).writes_journal()));
        assert!(!said("COMMIT".into()).writes_journal());
    }
}
