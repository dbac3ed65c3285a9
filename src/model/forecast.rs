//! What a rehearsal found, and how long the real run will take by it.

use std::fmt;

use super::format::{bytes_from, bytes_plain, counted};
use super::name::ObjectName;
use super::options::Method;
use super::plan::{Phase, StepId};
use super::problem::Problem;

/// How a step of the real run follows from what the rehearsal did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Growth {
    /// The rehearsal's step; none where it had none.
    pub rehearsed: Option<StepId>,
    /// So many times the work.
    pub factor: f64,
    pub class: Class,
}

/// Steps of one class cost about the same where there is next to nothing to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    Rows,
    Index,
    Check,
    Compare,
    #[default]
    Other,
}

/// How much of each table a rehearsal carries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SampleSize {
    Bytes(u64),
    Rows(u64),
    /// Of its pages, more than 0 and at most 1.
    Share(f64),
}

impl Default for SampleSize {
    /// Enough to be beyond what a single step costs in any case, and there in a second or two.
    fn default() -> Self {
        Self::Bytes(64 << 20)
    }
}

impl SampleSize {
    /// `64MB`, `10000 rows` or `5%`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let size = if let Some(number) = text.strip_suffix("rows") {
            let number: Option<u64> = number.trim().parse().ok();
            number.filter(|rows| *rows > 0).map(Self::Rows)
        } else if let Some(number) = text.strip_suffix('%') {
            let number: Option<f64> = number.trim().parse().ok();
            let is_share = |percent: &f64| *percent > 0.0 && *percent <= 100.0;
            number
                .filter(is_share)
                .map(|percent| Self::Share(percent / 100.0))
        } else {
            bytes_from(text).filter(|bytes| *bytes > 0).map(Self::Bytes)
        };
        size.ok_or_else(|| {
            "give a size such as 64MB, a number such as 10000rows, or a share such as 5%".to_owned()
        })
    }

    /// Bytes of what has so many; a table whose rows are not known gives as much as usual.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a size"
    )]
    pub fn of(self, bytes: u64, rows: Option<u64>) -> u64 {
        match (self, rows.filter(|rows| *rows > 0)) {
            (Self::Bytes(wanted), _) => wanted,
            (Self::Share(share), _) => (bytes as f64 * share).ceil() as u64,
            (Self::Rows(wanted), Some(rows)) => {
                (bytes as f64 * (wanted as f64 / rows as f64)).ceil() as u64
            }
            (Self::Rows(_), None) => match Self::default() {
                Self::Bytes(usual) => usual,
                _ => bytes,
            },
        }
    }
}

impl fmt::Display for SampleSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => f.write_str(&bytes_plain(*bytes)),
            Self::Rows(rows) => f.write_str(&counted(*rows, "row", "rows")),
            Self::Share(share) => write!(f, "{} %", share * 100.0),
        }
    }
}

/// What of a table was carried.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: ObjectName,
    pub method: Method,
    /// The rehearsal's step that carried it.
    pub step: StepId,
    /// Of its pages; 1 where all were.
    pub share: f64,
    /// Of the whole table.
    pub table_bytes: u64,
    pub estimated_rows: Option<u64>,
    /// Filled in by the rehearsal.
    pub rows: u64,
    pub elapsed_ms: u64,
}

impl Sample {
    pub fn is_whole(&self) -> bool {
        self.share >= 1.0
    }

    /// Rows of the table, by those in the sample.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate of a count"
    )]
    pub fn rows_in_all(&self) -> u64 {
        if self.is_whole() {
            return self.rows;
        }
        (self.rows as f64 / self.share) as u64
    }
}

/// A time, and between what it is expected to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub least_ms: u64,
    pub likely_ms: u64,
    pub most_ms: u64,
}

/// How far apart the rates of tables were that took long enough to tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// So much slower, or faster, than the middle: one standard deviation of the rates' logarithms.
    pub share: f64,
    pub tables: usize,
}

/// A step of the longest chain: it starts when the one before it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    pub step: StepId,
    pub title: String,
    pub phase: Phase,
    pub likely_ms: u64,
    /// It did not need the one before it, only its place.
    pub waited_for_place: bool,
    /// The rehearsal did not measure it.
    pub is_guess: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    #[default]
    Done,
    /// Steps have failed that will fail in the real run too.
    Failed,
    /// What was made is not what the source has.
    Different,
    Cancelled,
}

impl Ending {
    /// 0 done, 1 failed, 4 different, 130 cancelled.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Different => 4,
            Self::Cancelled => 130,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    pub ending: Ending,
    pub source: String,
    /// The server and the database of the real run.
    pub destination: String,
    pub jobs: usize,
    /// None when the rehearsal did not get far enough.
    pub window: Option<Span>,
    /// None when too few tables took long enough: the range is then a rule of thumb.
    pub spread: Option<Spread>,
    pub chain: Vec<Link>,
    /// The largest tables first.
    pub samples: Vec<Sample>,
    pub elapsed_ms: u64,
    /// What will fail, or differ, in the real run too.
    pub problems: Vec<(String, Problem)>,
    /// One sentence each.
    pub not_measured: Vec<String>,
    /// Statements that remove the scratch database, where that did not succeed.
    pub left_behind: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_a_size_a_number_of_rows_or_a_share() {
        let parse = SampleSize::parse;
        assert_eq!(parse("64MB"), Ok(SampleSize::default()));
        assert_eq!(parse("10000 rows"), Ok(SampleSize::Rows(10_000)));
        assert_eq!(parse("5%"), Ok(SampleSize::Share(0.05)));
        for wrong in [
            "", "0", "0rows", "0%", "101%", "-1%", "many", "rows", "NaN%",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(SampleSize::Rows(10).of(1000, Some(100)), 100);
        assert_eq!(SampleSize::Rows(10).of(1000, None), 64 << 20);
        assert_eq!(SampleSize::Share(0.05).of(1000, None), 50);
        assert_eq!(SampleSize::Bytes(7).of(1000, Some(1)), 7);
    }
}
