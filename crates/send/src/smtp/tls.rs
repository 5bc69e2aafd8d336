//! TLS settings made ready, once for a relay: whom to trust, our certificate, the name to check; sessions are
//! resumed (RFC 8446 2.2) because all of the relay's connections share them.

mod certificate;
mod explain;
mod trust;

pub use certificate::CertificateFacts;

use super::connection::Duplex;
use super::{Endpoint, SettingsError, SmtpSettings, TlsSettings};
use ::smtp::sasl::Secret;
use rustls::client::WantsClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ConfigBuilder, ProtocolVersion, RootCertStore};
use std::borrow::Cow;
use std::io;

use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use trust::{Policy, Trust};

pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
    /// By STARTTLS, not from the first octet.
    upgrades: bool,
}

/// What a handshake settled.
#[derive(Debug, Clone)]
pub struct TlsFacts {
    /// `TLSv1_3`.
    pub version: Box<str>,
    pub cipher: Box<str>,
    /// Of the relay; `None` when it cannot be read.
    pub certificate: Option<CertificateFacts>,
    /// The tls-exporter value (RFC 9266) that SCRAM-…-PLUS binds to; with TLS 1.3 only.
    pub exporter: Option<Secret>,
    /// Whether an earlier session was taken up again.
    pub resumed: bool,
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
        let wire = wire_name(name.strip_suffix('.').unwrap_or(name));
        let server = ServerName::try_from(wire.into_owned());
        let server = server.map_err(|_| SettingsError::ServerName(name.into()))?;
        let config = config(&settings.tls)?;
        let upgrades = settings.security != super::Security::Implicit;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name: server, upgrades })
    }

    /// The handshake; the error is for the operator.
    pub(super) async fn connect(
        &self,
        stream: Box<dyn Duplex>,
    ) -> Result<(Box<dyn Duplex>, TlsFacts), String> {
        let made = self.connector.connect(self.name.clone(), stream).await;
        let stream = made.map_err(|error| explain::failed(&error, self.upgrades))?;
        let facts = facts(stream.get_ref().1);
        Ok((Box::new(stream), facts))
    }
}

/// Why a line broke, for the operator.
pub(super) fn broke(error: &io::Error) -> String {
    explain::broke(error)
}

/// A host as it is asked for: international names as A-labels (RFC 5890).
pub(super) fn wire_name(host: &str) -> Cow<'_, str> {
    if host.is_ascii() {
        return Cow::Borrowed(host);
    }
    // One that cannot be converted is told as it was written, by who asks for it.
    idna::domain_to_ascii(host).map_or(Cow::Borrowed(host), Cow::Owned)
}

fn facts(connection: &ClientConnection) -> TlsFacts {
    let version = connection.protocol_version();
    let named = |name: Option<String>| name.unwrap_or_else(|| "unknown".into()).into();
    let exporter = (version == Some(ProtocolVersion::TLSv1_3)).then(|| {
        let label = b"EXPORTER-Channel-Binding";
        connection.export_keying_material(vec![0u8; 32], label, Some(&[])).ok().map(Secret::from)
    });
    let leaf = connection.peer_certificates().and_then(<[CertificateDer<'_>]>::first);
    TlsFacts {
        version: named(version.and_then(|version| version.as_str().map(str::to_owned))),
        cipher: named(connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()))),
        certificate: leaf.and_then(|leaf| CertificateFacts::read(leaf)),
        exporter: exporter.flatten(),
        resumed: connection.handshake_kind() == Some(rustls::HandshakeKind::Resumed),
    }
}

/// Whether a TLS handshake succeeds on a line; nothing is ever sent over it.
pub(super) async fn answers(line: Box<dyn Duplex>) -> bool {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let Ok(builder) = builder(Policy::Any, &provider) else { return false };
    let connector = TlsConnector::from(Arc::new(builder.with_no_client_auth()));
    let name = ServerName::from(std::net::IpAddr::from([127, 0, 0, 1]));
    connector.connect(name, line).await.is_ok()
}

fn builder(
    policy: Policy,
    provider: &Arc<CryptoProvider>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, SettingsError> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| SettingsError::Tls(error.to_string()))?;
    let trust = Arc::new(Trust::new(policy, Arc::clone(provider)));
    Ok(builder.dangerous().with_custom_certificate_verifier(trust))
}

fn config(settings: &TlsSettings) -> Result<ClientConfig, SettingsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = builder(policy(settings)?, &provider)?;
    let Some((chain, key)) = &settings.client_cert else { return Ok(builder.with_no_client_auth()) };
    let certificates = certificates(chain)?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| file(key, error))?;
    builder.with_client_auth_cert(certificates, secret).map_err(|error| file(key, error))
}

fn policy(settings: &TlsSettings) -> Result<Policy, SettingsError> {
    if settings.trust_any {
        tracing::warn!(
            "FORCE_TRUST_SERVER_CERT is on: any server is believed to be the relay, and who sits in between \
             can read mail and password; set CA_FILE instead"
        );
        return Ok(Policy::Any);
    }
    if !settings.fingerprints.is_empty() {
        return Ok(Policy::Pinned(settings.fingerprints.clone()));
    }
    let mut roots = RootCertStore::empty();
    let listed = settings.ca_file.as_deref().map_or(Ok(Vec::new()), certificates)?;
    // A certificate that is no authority's is good for itself alone, not for what its key may sign.
    for certificate in listed.iter().filter(|certificate| may_sign(certificate)) {
        let path = settings.ca_file.as_deref().unwrap_or(Path::new(""));
        roots.add(certificate.clone()).map_err(|error| file(path, error))?;
    }
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if roots.is_empty() && listed.is_empty() {
        let cause = system.errors.first().map_or_else(String::new, |error| format!(" ({error})"));
        return Err(SettingsError::Tls(format!(
            "this system has no certificates of authorities{cause}; install ca-certificates, or write CA_FILE"
        )));
    }
    Ok(Policy::Roots { roots, listed })
}

/// Whether it is marked as an authority, or as nothing at all as old roots are.
fn may_sign(certificate: &CertificateDer<'_>) -> bool {
    CertificateFacts::read(certificate)
        .is_some_and(|facts| facts.is_authority || facts.names.is_empty() && facts.is_self_signed)
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
