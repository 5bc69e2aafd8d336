//! A corpus of awkward mail through real servers, by DATA and BDAT, plain and in TLS: what arrives is what was
//! accepted, but for what `docs/matrix.md` names.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use send::smtp::{Credentials, Endpoint, Security, SmtpSettings};
use send::{Mail, RecipientOutcome, Sender, SmtpSender};
use testkit::{Aiosmtpd, Dovecot, Exim, OpenSmtpd, Postfix, Taken, until};

use crate::PATIENCE;

const FROM: &str = "from@example.com";

/// A copy as a server delivered it: recipient, envelope sender, octets with CRLF or LF.
type Copy = (String, String, Vec<u8>);

/// What a server can take.
#[derive(Clone, Copy)]
struct Taker {
    domain: &'static str,
    crowd: u32,
    smtputf8: bool,
    /// With the mail of 25 MB, which goes by DATA everywhere, and the one to many.
    whole: bool,
}

const RELAY: Taker = Taker { domain: "example.org", crowd: 300, smtputf8: false, whole: true };
const SMALL: Taker = Taker { whole: false, ..RELAY };

/// Mails before the corpus: by them the relay earns a window, and what follows goes by BDAT if it offers that.
const EARNING: u32 = 40;

/// Name, recipients, body.
fn corpus(taker: &Taker) -> Vec<(String, Vec<String>, Vec<u8>)> {
    let mut bodies: Vec<(&str, Vec<u8>)> = vec![
        ("dots", b"one\r\n.\r\n..\r\n.two\r\n...three\r\n".to_vec()),
        ("first a dot", b".first\r\nsecond\r\n".to_vec()),
        ("a dot", b".\r\n".to_vec()),
        ("a dot without an end", b".".to_vec()),
        ("octets", [b"Gr\xfc\xdfe \xff\x80 ".as_slice(), "Grüße\r\n".as_bytes()].concat()),
        ("long lines", [vec![b'x'; 998], b"\r\n".to_vec(), vec![b'.'; 998], b"\r\n".to_vec()].concat()),
        ("empty", Vec::new()),
        ("no end", b"no line end".to_vec()),
        ("blank lines", b"\r\n\r\n\r\ntext\r\n\r\n\r\n".to_vec()),
    ];
    if taker.whole {
        let line = [vec![b'.'], vec![b'a'; 75], b"\r\n".to_vec()].concat();
        bodies.push(("25 MB", line.repeat(25_000_000 / line.len())));
    }
    let number = |n: usize| format!("r{n}@{}", taker.domain);
    let earning =
        (0..EARNING).map(|n| (format!("earning {n}"), vec![number(0)], b"first of all\r\n".to_vec()));
    let bodies = bodies.into_iter().enumerate();
    let bodies = bodies.map(|(n, (name, body))| (name.to_owned(), vec![number(n)], body));
    let mut mails: Vec<_> = earning.chain(bodies).collect();
    if taker.whole {
        let crowd = (0..taker.crowd).map(|n| number(n as usize)).collect();
        mails.push(("a crowd".to_owned(), crowd, b"to many\r\n".to_vec()));
    }
    if taker.smtputf8 {
        mails.push(("UTF-8".to_owned(), vec![format!("grüße@{}", taker.domain)], b"hello\r\n".to_vec()));
    }
    mails
}

/// With all fields that a server adds where they are missing.
fn header(name: &str) -> String {
    let id = name.replace(' ', "-");
    format!(
        "From: {FROM}\r\nSubject: {name}\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n\
         Message-ID: <{id}@example.com>\r\nX-Folded: a\r\n b\r\n\r\n"
    )
}

