//! A run of the sample plan, for tests.

use std::sync::Arc;

use super::fixtures::{bare, press, selecting};
use super::{Effect, KeyCode, Msg, Now, State};
use crate::model::event::RunEvent;
use crate::model::plan::Plan;
use crate::model::problem::Problem;
use crate::model::report::Report;
use crate::model::samples;

/// When the run of [`started`] begins.
pub(crate) const BEGAN: Now = Now(2_000);

/// On Run, nothing told by the engine yet.
pub(crate) fn started(plan: &Plan) -> State {
    let mut state = selecting(bare());
    let effects = press(&mut state, KeyCode::Enter);
    for effect in effects {
        if let Effect::MakePlan { attempt, .. } = effect {
            let outcome = Ok(Arc::new(plan.clone()));
            state.update(Msg::Planned { attempt, outcome }, Now(1_500));
        }
    }
    press(&mut state, KeyCode::Enter);
    state.update(Msg::Key(super::Key::plain(KeyCode::Enter)), BEGAN);
    state
}

pub(crate) fn finish(state: &mut State, report: Report, now: Now) {
    state.update(Msg::Run(RunEvent::Finished(Box::new(report))), now);
}

/// On Report.
pub(crate) fn reported(report: Report) -> State {
    let mut state = started(&samples::plan());
    finish(&mut state, report, Now(187_000));
    press(&mut state, KeyCode::Enter);
    state
}

fn tell(state: &mut State, event: RunEvent, at: u64) {
    state.update(Msg::Run(event), Now(at));
}

/// Forty seconds in: the schema and some tables are there, two tables and an index are on their way.
pub(crate) fn halfway() -> State {
    let plan = samples::plan();
    let mut state = started(&plan);
    for title in [
        "Take a snapshot of the source",
        "Start the journal",
        "Create table public.film",
        "Create table public.rental",
        "Copy the rows of public.film",
        "Copy the rows of public.actor",
        "Build index public.film_pkey",
    ] {
        let step = samples::step_of(&plan, title);
        tell(&mut state, RunEvent::StepStarted(step), 3_000);
        tell(&mut state, samples::finished(&plan, title), 4_000);
    }
    let [rental, payment, empty, index] = [
        "Copy the rows of public.rental",
        "Copy the rows of public.payment",
        "Copy the rows of public.audit_log",
        "Build index public.actor_pkey",
    ]
    .map(|title| samples::step_of(&plan, title));
    for (step, at) in [
        (rental, 5_000),
        (payment, 6_000),
        (empty, 39_000),
        (index, 40_000),
    ] {
        tell(&mut state, RunEvent::StepStarted(step), at);
    }
    for tenth in 60..=420 {
        let ms = tenth * 100;
        // By FDW rows come in stretches, and their number is reckoned from the bytes.
        let payment_bytes = (ms - 5_000) * 9_000 + ms / 4_000 * 40_000_000;
        let samples = vec![
            (rental, (ms - 5_000) * 330, (ms - 5_000) * 50_000),
            (payment, payment_bytes / 125, payment_bytes),
            (empty, 0, 0),
        ];
        state.update(Msg::Tick { samples }, Now(ms));
    }
    state
}

/// The same with a table that failed and an index that fell with it.
pub(crate) fn halfway_with_failure() -> State {
    let plan = samples::plan();
    let mut state = halfway();
    let step = samples::step_of(&plan, "Copy the rows of public.customer");
    tell(&mut state, RunEvent::StepStarted(step), 41_000);
    let problem = Box::new(samples::duplicate_key());
    tell(&mut state, RunEvent::StepFailed { step, problem }, 42_000);
    let skipped = RunEvent::StepSkipped {
        step: samples::step_of(&plan, "Build index public.customer_pkey"),
        because: "it needs \"Copy the rows of public.customer\", which did not succeed".to_owned(),
    };
    tell(&mut state, skipped, 42_000);
    state
}

/// The destination restarts: a table and an index wait for it.
pub(crate) fn halfway_trying_again() -> State {
    let plan = samples::plan();
    let mut state = halfway();
    for (title, attempt) in [
        ("Copy the rows of public.rental", 2),
        ("Build index public.actor_pkey", 4),
    ] {
        let again = RunEvent::StepRepeated {
            step: samples::step_of(&plan, title),
            attempt,
            pause_ms: 500 << (attempt - 2),
            problem: Box::new(Problem::new(title, "connection closed")),
        };
        tell(&mut state, again, 42_000);
    }
    state
}

/// All rows are there; of the two large indexes one is built, the other is not.
pub(crate) fn building() -> State {
    let plan = samples::plan();
    let mut state = halfway();
    let title = |of: &str, table: &str| match of {
        "rows" => format!("Copy the rows of public.{table}"),
        _ => format!("Build index public.{table}_pkey"),
    };
    for (name, ..) in samples::TABLES.into_iter().skip(2) {
        tell(
            &mut state,
            samples::finished(&plan, &title("rows", name)),
            33_000,
        );
    }
    let [payment, rental] =
        ["payment", "rental"].map(|table| samples::step_of(&plan, &title("index", table)));
    tell(&mut state, RunEvent::StepStarted(payment), 33_000);
    tell(&mut state, RunEvent::StepStarted(rental), 33_000);
    let built = RunEvent::StepFinished {
        step: payment,
        rows: 0,
        bytes: 0,
        elapsed_ms: 9_000,
        is_kept: false,
    };
    tell(&mut state, built, 42_000);
    state.update(
        Msg::Tick {
            samples: Vec::new(),
        },
        Now(42_000),
    );
    state
}
