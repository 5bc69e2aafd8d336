//! `[mailer]`, the half that says where mail goes: protocol, host, port, sign-in.

use super::doors::cert_files;
use super::reader::Reader;
use super::settings::{Login, Place, Security, SmtpRelay, Way};
use super::tree::Origin;
use super::{Surroundings, sendmail, trust, values};
use std::net::IpAddr;

const MAILER: &str = "mailer";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Smtp,
    Smtps,
    StartTls,
    Unix,
    Sendmail,
    Dummy,
}

const PROTOCOLS: [(&str, Protocol); 6] = [
    ("smtp", Protocol::Smtp),
    ("smtps", Protocol::Smtps),
    ("smtp+starttls", Protocol::StartTls),
    ("smtp+unix", Protocol::Unix),
    ("sendmail", Protocol::Sendmail),
    ("dummy", Protocol::Dummy),
];

/// Where `[mailer]` sends to, and the key that says so; `None` with a mistake told.
pub(crate) fn way(r: &mut Reader<'_>, around: &Surroundings) -> Option<(Way, &'static str)> {
    let written = r.text(MAILER, "PROTOCOL");
    let protocol = match &written {
        None => None,
        Some(w) => match PROTOCOLS.iter().find(|(word, _)| *word == w.text) {
            Some((_, protocol)) => Some(*protocol),
            None => {
                let problem = format!(
                    "{:?} is no protocol; write one of {}",
                    w.text,
                    PROTOCOLS.map(|p| p.0).join(", ")
                );
                r.findings.mistake(Some(w.origin.clone()), MAILER, "PROTOCOL", problem);
                return None;
            }
        },
    };
    match protocol {
        Some(Protocol::Dummy) => Some((Way::Dummy(send::DummyScript::default()), "PROTOCOL")),
        Some(Protocol::Sendmail) => {
            sendmail::sendmail(r, around).map(|way| (Way::Sendmail(Box::new(way)), "SENDMAIL_PATH"))
        }
        Some(Protocol::Smtp | Protocol::Smtps | Protocol::StartTls | Protocol::Unix) | None => {
            smtp(r, protocol, around).map(|relay| (Way::Smtp(Box::new(relay)), "SMTP_ADDR"))
        }
    }
}

fn smtp(r: &mut Reader<'_>, protocol: Option<Protocol>, around: &Surroundings) -> Option<SmtpRelay> {
    let port = r.text(MAILER, "SMTP_PORT");
    let helo = helo(r, around);
    let trust_any = r.switch(MAILER, "FORCE_TRUST_SERVER_CERT", false);
    if trust_any {
        trust::any_certificate(r, MAILER);
    }
    let client_cert = client_cert(r);
    let login = login(r);
    let Some(address) = r.text(MAILER, "SMTP_ADDR") else {
        if !r.is_mistaken(MAILER, "SMTP_ADDR") {
            let problem = "is missing; write the relay's host name, or its socket's path";
            r.findings.mistake(None, MAILER, "SMTP_ADDR", problem);
        }
        return None;
    };
    let port = match port.map(|w| (values::port(&w.text), w.origin)) {
        None => None,
        Some((Ok(port), _)) => Some(port),
        Some((Err(problem), origin)) => {
            r.findings.mistake(Some(origin), MAILER, "SMTP_PORT", problem);
            return None;
        }
    };
    if let Err(problem) = is_address(&address.text, protocol) {
        r.findings.mistake(Some(address.origin), MAILER, "SMTP_ADDR", problem);
        return None;
    }
    let (protocol, port) = infer(r, protocol, &address.text, port);
    let place = match protocol {
        Protocol::Unix => Place::Unix(r.absolute(&address.text)),
        _ => Place::Host { host: bare(&address.text).to_owned(), port },
    };
    let security = match protocol {
        Protocol::Smtps => Security::Implicit,
        Protocol::StartTls => Security::StartTls,
        Protocol::Smtp | Protocol::Unix | Protocol::Sendmail | Protocol::Dummy => Security::Off,
    };
    if let Place::Host { host, port } = &place {
        doubts(r, security, (host, *port), (MAILER, "SMTP_ADDR"), &address.origin);
    }
    Some(SmtpRelay {
        place,
        lmtp: false,
        security,
        require_tls: security == Security::Implicit,
        trust_any,
        ca_file: None,
        fingerprints: Vec::new(),
        client_cert,
        helo,
        login,
        token: None,
        mechanism: None,
    })
}

