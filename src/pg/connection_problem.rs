//! Why a session could not be opened, said so that the user knows which field to mend.

use std::io;

use rustls::CertificateError;

use crate::model::connection::{Endpoint, TlsMode};
use crate::model::problem::{Field, Problem, Retry};

use super::certificate::Distrust;
use super::connection_hints as hints;
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
            .hint(hints::NO_PASSWORD.hint)
            .field(Field::Password)
    } else if text.contains("does not support TLS") {
        Problem::new(what, "the server does not offer TLS")
            .hint(hints::NO_TLS.with(endpoint.tls.mode.keyword()))
            .field(Field::Tls)
    } else if text.contains("channel binding") {
        Problem::new(what, text)
            .hint(hints::CHANNEL_BINDING.hint)
            .field(Field::Tls)
    } else if text.contains("authentication method") || text.contains("SASL mechanism") {
        Problem::new(
            what,
            "the server asks for a kind of authentication that howdah does not know",
        )
        .hint(hints::AUTHENTICATION.hint)
        .field(Field::User)
    } else if error.is_closed() {
        not_postgres(
            endpoint,
            Problem::new(what, "the connection was closed without a message"),
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
            .hint(hints::TIMED_OUT.hint)
            .field(Field::Host)
    }
}

pub(super) fn unknown_host(endpoint: &Endpoint, error: &io::Error) -> Problem {
    Problem::new(
        could_not_connect(endpoint),
        format!("the host name \"{}\" is not known ({error})", endpoint.host),
    )
    .hint(hints::UNKNOWN_HOST.hint)
    .field(Field::Host)
}

fn could_not_connect(endpoint: &Endpoint) -> String {
    format!("Could not connect to {}", endpoint.label())
}

fn not_postgres(endpoint: &Endpoint, problem: Problem) -> Problem {
    problem
        .hint(hints::NOT_POSTGRES.with(&endpoint.port.to_string()))
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
        ("28000", "InitializeSessionUserId") => {
            problem.hint(hints::NO_ROLE.hint).field(Field::User)
        }
        // "certificate authentication failed …", "peer authentication failed …".
        ("28000", "auth_failed") => problem.hint(hints::OTHER_PROOF.hint).field(Field::User),
        // "connection requires a valid client certificate"; no other routine or code tells it apart.
        ("28000", _) if problem.message.contains("client certificate") => problem
            .hint(hints::CLIENT_CERTIFICATE.hint)
            .field(Field::Tls),
        // "no pg_hba.conf entry for host …".
        ("28000", _) if endpoint.tls.mode == TlsMode::Disable => problem
            .hint(hints::NO_ENTRY_UNENCRYPTED.hint)
            .field(Field::Tls),
        ("28000", _) => problem.hint(hints::NO_ENTRY.hint).field(Field::User),
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
            hints::NO_SOCKET.hint,
            Field::Host,
        ),
        Kind::ConnectionRefused => (
            format!(
                "nothing listens on port {} there (connection refused)",
                endpoint.port
            ),
            hints::REFUSED.hint,
            Field::Port,
        ),
        Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe
        | Kind::UnexpectedEof => (
            format!("the connection was cut ({error})"),
            hints::CUT.hint,
            Field::Port,
        ),
        // The driver could not make sense of what came.
        Kind::InvalidData | Kind::InvalidInput => (
            format!("the answer is not understood ({error})"),
            hints::NOT_UNDERSTOOD.hint,
            Field::Port,
        ),
        _ => (error.to_string(), hints::UNREACHABLE.hint, Field::Host),
    };
    Problem {
        retry: Retry::MayPass,
        ..Problem::new(could_not_connect(endpoint), message)
            .hint(hint)
            .field(field)
    }
}

fn tls_failed(endpoint: &Endpoint, what: String, error: &rustls::Error) -> Problem {
    // What webpki says of a self-signed certificate; rustls passes it on without a kind of its own.
    if error.to_string().contains("CaUsedAsEndEntity") {
        return Problem::new(what, "TLS failed: the server's certificate is self-signed")
            .hint(hints::UNKNOWN_ISSUER.hint)
            .field(Field::Tls);
    }
    let hint = match error {
        rustls::Error::InvalidCertificate(cause) => match cause {
            CertificateError::UnknownIssuer => hints::UNKNOWN_ISSUER.hint.to_owned(),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                hints::OTHER_HOST.with(&endpoint.host)
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                hints::EXPIRED.hint.to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                hints::NOT_YET_VALID.hint.to_owned()
            }
            CertificateError::Other(other) => match other.0.downcast_ref::<Distrust>() {
                Some(distrust) => distrust.hint().to_owned(),
                None => hints::UNTRUSTED.hint.to_owned(),
            },
            _ => hints::UNTRUSTED.hint.to_owned(),
        },
        rustls::Error::AlertReceived(_) => hints::HANDSHAKE_ENDED.hint.to_owned(),
        _ => hints::HANDSHAKE_FAILED.hint.to_owned(),
    };
    Problem::new(what, format!("TLS failed: {error}"))
        .hint(hint)
        .field(Field::Tls)
}
