//! Runs that wait, and runs that are gone on with, for tests.

use std::sync::Arc;

use super::fixtures::{check, checked, endpoint, press, shop};
use super::fixtures_run::halfway_with_failure;
use super::{Effect, Inspection, KeyCode, Msg, Now, State};
use crate::model::event::RunEvent;
use crate::model::finding::{CheckResult, Finding, Level};
use crate::model::journal::{Journal, Leftovers, Request};
use crate::model::options::Options;
use crate::model::plan::StepId;
use crate::model::samples;
use crate::model::selection::Selection;

pub(crate) fn tell(state: &mut State, event: RunEvent, at: u64) -> Vec<Effect> {
    state.update(Msg::Run(event), Now(at))
}

/// The step of [`undecided`] that waits.
pub(crate) fn customer() -> StepId {
    samples::step_of(&samples::plan(), "Copy the rows of public.customer")
}

/// A table has failed and waits for a word; two tables and an index are on their way.
pub(crate) fn undecided() -> State {
    let mut state = super::fixtures_run::halfway();
    let step = customer();
    tell(&mut state, RunEvent::StepStarted(step), 41_000);
    let problem = Box::new(samples::duplicate_key());
    tell(
        &mut state,
        RunEvent::StepUndecided { step, problem },
        42_000,
    );
    state
}

/// Nothing else is left to do.
pub(crate) fn waiting() -> State {
    let plan = samples::plan();
    let mut state = undecided();
    for title in [
        "Copy the rows of public.rental",
        "Copy the rows of public.payment",
        "Copy the rows of public.audit_log",
        "Build index public.actor_pkey",
    ] {
        tell(&mut state, samples::finished(&plan, title), 42_010);
    }
    tell(&mut state, RunEvent::Waiting, 42_020);
    state
}

/// What the journal of a run into the sample's destination says; its source is `host`.
pub(crate) fn journal(host: &str) -> Journal {
    let inspection = shop();
    let options = Options::default();
    let selection = Selection::of(&inspection.catalog, &options);
    let source = endpoint(host);
    let request = Request::new(&source, &options, &inspection.catalog, &selection, true);
    Journal {
        ways: std::collections::BTreeMap::default(),
        aside: Vec::new(),
        started_at: "2026-03-01 08:30 UTC".to_owned(),
        request,
        done: ["schema/TABLE/public.film", "data/public.film"]
            .map(str::to_owned)
            .into(),
    }
}

fn leftovers() -> Leftovers {
    Leftovers {
        objects: vec!["schema howdah".to_owned()],
        statements: vec!["DROP SCHEMA IF EXISTS howdah CASCADE".to_owned()],
        ..Leftovers::default()
    }
}

pub(crate) fn interrupted(host: &str) -> Inspection {
    Inspection {
        unfinished: Some(journal(host)),
        leftovers: leftovers(),
        ..shop()
    }
}

fn interrupted_results() -> Vec<CheckResult> {
    let finding = Finding::new(
        Level::Blocking,
        "The run of 2026-03-01 08:30 UTC did not finish",
        "Enter resumes it. To start over instead, c removes its journal; what was copied then stays, and is in the way of a new run until it is removed too.",
    );
    let told = [
        "It copies from app@old.example:5432/shop.",
        "Of the run of 2026-03-01 08:30 UTC: 36 objects created, which stay.",
        "2 tables have their rows; each stays if both sides prove to hold the same, otherwise it is emptied and copied again: public.actor, public.film.",
        "Rows of 1 table are still to be copied: public.rental. What was under way when the run broke off was rolled back, and begins anew.",
    ];
    let left = CheckResult {
        id: "leftovers",
        ..check(
            "Nothing is left over from an earlier run",
            vec![finding.objects(told.map(str::to_owned).to_vec())],
        )
    };
    vec![
        check("Both servers answer", vec![Finding::fine("Both answer")]),
        check(
            "Nothing on the destination is in the way",
            vec![Finding::new(
                Level::Blocking,
                "The destination holds 36 objects, and a run that was interrupted",
                "",
            )],
        ),
        left,
    ]
}

/// On Check, where the journal of a run from `host` was found.
pub(crate) fn finding_a_run(host: &str) -> State {
    checked(interrupted_results(), interrupted(host))
}

/// What is read of both sides when the run is gone on with.
pub(crate) fn gone_on_with() -> Inspection {
    Inspection {
        journal: Some(journal("old.example")),
        leftovers: leftovers(),
        ..shop()
    }
}

/// On Check, with the checks of a run that is gone on with.
pub(crate) fn going_on() -> State {
    let mut state = finding_a_run("old.example");
    press(&mut state, KeyCode::Enter);
    let effects = press(&mut state, KeyCode::Enter);
    let Some(Effect::Inspect { attempt, .. }) = effects.last() else {
        panic!("{effects:?}");
    };
    let attempt = *attempt;
    let fits = "Everything that is done matches the source as it is now";
    let results = [
        check("Both servers answer", vec![Finding::fine("Both answer")]),
        check(
            "What is done still matches the source",
            vec![Finding::fine(fits)],
        ),
    ];
    for result in results {
        state.update(Msg::CheckDone { attempt, result }, Now(3_000));
    }
    let outcome = Ok(Arc::new(gone_on_with()));
    state.update(Msg::Inspected { attempt, outcome }, Now(3_000));
    state
}

/// On Report, after a failure that left a journal.
pub(crate) fn failed_with_journal() -> State {
    let mut state = halfway_with_failure();
    let report = samples::failed();
    super::fixtures_run::finish(&mut state, report, Now(187_000));
    press(&mut state, KeyCode::Enter);
    state
}
