//! From what a rehearsal took to how long the real run will take: each step's time grown to the full size, and all of them put
//! through the real schedule. Pure.

use std::collections::{HashMap, HashSet};

use crate::model::event::RunEvent;
use crate::model::forecast::{Class, Ending, Forecast, Growth, Link, Span, Spread};
use crate::model::plan::{Phase, Plan, Step, StepId, StepKind};
use crate::model::problem::Problem;
use crate::model::report::{Outcome, Report, Verdict};
use crate::planner::rehearsal::Rehearsal;

use super::simulation::simulate;

/// What the same step takes more or less from one time to the next: a rule of thumb, told as such.
pub const NOISE: f64 = 0.10;
/// What is added for each factor of ten that a step is scaled up by, where the rates of too few tables are known.
pub const STRETCH: f64 = 0.15;
/// Tables that it takes to tell how far apart rates are, and what one of them must have taken.
const TABLES_TO_TELL: usize = 3;
const LONG_ENOUGH_MS: u64 = 100;
/// Of what was not measured at all.
const GUESS: f64 = 1.0;

/// What the steps of a rehearsal took.
#[derive(Debug, Default)]
pub struct Heard {
    took: HashMap<StepId, Took>,
    failed: Vec<(StepId, Problem)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Took {
    rows: u64,
    bytes: u64,
    ms: u64,
}

impl Heard {
    pub fn hear(&mut self, event: &RunEvent) {
        match event {
            RunEvent::StepFinished {
                step,
                rows,
                bytes,
                elapsed_ms,
                ..
            } => {
                let took = Took {
                    rows: *rows,
                    bytes: *bytes,
                    ms: *elapsed_ms,
                };
                self.took.insert(*step, took);
            }
            RunEvent::StepFailed { step, problem } | RunEvent::StepUndecided { step, problem } => {
                self.failed.push((*step, (**problem).clone()));
            }
            _ => {}
        }
    }

    /// Microseconds in which a byte of the rows came, over all tables.
    fn micros_per_byte(&self, plan: &Plan) -> f64 {
        let rows = plan.steps.iter().filter(|step| step.method().is_some());
        let took = rows.filter_map(|step| self.took.get(&step.id));
        let (bytes, ms) = took.fold((0, 0), |(bytes, ms), one| (bytes + one.bytes, ms + one.ms));
        micros(ms) / bytes.max(1) as f64
    }
}

/// How far apart the tables' rates were: what of a table was not carried may be as far from what was.
fn spread(plan: &Plan, heard: &Heard) -> Option<Spread> {
    let rows = plan.steps.iter().filter(|step| step.method().is_some());
    let took = rows.filter_map(|step| heard.took.get(&step.id));
    let long = took.filter(|took| took.ms >= LONG_ENOUGH_MS && took.bytes > 0);
    let rates: Vec<f64> = long
        .map(|took| (micros(took.ms) / took.bytes as f64).ln())
        .collect();
    if rates.len() < TABLES_TO_TELL {
        return None;
    }
    let count = rates.len() as f64;
    let middle = rates.iter().sum::<f64>() / count;
    let squares: f64 = rates.iter().map(|rate| (rate - middle).powi(2)).sum();
    Some(Spread {
        share: (squares / (count - 1.0)).sqrt().exp_m1(),
        tables: rates.len(),
    })
}

/// A step's time, and how far off it may be: by this share of it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Expected {
    micros: f64,
    doubt: f64,
    is_guess: bool,
}

/// A clock of milliseconds shows half of one too little.
fn micros(ms: u64) -> f64 {
    ms as f64 * 1000.0 + 500.0
}

/// What `took` becomes, where the least of its class took `least`: what a step takes though there is next to nothing to do does
/// not grow.
fn grown(took: f64, least: f64, factor: f64, spread: Option<Spread>) -> Expected {
    let fixed = least.min(took);
    let factor_up = factor.max(1.0);
    let stretch = match spread {
        // Of the share that was not carried.
        Some(spread) => spread.share * (1.0 - 1.0 / factor_up),
        None => STRETCH * factor_up.log10(),
    };
    Expected {
        micros: fixed + (took - fixed) * factor,
        doubt: NOISE + stretch,
        is_guess: false,
    }
}

fn expected(rehearsal: &Rehearsal, heard: &Heard, spread: Option<Spread>) -> Vec<Expected> {
    let of = |growth: &Growth| Some(micros(heard.took.get(&growth.rehearsed?)?.ms));
    let mut least: HashMap<Class, f64> = HashMap::new();
    for growth in &rehearsal.growth {
        if let Some(took) = of(growth) {
            let least = least.entry(growth.class).or_insert(took);
            *least = least.min(took);
        }
    }
    let per_byte = heard.micros_per_byte(&rehearsal.plan);
    let steps = rehearsal.whole.steps.iter().zip(&rehearsal.growth);
    steps
        .map(|(step, growth)| match of(growth) {
            Some(took) => grown(took, least[&growth.class], growth.factor, spread),
            None => Expected {
                micros: step.cost as f64 * per_byte,
                doubt: GUESS,
                is_guess: step.cost > 0,
            },
        })
        .collect()
}

