//! A position in a list longer than the screen.

use std::ops::Range;

use super::keymap::Action;

/// The selected row and the first row shown. Lengths and heights are the caller's, so that nothing is remembered that
/// could go stale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListCursor {
    pub selected: usize,
    offset: usize,
}

impl ListCursor {
    /// Moves for a movement action; false if the action is none.
    pub fn act(&mut self, action: Action, len: usize, height: usize) -> bool {
        let target = moved(self.selected, action, height);
        if let Some(target) = target {
            self.select(target, len, height);
        }
        target.is_some()
    }

    /// Selects a row, the last one at most, and scrolls no further than needed.
    pub fn select(&mut self, row: usize, len: usize, height: usize) {
        self.selected = row.min(len.saturating_sub(1));
        self.offset = self.visible(len, height).start;
    }

    /// The rows to draw; holds the selected one whatever the height has become meanwhile.
    pub fn visible(&self, len: usize, height: usize) -> Range<usize> {
        let selected = self.selected.min(len.saturating_sub(1));
        let first_possible = (selected + 1).saturating_sub(height);
        let offset = self
            .offset
            .clamp(first_possible, selected.max(first_possible))
            .min(len.saturating_sub(height));
        offset..(offset + height).min(len)
    }
}

/// Where a movement leads from `at` in a box of so many rows, perhaps beyond the end; none if the action is no movement.
pub(super) fn moved(at: usize, action: Action, height: usize) -> Option<usize> {
    let page = height.saturating_sub(1).max(1);
    let half = (height / 2).max(1);
    Some(match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => at.saturating_add(1),
        Action::PageUp => at.saturating_sub(page),
        Action::PageDown => at.saturating_add(page),
        Action::HalfUp => at.saturating_sub(half),
        Action::HalfDown => at.saturating_add(half),
        Action::First => 0,
        Action::Last => usize::MAX,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrolls_no_further_than_needed() {
        let mut list = ListCursor::default();
        for _ in 0..12 {
            list.act(Action::Down, 20, 10);
        }
        assert_eq!((list.selected, list.visible(20, 10)), (12, 3..13));
        list.act(Action::Up, 20, 10);
        assert_eq!(list.visible(20, 10), 3..13);
        list.act(Action::Last, 20, 10);
        assert_eq!((list.selected, list.visible(20, 10)), (19, 10..20));
        assert_eq!(list.visible(20, 0), 20..20);
        let mut half = list;
        half.act(Action::HalfUp, 20, 10);
        assert_eq!((half.selected, half.visible(20, 10)), (14, 10..20));
        assert_eq!(list.visible(0, 5), 0..0);
        assert_eq!(list.visible(3, 5), 0..3);
    }
}
