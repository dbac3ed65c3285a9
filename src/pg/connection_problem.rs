//! Why a session could not be opened, said so that the user knows which field to mend.

use std::io;

use rustls::CertificateError;

use crate::model::connection::{Endpoint, TlsMode};
use crate::model::problem::{Field, Problem, Retry};

use super::certificate::Distrust;
use super::problem::{causes, chain, problem};

/// `Could not connect to …`, with the field that is to blame.
pub(super) fn connection_problem(endpoint: &Endpoint, error: &tokio_postgres::Error) -> Problem {
    let what = could_not_connect(endpoint);
    if error.as_db_error().is_some() {
        return refused_by_server(endpoint, error, problem(what, error));
    }
    for cause in chain(error) {
        if let Some(rustls) = cause.downcast_ref::<rustls::Error>() {
            return tls_failed(endpoint, what, rustls);
        }
    }
    for cause in chain(error) {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return unreachable(endpoint, io);
        }
    }
    let text = causes(error);
    // The driver has no kinds for these; tests watch its words.
    if text.contains("password missing") {
        Problem::new(what, "the server asks for a password and none is known")
            .hint("Type the password, or put it into ~/.pgpass.")
            .field(Field::Password)
    } else if text.contains("does not support TLS") {
        Problem::new(what, "the server does not offer TLS")
            .hint(format!(
                "sslmode={} insists on it: turn ssl on in the server, or choose prefer or disable.",
                endpoint.tls.mode.keyword()
            ))
            .field(Field::Tls)
    } else if text.contains("channel binding") {
        Problem::new(what, text)
            .hint("channel_binding=require needs TLS and a SCRAM password; leave it out otherwise.")
            .field(Field::Tls)
    } else if text.contains("authentication method") || text.contains("SASL mechanism") {
        Problem::new(what, "the server asks for a kind of authentication that howdah does not know")
            .hint("howdah knows trust, password, md5, scram-sha-256, cert and peer; have pg_hba.conf allow one of them.")
            .field(Field::User)
    } else if error.is_closed() {
        not_postgres(
            endpoint,
            Problem::new(what, "the connection was closed without a word"),
        )
    } else {
        not_postgres(endpoint, Problem::new(what, text))
    }
}

pub(super) fn timed_out(endpoint: &Endpoint) -> Problem {
    let message = format!("no answer within {} s", endpoint.connect_timeout_secs);
    Problem {
        retry: Retry::MayPass,
        ..Problem::new(could_not_connect(endpoint), message)
            .hint("Check host and port, and whether a firewall drops the packets on the way.")
            .field(Field::Host)
    }
}

pub(super) fn unknown_host(endpoint: &Endpoint, error: &io::Error) -> Problem {
    Problem::new(
        could_not_connect(endpoint),
        format!("the host name \"{}\" is not known ({error})", endpoint.host),
    )
    .hint("Check how the host is spelled, and that its name resolves on this machine.")
    .field(Field::Host)
}

fn could_not_connect(endpoint: &Endpoint) -> String {
    format!("Could not connect to {}", endpoint.label())
}

fn not_postgres(endpoint: &Endpoint, problem: Problem) -> Problem {
    problem
        .hint(format!(
            "Is what listens on port {} a PostgreSQL server?",
            endpoint.port
        ))
        .field(Field::Port)
}

/// The server answered and said no.
fn refused_by_server(
    endpoint: &Endpoint,
    error: &tokio_postgres::Error,
    problem: Problem,
) -> Problem {
    let code = problem.sqlstate.clone().unwrap_or_default();
    // The routine tells apart what the localized message cannot.
    let routine = error
        .as_db_error()
        .and_then(|e| e.routine())
        .unwrap_or_default();
    match (code.as_str(), routine) {
        ("28P01", _) => problem.field(Field::Password),
        // "role … does not exist", "role … is not permitted to log in".
        ("28000", "InitializeSessionUserId") => problem
            .hint("Check the user name; a role that may log in is made with CREATE ROLE … LOGIN.")
            .field(Field::User),
        // "certificate authentication failed …", "peer authentication failed …".
        ("28000", "auth_failed") => problem
            .hint("The server knows this user by something else than a password: by a client certificate (sslcert) with the user's name as its common name, or by the operating system's user. Its pg_hba.conf and pg_ident.conf say by what.")
            .field(Field::User),
        // "connection requires a valid client certificate"; no other routine or code tells it apart.
        ("28000", _) if problem.message.contains("client certificate") => problem
            .hint("Give a client certificate and its key (sslcert, sslkey), signed by an authority that the server knows (its ssl_ca_file).")
            .field(Field::Tls),
        // "no pg_hba.conf entry for host …".
        ("28000", _) if endpoint.tls.mode == TlsMode::Disable => problem
            .hint("The server's pg_hba.conf has no entry that lets this user in unencrypted; try another TLS mode, or have an entry added.")
            .field(Field::Tls),
        ("28000", _) => problem
            .hint("The server's pg_hba.conf has no entry for this user, database and address; have one added, then reload the server.")
            .field(Field::User),
        ("3D000" | "42501" | "55000", _) => problem.field(Field::Database),
        _ => problem,
    }
}

