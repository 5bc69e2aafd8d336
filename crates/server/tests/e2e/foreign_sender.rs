//! A mail whose only recipient is refused, between mails of other senders: what follows it must not
//! leave under its name, nor under that of the one before.

use futures_util::{StreamExt, stream};
use send::smtp::{Endpoint, Security, SmtpSettings};
use send::{Mail, RecipientOutcome, Sender, SmtpSender};
use testkit::{Postfix, until};

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

async fn check(max_in_doubt: usize) {
    let postfix = Postfix::start();
    let endpoint = Endpoint::Tcp { host: "127.0.0.1".into(), port: postfix.smtp_port() };
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
        let mails = postfix.mails();
        (mails.len() >= sent).then_some(mails)
    });
    assert_eq!(arrived.len(), sent);
    for mail in arrived {
        let text = String::from_utf8_lossy(&mail.bytes).into_owned();
        let n = text.split("Subject: ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
        assert_eq!((mail.from, mail.to), (format!("from{n}@example.com"), format!("to{n}@example.org")));
        assert!(text.ends_with(&format!("mail {n}\r\n")), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_takes_every_mail_under_its_own_sender() {
    check(8).await;
    check(1).await;
}
