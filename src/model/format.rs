//! Numbers for people. Sizes have a fixed width, so that columns and live figures do not jump.
//!
//! A time that is still counting up is a clock; one that is over or expected names its units, and so does a range of them.

/// Bytes in powers of 1024, always 8 columns with at most three digits: `18.3 GiB`, ` 1.0 KiB`, ` 999 B  `.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["B  ", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = count as f64;
    let mut unit = 0;
    // 999.5 and not 1024: four digits would break the width.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value < 99.95);
    format!("{value:>4.digits$} {}", UNITS[unit])
}

/// The same without padding, for sentences: `18.3 GiB`.
pub fn bytes_plain(count: u64) -> String {
    bytes(count).trim().to_owned()
}

/// `1,234,567`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Three significant digits: `950`, `12.3 k`, `1.0 M`; for estimates and rates.
pub fn count_short(count: u64) -> String {
    const UNITS: [&str; 5] = ["", " k", " M", " G", " T"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value < 99.95);
    format!("{value:.digits$}{}", UNITS[unit])
}

/// `1 table`, `2 tables`.
pub fn counted(number: u64, singular: &str, plural: &str) -> String {
    format!(
        "{} {}",
        count(number),
        if number == 1 { singular } else { plural }
    )
}

/// `0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`, `3 d 04 h`; 11 columns at most.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..10 => format!("{}.{} s", seconds, ms % 1000 / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// Somewhere between two times, in one unit and no finer than such a thing is known: `9-12 s`, `2.5-3.1 min`, `13-17 min`.
pub fn duration_range(least_ms: u64, most_ms: u64) -> String {
    let least = (least_ms / 1000).max(1);
    let most = most_ms.div_ceil(1000).max(1);
    let (unit, name) = match most {
        0..120 => (1, "s"),
        120..7_200 => (60, "min"),
        7_200..172_800 => (3_600, "h"),
        _ => (86_400, "d"),
    };
    // A tenth where there are few of the unit.
    let (least, most) = if unit > 1 && most < 10 * unit {
        let tenths = |tenths: u64| format!("{}.{}", tenths / 10, tenths % 10);
        (
            tenths(least * 10 / unit),
            tenths((most * 10).div_ceil(unit)),
        )
    } else {
        ((least / unit).to_string(), most.div_ceil(unit).to_string())
    };
    if least == most {
        format!("{most} {name}")
    } else {
        format!("{least}-{most} {name}")
    }
}

/// A moment of RFC 3339 in UTC as people write it: `2026-03-01 08:30:00 UTC`.
pub fn moment(at: &str) -> String {
    at.replacen('T', " ", 1).replacen('Z', " UTC", 1)
}

/// A clock that counts up: `0:07`, `12:05`, `1:02:03`.
pub fn clock(ms: u64) -> String {
    let seconds = ms / 1000;
    if seconds < 3600 {
        format!("{}:{:02}", seconds / 60, seconds % 60)
    } else {
        format!(
            "{}:{:02}:{:02}",
            seconds / 3600,
            seconds % 3600 / 60,
            seconds % 60
        )
    }
}

/// A round trip: `0.4 ms`, `12 ms`, `1.2 s`.
pub fn latency(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{:.1} ms", micros as f64 / 1000.0),
        1_000..1_000_000 => format!("{} ms", micros / 1000),
        _ => format!("{:.1} s", micros as f64 / 1_000_000.0),
    }
}

/// Bytes of a size as people and PostgreSQL write it: `8192`, `64kB`, `512 MB`, `1.5GB`. Units are powers of 1024.
pub fn bytes_from(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return None,
    };
    let (whole, fraction) = number.trim().split_once('.').unwrap_or((number.trim(), ""));
    let whole: u64 = whole.parse().ok()?;
    let of_fraction = if fraction.is_empty() {
        0
    } else {
        let digits = u32::try_from(fraction.len())
            .ok()
            .filter(|digits| *digits <= 6)?;
        fraction.parse::<u64>().ok()?.checked_shl(shift)? / 10_u64.pow(digits)
    };
    whole.checked_mul(1 << shift)?.checked_add(of_fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_their_width() {
        for (number, text) in [
            (0, "   0 B  "),
            (999, " 999 B  "),
            (1000, " 1.0 KiB"),
            (1_048_576, " 1.0 MiB"),
            (102_348_800, "97.6 MiB"),
            (1_047_000_000, " 998 MiB"),
            (19_648_000_000, "18.3 GiB"),
        ] {
            assert_eq!(bytes(number), text);
            assert_eq!(bytes(number).len(), 8);
        }
        assert_eq!(bytes(u64::MAX).trim(), "16384 PiB");
        assert_eq!(bytes_plain(999), "999 B");
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, size) in [
            ("8192", Some(8192)),
            ("64kB", Some(64 << 10)),
            (" 512 MB ", Some(512 << 20)),
            ("1.5GB", Some(3 << 29)),
            ("2tib", Some(2 << 40)),
            ("GB", None),
            ("-1", None),
            ("1 furlong", None),
            ("99999999999TB", None),
            ("1.", Some(1)),
            ("", None),
        ] {
            assert_eq!(bytes_from(text), size, "{text}");
        }
    }

    #[test]
    fn counts_and_times_read_well() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(100), "100");
        assert_eq!(count_short(999), "999");
        assert_eq!(count_short(1_020_000), "1.0 M");
        assert_eq!(count_short(999_600), "1.0 M");
        assert_eq!(duration(400), "0.4 s");
        assert_eq!(duration(185_000), "3 min 05 s");
        assert_eq!(duration(7_620_000), "2 h 07 min");
        assert_eq!(clock(3_723_000), "1:02:03");
        assert_eq!(latency(400), "0.4 ms");
        assert_eq!(counted(1, "table", "tables"), "1 table");
    }

    #[test]
    fn a_range_is_told_no_finer_than_it_is_known() {
        for (least, most, words) in [
            (0, 0, "1 s"),
            (12, 17, "12-17 s"),
            (60, 119, "60-119 s"),
            (30, 150, "0.5-2.5 min"),
            (100, 150, "1.6-2.5 min"),
            (720, 1_000, "12-17 min"),
            (9_000, 12_000, "2.5-3.4 h"),
            (90_000, 120_000, "25-34 h"),
            (90_000, 180_000, "1.0-2.1 d"),
        ] {
            assert_eq!(duration_range(least * 1000, most * 1000), words);
        }
    }
}
