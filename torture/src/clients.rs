//! Those who send: half over SMTP, half over HTTP, until the round is over. Each notes what it tries before
//! it does, and what was accepted after it read the answer.

use crate::chance::Chance;
use crate::ledger::{Ledger, text};
use crate::wait::pause;
use serde_json::json;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use testkit::Api;

/// Where a client sends.
#[derive(Debug, Clone)]
pub(crate) enum Door {
    Smtp(u16),
    Http(Api),
}

/// Answers must come in this time; a service that is stopped breaks the connection.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts clients for a round.
pub(crate) fn start(round: u32, seed: u64, doors: &[Door], ledger: &Arc<Ledger>) -> Vec<JoinHandle<()>> {
    let clients = (0..).zip(doors).map(|(number, door)| {
        let (door, ledger) = (door.clone(), Arc::clone(ledger));
        let chance = Chance::new(seed ^ (u64::from(round) << 32) ^ number);
        std::thread::spawn(move || client(&format!("{round}-{number}"), &door, &ledger, chance))
    });
    clients.collect()
}

fn client(name: &str, door: &Door, ledger: &Ledger, mut chance: Chance) {
    let mut sent = 0u64;
    while !ledger.is_over() {
        // A connection that breaks takes its mail with it: nobody was promised anything.
        let broken = match door {
            Door::Smtp(port) => by_smtp(name, &mut sent, *port, ledger, &mut chance),
            Door::Http(api) => by_http(name, &mut sent, api, ledger, &mut chance),
        };
        if broken.is_err() {
            pause(Duration::from_millis(chance.within(5, 30)));
        }
    }
}

fn token(name: &str, sent: &mut u64, ledger: &Ledger, chance: &mut Chance) -> String {
    pause(Duration::from_micros(chance.within(0, 8_000)));
    *sent += 1;
    let token = format!("torture-{name}-{sent}-end");
    ledger.attempt(&token);
    token
}

fn by_http(name: &str, sent: &mut u64, api: &Api, ledger: &Ledger, chance: &mut Chance) -> io::Result<()> {
    let mut connection = api.connect()?;
    while !ledger.is_over() {
        let token = token(name, sent, ledger, chance);
        let mail = json!({
            "from": "a@example.com", "to": "b@example.org", "subject": token, "text": text(&token),
        });
        let answer = connection.call("POST", "/emails", mail.to_string().as_bytes())?;
        match answer.status {
            202 => ledger.accept(&token),
            // Refused for now is an honest answer.
            500.. => pause(Duration::from_millis(20)),
            status => {
                eprintln!("{status}: {}", String::from_utf8_lossy(&answer.body));
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
    }
    Ok(())
}

fn by_smtp(name: &str, sent: &mut u64, port: u16, ledger: &Ledger, chance: &mut Chance) -> io::Result<()> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut talk = Talk { reader: BufReader::new(&stream), writer: &stream };
    talk.expect(220)?;
    talk.say("EHLO client.example\r\n")?;
    talk.expect(250)?;
    while !ledger.is_over() {
        let token = token(name, sent, ledger, chance);
        for (line, code) in
            [("MAIL FROM:<a@example.com>\r\n", 250), ("RCPT TO:<b@example.org>\r\n", 250), ("DATA\r\n", 354)]
        {
            talk.say(line)?;
            talk.expect(code)?;
        }
        let body: String = text(&token)
            .split_inclusive('\n')
            .map(|l| if l.starts_with('.') { format!(".{l}") } else { l.into() })
            .collect();
        talk.say(&format!(
            "From: a@example.com\r\nTo: b@example.org\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\n\
             Message-ID: <{token}@example.com>\r\nSubject: {token}\r\n\r\n{body}.\r\n"
        ))?;
        talk.expect(250)?;
        ledger.accept(&token);
    }
    talk.say("QUIT\r\n")
}

struct Talk<'a> {
    reader: BufReader<&'a TcpStream>,
    writer: &'a TcpStream,
}

impl Talk<'_> {
    fn say(&mut self, text: &str) -> io::Result<()> {
        self.writer.write_all(text.as_bytes())
    }

    /// Reads a reply; any other code ends the connection, as most clients would.
    fn expect(&mut self, code: u16) -> io::Result<()> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.reader.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                break;
            }
        }
        let got = line.get(..3).and_then(|digits| digits.parse().ok());
        if got == Some(code) { Ok(()) } else { Err(io::Error::other(line)) }
    }
}
