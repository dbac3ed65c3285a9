//! How far the plan's steps are: what runs, what is done, what failed, and how fast rows move.
//!
//! Every event costs the same however many steps there are: sums are kept, not made.

use std::collections::VecDeque;
use std::sync::Arc;

use super::outlook::{Outlook, UnderWay, scaled};
use crate::app::Now;
use crate::app::rate::{self, Rate};
use crate::model::activity::Activity;
use crate::model::options::VerifyLevel;
use crate::model::plan::{Phase, Plan, Rule, Step, StepId, StepKind};
use crate::model::problem::{Problem, Retry};

/// Two minutes of seconds.
const HISTORY: usize = 120;
/// Finished steps kept to be named.
const RECENT: usize = 40;
/// A step without rows weighs as much as this many bytes: a few round trips to a server.
const STEP_WEIGHT: u64 = 256 * 1024;
/// Building an index reads the rows again, but does not move them: a quarter of their weight.
const READ_AGAIN: u64 = 4;
/// Rows that were just written are counted in next to no time.
const COUNTED: u64 = 64;
/// So many rows are counted while an index build reads one, and it reads so many while the values of one are hashed.
const COUNTED_ROWS: u64 = 6;
const HASHED_ROW: u64 = 4;
/// Where the number of rows is unknown.
const ROW_BYTES: u64 = 128;

#[derive(Clone, Debug)]
pub struct Running {
    pub step: StepId,
    pub since: Now,
    pub rows: u64,
    pub bytes: u64,
    pub rows_rate: Rate,
    pub bytes_rate: Rate,
    /// `attempt 2, after: connection closed`.
    pub again: Option<String>,
}

impl Running {
    /// The number of rows, while it is known and not outgrown.
    fn row_hint(&self, step: &Step) -> Option<u64> {
        step.row_hint()
            .filter(|rows| (1..=*rows).contains(&self.rows))
    }

    /// How much of how much: rows where it can be, else bytes. The pages of a table hold more than goes over, or less where
    /// values are compressed.
    pub fn progress(&self, step: &Step) -> (u64, u64) {
        match self.row_hint(step) {
            Some(rows) => (self.rows, rows),
            None => (self.bytes, rows_bytes(step)),
        }
    }

    /// Until it is there; none while nothing moves, and when its size is unknown or outgrown.
    pub fn eta_ms(&self, step: &Step) -> Option<u64> {
        let (done, all) = self.progress(step);
        let left = all.checked_sub(done).filter(|left| *left > 0)?;
        let rate = match self.row_hint(step) {
            Some(_) => &self.rows_rate,
            None => &self.bytes_rate,
        };
        rate.eta_ms(left)
    }

    /// As much of the step's estimated bytes; all of them only when it is done.
    fn arrived_bytes(&self, step: &Step) -> u64 {
        let (done, all) = self.progress(step);
        let estimate = rows_bytes(step);
        scaled(estimate, done, all).min(estimate / 100 * 99)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    pub step: StepId,
    pub rows: u64,
    pub bytes: u64,
    pub elapsed_ms: u64,
    /// Nothing was moved, for it was there already.
    pub is_kept: bool,
}

#[derive(Clone, Debug)]
pub struct Failed {
    pub step: StepId,
    pub problem: Box<Problem>,
    /// It can still be done once more, or left out.
    pub is_undecided: bool,
}

impl Failed {
    /// No second try in this run brings back what it read.
    pub fn is_lost(&self) -> bool {
        self.problem.retry == Retry::Never
    }
}

/// Steps of a phase: done, failed or not run, and all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub done: usize,
    pub lost: usize,
    pub all: usize,
}

impl Tally {
    /// Something of it is still to be done.
    pub fn is_open(self) -> bool {
        self.done + self.lost < self.all
    }
}

#[derive(Debug, Default)]
pub struct Board {
    plan: Arc<Plan>,
    /// In the order they began.
    pub running: Vec<Running>,
    /// Of the sessions of running steps, as it was last told.
    pub activity: Vec<Activity>,
    /// The newest first.
    pub recent: VecDeque<Done>,
    pub failed: Vec<Failed>,
    pub done_count: usize,
    pub skipped_count: usize,
    phases: [Tally; Phase::ALL.len()],
    weights: Vec<u64>,
    weight: u64,
    done_weight: u64,
    /// Estimated bytes of all rows, of those whose step is done, and of those that will not come.
    rows_bytes: u64,
    done_rows_bytes: u64,
    lost_rows_bytes: u64,
    /// Rows and bytes that ended steps moved.
    moved: (u64, u64),
    /// What the steps that are done moved, and what they were estimated at.
    measured: (u64, u64),
    /// Time that steps which brought rows took, with the bytes they moved.
    rows_pace: (u64, u64),
    outlook: Outlook,
    bytes_rate: Rate,
    /// Bytes moved in each of the last seconds, the newest last.
    pub history: VecDeque<u64>,
    second: Option<(Now, u64)>,
}

