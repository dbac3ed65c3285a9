//! Forecasts of rehearsals that never were: no server, no clock.

use std::sync::Arc;

use super::*;
use crate::engine::schedule::bare_step;
use crate::model::forecast::Sample;
use crate::model::name::ObjectName;
use crate::model::options::Method;
use crate::model::report::Unfinished;

/// A large and a small table, an index and a key of the large one.
fn plan() -> Plan {
    let steps: [(Phase, &str, &[u32]); 5] = [
        (Phase::Schema, "Create tables", &[]),
        (Phase::Data, "Copy the rows of public.large", &[0]),
        (Phase::Data, "Copy the rows of public.small", &[0]),
        (Phase::Indexes, "Build index public.large_idx", &[1]),
        (
            Phase::Indexes,
            "Add foreign key public.large fkey",
            &[1, 2, 3],
        ),
    ];
    let steps = steps.iter().zip(0..).map(|((phase, title, needs), id)| {
        let mut step = bare_step(id, *phase, needs);
        step.title = (*title).into();
        if *phase == Phase::Data {
            step.kind = StepKind::CopyRows { is_binary: true };
        }
        step.cost = 1000;
        step
    });
    let mut plan = Plan {
        steps: steps.collect(),
        at_once: 2,
        ..Plan::default()
    };
    plan.options.jobs = 2;
    plan
}

fn rehearsal() -> Rehearsal {
    let classes = [
        (Class::Other, 1.0),
        (Class::Rows, 100.0),
        (Class::Rows, 1.0),
        (Class::Index, 150.0),
        (Class::Check, 100.0),
    ];
    let growth = classes.iter().zip(0..).map(|((class, factor), id)| Growth {
        rehearsed: Some(StepId(id)),
        factor: *factor,
        class: *class,
    });
    Rehearsal {
        plan: Arc::new(plan()),
        whole: Arc::new(plan()),
        growth: growth.collect(),
        samples: vec![Sample {
            name: ObjectName::new("public", "large"),
            method: Method::Copy,
            step: StepId(1),
            share: 0.01,
            table_bytes: 1_000_000,
            estimated_rows: None,
            rows: 0,
            elapsed_ms: 0,
        }],
        not_measured: Vec::new(),
        destination: "app@new/shop".to_owned(),
    }
}

fn heard(took: &[(u32, u64)]) -> Heard {
    let mut heard = Heard::default();
    for (id, elapsed_ms) in took {
        heard.hear(&RunEvent::StepFinished {
            step: StepId(*id),
            rows: 10,
            bytes: 1000,
            elapsed_ms: *elapsed_ms,
            is_kept: false,
        });
    }
    heard
}

fn fail(heard: &mut Heard, id: u32, code: &str) {
    let problem = Box::new(Problem {
        sqlstate: Some(code.to_owned()),
        ..Problem::new("Step", "refused")
    });
    heard.hear(&RunEvent::StepFailed {
        step: StepId(id),
        problem,
    });
}

#[test]
fn what_a_step_takes_in_any_case_does_not_grow() {
    let expected = grown(110.0, 10.0, 100.0, None);
    assert!((expected.micros - 10_010.0).abs() < 1e-6);
    assert!((expected.doubt - (NOISE + 2.0 * STRETCH)).abs() < 1e-9);
    let whole = grown(110.0, 10.0, 1.0, None);
    assert!((whole.micros - 110.0).abs() < 1e-9 && (whole.doubt - NOISE).abs() < 1e-9);
}

#[test]
fn the_range_follows_what_was_measured() {
    let of = |rates: &[(u32, u64)]| {
        let mut plan = plan();
        for step in &mut plan.steps {
            step.kind = StepKind::CopyRows { is_binary: true };
        }
        spread(&plan, &heard(rates))
    };
    let even = of(&[(0, 200), (1, 200), (2, 200)]).unwrap();
    assert!(even.share.abs() < 1e-9 && even.tables == 3);
    let uneven = of(&[(0, 200), (1, 400), (2, 800)]).unwrap();
    // A factor of two between neighbours.
    assert!((uneven.share - 1.0).abs() < 0.01, "{uneven:?}");
    assert_eq!(of(&[(0, 200), (1, 400), (2, 3)]), None);
    let wide = grown(110.0, 10.0, 100.0, Some(uneven));
    assert!((wide.doubt - NOISE - uneven.share * 0.99).abs() < 1e-9);
    let whole = grown(110.0, 10.0, 1.0, Some(uneven));
    assert!((whole.doubt - NOISE).abs() < 1e-9);
}

