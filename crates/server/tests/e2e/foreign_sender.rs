//! A mail whose only recipient is refused, between mails of other senders: what follows it must not
//! leave under its name, nor under that of the one before.

use futures_util::{StreamExt, stream};
use send::smtp::{Endpoint, Security, SmtpSettings};
use send::{Mail, RecipientOutcome, Sender, SmtpSender};
use testkit::{Exim, Postfix, until};

use crate::PATIENCE;

const REFUSED: &str = "refused@example.org";

fn mail(n: u64) -> Mail {
    let address = |text: &str| envelope::Address::parse(text).unwrap();
    // Long after the first mails, so that the relay has earned a window.
    let refused = n >= 30 && n.is_multiple_of(3);
    let to = if refused { REFUSED.to_owned() } else { format!("to{n}@example.org") };
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
    let sender = SmtpSender::new(settings).unwrap();
    let mails: Vec<Mail> = (0..90).map(mail).collect();
    let outcomes: Vec<_> = sender.send_batch(stream::iter(mails).boxed()).collect().await;
    let mut sent = 0;
    for outcome in &outcomes {
        let refused = outcome.ticket >= 30 && outcome.ticket.is_multiple_of(3);
        match &outcome.recipients[0] {
            RecipientOutcome::Accepted(_) => assert!(!refused),
            RecipientOutcome::Refused { reply, .. } => {
                assert!(refused && reply.text().contains("nobody of that name"))
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
        assert_eq!((from, to), (format!("from{n}@example.com"), format!("to{n}@example.org")));
        assert!(text.trim_end().ends_with(&format!("mail {n}")), "{text}");
    }
}

fn number(text: &str) -> String {
    let rest = text.split("Subject: ").nth(1).and_then(|rest| rest.lines().next());
    rest.unwrap_or_else(|| panic!("no subject in {text}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_takes_every_mail_under_its_own_sender() {
    for max_in_doubt in [8, 1] {
        let postfix = Postfix::start();
        let arrived = |mail: testkit::Delivered| {
            let text = String::from_utf8_lossy(&mail.bytes).into_owned();
            (number(&text), mail.from, mail.to, text)
        };
        let mails = || postfix.mails().into_iter().map(arrived).collect();
        check(postfix.smtp_port(), max_in_doubt, mails).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exim_takes_every_mail_under_its_own_sender() {
    for max_in_doubt in [8, 1] {
        let exim = Exim::start();
        let arrived = |mail: testkit::Taken| {
            let text = String::from_utf8_lossy(&mail.bytes).into_owned();
            (number(&text), mail.from, mail.to, text)
        };
        let mails = || exim.mails().into_iter().map(arrived).collect();
        check(exim.port(), max_in_doubt, mails).await;
    }
}
