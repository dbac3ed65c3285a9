//! A run as it would go over a line of a given width: steps begin when what they need is done, rows share the line, and every
//! event carries its own time. Tests and the README's pictures see what the wizard makes of it; no figure is set by hand.

use std::collections::BTreeSet;

use super::fixtures_control::tell;
use super::{Msg, Now, State};
use crate::model::activity::{Activity, Wait};
use crate::model::connection::Side;
use crate::model::event::RunEvent;
use crate::model::plan::{Phase, Plan, Step, StepId, StepKind};

/// Milliseconds between two looks.
const TICK_MS: u64 = 10;
/// A statement and its round trips.
const STATEMENT_MS: u64 = 20;
/// What a server sorts and writes of an index, or reads to count, in a millisecond.
const SERVER_BYTES: u64 = 40_000;
/// Bytes in a millisecond: the line is shared with others, who come and go.
const LINE_BYTES: [u64; 8] = [5_200, 6_100, 5_900, 4_300, 6_400, 6_000, 5_600, 3_900];

struct Work<'a> {
    step: &'a Step,
    began: u64,
    /// Bytes on the line, or milliseconds on a server.
    left: u64,
    whole: u64,
}

/// What a step took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub step: StepId,
    pub elapsed_ms: u64,
    pub ended_ms: u64,
}

/// On the line alone.
fn carries(step: &Step) -> bool {
    matches!(
        step.kind,
        StepKind::CopyRows { .. } | StepKind::FdwRows { .. }
    ) || step.kind == StepKind::LargeObjects
}

fn whole(plan: &Plan, step: &Step) -> u64 {
    if carries(step) {
        return step.size_hint_bytes.max(1);
    }
    let needs = step.needs.iter().filter_map(|id| plan.step(*id));
    let read: u64 = match step.phase {
        Phase::Indexes => needs.map(|one| one.size_hint_bytes).sum(),
        _ => step.size_hint_bytes,
    };
    STATEMENT_MS + read / SERVER_BYTES
}

/// The snapshot goes with the last row, and what is cleaned up with all else.
fn is_time(plan: &Plan, step: &Step, done: &BTreeSet<StepId>) -> bool {
    let mut before = plan.steps.iter().filter(|one| match step.kind {
        StepKind::ReleaseSnapshot => carries(one),
        _ => step.phase == Phase::CleanUp && one.phase < Phase::CleanUp,
    });
    before.all(|one| done.contains(&one.id))
}

/// Plays `plan` on a state whose run began at `began`, until so many milliseconds have passed or all is done.
pub(crate) fn play(state: &mut State, plan: &Plan, began: Now, until_ms: u64) -> (Now, Vec<Taken>) {
    let jobs = plan.options.jobs;
    let mut waiting: Vec<&Step> = plan.steps.iter().collect();
    // As the engine does: the largest rows first.
    waiting.sort_by_key(|step| (step.phase, std::cmp::Reverse(step.cost)));
    let mut done: BTreeSet<StepId> = BTreeSet::new();
    let mut running: Vec<Work<'_>> = Vec::new();
    let mut taken = Vec::new();
    let mut ms = 0;
    while ms < until_ms && done.len() < plan.steps.len() {
        let now = began.0 + ms;
        waiting.retain(|step| {
            let is_rows = carries(step);
            let beside = running.iter().filter(|one| carries(one.step) == is_rows);
            let is_next = beside.count() < if is_rows { jobs } else { 1 }
                && step.needs.iter().all(|id| done.contains(id))
                && is_time(plan, step, &done);
            if is_next {
                tell(state, RunEvent::StepStarted(step.id), now);
                let whole = whole(plan, step);
                running.push(Work {
                    step,
                    began: ms,
                    left: whole,
                    whole,
                });
            }
            !is_next
        });
        let width = LINE_BYTES[usize::try_from(ms / 1_300).unwrap_or(0) % LINE_BYTES.len()];
        let sharing = running.iter().filter(|one| carries(one.step)).count() as u64;
        for one in &mut running {
            let part = if carries(one.step) {
                width * TICK_MS / sharing
            } else {
                TICK_MS
            };
            one.left = one.left.saturating_sub(part);
        }
        ms += TICK_MS;
        let now = began.0 + ms;
        for one in running.extract_if(.., |one| one.left == 0) {
            let elapsed_ms = ms - one.began;
            let is_rows = carries(one.step);
            let event = RunEvent::StepFinished {
                step: one.step.id,
                rows: one.step.row_hint().filter(|_| is_rows).unwrap_or(0),
                bytes: if is_rows { one.step.size_hint_bytes } else { 0 },
                elapsed_ms,
                is_kept: false,
            };
            tell(state, event, now);
            done.insert(one.step.id);
            taken.push(Taken {
                step: one.step.id,
                elapsed_ms,
                ended_ms: ms,
            });
        }
        if ms % 100 == 0 {
            let samples = running.iter().filter(|one| carries(one.step)).map(|one| {
                let share = |of: u64| of * (one.whole - one.left) / one.whole;
                (
                    one.step.id,
                    share(one.step.row_hint().unwrap_or(0)),
                    share(one.whole),
                )
            });
            let samples = samples.collect();
            state.update(Msg::Tick { samples }, Now(now));
        }
    }
    watch(state, &running, ms);
    (Now(began.0 + ms), taken)
}

/// What both servers tell of the steps that have run for a second: the line is what all rows wait for.
fn watch(state: &mut State, running: &[Work<'_>], ms: u64) {
    let old = running
        .iter()
        .filter(|one| ms - one.began >= 1_000 && carries(one.step));
    let activity = old.flat_map(|one| {
        [
            (Side::Source, Wait::ToSend),
            (Side::Destination, Wait::ToReceive),
        ]
        .map(|(side, wait)| Activity {
            step: one.step.id,
            side,
            wait,
            build: None,
        })
    });
    let activity = activity.collect();
    state.update(Msg::Watched(activity), Now(ms));
}
