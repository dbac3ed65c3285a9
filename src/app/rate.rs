//! How fast something grows, and when it will be there.

use std::collections::VecDeque;

use super::message::Now;

/// What is older says nothing of now: a copy slows down and recovers within seconds.
const WINDOW_MS: u64 = 10_000;
/// Samples closer together are one; a hundred a window are enough.
const SPACING_MS: u64 = 100;
/// Below, a single buffer more or less would make the figure jump.
const SHORTEST_MS: u64 = 1_000;

/// Samples of a growing number over a sliding window of ten seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    samples: VecDeque<(Now, u64)>,
}

impl Rate {
    /// The number as it is `now`. A number that falls begins anew: what was counted has been taken back.
    pub fn push(&mut self, now: Now, value: u64) {
        match self.samples.back() {
            Some((_, last)) if value < *last => self.samples.clear(),
            Some((at, _)) if now.since(*at) < SPACING_MS => return,
            _ => {}
        }
        self.samples.push_back((now, value));
        // The newest sample from before the window stays, so that the window is always full.
        while self
            .samples
            .get(1)
            .is_some_and(|(at, _)| now.since(*at) >= WINDOW_MS)
        {
            self.samples.pop_front();
        }
    }

    /// Growth per second; none until a second has been seen.
    pub fn per_second(&self) -> Option<u64> {
        let (began, from) = self.samples.front()?;
        let (ended, to) = self.samples.back()?;
        let elapsed_ms = ended.since(*began);
        if elapsed_ms < SHORTEST_MS {
            return None;
        }
        let per_second = u128::from(to.saturating_sub(*from)) * 1000 / u128::from(elapsed_ms);
        Some(u64::try_from(per_second).unwrap_or(u64::MAX))
    }

    /// Milliseconds until `remaining` more will be there; none while nothing moves.
    pub fn eta_ms(&self, remaining: u64) -> Option<u64> {
        let per_second = self.per_second().filter(|rate| *rate > 0)?;
        let ms = u128::from(remaining) * 1000 / u128::from(per_second);
        Some(u64::try_from(ms).unwrap_or(u64::MAX))
    }
}

/// Seconds that are taken together: one alone may be empty or full by chance.
const PACE_SECONDS: usize = 10;

/// The slowest and the fastest ten seconds in a row of a history in seconds; none before there are three times as many, or when
/// nothing moved for so long.
pub fn extremes(history: &VecDeque<u64>) -> Option<(u64, u64)> {
    if history.len() < 3 * PACE_SECONDS {
        return None;
    }
    let seconds: Vec<u64> = history.iter().copied().collect();
    let paces = seconds
        .windows(PACE_SECONDS)
        .map(|window| window.iter().sum::<u64>() / PACE_SECONDS as u64);
    let (slowest, fastest) = paces.fold((u64::MAX, 0), |(least, most), pace| {
        (least.min(pace), most.max(pace))
    });
    (slowest > 0).then_some((slowest, fastest))
}

/// Whole per cent of `total`; none when that is unknown. Estimates err, so that it is never 100 before the end is told.
pub fn percent(done: u64, total: u64) -> Option<u8> {
    if total == 0 {
        return None;
    }
    let percent = (u128::from(done) * 100 / u128::from(total)).min(99);
    u8::try_from(percent).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_last_ten_seconds_count() {
        let mut rate = Rate::default();
        rate.push(Now(0), 0);
        assert_eq!(rate.per_second(), None);
        rate.push(Now(500), 1_000);
        assert_eq!(rate.per_second(), None);
        rate.push(Now(1_000), 2_000);
        assert_eq!(rate.per_second(), Some(2_000));
        for second in 2..30 {
            rate.push(Now(second * 1_000), 2_000);
        }
        assert_eq!(rate.per_second(), Some(0));
        assert_eq!(rate.eta_ms(10), None);
        assert!(rate.samples.len() <= 12);
    }

    #[test]
    fn what_is_taken_back_is_forgotten() {
        let mut rate = Rate::default();
        rate.push(Now(0), 0);
        rate.push(Now(2_000), 8_000);
        assert_eq!(rate.eta_ms(4_000), Some(1_000));
        rate.push(Now(3_000), 10);
        assert_eq!(rate.per_second(), None);
    }

    #[test]
    fn paces_are_of_ten_seconds() {
        let history = |seconds: &[u64]| seconds.iter().copied().collect::<VecDeque<u64>>();
        assert_eq!(extremes(&history(&[100; 29])), None);
        assert_eq!(extremes(&history(&[100; 30])), Some((100, 100)));
        let mut uneven = vec![100; 30];
        uneven.extend([0, 200].repeat(5));
        uneven.extend([300; 10]);
        assert_eq!(extremes(&history(&uneven)), Some((90, 300)));
        uneven.extend([0; 10]);
        assert_eq!(extremes(&history(&uneven)), None);
    }

    #[test]
    fn nothing_is_whole_before_its_end() {
        assert_eq!(percent(5, 0), None);
        assert_eq!(percent(1, 3), Some(33));
        assert_eq!(percent(3, 3), Some(99));
        assert_eq!(percent(u64::MAX, 1), Some(99));
    }

    proptest! {
        #[test]
        fn no_sample_breaks_it(
            samples in proptest::collection::vec((any::<u64>(), any::<u64>()), 0..50),
            remaining in any::<u64>(),
        ) {
            let mut rate = Rate::default();
            for (at, value) in samples {
                rate.push(Now(at), value);
                rate.per_second();
                rate.eta_ms(remaining);
            }
        }
    }
}
