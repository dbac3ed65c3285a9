//! A forecast in words that fit a terminal, and as JSON.

use serde_json::{Value, json};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::closed_for_show;
use super::json::failure;
use crate::model::forecast::{Ending, Forecast, Link, Sample, Span};
use crate::model::format::{bytes_plain, count_short, counted, duration, duration_range};
use crate::model::name::{printable, printable_lines};
use crate::model::plan::Phase;

/// Tables that are named; the rest is counted.
const TABLES: usize = 8;
/// Links of the chain that are named; shorter ones are put together, and those that hardly last in any case.
const LINKS: usize = 12;
const SHORT_MS: u64 = 50;

/// The forecast as one sentence.
pub fn forecast_headline(forecast: &Forecast) -> String {
    let about = |span: Span| format!("about {}", duration_range(span.least_ms, span.most_ms));
    let window = forecast.window.map(about);
    let problems = forecast.problems.len() as u64;
    match (forecast.ending, window) {
        (Ending::Cancelled, _) => "The rehearsal was stopped; there is no forecast.".to_owned(),
        (Ending::Done, Some(window)) => format!("The run will take {window}."),
        (Ending::Done, None) => "No rows were copied; there is no forecast.".to_owned(),
        (_, window) => {
            let what = format!(
                "{} of the real run too",
                if problems == 1 {
                    "1 problem would stop steps".to_owned()
                } else {
                    format!("{problems} problems would stop steps")
                }
            );
            match window {
                Some(window) if problems == 1 => {
                    format!("{what}; without it the run takes {window}.")
                }
                Some(window) => format!("{what}; without them the run takes {window}."),
                None => format!("{what}; there is no forecast."),
            }
        }
    }
}

/// Lines of at most `columns` characters.
pub fn forecast_lines(forecast: &Forecast, columns: usize) -> Vec<String> {
    let mut page = Page {
        columns,
        lines: Vec::new(),
    };
    page.text(&forecast_headline(forecast));
    page.text(&format!("From  {}", printable(&forecast.source)));
    page.text(&format!("To    {}", printable(&forecast.destination)));
    for (what, problem) in &forecast.problems {
        page.heading("Problem");
        page.text(&printable(what));
        for line in printable_lines(&problem.to_string()).lines() {
            page.item("  ", line);
        }
    }
    if let Some(window) = forecast.window {
        page.heading("The longest chain of steps");
        page.chain(forecast, window);
    }
    page.samples(forecast);
    if forecast.window.is_some() {
        page.heading("How sure this is");
        page.text(&how_sure(forecast));
    }
    if !forecast.not_measured.is_empty() && forecast.ending != Ending::Cancelled {
        page.heading("Not measured");
        for one in &forecast.not_measured {
            page.item("- ", &printable(one));
        }
    }
    if forecast.left_behind.is_empty() {
        page.heading("The scratch database is removed; nothing else was changed.");
    } else {
        page.heading("The scratch database is still there. c on Check removes it, or on the destination server:");
        for statement in &forecast.left_behind {
            page.item("  ", &closed_for_show(statement));
        }
    }
    page.lines
}

/// What the range is made of.
fn how_sure(forecast: &Forecast) -> String {
    let stretch = match forecast.spread {
        Some(spread) => format!(
            "and {:.0} % more for what was not: that is how far apart the rates of the {} tables were that took long enough to measure",
            spread.share * 100.0,
            spread.tables
        ),
        None => "and 15 % more for each factor of ten that a sample was scaled up, a rule of thumb too: fewer than three tables took long enough to measure how far apart rates are".to_owned(),
    };
    format!(
        "The range is 10 % either way for what was copied, as a rule of thumb, {stretch}. Rows and checks grow with the bytes, index builds as a sort does. The steps were then scheduled as in a real run."
    )
}

/// Lines of a text, wrapped at spaces.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut page = Page {
        columns,
        lines: Vec::new(),
    };
    text.lines().for_each(|line| page.text(line));
    page.lines
}

pub fn forecast_text(forecast: &Forecast) -> String {
    let mut text = forecast_lines(forecast, 79).join("\n");
    text.push('\n');
    text
}

struct Page {
    columns: usize,
    lines: Vec<String>,
}

impl Page {
    fn heading(&mut self, text: &str) {
        self.lines.push(String::new());
        self.text(text);
    }

    fn text(&mut self, text: &str) {
        self.item("", text);
    }

    /// Wrapped at spaces; what follows stands below the first word.
    fn item(&mut self, mark: &str, text: &str) {
        let room = self.columns.saturating_sub(mark.len()).max(8);
        let mut start = mark.to_owned();
        let mut line = String::new();
        let mut put = |line: &mut String| {
            self.lines.push(format!("{start}{}", line.trim_end()));
            start = " ".repeat(mark.len());
            line.clear();
        };
        for word in text.split_inclusive(' ') {
            let width = |text: &str| text.trim_end().width();
            if !line.is_empty() && line.width() + width(word) > room {
                put(&mut line);
            }
            for c in word.chars() {
                if line.width() + c.width().unwrap_or(0) > room && c != ' ' {
                    put(&mut line);
                }
                line.push(c);
            }
        }
        put(&mut line);
    }

    fn row(&mut self, text: &str) {
        self.lines.push(cut(text, self.columns));
    }

    fn chain(&mut self, forecast: &Forecast, window: Span) {
        for row in rows_of(&forecast.chain, window) {
            let mut notes = Vec::new();
            if row.waited {
                notes.push("waits for a free job");
            }
            if row.is_guess {
                notes.push("a guess");
            }
            let notes = match notes.as_slice() {
                [] => String::new(),
                notes => format!(" ({})", notes.join(", ")),
            };
            let time = duration(row.ms);
            let room = self.columns.saturating_sub(13 + notes.width());
            let title = cut(&printable(&row.title), room);
            self.row(&format!("{time:>11}  {title}{notes}"));
        }
        self.row(&format!(
            "{:>11}  likely in all, with {}",
            duration(window.likely_ms),
            counted(forecast.jobs as u64, "job", "jobs")
        ));
    }

