//! Owners and grantees on the destination: are they there, or will they be, and may this role act for them?

use std::collections::{BTreeSet, HashMap};

use crate::model::finding::{Finding, Fix, Level};
use crate::model::format::counted;
use crate::model::name::printable;
use crate::model::problem::Problem;
use crate::planner::roles::{self, RoleNeed};
use crate::sql::new_roles;

use super::{Facts, ask, ask_bool};

pub(super) async fn roles(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    let needs = roles::needs(facts.archive, facts.catalog, facts.selection, facts.options);
    let there: HashMap<&str, bool> = facts
        .destination_roles
        .iter()
        .map(|role| (role.name.as_str(), role.can_stand_in))
        .collect();
    let missing: BTreeSet<&str> = needs
        .iter()
        .map(|need| need.name.as_str())
        .filter(|name| !there.contains_key(name))
        .collect();
    let (predefined, missing): (Vec<&str>, Vec<&str>) = missing
        .into_iter()
        .partition(|name| roles::is_predefined(name));

    let mut findings: Vec<Finding> = mistakes(facts).into_iter().collect();
    if !predefined.is_empty() {
        findings.push(
            Finding::new(
                Level::Blocking,
                format!("{} predefined roles are missing on the destination", predefined.len()),
                "Roles whose names begin with pg_ come with PostgreSQL; this version lacks them and nobody can create them. Map them to roles of your own (--map-role OLD=NEW), or leave privileges out (--privileges skip). In the wizard, o opens these options.",
            )
            .objects(named(&predefined)),
        );
    }
    findings.extend(about_missing(facts, &needs, &missing).await?);
    findings.extend(about_standing_in(facts, &needs, &there).await?);
    findings.extend(about_creating(facts, &there).await?);
    if findings.is_empty() {
        let count = needs.iter().map(|n| &n.name).collect::<BTreeSet<_>>().len();
        findings.push(Finding::fine(match count {
            0 => "Nothing that is copied names a role".to_owned(),
            1 => "The one role that is named exists".to_owned(),
            _ => format!("All {count} roles that are named exist"),
        }));
    }
    Ok(findings)
}

fn mistakes(facts: &Facts<'_>) -> Option<Finding> {
    let problem = roles::check_map(facts.archive, facts.catalog, facts.options).err()?;
    Some(Finding::new(
        Level::Blocking,
        format!("{}: {}", problem.what, problem.message),
        problem.our_hint.unwrap_or_default(),
    ))
}

async fn about_missing(
    facts: &Facts<'_>,
    needs: &[RoleNeed],
    missing: &[&str],
) -> Result<Option<Finding>, Problem> {
    if missing.is_empty() {
        return Ok(None);
    }
    let inherits = |name: &str| {
        let like = needs.iter().find(|need| need.name == name);
        let like = like.and_then(|need| {
            let mut roles = facts.catalog.roles.iter();
            roles.find(|role| role.name == need.source_name)
        });
        like.is_none_or(|role| role.inherits)
    };
    let user = &facts.destination.user;
    let fixes: Vec<String> = missing
        .iter()
        .flat_map(|name| {
            let is_acting = needs.iter().any(|n| n.name == *name && n.is_acting);
            // Who is no superuser must be a member of the roles it gives objects to.
            let joined = (is_acting && !facts.destination.is_superuser)
                .then(|| new_roles::let_stand_in(name, user, facts.destination.version_num));
            [new_roles::create_role(name, inherits(name))]
                .into_iter()
                .chain(joined)
        })
        .collect();
    let may_create = ask_bool(
        facts.destination_client,
        "the right to create roles",
        new_roles::MAY_CREATE_ROLES,
    )
    .await?;
    let by = "a superuser or a role with CREATEROLE";
    let fix = Fix::on_destination(fixes, by, may_create);
    if !facts.options.create_roles {
        return Ok(Some(
            Finding::new(
                Level::Blocking,
                format!(
                    "{} missing on the destination",
                    counted(missing.len() as u64, "role is", "roles are")
                ),
                "They own objects or have rights on them. Three ways: let howdah create them, without login or password (--create-roles); give their part to existing roles (--map-role OLD=NEW); or leave owners and privileges out (--owners skip --privileges skip). In the wizard, o opens these options.",
            )
            .objects(named(missing))
            .fix(fix),
        ));
    }
    if may_create {
        return Ok(Some(Finding::fine(format!(
            "These roles will be created, without login or password: {}",
            named(missing).join(", ")
        ))));
    }
    Ok(Some(
        Finding::new(
            Level::Blocking,
            format!("{} may not create roles", printable(user)),
            "The destination lacks roles that own objects or have rights on them. Let an administrator create them, or map them to existing roles (--map-role OLD=NEW).",
        )
        .objects(named(missing))
        .fix(fix),
    ))
}

