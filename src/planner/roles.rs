//! Which roles the destination must have for what is carried, and the steps that make those it lacks.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashSet};

use crate::model::archive::{Archive, Entry};
use crate::model::catalog::Catalog;
use crate::model::inspection::Inspection;
use crate::model::name::printable;
use crate::model::options::{Keep, Options, SchemaChoice};
use crate::model::plan::{NewRole, Phase, StepId};
use crate::model::problem::Problem;
use crate::model::selection::Selection;
use crate::sql::lexer::has_statement;
use crate::sql::new_roles;
use crate::sql::roles::{Grammar, NamedRole, named};

use super::Context;
use super::builder::{Draft, Steps};
use super::closure::Closure;

/// A role of the source that a statement of the plan names, before it is mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleNeed {
    pub source_name: String,
    /// Under this name on the destination.
    pub name: String,
    /// It gets objects, or something is done in its name.
    pub is_acting: bool,
}

/// What a selection needs, by the source's names.
pub fn needs(
    archive: &Archive,
    catalog: &Catalog,
    selection: &Selection,
    options: &Options,
) -> Vec<RoleNeed> {
    let closure = match options.schema {
        SchemaChoice::All => Closure::of(archive, catalog, selection),
        SchemaChoice::None => Closure::default(),
    };
    needs_of(archive, catalog, &closure, options)
}

fn needs_of(
    archive: &Archive,
    catalog: &Catalog,
    closure: &Closure,
    options: &Options,
) -> Vec<RoleNeed> {
    let mut acting_by_name: BTreeMap<String, bool> = BTreeMap::new();
    let entries = archive
        .entries
        .iter()
        .filter(|entry| options.schema == SchemaChoice::All && closure.carries(entry))
        .flat_map(|entry| of_entry(entry, options));
    for role in entries.chain(of_large_objects(catalog, options)) {
        *acting_by_name.entry(role.name).or_default() |= role.is_acting;
    }
    acting_by_name
        .into_iter()
        .map(|(source_name, is_acting)| RoleNeed {
            name: options.role_map.map_role(&source_name).to_owned(),
            source_name,
            is_acting,
        })
        .collect()
}

/// The source's roles that the step of an entry names.
fn of_entry(entry: &Entry, options: &Options) -> Vec<NamedRole> {
    if super::definitions::is_skipped(entry, options) {
        return Vec::new();
    }
    let mut roles =
        Grammar::of_kind(&entry.kind).map_or_else(Vec::new, |grammar| named(grammar, &entry.sql));
    if let (Keep::Keep, Some(sql)) = (options.owners, &entry.owner_sql) {
        roles.extend(named(Grammar::Owner, sql));
    }
    roles
}

fn of_large_objects(catalog: &Catalog, options: &Options) -> Vec<NamedRole> {
    if options.owners == Keep::Skip || !super::carries_large_objects(options) {
        return Vec::new();
    }
    let owners = catalog.roles.iter().filter(|r| r.owns_large_objects);
    owners
        .map(|role| NamedRole {
            name: role.name.clone(),
            is_acting: true,
        })
        .collect()
}

/// Owners, under their names on the destination, with each schema that is there already and gets objects of theirs.
pub fn owners_in_old_schemas(
    archive: &Archive,
    catalog: &Catalog,
    selection: &Selection,
    options: &Options,
) -> BTreeSet<(String, String)> {
    if options.owners == Keep::Skip || options.schema == SchemaChoice::None {
        return BTreeSet::new();
    }
    let closure = Closure::of(archive, catalog, selection);
    let carried = || {
        let entries = archive.entries.iter();
        entries.filter(|e| closure.carries(e) && !super::definitions::is_skipped(e, options))
    };
    let new: HashSet<&str> = carried()
        .filter(|entry| entry.kind == "SCHEMA" && has_statement(&entry.sql))
        .map(|entry| entry.name.name.as_str())
        .collect();
    carried()
        .filter(|entry| !entry.name.schema.is_empty() && !new.contains(entry.name.schema.as_str()))
        .flat_map(|entry| {
            let sql = entry.owner_sql.as_deref().unwrap_or_default();
            let owners = named(Grammar::Owner, sql);
            owners.into_iter().map(|owner| {
                let name = options.role_map.map_role(&owner.name).to_owned();
                (name, entry.name.schema.to_string())
            })
        })
        .collect()
}

