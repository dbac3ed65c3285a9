//! Finding text in titles and SQL: capital letters count only if one was typed.

use crate::app::form::Field;

#[derive(Debug, Default)]
pub struct Search {
    pub field: Field,
    /// Keys go to the field.
    pub is_typing: bool,
    /// Rows of the list, in order.
    pub hits: Vec<usize>,
    /// What `hits` was made for.
    searched: String,
    /// Where the list stood when the search began.
    pub(super) origin: usize,
}

impl Search {
    pub fn is_active(&self) -> bool {
        !self.field.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Makes `hits` anew; of a longer text only what its beginning hit is looked at.
    pub(super) fn update(&mut self, rows: usize, has: impl Fn(usize, &Needle) -> bool) {
        let wanted = self.field.value().to_owned();
        let needle = Needle::new(&wanted);
        if wanted.is_empty() {
            self.hits.clear();
        } else if !self.searched.is_empty()
            && wanted.starts_with(&self.searched)
            && needle.is_exact == Needle::new(&self.searched).is_exact
        {
            self.hits.retain(|row| has(*row, &needle));
        } else {
            self.hits = (0..rows).filter(|row| has(*row, &needle)).collect();
        }
        self.searched = wanted;
    }

    /// After another plan came.
    pub(super) fn forget(&mut self) {
        self.searched.clear();
    }

    /// The first hit from `row` on, else the first of all.
    pub(super) fn from(&self, row: usize) -> Option<usize> {
        let next = self.hits.partition_point(|hit| *hit < row);
        self.hits.get(next).or(self.hits.first()).copied()
    }

    pub(super) fn before(&self, row: usize) -> Option<usize> {
        let count = self.hits.partition_point(|hit| *hit < row);
        let previous = count.checked_sub(1).and_then(|at| self.hits.get(at));
        previous.or(self.hits.last()).copied()
    }

    /// The position among the hits, from 1; none if the row is no hit.
    pub fn position(&self, row: usize) -> Option<usize> {
        self.hits.binary_search(&row).ok().map(|at| at + 1)
    }
}

/// What is looked for.
#[derive(Debug)]
pub(super) struct Needle {
    text: String,
    is_exact: bool,
}

impl Needle {
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            is_exact: text.chars().any(char::is_uppercase),
        }
    }

    pub(super) fn is_in(&self, text: &str) -> bool {
        if self.is_exact {
            return text.contains(&self.text);
        }
        let wanted = self.text.as_bytes();
        if !wanted.is_ascii() {
            return text.to_lowercase().contains(&self.text);
        }
        let Some(first) = wanted.first() else {
            return true;
        };
        // Without a copy of what may be megabytes.
        let bytes = text.as_bytes();
        let ends = bytes.len().saturating_sub(wanted.len() - 1);
        let (small, large) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
        memchr::memchr2_iter(small, large, &bytes[..ends])
            .any(|at| bytes[at..at + wanted.len()].eq_ignore_ascii_case(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_counts_only_if_a_capital_was_typed() {
        assert!(Needle::new("film").is_in("CREATE TABLE public.FILM"));
        assert!(!Needle::new("Film").is_in("film"));
        assert!(Needle::new("über").is_in("ÜBERSICHT"));
        assert!(!Needle::new("film").is_in("fil"));
        // At the very end, after what only begins like it.
        assert!(Needle::new("aab").is_in("xaAaAB"));
        assert!(!Needle::new("aab").is_in("xaAaA"));
    }

    #[test]
    fn hits_go_round() {
        let mut search = Search::default();
        search.field.set("a");
        search.update(4, |row, _| row % 2 == 1);
        assert_eq!(search.hits, [1, 3]);
        assert_eq!((search.from(2), search.from(4)), (Some(3), Some(1)));
        assert_eq!((search.before(3), search.before(1)), (Some(1), Some(3)));
        assert_eq!(search.position(3), Some(2));
    }
}
