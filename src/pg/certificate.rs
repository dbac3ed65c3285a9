//! Server certificates as libpq's OpenSSL judges them, where webpki judges otherwise.
//!
//! webpki refuses what is common beside the public web: a certificate that is its own root, one that has its host only in its
//! common name, and one of X.509 version 1, which is what the PostgreSQL manual's recipe makes ("Creating Certificates"). And
//! it takes any certificate of the root file for a root, expired or not; OpenSSL wants one that is signed by itself and valid.

use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::pki_types::{
    CertificateDer, ServerName, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, OtherError, RootCertStore};
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, Utf8StringRef};
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::der::referenced::OwnedToRef as _;
use x509_cert::der::{Any, AnyRef, Decode as _, Encode as _, Tag, Tagged as _};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, SubjectAltName};
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::{Certificate, Version};

type Algorithm = &'static dyn SignatureVerificationAlgorithm;

/// What is wrong, where rustls has no word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Distrust {
    ExpiredRoot,
}

impl Distrust {
    /// What to do about it.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::ExpiredRoot => {
                "The root certificate (sslrootcert) has expired: have a new one made, and certificates by it."
            }
        }
    }
}

impl std::fmt::Display for Distrust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ExpiredRoot => "the root certificate has expired",
        })
    }
}

impl std::error::Error for Distrust {}

impl From<Distrust> for Error {
    fn from(distrust: Distrust) -> Self {
        CertificateError::Other(OtherError(std::sync::Arc::new(distrust))).into()
    }
}

/// Whom to believe.
#[derive(Debug)]
pub(super) struct Roots {
    /// Signed by themselves.
    roots: Vec<(CertificateDer<'static>, Certificate)>,
    /// The others of the file: links between a server's certificate and a root.
    links: Vec<CertificateDer<'static>>,
}

impl Roots {
    /// What cannot be read is left out, as by every TLS library: systems bring some odd ones.
    pub(super) fn new(certificates: Vec<CertificateDer<'static>>) -> Self {
        let (mut roots, mut links) = (Vec::new(), Vec::new());
        for der in certificates {
            match Certificate::from_der(&der) {
                Ok(parsed) if is_self_issued(&parsed) => roots.push((der, parsed)),
                _ => links.push(der),
            }
        }
        Self { roots, links }
    }

    /// Whether a root vouches for this certificate now.
    pub(super) fn verify(
        &self,
        der: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        algorithms: &[Algorithm],
    ) -> Result<(), Error> {
        let parsed = Certificate::from_der(der).ok();
        let verify = |roots: &[&(CertificateDer<'static>, Certificate)]| match &parsed {
            Some(parsed) if roots.iter().any(|(root, _)| root == der) => is_valid(parsed, now),
            Some(parsed) if parsed.tbs_certificate.version == Version::V1 => {
                is_valid(parsed, now)?;
                let issuers = roots.iter().map(|(_, issuer)| issuer);
                issuers
                    .filter(|issuer| may_sign(issuer))
                    .any(|issuer| is_signed_by(parsed, issuer, algorithms))
                    .then_some(())
                    .ok_or_else(|| CertificateError::UnknownIssuer.into())
            }
            _ => {
                let mut store = RootCertStore::empty();
                store.add_parsable_certificates(roots.iter().map(|(root, _)| root.clone()));
                let links = intermediates.iter().chain(&self.links);
                let links: Vec<CertificateDer<'_>> = links.cloned().collect();
                verify_server_cert_signed_by_trust_anchor(
                    &ParsedCertificate::try_from(der)?,
                    &store,
                    &links,
                    now,
                    algorithms,
                )
            }
        };
        let all: Vec<_> = self.roots.iter().collect();
        verify(&all)?;
        let is_root_valid = |root: &&&(_, Certificate)| is_valid(&root.1, now).is_ok();
        let valid: Vec<_> = all.iter().filter(is_root_valid).copied().collect();
        if valid.len() == all.len() {
            return Ok(());
        }
        verify(&valid).map_err(|_| Distrust::ExpiredRoot.into())
    }
}

/// Whether the certificate is for this host. Names of the host's kind in subjectAltName leave the common name without meaning.
pub(super) fn verify_name(der: &CertificateDer<'_>, host: &ServerName<'_>) -> Result<(), Error> {
    let by_webpki = ParsedCertificate::try_from(der).and_then(|c| verify_server_name(&c, host));
    let Err(refusal) = by_webpki else {
        return Ok(());
    };
    let Ok(parsed) = Certificate::from_der(der) else {
        return Err(refusal);
    };
    let text = host.to_str();
    let mut is_meant = false;
    let mut has_names = false;
    if let Ok(Some((_, SubjectAltName(names)))) = parsed.tbs_certificate.get::<SubjectAltName>() {
        for name in names {
            has_names |= match host {
                ServerName::IpAddress(_) => matches!(name, GeneralName::IpAddress(_)),
                _ => matches!(name, GeneralName::DnsName(_)),
            };
            // An address written as a name, which webpki does not look for.
            is_meant |= matches!(&name, GeneralName::DnsName(name) if is_for(name.as_str(), &text));
        }
    }
    if !has_names {
        is_meant |= common_name(&parsed).is_some_and(|name| is_for(&name, &text));
    }
    match refusal {
        _ if is_meant => Ok(()),
        Error::InvalidCertificate(CertificateError::Other(_)) => {
            Err(CertificateError::NotValidForName.into())
        }
        refusal => Err(refusal),
    }
}

/// The key of a certificate that webpki cannot read: one of version 1.
pub(super) fn key_of_version_1(der: &CertificateDer<'_>) -> Option<Key> {
    let parsed = Certificate::from_der(der).ok()?;
    let is_so = parsed.tbs_certificate.version == Version::V1;
    is_so.then_some(Key(parsed.tbs_certificate.subject_public_key_info))
}

/// Whether this is the certificate of that public key.
pub(super) fn is_key_of(der: &CertificateDer<'_>, key: &SubjectPublicKeyInfoDer<'_>) -> bool {
    let parsed = Certificate::from_der(der).map(|parsed| parsed.tbs_certificate);
    parsed.is_ok_and(|parsed| Key(parsed.subject_public_key_info).der().as_ref() == Some(key))
}

/// A public key.
pub(super) struct Key(SubjectPublicKeyInfoOwned);

impl Key {
    pub(super) fn der(&self) -> Option<SubjectPublicKeyInfoDer<'static>> {
        self.0.to_der().ok().map(SubjectPublicKeyInfoDer::from)
    }