#[test]
fn the_large_table_is_in_the_longest_chain() {
    let heard = heard(&[(0, 20), (1, 110), (2, 10), (3, 50), (4, 30)]);
    let told = forecast(&rehearsal(), &heard, &Report::default());
    assert_eq!(told.ending, Ending::Done);
    let titles: Vec<&str> = told.chain.iter().map(|link| link.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Create tables",
            "Copy the rows of public.large",
            "Build index public.large_idx",
            "Add foreign key public.large fkey"
        ]
    );
    let window = told.window.unwrap();
    // The table's 100 ms over what any takes, a hundred times; an index and a key have no other of their class to tell what
    // they take in any case.
    assert_eq!(told.chain[1].likely_ms, 10_010);
    assert!(window.least_ms < window.likely_ms && window.likely_ms < window.most_ms);
    assert_eq!(
        (told.samples[0].rows, told.samples[0].rows_in_all()),
        (10, 1000)
    );
}

#[test]
fn a_key_that_only_the_sample_breaks_is_no_problem() {
    let mut heard = heard(&[(0, 20), (1, 110), (2, 10), (3, 50)]);
    fail(&mut heard, 4, "23503");
    let told = forecast(&rehearsal(), &heard, &Report::default());
    assert_eq!((told.ending, told.problems.len()), (Ending::Done, 0));
    assert!(told.not_measured[0].contains("Add foreign key public.large fkey"));
    assert!(told.chain.last().unwrap().is_guess);

    let mut whole = rehearsal();
    whole.growth[4].factor = 1.0;
    assert_eq!(
        forecast(&whole, &heard, &Report::default()).ending,
        Ending::Failed
    );
}

#[test]
fn a_key_that_was_added_for_new_rows_only_is_a_difference_where_all_rows_came() {
    let heard = heard(&[(0, 20), (1, 110), (2, 10), (3, 50), (4, 30)]);
    let report = Report {
        outcome: Outcome::Different,
        unfinished: vec![Unfinished {
            title: "Add foreign key public.large fkey".to_owned(),
            because: Problem {
                sqlstate: Some("23503".to_owned()),
                ..Problem::new("Add foreign key", "violated")
            },
            violations: Some(3),
            sample: Vec::new(),
            statement: String::new(),
            is_not_valid: true,
        }],
        ..Report::default()
    };
    assert_eq!(forecast(&rehearsal(), &heard, &report).ending, Ending::Done);
    let mut whole = rehearsal();
    whole.growth[4].factor = 1.0;
    assert_eq!(forecast(&whole, &heard, &report).ending, Ending::Different);
}

#[test]
fn a_step_that_fails_by_itself_fails_the_rehearsal() {
    let mut heard = heard(&[(0, 20), (1, 110), (2, 10), (4, 30)]);
    fail(&mut heard, 3, "42883");
    let told = forecast(&rehearsal(), &heard, &Report::default());
    assert_eq!((told.ending, told.problems.len()), (Ending::Failed, 1));
    assert!(told.window.is_some());
}

#[test]
fn without_rows_and_after_a_stop_nothing_is_forecast() {
    let none = forecast(&rehearsal(), &heard(&[(0, 20)]), &Report::default());
    assert_eq!(none.window, None);
    let stopped = Report {
        outcome: Outcome::Cancelled,
        ..Report::default()
    };
    let told = forecast(&rehearsal(), &heard(&[(0, 20), (1, 5)]), &stopped);
    assert_eq!((told.ending, told.window), (Ending::Cancelled, None));
}
