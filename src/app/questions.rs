//! What the wizard asks before it does something that cannot be taken back.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::connection::Endpoint;
use crate::model::event::{Control, Stop};
use crate::model::format::counted;
use crate::model::name::{ObjectName, printable};
use crate::model::options::{OnExisting, SchemaChoice};
use crate::model::plan::{Plan, Step, StepId, StepKind};

use super::message::{Effect, Inspection, Now, PlanForm};
use super::overlay::{Choice, Confirm, Overlay};
use super::rehearsing::Stage;
use super::state::{State, WizardStep};

/// In which form the plan is wanted.
pub(super) fn ask_how_to_write() -> Confirm {
    Confirm::new(
        "Write the plan to a file?",
        vec![
            "Script: a shell script that does the same with psql, pg_dump and pg_restore alone, without howdah.".to_owned(),
            "Plan file: text that you can edit and run later with howdah run --plan.".to_owned(),
            "SQL: every statement in order, to read.".to_owned(),
            "None of them holds a password. The file goes into the working directory.".to_owned(),
        ],
    )
    .button("Script", Choice::WritePlan(PlanForm::Script))
    .button("Plan file", Choice::WritePlan(PlanForm::File))
    .button("SQL", Choice::WritePlan(PlanForm::Statements))
    .button("Not now", Choice::Dismiss)
}

impl State {
    /// The question before the run; names what will be lost, if anything will.
    pub(super) fn confirm_start(&self) -> Option<Confirm> {
        let plan = self.preview.plan.as_ref()?;
        let way = format!("From  {}\nTo    {}", plan.source, plan.destination);
        let existing = self
            .inspection
            .as_ref()
            .map(|inspection| inspection.existing.as_slice())
            .unwrap_or_default();
        if self.resuming.is_some() && !plan.removes_what_is_there() {
            let meaning = match plan.options.schema {
                SchemaChoice::All => {
                    "What is done stays. Tables that have changed on the source since are emptied and copied again; howdah created them, so no rows but its own are lost."
                }
                SchemaChoice::None => {
                    "What is done stays. Rows that this run copied and that have changed on the source since are removed and copied again; no other rows are touched."
                }
            };
            return Some(
                Confirm::new("Resume the run?", vec![way, meaning.to_owned()])
                    .button("Resume", Choice::StartRun)
                    .button("Not now", Choice::Dismiss),
            );
        }
        if plan.options.on_existing != OnExisting::Empty || existing.is_empty() {
            return Some(
                Confirm::new(
                    "Start the run?",
                    vec![
                        way,
                        "The source is only read. The destination gets what the preview shows; no key takes that back."
                            .to_owned(),
                    ],
                )
                .button("Start", Choice::StartRun)
                .button("Rehearse first", Choice::AskToRehearse)
                .button("Not now", Choice::Dismiss),
            );
        }
        let filled: HashSet<&ObjectName> = plan
            .steps
            .iter()
            .filter(|step| step.method().is_some())
            .filter_map(|step| step.object.as_ref())
            .collect();
        let is_rows_only = plan.options.schema == SchemaChoice::None;
        let tables = existing
            .iter()
            .filter(|object| object.rows.is_some())
            .filter(|object| !is_rows_only || filled.contains(&object.name));
        let (table_count, row_count) = tables.fold((0_u64, 0_u64), |(count, rows), object| {
            (count + 1, rows.saturating_add(object.rows.unwrap_or(0)))
        });
        let lost = if is_rows_only {
            format!(
                "{} of the destination with about {} are emptied first. This cannot be undone.",
                counted(table_count, "table", "tables"),
                counted(row_count, "row", "rows")
            )
        } else {
            format!(
                "The destination holds {}, among them {} with about {}. Those in the way are removed first. This cannot be undone.",
                counted(existing.len() as u64, "object", "objects"),
                counted(table_count, "table", "tables"),
                counted(row_count, "row", "rows")
            )
        };
        let database = plan.destination_database.clone();
        Some(
            Confirm::new(
                "Remove data on the destination?",
                vec![
                    way,
                    lost,
                    format!(
                        "To continue, type the name of the destination database: {}",
                        printable(&database)
                    ),
                ],
            )
            .button("No, go back", Choice::Dismiss)
            .button("Remove and start", Choice::StartRun)
            .dangerous(Some(database)),
        )
    }

