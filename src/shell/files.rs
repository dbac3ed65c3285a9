//! Files the wizard leaves in the working directory when asked to. Names carry the time, so that none is overwritten.

use std::path::PathBuf;

use crate::app::message::PlanForm;
use crate::model::plan::Plan;
use crate::model::problem::Problem;
use crate::model::report::Report;
use crate::settings::PlanFile;
use crate::{report_text, sql};

/// What was written, for people, and where, or why not.
pub(super) type Written = (String, Result<PathBuf, Box<Problem>>);

pub(super) fn report(report: &Report) -> Vec<Written> {
    let name = format!("howdah-report-{}", stamp());
    vec![
        write(
            "the report",
            &format!("{name}.md"),
            &report_text::markdown(report),
        ),
        write(
            "the report as JSON",
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
