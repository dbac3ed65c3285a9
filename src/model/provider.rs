//! Managed services: by which signs each is told, and what of a database is its own and not its user's. Plain data; it asks no
//! server.

use std::collections::BTreeSet;

use super::archive::Entry;

/// What a server shows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    roles: BTreeSet<String>,
    superusers: BTreeSet<String>,
    /// Prefixes of settings (`rds` of `rds.extensions`), and whole names of a few.
    settings: BTreeSet<String>,
    schemas: BTreeSet<String>,
}

/// A managed service, and what it puts into its users' databases for itself.
#[derive(Debug)]
pub struct Profile {
    pub name: &'static str,
    is_it: fn(&Signs) -> bool,
    /// Its own as a whole.
    schemas: &'static [&'static str],
    /// Users' extensions stand there too; its own is what belongs to its roles.
    shared_schemas: &'static [&'static str],
    /// Nobody else has these.
    pub extensions: &'static [&'static str],
    publications: &'static [&'static str],
    /// As which it works.
    roles: &'static [&'static str],
    /// What to know where it is the destination.
    pub as_destination: &'static str,
    /// Why what looks like its own is carried all the same; empty: there is no such thing.
    pub carried: &'static str,
}

/// All of them without anything of their own.
const BARE: Profile = Profile {
    name: "",
    is_it: |_| false,
    schemas: &[],
    shared_schemas: &[],
    extensions: &[],
    publications: &[],
    roles: &[],
    as_destination: "",
    carried: "",
};

