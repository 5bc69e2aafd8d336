//! Relays that are down, silent, busy or wrong.

use crate::peer::{AGAIN, HELLO, Peer, TAKEN, mail, plain, script, send, send_one, shown, trouble_text};
use postrider_send::smtp::{Endpoint, Security, SmtpSettings};
use postrider_send::{Phase, SmtpSender};
use std::time::Duration;

const READY: &str = "C: MAIL\nC: RCPT\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go";

async fn check(parts: &[&str], want: &str) {
    let peer = plain(&[&script(parts)]).await;
    let outcome = send_one(peer.settings(Security::Plain)).await;
    assert_eq!(shown(&outcome), [want], "{parts:?}\n{}", outcome.transcript);
    assert!(outcome.transcript.len() <= 16 * 1024);
}

#[tokio::test]
async fn b3_56_each_way_to_fail_has_its_class() {
    check(&["S: 554 no service"], "not attempted Busy Greeting").await;
    check(&["S: 421 busy"], "not attempted Busy Greeting").await;
    check(&[""], "not attempted Lost Greeting").await;
    check(&["S: 220 mx\nC: EHLO\nS: 451 later"], "not attempted Busy Hello").await;
    check(&["S: 220 mx\nC: EHLO\nS: 421 later"], "not attempted Busy Hello").await;
    check(&[HELLO, "C: MAIL\nS: 421 going"], "not attempted Busy Mail").await;
    check(&[HELLO, "C: MAIL\nC: RCPT\nC: DATA\nS: 550 no\nS: 503 no\nS: 503 no"], "refused Mail 550 no")
        .await;
    check(&[HELLO, READY, "BODY\nS: 421 going"], "not attempted Busy End").await;
    check(&[HELLO, READY, "BODY\nS: 451 4.3.0 later"], "refused End 451 4.3.0 later").await;
    check(&[HELLO, READY, "BODY"], "unknown Lost End").await;
    check(&[HELLO, READY, "BODY\nS: 354 more"], "unknown Misbehaved End").await;
    check(
        &[HELLO, "C: MAIL\nC: RCPT\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok"],
        "not attempted Misbehaved Data",
    )
    .await;
    check(&["S: 220 mx\nC: EHLO\nS: 502 what\nC: HELO\nS: 250 hi\nC: MAIL\nS: 250 ok\nC: RCPT\nS: 550 no\nHANG"], "refused Rcpt 550 no").await;
}

#[tokio::test]
async fn b3_55_a_refusal_in_the_middle_of_the_text_is_read_though_the_peer_has_gone() {
    let early = [script(&[HELLO, READY, "READ 1000\nS: 552 5.3.4 too big"])];
    for peer in [Peer::tcp(&early, None).await, Peer::resetting(&early).await] {
        let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
        let body = "x\r\n".repeat(4_000_000);
        let outcome = send(&sender, vec![mail(1, &["b@example.com"], &body)]).await.remove(0);
        assert_eq!(shown(&outcome), ["refused End 552 5.3.4 too big"]);
    }
}

/// To a server that no longer takes a text, the rest of it would be commands: whoever wrote it could send as anybody.
#[tokio::test]
async fn b3_55_after_a_refusal_in_the_middle_nothing_more_is_sent() {
    let early = script(&[HELLO, READY, "READ 1000\nS: 552 5.3.4 too big\nDRAIN"]);
    let peer = plain(&[&early, &script(&[HELLO, TAKEN, "HANG"])]).await;
    let mut settings = peer.settings(Security::Plain);
    // Of the answer to RSET, were it sent.
    settings.deadlines.hello = Duration::from_secs(30);
    let sender = SmtpSender::new(settings).unwrap();
    let body = format!("{}RSET\r\nMAIL FROM:<ceo@example.com>\r\n", "x\r\n".repeat(4_000_000));
    let mails = vec![mail(1, &["b@example.com"], &body), mail(2, &["c@example.com"], "x\r\n")];
    let outcomes = send(&sender, mails).await;
    assert_eq!(shown(&outcomes[0]), ["refused End 552 5.3.4 too big"]);
    assert_eq!(shown(&outcomes[1]), ["accepted 250 2.0.0 Ok: queued as 77"]);
    assert_eq!(peer.connections(), 2);
    let sent = String::from_utf8(peer.bodies().remove(0)).unwrap();
    assert!(!sent.contains("RSET") && !sent.contains("\r\n.\r\n"), "{} octets more", sent.len());
}

/// The first mail after the relay was found silent would wait as long as that one, and each of the batch.
#[tokio::test]
async fn b3_44_a_relay_that_falls_silent_costs_a_batch_one_deadline() {
    let silent = script(&[HELLO, "C: MAIL\nHANG"]);
    let gone = script(&[HELLO, "C: MAIL"]);
    for (dialogue, want) in [(silent, "Timeout"), (gone, "Lost")] {
        let peer = plain(&[&dialogue]).await;
        let mut settings = peer.settings(Security::Plain);
        // Short for the silent one only, so that a slow machine ends no other by it.
        if want == "Timeout" {
            settings.deadlines.mail = Duration::from_millis(50);
        }
        let sender = SmtpSender::new(settings).unwrap();
        let mails = (0..5).map(|n| mail(n, &["b@example.com"], "x\r\n")).collect();
        let outcomes = send(&sender, mails).await;
        assert_eq!(shown(&outcomes[0]), [format!("not attempted {want} Mail")]);
        for other in &outcomes[1..] {
            assert_eq!(shown(other), [format!("not attempted {want} Connect")]);
            assert!(!other.transcript.contains("RCPT"), "another mail's lines: {}", other.transcript);
            assert!(other.transcript.contains("<- 220 mx"), "{}", other.transcript);
        }
        assert_eq!((outcomes.len(), peer.connections()), (5, 1));
    }
}

