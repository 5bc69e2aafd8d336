//! Relays that are down, silent, busy or wrong.

use crate::peer::{HELLO, TAKEN, mail, plain, script, send, send_one, shown, trouble_text};
use postrider_send::smtp::{Deadlines, Endpoint, Security, SmtpSettings};
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
async fn each_way_to_fail_has_its_class() {
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
async fn a_refusal_in_the_middle_of_the_text_is_read_though_the_peer_has_gone() {
    let peer = plain(&[&script(&[HELLO, READY, "READ 1000\nS: 552 5.3.4 too big"])]).await;
    let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
    let body = "x\r\n".repeat(4_000_000);
    let outcome = send(&sender, vec![mail(1, &["b@example.com"], &body)]).await.remove(0);
    assert_eq!(shown(&outcome), ["refused End 552 5.3.4 too big"]);
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

/// Only the deadline of the stage is short, so that a slow machine cannot end another one first.
#[tokio::test]
async fn silence_at_each_stage_ends_by_its_deadline() {
    type Pick = fn(&mut Deadlines) -> &mut Duration;
    let stages: [(&[&str], Pick, &str); 7] = [
        (&["HANG"], |all| &mut all.greeting, "not attempted Timeout Greeting"),
        (&["S: 220-mx\nHANG"], |all| &mut all.greeting, "not attempted Timeout Greeting"),
        (&["S: 220 mx\nC: EHLO\nHANG"], |all| &mut all.hello, "not attempted Timeout Hello"),
        (&[HELLO, "C: MAIL\nHANG"], |all| &mut all.mail, "not attempted Timeout Mail"),
        (&[HELLO, "C: MAIL\nS: 250 ok\nHANG"], |all| &mut all.rcpt, "not attempted Timeout Rcpt"),
        (&[HELLO, "C: MAIL\nS: 250 ok\nS: 250 ok\nHANG"], |all| &mut all.data, "not attempted Timeout Data"),
        (&[HELLO, READY, "BODY\nHANG"], |all| &mut all.end, "unknown Timeout End"),
    ];
    for (parts, pick, want) in stages {
        let peer = plain(&[&script(parts)]).await;
        let mut settings = peer.settings(Security::Plain);
        *pick(&mut settings.deadlines) = Duration::from_millis(50);
        assert_eq!(shown(&send_one(settings).await), [want], "{parts:?}");
    }
}

#[tokio::test]
async fn a_peer_that_stops_reading_is_left() {
    let peer = plain(&[&script(&[HELLO, READY, "HANG"])]).await;
    let mut settings = peer.settings(Security::Plain);
    settings.deadlines.block = Duration::from_millis(200);
    let sender = SmtpSender::new(settings).unwrap();
    let body = "x\r\n".repeat(4_000_000);
    let outcome = send(&sender, vec![mail(1, &["b@example.com"], &body)]).await.remove(0);
    assert_eq!(shown(&outcome), ["not attempted Timeout End"]);
}

#[tokio::test]
async fn silence_where_a_greeting_should_be_hints_at_tls() {
    let peer = plain(&["HANG"]).await;
    let mut settings = peer.settings(Security::Plain);
    settings.deadlines.greeting = Duration::from_millis(100);
    assert!(trouble_text(&send_one(settings).await).contains("smtps://"));
}

#[tokio::test]
async fn foreign_text_is_escaped_in_the_transcript() {
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
