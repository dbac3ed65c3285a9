//! Failpoints: the real program stops at an exact moment of an exact step, so that the tests of faults can strike there.
//!
//! `HOWDAH_FAILPOINT=<beginning of a journal key>@<begin|commit>=<hold:FILE|panic|lose>`. `begin` is before the step's first
//! statement; `commit` is when all of its transaction but the COMMIT was answered. A step that holds makes `FILE.reached` and
//! goes on when `FILE` is there; one that loses takes the answer to its COMMIT for lost. The first step that fits takes it. Only debug builds know of any of this.

use crate::model::plan::Step;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Begin,
    Commit,
}

#[cfg(not(debug_assertions))]
mod point {
    use super::{Moment, Step};

    pub(in super::super) const fn is_at(_: &Step, _: Moment) -> bool {
        false
    }

    pub(in super::super) async fn reach(_: &Step, _: Moment) {
        std::future::ready(()).await;
    }

    pub(in super::super) const fn loses(_: &Step) -> bool {
        false
    }
}

#[cfg(debug_assertions)]
mod point {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::{Moment, Step};

    const LOOKING: Duration = Duration::from_millis(5);

    struct Point {
        key: String,
        moment: Moment,
        what: What,
        is_taken: AtomicBool,
    }

    enum What {
        Hold(String),
        Panic,
        Lose,
    }

    fn point() -> Option<&'static Point> {
        static POINT: OnceLock<Option<Point>> = OnceLock::new();
        POINT
            .get_or_init(|| read(&std::env::var("HOWDAH_FAILPOINT").ok()?))
            .as_ref()
    }

    fn read(text: &str) -> Option<Point> {
        let (place, what) = text.rsplit_once('=')?;
        let (key, moment) = place.rsplit_once('@')?;
        let moment = match moment {
            "begin" => Moment::Begin,
            "commit" => Moment::Commit,
            _ => return None,
        };
        let what = match (what, what.split_once(':')) {
            (_, Some(("hold", file))) => What::Hold(file.to_owned()),
            ("panic", _) => What::Panic,
            ("lose", _) => What::Lose,
            _ => return None,
        };
        Some(Point {
            key: key.to_owned(),
            moment,
            what,
            is_taken: AtomicBool::new(false),
        })
    }

    fn at(step: &Step, moment: Moment) -> Option<&'static Point> {
        point().filter(|point| point.moment == moment && step.journal_key.starts_with(&point.key))
    }

    pub(in super::super) fn is_at(step: &Step, moment: Moment) -> bool {
        at(step, moment).is_some()
    }

    pub(in super::super) fn loses(step: &Step) -> bool {
        let point = at(step, Moment::Commit).filter(|p| matches!(p.what, What::Lose));
        point.is_some_and(|point| !point.is_taken.swap(true, Ordering::Relaxed))
    }

    #[expect(clippy::panic, reason = "that is what the tests ask for")]
    pub(in super::super) async fn reach(step: &Step, moment: Moment) {
        let Some(point) = at(step, moment).filter(|p| !matches!(p.what, What::Lose)) else {
            return;
        };
        if point.is_taken.swap(true, Ordering::Relaxed) {
            return;
        }
        let What::Hold(file) = &point.what else {
            panic!("the failpoint says so");
        };
        if let Err(error) = std::fs::write(format!("{file}.reached"), "") {
            tracing::error!("failpoint: {file}.reached: {error}");
        }
        while !std::fs::exists(file).unwrap_or(true) {
            tokio::time::sleep(LOOKING).await;
        }
    }
}

pub(super) use point::{is_at, loses, reach};