impl Board {
    pub fn new(plan: Arc<Plan>) -> Self {
        let weights: Vec<_> = plan.steps.iter().map(|step| weight(&plan, step)).collect();
        let mut board = Self {
            weight: weights.iter().sum(),
            rows_bytes: plan.steps.iter().map(rows_bytes).sum(),
            weights,
            plan,
            ..Self::default()
        };
        let plan = Arc::clone(&board.plan);
        for step in &plan.steps {
            board.phases[step.phase as usize].all += 1;
            if rows_bytes(step) == 0 {
                board.outlook.expect(board.reads_again(step));
            }
        }
        board
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.plan.step(id)
    }

    pub fn phase(&self, phase: Phase) -> Tally {
        self.phases[phase as usize]
    }

    pub fn ended_count(&self) -> usize {
        self.done_count + self.failed.len() - self.undecided_count() + self.skipped_count
    }

    pub fn undecided_count(&self) -> usize {
        self.failed.iter().filter(|one| one.is_undecided).count()
    }

    pub fn started(&mut self, step: StepId, now: Now) {
        self.failed.retain(|one| one.step != step);
        self.running.push(Running {
            step,
            since: now,
            rows: 0,
            bytes: 0,
            rows_rate: Rate::default(),
            bytes_rate: Rate::default(),
            again: None,
        });
    }

    /// It begins anew by itself.
    pub fn repeated(&mut self, step: StepId, attempt: u32, after: &str) {
        let mut running = self.running.iter_mut();
        if let Some(one) = running.find(|one| one.step == step) {
            (one.rows, one.bytes) = (0, 0);
            (one.rows_rate, one.bytes_rate) = (Rate::default(), Rate::default());
            one.again = Some(format!("attempt {attempt}, after: {after}"));
        }
    }

    pub fn finished(&mut self, done: Done) {
        self.running.retain(|one| one.step != done.step);
        let estimate = self.step(done.step).map_or(0, rows_bytes);
        if estimate > 0 && !done.is_kept {
            self.moved.0 = self.moved.0.saturating_add(done.rows);
            self.moved.1 = self.moved.1.saturating_add(done.bytes);
            self.measured.0 = self.measured.0.saturating_add(done.bytes);
            self.measured.1 = self.measured.1.saturating_add(estimate);
            self.rows_pace.0 = self.rows_pace.0.saturating_add(done.elapsed_ms);
            self.rows_pace.1 = self.rows_pace.1.saturating_add(done.bytes);
        }
        if let Some(step) = self.plan.step(done.step).filter(|_| estimate == 0) {
            let reads = self.reads_again(step);
            self.outlook.took(reads, done.elapsed_ms);
        }
        self.done_count += 1;
        self.end(done.step);
        self.recent.truncate(RECENT - 1);
        self.recent.push_front(done);
    }

    pub fn undecided(&mut self, step: StepId, problem: Box<Problem>) {
        self.interrupted(step);
        self.failed.push(Failed {
            step,
            problem,
            is_undecided: true,
        });
    }

    fn interrupted(&mut self, step: StepId) {
        if let Some(position) = self.running.iter().position(|one| one.step == step) {
            let stopped = self.running.remove(position);
            // They were moved, though in vain: the rate must not jump.
            self.moved.1 = self.moved.1.saturating_add(stopped.bytes);
        }
    }

    pub fn failed(&mut self, step: StepId, problem: Box<Problem>) {
        self.interrupted(step);
        self.failed.retain(|one| one.step != step);
        // Nothing is lost by an optional step's failure: the log has it.
        if self
            .step(step)
            .is_some_and(|step| step.rule == Rule::Optional)
        {
            self.done_count += 1;
            self.end(step);
        } else {
            self.failed.push(Failed {
                step,
                problem,
                is_undecided: false,
            });
            self.lose(step);
        }
    }

    pub fn skipped(&mut self, step: StepId) {
        self.failed.retain(|one| one.step != step);
        self.skipped_count += 1;
        self.lose(step);
    }

