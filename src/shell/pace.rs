//! When to draw: at once after a pause, then at most some twenty times a second, never without a change.

use std::time::{Duration, Instant};

const FRAME: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Pace {
    is_dirty: bool,
    last_frame: Option<Instant>,
}

impl Pace {
    /// The first frame is due at once.
    pub(super) fn new() -> Self {
        Self {
            is_dirty: true,
            last_frame: None,
        }
    }

    /// Something on the screen may have changed.
    pub(super) fn changed(&mut self) {
        self.is_dirty = true;
    }

    pub(super) fn drawn(&mut self, now: Instant) {
        self.is_dirty = false;
        self.last_frame = Some(now);
    }

    /// When to draw next; none while nothing has changed.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        self.is_dirty
            .then(|| self.last_frame.map_or(now, |last| now.max(last + FRAME)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_when_needed_and_not_too_often() {
        let start = Instant::now();
        let mut pace = Pace::new();
        assert_eq!(pace.due(start), Some(start));
        pace.drawn(start);
        assert_eq!(pace.due(start), None);
        pace.changed();
        assert_eq!(pace.due(start), Some(start + FRAME));
        let later = start + FRAME * 3;
        assert_eq!(pace.due(later), Some(later));
    }
}
