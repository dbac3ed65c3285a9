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
