//! From what was asked for to a plan: by patterns, or by a plan file; and `howdah plan`, which only writes it down.

use std::borrow::Cow;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use crate::checks::{self, Purpose, Told};
use crate::model::connection::Endpoint;
use crate::model::finding::Level;
use crate::model::inspection::Inspection;
use crate::model::name::printable_lines;
use crate::model::options::Options;
use crate::model::plan::Plan;
use crate::model::problem::Problem;
use crate::model::selection::{Carry, Pattern, Selection};
use crate::planner;
use crate::settings::{Loaded, PlanFile, SelectionFile};
use crate::sql;

use super::{CHECKS_BLOCKED, End, Voice};

/// What a command is asked to do.
#[derive(Clone, Debug)]
pub struct Job {
    pub source: Endpoint,
    pub destination: Endpoint,
    pub options: Options,
    /// Says which tables; without one the options do.
    pub file: Option<PlanFile>,
    /// Says them instead, without saying anything else.
    pub selection: Option<SelectionFile>,
}

/// In which form `howdah plan` tells the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// The statements in order, to be read.
    Statements,
    /// To be edited, and run by `howdah run --plan`.
    File(PathBuf),
    /// To be run without howdah; without a file it goes to standard output.
    Script(Option<PathBuf>),
}

/// The selection and its plan; none when the plan file no longer fits, which is told.
pub(super) async fn plan(
    inspection: &Inspection,
    job: &Job,
    voice: Voice,
) -> Result<Option<(Selection, Plan)>, Problem> {
    let selection = match (&job.file, &job.selection) {
        (None, None) => selection(inspection, &job.options).await?,
        (None, Some(file)) => loaded(inspection, file, voice).await?,
        (Some(file), _) => {
            let differences = file.differences(inspection);
            if !differences.is_empty() {
                voice.say("The plan file does not fit the source any more:");
                for difference in &differences {
                    voice.say(&format!("    - {difference}"));
                }
                voice.say("Nothing was changed. Write the plan again with howdah plan --out, or correct its lines.");
                voice.event(
                    &serde_json::json!({"event": "plan-file-refused", "differences": differences}),
                );
                return Ok(None);
            }
            let selection = file.selection(&inspection.catalog);
            checks::filters::check(&inspection.source_endpoint, inspection, &selection).await?;
            selection
        }
    };
    let plan = planner::plan(inspection, &selection, &job.options)?;
    Ok(Some((selection, plan)))
}

/// A short selection of a large source leaves many unnamed.
const UNNAMED_TOLD: usize = 10;

/// What a selection file says of this source; what does not fit is told, and the rest holds.
async fn loaded(
    inspection: &Inspection,
    file: &SelectionFile,
    voice: Voice,
) -> Result<Selection, Problem> {
    let Loaded {
        selection,
        missing,
        unnamed,
    } = file.selection(&inspection.catalog);
    for line in missing.iter().chain(unnamed.iter().take(UNNAMED_TOLD)) {
        voice.say(&format!("note  {line}"));
    }
    if let Some(more @ 1..) = unnamed.len().checked_sub(UNNAMED_TOLD) {
        voice.say(&format!("note  {more} more have no line either"));
    }
    voice.event(&serde_json::json!({"event": "selection", "missing": missing, "unnamed": unnamed}));
    if !has_any(&selection) {
        return Err(Problem::new(
            "Nothing to do",
            "the selection holds no table and no sequence of the source",
        )
        .hint("Its names are schema.name, exactly as the source has them."));
    }
    checks::filters::check(&inspection.source_endpoint, inspection, &selection).await?;
    Ok(selection)
}

fn has_any(selection: &Selection) -> bool {
    selection.tables.iter().any(|c| *c != Carry::Nothing) || selection.sequences.contains(&true)
}

/// `howdah plan`: written down, nothing run. Checks that block are told but the plan is still shown where it can be made.
pub async fn show_plan(job: Job, form: &Form) -> End {
    match written(&job, form).await {
        Ok(end) => end,
        Err(problem) => End::failed(problem),
    }
}

async fn written(job: &Job, form: &Form) -> Result<End, Problem> {
    let voice = Voice::Lines;
    let inspection = checks::inspect(
        job.source.clone(),
        job.destination.clone(),
        job.options.clone(),
        Purpose::Run,
        |told| match told {
            Told::Result(result) if result.level() == Some(Level::Fine) => {}
            Told::Result(result) => voice.check(&result),
            Told::Again(again) => voice.again(&again),
        },
    )
    .await?;
    let Some((selection, plan)) = plan(&inspection, job, voice).await? else {
        return Ok(End::Code(CHECKS_BLOCKED));
    };
    match form {
        Form::Statements => print(&sql::script::text(&plan))?,
        Form::File(path) => {
            let file = PlanFile::new(&inspection, &selection, &job.options);
            write(path, &file.text()?)?;
            voice.say(&format!(
                "The plan is in {0}. Edit it, and run it with: howdah run --plan {0} --yes",
                path.display()
            ));
        }
        Form::Script(None) => print(&sql::shell::script(&plan)?)?,
        Form::Script(Some(path)) => {
            write(path, &sql::shell::script(&plan)?)?;
            voice.say(&format!(
                "The script is in {0}. Its first lines say what it needs; run it with: bash {0}",
                path.display()
            ));
        }
    }
    Ok(End::Code(0))
}

/// Exact for a file or a program; a terminal would obey what stands in names.
fn print(text: &str) -> Result<(), Problem> {
    let mut out = std::io::stdout();
    let text = if out.is_terminal() {
        Cow::Owned(printable_lines(text))
    } else {
        Cow::Borrowed(text)
    };
    match out.write_all(text.as_bytes()) {
        Ok(()) => Ok(()),
        // `howdah plan | head` has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Problem::new("Could not write the plan", error.to_string())),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Problem> {
    std::fs::write(path, text).map_err(|error| {
        Problem::new(
            format!("Could not write {}", path.display()),
            error.to_string(),
        )
    })
}

pub(super) async fn selection(
    inspection: &Inspection,
    options: &Options,
) -> Result<Selection, Problem> {
    let selection = Selection::of(&inspection.catalog, options);
    let asks_for_some = !options.include.is_empty();
    if asks_for_some && !has_any(&selection) {
        let patterns: Vec<&str> = options.include.iter().map(Pattern::text).collect();
        return Err(Problem::new(
            "Nothing to do",
            format!("no table or sequence of the source matches {}", patterns.join(", ")),
        )
        .hint("Patterns are schema.name with * for any characters; quote upper case only for the shell."));
    }
    let unmatched = options
        .filters
        .iter()
        .map(|filter| &filter.table)
        .chain(&options.structure_only)
        .find(|pattern| {
            !inspection
                .catalog
                .tables
                .iter()
                .any(|t| pattern.matches(&t.name))
        });
    if let Some(pattern) = unmatched {
        return Err(Problem::new(
            "Could not choose the rows",
            format!("no table of the source matches {}", pattern.text()),
        )
        .hint("Tables are named as schema.name; without a dot the schema is public."));
    }
    checks::filters::check(&inspection.source_endpoint, inspection, &selection).await?;
    Ok(selection)
}
