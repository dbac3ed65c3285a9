//! The rehearsal over the preview: asked for, under way on the run's own board, and its forecast to read. Nothing of the preview
//! changes meanwhile.

use std::sync::Arc;

use super::key::{Key, KeyCode};
use super::message::{Effect, Now};
use super::overlay::{Choice, Confirm, Overlay};
use super::state::{Pending, State};
use super::steps::run::Run;
use crate::model::event::{RunEvent, Stop};
use crate::model::forecast::{Forecast, SampleSize};
use crate::model::name::printable_lines;
use crate::model::plan::StepId;
use crate::model::problem::Problem;
use crate::planner::rehearsal::Rehearsal;
use crate::report_text;

/// How far it has come.
#[derive(Debug)]
pub enum Stage {
    Planning(Pending),
    Running,
    Stopping,
    Ended(Box<Forecast>),
    Failed(Box<Problem>),
}

#[derive(Debug)]
pub struct Rehearsing {
    pub stage: Stage,
    /// Of the rehearsal's own plan.
    pub run: Run,
    /// First line of what is read.
    scroll: usize,
    size: (u16, u16),
}

impl Rehearsing {
    fn new(pending: Pending, size: (u16, u16)) -> Self {
        Self {
            stage: Stage::Planning(pending),
            run: Run::default(),
            scroll: 0,
            size,
        }
    }

    pub fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
        self.run.resize(size);
    }

    /// What there is to read at the end.
    pub fn lines(&self) -> Vec<String> {
        let columns = usize::from(self.size.0.saturating_sub(4));
        match &self.stage {
            Stage::Ended(forecast) => report_text::forecast_lines(forecast, columns),
            Stage::Failed(problem) => {
                report_text::wrapped(&printable_lines(&problem.to_string()), columns)
            }
            _ => Vec::new(),
        }
    }

    pub fn height(&self) -> usize {
        usize::from(self.size.1.saturating_sub(5)).max(1)
    }

    /// The first line to draw of so many.
    pub fn first_row(&self, lines: usize) -> usize {
        self.scroll.min(lines.saturating_sub(self.height()))
    }

    /// The destination server is at work for it.
    pub fn is_running(&self) -> bool {
        matches!(self.stage, Stage::Running | Stage::Stopping)
    }

    pub fn is_pending(&self) -> bool {
        self.is_running() || matches!(self.stage, Stage::Planning(_))
    }

    /// What has ended is closed by Esc and Enter alone: it took minutes to make, and nothing keeps it.
    pub fn key(&mut self, key: Key) -> Option<Choice> {
        match (&self.stage, key.code) {
            (Stage::Planning(pending), KeyCode::Esc) => {
                return Some(Choice::Withdraw(pending.attempt));
            }
            (Stage::Running, KeyCode::Esc | KeyCode::Char('x')) => {
                return Some(Choice::StopRehearsal);
            }
            (Stage::Planning(_) | Stage::Running | Stage::Stopping, _) => {}
            (_, code) => {
                let first = self.first_row(self.lines().len());
                let page = self.height().saturating_sub(1).max(1);
                let target = match code {
                    KeyCode::Up | KeyCode::Char('k') => first.saturating_sub(1),
                    KeyCode::Down | KeyCode::Char('j') => first + 1,
                    KeyCode::PageUp => first.saturating_sub(page),
                    KeyCode::PageDown => first + page,
                    KeyCode::Home | KeyCode::Char('g') => 0,
                    KeyCode::End | KeyCode::Char('G') => usize::MAX,
                    KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q') => {
                        return Some(Choice::Dismiss);
                    }
                    _ => return None,
                };
                self.scroll = target;
                self.scroll = self.first_row(self.lines().len());
            }
        }
        None
    }
}

