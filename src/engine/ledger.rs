//! What all steps brought, and the report made of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::connection::Endpoint;
use crate::model::definition::DefinitionsResult;
use crate::model::event::Stop;
use crate::model::format::counted;
use crate::model::name::printable;
use crate::model::options::{OnExisting, SchemaChoice, VerifyLevel};
use crate::model::plan::{JOURNAL_REMOVAL_KEY, Plan, Rule, Step, StepId, StepKind, schema_key};
use crate::model::problem::Problem;
use crate::model::report::{
    Arrival, LargeObjectResult, Outcome, Report, SequenceResult, TableResult, Unfinished, Verdict,
};

use crate::model::text::Text;
use crate::planner::schema::INDEX_FIRST;
use crate::sql::{new_roles, statements};

use super::advice::{Lingering, add_advice, resume_command};
use super::outcome::{Measure, Measured, Outcomes, StepOutcome};

/// Everything that happened, by step.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) done: Outcomes,
    pub(super) failed: Vec<(StepId, Problem)>,
    /// Failed, and nobody has said yet what becomes of it.
    pub(super) undecided: BTreeMap<StepId, Problem>,
    /// No failed step is waited for: nobody is there, or who is has said so.
    pub(super) gives_up: bool,
    /// Tried again by itself, after these.
    pub(super) repeated: BTreeMap<StepId, Vec<Problem>>,
    /// Failed, and then done once more.
    pub(super) retried: Vec<(StepId, Problem)>,
    /// Given up after a failure, with what needs it.
    pub(super) left_out: Vec<(StepId, String)>,
    pub(super) skipped: Vec<(StepId, String)>,
    pub(super) warnings: Vec<String>,
    pub(super) stop: Option<Stop>,
    pub(super) snapshot_held_ms: Option<u64>,
    pub(super) lingering: Option<Lingering>,
}

impl Ledger {
    /// Everything was carried, or is about to be told as such.
    pub(super) fn may_be_switched_to(&self, plan: &Plan) -> bool {
        !plan.is_comparison && self.stop.is_none() && self.failed.is_empty()
    }

    /// The report of the whole run.
    pub(super) fn report(
        &self,
        plan: &Plan,
        destination: &Endpoint,
        started_at: String,
        elapsed_ms: u64,
    ) -> Report {
        let mut report = Report {
            source: plan.source.clone(),
            destination: plan.destination.clone(),
            started_at,
            elapsed_ms,
            snapshot_held_ms: self.snapshot_held_ms,
            left_out: plan.left_out.clone(),
            measured_by: plan.measured_by.clone(),
            warnings: self.warnings.clone(),
            objects: self.objects(plan),
            ..Report::default()
        };
        let mut verifiers: HashMap<StepId, &Step> = plan
            .steps
            .iter()
            .filter_map(|step| match step.kind {
                StepKind::VerifyTable { data }
                | StepKind::VerifySequence { data }
                | StepKind::VerifyLargeObjects { data } => Some((data.unwrap_or(step.id), step)),
                _ => None,
            })
            .collect();
        // One comparison is that of all whose rows came together.
        for group in &plan.joined {
            if let Some(verifier) = group.iter().find_map(|id| verifiers.get(id).copied()) {
                verifiers.extend(group.iter().map(|id| (*id, verifier)));
            }
        }
        for step in &plan.steps {
            let verifier = verifiers.get(&step.id).copied();
            self.add_result(&mut report, plan, step, verifier);
        }
        report.definitions = Some(self.definitions(plan));
        self.add_fallbacks(&mut report, plan);
        self.add_broken_keys(&mut report, plan);
        self.add_failures(&mut report, plan);
        report.outcome = self.outcome(&report);
        report.resume_command = self
            .leaves_a_journal(plan)
            .then(|| resume_command(destination));
        add_advice(&mut report, plan, destination, self.lingering.as_ref());
        self.add_new_roles(&mut report, plan);
        report
    }

