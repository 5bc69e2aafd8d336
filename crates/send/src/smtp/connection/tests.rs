//! Time as RFC 5321 4.5.3.2 gives it, on a clock that stands still while anything moves.

use super::*;
use crate::Mail;
use crate::smtp::dial::Line;
use crate::smtp::flow::Job;
use crate::smtp::{Credentials, Endpoint, SmtpSender, SmtpSettings};
use smtp::client::RecipientResult;
use std::cell::Cell;
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// Octets that wait on the line in one direction, as a socket holds them.
const LINE: usize = 16 * 1024;

thread_local! {
    /// How often a line of this test was told to.
    static ACKNOWLEDGED: Cell<usize> = const { Cell::new(0) };
}

impl Duplex for DuplexStream {
    fn acknowledge(&self) {
        ACKNOWLEDGED.set(ACKNOWLEDGED.get() + 1);
    }
}

/// One step a line: `S: x` says it · `C: x` reads a line that begins so · `BODY` reads to the lone dot · `READ n` reads n
/// octets · `WAIT n` waits n seconds · `SLOW n x` says x an octet every n seconds · `SIP n` reads n octets a second to
/// the lone dot · `HANG` keeps the line and does nothing.
async fn follow(mut line: DuplexStream, script: String) {
    for step in script.lines() {
        let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
        match verb {
            "S:" => line.write_all(format!("{rest}\r\n").as_bytes()).await.unwrap(),
            "C:" => {
                let said = read_to(&mut line, b"\r\n").await;
                assert!(said.starts_with(rest.as_bytes()), "{rest}: {}", String::from_utf8_lossy(&said));
            }
            "BODY" => drop(read_to(&mut line, b"\r\n.\r\n").await),
            "READ" => drop(line.read_exact(&mut vec![0; rest.parse().unwrap()]).await),
            "WAIT" => pass(rest.parse().unwrap()).await,
            "SLOW" => {
                let (seconds, text) = rest.split_once(' ').unwrap();
                for octet in format!("{text}\r\n").bytes() {
                    pass(seconds.parse().unwrap()).await;
                    if line.write_all(&[octet]).await.is_err() {
                        return;
                    }
                }
            }
            "SIP" => {
                let mut sip = vec![0; rest.parse().unwrap()];
                loop {
                    pass(1).await;
                    let taken = line.read(&mut sip).await.unwrap_or(0);
                    if taken == 0 || sip[..taken].ends_with(b"\r\n.\r\n") {
                        break;
                    }
                }
            }
            "HANG" => std::future::pending().await,
            other => panic!("unknown step {other:?}"),
        }
    }
    std::future::pending().await
}

/// The clock jumps when nothing else moves.
async fn pass(seconds: u64) {
    sleep_until(Instant::now() + Duration::from_secs(seconds)).await;
}

async fn read_to(line: &mut DuplexStream, end: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    while !octets.ends_with(end) {
        octets.push(line.read_u8().await.unwrap());
    }
    octets
}

fn mail(body: &str) -> Mail {
    Mail {
        ticket: 1,
        from: envelope::Address::parse("a@example.com").unwrap().into(),
        to: vec![envelope::Address::parse("b@example.org").unwrap().into()],
        ret: None,
        envid: None,
        header: "Subject: x\r\n\r\n".into(),
        body: body.to_owned().into(),
        eight_bit: false,
        utf8_header: false,
        urgent: false,
    }
}

fn settings() -> SmtpSettings {
    let endpoint = Endpoint::Unix { path: "/nonexistent/smtp.sock".into() };
    SmtpSettings::new(endpoint, Security::Plain)
}

fn open(script: &str, settings: SmtpSettings) -> (Connection, JoinHandle<()>) {
    let (ours, theirs) = tokio::io::duplex(LINE);
    let task = tokio::spawn(follow(theirs, script.to_owned()));
    let who =
        settings.credentials.as_ref().map(|who| sasl::Credentials::password(&who.user, who.secret.clone()));
    let relay = SmtpSender::new(settings).unwrap().relay;
    let line = Line { stream: Box::new(ours), private: true, address: None };
    (Connection::over(&relay, line, who), task)
}

