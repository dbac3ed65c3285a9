//! The schedule by itself: no server, no clock.

use super::bare_step as step;
use super::*;
use crate::model::plan::{Action, Fallback, Session, Statement, Step};

/// The plan stays for as long as the tests run.
fn schedule(steps: Vec<Step>) -> Schedule<'static> {
    let mut plan = Plan {
        steps,
        ..Plan::default()
    };
    plan.options.jobs = 2;
    plan.at_once = 4;
    Schedule::new(Box::leak(Box::new(plan)))
}

fn copies(from: u32, to: u32) -> impl Iterator<Item = Step> {
    (from..to).map(|id| Step {
        kind: StepKind::CopyRows { is_binary: true },
        ..step(id, Phase::Data, &[])
    })
}

fn ids(ids: &[u32]) -> Vec<StepId> {
    ids.iter().map(|id| StepId(*id)).collect()
}

#[test]
fn an_index_starts_while_other_tables_still_copy() {
    let mut steps: Vec<Step> = copies(0, 3).collect();
    steps.push(step(3, Phase::Indexes, &[0]));
    let mut schedule = schedule(steps);
    assert_eq!(schedule.start(), ids(&[0, 1]));
    assert!(schedule.finish(StepId(0), true).is_empty());
    assert_eq!(schedule.start(), ids(&[2, 3]));
}

#[test]
fn the_longest_chain_of_work_comes_first_and_no_core_is_wanted_twice() {
    let costing = |id, cost, needs: &[u32]| Step {
        cost,
        ..step(id, Phase::Indexes, needs)
    };
    let mut steps: Vec<Step> = copies(0, 3).collect();
    for (at, cost) in [10, 30, 20].into_iter().enumerate() {
        steps[at].cost = cost;
    }
    // The smallest table has the largest index.
    steps.push(costing(3, 50, &[0]));
    steps.push(costing(4, 5, &[1]));
    let mut plan = Plan {
        steps,
        at_once: 2,
        ..Plan::default()
    };
    plan.options.jobs = 2;
    let mut schedule = Schedule::new(&plan);
    assert_eq!(schedule.start(), ids(&[0, 1]));
    schedule.finish(StepId(1), true);
    // The rows of the third table are more work than the index of the second.
    assert_eq!(schedule.start(), ids(&[2]));
    schedule.finish(StepId(0), true);
    assert_eq!(schedule.start(), ids(&[3]));
    schedule.finish(StepId(2), true);
    assert_eq!(schedule.start(), ids(&[4]));
}

/// A type, two tables with a sequence of the first, a view, a table.
#[test]
fn tables_are_made_side_by_side_and_all_else_in_its_turn() {
    let beside = |id, needs: &[u32]| Step {
        has_all_needs: true,
        ..step(id, Phase::Schema, needs)
    };
    let mut schedule = schedule(vec![
        step(0, Phase::Schema, &[]),
        beside(1, &[]),
        beside(2, &[1]),
        beside(3, &[]),
        step(4, Phase::Schema, &[]),
        beside(5, &[]),
    ]);
    assert_eq!(schedule.start(), ids(&[0]));
    schedule.finish(StepId(0), true);
    assert_eq!(schedule.start(), ids(&[1, 3]));
    // What only comes before it does not take it along when it fails.
    assert_eq!(
        schedule.finish(StepId(1), false),
        [(StepId(2), Some(StepId(1)))]
    );
    assert_eq!(schedule.start(), []);
    schedule.finish(StepId(3), true);
    assert_eq!(schedule.start(), ids(&[4]));
    schedule.finish(StepId(4), true);
    assert_eq!(schedule.start(), ids(&[5]));
    schedule.finish(StepId(5), true);
    assert!(schedule.is_over());
}

#[test]
fn what_would_deadlock_is_not_run_at_once() {
    let locking = |id, tables: &[usize], is_shared| Step {
        locks: tables
            .iter()
            .map(|table| TableLock {
                table: *table,
                is_shared,
            })
            .collect(),
        ..step(id, Phase::Indexes, &[])
    };
    // Two foreign keys in a cycle, two index builds of one table.
    let mut schedule = schedule(vec![
        locking(0, &[1, 2], false),
        locking(1, &[2, 1], false),
        locking(2, &[3], true),
        locking(3, &[3], true),
    ]);
    assert_eq!(schedule.start(), ids(&[0, 2]));
    schedule.finish(StepId(2), true);
    assert_eq!(schedule.start(), ids(&[3]));
    schedule.finish(StepId(0), true);
    assert_eq!(schedule.start(), ids(&[1]));
}