    fn objects(&self, plan: &Plan) -> Vec<(String, u64)> {
        let mut counts: std::collections::BTreeMap<String, u64> = std::collections::BTreeMap::new();
        for step in plan.steps.iter().filter(|s| self.done.has(s.id)) {
            if let Some(rest) = step.journal_key.strip_prefix("schema/") {
                let kind = rest.split('/').next().unwrap_or_default();
                *counts.entry(kind.to_owned()).or_default() += 1;
            }
        }
        counts.into_iter().collect()
    }

    fn add_result(&self, report: &mut Report, plan: &Plan, step: &Step, verifier: Option<&Step>) {
        let group = plan.joined.iter().find(|group| group.contains(&step.id));
        // The parts of one table are one result, that of the first.
        let parts = group.filter(|_| step.part().is_some());
        if parts.is_some_and(|parts| parts.first() != Some(&step.id)) {
            return;
        }
        let whole = parts.map(|parts| self.whole(parts));
        let outcome = match &whole {
            Some(whole) => whole.as_ref(),
            None => self.done.get(step.id),
        };
        let source = outcome.and_then(|o| o.source().cloned());
        let compared = verifier.and_then(|v| self.done.get(v.id)).or(outcome);
        let destination = compared.and_then(|o| o.destination().cloned());
        // Rows that came together are compared together; those that were added, with what was there before.
        let group = group.filter(|_| parts.is_none());
        let expected = match group {
            Some(group) => self.sum(group),
            None => outcome.and_then(|o| added(o.before(), o.source())),
        };
        let is_carried = outcome.is_some() || plan.is_comparison;
        let verdict = verdict(plan, is_carried, expected.as_ref(), destination.as_ref());
        let name = step.object.clone().unwrap_or_default();
        match step.kind {
            StepKind::CopyRows { .. }
            | StepKind::FdwRows { .. }
            | StepKind::VerifyTable { data: None } => {
                let rows = |measure: Option<Measure>| match measure {
                    Some(Measure::Rows { count, .. }) => Some(count),
                    _ => None,
                };
                let before = rows(outcome.and_then(|o| o.before().cloned())).unwrap_or(0);
                report.tables.push(TableResult {
                    name,
                    method: step.method(),
                    is_binary: step.kind == StepKind::CopyRows { is_binary: true },
                    source_rows: rows(source),
                    // Of rows that were added, those.
                    destination_rows: rows(destination)
                        .filter(|_| group.is_none())
                        .map(|count| count.saturating_sub(before)),
                    bytes: outcome.map_or(0, |o| o.bytes),
                    copy_ms: outcome.map_or(0, |o| o.elapsed_ms),
                    arrival: outcome.map_or_else(Arrival::default, |o| o.arrival),
                    verdict,
                });
            }
            StepKind::Sequence | StepKind::VerifySequence { data: None } => {
                let counter = |measure: Option<Measure>| match measure {
                    Some(Measure::Counter {
                        last_value,
                        is_called,
                    }) => Some((last_value, is_called)),
                    _ => None,
                };
                report.sequences.push(SequenceResult {
                    name,
                    source: counter(source),
                    destination: counter(destination),
                    verdict,
                });
            }
            StepKind::LargeObjects | StepKind::VerifyLargeObjects { data: None } => {
                let count = |measure: Option<Measure>| match measure {
                    Some(Measure::LargeObjects { count, .. }) => Some(count),
                    _ => None,
                };
                let (source_count, there) = (count(source).unwrap_or(0), count(destination));
                // Most databases have none on either side: nothing to tell.
                let is_about_none = source_count == 0 && there == Some(0);
                report.large_objects = (!is_about_none).then(|| LargeObjectResult {
                    source_count,
                    destination_count: there,
                    bytes: outcome.map_or(0, |o| o.bytes),
                    verdict,
                });
            }
            _ => {}
        }
    }

