//! The database itself: its settings, comment, limits and grants. Last of all, since they would hold for howdah's own sessions
//! too; each a step of its own, so that one which is refused is told and loses no other.

use crate::model::catalog::DatabaseSetting;
use crate::model::name::printable;
use crate::model::options::{Keep, SchemaChoice};
use crate::model::plan::{LeftOut, Phase, Rule};
use crate::sql::database;

use super::Context;
use super::builder::{Draft, Steps};

/// Whether the database itself is carried: not with some tables only, nor with rows alone.
fn is_wanted(context: &Context<'_>) -> bool {
    context.options.database_settings == Keep::Keep
        && context.options.schema == SchemaChoice::All
        && context.options.include.is_empty()
}

/// The switch that keeps writers from a source while another server takes over; there it would keep them out too.
fn is_switch(setting: &DatabaseSetting) -> bool {
    let value = setting.value.to_ascii_lowercase();
    let is_on = ["on", "true", "yes", "1"].iter().any(|word| {
        // As the server reads it: the first letters are enough where they can mean nothing else.
        *word == value || word.len() > 2 && !value.is_empty() && word.starts_with(&value)
    });
    setting.role.is_none() && setting.name == "default_transaction_read_only" && is_on
}

/// What is of the source's part in a switch, and not of the database.
pub(super) fn left_out(context: &Context<'_>) -> Vec<LeftOut> {
    if !is_wanted(context) {
        return Vec::new();
    }
    let source = &context.inspection.catalog.database;
    let settings = source.settings.iter().filter(|setting| is_switch(setting));
    let settings = settings.map(|setting| {
        let name = printable(&setting.name);
        format!(
            "setting {name} = {} of the database",
            printable(&setting.value)
        )
    });
    let limit = source.connection_limit.filter(|limit| *limit == 0);
    settings
        .chain(limit.map(|_| "connection limit 0 of the database".to_owned()))
        .map(|object| LeftOut {
            object,
            because: "it keeps writers away from the source, as for a switch; nobody could write to the destination"
                .to_owned(),
        })
        .collect()
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
    for setting in source.settings.iter().filter(|one| !is_switch(one)) {
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
    if let Some(limit) = source.connection_limit.filter(|limit| *limit != 0) {
        push(
            "Limit the connections to the database".to_owned(),
            "It is set last, because howdah's own sessions count too.",
            vec![database::connection_limit(name, limit)],
        );
    }
}
