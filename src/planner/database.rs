//! The database itself: its settings, comment, limits and grants. Last of all, since they would hold for howdah's own sessions
//! too; each a step of its own, so that one which is refused is told and loses no other.

use crate::model::name::printable;
use crate::model::options::{Keep, SchemaChoice};
use crate::model::plan::{Phase, Rule};
use crate::sql::database;

use super::Context;
use super::builder::{Draft, Steps};

/// Whether the database itself is carried: not with some tables only, nor with rows alone.
fn is_wanted(context: &Context<'_>) -> bool {
    context.options.database_settings == Keep::Keep
        && context.options.schema == SchemaChoice::All
        && context.options.include.is_empty()
}

pub(super) fn push_settings(context: &Context<'_>, steps: &mut Steps) {
    if !is_wanted(context) {
        return;
    }
    let name = &context.inspection.destination_endpoint.database;
    let source = &context.inspection.catalog.database;
    let options = context.options;
    let mut push = |title: String, why: &'static str, sql: Vec<String>| {
        let last = steps.last_transaction();
        steps.push(
            Draft::new(Phase::CleanUp, title.clone(), why)
                .rule(Rule::Optional)
                .key(format!("database/{title}"))
                .needs([last])
                .in_last_transaction(sql),
        );
    };
    if let Some(comment) = &source.comment {
        push(
            "Comment on the database".to_owned(),
            "Comments are documentation kept in the database.",
            vec![database::comment(name, comment)],
        );
    }
    for setting in &source.settings {
        let whose = match &setting.role {
            Some(role) => format!("role {} in the database", printable(role)),
            None => "the database".to_owned(),
        };
        push(
            format!("Set {} of {whose}", printable(&setting.name)),
            "New sessions start with this value, as on the source. It is set last, because howdah's own sessions need other values.",
            vec![database::set(name, setting, options)],
        );
    }
    if source.is_template {
        push(
            "Mark the database as a template".to_owned(),
            "Others may be made from it, as on the source.",
            vec![database::mark_as_template(name)],
        );
    }
    // A database that was there before has an owner whom somebody chose.
    if options.owners == Keep::Keep && context.inspection.destination.database.is_none() {
        push(
            "Set the owner of the database".to_owned(),
            "This run created the database; it gets the same owner as on the source.",
            vec![database::own(name, &source.owner, options)],
        );
    }
    if let (Keep::Keep, Some(privileges)) = (options.privileges, &source.privileges) {
        push(
            "Grant privileges on the database".to_owned(),
            "Who may connect and create, as on the source.",
            database::grant(name, &source.owner, privileges, options),
        );
    }
    if let Some(limit) = source.connection_limit {
        push(
            "Limit the connections to the database".to_owned(),
            "It is set last, because howdah's own sessions count too.",
            vec![database::connection_limit(name, limit)],
        );
    }
}
