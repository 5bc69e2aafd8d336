//! Whether a relay's certificate is believed, and if not, why and what to do.

use super::certificate::{CertificateFacts, fingerprint, hexadecimal};
use super::explain;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};
use std::fmt;
use std::sync::Arc;

/// What makes a certificate good.
#[derive(Debug)]
pub(super) enum Policy {
    /// FORCE_TRUST_SERVER_CERT: nothing; the peer must still hold its key.
    Any,
    /// FINGERPRINT: being listed, whoever signed it, whatever its names and dates.
    Pinned(Vec<[u8; 32]>),
    /// Name and dates, and a chain to a root or being listed itself.
    Roots { roots: RootCertStore, listed: Vec<CertificateDer<'static>> },
}

#[derive(Debug)]
pub(super) struct Trust {
    policy: Policy,
    provider: Arc<CryptoProvider>,
}

/// A certificate that is not believed, explained.
#[derive(Debug)]
pub(super) struct Untrusted(String);

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Untrusted {}

impl Trust {
    pub(super) fn new(policy: Policy, provider: Arc<CryptoProvider>) -> Self {
        Self { policy, provider }
    }

    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), String> {
        match &self.policy {
            Policy::Any => Ok(()),
            Policy::Pinned(pins) => {
                let found = fingerprint(leaf);
                if pins.contains(&found) { Ok(()) } else { Err(explain::unlisted(&hexadecimal(&found))) }
            }
            Policy::Roots { roots, listed } => {
                let parsed = ParsedCertificate::try_from(leaf);
                let checked = parsed.and_then(|parsed| {
                    if listed.contains(leaf) {
                        dates(leaf, now)?;
                    } else {
                        let algorithms = self.provider.signature_verification_algorithms.all;
                        verify_server_cert_signed_by_trust_anchor(&parsed, roots, chain, now, algorithms)?;
                    }
                    verify_server_name(&parsed, name)
                });
                checked.map_err(|error| explain::untrusted(&error, leaf, chain.len(), name))
            }
        }
    }
}

/// The chain of a listed certificate is not walked, which would have checked its dates.
fn dates(leaf: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let facts = CertificateFacts::read(leaf).ok_or(CertificateError::BadEncoding)?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < facts.not_before.as_second() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > facts.not_after.as_second() {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.judge(leaf, chain, name, now) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(why) => {
                Err(Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(Untrusted(why))))))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