    /// What several steps have brought of one table, as one; none unless all of them are done.
    fn whole(&self, parts: &[StepId]) -> Option<StepOutcome> {
        let done: Vec<&StepOutcome> = parts
            .iter()
            .map(|id| self.done.get(*id))
            .collect::<Option<_>>()?;
        let began = done
            .iter()
            .map(|one| one.ended_ms.saturating_sub(one.elapsed_ms));
        let ended = done.iter().map(|one| one.ended_ms).max().unwrap_or(0);
        Some(StepOutcome {
            rows: done.iter().map(|one| one.rows).sum(),
            bytes: done.iter().map(|one| one.bytes).sum(),
            elapsed_ms: ended.saturating_sub(began.min().unwrap_or(0)),
            ended_ms: ended,
            measured: Some(Box::new(Measured {
                source: self.sum(parts),
                ..Measured::default()
            })),
            // The first one proves what is there.
            arrival: match done.first().map(|one| one.arrival) {
                Some(Arrival::Kept) => Arrival::Completed,
                first => first.unwrap_or_default(),
            },
            ..StepOutcome::default()
        })
    }

    /// What several data steps measured on the source, as one; none unless all of them are done. One that found its rows there
    /// already has measured nothing: another has, for it.
    fn sum(&self, group: &[StepId]) -> Option<Measure> {
        let parts = group
            .iter()
            .map(|id| Some(self.done.get(*id)?.source().cloned()));
        parts
            .collect::<Option<Vec<_>>>()?
            .into_iter()
            .flatten()
            .reduce(|a, b| match (a, b) {
                (
                    Measure::Rows { count, checksum },
                    Measure::Rows {
                        count: more,
                        checksum: another,
                    },
                ) => Measure::Rows {
                    count: count + more,
                    checksum: checksum.zip(another).and_then(|(a, b)| plus(&a, &b)),
                },
                (a, _) => a,
            })
    }

    /// What has failed, or was done in another way, is told as that, not once more as a difference.
    fn definitions(&self, plan: &Plan) -> DefinitionsResult {
        if let Some(because) = &plan.definitions_not_compared {
            return DefinitionsResult::not_compared(because);
        }
        let compared = self.done.all().find_map(StepOutcome::definitions);
        let Some(mut result) = compared.cloned() else {
            return DefinitionsResult::not_compared("the comparison did not run");
        };
        let is_told = |step: &&Step| {
            let outcome = self.done.get(step.id);
            outcome.is_none_or(|outcome| outcome.refusal().is_some())
                || step.was_done_by().is_some()
        };
        // A key that took its index over has it as it was built.
        let is_index = |step: &&Step| step.journal_key.starts_with(INDEX_FIRST);
        let indexes = plan.steps.iter().filter(is_index).filter(is_told);
        let indexes: HashSet<StepId> = indexes.map(|step| step.id).collect();
        let took_over = |step: &&Step| step.needs.iter().any(|need| indexes.contains(need));
        let told: HashSet<&str> = plan
            .steps
            .iter()
            .filter(|step| is_told(step) || took_over(step))
            .map(|step| step.journal_key.as_str())
            .collect();
        result
            .differences
            .retain(|one| !told.contains(schema_key(&one.kind, &one.name).as_str()));
        if result.differences.is_empty() {
            result.verdict = Verdict::Equal;
        }
        result
    }

    /// Keys that were not checked while the rows came in, and do not hold.
    fn add_broken_keys(&self, report: &mut Report, plan: &Plan) {
        for step in &plan.steps {
            let outcome = self.done.get(step.id).filter(|o| o.refusal().is_none());
            let violations = outcome.and_then(|o| o.violations());
            if let Some(found) = violations.filter(|found| found.count > 0) {
                report.unfinished.push(Unfinished {
                    title: step.title.to_string(),
                    because: Problem::new(&step.title, "rows refer to rows that are not there"),
                    violations: Some(found.count),
                    sample: found.sample.clone(),
                    statement: step.remedy().unwrap_or_default().to_owned(),
                    is_not_valid: false,
                });
            }
        }
    }

