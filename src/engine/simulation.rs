//! A run that takes no time: the schedule of a real one, with the durations it is given. Pure.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::model::plan::{Plan, StepId};

use super::schedule::Schedule;

/// How a plan goes when each step takes as long as was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Simulation {
    pub(super) micros: u64,
    /// From the first step to the last; each begins when the one before it ends.
    pub(super) chain: Vec<StepId>,
}

/// `micros` are by step.
pub(super) fn simulate(plan: &Plan, micros: &[u64]) -> Simulation {
    let mut schedule = Schedule::new(plan);
    let mut running = BinaryHeap::new();
    let mut before = vec![None; plan.steps.len()];
    let (mut now, mut last) = (0_u64, None);
    while !schedule.is_over() {
        for id in schedule.start() {
            before[id.index()] = last;
            let takes = micros.get(id.index()).copied().unwrap_or(0);
            running.push(Reverse((now.saturating_add(takes), id)));
        }
        // Nothing runs and nothing may start: the plan's needs form a ring, which a real run tells.
        let Some(Reverse((ended, id))) = running.pop() else {
            break;
        };
        (now, last) = (ended, Some(id));
        schedule.finish(id, true);
    }
    let mut chain: Vec<StepId> = std::iter::successors(last, |id| before[id.index()]).collect();
    chain.reverse();
    Simulation { micros: now, chain }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::{Phase, StepKind};

    fn plan(steps: &[(Phase, StepKind, &[u32])], jobs: usize) -> Plan {
        let mut plan = Plan {
            steps: steps
                .iter()
                .zip(0..)
                .map(|((phase, kind, needs), id)| {
                    let mut step = super::super::schedule::bare_step(id, *phase, needs);
                    step.kind = *kind;
                    step
                })
                .collect(),
            at_once: jobs,
            ..Plan::default()
        };
        plan.options.jobs = jobs;
        plan
    }

    const COPY: StepKind = StepKind::CopyRows { is_binary: true };

    fn ids(ids: &[u32]) -> Vec<StepId> {
        ids.iter().map(|id| StepId(*id)).collect()
    }

    #[test]
    fn the_longest_chain_goes_through_what_each_step_waited_for() {
        let plan = plan(
            &[
                (Phase::Schema, StepKind::Sql, &[]),
                (Phase::Data, COPY, &[0]),
                (Phase::Data, COPY, &[0]),
                (Phase::Indexes, StepKind::Sql, &[1]),
                (Phase::Indexes, StepKind::Sql, &[2]),
                (Phase::Verify, StepKind::VerifyTable { data: None }, &[]),
            ],
            2,
        );
        let run = simulate(&plan, &[1, 10, 20, 30, 5, 2]);
        assert_eq!(run.micros, 1 + 10 + 30 + 2);
        assert_eq!(run.chain, ids(&[0, 1, 3, 5]));
    }

    #[test]
    fn one_worker_does_all_one_after_another() {
        let steps = [(Phase::Data, COPY, &[][..]); 4];
        let run = simulate(&plan(&steps, 1), &[3, 4, 5, 6]);
        assert_eq!((run.micros, run.chain.len()), (18, 4));
        let run = simulate(&plan(&steps, 4), &[3, 4, 5, 6]);
        assert_eq!((run.micros, run.chain), (6, ids(&[3])));
    }

    #[test]
    fn an_empty_plan_takes_no_time() {
        assert_eq!(simulate(&Plan::default(), &[]), Simulation::default());
    }
}