    /// The whole path stands among the last words on the normal screen.
    pub(super) fn say_written(&mut self, what: &str, path: PathBuf, now: Now) {
        let in_full = format!("Wrote {what} to {}.", path.display());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let has_room = in_full.chars().count() < usize::from(self.size.0);
        let text = if has_room {
            in_full
        } else {
            format!("Wrote {what}: {name}")
        };
        self.say(text, now);
        if !self.written.contains(&path) {
            self.written.push(path);
        }
    }

    pub(super) fn write_plan(&self, form: PlanForm) -> Vec<Effect> {
        let plan = self.preview.plan.clone().zip(self.inspection.clone());
        let effect = plan.map(|(plan, inspection)| Effect::WritePlan {
            form,
            plan,
            inspection,
            selection: Arc::new(self.selection.clone()),
            options: Box::new(self.options.clone()),
        });
        effect.into_iter().collect()
    }

    /// Ctrl-C: the first asks, the second stops, the third leaves.
    pub(super) fn interrupt(&mut self) -> Vec<Effect> {
        if let Some(rehearsing) = self.running_rehearsal() {
            // Once more: the next start finds what is left.
            return match rehearsing.stage {
                Stage::Stopping => vec![Effect::Quit],
                _ => self.stop_rehearsal(),
            };
        }
        if !self.run.is_running() {
            let was_asked = matches!(&self.overlay, Some(Overlay::Confirm(confirm))
                if confirm.buttons.iter().any(|(_, choice)| *choice == Choice::Quit));
            return if was_asked {
                vec![Effect::Quit]
            } else {
                self.ask_to_quit()
            };
        }
        if self.stop == Some(Stop::Now) {
            return vec![Effect::Quit];
        }
        if self.is_asking_to_stop() {
            self.overlay = None;
            return self.stop_run(Stop::Now);
        }
        self.ask_to_quit()
    }

    /// SIGTERM, SIGHUP or SIGINT from outside: nobody may be there to answer a question, so the run is stopped now and the
    /// program ends when that is done. Once more: it ends at once.
    pub(super) fn signalled(&mut self) -> Vec<Effect> {
        if !self.is_leaving && self.running_rehearsal().is_some() {
            self.is_leaving = true;
            return self.stop_rehearsal();
        }
        if !self.run.is_running() || self.is_leaving {
            return vec![Effect::Quit];
        }
        self.is_leaving = true;
        self.overlay = None;
        self.stop_run(Stop::Now)
    }

    pub(super) fn is_asking_to_stop(&self) -> bool {
        self.is_asking(|choice| matches!(choice, Choice::Stop(_)))
    }

    /// A question about a run under way.
    pub(super) fn is_asking_of_run(&self) -> bool {
        self.is_asking(|choice| matches!(choice, Choice::Stop(_) | Choice::Steer(_)))
    }

    fn is_asking(&self, offers: impl Fn(&Choice) -> bool) -> bool {
        matches!(&self.overlay, Some(Overlay::Confirm(confirm))
            if confirm.buttons.iter().any(|(_, choice)| offers(choice)))
    }

    pub(super) fn stop_run(&mut self, stop: Stop) -> Vec<Effect> {
        if !self.run.is_running() {
            return Vec::new();
        }
        self.stop = Some(stop);
        vec![Effect::StopRun(stop)]
    }

    /// For one who leaves.
    pub(super) fn what_was_changed(&self) -> &'static str {
        if self.has_changed {
            "What has been changed on the destination stays."
        } else {
            "Nothing has been changed on either server."
        }
    }

    /// Leaves at once where nothing can be lost.
    pub(super) fn ask_to_quit(&mut self) -> Vec<Effect> {
        if self.run.is_running() {
            self.overlay = Some(how_to_stop(self.run.board.plan()));
            return Vec::new();
        }
        match self.step {
            WizardStep::Check | WizardStep::Select | WizardStep::Preview
                if self.step != WizardStep::Check || self.select.has_changes() =>
            {
                let words = format!("{} Your choices are lost.", self.what_was_changed());
                self.overlay = Some(Overlay::Confirm(
                    Confirm::new("Quit howdah?", vec![words])
                        .button("Stay", Choice::Dismiss)
                        .button("Quit", Choice::Quit),
                ));
                Vec::new()
            }
            _ => vec![Effect::Quit],
        }
    }
}

