//! What libpq would heed in the surroundings and howdah does not: told, never silently passed over.

use crate::model::connection::{Endpoint, TlsMode};

use super::conninfo::ConnectionInfo;
use super::environment::Environment;

/// Variables for parameters that howdah does not honour, or only with values that ask for nothing.
pub(super) const VARIABLES: [(&str, &str); 15] = [
    ("PGHOSTADDR", "hostaddr"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGLOADBALANCEHOSTS", "load_balance_hosts"),
    ("PGGSSENCMODE", "gssencmode"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGSSLCERTMODE", "sslcertmode"),
    ("PGSSLSNI", "sslsni"),
    ("PGSSLCRL", "sslcrl"),
    ("PGSSLCRLDIR", "sslcrldir"),
    ("PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version"),
    ("PGSSLMAXPROTOCOLVERSION", "ssl_max_protocol_version"),
    ("PGMINPROTOCOLVERSION", "min_protocol_version"),
    ("PGMAXPROTOCOLVERSION", "max_protocol_version"),
    ("PGREQUIREPEER", "requirepeer"),
    ("PGREQUIREAUTH", "require_auth"),
];

/// One sentence for each thing that has no effect on connections to `endpoint`, though libpq would heed it.
pub(super) fn warnings(endpoint: &Endpoint, environment: &Environment) -> Vec<String> {
    let is_heeded = |parameter: &str, value: &str| {
        let mut info = ConnectionInfo::default();
        info.set(parameter, value).is_ok()
    };
    let mut warnings: Vec<String> = VARIABLES
        .iter()
        .filter_map(|(variable, parameter)| {
            let value = environment.variables.get(variable)?;
            (!is_heeded(parameter, value))
                .then(|| format!("{variable} is set, but howdah ignores {parameter}."))
        })
        .collect();
    let list = environment.home.as_ref();
    let list = list.map(|home| home.join(".postgresql/root.crl"));
    if let Some(list) = list.filter(|list| list.is_file())
        && endpoint.tls.mode != TlsMode::Disable
    {
        warnings.push(format!(
            "{} is there, but howdah ignores revocation lists.",
            list.display()
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use crate::settings::{Environment, resolve_with_warnings};

    fn warnings(environment: &Environment) -> Vec<String> {
        let text = Some("postgres://u@h/d");
        resolve_with_warnings(text, environment).unwrap().warnings
    }

    #[test]
    fn what_is_not_heeded_is_told_and_what_asks_for_nothing_is_not() {
        let environment = Environment::read(|name| match name {
            "PGSSLCRL" | "PGSSLCRLDIR" => Some("/etc/crl".to_owned()),
            "PGSSLSNI" => Some("1".to_owned()),
            "PGGSSENCMODE" => Some("require".to_owned()),
            _ => None,
        });
        let told = warnings(&environment);
        assert_eq!(told.len(), 3, "{told:?}");
        for variable in ["PGSSLCRL ", "PGSSLCRLDIR ", "PGGSSENCMODE "] {
            assert!(told.iter().any(|one| one.starts_with(variable)), "{told:?}");
        }
        assert!(!told.concat().contains("/etc/crl"));
    }

    #[test]
    fn a_revocation_list_in_its_usual_place_is_told() {
        let home = tempfile::tempdir().unwrap();
        let mut environment = Environment {
            home: Some(home.path().to_owned()),
            ..Environment::default()
        };
        assert_eq!(warnings(&environment), Vec::<String>::new());
        std::fs::create_dir(home.path().join(".postgresql")).unwrap();
        std::fs::write(home.path().join(".postgresql/root.crl"), "").unwrap();
        assert_eq!(warnings(&environment).len(), 1);
        environment.home = None;
        assert_eq!(warnings(&environment), Vec::<String>::new());
    }
}
