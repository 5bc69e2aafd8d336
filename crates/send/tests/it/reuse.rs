//! One connection for many mails, and what dies while it waits.

use crate::peer::{AGAIN, HELLO, Peer, QUIT, TAKEN, mail, plain, script, send, shown};
use postrider_send::smtp::Security;
use postrider_send::{Mail, Sender, SmtpSender};
use std::time::Duration;

const OK: [&str; 1] = ["accepted 250 2.0.0 Ok: queued as 77"];

fn mails(n: u64) -> Vec<Mail> {
    (0..n).map(|n| mail(n, &["b@example.com"], "x\r\n")).collect()
}

#[tokio::test]
async fn many_mails_and_many_batches_use_one_connection() {
    let again = script(&[AGAIN, TAKEN]);
    let peer = plain(&[&script(&[HELLO, TAKEN, &again, &again, &again, "HANG"])]).await;
    let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
    for _ in 0..2 {
        for outcome in send(&sender, mails(2)).await {
            assert_eq!(shown(&outcome), OK);
        }
    }
    assert_eq!(peer.connections(), 1);
    peer.assert_followed();
}

#[tokio::test]
async fn mails_sent_one_by_one_use_one_connection() {
    let again = script(&[AGAIN, TAKEN]);
    let peer = plain(&[&script(&[HELLO, TAKEN, &again, &again, "HANG"])]).await;
    let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
    for mail in mails(3) {
        assert_eq!(shown(&sender.send(mail).await.unwrap()), OK);
    }
    assert_eq!(peer.connections(), 1);
}

