//! Connections to choose from: those that used recently, and the services of `pg_service.conf`.

use crate::model::connection::{Known, KnownFrom};

use super::environment::Environment;
use super::recent::recent;
use super::resolve::{fill_password, resolve};
use super::service;

/// Recent ones first. Passwords are looked up as for any other connection; a service that cannot be used is left to
/// whoever names it.
pub fn known(environment: &Environment) -> Vec<Known> {
    let recent = environment.state_dir.iter().flat_map(|dir| recent(dir));
    let mut known: Vec<_> = recent
        .map(|mut endpoint| {
            // Told when the connection is tested.
            drop(fill_password(&mut endpoint, environment));
            Known {
                name: endpoint.label(),
                from: KnownFrom::Recent,
                endpoint,
            }
        })
        .collect();
    for name in service::names(environment) {
        // Quoted as in any connection string.
        let quoted = name.replace('\\', "\\\\").replace('\'', "\\'");
        match resolve(Some(&format!("service='{quoted}'")), environment) {
            Ok(endpoint) => known.push(Known {
                name,
                from: KnownFrom::Service,
                endpoint,
            }),
            Err(problem) => tracing::warn!("The service {name:?} is not offered: {problem}"),
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::recent::remember;

    #[test]
    fn recent_ones_then_services_that_can_be_used() {
        let dir = tempfile::tempdir().unwrap();
        let text =
            "[shop]\nhost=s\nuser=u\n[broken]\nhots=x\n[it's]\nhost=t\nuser=u\n[shop]\nhost=late\n";
        std::fs::write(dir.path().join(".pg_service.conf"), text).unwrap();
        let environment = Environment {
            home: Some(dir.path().to_owned()),
            state_dir: Some(dir.path().join("state")),
            ..Environment::default()
        };
        let worked = resolve(Some("postgres://u@r/d"), &environment).unwrap();
        remember(&dir.path().join("state"), &[worked]).unwrap();
        let found: Vec<_> = known(&environment)
            .into_iter()
            .map(|one| (one.name, one.endpoint.host))
            .collect();
        let found: Vec<_> = found
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        assert_eq!(found, [("u@r:5432/d", "r"), ("shop", "s"), ("it's", "t")]);
    }
}
