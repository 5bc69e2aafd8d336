//! What stood in the way of mail, and what a postmaster would do about it.

use super::findings::{Finding, Severity};
use crate::config::{Place, Security, SmtpRelay};
use send::smtp::Examination;
use send::{Phase, Trouble, TroubleKind};

/// Beginnings of what other services say by themselves.
const SERVICES: [(&str, &str); 6] = [
    ("* OK", "an IMAP server, where mail is read"),
    ("+OK", "a POP3 server, where mail is read"),
    ("HTTP/", "a web server"),
    ("<", "a web server"),
    ("SSH-", "an SSH server"),
    ("200 ", "a news server"),
];

pub(super) fn on_trouble(way: &SmtpRelay, trouble: &Trouble, seen: &Examination) -> Finding {
    let (code, remedy) = match trouble.kind {
        TroubleKind::Unreachable => unreachable(way, trouble),
        TroubleKind::Tls | TroubleKind::Misbehaved | TroubleKind::Timeout | TroubleKind::Lost
            if trouble.reply.is_none() && matches!(trouble.phase, Phase::Greeting | Phase::Tls) =>
        {
            return strange(way, trouble, seen);
        }
        TroubleKind::Tls => {
            ("starttls_refused", "see the relay's log; its TLS may lack a key or certificate".into())
        }
        TroubleKind::Settings => no_tls(way, seen),
        TroubleKind::Auth => sign_in(way, trouble, seen),
        TroubleKind::Busy => turned_away(way, trouble),
        TroubleKind::Timeout => ("slow", "see the relay's log: it answers, but too slowly".into()),
        TroubleKind::Lost | TroubleKind::Misbehaved | TroubleKind::Stopped => (
            "broken",
            "see the dialogue and the relay's log; a firewall that reads along may change what is said"
                .into(),
        ),
    };
    Finding { severity: Severity::Error, code, cause: cause(trouble), remedy }
}

/// The trouble in its own words, and the peer's where it said something.
pub(super) fn cause(trouble: &Trouble) -> String {
    match &trouble.reply {
        Some(reply) => format!("{}: {}", trouble.text, smtp::escape(&reply.to_string(), 500)),
        None => trouble.text.to_string(),
    }
}

fn unreachable(way: &SmtpRelay, trouble: &Trouble) -> (&'static str, String) {
    if trouble.text.contains("does not resolve") || trouble.text.contains("has no address") {
        return ("resolve", "check the spelling of the host, and the name server in /etc/resolv.conf".into());
    }
    let Place::Host { port, .. } = &way.place else {
        return ("connect", "start the server, or mend the path or the rights of its socket".into());
    };
    let remedy = match port {
        _ if trouble.text.contains("refused") => {
            format!("nobody listens on port {port}: is the relay running, is the port right (587, 465, 25)?")
        }
        25 => "something drops what we send: many providers close port 25, try 587 or 465".into(),
        _ => "something on the way drops what we send: look at firewalls, and at the relay's address".into(),
    };
    ("connect", remedy)
}

/// What answers is not what was expected to answer: the wrong port or the wrong kind of TLS.
fn strange(way: &SmtpRelay, trouble: &Trouble, seen: &Examination) -> Finding {
    let heard = seen.overheard.as_deref().unwrap_or_default();
    let error = |code, cause: &str, remedy: &str| Finding::new(Severity::Error, code, cause, remedy);
    if let Some((_, service)) = SERVICES.iter().find(|(start, _)| heard.starts_with(start)) {
        let cause = format!("{service} answers on this port ({heard:?})");
        return error("wrong_port", &cause, "write the relay's port for handing in mail: 587, 465 or 25");
    }
    if way.security == Security::Implicit && heard.starts_with("220") {
        let cause = format!("the port speaks SMTP in clear first ({heard:?}), and we spoke TLS at once");
        return error(
            "plain_port",
            &cause,
            "write smtp+starttls instead of smtps, or the port for smtps: 465",
        );
    }
    if trouble.text.contains("the port speaks TLS") {
        let cause = "the port speaks TLS from the first octet, and we waited for a greeting in clear";
        return error("tls_port", cause, "write smtps instead, or the port for smtp+starttls: 587");
    }
    if trouble.kind == TroubleKind::Tls {
        let code = if trouble.text.contains("certificate is not trusted") { "certificate" } else { "tls" };
        // The sender's texts have the cause, a semicolon, and the remedy.
        let whole = cause(trouble);
        let (cause, remedy) =
            whole.split_once("; ").unwrap_or((&whole, "see the relay's log of this connection"));
        return error(code, cause, remedy);
    }
    if trouble.kind == TroubleKind::Timeout && trouble.phase == Phase::Greeting {
        let remedy = "is it a relay at all? A firewall may accept and say nothing, a relay may look us up first; see \
                      its log";
        return error("silent", &cause(trouble), remedy);
    }
    let cause = match heard {
        "" => cause(trouble),
        heard => format!("{}; by itself the port says {heard:?}", cause(trouble)),
    };
    error("no_relay", &cause, "check host and port: 587, 465 or 25")
}

