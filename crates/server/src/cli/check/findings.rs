//! What there is to say of a relay: each finding with its cause and what to do.

use super::advice;
use crate::config::{Security, SmtpRelay};
use jiff::{SignedDuration, Timestamp};
use send::smtp::{Examination, TlsFacts};
use smtp::Capabilities;

/// A certificate that ends within this is told of.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// No mail goes this way.
    Error,
    /// Mail goes, and something will go wrong or is at risk.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// A word for programs; it does not change.
    pub(crate) code: &'static str,
    pub(crate) cause: String,
    pub(crate) remedy: String,
}

impl Finding {
    pub(crate) fn new(severity: Severity, code: &'static str, cause: &str, remedy: &str) -> Self {
        Self { severity, code, cause: cause.to_owned(), remedy: remedy.to_owned() }
    }
}

/// All that an examination tells; `max_size`: octets our doors take.
pub(crate) fn of(way: &SmtpRelay, seen: &Examination, max_size: usize, now: Timestamp) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Err(trouble) = &seen.result {
        found.push(advice::on_trouble(way, trouble, seen));
    }
    for (address, trouble) in &seen.passed_over {
        let cause = format!("the host at {} turned us away: {}", address.ip(), advice::cause(trouble));
        let remedy =
            "mail goes to the name's next address, later; mend that host, or take its address from the name";
        found.push(Finding::new(Severity::Warning, "address", &cause, remedy));
    }
    trust(way, seen, now, &mut found);
    if seen.result.is_ok() {
        secrecy(way, seen, &mut found);
        sign_in(way, seen, &mut found);
        extensions(seen, max_size, &mut found);
    }
    found
}

fn trust(way: &SmtpRelay, seen: &Examination, now: Timestamp, found: &mut Vec<Finding>) {
    if way.trust_any && way.security != Security::Off {
        found.push(Finding::new(
            Severity::Warning,
            "any_certificate",
            "FORCE_TRUST_SERVER_CERT is on: whoever sits in between can show any certificate, and read mail and \
             password",
            &pin(seen.tls.as_ref()),
        ));
    }
    let Some(certificate) = seen.tls.as_ref().and_then(|tls| tls.certificate.as_ref()) else { return };
    if way.fingerprints.is_empty() && now <= certificate.not_after && now + SOON > certificate.not_after {
        let cause = format!("the relay's certificate ends on {}", certificate.not_after);
        let remedy = "see that the relay renews it; from that time on mail waits";
        found.push(Finding::new(Severity::Warning, "certificate_ends", &cause, remedy));
    }
}

fn pin(tls: Option<&TlsFacts>) -> String {
    match tls.and_then(|tls| tls.certificate.as_ref()) {
        Some(certificate) => format!(
            "write [postrider.relay] FINGERPRINT = {} instead, if that is the relay's (subject {:?})",
            certificate.fingerprint, certificate.subject
        ),
        None => "write [postrider.relay] CA_FILE with the relay's certificate instead".to_owned(),
    }
}

fn secrecy(way: &SmtpRelay, seen: &Examination, found: &mut Vec<Finding>) {
    // A socket has no address.
    if seen.address.is_none_or(|address| address.ip().to_canonical().is_loopback()) {
        return;
    }
    match (&seen.tls, way.security) {
        (None, _) if seen.capabilities.starttls => found.push(Finding::new(
            Severity::Warning,
            "clear",
            "mail goes in clear, though the relay offers STARTTLS",
            "write smtp+starttls instead of smtp",
        )),
        (None, _) => found.push(Finding::new(
            Severity::Warning,
            "clear",
            "mail goes in clear, and the relay offers no TLS on this port",
            "ask its postmaster for a port with TLS, usually 465 (smtps) or 587 (smtp+starttls)",
        )),
        (Some(_), Security::StartTls) if !way.require_tls => found.push(Finding::new(
            Severity::Note,
            "tls_optional",
            "TLS is used, but would not be missed: whoever sits in between can hide that it is offered",
            "write REQUIRE_TLS = true in [postrider.relay]",
        )),
        (Some(_), _) => {}
    }
    if way.helo.eq_ignore_ascii_case("localhost") {
        found.push(Finding::new(
            Severity::Warning,
            "helo",
            "we greet as localhost, which many relays take for a sign of abuse",
            "write HELO_HOSTNAME with this machine's full name",
        ));
    }
}

fn sign_in(way: &SmtpRelay, seen: &Examination, found: &mut Vec<Finding>) {
    if way.login.is_none() && !seen.capabilities.auth.is_empty() {
        let cause =
            format!("the relay offers to sign in ({}) and no user is set", seen.capabilities.auth.join(" "));
        let remedy = "if it refuses our mail as relaying, write USER and PASSWD";
        found.push(Finding::new(Severity::Note, "no_user", &cause, remedy));
    }
}

fn extensions(seen: &Examination, max_size: usize, found: &mut Vec<Finding>) {
    let caps = &seen.capabilities;
    if let Some(bound) = caps.max_size().filter(|bound| *bound < max_size as u64) {
        let cause = format!("the relay takes mails of {bound} octets, our doors take {max_size}");
        let remedy =
            format!("write [postrider.smtp] MAX_SIZE = {bound}, so that larger ones are refused at once");
        found.push(Finding::new(Severity::Warning, "size", &cause, &remedy));
    }
    for missing in MISSING.iter().filter(|missing| !(missing.offered)(caps)) {
        let cause = format!("the relay does not offer {}: {}", missing.name, missing.effect);
        found.push(Finding::new(Severity::Note, missing.code, &cause, missing.remedy));
    }
}

/// An extension, and what comes of its absence.
struct Missing {
    offered: fn(&Capabilities) -> bool,
    code: &'static str,
    name: &'static str,
    effect: &'static str,
    remedy: &'static str,
}

