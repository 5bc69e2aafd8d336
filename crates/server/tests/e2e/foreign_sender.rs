//! A mail whose only recipient is refused, between mails of other senders: what follows it must not
//! leave under its name, nor under that of the one before.

use futures_util::{StreamExt, stream};
use send::smtp::{Credentials, Endpoint, Security, SmtpSettings};
use send::{Mail, RecipientOutcome, Sender, SmtpSender};
use testkit::{Aiosmtpd, Dovecot, Exim, OpenSmtpd, Postfix, Taken, until};

use crate::PATIENCE;

const REFUSED: &str = "refused@example.org";

/// Whom the mails are for, who is refused, and what the server says of it.
#[derive(Clone, Copy)]
struct Names {
    to: fn(u64) -> String,
    refused: &'static str,
    said: &'static str,
}

const NAMES: Names =
    Names { to: |n| format!("to{n}@example.org"), refused: REFUSED, said: "nobody of that name" };

fn mail(n: u64, names: Names) -> Mail {
    let address = |text: &str| envelope::Address::parse(text).unwrap();
    // Long after the first mails, so that the relay has earned a window.
    let refused = n >= 30 && n.is_multiple_of(3);
    let to = if refused { names.refused.to_owned() } else { (names.to)(n) };
    Mail {
        ticket: n,
        from: address(&format!("from{n}@example.com")).into(),
        to: vec![address(&to).into()],
        ret: None,
        envid: None,
        header: format!("Subject: {n}\r\n\r\n").into(),
        body: format!("mail {n}\r\n").into(),
        eight_bit: false,
        utf8_header: false,
        urgent: false,
    }
}

/// What arrived: the number in the subject, the envelope, the text.
type Arrived = (String, String, String, String);

async fn check(port: u16, max_in_doubt: usize, arrived: impl Fn() -> Vec<Arrived>) {
    let endpoint = Endpoint::Tcp { host: "127.0.0.1".into(), port };
    let settings = SmtpSettings { max_in_doubt, ..SmtpSettings::new(endpoint, Security::Plain) };
    check_with(settings, NAMES, arrived).await;
}

async fn check_with(settings: SmtpSettings, names: Names, arrived: impl Fn() -> Vec<Arrived>) {
    let sender = SmtpSender::new(settings).unwrap();
    let mails: Vec<Mail> = (0..90).map(|n| mail(n, names)).collect();
    let outcomes: Vec<_> = sender.send_batch(stream::iter(mails).boxed()).collect().await;
    let mut sent = 0;
    for outcome in &outcomes {
        let refused = outcome.ticket >= 30 && outcome.ticket.is_multiple_of(3);
        match &outcome.recipients[0] {
            RecipientOutcome::Accepted(_) => assert!(!refused),
            RecipientOutcome::Refused { reply, .. } => {
                assert!(refused && reply.text().contains(names.said), "{reply:?}")
            }
            other => panic!("mail {}: {other:?}", outcome.ticket),
        }
        sent += usize::from(!refused);
    }
    assert_eq!((outcomes.len(), sent), (90, 70));
    let arrived = until("all mail in the maildir", PATIENCE, || {
        let mails = arrived();
        (mails.len() >= sent).then_some(mails)
    });
    assert_eq!(arrived.len(), sent);
    for (n, from, to, text) in arrived {
        let expected = (names.to)(n.parse().expect("a number"));
        assert_eq!((from, to), (format!("from{n}@example.com"), expected));
        assert!(text.trim_end().ends_with(&format!("mail {n}")), "{text}");
    }
}

fn number(text: &str) -> String {
    let rest = text.split("Subject: ").nth(1).and_then(|rest| rest.lines().next());
    rest.unwrap_or_else(|| panic!("no subject in {text}")).to_owned()
}

fn postfix_mails(postfix: &Postfix) -> Vec<Arrived> {
    let arrived = |mail: testkit::Delivered| {
        let text = String::from_utf8_lossy(&mail.bytes).into_owned();
        (number(&text), mail.from, mail.to, text)
    };
    postfix.mails().into_iter().map(arrived).collect()
}

