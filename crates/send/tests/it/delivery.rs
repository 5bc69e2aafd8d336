//! Mail that arrives, and mail that is refused.

use crate::peer::{AGAIN, HELLO, Peer, QUIT, TAKEN, mail, plain, script, send, send_one, shown};
use postrider_send::SmtpSender;
use postrider_send::smtp::Security;

#[tokio::test]
async fn the_peer_gets_the_envelope_and_the_octets() {
    let peer = plain(&[&script(&[HELLO, TAKEN, "HANG"])]).await;
    let outcome = send_one(peer.settings(Security::Plain)).await;
    assert_eq!(shown(&outcome), ["accepted 250 2.0.0 Ok: queued as 77"]);
    assert_eq!(outcome.remote_id.as_deref(), Some("77"));
    assert_eq!(
        peer.lines(),
        ["EHLO localhost", "MAIL FROM:<from@example.com>", "RCPT TO:<b@example.com>", "DATA"]
    );
    assert_eq!(peer.bodies(), [b"Subject: x\r\n\r\nhello\r\n.\r\n"]);
    assert!(outcome.transcript.len() <= 300, "{}", outcome.transcript);
    assert!(outcome.transcript.contains("<- 250 2.0.0 Ok: queued as 77"), "{}", outcome.transcript);
}

#[tokio::test]
async fn b3_59_any_text_arrives_whole_however_it_begins_and_ends() {
    let bodies = [
        ("", ".\r\n"),
        (".", "..\r\n.\r\n"),
        (".\r\n", "..\r\n.\r\n"),
        ("\r\n", "\r\n.\r\n"),
        ("no end", "no end\r\n.\r\n"),
        ("\r\n.\r\nQUIT\r\n", "\r\n..\r\nQUIT\r\n.\r\n"),
    ];
    let again = script(&[AGAIN, TAKEN]);
    let all: Vec<&str> =
        std::iter::once(HELLO).chain([TAKEN]).chain(vec![&*again; bodies.len() - 1]).collect();
    // The script answers RSET before it reads on, which a pipelining client does not mind.
    let peer = plain(&[&script(&all)]).await;
    let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
    let mails =
        bodies.iter().enumerate().map(|(n, (body, _))| mail(n as u64, &["b@example.com"], body)).collect();
    for outcome in send(&sender, mails).await {
        assert_eq!(shown(&outcome), ["accepted 250 2.0.0 Ok: queued as 77"]);
    }
    let want: Vec<String> = bodies.iter().map(|(_, wire)| format!("Subject: x\r\n\r\n{wire}")).collect();
    let got: Vec<String> =
        peer.bodies().iter().map(|body| String::from_utf8_lossy(body).into_owned()).collect();
    assert_eq!(got, want);
}

#[tokio::test]
async fn a_large_text_goes_through_in_pieces() {
    let line = format!("{}\r\n.dot\r\n", "x".repeat(70));
    let body = line.repeat(40_000);
    let peer = plain(&[&script(&[HELLO, TAKEN])]).await;
    let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
    let outcome = send(&sender, vec![mail(1, &["b@example.com"], &body)]).await.remove(0);
    assert_eq!(shown(&outcome), ["accepted 250 2.0.0 Ok: queued as 77"]);
    let want = format!("Subject: x\r\n\r\n{}.\r\n", body.replace("\r\n.", "\r\n.."));
    assert!(peer.bodies()[0] == want.as_bytes());
}

#[tokio::test]
async fn b5_87_each_recipient_has_its_own_answer() {
    let dialogue = "C: MAIL\nC: RCPT\nC: RCPT\nC: RCPT\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 550 5.1.1 who\nS: 450 later\nS: 354 go\nBODY\nS: 250 id=1a-b";
    let peer = plain(&[&script(&[HELLO, dialogue])]).await;
    let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
    let to = ["a@example.com", "b@example.com", "c@example.com"];
    let outcome = send(&sender, vec![mail(1, &to, "x\r\n")]).await.remove(0);
    assert_eq!(
        shown(&outcome),
        ["accepted 250 id=1a-b", "refused Rcpt 550 5.1.1 who", "refused Rcpt 450 later"]
    );
    assert_eq!(outcome.remote_id.as_deref(), Some("1a-b"));
    assert!(outcome.transcript.contains("<- 550 5.1.1 who"));
}

#[tokio::test]
async fn b3_62_a_bare_line_end_is_never_sent() {
    let peer = plain(&[HELLO]).await;
    let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
    let outcome =
        send(&sender, vec![mail(1, &["b@example.com"], "a\n.\nMAIL FROM:<x@example.com>\r\n")]).await;
    assert_eq!(shown(&outcome[0]), ["undeliverable 5.6.0"]);
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn b3_54_a_peer_that_goes_instead_of_answering_quit_changes_nothing() {
    for after in ["", "S: 421 bye", "C: QUIT", "C: QUIT\nS: 550 stay"] {
        let said = [script(&[HELLO, TAKEN, after]).trim().to_owned()];
        for peer in [Peer::tcp(&said, None).await, Peer::resetting(&said).await] {
            let mut settings = peer.settings(Security::Plain);
            settings.messages_per_connection = 1;
            let outcome = send_one(settings).await;
            assert_eq!(shown(&outcome), ["accepted 250 2.0.0 Ok: queued as 77"], "{after}");
            assert_eq!(peer.connections(), 1);
        }
    }
}

#[tokio::test]
async fn mail_goes_over_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("smtp.sock");
    let peer = Peer::unix(&path, &script(&[HELLO, TAKEN, QUIT]));
    let mut settings = peer.settings(Security::Plain);
    settings.messages_per_connection = 1;
    let outcome = send_one(settings).await;
    assert_eq!(shown(&outcome), ["accepted 250 2.0.0 Ok: queued as 77"]);
    assert_eq!(&*outcome.peer, format!("unix:{}", path.display()));
    peer.assert_followed();
}