/// Objects are given away only by a member of their new owner, and privileges granted only by one of their grantor.
async fn about_standing_in(
    facts: &Facts<'_>,
    needs: &[RoleNeed],
    there: &HashMap<&str, bool>,
) -> Result<Option<Finding>, Problem> {
    let barred: BTreeSet<&str> = needs
        .iter()
        .filter(|need| need.is_acting && there.get(need.name.as_str()) == Some(&false))
        .map(|need| need.name.as_str())
        .collect();
    if barred.is_empty() {
        return Ok(None);
    }
    let barred: Vec<&str> = barred.into_iter().collect();
    let user = &facts.destination.user;
    let fixes: Vec<String> = barred
        .iter()
        .map(|name| new_roles::let_stand_in(name, user, facts.destination.version_num))
        .collect();
    let may = new_roles::may_grant(&barred, facts.destination.version_num);
    let may = ask_bool(facts.destination_client, "the right to grant roles", &may).await?;
    Ok(Some(
        Finding::new(
            Level::Blocking,
            format!(
                "{} may not act for {}",
                printable(user),
                counted(barred.len() as u64, "role", "roles")
            ),
            "Objects will belong to them, or rights are granted in their name, which only a member of these roles may do (one that inherits: ALTER ROLE … INHERIT). Become a member, map them to a role that you may act for (--map-role OLD=NEW), or leave owners and privileges out (--owners skip --privileges skip).",
        )
        .objects(named(&barred))
        .fix(Fix::on_destination(
            fixes,
            "a superuser or a role with ADMIN OPTION on them",
            may,
        )),
    ))
}

/// Who is no superuser gives an object only to a role that might have made it there.
async fn about_creating(
    facts: &Facts<'_>,
    there: &HashMap<&str, bool>,
) -> Result<Option<Finding>, Problem> {
    let user = &facts.destination.user;
    if facts.destination.is_superuser || facts.destination.database.is_none() {
        return Ok(None);
    }
    let mut pairs =
        roles::owners_in_old_schemas(facts.archive, facts.catalog, facts.selection, facts.options);
    pairs.retain(|(role, _)| role != user);
    let Some(sql) = new_roles::cannot_create_in(&pairs) else {
        return Ok(None);
    };
    let rows = ask(facts.destination_client, "rights on schemas", &sql).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let lacking: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let objects = lacking
        .iter()
        .map(|(role, schema)| format!("{} in {}", printable(role), printable(schema)));
    let fixes: Vec<String> = lacking
        .iter()
        .map(|(role, schema)| new_roles::let_create_in(schema, role))
        .collect();
    let schemas: BTreeSet<&str> = lacking.iter().map(|(_, schema)| schema.as_str()).collect();
    let may = new_roles::may_grant_create_in(schemas);
    let may = ask_bool(facts.destination_client, "rights on schemas", &may).await?;
    let mut fix = Fix::on_destination(fixes, "the schema's owner or a superuser", may);
    let is_to_come = |(role, _): &(String, String)| !there.contains_key(role.as_str());
    if facts.options.create_roles && lacking.iter().any(is_to_come) {
        fix = fix.left_to_you("Some of these roles are created only during the run, and nothing can be granted to them before that. Choose not to create roles (o), and this check offers both as SQL.");
    }
    Ok(Some(
        Finding::new(
            Level::Blocking,
            format!("{} owners may not create objects in the schemas where theirs belong", lacking.len()),
            "They own objects in schemas that exist on the destination already. Only a superuser may give an object to a role that may not create in its schema. Grant that right (to a missing role after creating it), or leave owners out (--owners skip).",
        )
        .objects(objects.collect())
        .fix(fix),
    ))
}

fn named(roles: &[&str]) -> Vec<String> {
    roles
        .iter()
        .map(|role| printable(role).into_owned())
        .collect()
}