fn taken(mails: Vec<Taken>) -> Vec<Arrived> {
    let arrived = |mail: Taken| {
        let text = String::from_utf8_lossy(&mail.bytes).into_owned();
        (number(&text), mail.from, mail.to, text)
    };
    mails.into_iter().map(arrived).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_takes_every_mail_under_its_own_sender() {
    for max_in_doubt in [8, 1] {
        let postfix = Postfix::start();
        check(postfix.smtp_port(), max_in_doubt, || postfix_mails(&postfix)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exim_takes_every_mail_under_its_own_sender() {
    for max_in_doubt in [8, 1] {
        let exim = Exim::start();
        check(exim.port(), max_in_doubt, || taken(exim.mails())).await;
    }
}

/// Of one command at a time, as OpenSMTPD and aiosmtpd offer no more.
#[tokio::test(flavor = "multi_thread")]
async fn opensmtpd_takes_every_mail_under_its_own_sender() {
    let server = OpenSmtpd::start();
    check(server.port(), 8, || taken(server.mails())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aiosmtpd_takes_every_mail_under_its_own_sender() {
    let server = Aiosmtpd::start();
    check(server.port(), 8, || taken(server.mails())).await;
}

fn submission(dovecot: &Dovecot, max_in_doubt: usize) -> SmtpSettings {
    let endpoint = Endpoint::Tcp { host: "127.0.0.1".into(), port: dovecot.submission_port() };
    let security = Security::StartTls { required: true };
    let mut settings = SmtpSettings { max_in_doubt, ..SmtpSettings::new(endpoint, security) };
    let (user, secret) = (Dovecot::USER.into(), Dovecot::PASSWORD.into());
    settings.credentials = Some(Credentials { user, secret });
    settings.tls.ca_file = Some(dovecot.certificate());
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn dovecots_submission_takes_every_mail_under_its_own_sender() {
    for max_in_doubt in [8, 1] {
        let postfix = Postfix::start();
        let dovecot = Dovecot::before(postfix.smtp_port());
        check_with(submission(&dovecot, max_in_doubt), NAMES, || postfix_mails(&postfix)).await;
    }
}

/// It falls when a text comes behind a MAIL that its relay refuses: of that mail nobody knows, and the next time the
/// text waits, so that the refusal is heard.
#[tokio::test(flavor = "multi_thread")]
async fn dovecots_submission_refuses_a_sender_at_the_second_attempt() {
    let postfix = Postfix::start();
    let dovecot = Dovecot::before(postfix.smtp_port());
    let sender = SmtpSender::new(submission(&dovecot, 8)).unwrap();
    let mut outcomes = Vec::new();
    for n in 0..3 {
        let from = if n < 2 { "banned@example.com" } else { "from2@example.com" };
        let from = envelope::Address::parse(from).unwrap().into();
        let one = stream::iter([Mail { from, ..mail(n, NAMES) }]);
        outcomes.extend(sender.send_batch(one.boxed()).collect::<Vec<_>>().await);
    }
    let recipients: Vec<_> = outcomes.iter().map(|outcome| &outcome.recipients[0]).collect();
    assert!(matches!(recipients[0], RecipientOutcome::Unknown(_)), "{recipients:?}");
    let refused = |outcome| matches!(outcome, &RecipientOutcome::Refused { .. });
    assert!(refused(recipients[1]) && outcomes[1].transcript.contains("not from you"), "{recipients:?}");
    assert!(matches!(recipients[2], RecipientOutcome::Accepted(_)), "{recipients:?}");
    postfix.mail_to("to2@example.org");
    assert_eq!(postfix.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn dovecots_lmtp_takes_every_mail_under_its_own_sender() {
    let dovecot = Dovecot::start();
    let endpoint = Endpoint::Tcp { host: "127.0.0.1".into(), port: dovecot.lmtp_port() };
    let settings = SmtpSettings { lmtp: true, ..SmtpSettings::new(endpoint, Security::Plain) };
    let to = |n| format!("r{n}@example.net");
    let names = Names { to, refused: "nobody@example.net", said: "User doesn't exist" };
    let stored = |n: u64| {
        let mails = dovecot.mailbox(&format!("r{n}")).into_iter();
        mails.map(move |mail| {
            let text = String::from_utf8_lossy(&mail.bytes).into_owned();
            (number(&text), mail.from, to(n), text)
        })
    };
    check_with(settings, names, || (0..90).flat_map(stored).collect()).await;
}
