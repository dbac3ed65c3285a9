//! The scratch database of a rehearsal: how it is named, found and removed.

use crate::model::feature::Feature;

use super::quote::{ident, literal};

const PREFIX: &str = "howdah_rehearsal_";

/// A name that no other rehearsal has: `number` is random.
pub fn name(number: u64) -> String {
    format!("{PREFIX}{number:016x}")
}

/// Scratch databases on the server that the connecting role may drop, with the number of sessions in each, or at work for it.
pub const FIND: &str = "SELECT d.datname::text, \
     (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid \
     OR a.application_name = 'howdah for ' || d.datname) \
     FROM pg_catalog.pg_database d WHERE d.datname ~ '^howdah_rehearsal_[0-9a-f]{16}$' \
     AND pg_catalog.pg_has_role(d.datdba, 'MEMBER') ORDER BY 1";

/// Removes it whatever is connected to it: its own role's sessions are ended first.
pub fn drop(name: &str, version_num: u32) -> Vec<String> {
    if Feature::DropDatabaseForce.is_in(version_num) {
        return vec![format!(
            "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            ident(name)
        )];
    }
    vec![
        format!(
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = {}",
            literal(name)
        ),
        drop_unused(name),
    ]
}

/// The same of one that nobody uses; refused while somebody does.
pub fn drop_unused(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS {}", ident(name))
}

/// What a role needs to make one.
pub fn let_create(role: &str) -> String {
    format!("ALTER ROLE {} CREATEDB;", ident(role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_database_is_dropped_with_its_sessions() {
        assert_eq!(name(0x1f), "howdah_rehearsal_000000000000001f");
        assert_eq!(
            drop("a", 150_000),
            ["DROP DATABASE IF EXISTS a WITH (FORCE)"]
        );
        assert_eq!(drop("a", 120_000).len(), 2);
    }
}
