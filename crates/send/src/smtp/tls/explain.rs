//! Why a handshake failed, in the words of a postmaster: the cause, then the remedy.

use super::certificate::CertificateFacts;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, CertificateError, Error};
use std::io;

/// Names of a certificate that are listed.
const LISTED: usize = 8;

/// A handshake that came to nothing; `agreed`: the peer had said 220 to STARTTLS.
pub(super) fn failed(error: &io::Error, agreed: bool) -> String {
    let Some(cause) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                "the peer closed the connection in the TLS handshake; it may speak \
                 no TLS on this port, or want a certificate of ours"
                    .into()
            }
            _ => format!("the TLS handshake broke off: {error}"),
        };
    };
    match cause {
        Error::InvalidMessage(_) if agreed => {
            "the relay does not speak TLS after it agreed to STARTTLS; its TLS is broken, or something between changes \
             what is said"
                .into()
        }
        Error::InvalidMessage(_) => "what answers does not speak TLS from the start on this port; use \
             smtp+starttls:// (usually port 587) or smtp://"
            .into(),
        Error::InvalidCertificate(CertificateError::Other(why)) => {
            format!("the relay's certificate is not trusted: {why}")
        }
        Error::PeerIncompatible(_) | Error::AlertReceived(AlertDescription::ProtocolVersion) => format!(
            "the relay offers no TLS that is safe today (1.2 or 1.3): {cause}; it must be updated, there is no \
             setting for less"
        ),
        Error::AlertReceived(AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity) => {
            format!(
                "the relay ended the TLS handshake: {cause}; it knows no cipher of ours, or wants a certificate"
            )
        }
        Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            format!(
                "the relay ended the TLS handshake: {cause}; it does not know itself by the name in our settings"
            )
        }
        Error::AlertReceived(_) => refused(&cause.to_string()),
        _ => format!("the TLS handshake failed: {cause}"),
    }
}

/// A line that broke, perhaps by TLS: with TLS 1.3 a refused certificate of ours shows only now.
pub(super) fn broke(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(cause @ Error::AlertReceived(_)) => refused(&cause.to_string()),
        _ => format!("the connection broke: {error}"),
    }
}

/// An alert is how a server refuses the certificate we showed, or that we showed none.
fn refused(cause: &str) -> String {
    format!(
        "the relay ended TLS: {cause}; if it wants a certificate, see CLIENT_CERT_FILE and CLIENT_KEY_FILE"
    )
}

/// A certificate that FINGERPRINT does not list.
pub(super) fn unlisted(found: &str) -> String {
    format!("its SHA-256 is {found}, which FINGERPRINT does not list; if the relay renewed it, list this one")
}

/// A certificate without a chain, with wrong dates or wrong names.
pub(super) fn untrusted(
    error: &Error,
    leaf: &CertificateDer<'_>,
    intermediates: usize,
    name: &ServerName<'_>,
) -> String {
    let Some(facts) = CertificateFacts::read(leaf) else { return format!("it cannot be read: {error}") };
    let Error::InvalidCertificate(cause) = error else { return error.to_string() };
    match cause {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => format!(
            "it ended on {}; the relay must get a new one (it names {})",
            facts.not_after,
            names(&facts)
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => format!(
            "it begins on {} only (it names {}); is our clock right?",
            facts.not_before,
            names(&facts)
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            wrong_name(&facts, name)
        }
        CertificateError::UnknownIssuer if !facts.is_authority => unknown_issuer(&facts, intermediates),
        _ if facts.is_authority => format!(
            "it is marked as an authority (CA:TRUE), which a server's own must not be: \"openssl req -x509\" makes \
             such; put this very certificate into CA_FILE, or give the relay one without that mark (subject {:?}, \
             SHA-256 {})",
            facts.subject, facts.fingerprint
        ),
        other => format!("{other} (subject {:?}, issuer {:?})", facts.subject, facts.issuer),
    }
}

fn wrong_name(facts: &CertificateFacts, name: &ServerName<'_>) -> String {
    let wanted = name.to_str();
    if facts.names.is_empty() {
        return format!(
            "it names {:?} only in its Common Name, which does not count (RFC 9525); make one with {wanted} as \
             Subject Alternative Name, or list its SHA-256 in FINGERPRINT: {}",
            facts.subject, facts.fingerprint
        );
    }
    format!(
        "it is for {}, not for {wanted}; write one of its names as the relay's host, or give the relay a \
         certificate for {wanted}",
        names(facts)
    )
}

fn unknown_issuer(facts: &CertificateFacts, intermediates: usize) -> String {
    let fingerprint = &facts.fingerprint;
    if facts.is_self_signed {
        return format!(
            "nobody but itself signed it (subject {:?}, SHA-256 {fingerprint}); if it is the relay's, put it into \
             CA_FILE",
            facts.subject
        );
    }
    let hint = match intermediates {
        0 => ", or have the relay send the certificates between, of which it sent none",
        _ => "",
    };
    format!(
        "it is signed by {:?}, whom neither this system nor CA_FILE knows; put that authority's certificate into \
         CA_FILE{hint} (subject {:?}, SHA-256 {fingerprint})",
        facts.issuer, facts.subject
    )
}

fn names(facts: &CertificateFacts) -> String {
    let mut text = facts.names.iter().take(LISTED).map(|name| &**name).collect::<Vec<_>>().join(", ");
    if facts.names.is_empty() {
        text = format!("{:?}", facts.subject);
    }
    match facts.names.len().saturating_sub(LISTED) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}