/// One mail over the script: what came of it, and after how many seconds.
async fn sent(script: &str, settings: SmtpSettings, body: &str) -> (String, u64) {
    let start = Instant::now();
    let (mut connection, task) = open(script, settings);
    let end = match connection.stand().await {
        Err(trouble) => format!("{:?} {:?}", trouble.kind, trouble.phase),
        Ok(()) => {
            connection.begin(Job::new(mail(body))).unwrap();
            let outcome = loop {
                match connection.advance().await {
                    Ok(None) => {}
                    Ok(Some((_, outcome))) => break outcome,
                    Err(failure) => break connection.abandon(&failure).remove(0).1,
                }
            };
            match outcome.recipients.first().unwrap() {
                RecipientResult::Accepted(_) => "accepted".to_owned(),
                RecipientResult::Unknown(failure) => {
                    format!("unknown {:?} {:?}", failure.kind, failure.phase)
                }
                RecipientResult::NotAttempted(failure) => format!("{:?} {:?}", failure.kind, failure.phase),
                other => format!("{other:?}"),
            }
        }
    };
    task.abort();
    (end, start.elapsed().as_secs())
}

const HELLO: &str = "S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250 PIPELINING\n";
const SLOWLY: &str = "S: 220 mx\nC: EHLO\nS: 250 mx\n";
const ASKED: &str = "C: MAIL\nC: RCPT\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n";

/// A minute of grace is none: each step has its own time, and the next one begins anew.
#[tokio::test(start_paused = true)]
async fn b3_44_silence_at_each_stage_ends_when_rfc_5321_says() {
    let check = async |script: String, want: &str, seconds: u64| {
        let got = sent(&script, settings(), "x\r\n").await;
        assert_eq!(got, (want.to_owned(), seconds), "{script}");
    };
    check("HANG".into(), "Timeout Greeting", 300).await;
    check("S: 220 mx\nC: EHLO\nHANG".into(), "Timeout Hello", 300).await;
    check(format!("{HELLO}C: MAIL\nHANG"), "Timeout Mail", 300).await;
    check(format!("{HELLO}C: MAIL\nS: 250 ok\nHANG"), "Timeout Rcpt", 300).await;
    check(format!("{HELLO}C: MAIL\nS: 250 ok\nS: 250 ok\nHANG"), "Timeout Data", 120).await;
    check(format!("{HELLO}{ASKED}BODY\nHANG"), "unknown Timeout End", 600).await;
    check(format!("{SLOWLY}C: MAIL\nWAIT 299\nS: 250 ok\nC: RCPT\nHANG"), "Timeout Rcpt", 599).await;
    check(format!("WAIT 299\n{SLOWLY}C: MAIL\nWAIT 299\nS: 250 ok\nC: RCPT\nWAIT 299\nS: 250 ok\nC: DATA\nWAIT 119\nS: 354 go\nBODY\nWAIT 599\nS: 250 ok"), "accepted", 1615).await;

    let mut login = settings();
    login.credentials = Some(Credentials { user: "u".into(), secret: "pw".into() });
    let auth = "S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH\nHANG";
    assert_eq!(sent(auth, login, "").await, ("Timeout Auth".to_owned(), 300));
    let mut secured = settings();
    secured.security = Security::StartTls { required: true };
    let starttls = "S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\n";
    assert_eq!(sent(&format!("{starttls}HANG"), secured.clone(), "").await, ("Timeout Tls".to_owned(), 300));
    let handshake = sent(&format!("{starttls}S: 220 go\nHANG"), secured, "").await;
    assert_eq!(handshake, ("Timeout Tls".to_owned(), 300));
}

/// The time is for the whole reply: octets that trickle and lines without end buy none.
#[tokio::test(start_paused = true)]
async fn a_reply_that_trickles_wins_no_time() {
    let check = async |script: String, want: &str, seconds: u64| {
        let got = sent(&script, settings(), "x\r\n").await;
        assert_eq!(got, (want.to_owned(), seconds), "{script}");
    };
    check(format!("SLOW 10 220 {}", "x".repeat(100)), "Timeout Greeting", 300).await;
    check("SLOW 20 220 mx\nC: EHLO\nHANG".into(), "Timeout Hello", 160 + 300).await;
    let lines = "WAIT 50\nS: 250-more\n".repeat(20);
    check(format!("S: 220 mx\nC: EHLO\n{lines}"), "Timeout Hello", 300).await;
    check(format!("{HELLO}C: MAIL\n{lines}"), "Timeout Mail", 300).await;
    check(format!("{HELLO}{ASKED}BODY\nSLOW 50 250 2.0.0 it is coming"), "unknown Timeout End", 600).await;
}