/// The special ones stand before those they are made from: Aurora has the roles of RDS. A role that only its service can have
/// made (its superuser) or a setting of its own is asked for beside the role that users get: a server to which somebody moved
/// away from a service has that role too.
static PROFILES: [Profile; 10] = [
    Profile {
        name: "Amazon Aurora",
        is_it: |signs| is_rds(signs) && signs.has_setting_like(&["aurora_", "apg_"]),
        extensions: &[
            "apg_plan_mgmt",
            "aws_commons",
            "aws_lambda",
            "aws_ml",
            "aws_s3",
            "rds_tools",
        ],
        roles: &["rdsadmin", "rds_superuser"],
        as_destination: "Connect to the cluster's writer endpoint. Its first role is a member of rds_superuser, no superuser.",
        ..BARE
    },
    Profile {
        name: "Amazon RDS",
        is_it: is_rds,
        extensions: &["aws_commons", "aws_lambda", "aws_s3", "rds_tools"],
        roles: &["rdsadmin", "rds_superuser"],
        as_destination: "Its first role is a member of rds_superuser, no superuser; extensions are those that RDS lists for this version.",
        ..BARE
    },
    Profile {
        name: "Google AlloyDB",
        is_it: |signs| {
            signs.has_role("alloydbsuperuser")
                && (signs.has_superuser("alloydbadmin") || signs.has_setting("alloydb"))
        },
        schemas: &["google_ml"],
        extensions: &[
            "alloydb_scann",
            "google_columnar_engine",
            "google_db_advisor",
            "google_ml_integration",
        ],
        roles: &["alloydbadmin", "alloydbsuperuser"],
        as_destination: "Its first role is a member of alloydbsuperuser, no superuser.",
        ..BARE
    },
    Profile {
        name: "Google Cloud SQL",
        is_it: |signs| {
            signs.has_role("cloudsqlsuperuser")
                && (signs.has_superuser("cloudsqladmin") || signs.has_setting("cloudsql"))
        },
        schemas: &["google_ml"],
        extensions: &["google_insights", "google_ml_integration"],
        roles: &["cloudsqladmin", "cloudsqlsuperuser"],
        as_destination: "Its first role is a member of cloudsqlsuperuser, no superuser.",
        ..BARE
    },
    Profile {
        name: "Azure Database for PostgreSQL",
        is_it: |signs| {
            signs.has_role("azure_pg_admin")
                && (signs.has_superuser("azuresu") || signs.has_setting("azure"))
        },
        extensions: &["azure", "azure_ai", "azure_storage", "pgaadauth"],
        roles: &["azuresu", "azure_pg_admin"],
        as_destination: "An extension can be created only if the server parameter azure.extensions names it.",
        ..BARE
    },
    Profile {
        name: "Supabase",
        is_it: |signs| signs.has_superuser("supabase_admin") && signs.has_role("authenticator"),
        schemas: &[
            "_analytics",
            "_realtime",
            "_supavisor",
            "auth",
            "graphql",
            "graphql_public",
            "pgbouncer",
            "pgsodium",
            "pgsodium_masks",
            "realtime",
            "storage",
            "supabase_functions",
            "vault",
        ],
        shared_schemas: &["extensions"],
        extensions: &["pg_graphql", "pgsodium", "supabase_vault"],
        publications: &[
            "supabase_realtime",
            "supabase_realtime_messages_publication",
        ],
        roles: &[
            "supabase_admin",
            "supabase_auth_admin",
            "supabase_storage_admin",
            "supabase_functions_admin",
            "supabase_realtime_admin",
            "supabase_replication_admin",
            "supabase_etl_admin",
            "supabase_read_only_user",
        ],
        as_destination: "Connect to the database's own port, not to the pooler. Its own schemas (auth, storage …) are there already.",
        ..BARE
    },
    Profile {
        name: "Neon",
        is_it: |signs| {
            signs.has_role("neon_superuser")
                && (signs.has_superuser("cloud_admin") || signs.has_setting("neon"))
        },
        schemas: &["neon_auth", "neon_migration"],
        extensions: &["neon", "neon_utils"],
        roles: &["cloud_admin", "neon_superuser"],
        as_destination: "Connect without -pooler in the host's name; a branch that sleeps wakes at the first connection.",
        ..BARE
    },
    Profile {
        name: "Timescale Cloud",
        is_it: |signs| {
            signs.has_role("tsdbadmin")
                && (signs.has_role("tsdbowner") || signs.has_setting("timescaledb"))
        },
        as_destination: "Hypertables need calls of the extension's own functions around the copy (timescaledb_pre_restore); howdah does not make them.",
        carried: "The schemas _timescaledb_… are not left out: they hold the rows of hypertables.",
        ..BARE
    },
    Profile {
        name: "Aiven",
        is_it: |signs| {
            signs.has_role("avnadmin") && (signs.has_role("_aiven") || signs.has_setting("aiven"))
        },
        extensions: &["aiven_extras"],
        roles: &["_aiven"],
        as_destination: "Its first role, avnadmin, is no superuser; extensions are those that Aiven lists.",
        ..BARE
    },
    Profile {
        name: "Heroku Postgres",
        is_it: |signs| signs.schemas.contains("_heroku") || signs.schemas.contains("heroku_ext"),
        schemas: &["_heroku"],
        shared_schemas: &["heroku_ext"],
        as_destination: "There are no other roles than the one you have been given: leave out owners and privileges.",
        ..BARE
    },
];

fn is_rds(signs: &Signs) -> bool {
    signs.has_role("rds_superuser") && (signs.has_superuser("rdsadmin") || signs.has_setting("rds"))
}

impl Signs {
    /// Each a kind and a name.
    pub fn of(rows: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut signs = Self::default();
        for (kind, name) in rows {
            match kind.as_str() {
                "role" => signs.roles.insert(name),
                "superuser" => signs.superusers.insert(name),
                "setting" => signs.settings.insert(name),
                _ => signs.schemas.insert(name),
            };
        }
        signs
    }

    /// None: a server of one's own, or a service that leaves no sign.
    pub fn recognise(&self) -> Option<&'static Profile> {
        PROFILES.iter().find(|profile| (profile.is_it)(self))
    }

    fn has_role(&self, name: &str) -> bool {
        self.roles.contains(name)
    }

    fn has_superuser(&self, name: &str) -> bool {
        self.superusers.contains(name)
    }

    fn has_setting(&self, prefix: &str) -> bool {
        self.settings.contains(prefix)
    }

    fn has_setting_like(&self, beginnings: &[&str]) -> bool {
        let mut names = self.settings.iter();
        names.any(|name| beginnings.iter().any(|one| name.starts_with(one)))
    }
}

/// There is one of each name.
impl PartialEq for Profile {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Profile {
    /// Beside the name of what is its own.
    pub fn mark(&self) -> String {
        format!("{}'s own", self.name)
    }

