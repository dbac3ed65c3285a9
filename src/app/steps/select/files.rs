//! The selection as a file: the path is asked for here, read and written it is by the shell.

use std::path::PathBuf;
use std::sync::Arc;

use super::Select;
use crate::app::overlay::{Choice, Confirm, TextList};
use crate::app::path_form::{PathForm, Purpose};
use crate::app::{Ctx, Effect, Inspection, Now, Overlay, State};
use crate::model::name::{printable, printable_lines};
use crate::model::problem::Problem;
use crate::settings::Loaded;

impl Select {
    /// Asks for the path, the last one or the usual one in the field.
    pub(super) fn ask_path(&self, purpose: Purpose, ctx: &mut Ctx<'_>) {
        let Some(inspection) = ctx.inspection else {
            return;
        };
        let usual = self.file.clone();
        let usual = usual.unwrap_or_else(|| self.usual_file(inspection));
        *ctx.overlay = Some(Overlay::Path(PathForm::new(purpose, &usual)));
    }

    fn usual_file(&self, inspection: &Inspection) -> String {
        let database = inspection.source_endpoint.database.chars();
        let name: String = database
            .map(|c| if c.is_alphanumeric() { c } else { '-' })
            .collect();
        let file = match &self.file_dir {
            Some(dir) => dir.join(format!("{name}.toml")),
            None => PathBuf::from(format!("howdah-selection-{name}.toml")),
        };
        file.to_string_lossy().into_owned()
    }
}

impl State {
    pub(in crate::app) fn save_selection(
        &mut self,
        path: String,
        may_replace: bool,
    ) -> Vec<Effect> {
        let Some(inspection) = self.inspection.clone() else {
            return Vec::new();
        };
        self.select.file = Some(path.clone());
        vec![Effect::SaveSelection {
            path,
            may_replace,
            inspection,
            selection: Arc::new(self.selection.clone()),
        }]
    }

    /// There is a file already.
    pub(in crate::app) fn ask_to_replace(&mut self, path: String) {
        let lines = vec![printable(&path).into_owned()];
        let question = Confirm::new("Replace the existing file?", lines)
            .button("No, keep it", Choice::Dismiss)
            .button(
                "Replace it",
                Choice::SaveSelection {
                    path,
                    may_replace: true,
                },
            );
        self.overlay = Some(Overlay::Confirm(question));
    }

    pub(in crate::app) fn load_selection(&mut self, path: String, now: Now) -> Vec<Effect> {
        let Some(inspection) = self.inspection.clone() else {
            return Vec::new();
        };
        let attempt = self.pending(now).attempt;
        self.select.file = Some(path.clone());
        self.select.awaited = Some(attempt);
        vec![Effect::LoadSelection {
            attempt,
            path,
            inspection,
        }]
    }

    /// What does not fit is told in full; the rest holds, and can be taken back.
    pub(in crate::app) fn selection_loaded(
        &mut self,
        attempt: u64,
        outcome: Result<Loaded, Box<Problem>>,
        now: Now,
    ) {
        if self.select.awaited.take_if(|one| *one == attempt).is_none() {
            return;
        }
        let list = |title: &str, lines| {
            Some(Overlay::List(TextList {
                title: title.to_owned(),
                lines,
                scroll: 0,
            }))
        };
        match outcome {
            Ok(loaded) => {
                let before = (self.selection.clone(), self.options.method);
                if before.0 != loaded.selection {
                    self.selection = loaded.selection;
                    self.select.remember(before);
                    if let Some(inspection) = &self.inspection {
                        self.select
                            .judge_all(inspection, &self.selection, &self.options);
                    }
                }
                self.say("The selection is loaded; u undoes it.".to_owned(), now);
                let lines: Vec<_> = [loaded.missing, loaded.unnamed].concat();
                if !lines.is_empty() {
                    self.overlay = list("Loaded; where the file and the source differ", lines);
                }
            }
            Err(problem) => {
                let text = format!(
                    "{}\n{}",
                    problem.message,
                    problem.our_hint.unwrap_or_default()
                );
                let lines = printable_lines(text.trim_end());
                let lines = lines.lines().map(str::to_owned).collect();
                self.overlay = list(&problem.what, lines);
            }
        }
    }
}
