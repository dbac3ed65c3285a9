//! From what was given to a complete [`Endpoint`], in libpq's order: connection string, service, variables, defaults.

use std::path::Path;

use crate::model::connection::{Endpoint, PasswordOrigin, Tls, TlsMode};
use crate::model::problem::{Field, Problem};

use super::conninfo::ConnectionInfo;
use super::environment::Environment;
use super::{passfile, service, unheeded};

pub(super) const DEFAULT_PORT: u16 = 5432;
/// libpq would wait for ever; a person in front of a wizard should not.
pub(super) const DEFAULT_TIMEOUT_SECS: u32 = 10;

/// An endpoint and what the user should know about how it came to be.
#[derive(Debug, PartialEq)]
pub struct Resolved {
    pub endpoint: Endpoint,
    pub warnings: Vec<String>,
}

/// Completes what `text` (a URI or key=value pairs; none or blank says nothing) leaves open. Warnings go to the log.
pub fn resolve(text: Option<&str>, environment: &Environment) -> Result<Endpoint, Problem> {
    let resolved = resolve_with_warnings(text, environment)?;
    for warning in &resolved.warnings {
        tracing::warn!("{warning}");
    }
    Ok(resolved.endpoint)
}

pub fn resolve_with_warnings(
    text: Option<&str>,
    environment: &Environment,
) -> Result<Resolved, Problem> {
    let typed = match text.filter(|text| !text.trim().is_empty()) {
        Some(text) => ConnectionInfo::parse(text)?,
        None => ConnectionInfo::default(),
    };
    let variables = environment.connection_info()?;
    let service_name = typed.service.clone().or_else(|| variables.service.clone());
    let service = match &service_name {
        Some(name) => service::load(name, environment)?,
        None => ConnectionInfo::default(),
    };
    let password_origin = if typed.password.is_some() {
        PasswordOrigin::Uri
    } else if service.password.is_some() {
        PasswordOrigin::Service(service_name.unwrap_or_default())
    } else if variables.password.is_some() {
        PasswordOrigin::Environment
    } else {
        PasswordOrigin::None
    };
    let info = typed.or(service).or(variables);
    let passfile = info.passfile.clone();
    let mut endpoint = complete(info, password_origin, environment)?;
    let mut warnings = fill_password_from(&mut endpoint, passfile.as_deref(), environment);
    warnings.extend(unheeded::warnings(&endpoint, environment));
    Ok(Resolved { endpoint, warnings })
}

fn complete(
    info: ConnectionInfo,
    password_origin: PasswordOrigin,
    environment: &Environment,
) -> Result<Endpoint, Problem> {
    let silence = info.silence();
    let user = info
        .user
        .or_else(|| environment.user.clone())
        .ok_or_else(|| {
            Problem::new("Could not tell which user to connect as", "none is given")
                .hint("Name a user.")
                .field(Field::User)
        })?;
    let socket_dir = environment.socket_dir.as_deref().and_then(Path::to_str);
    // The meaning of sslrootcert=system in libpq 16 and newer: full verification, nothing weaker.
    let wants_system_roots = info.sslrootcert.as_deref() == Some(Path::new("system"));
    let mode = match info.sslmode {
        Some(mode) if wants_system_roots && mode != TlsMode::VerifyFull => {
            return Err(Problem::new(
                "Could not use sslrootcert=system",
                format!("sslmode={} is too weak for it", mode.keyword()),
            )
            .hint("Use sslmode=verify-full, or leave sslrootcert out.")
            .field(Field::Tls));
        }
        None if wants_system_roots => TlsMode::VerifyFull,
        mode => mode.unwrap_or_default(),
    };
    Ok(Endpoint {
        host: info
            .host
            .unwrap_or_else(|| socket_dir.unwrap_or("localhost").to_owned()),
        port: info.port.unwrap_or(DEFAULT_PORT),
        database: info.database.unwrap_or_else(|| user.clone()),
        user,
        password: info.password,
        password_origin,
        tls: Tls {
            mode,
            root_cert: info.sslrootcert,
            client_cert: info.sslcert,
            client_key: info.sslkey,
            requires_channel_binding: info.requires_channel_binding.unwrap_or(false),
        },
        connect_timeout_secs: info.connect_timeout_secs.unwrap_or(DEFAULT_TIMEOUT_SECS),
        silence,
        options: info.options,
    })
}

