//! How facts are told without a screen: lines for people on stderr, or JSON, one object a line, on stdout.

use std::io::Write as _;

use serde_json::json;

use crate::checks::Again;
use crate::model::event::{NoticeLevel, RunEvent, Stop};
use crate::model::finding::{CheckResult, Fix, Level};
use crate::model::format;
use crate::model::name::{printable_json, printable_lines};
use crate::model::plan::{Phase, Plan};

/// How facts are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    Lines,
    Json,
}

impl Voice {
    pub(super) fn say(self, text: &str) {
        if self == Self::Lines {
            // A reader that went away is no reason to panic in the middle of a run.
            let _unheard = writeln!(std::io::stderr(), "{}", printable_lines(text)).is_err();
        }
    }

    pub(super) fn event(self, value: &serde_json::Value) {
        if self == Self::Json {
            let _unheard =
                writeln!(std::io::stdout(), "{}", printable_json(&value.to_string())).is_err();
        }
    }

    /// Before there is a plan.
    pub(super) fn again(self, again: &Again) {
        let Again {
            attempt,
            pause,
            problem,
        } = again;
        let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.say(&format!(
            "again tried again ({attempt}) in {} after: {problem}",
            format::duration(pause_ms)
        ));
        self.event(
            &json!({"event": "look-repeated", "attempt": attempt, "pause_ms": pause_ms,
            "sqlstate": problem.sqlstate, "problem": problem.to_string()}),
        );
    }

    pub(super) fn check(self, result: &CheckResult) {
        let mark = match result.level() {
            Some(Level::Fine) => "ok  ",
            Some(Level::Warning) => "WARN",
            Some(Level::Blocking) => "STOP",
            None => "?   ",
        };
        match &result.outcome {
            Ok(findings) => {
                let first = findings.first().map_or("", |f| f.title.as_str());
                if result.level() == Some(Level::Fine) {
                    self.say(&format!("{mark}  {}: {first}", result.title));
                }
                for finding in findings.iter().filter(|f| f.level > Level::Fine) {
                    let mut text = format!("{mark}  {}: {}", result.title, finding.title);
                    if !finding.meaning.is_empty() {
                        text.push_str(&format!("\n        {}", finding.meaning));
                    }
                    for object in finding.objects.iter().take(20) {
                        text.push_str(&format!("\n        - {object}"));
                    }
                    if finding.objects.len() > 20 {
                        text.push_str(&format!(
                            "\n        … and {} more",
                            finding.objects.len() - 20
                        ));
                    }
                    if let Some(fix) = &finding.fix {
                        let place = match fix {
                            Fix::Words(_) => String::new(),
                            Fix::Sql(sql) => format!(" on the {}, by {}", sql.side, sql.by),
                        };
                        text.push_str(&format!(
                            "\n        Fix{place}: {}",
                            fix.text().replace('\n', "\n             ")
                        ));
                    }
                    self.say(&text);
                }
            }
            Err(problem) => {
                self.say(&format!(
                    "{mark}  {}: could not be checked. {problem}",
                    result.title
                ));
            }
        }
        let findings: Vec<_> = result
            .outcome
            .iter()
            .flatten()
            .map(|f| {
                let sql = match &f.fix {
                    Some(Fix::Sql(sql)) => Some(sql),
                    _ => None,
                };
                json!({"level": level_word(f.level), "title": f.title, "meaning": f.meaning,
                       "objects": f.objects, "fix": f.fix.as_ref().map(Fix::text),
                       "fix_on": sql.map(|one| one.side.word()), "fix_by": sql.map(|one| one.by)})
            })
            .collect();
        let problem = result.outcome.as_ref().err().map(ToString::to_string);
        self.event(
            &json!({"event": "check", "id": result.id, "findings": findings, "problem": problem}),
        );
    }
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Fine => "fine",
        Level::Warning => "warning",
        Level::Blocking => "blocking",
    }
}

pub(super) fn tell(voice: Voice, plan: &Plan, event: &RunEvent) {
    let step = |id| plan.step(id);
    match event {
        RunEvent::StepStarted(id) => {
            let title = step(*id).map(|s| s.title.as_str());
            voice.event(&json!({"event": "step-started", "step": id.0, "title": title}));
        }
        RunEvent::StepFinished {
            step: id,
            rows,
            bytes,
            elapsed_ms,
            is_kept,
        } => {
            if let Some(step) = step(*id) {
                let text = if *is_kept {
                    format!(
                        "kept  {}: {rows} rows are there already, proved equal in {elapsed_ms} ms",
                        step.title
                    )
                } else if step.method().is_some() {
                    format!(
                        "done  {}: {rows} rows, {bytes} bytes, {elapsed_ms} ms",
                        step.title
                    )
                } else {
                    format!("done  {}", step.title)
                };
                // Thousands of small schema steps would hide what matters.
                if step.phase != Phase::Schema {
                    voice.say(&text);
                }
            }
            voice.event(
                &json!({"event": "step-finished", "step": id.0, "rows": rows, "bytes": bytes,
                               "elapsed_ms": elapsed_ms, "kept": is_kept}),
            );
        }
        // Without anybody there nothing is left undecided; should it be, it has failed.
        RunEvent::StepFailed { step: id, problem }
        | RunEvent::StepUndecided { step: id, problem } => {
            let title = step(*id).map(|s| s.title.as_str());
            voice.say(&format!("FAIL  {problem}"));
            voice.event(
                &json!({"event": "step-failed", "step": id.0, "title": title,
                "sqlstate": problem.sqlstate, "problem": problem.to_string()}),
            );
        }
        RunEvent::StepRepeated {
            step: id,
            attempt,
            pause_ms,
            problem,
        } => {
            let title = step(*id).map_or("", |s| s.title.as_str());
            let pause = format::duration(*pause_ms);
            voice.say(&format!(
                "again {title}: tried again ({attempt}) in {pause} after: {problem}"
            ));
            voice.event(
                &json!({"event": "step-repeated", "step": id.0, "title": title, "attempt": attempt,
                "pause_ms": pause_ms, "sqlstate": problem.sqlstate, "problem": problem.to_string()}),
            );
        }
        RunEvent::StepSkipped { step: id, because }
        | RunEvent::StepLeftOut { step: id, because } => {
            let title = step(*id).map_or("", |s| s.title.as_str());
            voice.say(&format!("skip  {title}: {because}"));
            voice.event(&json!({"event": "step-skipped", "step": id.0, "because": because}));
        }
        RunEvent::Notice { level, text, .. } => {
            if *level > NoticeLevel::Info {
                voice.say(&format!("note  {}", text.replace('\n', "\n      ")));
            }
            voice.event(&json!({"event": "notice", "text": text}));
        }
        RunEvent::SnapshotReleased { held_ms } => {
            voice.event(&json!({"event": "snapshot-released", "held_ms": held_ms}));
        }
        RunEvent::Stopping(stop) => {
            voice.event(&json!({"event": "stopping", "now": *stop == Stop::Now}));
        }
        RunEvent::Paused(_) | RunEvent::Waiting | RunEvent::Finished(_) => {}
    }
}