pub(super) fn unreachable(endpoint: &Endpoint, error: &io::Error) -> Problem {
    use io::ErrorKind as Kind;
    let (message, hint, field) = match error.kind() {
        Kind::NotFound | Kind::ConnectionRefused if endpoint.is_socket() => (
            format!(
                "no server listens on the socket {}/.s.PGSQL.{}",
                endpoint.host, endpoint.port
            ),
            "Check the directory and the port, and whether the server runs.",
            Field::Host,
        ),
        Kind::ConnectionRefused => (
            format!(
                "nothing listens on port {} there (connection refused)",
                endpoint.port
            ),
            "Check the port, whether the server runs, and its listen_addresses.",
            Field::Port,
        ),
        Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe
        | Kind::UnexpectedEof => (
            format!("the connection was cut ({error})"),
            "Is what listens on this port a PostgreSQL server, and does a firewall let it through?",
            Field::Port,
        ),
        // The driver could not make sense of what came.
        Kind::InvalidData | Kind::InvalidInput => (
            format!("what answers is not understood ({error})"),
            "Is what listens on this port a PostgreSQL server?",
            Field::Port,
        ),
        _ => (
            error.to_string(),
            "Check the host name and the network between here and there.",
            Field::Host,
        ),
    };
    Problem {
        retry: Retry::MayPass,
        ..Problem::new(could_not_connect(endpoint), message)
            .hint(hint)
            .field(field)
    }
}

const UNKNOWN_ISSUER: &str = "Its certificate is signed by nobody known here: give its root certificate (sslrootcert), or \
    leave that out and choose require to encrypt without checking who answers.";

const UNTRUSTED: &str = "The server's certificate cannot be trusted: leave its root certificate (sslrootcert) out and choose require to encrypt without checking it.";

fn tls_failed(endpoint: &Endpoint, what: String, error: &rustls::Error) -> Problem {
    // What webpki says of a self-signed certificate; rustls passes it on without a kind of its own.
    if error.to_string().contains("CaUsedAsEndEntity") {
        return Problem::new(
            what,
            "TLS failed: the server's certificate is signed by itself",
        )
        .hint(UNKNOWN_ISSUER)
        .field(Field::Tls);
    }
    let hint = match error {
        rustls::Error::InvalidCertificate(cause) => match cause {
            CertificateError::UnknownIssuer => UNKNOWN_ISSUER.to_owned(),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => format!(
                "The certificate is for another host than \"{}\": connect by the name in its subjectAltName, or choose \
                 verify-ca.",
                endpoint.host
            ),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "The server's certificate has expired: have it renewed.".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "The server's certificate is not valid yet: check the clocks.".to_owned()
            }
            CertificateError::Other(other) => match other.0.downcast_ref::<Distrust>() {
                Some(distrust) => distrust.hint().to_owned(),
                None => UNTRUSTED.to_owned(),
            },
            _ => UNTRUSTED.to_owned(),
        },
        rustls::Error::AlertReceived(_) => {
            "The server ended the TLS handshake; it may want a client certificate (sslcert, sslkey).".to_owned()
        }
        _ => "The TLS handshake failed; howdah needs TLS 1.2 or newer.".to_owned(),
    };
    Problem::new(what, format!("TLS failed: {error}"))
        .hint(hint)
        .field(Field::Tls)
}
