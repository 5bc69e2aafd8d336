//! More mail at once than MEMORY holds: the doors refuse for now before it is exhausted, and what waits is on disk.

use crate::run::binary;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use testkit::{Api, Daemon, Sink, until};

const PATIENCE: Duration = Duration::from_secs(30);

/// Octets of a mail; MEMORY has room for ten of them.
const MAIL: usize = 6 << 20;
const PRODUCERS: usize = 20;
const MAILS: usize = 60;

/// KiB: what MEMORY allows for, as much again that is on its way to the disk, and the program. All mails take more.
const MOST: u64 = 256 << 10;

fn mail() -> Vec<u8> {
    let head = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: x\r\n\r\n";
    let lines = b"0123456789012345678901234567890123456789012345678901234567890123456789\r\n";
    head.iter().chain(lines.iter().cycle()).take(MAIL).copied().chain(*b"\r\n").collect()
}

/// By HTTP; whether it was taken, the other answer being that there is no room.
fn by_http(api: &Api, mail: &[u8]) -> bool {
    let answer =
        api.call("POST", "/emails/raw?from=a@example.com&to=b@example.org", mail).expect("an answer");
    let refused = answer.status == 503 && answer.retry_after.is_some();
    assert!(refused || answer.status == 202, "{}", String::from_utf8_lossy(&answer.body));
    !refused
}

/// By SMTP, likewise.
fn by_smtp(port: u16, mail: &[u8]) -> bool {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("a door");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let mut stream = BufReader::new(stream);
    let words: [&[u8]; 4] =
        [b"", b"HELO me.example\r\n", b"MAIL FROM:<a@example.com>\r\n", b"RCPT TO:<b@example.org>\r\n"];
    let (text, end): ([&[u8]; 2], &[u8]) = ([b"DATA\r\n", mail], b".\r\n");
    let mut line = String::new();
    for said in words.into_iter().chain([text[0], &[text[1], end].concat()]) {
        stream.get_mut().write_all(said).expect("it reads");
        line.clear();
        stream.read_line(&mut line).expect("it answers");
        if line.starts_with("452 4.3.1 ") {
            return false;
        }
        assert!(line.starts_with(['2', '3']), "{line}");
    }
    true
}

/// A call whose body never comes whole.
fn stalled(api: &Api, octets: usize) -> TcpStream {
    let mut stream = TcpStream::connect(api.address).expect("a door");
    let head = format!(
        "POST /emails/raw?from=a@example.com&to=b@example.org HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
         Content-Length: {octets}\r\n\r\nSubject",
        api.address, api.key
    );
    stream.write_all(head.as_bytes()).expect("it reads");
    stream
}

#[test]
fn b1_27_producers_that_outrun_the_relay_are_refused_before_memory_is_exhausted() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let sink = runtime.block_on(Sink::tcp(0, false)).expect("a port");
    let relay = format!(
        "[postrider.relay]\nURL = smtp://127.0.0.1:{}\nRATE = 1/s\n[postrider]\nMEMORY = 64M",
        sink.port()
    );
    let daemon = Daemon::start(binary(), "", &relay);
    let (api, port, mail) = (&daemon.api, daemon.smtp_port, mail());

    // All of it is promised to those who are slow: nobody else's is begun.
    let (mut slow, mut taken) = (Vec::new(), 0);
    until("no room by HTTP", PATIENCE, || {
        // A third of MEMORY each: one that came while a mail of ours was there is refused itself.
        slow.push(stalled(api, 20 << 20));
        let refused = !by_http(api, &mail);
        taken += usize::from(!refused);
        refused.then_some(())
    });
    assert!(!by_smtp(port, &mail), "there is room by SMTP");
    assert_eq!(api.get("/readyz").expect("an answer").status, 200);
    drop(slow);

    let left = AtomicUsize::new(MAILS);
    std::thread::scope(|scope| {
        for n in 0..PRODUCERS {
            let (left, mail) = (&left, &mail);
            scope.spawn(move || {
                while left
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                    .is_ok()
                {
                    until("room", PATIENCE, || {
                        (if n % 2 == 0 { by_http(api, mail) } else { by_smtp(port, mail) }).then_some(())
                    });
                }
            });
        }
    });
    let stats = api.get("/queue").expect("an answer").json;
    assert_eq!(stats["accepted"], taken + MAILS, "{stats}");
    let peak = daemon.peak_memory().expect("Linux");
    assert!(peak < MOST, "{peak} KiB");
}