/// The port from the protocol, else the protocol from address and port.
fn infer(
    r: &mut Reader<'_>,
    protocol: Option<Protocol>,
    address: &str,
    port: Option<u16>,
) -> (Protocol, u16) {
    if let Some(protocol) = protocol {
        let usual = match protocol {
            Protocol::Smtps => 465,
            Protocol::StartTls => 587,
            Protocol::Smtp | Protocol::Unix | Protocol::Sendmail | Protocol::Dummy => 25,
        };
        return (protocol, port.unwrap_or(usual));
    }
    let (protocol, port) = match port {
        _ if address.contains(['/', '\\']) => (Protocol::Unix, 0),
        Some(25) => (Protocol::Smtp, 25),
        Some(465) => (Protocol::Smtps, 465),
        Some(587) => (Protocol::StartTls, 587),
        other => {
            let problem = "is missing and does not follow from SMTP_PORT; smtps is assumed, write it";
            r.findings.warn(None, MAILER, "PROTOCOL", problem);
            (Protocol::Smtps, other.unwrap_or(465))
        }
    };
    let word = PROTOCOLS.iter().find(|(_, p)| *p == protocol).map_or("", |(word, _)| word);
    r.show(MAILER, "PROTOCOL", word, None);
    (protocol, port)
}

/// Whether `SMTP_ADDR` can be what its protocol takes: a host, or a path.
fn is_address(text: &str, protocol: Option<Protocol>) -> Result<(), String> {
    if text.contains("://") {
        return Err("is a URL; write the host name alone, and PROTOCOL, or [postrider.relay] URL".into());
    }
    if text.contains("%(") {
        return Err(format!(
            "{text:?} holds a %(KEY)s of a key that is not written; write the key, or the name"
        ));
    }
    let is_path = text.contains(['/', '\\']);
    if text.ends_with('/') {
        return Err(format!("{text:?} names a folder; write the path of the relay's socket"));
    }
    if is_path && matches!(protocol, None | Some(Protocol::Unix)) {
        return Ok(());
    }
    let host = bare(text);
    if let Some((host, port)) = host.split_once(':').filter(|(_, port)| !port.contains(':')) {
        return Err(format!("{text:?} holds a port; write SMTP_ADDR = {host} and SMTP_PORT = {port}"));
    }
    match () {
        () if is_path => Err(format!("{text:?} is a path; write PROTOCOL = smtp+unix, or a host name")),
        () if values::is_host(host) => Ok(()),
        () => Err(format!("{text:?} is neither a host name nor an IP address; write one")),
    }
}

/// An address without the brackets of an IPv6 literal.
fn bare(address: &str) -> &str {
    address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(address)
}

/// Settings that work nowhere, or that send in clear over a network.
pub(crate) fn doubts(
    r: &mut Reader<'_>,
    security: Security,
    (host, port): (&str, u16),
    (section, key): (&str, &str),
    origin: &Origin,
) {
    let told = match (security, port) {
        (Security::Implicit, 25 | 587) => Some(
            "TLS from the first byte (smtps) is unusual on this port; port 465 or smtp+starttls was meant?",
        ),
        (Security::Off | Security::StartTls, 465) => {
            Some("port 465 speaks TLS from the first byte; smtps was meant?")
        }
        (Security::Off, _) if !is_local(host) => {
            Some("mail goes over the network in clear; smtp+starttls or smtps protects it")
        }
        _ => None,
    };
    if let Some(problem) = told {
        r.findings.warn(Some(origin.clone()), section, key, format!("{host}:{port}: {problem}"));
    }
}

pub(crate) fn is_local(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn helo(r: &mut Reader<'_>, around: &Surroundings) -> String {
    let said = r.switch(MAILER, "ENABLE_HELO", true);
    let name = greeting(r, MAILER);
    // Switched off, the reference still greets, as localhost.
    if said { name.unwrap_or_else(|| around.hostname.clone()) } else { "localhost".into() }
}

/// A name that can be said in EHLO (RFC 5321 4.1.1.1).
pub(crate) fn greeting(r: &mut Reader<'_>, section: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
    r.parsed(section, "HELO_HOSTNAME", None, |text| match text.chars().all(fits) && text.len() <= 255 {
        true => Ok(Some(text.to_owned())),
        false => Err(format!("{text:?} cannot be said in EHLO; write a host name, an IDN in its xn-- form")),
    })
}

fn client_cert(r: &mut Reader<'_>) -> Option<super::CertFiles> {
    let keys = ("CLIENT_CERT_FILE", "CLIENT_KEY_FILE");
    if !r.switch(MAILER, "USE_CLIENT_CERT", false) {
        return None;
    }
    let before = r.findings.mistakes.len();
    let files = cert_files(r, MAILER, keys);
    if files.is_none() && r.findings.mistakes.len() == before {
        let origin = r.look(MAILER, "USE_CLIENT_CERT").map(|w| w.origin);
        r.findings.mistake(
            origin,
            MAILER,
            keys.0,
            "is missing; USE_CLIENT_CERT needs it and CLIENT_KEY_FILE",
        );
    }
    files
}

fn login(r: &mut Reader<'_>) -> Option<Login> {
    let user = r.text(MAILER, "USER");
    let password = r.secret(MAILER, "PASSWD").map(|w| w.text).unwrap_or_default();
    user.map(|user| Login { user: user.text, password: password.into() })
}
