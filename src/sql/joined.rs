//! Rows that lie in several tables on one side and in one on the other: what each of them measures, as one.

use super::measure::Measurement;

/// The sum of what `measures` say, in their own form.
pub fn measure_joined(measures: &[String], measurement: Measurement) -> String {
    let all = measures.join("\nUNION ALL\n");
    if measurement == Measurement::Count {
        return format!("SELECT pg_catalog.sum(x.n)::pg_catalog.int8 FROM (\n{all}\n) AS x (n)");
    }
    format!(
        "SELECT pg_catalog.sum(x.n)::pg_catalog.int8, pg_catalog.sum(x.s::pg_catalog.numeric)::pg_catalog.text FROM (\n{all}\n) AS x (n, s)"
    )
}
