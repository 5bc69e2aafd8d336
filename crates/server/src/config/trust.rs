//! TLS with a relay: whether it is demanded, whom we trust, what we show of ourselves.

use super::doors::{cert_files, readable};
use super::reader::{Reader, Written};
use super::settings::{CertFiles, Fingerprint, Security, SmtpRelay};
use super::values;
use std::path::PathBuf;

/// What a section says of TLS, read whether or not there is a way to put it to.
pub(crate) struct Trust {
    required: Option<bool>,
    ca_file: Option<PathBuf>,
    fingerprints: Vec<Fingerprint>,
    trust_any: Option<bool>,
    client_cert: Option<CertFiles>,
}

impl Trust {
    pub(crate) fn read(r: &mut Reader<'_>, section: &str) -> Self {
        let ca_file = r.path(section, "CA_FILE");
        if let Some((path, origin)) = &ca_file {
            readable(r, section, "CA_FILE", path, origin);
        }
        let switch = |text: &str| values::strict_switch(text).map(Some);
        let required = r.parsed(section, "REQUIRE_TLS", None, switch);
        let fingerprints = r.parsed(section, "FINGERPRINT", Vec::new(), fingerprints);
        let trust_any = r.parsed(section, "FORCE_TRUST_SERVER_CERT", None, switch);
        let client_cert = cert_files(r, section, ("CLIENT_CERT_FILE", "CLIENT_KEY_FILE"));
        Self { required, ca_file: ca_file.map(|(path, _)| path), fingerprints, trust_any, client_cert }
    }

    /// Puts it to a relay; what asks for TLS where there never is any is a mistake.
    pub(crate) fn put(self, r: &mut Reader<'_>, section: &str, relay: &mut SmtpRelay) {
        let in_vain = |r: &mut Reader<'_>, key: &str| {
            let problem = "smtp:// never starts TLS; write smtp+starttls:// or smtps://";
            let origin = r.look(section, key).map(|Written { origin, .. }| origin);
            r.findings.mistake(origin, section, key, problem);
        };
        let plain = relay.security == Security::Off;
        match self.required {
            Some(true) if plain => in_vain(r, "REQUIRE_TLS"),
            Some(required) => relay.require_tls = required || relay.security == Security::Implicit,
            None => {}
        }
        if plain && !self.fingerprints.is_empty() {
            in_vain(r, "FINGERPRINT");
        }
        if self.trust_any == Some(true) {
            any_certificate(r, section);
        }
        relay.trust_any = self.trust_any.unwrap_or(relay.trust_any);
        if relay.trust_any && (self.ca_file.is_some() || !self.fingerprints.is_empty()) {
            let key = if self.ca_file.is_some() { "CA_FILE" } else { "FINGERPRINT" };
            let problem = "says nothing where FORCE_TRUST_SERVER_CERT takes any certificate; remove one";
            let origin = r.look(section, key).map(|Written { origin, .. }| origin);
            r.findings.mistake(origin, section, key, problem);
        }
        relay.ca_file = self.ca_file;
        relay.fingerprints = self.fingerprints;
        relay.client_cert = self.client_cert.or(relay.client_cert.take());
    }
}

/// Says what FORCE_TRUST_SERVER_CERT costs.
pub(crate) fn any_certificate(r: &mut Reader<'_>, section: &str) {
    const KEY: &str = "FORCE_TRUST_SERVER_CERT";
    let origin = r.look(section, KEY).map(|Written { origin, .. }| origin);
    let problem = "any certificate is taken, so whoever sits in between reads and changes all mail; write \
                   [postrider.relay] CA_FILE with the relay's certificate instead";
    r.findings.warn(origin, section, KEY, problem);
}

/// SHA-256 of certificates in hexadecimal, with or without colons.
fn fingerprints(text: &str) -> Result<Vec<Fingerprint>, String> {
    values::list(text).iter().map(|one| fingerprint(one)).collect()
}

fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    let wrong = || {
        format!(
            "{text:?} is no SHA-256 of a certificate, 64 hexadecimal digits; \
             \"openssl x509 -noout -fingerprint -sha256\" prints one"
        )
    };
    let digits = text.strip_prefix("sha256:").unwrap_or(text).replace(':', "");
    let octet = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok().filter(|p| p.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u8::from_str_radix(pair, 16).ok()
    };
    let octets: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(octet).collect();
    octets.and_then(|octets| octets.try_into().ok()).map(Fingerprint).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read() {
        let plain = "0A".repeat(32);
        let colons = ["0a"; 32].join(":");
        for text in [plain.clone(), colons.clone(), format!("sha256:{colons}")] {
            assert_eq!(fingerprints(&text), Ok(vec![Fingerprint([10; 32])]), "{text}");
        }
        assert_eq!(fingerprints(&format!("{plain}, {colons}")).map(|list| list.len()), Ok(2));
        for text in ["0a", "x", &"0A".repeat(33), &"+A".repeat(32), &format!("{plain}0")] {
            let error = fingerprints(text).expect_err(text);
            assert!(error.contains("openssl"), "{error}");
        }
    }
}