    /// What was done in another way than planned: a warning, or, where something is still missing, a difference.
    fn add_fallbacks(&self, report: &mut Report, plan: &Plan) {
        for step in &plan.steps {
            let Some(outcome) = self.done.get(step.id) else {
                continue;
            };
            if let Some(fallback) = step.was_done_by() {
                let told = format!(
                    "{}: {} It was done this way before the run was interrupted.",
                    step.title, fallback.why
                );
                report.warnings.push(told);
            }
            let Some((refusal, fallback)) = outcome.refusal() else {
                continue;
            };
            match &fallback.to_finish {
                Some(statement) => report.unfinished.push(Unfinished {
                    title: step.title.to_string(),
                    because: refusal.clone(),
                    violations: outcome.violations().map(|v| v.count),
                    sample: outcome
                        .violations()
                        .iter()
                        .flat_map(|v| v.sample.clone())
                        .collect(),
                    statement: statement.clone(),
                    is_not_valid: true,
                }),
                None => report.warnings.push(format!(
                    "{}: {} The server had refused it as planned: {}",
                    step.title, fallback.why, refusal.message
                )),
            }
        }
    }

    /// After a run that did not come to its end.
    fn leaves_a_journal(&self, plan: &Plan) -> bool {
        let is_over = |step: &Step| self.done.has(step.id);
        let has_begun = plan.steps.iter().any(|step| {
            matches!(
                step.journal_key.as_str(),
                "prepare/journal" | "prepare/resume"
            ) && is_over(step)
        });
        let mut removals = plan
            .steps
            .iter()
            .filter(|step| step.rule == Rule::WhenComplete);
        has_begun && removals.any(|step| step.journal_key == JOURNAL_REMOVAL_KEY && !is_over(step))
    }

    fn add_failures(&self, report: &mut Report, plan: &Plan) {
        let title = |id: &StepId| {
            plan.step(*id)
                .map_or_else(String::new, |s| s.title.to_string())
        };
        for (id, problem) in &self.failed {
            let step = plan.step(*id);
            match step.map(|s| s.rule) {
                Some(Rule::Optional) => report.warnings.push(format!("{}: {problem}", title(id))),
                Some(Rule::Always) => {
                    report.failures.push((title(id), problem.clone()));
                    report.left_behind.extend(
                        step.into_iter()
                            .flat_map(|s| &s.statements)
                            .filter(|s| !s.writes_journal() && !is_bookkeeping(&s.sql()))
                            .map(|s| s.sql().into_owned()),
                    );
                }
                _ => report.failures.push((title(id), problem.clone())),
            }
        }
        let retried = self.retried.iter().map(|(id, problem)| {
            format!(
                "{}: done in a retry, after it had failed: {}",
                title(id),
                problem.message
            )
        });
        report.warnings.extend(retried);
        report.repeats = self.repeated.values().map(|all| all.len() as u64).sum();
        let repeated = self.repeated.iter().map(|(id, problems)| {
            let times = counted(problems.len() as u64, "time", "times");
            let first = problems.first().map_or("", |problem| &problem.message);
            format!("{}: tried again {times}, after: {first}", title(id))
        });
        report.warnings.extend(repeated);
        let with_title = |(id, why): &(StepId, String)| (title(id), why.clone());
        report.skipped = self.skipped.iter().map(with_title).collect();
        report.given_up = self.left_out.iter().map(with_title).collect();
        let removing = |s: &&Step| {
            matches!(s.rule, Rule::Always | Rule::WhenComplete)
                && s.title.starts_with("Remove")
                && !matches!(s.kind, StepKind::PutBack { .. })
        };
        for step in plan.steps.iter().filter(removing) {
            if self.done.has(step.id) {
                report
                    .removed
                    .push(step.title.replacen("Remove", "Removed", 1));
            }
        }
        report.not_compared = report
            .tables
            .iter()
            .filter_map(|t| match &t.verdict {
                Verdict::NotCompared(why) => Some(format!("{}: {why}", t.name)),
                _ => None,
            })
            .collect();
        report
            .not_compared
            .extend(plan.not_measured.iter().cloned());
        if plan.options.verify == VerifyLevel::Counts {
            report.is_counted_only = true;
            let of = if report.tables.iter().any(|t| t.arrival == Arrival::Kept) {
                " of the tables copied now"
            } else {
                ""
            };
            report.not_compared.push(format!(
                "The values in the rows{of}: rows were counted on both sides, not compared value by value."
            ));
        }
        if let Some(definitions) = &report.definitions {
            if let Verdict::NotCompared(because) = &definitions.verdict {
                report.not_compared.push(format!("Definitions: {because}."));
            }
            report.not_compared.extend(definitions.rewritten.iter().map(|object| {
                format!("The definition of {object}: the server writes its expression with other parentheses or casts.")
            }));
        }
    }

