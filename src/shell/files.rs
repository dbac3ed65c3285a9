//! Files the wizard leaves when asked to: in the working directory, where names carry the time, so that none is overwritten; and
//! selections where the user says, which are read again.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::app::message::PlanForm;
use crate::model::catalog::Catalog;
use crate::model::plan::Plan;
use crate::model::problem::Problem;
use crate::model::report::Report;
use crate::model::selection::Selection;
use crate::settings::{Loaded, PlanFile, SelectionFile};
use crate::{report_text, sql};

/// What was written, for people, and where, or why not.
pub(super) type Written = (String, Result<PathBuf, Box<Problem>>);

/// How the names of report files begin.
const REPORT: &str = "howdah-report-";

pub fn is_report(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().starts_with(REPORT)
}

pub(super) fn report(report: &Report) -> Vec<Written> {
    let name = format!("{REPORT}{}", stamp());
    vec![
        write(
            "the report as Markdown",
            &format!("{name}.md"),
            &report_text::markdown(report),
        ),
        write(
            "the report, Markdown and JSON",
            &format!("{name}.json"),
            &report_text::json(report),
        ),
    ]
}

pub(super) fn plan(form: PlanForm, plan: &Plan, file: impl FnOnce() -> PlanFile) -> Written {
    let (what, extension, text) = match form {
        PlanForm::Script => ("the script", "sh", sql::shell::script(plan)),
        PlanForm::File => ("the plan file", "toml", file().text()),
        PlanForm::Statements => ("the plan", "sql", Ok(sql::script::text(plan))),
    };
    match text {
        Ok(text) => write(what, &format!("howdah-plan-{}.{extension}", stamp()), &text),
        Err(problem) => (what.to_owned(), Err(Box::new(problem))),
    }
}

/// None: there is such a file, and it may not be replaced. The directory is made if need be.
pub(super) fn selection(
    file: &Path,
    may_replace: bool,
    catalog: &Catalog,
    selection: &Selection,
) -> Option<Written> {
    let text = SelectionFile::new(catalog, selection).text();
    let outcome = text.and_then(|text| match save(file, &text, may_replace) {
        Ok(()) => Ok(Some(std::path::absolute(file).unwrap_or(file.to_owned()))),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && !may_replace => Ok(None),
        Err(error) => Err(Problem::new(
            format!("Could not save the selection to {}", file.display()),
            error.to_string(),
        )),
    });
    let outcome = outcome.map_err(Box::new).transpose()?;
    Some(("the selection".to_owned(), outcome))
}

/// A file is there whole or not at all.
fn save(file: &Path, text: &str, may_replace: bool) -> std::io::Result<()> {
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = dir.unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir)?;
    let mut fresh = tempfile::NamedTempFile::new_in(dir)?;
    fresh.write_all(text.as_bytes())?;
    if may_replace {
        fresh.persist(file)?;
    } else {
        fresh.persist_noclobber(file)?;
    }
    Ok(())
}

pub(super) fn loaded(file: &Path, catalog: &Catalog) -> Result<Loaded, Problem> {
    Ok(SelectionFile::load(file)?.selection(catalog))
}

fn write(what: &str, name: &str, text: &str) -> Written {
    let outcome = std::fs::write(name, text).and_then(|()| std::path::absolute(name));
    let outcome = outcome.map_err(|error| {
        Box::new(
            Problem::new(
                format!("Could not write {what} to {name}"),
                error.to_string(),
            )
            .hint("Start howdah in a directory where you may write."),
        )
    });
    (what.to_owned(), outcome)
}

/// UTC, to the second, sorting by time.
fn stamp() -> String {
    jiff::Timestamp::now()
        .strftime("%Y%m%dT%H%M%SZ")
        .to_string()
}
