//! TLS settings made ready: trusted roots, our certificate, the name to check.

mod trust_any;

use super::{Endpoint, SettingsError, SmtpSettings, TlsSettings};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

pub(super) struct Tls {
    pub(super) connector: TlsConnector,
    pub(super) name: ServerName<'static>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Tls {
    pub(super) fn new(settings: &SmtpSettings) -> Result<Self, SettingsError> {
        let host = match &settings.endpoint {
            Endpoint::Tcp { host, .. } => host,
            Endpoint::Unix { .. } => "localhost",
        };
        let name = settings.tls.server_name.as_deref().unwrap_or(host);
        let server = ServerName::try_from(name.trim_end_matches('.').to_owned())
            .map_err(|_| SettingsError::ServerName(name.into()))?;
        let config = config(&settings.tls)?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name: server })
    }
}

/// Only to learn whether a port speaks TLS: nothing is ever sent over it.
pub(super) fn curious() -> Option<TlsConnector> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Arc::new(trust_any::TrustAny::new(Arc::clone(&provider)));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    let config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    Some(TlsConnector::from(Arc::new(config)))
}

fn config(settings: &TlsSettings) -> Result<ClientConfig, SettingsError> {
    let failed = |error: rustls::Error| SettingsError::Tls(error.to_string());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = verifier(settings, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let Some((chain, key)) = &settings.client_cert else { return Ok(builder.with_no_client_auth()) };
    let certificates = certificates(chain)?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| file(key, error))?;
    builder.with_client_auth_cert(certificates, secret).map_err(|error| file(key, error))
}

fn verifier(
    settings: &TlsSettings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, SettingsError> {
    if settings.trust_any {
        tracing::warn!(
            "FORCE_TRUST_SERVER_CERT is on: any server is believed to be the relay, and who sits in between \
             can read mail and password; set CA_FILE instead"
        );
        return Ok(Arc::new(trust_any::TrustAny::new(Arc::clone(provider))));
    }
    let Some(path) = &settings.ca_file else {
        let system = rustls_platform_verifier::Verifier::new(Arc::clone(provider))
            .map_err(|error| SettingsError::Tls(error.to_string()))?;
        return Ok(Arc::new(system));
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| file(path, error))?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| file(path, error))?;
    Ok(verifier)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let all: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).map_err(|error| file(path, error))?.collect();
    let all = all.map_err(|error| file(path, error))?;
    if all.is_empty() { Err(file(path, "no certificate in it")) } else { Ok(all) }
}

fn file(path: &Path, cause: impl std::fmt::Display) -> SettingsError {
    SettingsError::File { path: path.into(), cause: cause.to_string() }
}

/// Why a handshake failed, and what to do about it.
pub(super) fn explain(error: &std::io::Error) -> String {
    let Some(cause) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return format!("the TLS handshake broke off: {error}");
    };
    match cause {
        rustls::Error::InvalidMessage(_) => "what answers does not speak TLS from the start on this port; \
             use smtp+starttls:// (usually port 587) or smtp://"
            .into(),
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            format!(
                "the relay's certificate is not trusted: {cause}; if it is your own, name its authority in CA_FILE"
            )
        }
        _ => format!("the TLS handshake failed: {cause}"),
    }
}
