//! Row filters, judged by the source before anything is planned. They are prepared, never run.

use crate::model::connection::Endpoint;
use crate::model::inspection::Inspection;
use crate::model::problem::Problem;
use crate::model::selection::{Carry, Selection};
use crate::pg::problem::problem;
use crate::sql::lexer::{TokenKind, tokens};
use crate::sql::{settings, statements};

use super::pinned;

/// The first filter that the source does not understand, or that is more than a condition.
pub async fn check(
    source: &Endpoint,
    inspection: &Inspection,
    selection: &Selection,
) -> Result<(), Problem> {
    let tables = inspection.catalog.tables.iter().enumerate();
    let filtered: Vec<_> = tables
        .filter(|(at, _)| selection.tables.get(*at) == Some(&Carry::RowsAndStructure))
        .filter_map(|(at, table)| Some((&table.name, selection.filter(at)?)))
        .collect();
    if filtered.is_empty() {
        return Ok(());
    }
    let session = pinned(source, &settings::source(inspection.source.version_num)).await?;
    for (name, filter) in filtered {
        let what = format!("Could not use the filter of {name}");
        if let Some(reason) = is_more_than_a_condition(filter) {
            return Err(Problem::new(what, reason)
                .hint("Write one expression, as it would stand after WHERE."));
        }
        let sql = statements::try_filter(name, filter);
        let prepared = session.client.prepare(&sql).await;
        let statement = prepared.map_err(|error| Problem {
            statement: Some(sql.clone()),
            our_hint: Some("Correct the condition; names are looked up in pg_catalog only, so write functions and types of other schemas with their schema in front.".to_owned()),
            ..problem(what.clone(), &error)
        })?;
        if !statement.params().is_empty() {
            return Err(Problem::new(what, "it holds a parameter such as $1")
                .hint("Write the value itself."));
        }
    }
    Ok(())
}

/// What would end the parentheses that the condition is put into.
pub fn is_more_than_a_condition(filter: &str) -> Option<&'static str> {
    let mut depth = 0_i32;
    for token in tokens(filter).filter(|token| token.kind == TokenKind::Punctuation) {
        match token.text {
            "(" => depth += 1,
            ")" => depth -= 1,
            ";" => return Some("it holds a semicolon"),
            _ => {}
        }
        if depth < 0 {
            return Some("it closes a parenthesis that it has not opened");
        }
    }
    (depth > 0).then_some("it opens a parenthesis that it does not close")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_conditions_pass() {
        assert_eq!(is_more_than_a_condition("a in (1, 2) and b <> ');'"), None);
        assert!(is_more_than_a_condition("true) or (true").is_some());
        assert!(is_more_than_a_condition("true; drop table a").is_some());
        assert!(is_more_than_a_condition("(a").is_some());
    }
}
