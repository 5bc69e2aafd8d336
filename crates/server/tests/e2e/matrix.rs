//! A corpus of awkward mail through real servers, by DATA and BDAT, plain and in TLS: what arrives is what was
//! accepted, but for what `docs/matrix.md` names.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use send::smtp::{Credentials, Endpoint, Security, SmtpSettings};
use send::{Mail, RecipientOutcome, Sender, SmtpSender};
use testkit::{Dovecot, Exim, Postfix, until};

use crate::PATIENCE;

const FROM: &str = "from@example.com";

/// A copy as a server delivered it: recipient, envelope sender, octets with CRLF or LF.
type Copy = (String, String, Vec<u8>);

/// What a server can take.
struct Taker {
    domain: &'static str,
    crowd: u32,
    smtputf8: bool,
}

const RELAY: Taker = Taker { domain: "example.org", crowd: 300, smtputf8: false };

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
    let line = [vec![b'.'], vec![b'a'; 75], b"\r\n".to_vec()].concat();
    bodies.push(("25 MB", line.repeat(25_000_000 / line.len())));
    let number = |n: usize| format!("r{n}@{}", taker.domain);
    let earning =
        (0..EARNING).map(|n| (format!("earning {n}"), vec![number(0)], b"first of all\r\n".to_vec()));
    let bodies = bodies.into_iter().enumerate();
    let bodies = bodies.map(|(n, (name, body))| (name.to_owned(), vec![number(n)], body));
    let mut mails: Vec<_> = earning.chain(bodies).collect();
    let crowd = (0..taker.crowd).map(|n| number(n as usize)).collect();
    mails.push(("a crowd".to_owned(), crowd, b"to many\r\n".to_vec()));
    if taker.smtputf8 {
        mails.push(("UTF-8".to_owned(), vec![format!("grüße@{}", taker.domain)], b"hello\r\n".to_vec()));
    }
    mails
}

fn header(name: &str) -> String {
    format!("From: {FROM}\r\nSubject: {name}\r\nX-Folded: a\r\n b\r\n\r\n")
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

fn exim_copies(exim: &Exim) -> Vec<Copy> {
    exim.mails().into_iter().map(|mail| (mail.to, mail.from, mail.bytes)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_delivers_the_corpus_as_it_is() {
    let taker = Taker { smtputf8: true, ..RELAY };
    for (window, security) in [(8, Security::Plain), (1, Security::Implicit)] {
        let postfix = Postfix::start();
        let settings = match security {
            Security::Implicit => signed_in(
                settings(postfix.smtps_port(), security, window),
                Postfix::USER,
                Postfix::PASSWORD,
                postfix.certificate(),
            ),
            _ => settings(postfix.smtp_port(), security, window),
        };
        check(settings, &taker, if window > 1 { "BDAT" } else { "DATA" }, &|| postfix_copies(&postfix)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exim_delivers_the_corpus_as_it_is() {
    let starts: [(_, fn() -> Exim, _); 3] =
        [(8, Exim::start, "BDAT"), (1, Exim::start, "DATA"), (8, Exim::without_chunking, "DATA")];
    for (window, start, by) in starts {
        let exim = start();
        check(settings(exim.port(), Security::Plain, window), &RELAY, by, &|| exim_copies(&exim)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dovecots_lmtp_stores_the_corpus_as_it_is() {
    let dovecot = Dovecot::start();
    let taker = Taker { domain: "example.net", crowd: 200, smtputf8: false };
    let settings = SmtpSettings { lmtp: true, ..settings(dovecot.lmtp_port(), Security::Plain, 8) };
    let copies = || {
        let of = |n: u32| {
            let stored = dovecot.mailbox(&format!("r{n}")).into_iter();
            stored.map(move |mail| (format!("r{n}@example.net"), mail.from, mail.bytes))
        };
        (0..taker.crowd).flat_map(of).collect()
    };
    check(settings, &taker, "DATA", &copies).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dovecots_submission_hands_the_corpus_on_as_it_is() {
    for (window, required) in [(8, true), (1, true)] {
        let postfix = Postfix::start();
        let dovecot = Dovecot::before(postfix.smtp_port());
        let settings = settings(dovecot.submission_port(), Security::StartTls { required }, window);
        let settings = signed_in(settings, Dovecot::USER, Dovecot::PASSWORD, dovecot.certificate());
        check(settings, &RELAY, if window > 1 { "BDAT" } else { "DATA" }, &|| postfix_copies(&postfix)).await;
    }
}
