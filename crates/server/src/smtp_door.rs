//! The SMTP door, built from settings.

use crate::config::{CertFiles, Listen, Settings};
use crate::exit::Failure;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use submission::{SubmissionSettings, Timeouts};

/// Clients at one time.
const CONNECTIONS: usize = 1_000;
/// Of them from one address elsewhere.
const PER_PEER: usize = 100;

/// What the door's settings come from: a reload that finds nothing of it changed leaves the door alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    listen: Option<Listen>,
    hostname: String,
    allow_local: bool,
    max_size: usize,
    tls: Option<CertFiles>,
    /// Length, change and place of certificate and key, for files are replaced under their names.
    stamps: Vec<Option<(u64, i64, i64, u64)>>,
}

impl Source {
    pub(crate) fn of(s: &Settings) -> Self {
        let files = s.smtp.tls.iter().flat_map(|tls| [&tls.cert, &tls.key]);
        let stamp = |path| {
            std::fs::metadata(path).ok().map(|m: Metadata| (m.len(), m.ctime(), m.ctime_nsec(), m.ino()))
        };
        Self {
            listen: s.smtp.listen.clone(),
            hostname: s.identity.hostname.clone(),
            allow_local: s.smtp.allow_local,
            max_size: s.smtp.max_size,
            tls: s.smtp.tls.clone(),
            stamps: files.map(stamp).collect(),
        }
    }
}

/// What the door must be told; `everybody` needs no sign-in on this machine (`dev`).
pub(crate) fn settings(s: &Settings, everybody: bool) -> Result<SubmissionSettings, Failure> {
    Ok(SubmissionSettings {
        hostname: s.identity.hostname.clone(),
        allow_local: s.smtp.allow_local,
        tls: s.smtp.tls.as_ref().map(tls).transpose()?.map(Arc::new),
        max_size: s.smtp.max_size,
        max_connections: CONNECTIONS,
        max_per_peer: PER_PEER,
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
