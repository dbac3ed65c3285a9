//! What a short sample of both methods between two servers has shown, and which of them suits.

use super::format;
use super::problem::Problem;

/// Rows of one table, carried by one method and taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed {
    pub rows: u64,
    /// As COPY sends them.
    pub bytes: u64,
    pub micros: u64,
}

/// Both methods, tried one after the other on the same table.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The table's name, for people; none: no table was large enough, and rows were made of the source's own catalog.
    pub table: Option<String>,
    pub copy: Result<Speed, Problem>,
    pub fdw: Result<Speed, Problem>,
}

impl Speed {
    pub fn rows_per_second(&self) -> u64 {
        per_second(self.rows, self.micros)
    }

    pub fn bytes_per_second(&self) -> u64 {
        per_second(self.bytes, self.micros)
    }

    /// Shorter than this, the time says more about the beginning than about the rows.
    fn is_short(&self) -> bool {
        self.micros < 200_000
    }
}

fn per_second(count: u64, micros: u64) -> u64 {
    let rate = u128::from(count) * 1_000_000 / u128::from(micros.max(1));
    u64::try_from(rate).unwrap_or(u64::MAX)
}

impl Sample {
    /// How long each round may take at most, on both servers.
    pub const MOST_SECONDS: u32 = 15;
    /// The whole of it, connections and all.
    pub const LIMIT_SECONDS: u32 = 60;

    /// Both ways are open, and one was so quickly at its end that its time says nothing.
    pub fn has_too_few_rows(&self) -> bool {
        match (&self.copy, &self.fdw) {
            (Ok(copy), Ok(fdw)) => copy.is_short() || fdw.is_short(),
            _ => false,
        }
    }

    /// Which method suits, as a sentence.
    pub fn advice(&self) -> String {
        let (copy, fdw) = match (&self.copy, &self.fdw) {
            (Ok(copy), Ok(fdw)) => (copy, fdw),
            (Ok(_), Err(_)) => {
                return "COPY works between these servers; FDW could not be tried. f sets the address at which the destination reaches the source.".to_owned();
            }
            (Err(_), Ok(_)) => {
                return "FDW works between these servers; COPY could not be tried.".to_owned();
            }
            (Err(_), Err(_)) => return "Neither method could be tried.".to_owned(),
        };
        if self.has_too_few_rows() {
            let rows = format::counted(copy.rows.min(fdw.rows), "row", "rows");
            return format!(
                "{rows} are too few to judge by; COPY needs nothing from the destination server and is the safe choice."
            );
        }
        let (one, other) = (copy.rows_per_second(), fdw.rows_per_second());
        // A difference below a tenth is within what two samples differ by anyway.
        if one.abs_diff(other) <= one.max(other) / 10 {
            "Both are equally fast: COPY, which needs nothing from the destination server, suits these servers.".to_owned()
        } else if one > other {
            "COPY is faster and suits these servers; o chooses the method.".to_owned()
        } else {
            "FDW is faster and suits these servers; o chooses the method.".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(copy: u64, fdw: u64) -> String {
        let speed = |micros| Speed {
            rows: 1000,
            bytes: 50_000,
            micros,
        };
        Sample {
            table: Some("public.film".to_owned()),
            copy: Ok(speed(copy)),
            fdw: Ok(speed(fdw)),
        }
        .advice()
    }

    #[test]
    fn the_faster_one_suits_if_the_difference_says_anything() {
        assert!(sample(1_000_000, 2_000_000).starts_with("COPY is faster"));
        assert!(sample(2_000_000, 1_000_000).starts_with("FDW is faster"));
        assert!(sample(1_000_000, 1_050_000).starts_with("Both are equally fast"));
        assert!(sample(1_000, 2_000_000).contains("too few"));
    }

    #[test]
    fn rates_are_of_a_second() {
        let speed = Speed {
            rows: 500,
            bytes: 4_000,
            micros: 2_000_000,
        };
        assert_eq!(
            (speed.rows_per_second(), speed.bytes_per_second()),
            (250, 2_000)
        );
    }
}
