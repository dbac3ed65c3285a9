//! postgres_fdw: whether it can be installed, and whether the destination *server* reaches the source through it.

use crate::model::feature::Feature;
use crate::model::finding::{Finding, Fix, Level};
use crate::model::options::Method;
use crate::model::problem::{Field, Problem};
use crate::pg::foreign::{self, Trial};
use crate::sql::hush::grant_set;
use crate::sql::{grants, statements};

use super::{Facts, ask, roll_back};

pub(super) fn is_chosen(facts: &Facts<'_>) -> bool {
    facts.options.method == Method::Fdw || facts.selection.methods.contains(&Some(Method::Fdw))
}

/// With COPY chosen nothing is wrong when FDW cannot be used: it is only good to know.
fn level(facts: &Facts<'_>) -> Level {
    if is_chosen(facts) {
        Level::Blocking
    } else {
        Level::Fine
    }
}

pub(super) async fn available(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    let rows = ask(
        facts.destination_client,
        "extensions",
        statements::AVAILABLE_EXTENSIONS,
    )
    .await?;
    let version = rows
        .iter()
        .find(|row| row.get::<_, String>(0) == "postgres_fdw")
        .map(|row| row.get::<_, Option<String>>(1));
    let mut findings = vec![match version {
        Some(version) => Finding::fine(format!(
            "postgres_fdw {} is available",
            version.unwrap_or_default()
        )),
        None => Finding::new(
            level(facts),
            "postgres_fdw is not available on the destination server; use COPY",
            "It comes with PostgreSQL's contrib modules: install postgresql-contrib on the destination's machine, enable it with the provider, or use the method COPY, which does not need postgres_fdw.",
        ),
    }];
    if is_chosen(facts)
        && let Some(settings) = what_logs_the_login(facts).await?
    {
        findings.push(login_is_logged(facts, &settings));
    }
    Ok(findings)
}

fn login_is_logged(facts: &Facts<'_>, settings: &[String]) -> Finding {
    let mut instead =
        "Use COPY, a role that is made for this and removed afterwards, or connect as a superuser.";
    let may_be_granted = Feature::ParameterPrivileges.is_in(facts.destination.version_num);
    if may_be_granted {
        instead = "Let a superuser grant these settings, use COPY, or a role that is made for this and removed afterwards.";
    }
    let finding = Finding::new(
        Level::Warning,
        "The destination's log will hold the source's password",
        format!(
            "The server logs every definition (log_statement, log_min_duration_statement, log sampling, pg_stat_statements or pgaudit), including the login for postgres_fdw, and this role may not switch that off for the moment. {instead}"
        ),
    );
    if !may_be_granted {
        return finding;
    }
    let grant = grant_set(settings.iter().map(String::as_str), &facts.destination.user);
    finding.fix(Fix::on_destination(vec![grant], "a superuser", false))
}

async fn what_logs_the_login(facts: &Facts<'_>) -> Result<Option<Vec<String>>, Problem> {
    let client = facts.destination_client;
    foreign::what_logs_the_login(client, facts.source_endpoint, facts.destination).await
}

/// A real query through a foreign table, in a transaction that is rolled back.
pub(super) async fn reaches_source(facts: &Facts<'_>) -> Result<Vec<Finding>, Problem> {
    // Who did not ask for FDW has not agreed to that either.
    if !is_chosen(facts) && what_logs_the_login(facts).await?.is_some() {
        return Ok(vec![Finding::fine(
            "Not tried: the destination's log would hold the source's password; COPY does not need this",
        )]);
    }
    let endpoint = facts.source_endpoint;
    let host = facts.options.fdw_host.as_deref().unwrap_or(&endpoint.host);
    let port = facts.options.fdw_port.unwrap_or(endpoint.port);
    let tested = test(facts, host, port).await;
    roll_back(facts.destination_client).await?;
    let place = format!("{host}:{port}");
    Ok(vec![match tested {
        Ok(Some(oid)) if facts.source.database.as_ref().is_none_or(|d| d.oid == oid) => {
            Finding::fine(format!("The destination server reads the source at {place}"))
        }
        Ok(_) => Finding::new(
            level(facts),
            format!("At {place} the destination server finds another server"),
            "What answers there does not have the source's database. Give the host and port at which the destination server reaches the source (--fdw-host, --fdw-port; f in the wizard).",
        )
        .field(Field::FdwHost),
        Err(problem) if problem.sqlstate.as_deref() == Some("42501") => {
            let installed = super::schema::installed_extensions(facts.destination_client).await?;
            let is_installed = installed.contains_key("postgres_fdw");
            Finding::new(
                level(facts),
                format!("{} may not use postgres_fdw: {}", facts.destination.user, problem.message),
                "A superuser has to do this once in the destination database; or connect as a superuser, or use COPY, which does not need it. What existed before the run stays.",
            )
            .fix(Fix::on_destination(
                grants::grant_fdw(&facts.destination.user, is_installed),
                "a superuser",
                false,
            ))
        }
        Err(problem) => {
            let reason = problem.detail.as_deref().unwrap_or(&problem.message);
            Finding::new(
                level(facts),
                format!("The destination server cannot read the source at {place}"),
                format!(
                    "{reason}. With FDW the destination server itself connects to the source, past other firewalls than this machine. Allow that connection, give the host and port at which the destination reaches the source (--fdw-host, --fdw-port; f in the wizard), or use COPY, which does not need it."
                ),
            )
            .field(Field::FdwHost)
        }
    }])
}

async fn test(facts: &Facts<'_>, host: &str, port: u16) -> Result<Option<u32>, Problem> {
    let client = facts.destination_client;
    let trial = Trial {
        source_endpoint: facts.source_endpoint,
        source: facts.source,
        destination: facts.destination,
        host,
        port,
        fetch_size: 100,
    };
    foreign::begin(client, trial).await?;
    client
        .batch_execute(statements::CREATE_FDW_PROBE)
        .await
        .map_err(|error| foreign::failed(&error))?;
    let row = client
        .query_opt(
            statements::READ_FDW_PROBE,
            &[&facts.source_endpoint.database],
        )
        .await
        .map_err(|error| foreign::failed(&error))?;
    Ok(row.map(|row| row.get(0)))
}