const MISSING: [Missing; 5] = [
    Missing {
        offered: |caps| caps.pipelining,
        code: "pipelining",
        name: "PIPELINING",
        effect: "each command waits for its answer, so mail goes slower",
        remedy: "where speed matters, look for a firewall that rewrites SMTP (what it takes out of the answer to EHLO it \
                 often leaves as XXXX), or ask the relay's postmaster",
    },
    Missing {
        offered: |caps| caps.eight_bit_mime,
        code: "8bitmime",
        name: "8BITMIME",
        effect: "8-bit mail that is signed cannot go this way; ours is 7-bit",
        remedy: "nothing to do for mail that we compose; for signed 8-bit mail add a relay that offers it behind this one",
    },
    Missing {
        offered: |caps| caps.smtputf8,
        code: "smtputf8",
        name: "SMTPUTF8",
        effect: "addresses like grüße@example.org cannot be reached this way",
        remedy: "nothing to do while all names before the @ are ASCII; else add a relay that offers it behind this one",
    },
    Missing {
        offered: |caps| caps.dsn,
        code: "dsn",
        name: "DSN",
        effect: "it sends no report on delivery where a sender asked for one",
        remedy: "nothing to do: what fails here is told all the same",
    },
    Missing {
        offered: |caps| caps.enhanced_status_codes,
        code: "enhancedstatuscodes",
        name: "ENHANCEDSTATUSCODES",
        effect: "its refusals are told by three digits alone, so fewer of them are understood",
        remedy: "nothing to do; what it says in words is shown with each attempt",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Place, Security};
    use send::smtp::CertificateFacts;
    use send::{Phase, Trouble, TroubleKind};

    fn way(security: Security) -> SmtpRelay {
        SmtpRelay {
            place: Place::Host { host: "mx.example".into(), port: 25 },
            lmtp: false,
            security,
            require_tls: false,
            trust_any: false,
            ca_file: None,
            fingerprints: Vec::new(),
            client_cert: None,
            helo: "me.example".into(),
            login: None,
            token: None,
            mechanism: None,
        }
    }

    fn seen() -> Examination {
        let all = ["hi", "PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES"].map(Box::from);
        Examination {
            result: Ok(()),
            transcript: String::new(),
            passed_over: Vec::new(),
            address: Some(([192, 0, 2, 1], 25).into()),
            tls: None,
            capabilities: Capabilities::from_ehlo(&envelope::Reply { code: 250, lines: all.to_vec() }),
            overheard: None,
        }
    }

    fn tls(not_after: &str) -> TlsFacts {
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let certificate = CertificateFacts {
            subject: "mx".into(),
            issuer: "ca".into(),
            names: vec!["mx.example".into()],
            not_before: time("2020-01-01T00:00:00Z"),
            not_after: time(not_after),
            is_authority: false,
            is_self_signed: false,
            fingerprint: "ab".into(),
        };
        let (version, cipher) = ("TLSv1_3".into(), "x".into());
        TlsFacts { version, cipher, certificate: Some(certificate), exporter: None, resumed: false }
    }

    fn check(way: &SmtpRelay, seen: &Examination, expected: &[&str]) {
        let now = "2026-01-01T00:00:00Z".parse().expect("a time");
        let found = of(way, seen, 1000, now);
        let codes: Vec<&str> = found.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, expected, "{found:#?}");
    }

    #[test]
    fn what_is_risked_over_a_network_is_told() {
        check(&way(Security::Off), &seen(), &["clear"]);
        let offering =
            Examination { capabilities: Capabilities { starttls: true, ..seen().capabilities }, ..seen() };
        check(&way(Security::Off), &offering, &["clear"]);
        let here = Examination { address: Some(([127, 0, 0, 1], 25).into()), ..seen() };
        check(&way(Security::Off), &here, &[]);
        check(&way(Security::Off), &Examination { address: None, ..seen() }, &[]);
        let secured = Examination { tls: Some(tls("2030-01-01T00:00:00Z")), ..seen() };
        check(&way(Security::StartTls), &secured, &["tls_optional"]);
        check(&SmtpRelay { require_tls: true, ..way(Security::StartTls) }, &secured, &[]);
        check(&SmtpRelay { helo: "localhost".into(), ..way(Security::Implicit) }, &secured, &["helo"]);
    }

    #[test]
    fn a_host_that_was_passed_over_is_told() {
        let trouble = Trouble {
            kind: TroubleKind::Busy,
            phase: Phase::Greeting,
            reply: Some(envelope::Reply::new(421, "busy\u{1b}")),
            text: "the server turns us away".into(),
        };
        let here = Some(([127, 0, 0, 1], 25).into());
        let passed_over = vec![(([127, 0, 0, 2], 25).into(), trouble)];
        let seen = Examination { passed_over, address: here, ..seen() };
        let found = of(&way(Security::Off), &seen, 1000, Timestamp::UNIX_EPOCH);
        let causes: Vec<&str> = found.iter().map(|finding| &*finding.cause).collect();
        let said = "the host at 127.0.0.2 turned us away: the server turns us away: 421 busy\\u{1b}";
        assert_eq!((found[0].severity, causes), (Severity::Warning, vec![said]));
    }

    #[test]
    fn a_certificate_that_ends_soon_is_told() {
        let check = |not_after: &str, expected: &[&str]| {
            let seen = Examination { tls: Some(tls(not_after)), ..seen() };
            check(&way(Security::Implicit), &seen, expected);
        };
        check("2026-01-10T00:00:00Z", &["certificate_ends"]);
        check("2026-01-20T00:00:00Z", &[]);
        check("2025-12-31T00:00:00Z", &[]);
    }
}
