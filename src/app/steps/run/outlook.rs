//! When a run will be over: what is left of it, at the pace of what is done.
//!
//! Work is of two sorts besides the rows on their way: heavy steps read rows once more (index builds, constraints, comparing),
//! light ones are a few round trips each. Both are kept as sums, so that an event costs the same however many steps there are.

/// Heavy work that is done says something of what is left of it when it is at least the eighth part as much.
const TELLING: u64 = 8;
/// Below, a step's time is its round trips', whatever it reads.
const HEAVY: u64 = 1024 * 1024;
/// The pace of a step that many times smaller than another says nothing of that one.
const ALIKE: u64 = 10;

/// Work and the time it took.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    work: u64,
    ms: u64,
}

impl Pace {
    fn add(&mut self, work: u64, ms: u64) {
        self.work = self.work.saturating_add(work);
        self.ms = self.ms.saturating_add(ms);
    }

    /// Milliseconds for so much work.
    fn ms_of(self, work: u64) -> u64 {
        scaled(self.ms, work, self.work)
    }

    fn is_slower_than(self, other: Self) -> bool {
        u128::from(self.ms) * u128::from(other.work) > u128::from(other.ms) * u128::from(self.work)
    }
}

/// `number` times `share` of `whole`.
pub(super) fn scaled(number: u64, share: u64, whole: u64) -> u64 {
    let scaled = u128::from(number) * u128::from(share) / u128::from(whole.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// A step that runs and carries no rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnderWay {
    /// Bytes it reads again.
    pub(super) reads: u64,
    pub(super) elapsed_ms: u64,
}

/// What is left apart from the rows, and how long such work has taken.
#[derive(Debug, Default)]
pub(super) struct Outlook {
    heavy_left: u64,
    light_left: u64,
    heavy: Pace,
    light: Pace,
    /// The fastest and the slowest heavy step.
    extremes: Option<(Pace, Pace)>,
}

impl Outlook {
    /// A step of the plan that reads so many bytes again.
    pub(super) fn expect(&mut self, reads: u64) {
        if reads >= HEAVY {
            self.heavy_left = self.heavy_left.saturating_add(reads);
        } else {
            self.light_left += 1;
        }
    }

    /// It is done, or will not be.
    pub(super) fn ended(&mut self, reads: u64) {
        if reads >= HEAVY {
            self.heavy_left = self.heavy_left.saturating_sub(reads);
        } else {
            self.light_left = self.light_left.saturating_sub(1);
        }
    }

    /// It took so long.
    pub(super) fn took(&mut self, reads: u64, ms: u64) {
        if reads < HEAVY {
            self.light.add(1, ms);
            return;
        }
        self.heavy.add(reads, ms);
        let one = Pace { work: reads, ms };
        let (fastest, slowest) = self.extremes.unwrap_or((one, one));
        let largest = fastest.work.max(slowest.work);
        if reads / ALIKE > largest {
            self.extremes = Some((one, one));
        } else if reads >= largest / ALIKE {
            let fastest = if fastest.is_slower_than(one) {
                one
            } else {
                fastest
            };
            let slowest = if one.is_slower_than(slowest) {
                one
            } else {
                slowest
            };
            self.extremes = Some((fastest, slowest));
        }
    }

    /// Milliseconds until everything is done, at the least and at the most, where rows need `rows_ms` of the time of one worker
    /// and `workers` work side by side; none while too little is known.
    pub(super) fn end_ms(
        &self,
        rows_ms: u64,
        workers: u64,
        under_way: &[UnderWay],
    ) -> Option<(u64, u64)> {
        let is_telling = self.heavy.work.saturating_mul(TELLING) >= self.heavy_left;
        if !is_telling || self.light_left > 0 && self.light.work == 0 {
            return None;
        }
        let at = |pace: Pace| {
            let mut left = pace.ms_of(self.heavy_left);
            let mut longest = 0;
            for one in under_way.iter().filter(|one| one.reads >= HEAVY) {
                let all = pace.ms_of(one.reads);
                // What has outlasted its estimate is not over the next moment.
                let rest = all.saturating_sub(one.elapsed_ms).max(one.elapsed_ms / 8);
                left = left.saturating_sub(all).saturating_add(rest);
                longest = longest.max(rest);
            }
            let light = self.light.ms_of(self.light_left);
            let together = left.saturating_add(light).saturating_add(rows_ms) / workers.max(1);
            together.max(longest)
        };
        let (fastest, slowest) = self.extremes.unwrap_or_default();
        Some((at(fastest), at(slowest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn expecting(heavy: &[u64], light: u64) -> Outlook {
        let mut outlook = Outlook::default();
        for reads in heavy {
            outlook.expect(*reads);
        }
        for _ in 0..light {
            outlook.expect(0);
        }
        outlook
    }

    fn done(outlook: &mut Outlook, reads: u64, ms: u64) {
        outlook.took(reads, ms);
        outlook.ended(reads);
    }

    #[test]
    fn nothing_is_told_before_something_alike_is_done() {
        let mut outlook = expecting(&[GIB, 20 * GIB, 4 * GIB], 3);
        assert_eq!(outlook.end_ms(0, 2, &[]), None);
        done(&mut outlook, 0, 10);
        done(&mut outlook, GIB, 1_000);
        assert_eq!(outlook.end_ms(0, 2, &[]), None, "24 GiB by one");
        done(&mut outlook, 4 * GIB, 8_000);
        // At 1 and 2 s a GiB, and two light steps.
        assert_eq!(outlook.end_ms(0, 2, &[]), Some((10_010, 20_010)));
    }

    #[test]
    fn workers_share_the_work_but_not_one_step() {
        let mut outlook = expecting(&[GIB, GIB, 4 * GIB], 0);
        done(&mut outlook, GIB, 1_000);
        assert_eq!(outlook.end_ms(7_000, 1, &[]), Some((12_000, 12_000)));
        assert_eq!(outlook.end_ms(7_000, 4, &[]), Some((3_000, 3_000)));
        let large = UnderWay {
            reads: 4 * GIB,
            elapsed_ms: 500,
        };
        assert_eq!(outlook.end_ms(0, 4, &[large]), Some((3_500, 3_500)));
        let late = UnderWay {
            elapsed_ms: 8_000,
            ..large
        };
        assert_eq!(outlook.end_ms(0, 4, &[late]), Some((1_000, 1_000)));
    }

    /// How long a small step takes says little of a large one.
    #[test]
    fn the_range_is_of_large_steps() {
        let mut outlook = expecting(&[2 << 20, GIB, GIB, GIB], 0);
        done(&mut outlook, 2 << 20, 900);
        done(&mut outlook, GIB, 1_000);
        done(&mut outlook, GIB, 1_200);
        done(&mut outlook, 2 << 20, 0);
        assert_eq!(outlook.end_ms(0, 1, &[]), Some((998, 1_197)));
    }
}