    fn samples(&mut self, forecast: &Forecast) {
        let carried = || {
            forecast
                .samples
                .iter()
                .filter(|s| s.elapsed_ms > 0 || s.rows > 0)
        };
        let (rows, all) = carried().fold((0, 0), |(rows, all), sample| {
            (rows + sample.rows, all + sample.rows_in_all())
        });
        if carried().next().is_none() {
            return;
        }
        self.heading(&format!(
            "Copied in {}: {} of about {} rows",
            duration(forecast.elapsed_ms),
            count_short(rows),
            count_short(all)
        ));
        let sampled: Vec<&Sample> = carried().filter(|sample| !sample.is_whole()).collect();
        for sample in sampled.iter().take(TABLES) {
            let share = sample.share * 100.0;
            let digits = usize::from(share < 10.0);
            let bytes = sample.table_bytes as f64 * sample.share;
            let rate = bytes * 1000.0 / sample.elapsed_ms.max(1) as f64;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate for people"
            )]
            let rate = bytes_plain(rate as u64);
            self.row(&format!(
                "{share:>9.digits$} %  {}: {} of about {} rows, {}, {rate}/s",
                printable(&sample.name.to_string()),
                count_short(sample.rows),
                count_short(sample.rows_in_all()),
                sample.method.label(),
            ));
        }
        let more = sampled.len().saturating_sub(TABLES) as u64;
        if more > 0 {
            self.row(&format!(
                "             {} in part",
                counted(more, "more table", "more tables")
            ));
        }
        let whole = carried().filter(|sample| sample.is_whole()).count() as u64;
        if whole > 0 {
            self.row(&format!(
                "{:>9} %  {}",
                100,
                counted(whole, "table", "tables")
            ));
        }
    }
}

/// Cut off where there is no room.
fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        if kept.width() + c.width().unwrap_or(0) + 1 > columns {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// A step of the chain, or several short ones in a row.
struct Row {
    title: String,
    /// Of short steps: the first and the last.
    phases: Option<(Phase, Phase)>,
    count: u64,
    ms: u64,
    waited: bool,
    is_guess: bool,
}

/// Steps that make up little of the window are put together.
fn rows_of(chain: &[Link], window: Span) -> Vec<Row> {
    let mut longest: Vec<u64> = chain.iter().map(|link| link.likely_ms).collect();
    longest.sort_unstable_by(|a, b| b.cmp(a));
    let nth = longest.get(LINKS).map_or(0, |ms| ms + 1);
    let least = (window.likely_ms / 100).max(SHORT_MS).max(nth);
    let mut rows: Vec<Row> = Vec::new();
    for link in chain {
        let is_short = link.likely_ms < least;
        if let Some(row) = rows.last_mut()
            && let (true, Some((first, _))) = (is_short, row.phases)
        {
            row.count += 1;
            row.ms += link.likely_ms;
            row.phases = Some((first, link.phase));
            let name = |phase: Phase| match phase {
                Phase::Indexes => "Indexes",
                other => other.title(),
            };
            let phases = if first == link.phase {
                name(first).to_owned()
            } else {
                format!("{} to {}", name(first), name(link.phase))
            };
            row.title = format!("{} short steps: {phases}", row.count);
            row.waited = false;
            continue;
        }
        rows.push(Row {
            title: link.title.clone(),
            phases: is_short.then_some((link.phase, link.phase)),
            count: 1,
            ms: link.likely_ms,
            waited: link.waited_for_place,
            is_guess: link.is_guess,
        });
    }
    rows
}

/// For programs: names are as the server has them, numbers are plain numbers.
pub fn forecast_json(forecast: &Forecast) -> Value {
    let chain: Vec<_> = forecast
        .chain
        .iter()
        .map(|link| {
            json!({
                "step": link.step.0,
                "title": link.title,
                "phase": link.phase.title(),
                "likely_ms": link.likely_ms,
                "waited_for_worker": link.waited_for_place,
                "guess": link.is_guess,
            })
        })
        .collect();
    let tables: Vec<_> = forecast
        .samples
        .iter()
        .map(|sample| {
            json!({
                "schema": sample.name.schema,
                "name": sample.name.name,
                "method": sample.method.label(),
                "share": sample.share,
                "rows": sample.rows,
                "rows_in_all": sample.rows_in_all(),
                "table_bytes": sample.table_bytes,
                "elapsed_ms": sample.elapsed_ms,
            })
        })
        .collect();
    let problems: Vec<_> = forecast
        .problems
        .iter()
        .map(|(what, problem)| failure(what, problem))
        .collect();
    json!({
        "ending": match forecast.ending {
            Ending::Done => "done",
            Ending::Failed => "failed",
            Ending::Different => "different",
            Ending::Cancelled => "stopped",
        },
        "headline": forecast_headline(forecast),
        "source": forecast.source,
        "destination": forecast.destination,
        "jobs": forecast.jobs,
        "window": forecast.window.map(|span| json!({
            "least_ms": span.least_ms,
            "likely_ms": span.likely_ms,
            "most_ms": span.most_ms,
        })),
        "spread": forecast.spread.map(|spread| json!({
            "share": spread.share,
            "tables": spread.tables,
        })),
        "longest_chain": chain,
        "tables": tables,
        "rehearsal_ms": forecast.elapsed_ms,
        "problems": problems,
        "not_measured": forecast.not_measured,
        "left_behind": forecast.left_behind,
    })
}
