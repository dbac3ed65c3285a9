//! stand-in
use crate::model::report::Report;
pub fn summary(r: &Report) -> String {
    let mut s = format!(
        "{:?}: {} tables {} rows\n",
        r.outcome,
        r.tables.len(),
        r.row_count()
    );
    for f in &r.failures {
        s.push_str(&format!("FAILED {}: {}\n", f.0, f.1));
    }
    s
}
pub fn markdown(r: &Report) -> String {
    format!("{r:#?}")
}
pub fn json(_r: &Report) -> String {
    "{}".into()
}