/// Looks the password of an endpoint that has none up in the password file: to be asked again when the user changes
/// the host, port, database or user in a form. Returns why a password file was not used.
#[must_use]
pub fn fill_password(endpoint: &mut Endpoint, environment: &Environment) -> Vec<String> {
    let passfile = environment
        .connection_info()
        .ok()
        .and_then(|info| info.passfile);
    fill_password_from(endpoint, passfile.as_deref(), environment)
}

fn fill_password_from(
    endpoint: &mut Endpoint,
    passfile: Option<&Path>,
    environment: &Environment,
) -> Vec<String> {
    if endpoint.password.is_some() {
        return Vec::new();
    }
    let home_file = environment.home.as_ref().map(|home| home.join(".pgpass"));
    let Some(file) = passfile.or(home_file.as_deref()) else {
        return Vec::new();
    };
    let lookup = passfile::look_up(file, endpoint, environment.socket_dir.as_deref());
    if let Some((password, file)) = lookup.password {
        endpoint.password = Some(password);
        endpoint.password_origin = PasswordOrigin::Passfile(file);
    }
    lookup.warning.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn environment(variables: &'static [(&str, &str)]) -> Environment {
        let mut environment = Environment::read(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        environment.user = Some("me".into());
        environment
    }

    #[test]
    fn defaults_are_libpqs() {
        let mut surroundings = environment(&[]);
        let endpoint = resolve(None, &surroundings).unwrap();
        assert_eq!(endpoint.label(), "me@localhost:5432/me");
        assert_eq!(
            (endpoint.tls.mode, endpoint.connect_timeout_secs),
            (TlsMode::Prefer, 10)
        );
        surroundings.socket_dir = Some(PathBuf::from("/run/pg"));
        let endpoint = resolve(Some("  "), &surroundings).unwrap();
        assert_eq!(endpoint.label(), "me@/run/pg:5432/me");
        assert_eq!(endpoint.password_origin, PasswordOrigin::None);
    }

    #[test]
    fn layers_stand_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let file = "[shop]\nhost=service\nport=2\nuser=service\npassword=of-service\n";
        std::fs::write(dir.path().join(".pg_service.conf"), file).unwrap();
        let mut surroundings = environment(&[
            ("PGSERVICE", "shop"),
            ("PGPORT", "3"),
            ("PGDATABASE", "variable"),
            ("PGPASSWORD", "of-variable"),
        ]);
        surroundings.home = Some(dir.path().to_owned());
        let endpoint = resolve(Some("user=typed"), &surroundings).unwrap();
        assert_eq!(endpoint.label(), "typed@service:2/variable");
        assert_eq!(
            endpoint.password_origin,
            PasswordOrigin::Service("shop".into())
        );
        assert_eq!(endpoint.password.unwrap().expose(), "of-service");
    }

    #[cfg(unix)]
    #[test]
    fn the_password_file_comes_last_and_is_told() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(".pgpass");
        std::fs::write(&file, "h:*:*:*:of-file\n").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        let mut surroundings = environment(&[]);
        surroundings.home = Some(dir.path().to_owned());
        let origin = |text: &str| {
            let endpoint = resolve(Some(text), &surroundings).unwrap();
            (
                endpoint.password.map(|p| p.expose().to_owned()),
                endpoint.password_origin,
            )
        };
        assert_eq!(
            origin("postgres://h/d"),
            (Some("of-file".into()), PasswordOrigin::Passfile(file))
        );
        assert_eq!(
            origin("postgres://u:x@h/d"),
            (Some("x".into()), PasswordOrigin::Uri)
        );
        assert_eq!(origin("postgres://other/d"), (None, PasswordOrigin::None));
    }

    #[test]
    fn system_roots_need_full_verification() {
        let surroundings = environment(&[]);
        let mode = |text: &str| resolve(Some(text), &surroundings).map(|e| e.tls.mode);
        assert_eq!(
            mode("postgres://h/d?sslrootcert=system").unwrap(),
            TlsMode::VerifyFull
        );
        let weak = mode("postgres://h/d?sslrootcert=system&sslmode=require").unwrap_err();
        assert_eq!(weak.field, Some(Field::Tls));
    }
}
