//! Rows by the pages they lie on: `ctid` is a row's page and its place there. From 14 on a server reads no other pages for such
//! a condition (manual, "System Columns"; `enable_tidscan`).

/// Rows on the pages from `from` up to, and without, `to`; up to the last where there is none.
pub fn within(from: u64, to: Option<u64>) -> String {
    let page = |number: u64| format!("'({number},0)'::pg_catalog.tid");
    let begin = format!("ctid >= {}", page(from));
    match to {
        Some(to) => format!("{begin} AND ctid < {}", page(to)),
        None => begin,
    }
}

/// The same of a whole range for a server before 14, which would read all pages for such a condition: the places of rows one by
/// one, so many on each page.
pub fn places(from: u64, to: u64, on_each: u64) -> String {
    let last = to.saturating_sub(1);
    format!(
        "ctid = ANY (ARRAY(SELECT pg_catalog.format('(%s,%s)', page, place)::pg_catalog.tid\n    \
         FROM pg_catalog.generate_series({from}, {last}) AS page, pg_catalog.generate_series(1, {on_each}) AS place))"
    )
}

/// Rows on the pages of any of these ranges.
pub fn within_any(ranges: impl IntoIterator<Item = (u64, Option<u64>)>) -> String {
    let ranges: Vec<String> = ranges
        .into_iter()
        .map(|(from, to)| within(from, to))
        .collect();
    ranges.join("\n    OR ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_range_is_open() {
        assert_eq!(
            within_any([(0, Some(10)), (20, None)]),
            "ctid >= '(0,0)'::pg_catalog.tid AND ctid < '(10,0)'::pg_catalog.tid\n    \
             OR ctid >= '(20,0)'::pg_catalog.tid"
        );
    }
}
