//! Grants on what pg_dump's archive of a schema does not hold: large objects, the database itself, the foreign-data wrapper.

use crate::model::catalog::Privilege;
use crate::model::options::{Keep, Options};

use super::quote::ident;
use super::statements;

/// Statements that give an object (`LARGE OBJECT 7`) the privileges it has on the source, to be run in one transaction.
pub(super) fn grants(
    object: &str,
    owner: &str,
    privileges: &[Privilege],
    options: &Options,
) -> Vec<String> {
    let role = |name: &str| ident(options.role_map.map_role(name));
    let owner = role(owner);
    let mut statements = Vec::new();
    // What the owner has by itself is taken first: it may have given up a part.
    if options.owners == Keep::Keep {
        statements.push(format!("REVOKE ALL ON {object} FROM {owner}"));
    }
    for one in privileges {
        let grantor = role(&one.grantor);
        let grantee = one.grantee.as_deref().map_or("PUBLIC".to_owned(), role);
        // Without owners there is another owner, who has all rights and is who grants.
        let is_by_owner = options.owners == Keep::Skip || grantor == owner;
        if options.owners == Keep::Skip && grantee == owner {
            continue;
        }
        let option = if one.is_grantable {
            " WITH GRANT OPTION"
        } else {
            ""
        };
        let grant = format!("GRANT {} ON {object} TO {grantee}{option}", one.privilege);
        if is_by_owner {
            statements.push(grant);
        } else {
            statements.extend([
                format!("SET LOCAL ROLE {grantor}"),
                grant,
                "RESET ROLE".to_owned(),
            ]);
        }
    }
    statements
}

/// What a superuser does once for a role that may not install postgres_fdw.
pub fn grant_fdw(role: &str, is_installed: bool) -> Vec<String> {
    let install = (!is_installed).then(|| format!("{};", statements::CREATE_FDW_EXTENSION));
    let grant = format!(
        "GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO {};",
        ident(role)
    );
    install.into_iter().chain([grant]).collect()
}