    /// The schema is its own as a whole.
    pub fn has_schema(&self, schema: &str) -> bool {
        self.schemas.contains(&schema)
    }

    fn shares_schema(&self, schema: &str) -> bool {
        self.shared_schemas.contains(&schema)
    }

    pub fn has_role(&self, role: &str) -> bool {
        self.roles.contains(&role)
    }

    /// The object is its own. What it has of extensions is not asked here.
    pub fn owns(&self, entry: &Entry) -> bool {
        let name = entry.name.name.as_str();
        match entry.kind.as_str() {
            "SCHEMA" => self.has_schema(name),
            "EVENT TRIGGER" => self.has_role(&entry.owner),
            "PUBLICATION" => self.publications.contains(&name),
            "DEFAULT ACL" => self.has_role(&entry.owner) || self.has_schema(&entry.name.schema),
            "ACL" | "COMMENT" | "SECURITY LABEL" if name.starts_with("SCHEMA ") => name
                .strip_prefix("SCHEMA ")
                .is_some_and(|one| self.has_schema(one)),
            _ => self.is_in_its_schemas(&entry.name.schema, &entry.owner),
        }
    }

    /// The same of what a destination holds, of which less is known: a schema that users share is there too.
    pub fn has_there(&self, kind: &str, schema: &str, name: &str) -> bool {
        match kind {
            "schema" => self.has_schema(name) || self.shares_schema(name),
            _ => self.has_schema(schema) || self.shares_schema(schema),
        }
    }

    fn is_in_its_schemas(&self, schema: &str, owner: &str) -> bool {
        self.has_schema(schema) || (self.shares_schema(schema) && self.has_role(owner))
    }

