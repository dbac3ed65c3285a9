//! When a run will be over: what is left of it, at the pace of what is done.
//!
//! Work is of two sorts besides the rows on their way: heavy steps read rows once more (index builds, constraints, comparing),
//! light ones are a few round trips each. Both are kept as sums, so that an event costs the same however many steps there are.

/// Heavy work that is done says something of what is left of it when it is at least the eighth part as much.
const TELLING: u64 = 8;
/// Rows; below, a step's time is its round trips'.
const HEAVY: u64 = 20_000;

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
}

/// `number` times `share` of `whole`.
pub(super) fn scaled(number: u64, share: u64, whole: u64) -> u64 {
    let scaled = u128::from(number) * u128::from(share) / u128::from(whole.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// A step that runs and carries no rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnderWay {
    /// Rows it reads again.
    pub(super) reads: u64,
    pub(super) elapsed_ms: u64,
}

/// What is left apart from the rows, and how long such work has taken.
#[derive(Debug, Default)]
pub(super) struct Outlook {
    heavy_left: u64,
    heavy_steps_left: u64,
    light_left: u64,
    heavy: Pace,
    light: Pace,
    /// Milliseconds by which heavy steps were faster or slower than those before them.
    astray_ms: u64,
}

impl Outlook {
    /// A step of the plan that reads so many rows again.
    pub(super) fn expect(&mut self, reads: u64) {
        if reads >= HEAVY {
            self.heavy_left = self.heavy_left.saturating_add(reads);
            self.heavy_steps_left += 1;
        } else {
            self.light_left += 1;
        }
    }

    /// It is done, or will not be.
    pub(super) fn ended(&mut self, reads: u64) {
        if reads >= HEAVY {
            self.heavy_left = self.heavy_left.saturating_sub(reads);
            self.heavy_steps_left = self.heavy_steps_left.saturating_sub(1);
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
        if self.heavy.work > 0 {
            let astray = self.heavy.ms_of(reads).abs_diff(ms);
            self.astray_ms = self.astray_ms.saturating_add(astray);
        }
        self.heavy.add(reads, ms);
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
        let (mut left, mut longest) = (self.heavy.ms_of(self.heavy_left), 0);
        for one in under_way.iter().filter(|one| one.reads >= HEAVY) {
            let all = self.heavy.ms_of(one.reads);
            // What has outlasted its estimate is not over the next moment.
            let rest = all.saturating_sub(one.elapsed_ms).max(one.elapsed_ms / 8);
            left = left.saturating_sub(all).saturating_add(rest);
            longest = longest.max(rest);
        }
        let light = self.light.ms_of(self.light_left);
        let at = |heavy: u64, longest: u64| {
            let together = heavy.saturating_add(light).saturating_add(rows_ms);
            (together / workers.max(1)).max(longest)
        };
        // As far as such steps have been from each other; of many, some are faster and some are slower.
        let astray = |ms: u64| scaled(ms, self.astray_ms, self.heavy.ms);
        let many = self.heavy_steps_left.isqrt().max(1);
        let (soon, late) = (astray(left) / many, astray(longest));
        Some((
            at(left.saturating_sub(soon), longest.saturating_sub(late)),
            at(left.saturating_add(soon), longest.saturating_add(late)),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: u64 = 1_000_000;

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
        let mut outlook = expecting(&[MANY, 20 * MANY, 4 * MANY], 3);
        assert_eq!(outlook.end_ms(0, 2, &[]), None);
        done(&mut outlook, 0, 10);
        done(&mut outlook, MANY, 1_000);
        assert_eq!(outlook.end_ms(0, 2, &[]), None, "24 by one");
        done(&mut outlook, 4 * MANY, 8_000);
        // 20 at 1.8 s, of which the second was 4 s later than the first told; and two light steps of 10 ms.
        assert_eq!(outlook.end_ms(0, 2, &[]), Some((10_010, 26_010)));
    }

    #[test]
    fn workers_share_the_work_but_not_one_step() {
        let mut outlook = expecting(&[MANY, MANY, 4 * MANY], 0);
        done(&mut outlook, MANY, 1_000);
        assert_eq!(outlook.end_ms(7_000, 1, &[]), Some((12_000, 12_000)));
        assert_eq!(outlook.end_ms(7_000, 4, &[]), Some((3_000, 3_000)));
        let large = UnderWay {
            reads: 4 * MANY,
            elapsed_ms: 500,
        };
        assert_eq!(outlook.end_ms(0, 4, &[large]), Some((3_500, 3_500)));
        let late = UnderWay {
            elapsed_ms: 8_000,
            ..large
        };
        assert_eq!(outlook.end_ms(0, 4, &[late]), Some((1_000, 1_000)));
    }

    /// Steps that go as those before them leave no doubt.
    #[test]
    fn the_range_is_as_wide_as_steps_differ() {
        let mut outlook = expecting(&[MANY; 4], 0);
        done(&mut outlook, MANY, 1_000);
        done(&mut outlook, MANY, 1_000);
        assert_eq!(outlook.end_ms(0, 1, &[]), Some((2_000, 2_000)));
        done(&mut outlook, MANY, 1_600);
        assert_eq!(outlook.end_ms(0, 1, &[]), Some((1_000, 1_400)));
    }
}
