//! Which step may start when: a pure state machine over the plan's `needs`.
//!
//! No phase barrier stops an index from starting while other tables still copy. What must wait for a whole phase says so
//! in [`gates`].

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use crate::model::event::Stop;
use crate::model::plan::{Phase, Plan, Rule, Step, StepId, StepKind, TableLock};

mod waits;

use waits::Waits;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    /// Failed, and somebody may mend it.
    Undecided,
    Done,
    Failed,
    Skipped,
}

/// Steps of one lane run beside those of other lanes; a lane has a width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Lane {
    /// One after another in the plan's order.
    Serial,
    Schema,
    Rows,
    Fdw(u16),
    Indexes,
    Sequences,
    Verify,
}

/// The phases that must be over, well or not, before a step of `phase` starts.
fn gates(phase: Phase) -> &'static [Phase] {
    use Phase::{Data, Finish, Indexes, Prepare, Schema, Sequences, Verify};
    match phase {
        Prepare => &[],
        Schema => &[Prepare],
        Data | Indexes => &[Prepare, Schema],
        Sequences => &[Prepare, Schema, Data],
        Finish => &[Prepare, Schema, Data, Indexes, Sequences],
        Verify => &[Prepare, Schema, Data, Indexes, Sequences, Finish],
        Phase::CleanUp => &[Prepare, Schema, Data, Indexes, Sequences, Finish, Verify],
    }
}

/// Ready steps looked at for one that need not wait for a table.
const LOOK_AHEAD: usize = 512;

/// Lanes whose steps all want a core of the destination for themselves.
fn shares_cores(lane: Lane) -> bool {
    matches!(lane, Lane::Rows | Lane::Indexes)
}

/// What the work from each step on costs, from the last step to the first; none where the plan's order is kept. What depends on
/// one step runs side by side, so it counts with its longest chain, or with all of it shared among the workers, whichever is more.
fn measure_distances(nodes: &mut [Node], waits: &Waits, plan: &Plan) {
    let workers = plan.at_once.max(1) as u64;
    for (at, step) in plan.steps.iter().enumerate().rev() {
        if !shares_cores(nodes[at].lane) {
            continue;
        }
        let (mut longest, mut all) = (0, 0_u64);
        for (dependant, _) in waits.of(step.id) {
            // A need that stands behind what needs it has no distance yet: the order is a hint, nothing hangs on it.
            longest = longest.max(nodes[dependant.index()].distance);
            all = all.saturating_add(plan.steps[dependant.index()].cost);
        }
        nodes[at].distance = step.cost.saturating_add(longest.max(all / workers));
    }
}

fn lane_of(step: &Step) -> Lane {
    match (step.phase, step.kind) {
        (_, StepKind::FdwRows { session } | StepKind::FdwCommit { session }) => Lane::Fdw(session),
        (_, StepKind::CopyRows { .. } | StepKind::LargeObjects) => Lane::Rows,
        (Phase::Indexes, _) => Lane::Indexes,
        (Phase::Sequences, _) => Lane::Sequences,
        (Phase::Verify, _) => Lane::Verify,
        (Phase::Schema, _) => Lane::Schema,
        _ => Lane::Serial,
    }
}

/// Waits for named steps alone, not for phases: lets go of the source, removes the FDW scaffold.
fn ignores_gates(step: &Step) -> bool {
    let is_scaffold = step.rule == Rule::Always && !step.needs.is_empty();
    is_scaffold || step.kind == StepKind::ReleaseSnapshot
}

fn survives_gentle_stop(step: &Step) -> bool {
    matches!(
        step.kind,
        StepKind::ReleaseSnapshot | StepKind::FdwCommit { .. }
    )
}

fn step_at(at: usize) -> StepId {
    StepId(u32::try_from(at).unwrap_or(u32::MAX))
}

/// Where every step stands.
#[derive(Debug)]
pub(super) struct Schedule<'p> {
    plan: &'p Plan,
    nodes: Box<[Node]>,
    waits: Waits,
    ready: HashMap<Lane, BTreeSet<Rank>>,
    running: HashMap<Lane, usize>,
    open_in_phase: HashMap<Phase, usize>,
    /// Ready but for their phase's gates.
    gated: BTreeSet<StepId>,
    /// Tables locked by running steps: how many share them, or `None` where one has them alone.
    locked: HashMap<usize, Option<usize>>,
    jobs: usize,
    /// Of [`Lane::Rows`] and [`Lane::Indexes`] together.
    at_once: usize,
    unfinished: usize,
    is_stopped: bool,
    is_paused: bool,
    phase_ended: bool,
    /// A step has failed whose failure fails the run.
    is_incomplete: bool,
}

