//! What keeps the login of postgres_fdw out of the destination's log, as far as the role may decide that: a superuser all of it,
//! others the settings that they were granted, which servers know from 15 on.

use crate::model::connection::ServerFacts;
use crate::model::feature::Feature;

use super::quote::ident;

/// Which of these settings a role may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hush {
    All,
    Granted,
    Nothing,
}

impl Hush {
    pub fn of(server: &ServerFacts) -> Self {
        if server.is_superuser {
            Self::All
        } else if Feature::ParameterPrivileges.is_in(server.version_num) {
            Self::Granted
        } else {
            Self::Nothing
        }
    }

    /// For the rest of the transaction: the log, its statistics and the list of sessions hold nothing of what is sent. Every version
    /// and module has its own of these settings.
    pub fn begin(self) -> Option<String> {
        let granted = self.condition("s.name")?;
        Some(format!(
            "SELECT pg_catalog.set_config(s.name, v.value, true) FROM (VALUES ('log_statement', 'none'), \
             ('log_min_duration_statement', '-1'), ('log_min_duration_sample', '-1'), ('log_min_error_statement', 'panic'), \
             ('track_activities', 'off'), ('pg_stat_statements.track_utility', 'off'), ('pgaudit.log', 'none')) AS v (name, value) \
             JOIN pg_catalog.pg_settings AS s ON s.name = v.name{granted}"
        ))
    }

    /// What was there before.
    pub fn end(self) -> Option<String> {
        let granted = self.condition("name")?;
        Some(format!(
            "SELECT pg_catalog.set_config(name, reset_val, true) FROM pg_catalog.pg_settings \
             WHERE name IN ('log_statement', 'log_min_duration_statement', 'log_min_duration_sample', 'log_min_error_statement', \
             'track_activities', 'pg_stat_statements.track_utility', 'pgaudit.log'){granted}"
        ))
    }

    /// The same for the log of sampled transactions, which is decided when one begins.
    pub fn sampling(self, version_num: u32) -> Option<String> {
        let granted = self.condition("name")?;
        if self == Self::All {
            return (version_num >= 120_000)
                .then(|| "SET log_transaction_sample_rate = 0".to_owned());
        }
        Some(format!(
            "SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings \
             WHERE name = 'log_transaction_sample_rate'{granted}"
        ))
    }

    /// Whether the server writes `CREATE USER MAPPING` down although all that may be hushed is, and which settings it would take.
    pub fn question(self) -> String {
        let may = match self {
            Self::All => "true",
            Self::Granted => "pg_catalog.has_parameter_privilege(name, 'SET')",
            Self::Nothing => "false",
        };
        format!(
            "SELECT coalesce(pg_catalog.bool_or(name IN ('log_statement', 'pgaudit.log') AND setting <> 'none' \
             OR name IN ('log_min_duration_statement', 'log_min_duration_sample') AND setting <> '-1' \
             OR name = 'log_transaction_sample_rate' AND setting <> '0' \
             OR name = 'pg_stat_statements.track_utility' AND setting = 'on'), false), \
             coalesce(pg_catalog.array_agg(name ORDER BY name), '{{}}') FROM pg_catalog.pg_settings \
             WHERE name IN ('log_statement', 'log_min_duration_statement', 'log_min_duration_sample', 'log_min_error_statement', \
             'log_transaction_sample_rate', 'track_activities', 'pg_stat_statements.track_utility', 'pgaudit.log') AND NOT {may}"
        )
    }

    fn condition(self, name: &str) -> Option<String> {
        match self {
            Self::All => Some(String::new()),
            Self::Granted => Some(format!(
                " AND pg_catalog.has_parameter_privilege({name}, 'SET')"
            )),
            Self::Nothing => None,
        }
    }
}

/// From 15 on. A module's setting has a dot that parts two names.
pub fn grant_set<'a>(settings: impl IntoIterator<Item = &'a str>, role: &str) -> String {
    let named = |setting: &str| setting.split('.').map(ident).collect::<Vec<_>>().join(".");
    let settings: Vec<String> = settings.into_iter().map(named).collect();
    format!(
        "GRANT SET ON PARAMETER {} TO {};",
        settings.join(", "),
        ident(role)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_modules_are_named_in_two_parts() {
        let settings = ["log_statement", "pg_stat_statements.track_utility"];
        assert_eq!(
            grant_set(settings, "Odd role"),
            "GRANT SET ON PARAMETER log_statement, pg_stat_statements.track_utility TO \"Odd role\";"
        );
    }
}
