//! Statements about roles themselves: made, joined, left. They belong to the whole server.

use super::quote::ident;

pub const MAY_CREATE_ROLES: &str =
    "SELECT rolcreaterole OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user";

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
    let how = if version_num >= 160_000 {
        " WITH INHERIT TRUE, SET TRUE"
    } else {
        ""
    };
    format!("GRANT {} TO {member}{how};", ident(name))
}

pub fn leave_role(name: &str, member: &str) -> String {
    format!("REVOKE {} FROM {};", ident(name), ident(member))
}