/// What is further from the end comes first; among equals, the plan's order.
type Rank = (Reverse<u64>, StepId);

/// What changes of a step, and what of it is looked at again and again.
#[derive(Debug)]
struct Node {
    state: State,
    lane: Lane,
    waiting_for: u32,
    /// [`measure_distances`].
    distance: u64,
    doomed_by: Option<StepId>,
}

impl<'p> Schedule<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        let (waits, waiting_for) = Waits::new(plan);
        let nodes = plan.steps.iter().zip(waiting_for);
        let mut nodes: Box<[Node]> = nodes
            .map(|(step, waiting_for)| Node {
                state: State::Waiting,
                lane: lane_of(step),
                waiting_for,
                distance: 0,
                doomed_by: None,
            })
            .collect();
        measure_distances(&mut nodes, &waits, plan);
        let mut open_in_phase: HashMap<Phase, usize> = HashMap::new();
        for step in &plan.steps {
            *open_in_phase.entry(step.phase).or_default() += 1;
        }
        let gated = (0..nodes.len())
            .filter(|at| nodes[*at].waiting_for == 0)
            .map(step_at)
            .collect();
        let mut schedule = Self {
            plan,
            unfinished: nodes.len(),
            nodes,
            waits,
            ready: HashMap::new(),
            running: HashMap::new(),
            open_in_phase,
            gated,
            locked: HashMap::new(),
            jobs: plan.options.jobs.max(1),
            at_once: plan.at_once.max(1),
            is_stopped: false,
            is_paused: false,
            phase_ended: true,
            is_incomplete: false,
        };
        schedule.open_gates();
        schedule
    }

    fn step(&self, id: StepId) -> &'p Step {
        &self.plan.steps[id.index()]
    }

    pub(super) fn is_over(&self) -> bool {
        self.unfinished == 0
    }

    /// Steps that have neither ended nor begun.
    pub(super) fn stuck(&self) -> impl Iterator<Item = StepId> {
        let nodes = self.nodes.iter().enumerate();
        nodes
            .filter(|(_, node)| node.state == State::Waiting)
            .map(|(at, _)| step_at(at))
    }

    fn width(&self, lane: Lane) -> usize {
        match lane {
            Lane::Serial | Lane::Fdw(_) => 1,
            Lane::Schema | Lane::Rows | Lane::Indexes | Lane::Sequences | Lane::Verify => self.jobs,
        }
    }

    fn is_open(&self, id: StepId) -> bool {
        let step = self.step(id);
        let is_over = |phase: &Phase| self.open_in_phase.get(phase).is_none_or(|open| *open == 0);
        ignores_gates(step) || gates(step.phase).iter().all(is_over)
    }

    /// Looks at all gated steps only when a phase has ended since: a plan may have 240,000 steps.
    fn open_gates(&mut self) {
        if !std::mem::take(&mut self.phase_ended) {
            return;
        }
        let opened: Vec<StepId> = self
            .gated
            .iter()
            .copied()
            .filter(|id| self.is_open(*id))
            .collect();
        for id in opened {
            self.gated.remove(&id);
            self.make_ready(id);
        }
    }

    fn rank(&self, id: StepId) -> Rank {
        (Reverse(self.nodes[id.index()].distance), id)
    }

    fn make_ready(&mut self, id: StepId) {
        let (lane, rank) = (self.nodes[id.index()].lane, self.rank(id));
        self.ready.entry(lane).or_default().insert(rank);
    }

    /// Steps to start now; they count as running from here on.
    pub(super) fn start(&mut self) -> Vec<StepId> {
        let mut started = Vec::new();
        if self.is_paused {
            return started;
        }
        let lanes: Vec<Lane> = self.ready.keys().copied().collect();
        // Those that share the cores are looked at together.
        let (shared, own): (Vec<Lane>, Vec<Lane>) =
            lanes.into_iter().partition(|lane| shares_cores(*lane));
        for lane in own {
            while let Some(rank) = self.next_of(lane) {
                started.push(self.begin(lane, rank));
            }
        }
        while let Some((rank, lane)) = shared
            .iter()
            .filter_map(|lane| Some((self.next_of(*lane)?, *lane)))
            .min()
            .filter(|_| self.is_core_free())
        {
            started.push(self.begin(lane, rank));
        }
        started.sort_unstable();
        started
    }

    fn is_core_free(&self) -> bool {
        let running = [Lane::Rows, Lane::Indexes].map(|lane| self.running_in(lane));
        running.into_iter().sum::<usize>() < self.at_once
    }

    fn running_in(&self, lane: Lane) -> usize {
        self.running.get(&lane).copied().unwrap_or(0)
    }

    fn begin(&mut self, lane: Lane, rank: Rank) -> StepId {
        let (_, id) = rank;
        if let Some(ready) = self.ready.get_mut(&lane) {
            ready.remove(&rank);
        }
        self.lock(id);
        *self.running.entry(lane).or_default() += 1;
        self.nodes[id.index()].state = State::Running;
        id
    }

    /// The first ready step of a lane that is not full, whose tables nobody else holds; it looks past a few that must wait,
    /// not past thousands.
    fn next_of(&self, lane: Lane) -> Option<Rank> {
        if self.running_in(lane) >= self.width(lane) {
            return None;
        }
        let is_free = |lock: &TableLock| match self.locked.get(&lock.table) {
            None => true,
            Some(sharing) => lock.is_shared && sharing.is_some(),
        };
        let mut ready = self.ready.get(&lane)?.iter().take(LOOK_AHEAD).copied();
        ready.find(|(_, id)| self.step(*id).locks.iter().all(is_free))
    }

    fn lock(&mut self, id: StepId) {
        for lock in &self.step(id).locks {
            let sharing = self.locked.entry(lock.table).or_insert(Some(0));
            *sharing = sharing.filter(|_| lock.is_shared).map(|count| count + 1);
        }
    }

    fn unlock(&mut self, id: StepId) {
        for lock in &self.step(id).locks {
            match self.locked.get_mut(&lock.table) {
                Some(Some(count)) if *count > 1 => *count -= 1,
                _ => {
                    self.locked.remove(&lock.table);
                }
            }
        }
    }

    /// Records the end of a running step. Returns what is skipped because of it, with the step that is the reason.
    pub(super) fn finish(&mut self, id: StepId, succeeded: bool) -> Vec<(StepId, Option<StepId>)> {
        self.let_go(id);
        let state = if succeeded {
            State::Done
        } else {
            State::Failed
        };
        self.conclude(id, state)
    }

    /// The running step has failed, but may be mended: what needs it, and the phases after it, wait.
    pub(super) fn set_aside(&mut self, id: StepId) {
        self.let_go(id);
        self.nodes[id.index()].state = State::Undecided;
    }

    /// The undecided step may start once more.
    pub(super) fn retry(&mut self, id: StepId) {
        self.nodes[id.index()].state = State::Waiting;
        self.make_ready(id);
    }

    /// The undecided step has failed for good.
    pub(super) fn give_up(&mut self, id: StepId) -> Vec<(StepId, Option<StepId>)> {
        self.conclude(id, State::Failed)
    }

    /// The undecided step is not wanted any more; unlike a failure this lets the run come to its end.
    pub(super) fn leave_out(&mut self, id: StepId) -> Vec<(StepId, Option<StepId>)> {
        self.conclude(id, State::Skipped)
    }

    /// Whether steps are held back that could start.
    pub(super) fn pause(&mut self, is_paused: bool) {
        self.is_paused = is_paused;
    }

    /// Something has to be said before the run can go on: to end a pause, or what becomes of a failed step.
    pub(super) fn waits_for_word(&self) -> bool {
        let mut states = self.nodes.iter().map(|node| node.state);
        self.is_paused || states.any(|state| state == State::Undecided)
    }

    fn let_go(&mut self, id: StepId) {
        self.unlock(id);
        if let Some(running) = self.running.get_mut(&self.nodes[id.index()].lane) {
            *running -= 1;
        }
    }

    fn conclude(&mut self, id: StepId, state: State) -> Vec<(StepId, Option<StepId>)> {
        self.nodes[id.index()].state = state;
        let (phase, rule) = (self.step(id).phase, self.step(id).rule);
        let mut skipped = Vec::new();
        self.settle(id, &mut skipped);
        if state == State::Failed && rule != Rule::Optional {
            self.skip_completing(id, &mut skipped);
        }
        // Without what Prepare makes, nothing else makes sense.
        if state != State::Done && phase == Phase::Prepare && rule == Rule::Normal {
            self.skip_waiting(Some(id), false, &mut skipped);
        }
        self.open_gates();
        skipped
    }

    /// Lets nothing new start but what cleans up. Returns what is skipped.
    pub(super) fn stop(&mut self, stop: Stop) -> Vec<(StepId, Option<StepId>)> {
        if self.is_stopped && stop == Stop::AfterCurrent {
            return Vec::new();
        }
        self.is_stopped = true;
        self.is_paused = false;
        let mut skipped = Vec::new();
        self.skip_waiting(None, stop == Stop::AfterCurrent, &mut skipped);
        self.open_gates();
        skipped
    }

    /// What would be in the way of going on with the run later is not done now.
    fn skip_completing(&mut self, because: StepId, skipped: &mut Vec<(StepId, Option<StepId>)>) {
        if std::mem::replace(&mut self.is_incomplete, true) {
            return;
        }
        // Of the last transaction nothing stays without its commit.
        let completes =
            |step: &&Step| step.rule == Rule::WhenComplete || step.is_of_last_transaction();
        for step in self.plan.steps.iter().filter(completes) {
            if self.nodes[step.id.index()].state == State::Waiting {
                self.skip(step.id, Some(because), skipped);
            }
        }
    }

    fn skip_waiting(
        &mut self,
        because: Option<StepId>,
        is_gentle: bool,
        skipped: &mut Vec<(StepId, Option<StepId>)>,
    ) {
        let falls =
            |step: &&Step| step.rule != Rule::Always && !(is_gentle && survives_gentle_stop(step));
        for step in self.plan.steps.iter().filter(falls) {
            if self.nodes[step.id.index()].state == State::Waiting {
                self.skip(step.id, because, skipped);
            }
        }
    }

    fn skip(
        &mut self,
        id: StepId,
        because: Option<StepId>,
        skipped: &mut Vec<(StepId, Option<StepId>)>,
    ) {
        let node = &mut self.nodes[id.index()];
        node.state = State::Skipped;
        let lane = node.lane;
        self.gated.remove(&id);
        let rank = self.rank(id);
        if let Some(ready) = self.ready.get_mut(&lane) {
            ready.remove(&rank);
        }
        skipped.push((id, because));
        self.settle(id, skipped);
    }

    /// A step is over: its dependants come nearer, or fall. A stack, not recursion: chains can be long.
    fn settle(&mut self, id: StepId, skipped: &mut Vec<(StepId, Option<StepId>)>) {
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            self.unfinished -= 1;
            let step = self.step(id);
            if let Some(open) = self.open_in_phase.get_mut(&step.phase) {
                *open -= 1;
                self.phase_ended |= *open == 0;
            }
            let node = &self.nodes[id.index()];
            // An optional step's failure is a warning, its dependants go on.
            let is_fine = node.state == State::Done
                || (node.state == State::Failed && step.rule == Rule::Optional);
            let reason = node.doomed_by.unwrap_or(id);
            for at in 0..self.waits.of(id).len() {
                let (dependant, is_hard) = self.waits.of(id)[at];
                let other = &mut self.nodes[dependant.index()];
                other.waiting_for = other.waiting_for.saturating_sub(1);
                if other.state != State::Waiting {
                    continue;
                }
                if is_hard && !is_fine {
                    other.state = State::Skipped;
                    other.doomed_by = Some(reason);
                    self.gated.remove(&dependant);
                    skipped.push((dependant, Some(reason)));
                    stack.push(dependant);
                } else if other.waiting_for == 0 {
                    if self.is_open(dependant) {
                        self.make_ready(dependant);
                    } else {
                        self.gated.insert(dependant);
                    }
                }
            }
        }
    }
}

/// For tests.
#[cfg(test)]
pub(super) fn bare_step(id: u32, phase: Phase, needs: &[u32]) -> Step {
    let mut step = Step::new(phase, "", "");
    step.id = StepId(id);
    step.needs = needs.iter().map(|need| StepId(*need)).collect();
    step
}

#[cfg(test)]
mod tests;