/// What a rehearsal does, and what it does not.
pub(super) fn ask_to_rehearse() -> Confirm {
    Confirm::new(
        "Rehearse the run?",
        vec![
            format!(
                "A sample of each table, up to about {}, goes through all steps into a new scratch database on the destination server, which is removed afterwards. You then see how long the run will take and what will fail.",
                SampleSize::default()
            ),
            "The destination database is not touched; the source is only read.".to_owned(),
        ],
    )
    .button("Rehearse", Choice::Rehearse)
    .button("Not now", Choice::Dismiss)
}

impl State {
    fn rehearsing(&mut self) -> Option<&mut Rehearsing> {
        match &mut self.overlay {
            Some(Overlay::Rehearsal(rehearsing)) => Some(rehearsing),
            _ => None,
        }
    }

    /// A rehearsal is under way on the servers.
    pub(super) fn running_rehearsal(&mut self) -> Option<&mut Rehearsing> {
        self.rehearsing()
            .filter(|rehearsing| rehearsing.is_running())
    }

    pub(super) fn rehearse(&mut self, pending: Pending) -> Vec<Effect> {
        let Some(inspection) = self.inspection.clone() else {
            return Vec::new();
        };
        self.overlay = Some(Overlay::Rehearsal(Box::new(Rehearsing::new(
            pending, self.size,
        ))));
        vec![Effect::MakeRehearsal {
            attempt: pending.attempt,
            inspection,
            selection: Arc::new(self.selection.clone()),
            options: Box::new(self.options.clone()),
        }]
    }

    /// An answer to another question is dropped.
    pub(super) fn rehearsal_planned(
        &mut self,
        attempt: u64,
        outcome: Result<Arc<Rehearsal>, Box<Problem>>,
        now: Now,
    ) -> Vec<Effect> {
        let size = self.size;
        let inspection = self.inspection.clone();
        let (Some(inspection), Some(rehearsing)) = (inspection, self.rehearsing()) else {
            return Vec::new();
        };
        if !matches!(rehearsing.stage, Stage::Planning(pending) if pending.attempt == attempt) {
            return Vec::new();
        }
        match outcome {
            Err(problem) => {
                rehearsing.stage = Stage::Failed(problem);
                Vec::new()
            }
            Ok(rehearsal) => {
                rehearsing.stage = Stage::Running;
                rehearsing.run.start(Arc::clone(&rehearsal.plan), now, size);
                let source = Box::new(inspection.source_endpoint.clone());
                let mut destination = Box::new(inspection.destination_endpoint.clone());
                destination
                    .database
                    .clone_from(&rehearsal.plan.destination_database);
                vec![Effect::StartRehearsal {
                    rehearsal,
                    source,
                    destination,
                }]
            }
        }
    }

    pub(super) fn rehearsal_event(&mut self, event: RunEvent, now: Now) -> Vec<Effect> {
        if let Some(rehearsing) = self.running_rehearsal() {
            return rehearsing.run.event(event, now);
        }
        Vec::new()
    }

    pub(super) fn rehearsal_tick(&mut self, samples: &[(StepId, u64, u64)], now: Now) {
        if let Some(rehearsing) = self.running_rehearsal() {
            rehearsing.run.tick(samples, now);
        }
    }

    pub(super) fn rehearsed(
        &mut self,
        outcome: Result<Box<Forecast>, Box<Problem>>,
    ) -> Vec<Effect> {
        let is_leaving = self.is_leaving;
        if let Some(rehearsing) = self.running_rehearsal() {
            rehearsing.stage = match outcome {
                Ok(forecast) => Stage::Ended(forecast),
                Err(problem) => Stage::Failed(problem),
            };
        }
        if is_leaving {
            return vec![Effect::Quit];
        }
        let text = "The rehearsal has ended; its forecast is ready.".to_owned();
        vec![Effect::Bell, Effect::Notify(text)]
    }

    /// What it has begun is rolled back, and its database removed.
    pub(super) fn stop_rehearsal(&mut self) -> Vec<Effect> {
        match self.running_rehearsal() {
            Some(rehearsing) => {
                rehearsing.stage = Stage::Stopping;
                vec![Effect::StopRun(Stop::Now)]
            }
            None => Vec::new(),
        }
    }
}