/// 10 MB without a line's end, wherever it comes.
#[tokio::test]
async fn b3_47_a_line_without_end_is_cut_and_the_connection_dropped() {
    let flood = format!("S: 250 {}", "x".repeat(10_000_000));
    for (parts, want) in [
        (vec![&*flood], "not attempted Misbehaved Greeting"),
        (vec!["S: 220 mx\nC: EHLO", &flood], "not attempted Misbehaved Hello"),
        (vec![HELLO, "C: MAIL", &flood], "not attempted Misbehaved Mail"),
        (vec![HELLO, READY, "BODY", &flood], "unknown Misbehaved End"),
    ] {
        check(&parts, want).await;
    }
}

/// Between two mails and behind the last word: it belongs to no command of the next mail.
#[tokio::test]
async fn b3_49_what_is_said_unasked_ends_the_connection() {
    for unasked in ["250 by the way", "250 ok\\r\\n250 ok\\r\\n354 go\\r\\n250 queued", "2"] {
        // In the same write, so that it is there before the next mail begins.
        let first = script(&[HELLO, &format!("{TAKEN}\\r\\n{unasked}"), "HANG"]);
        let peer = plain(&[&first, &script(&[HELLO, TAKEN, AGAIN, "HANG"])]).await;
        let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
        for n in 0..2 {
            let outcomes = send(&sender, vec![mail(n, &["b@example.com"], "x\r\n")]).await;
            assert_eq!(shown(&outcomes[0]), ["accepted 250 2.0.0 Ok: queued as 77"], "{unasked}");
        }
        assert_eq!((peer.connections(), peer.bodies().len()), (2, 2), "{unasked}");
    }
}

#[tokio::test]
async fn a_relay_that_is_not_there_answers_for_the_whole_batch() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let endpoint = Endpoint::Tcp { host: "127.0.0.1".into(), port: free };
    let sender = SmtpSender::new(SmtpSettings::new(endpoint, Security::Plain)).unwrap();
    let mails = (0..3).map(|n| mail(n, &["b@example.com", "c@example.com"], "x\r\n")).collect();
    let outcomes = send(&sender, mails).await;
    assert_eq!(outcomes.len(), 3);
    for outcome in outcomes {
        assert_eq!(shown(&outcome), ["not attempted Unreachable Connect"; 2]);
        assert!(trouble_text(&outcome).contains("refused"), "{}", trouble_text(&outcome));
    }
    let missing = Endpoint::Unix { path: "/nonexistent/smtp.sock".into() };
    let outcome = send_one(SmtpSettings::new(missing, Security::Plain)).await;
    assert_eq!(shown(&outcome), ["not attempted Unreachable Connect"]);
}

#[tokio::test]
async fn after_a_turned_away_batch_the_next_one_tries_again() {
    let peer = plain(&["S: 421 busy", &script(&[HELLO, TAKEN])]).await;
    let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
    let two = || (0..2).map(|n| mail(n, &["b@example.com"], "x\r\n")).collect();
    for outcome in send(&sender, two()).await {
        assert_eq!(shown(&outcome), ["not attempted Busy Greeting"]);
    }
    assert_eq!(peer.connections(), 1);
    let outcome = send(&sender, two()).await.remove(0);
    assert_eq!(shown(&outcome), ["accepted 250 2.0.0 Ok: queued as 77"]);
}

#[tokio::test]
async fn silence_where_a_greeting_should_be_hints_at_tls() {
    let peer = plain(&["HANG"]).await;
    let mut settings = peer.settings(Security::Plain);
    settings.deadlines.greeting = Duration::from_millis(100);
    assert!(trouble_text(&send_one(settings).await).contains("smtps://"));
}

#[tokio::test]
async fn b3_48_foreign_text_is_escaped_in_the_transcript() {
    let peer = plain(&["S: 554 \x1b[31mred \u{202e}turned"]).await;
    let outcome = send_one(peer.settings(Security::Plain)).await;
    assert!(outcome.transcript.contains("\\u{1b}[31mred \\u{202e}turned"), "{}", outcome.transcript);
}

#[tokio::test]
async fn an_examination_shows_the_dialogue() {
    let peer = plain(&[&script(&[HELLO, "C: QUIT\nS: 221 bye"])]).await;
    let seen = SmtpSender::new(peer.settings(Security::Plain)).unwrap().examine().await;
    assert_eq!(seen.result, Ok(()));
    assert!(seen.capabilities.pipelining && seen.tls.is_none() && seen.overheard.is_none());
    let said = seen.transcript;
    assert!(said.contains("<- 220 mx\n-> EHLO localhost\n<- 250-mx\n<- 250 PIPELINING"), "{said}");
    let refused = plain(&["S: 554 no"]).await;
    let seen = SmtpSender::new(refused.settings(Security::Plain)).unwrap().examine().await;
    assert_eq!(seen.result.map_err(|trouble| trouble.phase), Err(Phase::Greeting));
    assert!(seen.transcript.contains("<- 554 no"), "{}", seen.transcript);
}