    /// Made by the service in each database, so it cannot be made a second time there.
    pub fn makes_schema(&self, entry: &Entry) -> bool {
        let name = entry.name.name.as_str();
        match entry.kind.as_str() {
            "SCHEMA" => self.shares_schema(name),
            "ACL" | "COMMENT" => name
                .strip_prefix("SCHEMA ")
                .is_some_and(|one| self.shares_schema(one)),
            _ => false,
        }
    }
}

/// What of the source belongs to the service that runs it, beside the destination of this migration.
#[derive(Clone, Debug)]
pub struct Provided {
    pub by: &'static Profile,
    /// The destination is run by the same service, and has its own.
    pub is_there: bool,
    /// Its extensions that the destination server does not offer.
    pub extensions: BTreeSet<String>,
}

impl Provided {
    /// Why it is not ticked by itself, and what ticking it means.
    pub fn meaning(&self) -> String {
        let name = self.by.name;
        if self.is_there {
            format!(
                "Belongs to {name}, which has its own on the destination: left out unless you tick it, and the two clash if you do."
            )
        } else {
            format!(
                "Belongs to {name}, and only its own programs use it: left out unless you tick it. Everything else in its schema is then copied too."
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::ObjectName;

    fn signs(rows: &[(&str, &str)]) -> Signs {
        let rows = rows.iter();
        Signs::of(rows.map(|(kind, name)| ((*kind).to_owned(), (*name).to_owned())))
    }

    fn entry(kind: &str, schema: &str, name: &str, owner: &str) -> Entry {
        Entry {
            kind: kind.to_owned().into(),
            name: ObjectName::new(schema.to_owned(), name.to_owned()),
            owner: owner.to_owned().into(),
            ..Entry::default()
        }
    }

    #[test]
    fn each_provider_is_told_by_its_signs() {
        for (rows, name) in [
            (
                &[("role", "rds_superuser"), ("setting", "rds")][..],
                "Amazon RDS",
            ),
            (
                &[
                    ("role", "rds_superuser"),
                    ("superuser", "rdsadmin"),
                    ("setting", "aurora_compute_plan_id"),
                ],
                "Amazon Aurora",
            ),
            (
                &[
                    ("role", "cloudsqlsuperuser"),
                    ("superuser", "cloudsqladmin"),
                ],
                "Google Cloud SQL",
            ),
            (
                &[
                    ("role", "alloydbsuperuser"),
                    ("superuser", "alloydbadmin"),
                    ("role", "cloudsqlsuperuser"),
                ],
                "Google AlloyDB",
            ),
            (
                &[("role", "azure_pg_admin"), ("setting", "azure")],
                "Azure Database for PostgreSQL",
            ),
            (
                &[("superuser", "supabase_admin"), ("role", "authenticator")],
                "Supabase",
            ),
            (
                &[("role", "neon_superuser"), ("superuser", "cloud_admin")],
                "Neon",
            ),
            (
                &[("role", "tsdbadmin"), ("setting", "timescaledb")],
                "Timescale Cloud",
            ),
            (&[("role", "avnadmin"), ("role", "_aiven")], "Aiven"),
            (&[("schema", "_heroku")], "Heroku Postgres"),
        ] {
            let found = signs(rows).recognise().map(|profile| profile.name);
            assert_eq!(found, Some(name));
        }
    }

    #[test]
    fn a_server_that_only_looks_like_one_is_nobodys() {
        for rows in [
            // What somebody brings along who moves away, and roles that anybody may make.
            &[("role", "supabase_admin"), ("role", "authenticator")][..],
            &[("role", "rds_superuser"), ("role", "rdsadmin")],
            &[("role", "neon_superuser")],
            &[("role", "cloudsqlsuperuser")],
            &[("role", "azure_pg_admin")],
            &[("role", "avnadmin")],
            &[("setting", "pg_stat_statements"), ("role", "rdsadmin")],
            &[("setting", "timescaledb")],
            &[("schema", "auth")],
        ] {
            let found = signs(rows).recognise().map(|profile| profile.name);
            assert_eq!(found, None, "{rows:?}");
        }
    }

    fn profile(name: &str) -> &'static Profile {
        PROFILES.iter().find(|one| one.name == name).unwrap()
    }

    #[test]
    fn each_profile_knows_its_own_and_leaves_the_users() {
        let supabase = profile("Supabase");
        for own in [
            entry("SCHEMA", "", "auth", "supabase_admin"),
            entry("ACL", "", "SCHEMA auth", "supabase_admin"),
            entry("TABLE", "auth", "users", "supabase_auth_admin"),
            entry("FUNCTION", "extensions", "watch()", "supabase_admin"),
            entry("EVENT TRIGGER", "", "pgrst_ddl_watch", "supabase_admin"),
            entry(
                "DEFAULT ACL",
                "public",
                "DEFAULT PRIVILEGES FOR TABLES",
                "supabase_admin",
            ),
            entry("PUBLICATION", "", "supabase_realtime", "postgres"),
        ] {
            assert!(supabase.owns(&own), "{own:?}");
        }
        for users in [
            entry("SCHEMA", "", "extensions", "postgres"),
            entry("FUNCTION", "extensions", "mine()", "postgres"),
            entry("TABLE", "public", "users", "postgres"),
            entry("TABLE", "public", "auth", "supabase_admin"),
            entry("EVENT TRIGGER", "", "mine", "postgres"),
            entry(
                "DEFAULT ACL",
                "public",
                "DEFAULT PRIVILEGES FOR TABLES",
                "postgres",
            ),
            entry("SCHEMA", "", "supabase_migrations", "postgres"),
        ] {
            assert!(!supabase.owns(&users), "{users:?}");
        }
        let neon = profile("Neon");
        let default = |owner| {
            entry(
                "DEFAULT ACL",
                "public",
                "DEFAULT PRIVILEGES FOR TABLES",
                owner,
            )
        };
        assert!(neon.owns(&default("cloud_admin")) && !neon.owns(&default("app")));
        assert!(profile("Heroku Postgres").owns(&entry("FUNCTION", "_heroku", "log()", "x")));
        assert!(!profile("Heroku Postgres").owns(&entry("FUNCTION", "heroku_ext", "mine()", "x")));
        // The rows of hypertables.
        let chunk = entry(
            "TABLE",
            "_timescaledb_internal",
            "_hyper_1_1_chunk",
            "tsdbadmin",
        );
        assert!(!profile("Timescale Cloud").owns(&chunk));
        for name in [
            "Amazon RDS",
            "Amazon Aurora",
            "Azure Database for PostgreSQL",
            "Aiven",
        ] {
            assert!(
                !profile(name).owns(&entry("TABLE", "auth", "users", "app")),
                "{name}"
            );
        }
    }
}
