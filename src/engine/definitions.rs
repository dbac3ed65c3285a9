//! What pg_dump says of a side while a run is under way: whether the source is still the one that the plan was made from, and
//! whether the destination has come to say the same. It decides nothing about a difference but to name it.

use std::sync::Arc;

use crate::model::definition::DefinitionsResult;
use crate::model::problem::Problem;
use crate::pg::archive;
use crate::pg::client_tools::ClientTools;
use crate::pg::problem::problem;
use crate::planner::comparison::Comparison;
use crate::planner::definitions::Terms;
use crate::planner::dialect::Versions;
use crate::sql::large_objects::HAS_SOME;

use super::execute::Executor;
use super::sessions::Open;

impl Executor {
    pub(super) async fn compare_definitions(
        &self,
        is_whole: bool,
    ) -> Result<DefinitionsResult, Problem> {
        let tools = ClientTools::at(&self.plan.client_directory).await?;
        let terms = Terms {
            options: &self.plan.options,
            versions: Versions::of(&self.plan),
            is_whole,
            extensions_there: &self.plan.extensions_there,
            provider: self.plan.provider_there,
        };
        let there = self.sessions.destination();
        let comparison = Comparison::new(Arc::clone(&self.plan));
        let seen = archive::look(&tools, there, comparison, Comparison::see).await?;
        Ok(seen.end(&terms))
    }

    /// The plan was made from a source read earlier; what is carried must still be what was shown.
    pub(super) async fn check_source(&self, snapshot: &str, open: &Open) -> Result<(), Problem> {
        let changed = |what: &str| {
            Problem::new(
                "Could not start: the source has changed since the plan was made",
                what,
            )
            .hint(if self.plan.is_comparison {
                "Start the comparison again."
            } else {
                "Go back to Check, or run howdah resume: the plan is then made from the source as it is now."
            })
        };
        if self.plan.has_no_large_objects {
            let asked = open.client.query_typed_one(HAS_SOME, &[]).await;
            let row = asked.map_err(|error| problem("Could not look for large objects", &error))?;
            if row.get(0) {
                return Err(changed("it had no large objects, and has some now"));
            }
        }
        let tools = ClientTools::at(&self.plan.client_directory).await?;
        let source = self.sessions.source();
        let now = archive::digest(&tools, source, snapshot).await;
        // pg_dump's own words say that a statement was cancelled, and which.
        let now = now.map_err(|problem| {
            let said = [Some(&problem.message), problem.detail.as_ref()];
            if said.into_iter().flatten().any(|text| text.contains("timeout")) {
                problem.hint("Somebody waits to change, empty or drop a table of the source, and this run with them. Let that end or be cancelled first, then resume.")
            } else {
                problem
            }
        })?;
        if now == self.plan.schema_digest {
            return Ok(());
        }
        Err(changed(
            "an object was created, changed or dropped there meanwhile",
        ))
    }
}
