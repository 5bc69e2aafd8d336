//! A certificate for the loopback, made anew in each run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;

/// Self-signed for `localhost` and `127.0.0.1`; it is its own authority.
#[derive(Debug)]
pub struct Certificate {
    pub pem: String,
    pub key_pem: String,
    der: Vec<u8>,
    key_der: Vec<u8>,
}

impl Certificate {
    pub fn new() -> Self {
        Self::with(&["localhost", "127.0.0.1"], |_| {})
    }

    /// Self-signed for these names, with more of it changed.
    pub fn with(names: &[&str], edit: impl FnOnce(&mut rcgen::CertificateParams)) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = rcgen::CertificateParams::new(names).expect("plain names");
        edit(&mut params);
        let key = rcgen::KeyPair::generate().expect("a key");
        let made = params.self_signed(&key).expect("a certificate");
        Certificate {
            pem: made.pem(),
            key_pem: key.serialize_pem(),
            der: made.der().to_vec(),
            key_der: key.serialize_der(),
        }
    }

    /// One that ended in 2001.
    pub fn ended(names: &[&str]) -> Self {
        Self::with(names, |params| {
            params.not_before = rcgen::date_time_ymd(2000, 1, 1);
            params.not_after = rcgen::date_time_ymd(2001, 2, 3);
        })
    }

    /// One that begins in 2090.
    pub fn to_come(names: &[&str]) -> Self {
        Self::with(names, |params| {
            params.not_before = rcgen::date_time_ymd(2090, 1, 1);
            params.not_after = rcgen::date_time_ymd(2091, 1, 1);
        })
    }

    /// One marked as an authority (CA:TRUE), as `openssl req -x509` makes it.
    pub fn authority(names: &[&str]) -> Self {
        Self::with(names, |params| params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained))
    }

    /// One that has its name in the Common Name alone.
    pub fn common_name(name: &str) -> Self {
        Self::with(&[], |params| params.distinguished_name.push(rcgen::DnType::CommonName, name))
    }

    /// Writes `cert.pem` and `key.pem`; returns their paths.
    pub fn write(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        std::fs::write(&cert, &self.pem).expect("a writable folder");
        std::fs::write(&key, &self.key_pem).expect("a writable folder");
        (cert, key)
    }

    pub fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(
                vec![self.der.clone().into()],
                rustls::pki_types::PrivatePkcs8KeyDer::from(self.key_der.clone()).into(),
            )
            .expect("the key fits the certificate");
        TlsAcceptor::from(Arc::new(config))
    }
}

impl Default for Certificate {
    fn default() -> Self {
        Self::new()
    }
}