/// What leaving in the middle means, and the two ways to stop.
pub(super) fn how_to_stop(plan: &Plan) -> Overlay {
    let by_fdw = |step: &Step| matches!(step.kind, StepKind::FdwRows { .. });
    let now = if plan.steps.iter().any(by_fdw) {
        "Now: what is being copied is cancelled on both servers and rolled back; of FDW's tables, so are those whose session has not committed yet, also when their rows are all there."
    } else {
        "Now: what is being copied is cancelled on both servers and rolled back."
    };
    let lines = [
        "After current tables: what is being copied is finished and stays; nothing new is started.",
        now,
        what_stays_after_a_stop(plan),
    ];
    Overlay::Confirm(
        Confirm::new("The run is not finished", lines.map(str::to_owned).to_vec())
            .button("Keep running", Choice::Dismiss)
            .button(
                "Stop after current tables",
                Choice::Stop(Stop::AfterCurrent),
            )
            .button("Stop now", Choice::Stop(Stop::Now)),
    )
}

fn what_stays_after_a_stop(plan: &Plan) -> &'static str {
    match plan.options.schema {
        SchemaChoice::All => {
            "Either way the schema and the finished tables stay on the destination, with a journal from which howdah resume continues. The source is not changed."
        }
        SchemaChoice::None => {
            "Either way the rows of finished tables stay on the destination, with a journal from which howdah resume continues, and foreign keys that were dropped for the copy are put back. The source is not changed."
        }
    }
}

/// What goes with a failed step that is given up.
pub(super) fn leave_out(plan: &Plan, id: StepId) -> Overlay {
    const SHOWN: usize = 4;
    let title = |id| plan.step(id).map_or("", |step| step.title.as_str());
    let fallen = plan.dependants(id);
    let mut lines = vec![printable(title(id)).into_owned()];
    if !fallen.is_empty() {
        let number = counted(
            fallen.len() as u64,
            "step needs it and is",
            "steps need it and are",
        );
        let mut text = format!("{number} left out too:");
        for one in fallen.iter().take(SHOWN) {
            text.push_str(&format!("\n- {}", printable(title(*one))));
        }
        if fallen.len() > SHOWN {
            text.push_str(&format!("\nand {} more", fallen.len() - SHOWN));
        }
        lines.push(text);
    }
    lines.push(
        "Everything else is copied. The report names what is missing, and does not call the copy equal."
            .to_owned(),
    );
    Overlay::Confirm(
        Confirm::new("Leave it out?", lines)
            .button("Keep it", Choice::Dismiss)
            .button("Leave it out", Choice::Steer(Control::LeaveOut(id))),
    )
}

/// The end of a run whose failed steps nobody mends.
pub(super) fn end_without(count: usize) -> Overlay {
    let failed = counted(count as u64, "step has", "steps have");
    let lines = vec![
        format!("{failed} failed and will stay undone, with all that needs it. All that does not is finished first."),
        "What is done stays on the destination, with a journal: you can resume the run later, from the report or with howdah resume."
            .to_owned(),
    ];
    Overlay::Confirm(
        Confirm::new("End the run here?", lines)
            .button("Keep waiting", Choice::Dismiss)
            .button("End the run", Choice::Steer(Control::GiveUp)),
    )
}