#[tokio::test]
async fn b5_87_lmtp_answers_for_each_recipient() {
    let dialogue = "S: 220 mx\nC: LHLO\nS: 250-mx\nS: 250 PIPELINING\nC: MAIL\nC: RCPT\nC: RCPT\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\nBODY\nS: 250 kept\nS: 452 4.2.2 full";
    let peer = plain(&[dialogue]).await;
    let mut settings = peer.settings(Security::Plain);
    settings.lmtp = true;
    let sender = SmtpSender::new(settings).unwrap();
    let outcome = send(&sender, vec![mail(1, &["a@example.com", "b@example.com"], "x\r\n")]).await.remove(0);
    assert_eq!(shown(&outcome), ["accepted 250 kept", "refused End 452 4.2.2 full"]);
}

/// Those that are too many at once go in further transactions, none twice, to the caller still one mail.
#[tokio::test]
async fn b3_58_recipients_over_the_relay_s_number_go_in_further_transactions() {
    let first = "C: MAIL\nC: RCPT TO:<a\nC: RCPT TO:<b\nC: RCPT TO:<c\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 452 4.5.3 many\nS: 452 4.5.3 many\nS: 354 go\nBODY\nS: 250 first";
    let second = "C: RSET\nC: MAIL\nC: RCPT TO:<b\nC: RCPT TO:<c\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 452 4.5.3 many\nS: 354 go\nBODY\nS: 250 second";
    let third =
        "C: RSET\nC: MAIL\nC: RCPT TO:<c\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 452 4.5.3 many\nS: 503 no";
    let peer = plain(&[&script(&[HELLO, first, second, third, "HANG"])]).await;
    let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
    let to = ["a@example.com", "b@example.com", "c@example.com"];
    let outcomes = send(&sender, vec![mail(1, &to, "x\r\n")]).await;
    assert_eq!(outcomes.len(), 1);
    let got = shown(&outcomes[0]);
    assert_eq!(got, ["accepted 250 first", "accepted 250 second", "refused Rcpt 452 4.5.3 many"]);
}

/// 500 recipients, 100 at a time.
#[tokio::test]
async fn b3_58_four_hundred_of_five_hundred_go_in_four_transactions_more() {
    let turn = |n: usize| {
        let due = 500 - 100 * n;
        let begin = if n == 0 { "C: MAIL" } else { "C: RSET\nS: 250 ok\nC: MAIL" };
        let asked = "C: RCPT\n".repeat(due);
        let taken = "S: 250 ok\n".repeat(100);
        let over = "S: 452 4.5.3 many\n".repeat(due - 100);
        format!("{begin}\nS: 250 ok\n{asked}C: DATA\n{taken}{over}S: 354 go\nBODY\nS: 250 turn {n}")
    };
    let turns: Vec<String> = (0..5).map(turn).collect();
    let all: Vec<&str> =
        std::iter::once(HELLO).chain(turns.iter().map(String::as_str)).chain(["HANG"]).collect();
    let peer = plain(&[&script(&all)]).await;
    let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
    let to: Vec<String> = (0..500).map(|n| format!("r{n}@example.com")).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let outcomes = send(&sender, vec![mail(1, &to, "x\r\n")]).await;
    let want: Vec<String> = (0..500).map(|n| format!("accepted 250 turn {}", n / 100)).collect();
    assert_eq!(shown(&outcomes[0]), want);
    let lines = peer.lines();
    let taken: Vec<&String> = lines.iter().filter(|line| line.starts_with("RCPT TO:<r499@")).collect();
    assert_eq!(taken.len(), 5, "asked for until it was taken");
    assert_eq!(lines.iter().filter(|line| line.starts_with("RCPT TO:<r0@")).count(), 1, "none twice");
    peer.assert_followed();
}

#[tokio::test]
async fn b3_64_a_recipient_that_needs_smtputf8_does_not_drag_the_others_along() {
    let hello = "S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250-SMTPUTF8\nS: 250-8BITMIME\nS: 250 PIPELINING";
    let plainly = "C: MAIL FROM:<from@example.com>\nC: RCPT TO:<a\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nBODY\nS: 250 first";
    let apart = "C: RSET\nC: MAIL FROM:<from@example.com> SMTPUTF8\nC: RCPT TO:<gr\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 553 5.6.7 not here\nS: 503 no";
    let peer = plain(&[&script(&[hello, plainly, apart, "HANG"])]).await;
    let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
    let outcomes = send(&sender, vec![mail(1, &["grün@example.com", "a@example.com"], "x\r\n")]).await;
    assert_eq!(shown(&outcomes[0]), ["refused Rcpt 553 5.6.7 not here", "accepted 250 first"]);
    let first = peer.lines().into_iter().find(|line| line.starts_with("MAIL")).unwrap();
    assert!(!first.contains("SMTPUTF8"), "{first}");
}