async fn check(settings: SmtpSettings, taker: &Taker, by: &str, copies: &dyn Fn() -> Vec<Copy>) {
    let address = |text: &str| envelope::Address::parse(text).unwrap();
    let mails = corpus(taker);
    let batch = mails.iter().enumerate().map(|(n, (name, to, body))| Mail {
        ticket: n as u64,
        from: address(FROM).into(),
        to: to.iter().map(|to| address(to).into()).collect(),
        ret: None,
        envid: None,
        header: header(name).into(),
        body: body.clone().into(),
        eight_bit: !body.is_ascii(),
        utf8_header: false,
        urgent: false,
    });
    let batch: Vec<Mail> = batch.collect();
    let sender = SmtpSender::new(settings).unwrap();
    let outcomes: Vec<_> = sender.send_batch(stream::iter(batch).boxed()).collect().await;
    assert_eq!(outcomes.len(), mails.len());
    for outcome in outcomes {
        for recipient in &outcome.recipients {
            let taken = matches!(recipient, RecipientOutcome::Accepted(_));
            assert!(taken, "mail {}: {recipient:?}\n{}", outcome.ticket, outcome.transcript);
        }
        // those of a few octets: all but the last of the corpus, which are large or for many
        let small = (u64::from(EARNING)..u64::from(EARNING) + 9).contains(&outcome.ticket);
        assert!(!small || outcome.transcript.contains(by), "not by {by}:\n{}", outcome.transcript);
    }
    let expected: usize = mails.iter().map(|(_, to, _)| to.len()).sum();
    let arrived = until("all copies", PATIENCE, || {
        let copies = copies();
        (copies.len() >= expected).then_some(copies)
    });
    assert_eq!(arrived.len(), expected);
    compare(&mails, arrived);
}

fn compare(mails: &[(String, Vec<String>, Vec<u8>)], arrived: Vec<Copy>) {
    let mut left: BTreeMap<(String, String), Vec<u8>> = BTreeMap::new();
    for (name, to, body) in mails {
        let mut text = [header(name).as_bytes(), body].concat();
        if !text.ends_with(b"\r\n") {
            text.extend_from_slice(b"\r\n");
        }
        text.retain(|&byte| byte != b'\r');
        left.extend(to.iter().map(|to| ((name.clone(), to.clone()), text.clone())));
    }
    for (to, from, mut bytes) in arrived {
        assert_eq!(from, FROM);
        bytes.retain(|&byte| byte != b'\r');
        let at = bytes.windows(6).position(|six| six == b"\nFrom:").map_or(0, |at| at + 1);
        let (trace, text) = if bytes.starts_with(b"From:") { bytes.split_at(0) } else { bytes.split_at(at) };
        only_received(&String::from_utf8_lossy(trace));
        let subject = text.split(|&byte| byte == b'\n').nth(1).unwrap_or_default();
        let key = (String::from_utf8_lossy(subject).replacen("Subject: ", "", 1), to);
        let expected = left.remove(&key);
        let expected = expected.unwrap_or_else(|| panic!("{key:?} was not sent, or arrived twice"));
        let show = |text: &[u8]| String::from_utf8_lossy(&text[..text.len().min(400)]).into_owned();
        let same = expected == text;
        assert!(same, "{key:?}: {:?} is not {:?}", show(text), show(&expected));
    }
    assert!(left.is_empty(), "{:?} never arrived", left.keys());
}

/// The one rewrite that is allowed.
#[track_caller]
fn only_received(trace: &str) {
    for line in trace.lines() {
        let allowed = line.starts_with("Received:") || line.starts_with(['\t', ' ']);
        assert!(allowed, "a field was added: {line}");
    }
}

fn settings(port: u16, security: Security, max_in_doubt: usize) -> SmtpSettings {
    let endpoint = Endpoint::Tcp { host: "127.0.0.1".into(), port };
    SmtpSettings { max_in_doubt, ..SmtpSettings::new(endpoint, security) }
}

fn signed_in(mut settings: SmtpSettings, user: &str, password: &str, ca: std::path::PathBuf) -> SmtpSettings {
    settings.credentials = Some(Credentials { user: user.into(), secret: password.into() });
    settings.tls.ca_file = Some(ca);
    settings
}

fn postfix_copies(postfix: &Postfix) -> Vec<Copy> {
    postfix.mails().into_iter().map(|mail| (mail.to, mail.from, mail.bytes)).collect()
}

fn taken(mails: Vec<Taken>) -> Vec<Copy> {
    mails.into_iter().map(|mail| (mail.to, mail.from, mail.bytes)).collect()
}

const STARTTLS: Security = Security::StartTls { required: true };
/// By how many texts may be in doubt the text's command is chosen, if both are offered.
const BOTH: [(usize, &str); 2] = [(8, "BDAT"), (1, "DATA")];

