//! Pictures of the run and of its report.

use super::tests::{show, show_ascii};
use super::*;
use crate::app::KeyCode;
use crate::app::fixtures::{empty, press};
use crate::app::fixtures_run::*;
use crate::model::report::{Outcome, Report};
use crate::model::samples;

fn on_page(report: Report, page: usize) -> State {
    let mut state = reported(report);
    for _ in 0..page {
        press(&mut state, KeyCode::Tab);
    }
    state
}

#[test]
fn report() {
    let mut never_run = empty();
    never_run.step = WizardStep::Report;
    show("report_never_run", never_run);
    let nothing = Report {
        outcome: Outcome::Done,
        source: "app@old.example:5432/shop".to_owned(),
        destination: "app@new.example:5432/shop".to_owned(),
        ..Report::default()
    };
    show("report_empty", reported(nothing.clone()));
    show("report_typical", reported(samples::done()));
    show("report_different", reported(samples::different()));
    show("report_error", reported(samples::failed()));
    show("report_cancelled", reported(samples::cancelled()));
    show("report_tables", on_page(samples::different(), 1));
    show("report_tables_cancelled", on_page(samples::cancelled(), 1));
    show("report_tables_empty", on_page(nothing, 1));
    show("report_sequences", on_page(samples::different(), 2));
    show("report_problems", on_page(samples::failed(), 3));
    show("report_no_problems", on_page(samples::done(), 3));
    show("report_objects", on_page(samples::done(), 4));
    show_ascii("report", reported(samples::failed()));
    show_ascii("report_tables", on_page(samples::different(), 1));
}
