//! x
use crate::model::plan::Plan;
use crate::model::problem::Problem;
pub fn script(_plan: &Plan) -> Result<String, Problem> {
    Err(Problem::new("Could not write the script", "not yet"))
}
