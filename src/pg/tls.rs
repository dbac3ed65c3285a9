//! TLS as libpq does it (manual, "SSL Support"), on rustls.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::model::connection::{Tls, TlsMode};
use crate::model::problem::{Field, Problem};

use super::socket::Socket;
use super::tap::Tapped;

/// Opens TLS sessions to one server and remembers what was negotiated.
#[derive(Clone)]
pub(super) struct Connector {
    make: MakeRustlsConnect,
    version: Arc<OnceLock<&'static str>>,
}

impl Connector {
    /// `home` is where `.postgresql/` is looked for. Reads certificate files: blocks for some milliseconds.
    pub(super) fn new(tls: &Tls, home: Option<&Path>) -> Result<Self, Problem> {
        let provider = Arc::new(ring::default_provider());
        let version = Arc::new(OnceLock::new());
        let verifier = Verifier {
            algorithms: provider.signature_verification_algorithms,
            trust: trust(tls, home)?,
            version: Arc::clone(&version),
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable("the TLS library", &error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match identity(tls, home)? {
            Some((chain, key)) => builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| unusable("the client certificate", &error))?,
            None => builder.with_no_client_auth(),
        };
        // A resumed session would skip the verifier, which also learns the version.
        config.resumption = Resumption::disabled();
        Ok(Self {
            make: MakeRustlsConnect::new(config),
            version,
        })
    }

    /// For one handshake with `host`.
    pub(super) fn connect(
        &self,
        host: &str,
    ) -> std::io::Result<<MakeRustlsConnect as MakeTlsConnect<Tapped<Socket>>>::TlsConnect> {
        let mut make = self.make.clone();
        MakeTlsConnect::<Tapped<Socket>>::make_tls_connect(&mut make, host)
            .map_err(std::io::Error::other)
    }

    /// The protocol of the session, once there was one.
    pub(super) fn version(&self) -> Option<&'static str> {
        self.version.get().copied()
    }
}

fn unusable(what: &str, error: &dyn std::fmt::Display) -> Problem {
    Problem::new(format!("Could not use {what}"), error.to_string())
        .hint("Check that the file is there, may be read, and is in PEM form.")
        .field(Field::Tls)
}

fn unusable_file(file: &Path, error: &dyn std::fmt::Display) -> Problem {
    unusable(&file.display().to_string(), error)
}

/// libpq's default file of that name, if it is there.
fn default_file(home: Option<&Path>, name: &str) -> Option<PathBuf> {
    let file = home?.join(".postgresql").join(name);
    file.exists().then_some(file)
}

/// Whom to believe. A root certificate at hand is always used, whatever the mode: so does libpq.
fn trust(tls: &Tls, home: Option<&Path>) -> Result<Trust, Problem> {
    let is_strict = matches!(tls.mode, TlsMode::VerifyCa | TlsMode::VerifyFull);
    let file = tls
        .root_cert
        .clone()
        .or_else(|| default_file(home, "root.crt"));
    let (certificates, is_pinned) = match file {
        Some(file) if file == Path::new("system") => (system_roots()?, false),
        Some(file) => (read_certificates(&file)?, true),
        None if is_strict => (system_roots()?, false),
        None => return Ok(Trust::Anyone),
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates.iter().cloned());
    Ok(Trust::Signed {
        roots,
        pinned: if is_pinned { certificates } else { Vec::new() },
        is_name_checked: tls.mode == TlsMode::VerifyFull,
    })
}

fn system_roots() -> Result<Vec<CertificateDer<'static>>, Problem> {
    let found = rustls_native_certs::load_native_certs();
    match found.errors.first() {
        Some(error) if found.certs.is_empty() => {
            Err(unusable("the system's root certificates", error))
        }
        None if found.certs.is_empty() => Err(unusable(
            "the system's root certificates",
            &"there are none; install the package ca-certificates",
        )),
        _ => Ok(found.certs),
    }
}

fn read_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable_file(file, &error))?;
    if certificates.is_empty() {
        return Err(unusable_file(file, &"it holds no certificate"));
    }
    Ok(certificates)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The client certificate and its key, given or libpq's default files.
fn identity(tls: &Tls, home: Option<&Path>) -> Result<Option<Identity>, Problem> {
    let given =
        |file: &Option<PathBuf>, name: &str| file.clone().or_else(|| default_file(home, name));
    let Some(certificate) = given(&tls.client_cert, "postgresql.crt") else {
        return Ok(None);
    };
    let Some(key) = given(&tls.client_key, "postgresql.key") else {
        return Err(unusable_file(
            &certificate,
            &"its private key (sslkey) is not given",
        ));
    };
    check_key_rights(&key)?;
    let chain = read_certificates(&certificate)?;
    let key = PrivateKeyDer::from_pem_file(&key).map_err(|error| unusable_file(&key, &error))?;
    Ok(Some((chain, key)))
}

/// libpq refuses a private key that others may read, unless root owns it and only a group reads it.
#[cfg(unix)]
fn check_key_rights(key: &Path) -> Result<(), Problem> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = key.metadata().map_err(|error| unusable_file(key, &error))?;
    let forbidden = if metadata.uid() == 0 { 0o027 } else { 0o077 };
    if metadata.mode() & forbidden == 0 {
        return Ok(());
    }
    Err(unusable_file(key, &"others may read this private key")
        .hint(format!("Mend it with: chmod 0600 {}", key.display())))
}

#[cfg(not(unix))]
fn check_key_rights(_key: &Path) -> Result<(), Problem> {
    Ok(())
}

#[derive(Debug)]
enum Trust {
    /// Encrypted, but whoever answers is believed.
    Anyone,
    Signed {
        roots: RootCertStore,
        /// The certificates of the root file as they are: a server certificate that is among them needs no signer. webpki
        /// refuses the common self-signed server certificate as its own root; OpenSSL does not.
        pinned: Vec<CertificateDer<'static>>,
        is_name_checked: bool,
    },
}

#[derive(Debug)]
struct Verifier {
    algorithms: WebPkiSupportedAlgorithms,
    trust: Trust,
    version: Arc<OnceLock<&'static str>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Trust::Signed {
            roots,
            pinned,
            is_name_checked,
        } = &self.trust
        {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            if !pinned.contains(end_entity) {
                verify_server_cert_signed_by_trust_anchor(
                    &certificate,
                    roots,
                    intermediates,
                    now,
                    self.algorithms.all,
                )?;
            }
            if *is_name_checked {
                verify_server_name(&certificate, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let _first = self.version.set("TLSv1.2");
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let _first = self.version.set("TLSv1.3");
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(mode: TlsMode, root: Option<&str>) -> Tls {
        Tls {
            mode,
            root_cert: root.map(PathBuf::from),
            ..Tls::default()
        }
    }

    #[test]
    fn only_a_root_certificate_makes_require_verify() {
        assert!(matches!(
            trust(&tls(TlsMode::Require, None), None),
            Ok(Trust::Anyone)
        ));
        let problem = trust(&tls(TlsMode::Require, Some("/nowhere.crt")), None).unwrap_err();
        assert!(problem.what.contains("/nowhere.crt"));
        assert_eq!(problem.field, Some(Field::Tls));
    }

    #[test]
    fn a_certificate_without_its_key_is_a_problem() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join(".postgresql");
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join("postgresql.crt"), "").unwrap();
        let problem = identity(&Tls::default(), Some(home.path())).unwrap_err();
        assert!(problem.message.contains("sslkey"));
        assert!(identity(&Tls::default(), None).unwrap().is_none());
    }
}