    /// Roles stay even when nothing else does, so they are named in any case.
    fn add_new_roles(&self, report: &mut Report, plan: &Plan) {
        let made = plan
            .new_roles
            .iter()
            .filter(|role| self.done.has(role.step));
        let names: Vec<_> = made.clone().map(|role| printable(&role.name)).collect();
        if names.is_empty() {
            return;
        }
        report.warnings.push(format!(
            "Roles created: {}. They belong to the whole destination server and stay; they have neither login nor password.",
            names.join(", ")
        ));
        let member = &plan.destination_user;
        for role in made.clone().filter(|role| role.logged_in) {
            report.next_steps.push(format!(
                "Let {} log in, as it did on the source: {}",
                printable(&role.name),
                new_roles::let_log_in(&role.name)
            ));
        }
        for role in made.filter(|role| role.is_joined) {
            report.next_steps.push(format!(
                "{} became a member of {}, to make it the owner of its objects; to undo that: {}",
                printable(member),
                printable(&role.name),
                new_roles::leave_role(&role.name, member)
            ));
        }
    }

    fn outcome(&self, report: &Report) -> Outcome {
        if self.stop.is_some() {
            Outcome::Cancelled
        } else if !report.failures.is_empty() {
            Outcome::Failed
        } else if report.differs() || !report.unfinished.is_empty() || !report.given_up.is_empty() {
            Outcome::Different
        } else {
            Outcome::Done
        }
    }
}

fn verdict(
    plan: &Plan,
    is_carried: bool,
    source: Option<&Measure>,
    destination: Option<&Measure>,
) -> Verdict {
    let because = match (source, destination) {
        (Some(source), Some(destination)) if source == destination => return Verdict::Equal,
        (Some(_), Some(_)) => return Verdict::Different,
        _ if !is_carried => "it was not copied",
        _ if plan.options.verify == VerifyLevel::Off => "verification was switched off",
        _ if plan.options.on_existing == OnExisting::Append
            && plan.options.schema == SchemaChoice::None =>
        {
            "it was added to what was there"
        }
        _ => "the comparison did not run",
    };
    Verdict::NotCompared(because.to_owned())
}

/// What the destination must hold after rows were added: those before, and those that came. Only numbers can be told so.
fn added(before: Option<&Measure>, source: Option<&Measure>) -> Option<Measure> {
    match (before, source) {
        (Some(Measure::Rows { count, .. }), Some(Measure::Rows { count: more, .. })) => {
            Some(Measure::Rows {
                count: count + more,
                checksum: None,
            })
        }
        (_, source) => source.cloned(),
    }
}

/// Sums of 64-bit hashes fit into 128 bits for any number of rows that fits on a disk.
fn plus(a: &str, b: &str) -> Option<Text> {
    let (a, b): (i128, i128) = (a.parse().ok()?, b.parse().ok()?);
    Some(format_args!("{}", a + b).into())
}

/// Of no use to who puts right by hand what could not be put right.
fn is_bookkeeping(sql: &str) -> bool {
    let is_journal =
        sql.starts_with("INSERT INTO howdah.") || sql.starts_with("DELETE FROM howdah.");
    is_journal
        || [
            statements::BEGIN,
            statements::COMMIT,
            statements::WAIT_FOR_DISK,
        ]
        .contains(&sql)
}
