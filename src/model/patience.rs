//! Which errors may pass by themselves, and how long they are waited for. It reads no clock: who waits, sleeps.

use std::time::Duration;

use super::problem::{Problem, Retry};

/// Pauses grow from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Why trying again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The connection; how far what was done has come is not known.
    Lost,
    /// No free place for a session: nothing was begun.
    Full,
    /// Somebody else was in the way: what was begun is rolled back.
    Conflict,
}

impl Cause {
    /// None where something must be mended first.
    pub fn of(problem: &Problem) -> Option<Self> {
        match problem.sqlstate.as_deref() {
            None => (problem.retry == Retry::MayPass).then_some(Self::Lost),
            Some("53300") => Some(Self::Full),
            Some("40001" | "40P01") => Some(Self::Conflict),
            // The server is shut down, crashed or starting, or has ended the session.
            Some("57P01" | "57P02" | "57P03" | "57P05") => Some(Self::Lost),
            Some(code) => code.starts_with("08").then_some(Self::Lost),
        }
    }
}

/// Pauses that grow, until patience ends.
#[derive(Debug)]
pub struct Backoff {
    patience: Duration,
    pub attempts: u32,
    waited: Duration,
}

impl Backoff {
    /// `patience` is what all pauses are together.
    pub const fn new(patience: Duration) -> Self {
        Self {
            patience,
            attempts: 0,
            waited: Duration::ZERO,
        }
    }

    /// None when all is waited that there was to wait.
    pub fn pause(&mut self) -> Option<Duration> {
        let left = self.patience.saturating_sub(self.waited);
        let factor = 2_u32.saturating_pow(self.attempts);
        let pause = FIRST_PAUSE
            .saturating_mul(factor)
            .min(LONGEST_PAUSE)
            .min(left);
        self.attempts += 1;
        self.waited += pause;
        (!pause.is_zero()).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: Option<&str>, retry: Retry) -> Problem {
        Problem {
            sqlstate: code.map(str::to_owned),
            retry,
            ..Problem::new("Could not", "it was not to be")
        }
    }

    #[test]
    fn what_may_pass_is_told_from_what_must_be_mended() {
        let of = |code: &str| Cause::of(&problem(Some(code), Retry::MayPass));
        for code in ["08006", "08001", "57P01", "57P02", "57P03", "57P05"] {
            assert_eq!(of(code), Some(Cause::Lost), "{code}");
        }
        assert_eq!(of("53300"), Some(Cause::Full));
        assert_eq!(of("40001"), Some(Cause::Conflict));
        assert_eq!(of("40P01"), Some(Cause::Conflict));
        // A full disk, a cancelled statement, a lock that is held, a database that was dropped or never was, a wrong password, a row that is there.
        for code in [
            "53100", "57014", "55P03", "57P04", "3D000", "28P01", "23505", "22023",
        ] {
            assert_eq!(of(code), None, "{code}");
        }
        // The driver's own words: a broken connection, or a fault of howdah's.
        let of = |retry| Cause::of(&problem(None, retry));
        assert_eq!(of(Retry::MayPass), Some(Cause::Lost));
        assert_eq!(of(Retry::AfterFix), None);
    }

    #[test]
    fn pauses_grow_up_to_a_bound_and_end_when_patience_does() {
        let patience = Duration::from_secs(120);
        let mut backoff = Backoff::new(patience);
        let pauses: Vec<Duration> = std::iter::from_fn(|| backoff.pause()).take(1000).collect();
        assert_eq!(pauses.iter().sum::<Duration>(), patience);
        assert_eq!(pauses.first(), Some(&FIRST_PAUSE));
        let (last, rest) = pauses.split_last().unwrap();
        assert!(rest.is_sorted() && *last <= LONGEST_PAUSE, "{pauses:?}");
        assert!(rest.contains(&LONGEST_PAUSE), "{pauses:?}");
    }
}