/// The real run by a rehearsal that has ended.
pub fn forecast(rehearsal: &Rehearsal, heard: &Heard, report: &Report) -> Forecast {
    let judged = judge(rehearsal, heard, report);
    let mut not_measured = rehearsal.not_measured.clone();
    not_measured.splice(0..0, judged.by_sample);
    let mut forecast = Forecast {
        ending: judged.ending,
        source: report.source.clone(),
        destination: rehearsal.destination.clone(),
        jobs: rehearsal.plan.options.jobs,
        samples: rehearsal.samples.clone(),
        elapsed_ms: report.elapsed_ms,
        problems: judged.problems,
        not_measured,
        left_behind: report.left_behind.clone(),
        ..Forecast::default()
    };
    for sample in &mut forecast.samples {
        let took = heard.took.get(&sample.step).copied().unwrap_or_default();
        (sample.rows, sample.elapsed_ms) = (took.rows, took.ms);
    }
    let carries = |step: &&Step| step.method().is_some();
    let mut data = rehearsal.plan.steps.iter().filter(carries).peekable();
    let is_measured = data.peek().is_none() || data.any(|step| heard.took.contains_key(&step.id));
    if forecast.ending != Ending::Cancelled && is_measured {
        forecast.spread = spread(&rehearsal.plan, heard);
        let expected = expected(rehearsal, heard, forecast.spread);
        (forecast.window, forecast.chain) = window(&rehearsal.whole, &expected);
    }
    forecast
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time, and never a negative one"
)]
fn window(plan: &Plan, expected: &[Expected]) -> (Option<Span>, Vec<Link>) {
    let times = |scale: fn(&Expected) -> f64| -> Vec<u64> {
        expected.iter().map(|one| scale(one) as u64).collect()
    };
    let likely = times(|one| one.micros);
    let run = simulate(plan, &likely);
    let ms = |micros: u64| micros.div_ceil(1000);
    let least = simulate(plan, &times(|one| one.micros / (1.0 + one.doubt)));
    let most = simulate(plan, &times(|one| one.micros * (1.0 + one.doubt)));
    let mut before: Option<&Step> = None;
    let links = run.chain.iter().filter_map(|id| {
        let step = plan.step(*id)?;
        let waited = before.is_some_and(|before| waited_for_place(before, step));
        before = Some(step);
        Some(Link {
            step: *id,
            title: step.title.to_string(),
            phase: step.phase,
            likely_ms: likely[id.index()] / 1000,
            waited_for_place: waited,
            is_guess: expected[id.index()].is_guess,
        })
    });
    let chain = links.collect();
    let span = Span {
        least_ms: ms(least.micros),
        likely_ms: ms(run.micros),
        most_ms: ms(most.micros),
    };
    (Some(span), chain)
}

/// It could have begun earlier, had there been one more worker.
fn waited_for_place(before: &Step, step: &Step) -> bool {
    let has_place = |step: &Step| {
        matches!(step.phase, Phase::Data | Phase::Indexes)
            && !matches!(
                step.kind,
                StepKind::ReleaseSnapshot | StepKind::FdwCommit { .. } | StepKind::FdwBarrier
            )
    };
    has_place(before) && has_place(step) && !step.needs.contains(&before.id)
}

/// What the rehearsal says of the real run beside its time.
struct Judged {
    ending: Ending,
    problems: Vec<(String, Problem)>,
    /// What failed, but may do so only because rows are missing.
    by_sample: Vec<String>,
}

fn judge(rehearsal: &Rehearsal, heard: &Heard, report: &Report) -> Judged {
    let plan = &rehearsal.plan;
    let sampled: HashSet<StepId> = rehearsal
        .growth
        .iter()
        .filter(|growth| growth.factor > 1.0)
        .filter_map(|growth| growth.rehearsed)
        .collect();
    let is_by_sample = |step: StepId, problem: &Problem| {
        let code = problem.sqlstate.as_deref().unwrap_or_default();
        code.starts_with("23") && sampled.contains(&step)
    };
    let (mut problems, mut by_sample) = (Vec::new(), Vec::new());
    for (id, problem) in &heard.failed {
        let Some(step) = plan.step(*id) else { continue };
        if step.rule == crate::model::plan::Rule::Optional {
            continue;
        }
        if is_by_sample(*id, problem) {
            by_sample.push(format!(
                "{}: refused for rows of the sample only ({}); guessed from its size.",
                step.title, problem.message
            ));
        } else {
            problems.push((step.title.to_string(), problem.clone()));
        }
    }
    let is_failed = !problems.is_empty();
    let by_title: HashMap<&str, StepId> = plan
        .steps
        .iter()
        .map(|step| (step.title.as_str(), step.id))
        .collect();
    for unfinished in &report.unfinished {
        let step = by_title.get(unfinished.title.as_str());
        if !step.is_some_and(|id| is_by_sample(*id, &unfinished.because)) {
            problems.push((unfinished.title.clone(), unfinished.because.clone()));
        }
    }
    for table in &report.tables {
        if table.verdict == Verdict::Different {
            let what = format!("Compare {}", table.name);
            let problem = Problem::new(&what, "the rows that arrived are not those that were sent");
            problems.push((what, problem));
        }
    }
    let differences = report.definitions.iter().flat_map(|d| &d.differences);
    for difference in differences {
        let what = format!("{} {}", difference.kind, difference.name);
        let problem = Problem::new(
            &what,
            "its definition on the destination is not the source's",
        );
        problems.push((what, problem));
    }
    let ending = match report.outcome {
        Outcome::Cancelled => Ending::Cancelled,
        _ if is_failed => Ending::Failed,
        _ if !problems.is_empty() => Ending::Different,
        _ => Ending::Done,
    };
    Judged {
        ending,
        problems,
        by_sample,
    }
}

#[cfg(test)]
mod tests;
