//! Statements about roles themselves: made, joined, left. They belong to the whole server.

use crate::model::feature::Feature;

use super::quote::{ident, literal};

pub const MAY_CREATE_ROLES: &str =
    "SELECT rolcreaterole OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user";

/// Whether the connecting role may make others members of all of these. Before 16, CREATEROLE is enough.
pub fn may_grant(roles: &[&str], version_num: u32) -> String {
    let names: Vec<String> = roles.iter().map(|role| literal(role)).collect();
    let creates = if Feature::MembershipOptions.is_in(version_num) {
        "false"
    } else {
        "(SELECT rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = current_user)"
    };
    format!(
        "SELECT coalesce(pg_catalog.bool_and(pg_catalog.pg_has_role(oid, 'MEMBER WITH ADMIN OPTION') OR NOT rolsuper AND {creates}), false) \
         FROM pg_catalog.pg_roles WHERE rolname IN ({})",
        names.join(", ")
    )
}

/// Whether the connecting role may let others create in all of these schemas.
pub fn may_grant_create_in<'a>(schemas: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = schemas.into_iter().map(literal).collect();
    format!(
        "SELECT coalesce(pg_catalog.bool_and(pg_catalog.has_schema_privilege(oid, 'CREATE WITH GRANT OPTION')), false) \
         FROM pg_catalog.pg_namespace WHERE nspname IN ({})",
        names.join(", ")
    )
}

/// Without login and password, whatever the source's role has: a password cannot be read there.
pub fn create_role(name: &str, inherits: bool) -> String {
    let inherit = if inherits { "INHERIT" } else { "NOINHERIT" };
    format!("CREATE ROLE {} NOLOGIN {inherit};", ident(name))
}

/// The password stands for one that the user chooses.
pub fn let_log_in(name: &str) -> String {
    format!("ALTER ROLE {} LOGIN PASSWORD '…';", ident(name))
}

/// Makes the connecting role a member.
pub fn join_role(name: &str, version_num: u32) -> String {
    grant_role(name, "CURRENT_USER", version_num)
}

/// From 16 on a membership says by itself what may be done with it; before, the member's INHERIT decides.
pub fn let_stand_in(name: &str, member: &str, version_num: u32) -> String {
    grant_role(name, &ident(member), version_num)
}

fn grant_role(name: &str, member: &str, version_num: u32) -> String {
    let how = if Feature::MembershipOptions.is_in(version_num) {
        " WITH INHERIT TRUE, SET TRUE"
    } else {
        ""
    };
    format!("GRANT {} TO {member}{how};", ident(name))
}

pub fn leave_role(name: &str, member: &str) -> String {
    format!("REVOKE {} FROM {};", ident(name), ident(member))
}

/// Which of these (role, schema) lack the right that owning an object there takes. A role yet to be made has what PUBLIC has.
pub fn cannot_create_in<'a>(
    pairs: impl IntoIterator<Item = &'a (String, String)>,
) -> Option<String> {
    let rows: Vec<String> = pairs
        .into_iter()
        .map(|(role, schema)| format!("({}, {})", literal(role), literal(schema)))
        .collect();
    (!rows.is_empty()).then(|| {
        format!(
            "SELECT v.role, v.schema FROM (VALUES {}) AS v (role, schema) \
             JOIN pg_catalog.pg_namespace AS n ON n.nspname = v.schema \
             LEFT JOIN pg_catalog.pg_roles AS r ON r.rolname = v.role \
             WHERE NOT CASE WHEN r.oid IS NULL THEN pg_catalog.has_schema_privilege('public', n.oid, 'CREATE') \
             ELSE pg_catalog.has_schema_privilege(r.oid, n.oid, 'CREATE') END ORDER BY 2, 1",
            rows.join(", ")
        )
    })
}

pub fn no_longer_create_in(schema: &str, role: &str) -> String {
    format!(
        "REVOKE CREATE ON SCHEMA {} FROM {};",
        ident(schema),
        ident(role)
    )
}

pub fn let_create_in(schema: &str, role: &str) -> String {
    format!(
        "GRANT CREATE ON SCHEMA {} TO {};",
        ident(schema),
        ident(role)
    )
}
