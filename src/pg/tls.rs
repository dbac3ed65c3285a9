//! TLS as libpq does it (manual, "SSL Support"), on rustls.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature,
    verify_tls13_signature, verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::model::connection::{Tls, TlsMode};
use crate::model::problem::{Field, Problem};

use super::certificate::{self, Roots};
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
        let identity = identity(tls, home, &provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable("the TLS library", &error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match identity {
            Some(identity) => builder.with_client_cert_resolver(Arc::new(identity)),
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
    let certificates = match file {
        Some(file) if file == Path::new("system") => system_roots()?,
        Some(file) => read_certificates(&file)?,
        // Any of the public authorities would do for anybody who asks one: libpq too takes them only when told to.
        None if is_strict => {
            return Err(Problem::new(
                "Could not use the server's root certificate",
                format!("sslmode={} needs one, and none is given", tls.mode.keyword()),
            )
            .hint(
                "Give the certificate that signs the server's (sslrootcert=FILE, or ~/.postgresql/root.crt), or sslrootcert=system \
                 where a public authority signs it.",
            )
            .field(Field::Tls));
        }
        None => return Ok(Trust::Anyone),
    };
    Ok(Trust::Signed {
        roots: Roots::new(certificates),
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

/// The client certificate and its key, given or libpq's default files.
fn identity(
    tls: &Tls,
    home: Option<&Path>,
    provider: &CryptoProvider,
) -> Result<Option<SingleCertAndKey>, Problem> {
    let given =
        |file: &Option<PathBuf>, name: &str| file.clone().or_else(|| default_file(home, name));
    let Some(certificate) = given(&tls.client_cert, "postgresql.crt") else {
        return Ok(None);
    };
    let Some(key_file) = given(&tls.client_key, "postgresql.key") else {
        return Err(unusable_file(
            &certificate,
            &"its private key (sslkey) is not given",
        ));
    };
    let chain = read_certificates(&certificate)?;
    let key = read_key(&key_file)?;
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|error| unusable_file(&key_file, &error))?;
    let is_pair = match (key.public_key(), chain.first()) {
        (Some(public), Some(first)) => certificate::is_key_of(first, &public),
        _ => true,
    };
    if !is_pair {
        return Err(unusable_file(
            &certificate,
            &format!("it and {} do not belong together", key_file.display()),
        )
        .hint("Give the private key (sslkey) for which the certificate (sslcert) was made."));
    }
    Ok(Some(CertifiedKey::new(chain, key).into()))
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, Problem> {
    check_key_rights(file)?;
    PrivateKeyDer::from_pem_file(file).map_err(|error| {
        // howdah has no place for a passphrase, and pg_dump would wait for one at the terminal.
        let is_locked = std::fs::read_to_string(file).is_ok_and(|text| text.contains("ENCRYPTED"));
        if is_locked {
            unusable_file(file, &"it is under a passphrase").hint(format!(
                "Make a copy without one that only you can read: openssl pkey -in {} -out NEW.key",
                file.display()
            ))
        } else {
            unusable_file(file, &error)
        }
    })
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
        .hint(format!("Fix it with: chmod 0600 {}", key.display())))
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
        roots: Roots,
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
            is_name_checked,
        } = &self.trust
        {
            roots.verify(end_entity, intermediates, now, self.algorithms.all)?;
            if *is_name_checked {
                certificate::verify_name(end_entity, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        der: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let _first = self.version.set("TLSv1.2");
        let Some(key) = certificate::key_of_version_1(der) else {
            return verify_tls12_signature(message, der, signed, &self.algorithms);
        };
        let schemes = self.algorithms.mapping.iter();
        schemes
            .filter(|(scheme, _)| *scheme == signed.scheme)
            .any(|(_, algorithms)| key.has_signed(message, signed.signature(), algorithms))
            .then(HandshakeSignatureValid::assertion)
            .ok_or_else(|| CertificateError::BadSignature.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        der: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let _first = self.version.set("TLSv1.3");
        match certificate::key_of_version_1(der).and_then(|key| key.der()) {
            Some(key) => {
                verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
            }
            None => verify_tls13_signature(message, der, signed, &self.algorithms),
        }
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
        let problem = trust(&tls(TlsMode::VerifyCa, None), None).unwrap_err();
        assert!(problem.our_hint.unwrap().contains("sslrootcert=system"));
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
        let provider = ring::default_provider();
        let problem = identity(&Tls::default(), Some(home.path()), &provider).unwrap_err();
        assert!(problem.message.contains("sslkey"));
        let none = identity(&Tls::default(), None, &provider).unwrap();
        assert!(none.is_none());
    }
}
