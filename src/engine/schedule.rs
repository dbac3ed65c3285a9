//! Which step may start when: a pure state machine over the plan's `needs`.
//!
//! No phase barrier stops an index from starting while other tables still copy. What must wait for a whole phase says so
//! in [`gates`].

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use crate::model::event::Stop;
use crate::model::plan::{Phase, Plan, Rule, Session, Step, StepId, StepKind, TableLock};

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

/// Also when only its other way does.
fn reads_in_snapshot(step: &Step) -> bool {
    let other = step
        .fallbacks
        .iter()
        .flat_map(|fallback| &fallback.statements);
    let mut all = step.statements.iter().chain(other);
    all.any(|statement| statement.session == Session::Source)
}

/// Ready steps looked at for one that need not wait for a table.
const LOOK_AHEAD: usize = 512;

/// Lanes whose steps all want a core of the destination for themselves.
fn shares_cores(lane: Lane) -> bool {
    matches!(lane, Lane::Rows | Lane::Indexes)
}

/// From the last step to the first. What depends on one step runs side by side, so it counts with its longest chain, or with
/// all of it shared among the workers, whichever is more.
fn measure_distances(nodes: &mut [Node], plan: &Plan) {
    let workers = plan.at_once.max(1) as u64;
    for (at, step) in plan.steps.iter().enumerate().rev() {
        let (mut longest, mut all) = (0, 0_u64);
        for (dependant, _) in &nodes[at].dependants {
            // A need that stands behind what needs it has no distance yet: the order is a hint, nothing hangs on it.
            longest = longest.max(nodes[dependant.index()].distance);
            all = all.saturating_add(plan.steps[dependant.index()].cost);
        }
        if shares_cores(nodes[at].lane) {
            nodes[at].distance = step.cost.saturating_add(longest.max(all / workers));
        }
    }
}

/// Steps of the schema that name all they need are made side by side, between those that do not: these wait for all that come
/// before them, and are waited for by all that follow.
fn keep_order_of_schema(nodes: &mut [Node], plan: &Plan) {
    let mut before: Vec<StepId> = Vec::new();
    let mut beside: Vec<StepId> = Vec::new();
    for step in plan.steps.iter().filter(|s| s.phase == Phase::Schema) {
        if step.has_all_needs {
            beside.push(step.id);
        } else if !beside.is_empty() {
            before = std::mem::take(&mut beside);
        }
        nodes[step.id.index()].waiting_for += before.len();
        for earlier in &before {
            nodes[earlier.index()].dependants.push((step.id, false));
        }
        if !step.has_all_needs {
            before = vec![step.id];
        }
    }
}

