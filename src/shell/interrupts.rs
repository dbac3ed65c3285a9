//! Counts how often in a row the user, or the system, asked to stop: the third time nothing is waited for any more.

use std::time::{Duration, Instant};

/// A key held down repeats faster than this and counts once.
const HELD_DOWN: Duration = Duration::from_millis(200);

const LEAVE_AT: u32 = 3;

#[derive(Debug, Default)]
pub(super) struct Interrupts {
    count: u32,
    last: Option<Instant>,
}

impl Interrupts {
    /// True when it is time to leave at once.
    pub(super) fn another(&mut self, now: Instant) -> bool {
        let is_held = self
            .last
            .is_some_and(|last| now.duration_since(last) < HELD_DOWN);
        self.last = Some(now);
        if !is_held {
            self.count += 1;
        }
        self.count >= LEAVE_AT
    }

    /// Another key in between: the user is answering, not insisting.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_in_a_row_leaves() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut interrupts = Interrupts::default();
        assert!(!interrupts.another(at(0)));
        assert!(!interrupts.another(at(100)));
        assert!(!interrupts.another(at(500)));
        interrupts.reset();
        assert!(!interrupts.another(at(1000)));
        assert!(!interrupts.another(at(2000)));
        assert!(interrupts.another(at(3000)));
    }
}