    /// It will not be done: no progress, and nothing that is waited for.
    fn lose(&mut self, id: StepId) {
        if let Some(step) = self.plan.step(id) {
            self.phases[step.phase as usize].lost += 1;
            self.lost_rows_bytes = self.lost_rows_bytes.saturating_add(rows_bytes(step));
            if rows_bytes(step) == 0 {
                self.outlook.ended(self.reads_again(step));
            }
        }
    }

    /// Rows that a step which carries none reads once more, as an index build reads them.
    fn reads_again(&self, step: &Step) -> u64 {
        let data = |id: &StepId| self.plan.step(*id).map_or(0, rows_of);
        match (step.kind, step.phase) {
            (StepKind::VerifyTable { data: Some(id) }, _) => match self.plan.options.verify {
                VerifyLevel::Checksums => data(&id).saturating_mul(HASHED_ROW),
                VerifyLevel::Counts | VerifyLevel::Off => data(&id) / COUNTED_ROWS,
            },
            // Statistics are of a sample.
            (_, Phase::Indexes) if !step.journal_key.starts_with("analyze/") => {
                step.needs.iter().map(data).sum()
            }
            _ => 0,
        }
    }

    fn end(&mut self, id: StepId) {
        let Some(step) = self.plan.step(id) else {
            return;
        };
        self.phases[step.phase as usize].done += 1;
        if rows_bytes(step) == 0 {
            self.outlook.ended(self.reads_again(step));
        }
        self.done_rows_bytes = self.done_rows_bytes.saturating_add(rows_bytes(step));
        let weight = self.weights.get(id.index()).copied().unwrap_or(0);
        self.done_weight = self.done_weight.saturating_add(weight);
    }

    pub fn tick(&mut self, samples: &[(StepId, u64, u64)], now: Now) {
        for (step, rows, bytes) in samples {
            if let Some(one) = self.running.iter_mut().find(|one| one.step == *step) {
                (one.rows, one.bytes) = (*rows, *bytes);
                one.rows_rate.push(now, *rows);
                one.bytes_rate.push(now, *bytes);
            }
        }
        let bytes = self.moved_bytes();
        self.bytes_rate.push(now, bytes);
        let (since, before) = *self.second.get_or_insert((now, bytes));
        let elapsed_ms = now.since(since);
        if elapsed_ms >= 1000 {
            let moved = u128::from(bytes.saturating_sub(before)) * 1000 / u128::from(elapsed_ms);
            self.history
                .push_back(u64::try_from(moved).unwrap_or(u64::MAX));
            if self.history.len() > HISTORY {
                self.history.pop_front();
            }
            self.second = Some((now, bytes));
        }
    }

    fn carrying(&self) -> impl Iterator<Item = (&Running, &Step)> {
        self.running.iter().filter_map(|one| {
            let step = self.step(one.step).filter(|step| rows_bytes(step) > 0)?;
            Some((one, step))
        })
    }

    /// Rows that have arrived, and those on their way.
    pub fn moved_rows(&self) -> u64 {
        let running: u64 = self.carrying().map(|(one, _)| one.rows).sum();
        self.moved.0.saturating_add(running)
    }

    pub fn moved_bytes(&self) -> u64 {
        let running: u64 = self.carrying().map(|(one, _)| one.bytes).sum();
        self.moved.1.saturating_add(running)
    }

    /// The share of the estimate that is done: a table counts in full only when it is done.
    fn arrived_bytes(&self) -> u64 {
        let running: u64 = self
            .carrying()
            .map(|(one, step)| one.arrived_bytes(step))
            .sum();
        self.done_rows_bytes.saturating_add(running)
    }

    /// Bytes that are still to be moved: of a table under way as its rows so far weigh, of one to come as its estimate and all
    /// that has been moved were apart. 0 when nothing is left, or sizes are unknown.
    fn bytes_to_come(&self) -> u64 {
        let (mut moved, mut estimate) = self.measured;
        let mut waiting = self
            .rows_bytes
            .saturating_sub(self.done_rows_bytes)
            .saturating_sub(self.lost_rows_bytes);
        let mut to_come = 0_u64;
        for (one, step) in self.carrying() {
            let (all, arrived) = (rows_bytes(step), one.arrived_bytes(step));
            if arrived > 0 && one.bytes > 0 {
                to_come = to_come.saturating_add(scaled(one.bytes, all - arrived, arrived));
                waiting = waiting.saturating_sub(all);
                moved = moved.saturating_add(one.bytes);
                estimate = estimate.saturating_add(arrived);
            }
        }
        if moved > 0 && estimate > 0 {
            waiting = scaled(waiting, moved, estimate).max(waiting.min(1));
        }
        to_come.saturating_add(waiting)
    }