/// What becomes of the interrupted run that was found. `given` is the source on Connect.
pub(super) fn go_on(inspection: &Inspection, given: &Endpoint) -> Option<Overlay> {
    let journal = inspection.unfinished.as_ref()?;
    let own = &journal.request.source;
    let is_given = is_same(own, given);
    let mut lines = vec![format!(
        "The run of {} did not finish. Resuming it keeps what is done, where both sides prove to be the same, and does the rest. You see the plan first.",
        journal.started_at
    )];
    let mut question = Confirm::new("Resume the interrupted run?", Vec::new());
    if is_given {
        question = question.button("Resume", Choice::GoOnWithRun { from_given: true });
    } else {
        lines.push(format!(
            "It copied from  {}\nYou entered     {}",
            own.label(),
            given.label()
        ));
        question = question
            .button(
                "Resume from its own source",
                Choice::GoOnWithRun { from_given: false },
            )
            .button(
                "Resume from the source you entered",
                Choice::GoOnWithRun { from_given: true },
            );
    }
    question.lines = lines;
    let question = question
        .button("Remove its journal", Choice::AskToClean)
        .button("Not now", Choice::Dismiss);
    Some(Overlay::Confirm(question))
}

/// The same database by the same name and role; a password that fits one fits the other.
fn is_same(one: &Endpoint, other: &Endpoint) -> bool {
    (&one.host, one.port, &one.database, &one.user)
        == (&other.host, other.port, &other.database, &other.user)
}

/// What removes all that earlier runs and rehearsals left, in order.
pub(super) fn to_clean(inspection: &Inspection) -> Vec<String> {
    let own = inspection.leftovers.statements.iter();
    own.chain(&inspection.scratches).cloned().collect()
}

/// The removal of what an earlier run left: every statement is shown.
pub(super) fn clean(inspection: &Inspection) -> Overlay {
    let mut lines = vec![format!(
        "On the destination, {}:\n{}",
        inspection.destination_endpoint.label(),
        to_clean(inspection)
            .iter()
            .map(|sql| format!("- {}", printable(sql)))
            .collect::<Vec<_>>()
            .join("\n")
    )];
    lines.push(if inspection.leftovers.objects.is_empty() {
        "Only copies of rows that a rehearsal made are lost.".to_owned()
    } else if inspection.unfinished.is_some() {
        "The interrupted run cannot be resumed after that. What it has copied stays.".to_owned()
    } else {
        "What was copied stays.".to_owned()
    });
    Overlay::Confirm(
        Confirm::new("Remove what the earlier run left?", lines)
            .button("No, keep it", Choice::Dismiss)
            .button("Remove it", Choice::Clean)
            .dangerous(None),
    )
}

/// What mends what a check found: where, as whom, and every statement.
pub(super) fn mend(inspection: &Inspection, statements: &[String]) -> Overlay {
    let place = reachable_destination(inspection);
    let lines = vec![
        format!(
            "Server    {}:{}\nDatabase  {}\nRole      {}",
            printable(&place.host),
            place.port,
            printable(&place.database),
            printable(&inspection.destination.user)
        ),
        statements
            .iter()
            .map(|sql| printable(sql))
            .collect::<Vec<_>>()
            .join("\n"),
        "All or nothing: if the server refuses one statement, all are rolled back. The change stays, however the migration ends. The source is not touched."
            .to_owned(),
    ];
    Overlay::Confirm(
        Confirm::new("Run this on the destination?", lines)
            .button("No, go back", Choice::Dismiss)
            .button("Run it", Choice::Mend(statements.to_vec())),
    )
}

/// Where the database is yet to be made, another one of its server answers.
pub(super) fn reachable_destination(inspection: &Inspection) -> Endpoint {
    let destination = &inspection.destination_endpoint;
    match inspection.destination.database {
        Some(_) => destination.clone(),
        None => Endpoint {
            database: "postgres".to_owned(),
            ..destination.clone()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples;

    #[test]
    fn what_goes_with_a_step_is_named_and_counted() {
        let mut plan = samples::plan();
        let id = samples::step_of(&plan, "Copy the rows of public.customer");
        let mut needed = id;
        for step in plan.steps.iter_mut().skip(id.index() + 1).take(6) {
            step.needs = [needed].into();
            needed = step.id;
        }
        let Overlay::Confirm(confirm) = leave_out(&plan, id) else {
            panic!("no question");
        };
        let words = confirm.lines.join("\n");
        let first = &plan.steps[id.index() + 1].title;
        assert!(
            words.contains("12 steps need it and are left out too"),
            "{words}"
        );
        assert!(
            words.contains(first.as_str()) && words.contains("and 8 more"),
            "{words}"
        );
    }
}