/// What nobody fetches is closed with QUIT; that the peer sees it is what the test waits for.
#[tokio::test]
async fn an_unused_connection_says_goodbye() {
    let peer = plain(&[&script(&[HELLO, TAKEN, QUIT])]).await;
    let mut settings = peer.settings(Security::Plain);
    settings.max_idle = Duration::from_millis(20);
    let sender = SmtpSender::new(settings).unwrap();
    assert_eq!(shown(&send(&sender, mails(1)).await[0]), OK);
    while peer.lines().last().is_none_or(|line| line != "QUIT") {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn after_its_share_of_mails_a_connection_quits() {
    let again = script(&[AGAIN, TAKEN]);
    let peer = plain(&[&script(&[HELLO, TAKEN, &again, QUIT])]).await;
    let mut settings = peer.settings(Security::Plain);
    settings.messages_per_connection = 2;
    let sender = SmtpSender::new(settings).unwrap();
    for outcome in send(&sender, mails(4)).await {
        assert_eq!(shown(&outcome), OK);
    }
    assert_eq!(peer.connections(), 2);
    peer.assert_followed();
}

#[tokio::test]
async fn a_connection_that_has_its_age_quits() {
    let peer = plain(&[&script(&[HELLO, TAKEN, QUIT])]).await;
    let mut settings = peer.settings(Security::Plain);
    settings.max_age = Duration::ZERO;
    let sender = SmtpSender::new(settings).unwrap();
    for outcome in send(&sender, mails(3)).await {
        assert_eq!(shown(&outcome), OK);
    }
    assert_eq!(peer.connections(), 3);
    peer.assert_followed();
}

/// Exim hangs up on the eleventh RSET behind a mail that went to nobody.
#[tokio::test]
async fn a_connection_that_served_nobody_eight_times_quits() {
    let refused = "C: MAIL\nC: RCPT\nC: DATA\nS: 250 ok\nS: 550 5.1.1 nobody\nS: 503 no recipients";
    let again = script(&[AGAIN, refused]);
    let mut eight = vec![HELLO, refused];
    eight.extend([again.as_str(); 7]);
    eight.push(QUIT);
    let peer = plain(&[&script(&eight), &script(&[HELLO, refused, &again, "HANG"])]).await;
    let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
    for outcome in send(&sender, mails(10)).await {
        assert_eq!(shown(&outcome), ["refused Rcpt 550 5.1.1 nobody"]);
    }
    assert_eq!(peer.connections(), 2);
    peer.assert_followed();
}

#[tokio::test]
async fn the_relay_s_own_limit_is_obeyed() {
    let hello = "S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250-LIMITS MAILMAX=1\nS: 250 PIPELINING";
    let peer = plain(&[&script(&[hello, TAKEN, QUIT])]).await;
    let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
    assert_eq!(send(&sender, mails(3)).await.len(), 3);
    assert_eq!(peer.connections(), 3);
    peer.assert_followed();
}

/// Each ends a connection that had served one mail; the second mail must not notice.
#[tokio::test]
async fn b3_67_a_connection_that_died_costs_no_attempt() {
    let deaths = [
        "",
        "S: 421 idle too long",
        "C: RSET",
        "C: RSET\nS: 421 going",
        "C: RSET\nS: 502 what",
        "C: RSET\nS: 250 ok\nC: MAIL\nS: 250 ok\nS: 421 going",
    ];
    for death in deaths {
        let scripts = [script(&[HELLO, TAKEN, death]).trim().to_owned(), script(&[HELLO, TAKEN, "HANG"])];
        for peer in [Peer::tcp(&scripts, None).await, Peer::resetting(&scripts).await] {
            let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
            for outcome in send(&sender, mails(2)).await {
                assert_eq!(shown(&outcome), OK, "{death:?}");
            }
            assert_eq!(peer.connections(), 2, "{death:?}");
        }
    }
}

#[tokio::test]
async fn b3_53_what_may_have_been_delivered_is_never_sent_again() {
    let dies = "C: RSET\nC: MAIL\nC: RCPT\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\nBODY";
    let peer = plain(&[&script(&[HELLO, TAKEN, dies])]).await;
    let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
    let outcomes = send(&sender, mails(2)).await;
    assert_eq!(shown(&outcomes[1]), ["unknown Lost End"]);
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn an_old_connection_is_not_used() {
    let peer = plain(&[&script(&[HELLO, TAKEN, "HANG"])]).await;
    let mut settings = peer.settings(Security::Plain);
    settings.max_idle = Duration::ZERO;
    let sender = SmtpSender::new(settings).unwrap();
    for mail in mails(2) {
        assert_eq!(shown(&sender.send(mail).await.unwrap()), OK);
    }
    assert_eq!(peer.connections(), 2);
}

/// The first mail finds out; it and all others go by DATA, one mail at a time.
#[tokio::test]
async fn a_relay_that_offers_bdat_and_does_not_know_it_gets_data() {
    let lies = "S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250-PIPELINING\nS: 250 CHUNKING";
    let found_out = "C: MAIL\nC: RCPT\nC: BDAT\nS: 250 ok\nS: 250 ok\nS: 502 5.5.1 what\nHANG";
    let again = script(&[AGAIN, TAKEN]);
    let peer = plain(&[&script(&[lies, found_out]), &script(&[lies, TAKEN, &again, &again, "HANG"])]).await;
    let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
    for outcome in send(&sender, mails(3)).await {
        assert_eq!(shown(&outcome), OK);
    }
    assert_eq!(peer.connections(), 2);
    peer.assert_followed();
}

/// With PIPELINING broken as well, one command at a time.
#[tokio::test]
async fn a_relay_that_loses_step_is_spoken_to_ever_more_carefully() {
    let lies = "S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250 PIPELINING";
    let stray = "C: MAIL\nC: RCPT\nC: DATA\nS: 250 ok\nS: 334 what\nHANG";
    let slowly =
        "C: MAIL\nS: 250 ok\nC: RCPT\nS: 250 ok\nC: DATA\nS: 354 go\nBODY\nS: 250 2.0.0 Ok: queued as 77";
    let strays = script(&[lies, stray]);
    let peer = plain(&[&strays, &strays, &script(&[lies, slowly, "HANG"])]).await;
    let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
    let outcome = sender.send(mail(1, &["b@example.com"], "x\r\n")).await.unwrap();
    assert_eq!(shown(&outcome), ["not attempted Misbehaved Rcpt"], "one free retry, not two");
    assert_eq!(shown(&sender.send(mail(2, &["b@example.com"], "x\r\n")).await.unwrap()), OK);
    peer.assert_followed();
}

/// With one text in doubt at a time the next mail's commands still go before it is answered.
#[tokio::test]
async fn before_a_window_is_earned_the_next_mail_s_commands_go_ahead() {
    let hello = "S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250-PIPELINING\nS: 250 CHUNKING";
    let both = "C: MAIL\nC: RCPT\nC: BDAT 17 LAST\nREAD 17\nC: RSET\nC: MAIL\nC: RCPT\nC: DATA\nS: 250 ok\nS: 250 ok\n\
                S: 250 2.0.0 Ok: queued as 77\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\nBODY\nS: 250 2.0.0 Ok: queued as 77\nHANG";
    let peer = plain(&[&script(&[hello, both])]).await;
    let sender = SmtpSender::new(peer.settings(Security::Plain)).unwrap();
    for outcome in send(&sender, mails(2)).await {
        assert_eq!(shown(&outcome), OK);
    }
    peer.assert_followed();
}