/// Where every step stands.
#[derive(Debug)]
pub(super) struct Schedule {
    nodes: Vec<Node>,
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

#[derive(Debug)]
struct Node {
    state: State,
    /// Cost of the longest chain of work that begins here; none where the plan's order is kept.
    distance: u64,
    phase: Phase,
    lane: Lane,
    rule: Rule,
    locks: Box<[TableLock]>,
    /// Waits for named steps alone, not for phases: lets go of the source, removes the FDW scaffold.
    ignores_gates: bool,
    survives_gentle_stop: bool,
    /// Of the last transaction: without its commit nothing of it stays.
    is_of_last: bool,
    waiting_for: usize,
    /// (dependant, whether this step's failure fails it)
    dependants: Vec<(StepId, bool)>,
    doomed_by: Option<StepId>,
}

impl Schedule {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut nodes: Vec<Node> = plan
            .steps
            .iter()
            .map(|step| Node {
                state: State::Waiting,
                distance: 0,
                phase: step.phase,
                lane: match (step.phase, step.kind) {
                    (_, StepKind::FdwRows { session } | StepKind::FdwCommit { session }) => {
                        Lane::Fdw(session)
                    }
                    (_, StepKind::CopyRows { .. } | StepKind::LargeObjects) => Lane::Rows,
                    (Phase::Indexes, _) => Lane::Indexes,
                    (Phase::Sequences, _) => Lane::Sequences,
                    (Phase::Verify, _) => Lane::Verify,
                    (Phase::Schema, _) => Lane::Schema,
                    _ => Lane::Serial,
                },
                rule: step.rule,
                locks: step.locks.clone(),
                ignores_gates: (step.rule == Rule::Always && !step.needs.is_empty())
                    || step.kind == StepKind::ReleaseSnapshot,
                survives_gentle_stop: matches!(
                    step.kind,
                    StepKind::ReleaseSnapshot | StepKind::FdwCommit { .. }
                ),
                is_of_last: step.is_of_last_transaction(),
                waiting_for: 0,
                dependants: Vec::new(),
                doomed_by: None,
            })
            .collect();
        for step in &plan.steps {
            let after: Vec<StepId> = match step.kind {
                StepKind::ReleaseSnapshot => plan
                    .steps
                    .iter()
                    .filter(|s| reads_in_snapshot(s))
                    .map(|s| s.id)
                    .collect(),
                StepKind::FdwCommit { session } => plan
                    .steps
                    .iter()
                    .filter(|s| s.kind == StepKind::FdwRows { session })
                    .map(|s| s.id)
                    .collect(),
                _ => Vec::new(),
            };
            nodes[step.id.index()].waiting_for = step.needs.len() + after.len();
            for need in &step.needs {
                // What was not taken away is not put back.
                let is_hard =
                    step.rule != Rule::Always || step.kind == (StepKind::PutBack { taken: *need });
                nodes[need.index()].dependants.push((step.id, is_hard));
            }
            for earlier in after {
                nodes[earlier.index()].dependants.push((step.id, false));
            }
        }
        keep_order_of_schema(&mut nodes, plan);
        measure_distances(&mut nodes, plan);
        let mut open_in_phase: HashMap<Phase, usize> = HashMap::new();
        for node in &nodes {
            *open_in_phase.entry(node.phase).or_default() += 1;
        }
        let gated = plan
            .steps
            .iter()
            .map(|s| s.id)
            .filter(|id| nodes[id.index()].waiting_for == 0)
            .collect();
        let mut schedule = Self {
            unfinished: nodes.len(),
            nodes,
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

    pub(super) fn is_over(&self) -> bool {
        self.unfinished == 0
    }

    /// Steps that have neither ended nor begun.
    pub(super) fn stuck(&self) -> impl Iterator<Item = StepId> {
        let nodes = self.nodes.iter().enumerate();
        nodes
            .filter(|(_, node)| node.state == State::Waiting)
            .map(|(at, _)| StepId(u32::try_from(at).unwrap_or(u32::MAX)))
    }

    fn width(&self, lane: Lane) -> usize {
        match lane {
            Lane::Serial | Lane::Fdw(_) => 1,
            Lane::Schema | Lane::Rows | Lane::Indexes | Lane::Sequences | Lane::Verify => self.jobs,
        }
    }

    fn is_open(&self, id: StepId) -> bool {
        let node = &self.nodes[id.index()];
        let is_over = |phase: &Phase| self.open_in_phase.get(phase).is_none_or(|open| *open == 0);
        node.ignores_gates || gates(node.phase).iter().all(is_over)
    }

    /// Looks at all gated steps only when a phase has ended since: a plan may have 100,000 steps.
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
        ready.find(|(_, id)| self.nodes[id.index()].locks.iter().all(is_free))
    }

    fn lock(&mut self, id: StepId) {
        for lock in &self.nodes[id.index()].locks {
            let sharing = self.locked.entry(lock.table).or_insert(Some(0));
            *sharing = sharing.filter(|_| lock.is_shared).map(|count| count + 1);
        }
    }

    fn unlock(&mut self, id: StepId) {
        for lock in &self.nodes[id.index()].locks {
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
        let node = &mut self.nodes[id.index()];
        node.state = state;
        let (phase, rule) = (node.phase, node.rule);
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
        for at in 0..self.nodes.len() {
            let node = &self.nodes[at];
            let completes = node.rule == Rule::WhenComplete || node.is_of_last;
            if node.state == State::Waiting && completes {
                let id = StepId(u32::try_from(at).unwrap_or(u32::MAX));
                self.skip(id, Some(because), skipped);
            }
        }
    }

    fn skip_waiting(
        &mut self,
        because: Option<StepId>,
        is_gentle: bool,
        skipped: &mut Vec<(StepId, Option<StepId>)>,
    ) {
        let waiting: Vec<StepId> = (0..self.nodes.len())
            .map(|at| StepId(u32::try_from(at).unwrap_or(u32::MAX)))
            .filter(|id| {
                let node = &self.nodes[id.index()];
                node.state == State::Waiting
                    && node.rule != Rule::Always
                    && !(is_gentle && node.survives_gentle_stop)
            })
            .collect();
        for id in waiting {
            if self.nodes[id.index()].state == State::Waiting {
                self.skip(id, because, skipped);
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
            let node = &mut self.nodes[id.index()];
            if let Some(open) = self.open_in_phase.get_mut(&node.phase) {
                *open -= 1;
                self.phase_ended |= *open == 0;
            }
            // An optional step's failure is a warning, its dependants go on.
            let is_fine = node.state == State::Done
                || (node.state == State::Failed && node.rule == Rule::Optional);
            let reason = node.doomed_by.unwrap_or(id);
            for (dependant, is_hard) in std::mem::take(&mut node.dependants) {
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