#[test]
fn a_failure_fails_its_dependants_and_nothing_else() {
    let mut steps: Vec<Step> = copies(0, 2).collect();
    steps.push(step(2, Phase::Indexes, &[0]));
    steps.push(step(3, Phase::Indexes, &[2]));
    steps.push(step(4, Phase::Indexes, &[1]));
    let mut schedule = schedule(steps);
    schedule.start();
    let skipped = schedule.finish(StepId(0), false);
    assert_eq!(
        skipped,
        [(StepId(2), Some(StepId(0))), (StepId(3), Some(StepId(0)))]
    );
    schedule.finish(StepId(1), true);
    assert_eq!(schedule.start(), ids(&[4]));
    schedule.finish(StepId(4), true);
    assert!(schedule.is_over());
}

#[test]
fn the_snapshot_is_released_when_its_last_reader_is_over_however_it_ended() {
    let mut steps = vec![step(0, Phase::Prepare, &[])];
    steps.extend(copies(1, 3).map(|mut s| {
        let reading = Statement::new(Session::Source, Action::CopyOut, "");
        s.statements = [reading].into();
        s
    }));
    steps.push(Step {
        kind: StepKind::ReleaseSnapshot,
        ..step(3, Phase::Data, &[0])
    });
    let mut schedule = schedule(steps);
    assert_eq!(schedule.start(), ids(&[0]));
    schedule.finish(StepId(0), true);
    assert_eq!(schedule.start(), ids(&[1, 2]));
    schedule.finish(StepId(1), false);
    assert!(schedule.start().is_empty());
    schedule.finish(StepId(2), true);
    assert_eq!(schedule.start(), ids(&[3]));
}

#[test]
fn cleaning_up_runs_after_failure_and_after_stop() {
    let mut steps = vec![step(0, Phase::Prepare, &[]), step(1, Phase::Schema, &[])];
    steps.push(Step {
        rule: Rule::Always,
        ..step(2, Phase::CleanUp, &[])
    });
    let mut failed = schedule(steps.clone());
    failed.start();
    assert_eq!(
        failed.finish(StepId(0), false),
        [(StepId(1), Some(StepId(0)))]
    );
    assert_eq!(failed.start(), ids(&[2]));

    let mut stopped = schedule(steps);
    stopped.start();
    assert_eq!(stopped.stop(Stop::Now), [(StepId(1), None)]);
    assert!(stopped.start().is_empty());
    stopped.finish(StepId(0), false);
    assert_eq!(stopped.start(), ids(&[2]));
    stopped.finish(StepId(2), true);
    assert!(stopped.is_over());
}

#[test]
fn an_optional_step_takes_nothing_along() {
    let mut steps = vec![Step {
        rule: Rule::Optional,
        ..step(0, Phase::Schema, &[])
    }];
    steps.push(step(1, Phase::Schema, &[0]));
    let mut schedule = schedule(steps);
    schedule.start();
    assert!(schedule.finish(StepId(0), false).is_empty());
    assert_eq!(schedule.start(), ids(&[1]));
}

/// A table that fails, its index, another table, and what ends the run.
fn with_an_undecided_step() -> Schedule<'static> {
    let mut steps: Vec<Step> = copies(0, 2).collect();
    steps.push(step(2, Phase::Indexes, &[0]));
    steps.push(step(3, Phase::Indexes, &[1]));
    steps.push(Step {
        rule: Rule::WhenComplete,
        ..step(4, Phase::CleanUp, &[])
    });
    let mut schedule = schedule(steps);
    assert_eq!(schedule.start(), ids(&[0, 1]));
    schedule.set_aside(StepId(0));
    schedule.finish(StepId(1), true);
    assert_eq!(schedule.start(), ids(&[3]));
    schedule.finish(StepId(3), true);
    assert!(schedule.start().is_empty() && schedule.waits_for_word());
    schedule
}

#[test]
fn what_is_mended_goes_on_as_if_nothing_had_been() {
    let mut schedule = with_an_undecided_step();
    schedule.retry(StepId(0));
    assert_eq!(schedule.start(), ids(&[0]));
    schedule.finish(StepId(0), true);
    assert_eq!(schedule.start(), ids(&[2]));
    schedule.finish(StepId(2), true);
    assert_eq!(schedule.start(), ids(&[4]));
}