/// Every role that the source database has a use for, carried or not.
pub fn in_use(archive: &Archive, catalog: &Catalog) -> BTreeSet<String> {
    let everything = Options::default();
    needs_of(archive, catalog, &Closure::default(), &everything)
        .into_iter()
        .map(|need| need.source_name)
        .chain(
            catalog
                .roles
                .iter()
                .filter(|role| role.is_in_use)
                .map(|role| role.name.clone()),
        )
        .collect()
}

/// The mapping's mistakes, which it can have only beside a source: a role that is not there would silently keep its name.
pub fn check_map(archive: &Archive, catalog: &Catalog, options: &Options) -> Result<(), Problem> {
    let map = &options.role_map;
    let wrong = |message: String| Problem::new("The roles cannot be mapped", message);
    if let Some(ambiguity) = map.ambiguity() {
        return Err(wrong(ambiguity));
    }
    if map.is_empty() {
        return Ok(());
    }
    let used = in_use(archive, catalog);
    let unknown: Vec<_> = map
        .pairs()
        .iter()
        .map(|pair| pair.old.as_str())
        .filter(|old| !used.contains(*old))
        .map(printable)
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let used: Vec<_> = used.iter().map(|role| printable(role)).collect();
    Err(
        wrong(format!("the source has no use for {}", unknown.join(", "))).hint(format!(
            "Roles in use in the source database: {}. Names are written exactly so, upper and lower case too.",
            used.join(", ")
        )),
    )
}

/// PostgreSQL makes these itself; nobody else can.
pub fn is_predefined(name: &str) -> bool {
    name.starts_with("pg_")
}

/// A step for each role that the destination lacks; returns them by name.
pub(super) fn push_roles(
    context: &Context<'_>,
    steps: &mut Steps,
) -> (HashMap<String, StepId>, Vec<NewRole>) {
    let (mut step_of_role, mut made) = (HashMap::default(), Vec::new());
    let Inspection {
        archive,
        catalog,
        destination,
        destination_roles,
        ..
    } = context.inspection;
    if !context.options.create_roles {
        return (step_of_role, made);
    }
    let there: HashSet<&str> = destination_roles.iter().map(|r| r.name.as_str()).collect();
    let needs = needs_of(archive, catalog, &context.closure, context.options);
    for need in &needs {
        let name = need.name.as_str();
        if there.contains(name) || is_predefined(name) || step_of_role.contains_key(name) {
            continue;
        }
        let like = catalog.roles.iter().find(|r| r.name == need.source_name);
        let is_acting = needs.iter().any(|n| n.name == name && n.is_acting);
        // Who is no superuser must be a member of the roles it gives objects to.
        let is_joined = is_acting && !destination.is_superuser;
        let mut sql = vec![new_roles::create_role(
            name,
            like.is_none_or(|r| r.inherits),
        )];
        let mut why = "Objects belong to it or it has rights on them, and the destination server lacks it. It has neither login nor password, and stays, however the run ends.".to_owned();
        if is_joined {
            sql.push(new_roles::join_role(name, destination.version_num));
            why.push_str(
                " The connecting role becomes a member, to be able to give it its objects.",
            );
        }
        let step = steps.push(
            Draft::new(
                Phase::Prepare,
                format_args!("Create role {}", printable(name)),
                why,
            )
            .key(format!("prepare/role/{name}"))
            .transaction(sql),
        );
        step_of_role.insert(name.to_owned(), step);
        made.push(NewRole {
            step,
            name: name.to_owned(),
            logged_in: like.is_some_and(|r| r.can_log_in),
            is_joined,
        });
    }
    (step_of_role, made)
}

/// The steps that make the roles which an entry's step names.
pub(super) fn steps_of_entry(context: &Context<'_>, entry: &Entry) -> Vec<StepId> {
    if context.step_of_role.is_empty() {
        return Vec::new();
    }
    steps_of(context, &of_entry(entry, context.options))
}

/// Those that make the owners of large objects.
pub(super) fn steps_of_large_objects(context: &Context<'_>) -> Vec<StepId> {
    let roles = of_large_objects(&context.inspection.catalog, context.options);
    steps_of(context, &roles)
}

fn steps_of(context: &Context<'_>, roles: &[NamedRole]) -> Vec<StepId> {
    let map = &context.options.role_map;
    let steps = roles
        .iter()
        .filter_map(|role| context.step_of_role.get(map.map_role(&role.name)).copied());
    steps.collect()
}
