//! Certificates as relays have them, good and bad, and the TLS servers that show them.

use crate::peer::Peer;
use postrider_send::smtp::SmtpSettings;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

/// A server's certificate with its key, and in `ca.pem` what its clients are to trust.
pub(crate) struct Authority {
    folder: TempDir,
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
    pub acceptor: TlsAcceptor,
}

/// Names of the certificate, and a common name.
pub(crate) fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "the relay");
    params
}

/// Marks an authority.
pub(crate) fn authority_params() -> CertificateParams {
    let mut params = params(&[]);
    params.distinguished_name.push(DnType::CommonName, "the authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

impl Authority {
    /// Self-signed.
    pub(crate) fn new(names: &[&str]) -> Self {
        Self::of(&params(names))
    }

    /// Self-signed.
    pub(crate) fn of(params: &CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        Self::lay(made.pem(), vec![made.der().clone()], &key)
    }

    /// Signed by one who is, or is not, marked as an authority, and whose certificate alone is in `ca.pem`.
    pub(crate) fn signed_by(above: &CertificateParams, leaf: &CertificateParams) -> Self {
        let (above_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let ca = above.self_signed(&above_key).unwrap();
        let made = leaf.signed_by(&key, &Issuer::from_params(above, &above_key)).unwrap();
        Self::lay(ca.pem(), vec![made.der().clone()], &key)
    }

    fn lay(ca: String, chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), ca).unwrap();
        std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
        let key = key.serialize_der();
        let acceptor = acceptor(&chain, &key, rustls::DEFAULT_VERSIONS, None);
        Self { folder, chain, key, acceptor }
    }

    /// Speaks only this version of TLS.
    pub(crate) fn only(&self, version: &'static SupportedProtocolVersion) -> TlsAcceptor {
        acceptor(&self.chain, &self.key, &[version], None)
    }

    /// Wants a certificate of the client that `other` signed.
    pub(crate) fn wanting(
        &self,
        other: &Authority,
        version: &'static SupportedProtocolVersion,
    ) -> TlsAcceptor {
        acceptor(&self.chain, &self.key, &[version], Some(&other.chain[0]))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What FINGERPRINT would list.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.chain[0]);
        digest.as_ref().try_into().unwrap()
    }

    pub(crate) async fn peer(&self, script: String) -> Peer {
        Peer::tcp(&[script], Some(self.acceptor.clone())).await
    }

    pub(crate) fn trusted(&self, mut settings: SmtpSettings) -> SmtpSettings {
        settings.tls.ca_file = Some(self.path("ca.pem"));
        settings
    }
}

fn acceptor(
    chain: &[CertificateDer<'static>],
    key: &[u8],
    versions: &[&'static SupportedProtocolVersion],
    wants: Option<&CertificateDer<'static>>,
) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_protocol_versions(versions).unwrap();
    let builder = match wants {
        None => builder.with_no_client_auth(),
        Some(root) => {
            let mut roots = RootCertStore::empty();
            roots.add(root.clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivatePkcs8KeyDer::from(key.to_vec());
    TlsAcceptor::from(Arc::new(builder.with_single_cert(chain.to_vec(), key.into()).unwrap()))
}