#[test]
fn what_is_left_out_lets_the_run_come_to_its_end() {
    let mut schedule = with_an_undecided_step();
    assert_eq!(
        schedule.leave_out(StepId(0)),
        [(StepId(2), Some(StepId(0)))]
    );
    assert_eq!(schedule.start(), ids(&[4]));
}

#[test]
fn what_is_given_up_ends_the_run_like_any_failure() {
    let mut schedule = with_an_undecided_step();
    let skipped = schedule.give_up(StepId(0));
    assert_eq!(
        skipped,
        [(StepId(2), Some(StepId(0))), (StepId(4), Some(StepId(0)))]
    );
    assert!(schedule.is_over());
}

#[test]
fn a_pause_holds_back_what_could_start_and_a_stop_ends_it() {
    let mut steps: Vec<Step> = copies(0, 3).collect();
    steps.push(Step {
        rule: Rule::Always,
        ..step(3, Phase::CleanUp, &[])
    });
    let mut schedule = schedule(steps);
    assert_eq!(schedule.start(), ids(&[0, 1]));
    schedule.pause(true);
    schedule.finish(StepId(0), true);
    schedule.finish(StepId(1), true);
    assert!(schedule.start().is_empty() && schedule.waits_for_word());
    schedule.pause(false);
    assert_eq!(schedule.start(), ids(&[2]));
    schedule.pause(true);
    schedule.stop(Stop::Now);
    schedule.finish(StepId(2), false);
    assert_eq!(schedule.start(), ids(&[3]));
}

/// Foreign keys were taken away by one step and are put back by others, whatever else became of the run.
#[test]
fn what_was_not_taken_away_is_not_put_back() {
    let plan = |fails: u32| {
        let mut schedule = schedule(vec![
            step(0, Phase::Schema, &[]),
            step(1, Phase::Schema, &[]),
            Step {
                kind: StepKind::PutBack { taken: StepId(0) },
                rule: Rule::Always,
                ..step(2, Phase::Indexes, &[0, 1])
            },
        ]);
        schedule.start();
        let mut skipped = schedule.finish(StepId(0), fails != 0);
        schedule.start();
        skipped.extend(schedule.finish(StepId(1), fails != 1));
        (skipped, schedule.start())
    };
    assert_eq!(plan(0), (vec![(StepId(2), Some(StepId(0)))], Vec::new()));
    assert_eq!(plan(1), (Vec::new(), ids(&[2])));
}

#[test]
fn an_fdw_session_commits_when_its_own_rows_are_over_however_they_ended() {
    let rows = |id, session| Step {
        kind: StepKind::FdwRows { session },
        ..step(id, Phase::Data, &[])
    };
    let commit = |id, session| Step {
        kind: StepKind::FdwCommit { session },
        ..step(id, Phase::Data, &[])
    };
    let mut schedule = schedule(vec![rows(0, 0), rows(1, 1), commit(2, 0), commit(3, 1)]);
    assert_eq!(schedule.start(), ids(&[0, 1]));
    assert!(schedule.finish(StepId(1), false).is_empty());
    assert_eq!(schedule.start(), ids(&[3]));
    schedule.finish(StepId(0), true);
    assert_eq!(schedule.start(), ids(&[2]));
}

/// A refused FDW step reads through howdah instead, in the same snapshot.
#[test]
fn the_snapshot_is_held_for_those_whose_other_way_reads_in_it() {
    let reading = Statement::new(Session::Source, Action::CopyOut, "");
    let mut other = step(1, Phase::Data, &[]);
    other.extras_mut().fallbacks = [Fallback {
        after: &["0A000"],
        why: String::new(),
        statements: vec![reading],
        to_finish: None,
        way: None,
    }]
    .into();
    let release = Step {
        kind: StepKind::ReleaseSnapshot,
        ..step(2, Phase::Data, &[0])
    };
    let mut schedule = schedule(vec![step(0, Phase::Prepare, &[]), other, release]);
    assert_eq!(schedule.start(), ids(&[0]));
    schedule.finish(StepId(0), true);
    assert_eq!(schedule.start(), ids(&[1]));
    schedule.finish(StepId(1), false);
    assert_eq!(schedule.start(), ids(&[2]));
}

#[test]
fn what_changes_of_a_step_is_small() {
    assert_eq!(size_of::<Node>(), 32);
}
