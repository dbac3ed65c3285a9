//! What the wizard asks before it does something that cannot be taken back.

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::event::Stop;
use crate::model::name::ObjectName;
use crate::model::options::{OnExisting, SchemaChoice};

use super::message::{Effect, PlanForm};
use super::overlay::{Choice, Confirm, Overlay};
use super::state::{State, WizardStep};

/// In which form the plan is wanted.
pub(super) fn ask_how_to_write() -> Confirm {
    Confirm::new(
        "Write the plan to a file?",
        vec![
            "Script: a shell script that does the same with psql, pg_dump and pg_restore alone, without howdah.".to_owned(),
            "Plan file: text that you can edit and run later with howdah run --plan.".to_owned(),
            "SQL: every statement in order, to be read.".to_owned(),
            "None holds a password. It goes into the working directory.".to_owned(),
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
        if plan.options.on_existing != OnExisting::Empty || existing.is_empty() {
            return Some(
                Confirm::new(
                    "Start the run?",
                    vec![
                        way,
                        "The source is only read. The destination gets what the preview shows."
                            .to_owned(),
                    ],
                )
                .button("Start", Choice::StartRun)
                .button("Not yet", Choice::Dismiss),
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
                "{table_count} tables of the destination with about {row_count} rows are emptied first. This cannot be undone."
            )
        } else {
            format!(
                "The destination holds {} objects, among them {table_count} tables with about {row_count} rows. Those that clash are removed first. This cannot be undone.",
                existing.len()
            )
        };
        let database = plan.destination_database.clone();
        Some(
            Confirm::new(
                "Remove data in the destination?",
                vec![
                    way,
                    lost,
                    format!(
                        "To go on, type the name of the destination database: {}",
                        crate::model::name::printable(&database)
                    ),
                ],
            )
            .button("No, go back", Choice::Dismiss)
            .button("Remove and start", Choice::StartRun)
            .dangerous(Some(database)),
        )
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
        if !self.run.is_running() || self.is_leaving {
            return vec![Effect::Quit];
        }
        self.is_leaving = true;
        self.overlay = None;
        self.stop_run(Stop::Now)
    }

    pub(super) fn is_asking_to_stop(&self) -> bool {
        matches!(&self.overlay, Some(Overlay::Confirm(confirm))
            if confirm.buttons.iter().any(|(_, choice)| matches!(choice, Choice::Stop(_))))
    }

    pub(super) fn stop_run(&mut self, stop: Stop) -> Vec<Effect> {
        if !self.run.is_running() {
            return Vec::new();
        }
        self.stop = Some(stop);
        vec![Effect::StopRun(stop)]
    }

    /// Leaves at once where nothing can be lost.
    pub(super) fn ask_to_quit(&mut self) -> Vec<Effect> {
        if self.run.is_running() {
            self.overlay = Some(how_to_stop());
            return Vec::new();
        }
        match self.step {
            WizardStep::Select | WizardStep::Preview => {
                self.overlay = Some(Overlay::Confirm(
                    Confirm::new(
                        "Quit howdah?",
                        vec![
                            "Nothing has been changed on either server. Your choices here are lost."
                                .to_owned(),
                        ],
                    )
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
pub(super) fn how_to_stop() -> Overlay {
    let what_stays = "The schema and the tables that are done stay in the destination; by FDW, a table is done when its session commits. A table that is being copied is rolled back, and howdah removes what it made for itself.";
    let source = "The source is not changed in any case.";
    Overlay::Confirm(
        Confirm::new(
            "The run is not finished",
            vec![what_stays.to_owned(), source.to_owned()],
        )
        .button("Keep running", Choice::Dismiss)
        .button(
            "Stop after current tables",
            Choice::Stop(Stop::AfterCurrent),
        )
        .button("Stop now", Choice::Stop(Stop::Now)),
    )
}