/// A flat half a minute here is what made others send twice.
#[tokio::test(start_paused = true)]
async fn b3_52_the_last_word_may_take_ten_minutes() {
    for (wait, want) in [(590, "accepted"), (599, "accepted"), (601, "unknown Timeout End")] {
        let script = format!("{HELLO}{ASKED}BODY\nWAIT {wait}\nS: 250 2.0.0 ok");
        assert_eq!(sent(&script, settings(), "x\r\n").await, (want.to_owned(), wait.min(600)));
    }
    let chunk = "S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250-PIPELINING\nS: 250 CHUNKING\nC: MAIL\nC: RCPT\nC: BDAT\nREAD 17\n";
    let script = format!("{chunk}S: 250 ok\nS: 250 ok\nWAIT 590\nS: 250 2.0.0 ok");
    assert_eq!(sent(&script, settings(), "x\r\n").await, ("accepted".to_owned(), 590));
}

/// A window that stays shut, and one that opens by a crack.
#[tokio::test(start_paused = true)]
async fn b3_68_a_peer_that_does_not_read_is_left_in_minutes() {
    let body = "0123456789abcdef\r\n".repeat(50_000);
    let shut = sent(&format!("{HELLO}{ASKED}HANG"), settings(), &body).await;
    assert_eq!(shut, ("Timeout End".to_owned(), 180));
    let shut_later = sent(&format!("{HELLO}{ASKED}READ 100000\nHANG"), settings(), &body).await;
    assert_eq!(shut_later, ("Timeout End".to_owned(), 180));
    let (end, seconds) = sent(&format!("{HELLO}{ASKED}SIP 100\n"), settings(), &body).await;
    let most = 180 + 900_014 / 500;
    assert_eq!((&*end, seconds), ("Timeout End", most), "500 octets a second are due");
    let script = format!("{HELLO}{ASKED}SIP 1000\nS: 250 2.0.0 ok");
    let (end, seconds) = sent(&script, settings(), &body).await;
    assert!(end == "accepted" && (900..910).contains(&seconds), "{end} {seconds}");
}

/// QUIT is a courtesy: nobody waits long for the answer to it.
#[tokio::test(start_paused = true)]
async fn b3_54_an_unanswered_quit_costs_five_seconds() {
    let (mut connection, task) = open(&format!("{HELLO}C: QUIT\nHANG"), settings());
    connection.stand().await.unwrap();
    let start = Instant::now();
    connection.close().await;
    assert_eq!(start.elapsed().as_secs(), 5);
    task.abort();
}

/// What is read without anything to say to it is acknowledged; else our next octets do it.
#[tokio::test(start_paused = true)]
async fn what_was_read_is_acknowledged_before_we_wait_for_more() {
    let check = async |script: String, want: usize| {
        ACKNOWLEDGED.set(0);
        let (end, _) = sent(&script, settings(), "x\r\n").await;
        assert_eq!((&*end, ACKNOWLEDGED.get()), ("accepted", want), "{script}");
    };
    let chunking = HELLO.replace("S: 250 P", "S: 250-CHUNKING\nS: 250 P");
    let asked = "C: MAIL\nC: RCPT\nC: BDAT\nREAD 17\n";
    check(format!("{chunking}{asked}S: 250 ok\nWAIT 1\nS: 250 ok\nWAIT 1\nS: 250 ok"), 2).await;
    check(format!("{HELLO}{ASKED}BODY\nS: 250 ok"), 0).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_tcp_line_acknowledges_when_asked() {
    use rustix::net::sockopt::{set_tcp_quickack, tcp_quickack};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    set_tcp_quickack(&stream, false).unwrap();
    assert!(!tcp_quickack(&stream).unwrap());
    stream.acknowledge();
    assert!(tcp_quickack(&stream).unwrap());
}