    /// Whether one of these algorithms finds that the key's owner signed this.
    pub(super) fn has_signed(
        &self,
        message: &[u8],
        signature: &[u8],
        algorithms: &[Algorithm],
    ) -> bool {
        let Some(bits) = self.0.subject_public_key.as_bytes() else {
            return false;
        };
        let identifier = content(&self.0.algorithm);
        algorithms
            .iter()
            .filter(|algorithm| {
                Some(algorithm.public_key_alg_id().as_ref()) == identifier.as_deref()
            })
            .any(|algorithm| algorithm.verify_signature(bits, message, signature).is_ok())
    }
}

/// What stands within a SEQUENCE: the form in which rustls names algorithms.
fn content(value: &impl x509_cert::der::Encode) -> Option<Vec<u8>> {
    let der = value.to_der().ok()?;
    AnyRef::from_der(&der).ok().map(|any| any.value().to_vec())
}

fn is_self_issued(certificate: &Certificate) -> bool {
    certificate.tbs_certificate.subject == certificate.tbs_certificate.issuer
}

/// A root of version 1 says nothing of what it may do; all others must say that they are an authority.
fn may_sign(issuer: &Certificate) -> bool {
    let constraints = issuer.tbs_certificate.get::<BasicConstraints>();
    issuer.tbs_certificate.version == Version::V1
        || matches!(
            constraints,
            Ok(Some((_, BasicConstraints { ca: true, .. })))
        )
}

fn is_signed_by(certificate: &Certificate, issuer: &Certificate, algorithms: &[Algorithm]) -> bool {
    let (Ok(message), Some(signature)) = (
        certificate.tbs_certificate.to_der(),
        certificate.signature.as_bytes(),
    ) else {
        return false;
    };
    let told = content(&certificate.signature_algorithm);
    let algorithms: Vec<Algorithm> = algorithms
        .iter()
        .copied()
        .filter(|algorithm| Some(algorithm.signature_alg_id().as_ref()) == told.as_deref())
        .collect();
    let key = Key(issuer.tbs_certificate.subject_public_key_info.clone());
    certificate.tbs_certificate.issuer == issuer.tbs_certificate.subject
        && certificate.tbs_certificate.signature == certificate.signature_algorithm
        && key.has_signed(&message, signature, &algorithms)
}

fn is_valid(certificate: &Certificate, now: UnixTime) -> Result<(), Error> {
    let validity = certificate.tbs_certificate.validity;
    if now.as_secs() < validity.not_before.to_unix_duration().as_secs() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now.as_secs() > validity.not_after.to_unix_duration().as_secs() {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

fn common_name(certificate: &Certificate) -> Option<String> {
    let subject = &certificate.tbs_certificate.subject;
    let mut parts = subject.0.iter().flat_map(|part| part.0.iter());
    text(&parts.find(|part| part.oid == COMMON_NAME)?.value)
}

fn text(value: &Any) -> Option<String> {
    let value = value.owned_to_ref();
    match value.tag() {
        Tag::Utf8String => Utf8StringRef::try_from(value).map(|t| t.as_str().to_owned()),
        Tag::PrintableString => PrintableStringRef::try_from(value).map(|t| t.as_str().to_owned()),
        _ => Ia5StringRef::try_from(value).map(|t| t.as_str().to_owned()),
    }
    .ok()
}

/// A star stands for one whole label at the beginning, never for a part of an address.
fn is_for(pattern: &str, host: &str) -> bool {
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    let below = |text: &'_ str| text.split_once('.').map(|(_, rest)| rest.to_owned());
    pattern.eq_ignore_ascii_case(host)
        || !is_address
            && pattern.starts_with("*.")
            && matches!((below(pattern), below(host)), (Some(a), Some(b)) if a.eq_ignore_ascii_case(&b))
}

#[cfg(test)]
mod tests {
    use super::is_for;

    #[test]
    fn a_star_is_one_label() {
        assert!(is_for("DB.example", "db.Example"));
        assert!(is_for("*.db.example", "a.db.example"));
        assert!(is_for("127.0.0.1", "127.0.0.1"));
        for (pattern, host) in [
            ("*.db.example", "db.example"),
            ("*.db.example", "a.b.db.example"),
            ("*.0.0.1", "127.0.0.1"),
            ("*", "localhost"),
            ("", "localhost"),
            ("db.example\0.evil", "db.example"),
            ("a*.db.example", "ab.db.example"),
        ] {
            assert!(!is_for(pattern, host), "{pattern} {host}");
        }
    }
}