fn no_tls(way: &SmtpRelay, seen: &Examination) -> (&'static str, String) {
    let offered = match seen.capabilities.keywords.is_empty() {
        true => "it answers HELO only",
        false => "something in between may have taken the offer out",
    };
    let remedy = match &way.place {
        Place::Host { port: 465, .. } => "port 465 speaks TLS from the first octet: write smtps".to_owned(),
        _ => format!(
            "use the relay's port with TLS, 587 or 465; {offered}; where the network is your own, write smtp instead \
             of smtp+starttls"
        ),
    };
    ("no_starttls", remedy)
}

fn sign_in(way: &SmtpRelay, trouble: &Trouble, seen: &Examination) -> (&'static str, String) {
    if trouble.text.starts_with("no access token") {
        return ("token", "without a token there is no sign-in: mend what the cause names".into());
    }
    if let Some(reply) = &trouble.reply {
        let text = reply.to_string();
        let remedy = match &*text {
            text if text.contains("5.7.9") || text.to_ascii_lowercase().contains("application-specific") => {
                "the account wants a password made for one application, or OAuth: see its security page"
            }
            text if text.contains("5.7.139") || text.contains("5.7.3") => {
                "Microsoft 365 has SMTP AUTH switched off for this mailbox or tenant: switch it on, or use OAuth"
            }
            _ if reply.code < 500 => "the relay cannot check passwords now; it is tried again",
            _ if way.token.is_some() => {
                "is the token for this relay and this USER? Check SCOPE, and that the account may send by SMTP"
            }
            _ => {
                "check USER (often the whole address) and PASSWD; in an ini file a password with # ; or ` must be \
                 quoted"
            }
        };
        return ("auth_refused", remedy.to_owned());
    }
    let offers = seen.capabilities.auth.join(" ");
    if offers.is_empty() {
        let remedy = match (way.security, seen.capabilities.starttls) {
            (Security::Off, true) => {
                "it offers STARTTLS, and most relays let sign in only after it: write smtp+starttls"
            }
            _ => "use its port for handing in mail (587 or 465), or remove USER if it takes our mail without",
        };
        return ("auth_not_offered", remedy.to_owned());
    }
    let far = seen.address.is_some_and(|address| !address.ip().to_canonical().is_loopback());
    if way.security == Security::Off && far {
        return (
            "auth_in_clear",
            "write smtp+starttls or smtps: a password does not go over a network in clear".into(),
        );
    }
    let pinned = way.mechanism.as_deref().map(|name| format!("AUTH = {name} is set; ")).unwrap_or_default();
    (
        "auth_mechanism",
        format!("{pinned}the relay offers {offers}; set AUTH to one that both know, or remove it"),
    )
}

fn turned_away(way: &SmtpRelay, trouble: &Trouble) -> (&'static str, String) {
    let code = trouble.reply.as_ref().map_or(0, |reply| reply.code);
    if trouble.phase == Phase::Hello && matches!(code, 500 | 502 | 503) {
        return match way.lmtp {
            true => {
                ("not_lmtp", "it does not know LHLO, so it speaks SMTP: write smtp instead of lmtp".into())
            }
            false => (
                "lmtp",
                "it knows neither EHLO nor HELO; if it speaks LMTP, write lmtp instead of smtp".into(),
            ),
        };
    }
    let remedy = match code {
        400..500 => "it is busy or does not like us now; its log knows, and mail is tried again",
        _ => {
            "it refuses this machine: see its log, its lists of networks it relays for, and whether our address is on a \
              block list"
        }
    };
    ("turned_away", remedy.to_owned())
}