    /// Whole per cent of all work; rows weigh their bytes. 99 at most.
    pub fn percent(&self) -> u8 {
        let running = self.arrived_bytes().saturating_sub(self.done_rows_bytes);
        rate::percent(self.done_weight.saturating_add(running), self.weight).unwrap_or(0)
    }

    /// Bytes that will have been moved when all rows are there, estimated; 0 when unknown.
    pub fn total_bytes(&self) -> u64 {
        match self.rows_bytes {
            0 => 0,
            _ => self.moved_bytes().saturating_add(self.bytes_to_come()),
        }
    }

    pub fn bytes_per_second(&self) -> Option<u64> {
        self.bytes_rate.per_second()
    }

    /// Until the last row is there that will come; none when they all are, when nothing moves, and when sizes are unknown.
    pub fn rows_eta_ms(&self) -> Option<u64> {
        let remaining = Some(self.bytes_to_come()).filter(|bytes| *bytes > 0)?;
        self.bytes_rate.eta_ms(remaining)
    }

    /// The same at the fastest and at the slowest pace of the last two minutes, and not before the slowest table under way, unless
    /// others make room for it; none where that says nothing more.
    pub fn rows_eta_range_ms(&self) -> Option<(u64, u64)> {
        let likely = self.rows_eta_ms()?;
        let (mut least, mut most) = (likely, likely);
        if let Some((slowest, fastest)) = rate::extremes(&self.history) {
            let at = |pace: u64| scaled(self.bytes_to_come(), 1000, pace);
            least = least.min(at(fastest));
            most = most.max(at(slowest));
        }
        let alone = self.carrying().filter_map(|(one, step)| one.eta_ms(step));
        most = most.max(alone.max().unwrap_or(0));
        // A fifth more or less is what any estimate means.
        (most - least > likely / 5).then_some((least, most))
    }

    /// Until the whole run is over, at the least and at the most; none while too little is known.
    pub fn end_range_ms(&self, now: Now) -> Option<(u64, u64)> {
        let (mut rows_ms, mut under_way) = (0, Vec::new());
        let (mut spent, mut moved) = self.rows_pace;
        for one in &self.running {
            let Some(step) = self.step(one.step) else {
                continue;
            };
            let elapsed_ms = now.since(one.since);
            if rows_bytes(step) > 0 {
                spent = spent.saturating_add(elapsed_ms);
                moved = moved.saturating_add(one.bytes);
            } else {
                let reads = self.reads_again(step);
                under_way.push(UnderWay { reads, elapsed_ms });
            }
        }
        let (mut soonest, mut latest) = (0, 0);
        let to_come = self.bytes_to_come();
        if to_come > 0 {
            let likely = self.rows_eta_ms()?;
            (soonest, latest) = self.rows_eta_range_ms().unwrap_or((likely, likely));
            rows_ms = scaled(spent, to_come, moved);
        }
        let workers = self.plan.at_once as u64;
        let (least, most) = self.outlook.end_ms(rows_ms, workers, &under_way)?;
        Some((least.max(soonest), most.max(latest)))
    }
}

/// What a step brings in rows, estimated; 0 for steps that carry none.
fn rows_bytes(step: &Step) -> u64 {
    if step.method().is_some() || step.kind == StepKind::LargeObjects {
        step.size_hint_bytes.max(1)
    } else {
        0
    }
}

/// How many rows a step brings, estimated.
fn rows_of(step: &Step) -> u64 {
    match step.row_hint() {
        Some(rows) if step.method().is_some() => rows,
        _ => rows_bytes(step) / ROW_BYTES,
    }
}

fn weight(plan: &Plan, step: &Step) -> u64 {
    let again = match (step.kind, step.phase) {
        (StepKind::VerifyTable { data }, _) => {
            let data = data.and_then(|data| plan.step(data));
            let bytes = data.map_or(step.size_hint_bytes, rows_bytes);
            match plan.options.verify {
                VerifyLevel::Checksums => bytes,
                VerifyLevel::Counts | VerifyLevel::Off => bytes / COUNTED,
            }
        }
        (_, Phase::Indexes) => {
            let needs = step.needs.iter().filter_map(|id| plan.step(*id));
            needs.map(rows_bytes).sum::<u64>() / READ_AGAIN
        }
        _ => 0,
    };
    rows_bytes(step)
        .saturating_add(again)
        .saturating_add(STEP_WEIGHT)
}