#[tokio::test(flavor = "multi_thread")]
async fn postfix_delivers_the_corpus_as_it_is() {
    for (window, by) in BOTH {
        for security in [Security::Plain, STARTTLS, Security::Implicit] {
            let postfix = Postfix::start();
            let whole = matches!((window, security), (8, Security::Plain) | (1, Security::Implicit));
            let in_tls = |port| {
                let settings = settings(port, security, window);
                signed_in(settings, Postfix::USER, Postfix::PASSWORD, postfix.certificate())
            };
            let settings = match security {
                Security::Plain => settings(postfix.smtp_port(), security, window),
                Security::StartTls { .. } => in_tls(postfix.submission_port()),
                Security::Implicit => in_tls(postfix.smtps_port()),
            };
            let taker = Taker { smtputf8: true, whole, ..RELAY };
            check(settings, &taker, by, &|| postfix_copies(&postfix)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exim_delivers_the_corpus_as_it_is() {
    for (window, by) in BOTH {
        for (security, taker) in [(Security::Plain, RELAY), (STARTTLS, SMALL)] {
            let exim = Exim::start();
            let settings = signed_in(
                settings(exim.port(), security, window),
                Exim::USER,
                Exim::PASSWORD,
                exim.certificate(),
            );
            let taker = Taker { smtputf8: true, ..taker };
            check(settings, &taker, by, &|| taken(exim.mails())).await;
        }
    }
    let exim = Exim::without_chunking();
    let settings = settings(exim.port(), Security::Plain, 8);
    let taker = Taker { smtputf8: true, ..SMALL };
    check(settings, &taker, "DATA", &|| taken(exim.mails())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opensmtpd_delivers_the_corpus_as_it_is() {
    for (security, taker) in [(Security::Plain, RELAY), (STARTTLS, SMALL), (Security::Implicit, RELAY)] {
        let server = OpenSmtpd::start();
        let port = if security == Security::Implicit { server.tls_port() } else { server.port() };
        let settings = match security {
            Security::Plain => settings(port, security, 8),
            _ => signed_in(
                settings(port, security, 8),
                OpenSmtpd::USER,
                OpenSmtpd::PASSWORD,
                server.certificate(),
            ),
        };
        check(settings, &taker, "DATA", &|| taken(server.mails())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn aiosmtpd_hands_over_the_corpus_as_it_is() {
    for (security, taker) in [(Security::Plain, RELAY), (STARTTLS, RELAY), (Security::Implicit, SMALL)] {
        let server = Aiosmtpd::start();
        let port = if security == Security::Implicit { server.tls_port() } else { server.port() };
        let settings = match security {
            Security::Plain => settings(port, security, 8),
            _ => signed_in(
                settings(port, security, 8),
                Aiosmtpd::USER,
                Aiosmtpd::PASSWORD,
                server.certificate(),
            ),
        };
        let taker = Taker { smtputf8: true, ..taker };
        check(settings, &taker, "DATA", &|| taken(server.mails())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dovecots_lmtp_stores_the_corpus_as_it_is() {
    for (security, whole) in [(Security::Plain, true), (STARTTLS, false)] {
        let dovecot = Dovecot::start();
        let taker = Taker { domain: "example.net", crowd: 200, whole, ..RELAY };
        let mut settings = SmtpSettings { lmtp: true, ..settings(dovecot.lmtp_port(), security, 8) };
        settings.tls.ca_file = Some(dovecot.certificate());
        let copies = || {
            let of = |n: u32| {
                let stored = dovecot.mailbox(&format!("r{n}")).into_iter();
                stored.map(move |mail| (format!("r{n}@example.net"), mail.from, mail.bytes))
            };
            (0..taker.crowd).flat_map(of).collect()
        };
        check(settings, &taker, "DATA", &copies).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dovecots_submission_hands_the_corpus_on_as_it_is() {
    let rows = [(STARTTLS, BOTH[0], true), (STARTTLS, BOTH[1], false), (Security::Implicit, BOTH[0], false)];
    for (security, (window, by), whole) in rows {
        let postfix = Postfix::start();
        let dovecot = Dovecot::before(postfix.smtp_port());
        let port = if security == STARTTLS { dovecot.submission_port() } else { dovecot.submissions_port() };
        let settings = settings(port, security, window);
        let settings = signed_in(settings, Dovecot::USER, Dovecot::PASSWORD, dovecot.certificate());
        check(settings, &Taker { whole, ..RELAY }, by, &|| postfix_copies(&postfix)).await;
    }
}
