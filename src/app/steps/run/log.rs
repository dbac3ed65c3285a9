//! What was told during the run, in order; the oldest lines go when there are too many.

use std::collections::VecDeque;

use crate::app::Action;
use crate::app::list::moved;
use crate::model::event::NoticeLevel;
use crate::model::format::count;
use crate::model::name::printable;

/// Enough to read back; everything stands in the log file.
const MOST_LINES: usize = 10_000;
/// Steps not run that are named where many are told at once; the report names all.
const SKIPPED_NAMED: usize = 3;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    pub level: NoticeLevel,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    pub lines: VecDeque<LogLine>,
    /// The newest line stays in sight.
    pub is_following: bool,
    /// Lines below this level are kept, but not shown.
    pub least: NoticeLevel,
    first: usize,
    /// Steps not run that the last lines tell of.
    skipped: usize,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            lines: VecDeque::new(),
            is_following: true,
            least: NoticeLevel::Info,
            first: 0,
            skipped: 0,
        }
    }
}

impl Log {
    /// One stop or failure can take thousands of steps along: the first few are named, the rest is counted.
    pub fn push_skipped(&mut self, at_ms: u64, text: &str) {
        let number = self.skipped + 1;
        let more = number.saturating_sub(SKIPPED_NAMED);
        let text = match more {
            0 => printable(text).into_owned(),
            1 => "1 more step is not run; the report names it.".to_owned(),
            _ => format!(
                "{} more steps are not run; the report names them.",
                count(more as u64)
            ),
        };
        if more > 1 {
            self.lines.pop_back();
        }
        self.push(at_ms, NoticeLevel::Warning, text);
        self.skipped = number;
    }

    pub fn push(&mut self, at_ms: u64, level: NoticeLevel, text: String) {
        self.skipped = 0;
        if self.lines.len() >= MOST_LINES {
            let gone = self.lines.pop_front();
            // What is being read stays where it is.
            if gone.is_some_and(|line| line.level >= self.least) {
                self.first = self.first.saturating_sub(1);
            }
        }
        self.lines.push_back(LogLine { at_ms, level, text });
    }

    /// The lines of the level that is asked for.
    pub fn shown(&self) -> impl Iterator<Item = &LogLine> {
        self.lines.iter().filter(|line| line.level >= self.least)
    }

    pub fn shown_count(&self) -> usize {
        self.shown().count()
    }

    /// All, then warnings and errors, then errors alone. The newest is in sight again.
    fn next_level(&mut self) {
        self.least = match self.least {
            NoticeLevel::Info => NoticeLevel::Warning,
            NoticeLevel::Warning => NoticeLevel::Error,
            NoticeLevel::Error => NoticeLevel::Info,
        };
        self.is_following = true;
    }

    /// The first line to draw where `rows` lines have room; more or fewer may fit, as lines may be long.
    pub fn first(&self, rows: usize) -> usize {
        let last = self.shown_count().saturating_sub(rows);
        if self.is_following {
            last
        } else {
            self.first.min(last)
        }
    }

    /// Reading back stops the following; the end resumes it.
    pub fn act(&mut self, action: Action, rows: usize) {
        let first = self.first(rows);
        match action {
            Action::Levels => return self.next_level(),
            Action::Follow => {
                self.first = first;
                self.is_following = !self.is_following;
                return;
            }
            _ => {}
        }
        let Some(target) = moved(first, action, rows) else {
            return;
        };
        let last = self.shown_count().saturating_sub(rows);
        self.is_following = target >= last;
        self.first = target.min(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_hide_without_forgetting() {
        let mut log = Log::default();
        for number in 0..30 {
            let level = match number % 10 {
                0 => NoticeLevel::Error,
                1 => NoticeLevel::Warning,
                _ => NoticeLevel::Info,
            };
            log.push(0, level, number.to_string());
        }
        let shown =
            |log: &Log| -> Vec<String> { log.shown().map(|line| line.text.clone()).collect() };
        log.act(Action::Levels, 4);
        assert_eq!(shown(&log), ["0", "1", "10", "11", "20", "21"]);
        assert_eq!(log.first(4), 2);
        log.act(Action::Levels, 4);
        assert_eq!(shown(&log), ["0", "10", "20"]);
        assert_eq!(log.first(4), 0);
        log.act(Action::Levels, 4);
        assert_eq!(log.shown_count(), 30);
    }

    #[test]
    fn many_steps_not_run_are_counted() {
        let mut log = Log::default();
        for number in 0..2000 {
            log.push_skipped(0, &format!("Not run: {number}"));
        }
        assert_eq!(log.lines.len(), SKIPPED_NAMED + 1);
        assert_eq!(
            log.lines[SKIPPED_NAMED].text,
            "1,997 more steps are not run; the report names them."
        );
        log.push(0, NoticeLevel::Info, "Something else".to_owned());
        log.push_skipped(0, "Not run: another");
        assert_eq!(log.lines[SKIPPED_NAMED + 2].text, "Not run: another");
    }

    #[test]
    fn reading_back_is_not_disturbed() {
        let mut log = Log::default();
        for number in 0..30 {
            log.push(0, NoticeLevel::Info, number.to_string());
        }
        assert_eq!(log.first(10), 20);
        log.act(Action::Up, 10);
        for number in 30..MOST_LINES + 5 {
            log.push(0, NoticeLevel::Info, number.to_string());
        }
        assert_eq!(log.lines.len(), MOST_LINES);
        assert_eq!(log.lines[log.first(10)].text, "19");
        log.act(Action::Last, 10);
        assert!(log.is_following);
        log.act(Action::Follow, 10);
        log.push(0, NoticeLevel::Info, String::new());
        assert!(!log.is_following);
        assert_eq!(log.first(10), MOST_LINES - 11);
    }
}
