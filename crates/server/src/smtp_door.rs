//! The SMTP door, built from settings.

use crate::config::{CertFiles, Listen, Settings};
use crate::exit::Failure;
use crate::listen;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;
use submission::{Listener, SubmissionSettings, Timeouts};

/// Clients at one time.
const CONNECTIONS: usize = 1_000;

/// Opens the place; `name` is the flag or key that chose it.
pub(crate) async fn open(s: &Settings, name: &str) -> Result<Option<Listener>, Failure> {
    Ok(match &s.smtp.listen {
        None => None,
        Some(Listen::Tcp(address)) => Some(Listener::Tcp(listen::tcp(*address, name).await?)),
        Some(Listen::Unix(path)) => {
            Some(Listener::Unix(listen::unix(path, listen::mode(s.smtp.allow_local)).await?))
        }
    })
}

/// Where it listens, with the port that port 0 became.
pub(crate) fn place(listener: &Listener, s: &Settings) -> Result<Option<Listen>, Failure> {
    Ok(match listener {
        Listener::Tcp(listener) => Some(Listen::Tcp(listener.local_addr()?)),
        Listener::Unix(_) => s.smtp.listen.clone(),
    })
}

/// What the door must be told; `everybody` needs no sign-in on this machine (`dev`).
pub(crate) fn settings(s: &Settings, everybody: bool) -> Result<SubmissionSettings, Failure> {
    Ok(SubmissionSettings {
        hostname: s.identity.hostname.clone(),
        allow_local: s.smtp.allow_local,
        tls: s.smtp.tls.as_ref().map(tls).transpose()?.map(Arc::new),
        max_size: s.smtp.max_size,
        max_connections: CONNECTIONS,
        timeouts: Timeouts::default(),
        open: everybody,
    })
}

fn tls(files: &CertFiles) -> Result<ServerConfig, Failure> {
    let refused = |key: &str, path: &Path, error: &dyn std::fmt::Display| {
        Failure::Settings(format!("[postrider.smtp] {key}: {}: {error}; it must be PEM", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| refused("TLS_CERT", &files.cert, &e))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|e| refused("TLS_KEY", &files.key, &e))?;
    ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| refused("TLS_CERT", &files.cert, &e))
}
