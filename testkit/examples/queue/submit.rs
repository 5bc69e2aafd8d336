//! Those who send: a connection each, opened before the clock starts and kept, one command after the other as smtplib does.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use testkit::{Api, Connection};

/// Octets of the text, about what a notification has.
const TEXT: usize = 2_048;
const PATIENCE: Duration = Duration::from_secs(60);

/// Where mail goes in.
#[derive(Debug, Clone)]
pub(crate) enum Door {
    Http(Api),
    Smtp(u16),
}

/// Whichever comes first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Most {
    pub(crate) mails: u64,
    pub(crate) time: Duration,
}

/// What became of it.
pub(crate) struct Sent {
    pub(crate) accepted: u64,
    pub(crate) begin: Instant,
    /// Until the last answer.
    pub(crate) time: Duration,
}

pub(crate) fn submit(door: &Door, submitters: usize, most: Most) -> Sent {
    let (taken, accepted, refused) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let ready = Barrier::new(submitters + 1);
    let begin = std::thread::scope(|scope| {
        for _ in 0..submitters {
            scope.spawn(|| {
                let mut client = Client::connect(door).expect("the service answers");
                ready.wait();
                let begin = Instant::now();
                while begin.elapsed() < most.time && taken.fetch_add(1, Ordering::SeqCst) < most.mails {
                    match client.send().expect("the service answers") {
                        None => drop(accepted.fetch_add(1, Ordering::SeqCst)),
                        Some(words) if refused.fetch_add(1, Ordering::SeqCst) == 0 => {
                            println!("refused: {words}");
                        }
                        Some(_) => {}
                    }
                }
            });
        }
        ready.wait();
        Instant::now()
    });
    let sent = Sent { accepted: accepted.into_inner(), begin, time: begin.elapsed() };
    if refused.load(Ordering::SeqCst) > 0 {
        println!("refused: {} beside {} accepted", refused.into_inner(), sent.accepted);
    }
    sent
}

enum Client {
    Http { connection: Box<Connection>, mail: String },
    Smtp { talk: BufReader<TcpStream>, mail: String },
}

impl Client {
    fn connect(door: &Door) -> io::Result<Self> {
        let text = "Sixty-three octets of a text that somebody may have to read.\r\n".repeat(TEXT / 62);
        match door {
            Door::Http(api) => {
                let mail = serde_json::json!({
                    "from": "a@example.com", "to": "b@example.org", "subject": "Bench", "text": text,
                });
                Ok(Client::Http { connection: Box::new(api.connect()?), mail: mail.to_string() })
            }
            Door::Smtp(port) => {
                let stream = TcpStream::connect(("127.0.0.1", *port))?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                let mail = format!(
                    "From: a@example.com\r\nTo: b@example.org\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\n\
                     Message-ID: <bench@example.com>\r\nSubject: Bench\r\n\r\n{text}.\r\n"
                );
                let mut client = Client::Smtp { talk: BufReader::new(stream), mail };
                client.expect("", "220")?;
                client.expect("EHLO client.example\r\n", "250")?;
                Ok(client)
            }
        }
    }

    /// One mail; the words of a refusal.
    fn send(&mut self) -> io::Result<Option<String>> {
        let mail = match self {
            Client::Http { connection, mail } => {
                let answer = connection.call("POST", "/emails", mail.as_bytes())?;
                let words = || format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body));
                return Ok((answer.status != 202).then(words));
            }
            Client::Smtp { mail, .. } => mail.clone(),
        };
        let steps = [
            ("MAIL FROM:<a@example.com>\r\n", "250"),
            ("RCPT TO:<b@example.org>\r\n", "250"),
            ("DATA\r\n", "354"),
            (mail.as_str(), "250"),
        ];
        for (words, code) in steps {
            if let Some(refusal) = self.expect(words, code)? {
                self.expect("RSET\r\n", "250")?;
                return Ok(Some(refusal));
            }
        }
        Ok(None)
    }

    /// Says it and reads the whole reply; the last line of one with another code.
    fn expect(&mut self, words: &str, code: &str) -> io::Result<Option<String>> {
        let Client::Smtp { talk, .. } = self else { return Ok(None) };
        talk.get_mut().write_all(words.as_bytes())?;
        let mut line = String::new();
        loop {
            line.clear();
            if talk.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok((!line.starts_with(code)).then_some(line));
            }
        }
    }
}
