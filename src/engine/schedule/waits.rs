//! Which step waits for which others: what the plan says of it, and what follows from that. Nothing here changes once it is made.

use crate::model::plan::{Phase, Plan, Rule, Session, Step, StepId, StepKind};

/// A step that waits for another, and whether it falls with it.
pub(super) type Dependant = (StepId, bool);

/// Those that wait, by what they wait for. A plan may have 240,000 steps, and most are waited for by one or two.
#[derive(Debug)]
pub(super) struct Waits {
    /// Those of step n stand from `starts[n]` to `starts[n + 1]`.
    starts: Box<[u32]>,
    dependants: Box<[Dependant]>,
}

impl Waits {
    /// Also tells for how many each step waits.
    pub(super) fn new(plan: &Plan) -> (Self, Vec<u32>) {
        let count = plan.steps.len();
        let mut waiting_for = vec![0; count];
        let mut starts = vec![0; count + 1];
        each_wait(plan, |need, (dependant, _)| {
            waiting_for[dependant.index()] += 1;
            starts[need.index() + 1] += 1;
        });
        for at in 0..count {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let all = starts.last().map_or(0, |end| *end as usize);
        let mut dependants = vec![(StepId(0), false); all];
        each_wait(plan, |need, dependant| {
            let at = &mut next[need.index()];
            dependants[*at as usize] = dependant;
            *at += 1;
        });
        let waits = Self {
            starts: starts.into(),
            dependants: dependants.into(),
        };
        (waits, waiting_for)
    }

    pub(super) fn of(&self, id: StepId) -> &[Dependant] {
        let [from, to] = [0, 1].map(|more| self.starts[id.index() + more] as usize);
        &self.dependants[from..to]
    }
}

/// Says each of them, always in the same order.
fn each_wait(plan: &Plan, mut say: impl FnMut(StepId, Dependant)) {
    let all = |is_one: &dyn Fn(&Step) -> bool| {
        let steps = plan.steps.iter().filter(|step| is_one(step));
        steps.map(|step| step.id).collect::<Vec<_>>()
    };
    for step in &plan.steps {
        for need in &step.needs {
            // What was not taken away is not put back.
            let is_hard =
                step.rule != Rule::Always || step.kind == (StepKind::PutBack { taken: *need });
            say(*need, (step.id, is_hard));
        }
        let after = match step.kind {
            StepKind::ReleaseSnapshot => all(&reads_in_snapshot),
            StepKind::FdwCommit { session } => {
                all(&|other| other.kind == StepKind::FdwRows { session })
            }
            _ => Vec::new(),
        };
        for earlier in after {
            say(earlier, (step.id, false));
        }
    }
    keep_order_of_schema(plan, say);
}

/// Also when only its other way does.
fn reads_in_snapshot(step: &Step) -> bool {
    let other = step.fallbacks().iter().flat_map(|one| &one.statements);
    let mut all = step.statements.iter().chain(other);
    all.any(|statement| statement.session == Session::Source)
}

/// Steps of the schema that name all they need are made side by side, between those that do not: these wait for all that come
/// before them, and are waited for by all that follow.
fn keep_order_of_schema(plan: &Plan, mut say: impl FnMut(StepId, Dependant)) {
    let mut before: Vec<StepId> = Vec::new();
    let mut beside: Vec<StepId> = Vec::new();
    for step in plan.steps.iter().filter(|s| s.phase == Phase::Schema) {
        if step.has_all_needs {
            beside.push(step.id);
        } else if !beside.is_empty() {
            before = std::mem::take(&mut beside);
        }
        for earlier in &before {
            say(*earlier, (step.id, false));
        }
        if !step.has_all_needs {
            before = vec![step.id];
        }
    }
}
