//! The right to create in a schema, lent to those who will own something there.
//!
//! Who is no superuser can give an object only to a role that might have made it where it stands. On the source such an owner may
//! have lost that right since, or a superuser gave him the object. A schema that is there already, the check asks about; one
//! that the run makes nobody can prepare, so the right is given for as long as objects are made, and taken back.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;

use crate::model::archive::Entry;
use crate::model::name::printable;
use crate::model::options::Keep;
use crate::model::plan::{Phase, StepId};
use crate::sql::lexer::{self, has_statement};
use crate::sql::new_roles;
use crate::sql::roles::{Grammar, named};

use super::Context;
use super::builder::{Draft, Steps};
use super::definitions::is_skipped;

/// A schema that the run makes, and the roles, under their names on the destination, that lack the right in it.
pub(super) struct Loan<'a> {
    pub(super) schema: &'a Entry,
    roles: BTreeSet<String>,
}

/// Roles that these statements name, by the source's names.
fn roles_of(grammar: Grammar, sql: &str) -> impl Iterator<Item = String> {
    named(grammar, sql).into_iter().map(|role| role.name)
}

/// What the grants of a schema say of one role: whether it may create there, and whether its owner has given rights up.
fn grants_of<'a>(acl: &'a str, verb: &'a str) -> impl Iterator<Item = &'a str> {
    let pieces = lexer::statements(acl).into_iter();
    pieces.filter(move |piece| piece.trim_start().starts_with(verb))
}

fn may_create(acl: &str, role: &str) -> bool {
    grants_of(acl, "GRANT ").any(|grant| {
        let (privileges, _) = grant.split_once(" ON ").unwrap_or((grant, ""));
        let has_it = privileges.contains("ALL") || privileges.contains("CREATE");
        has_it && roles_of(Grammar::Acl, grant).any(|name| name == role)
    })
}

pub(super) fn of<'a>(context: &Context<'a>) -> Vec<Loan<'a>> {
    let (inspection, options) = (context.inspection, context.options);
    if inspection.destination.is_superuser || options.owners == Keep::Skip {
        return Vec::new();
    }
    let carried = || {
        let entries = inspection.archive.entries.iter();
        entries.filter(|e| context.closure.carries(e) && !is_skipped(e, options))
    };
    let mut owners: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for entry in carried().filter(|entry| !entry.name.schema.is_empty()) {
        let sql = entry.owner_sql.as_deref().unwrap_or_default();
        let of_schema = owners.entry(&entry.name.schema).or_default();
        of_schema.extend(roles_of(Grammar::Owner, sql));
    }
    // By the schema's entry; looked for once, not for each of many schemas.
    let mut acls: HashMap<u32, &str> = HashMap::default();
    for entry in carried().filter(|entry| entry.kind == "ACL") {
        for schema in &entry.depends_on {
            acls.entry(*schema).or_insert(&entry.sql);
        }
    }
    let new = carried().filter(|entry| entry.kind == "SCHEMA" && has_statement(&entry.sql));
    new.filter_map(|schema| {
        let owner = roles_of(
            Grammar::Owner,
            schema.owner_sql.as_deref().unwrap_or_default(),
        )
        .next();
        let acl = acls.get(&schema.id).copied().unwrap_or_default();
        let has_given_up = |role: &str| {
            grants_of(acl, "REVOKE ")
                .any(|one| roles_of(Grammar::Acl, one).any(|name| name == role))
        };
        let lacks = |role: &&String| {
            (owner.as_ref() != Some(*role) || has_given_up(role)) && !may_create(acl, role)
        };
        let roles: BTreeSet<String> = owners
            .get(schema.name.name.as_str())?
            .iter()
            .filter(lacks)
            .map(|role| options.role_map.map_role(role).to_owned())
            .filter(|role| *role != inspection.destination.user)
            .collect();
        (!roles.is_empty()).then_some(Loan { schema, roles })
    })
    .collect()
}

impl Loan<'_> {
    fn title(&self) -> String {
        printable(&self.schema.name.name).into_owned()
    }

    /// Returns the step that all which stands in the schema waits for.
    pub(super) fn push(
        &self,
        context: &Context<'_>,
        steps: &mut Steps,
        made: Option<StepId>,
    ) -> StepId {
        let schema = &self.schema.name.name;
        let roles = self.roles.iter();
        let of_roles = roles.clone();
        steps.push(
            Draft::new(
                Phase::Schema,
                format_args!("Lend the right to create in schema {}", self.title()),
                "These roles own objects there, but may not create any; without this right only a superuser could make them owners. It is taken back when all objects are created.",
            )
            .key(format!("lend/{schema}"))
            .needs(made)
            .needs(of_roles.filter_map(|role| context.step_of_role.get(role).copied()))
            .transaction(roles.map(|role| new_roles::let_create_in(schema, role))),
        )
    }

    fn push_end(&self, steps: &mut Steps) {
        let schema = &self.schema.name.name;
        steps.push(
            Draft::new(
                Phase::Finish,
                format_args!("Take back the right to create in schema {}", self.title()),
                "All objects there are created; on the source these roles may not create any.",
            )
            .key(format!("lend/end/{schema}"))
            .transaction(
                self.roles
                    .iter()
                    .map(|role| new_roles::no_longer_create_in(schema, role)),
            ),
        );
    }
}

/// Before anything is granted that the source grants.
pub(super) fn push_ends(context: &Context<'_>, steps: &mut Steps) {
    for loan in of(context) {
        loan.push_end(steps);
    }
}
