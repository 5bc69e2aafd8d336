//! Dialogues with a door that says yes, split at every octet.

mod dialogue;
mod hostile;
mod login;
mod smuggling;

use super::*;

fn settings() -> Settings {
    Settings {
        hostname: "mx.test".into(),
        max_size: 1000,
        max_recipients: 3,
        starttls: false,
        private: true,
        open: true,
    }
}

/// What a client saw and what reached the door.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    replies: String,
    messages: Vec<(String, String)>,
    closed: bool,
}

impl Seen {
    /// The codes of the last lines of all replies after the greeting.
    fn codes(&self) -> Vec<u16> {
        let last = |line: &&str| line.as_bytes().get(3) == Some(&b' ');
        self.replies.lines().filter(last).skip(1).map(|line| line[..3].parse().unwrap()).collect()
    }
}

/// The door: user `tim` has the password `secret`, `bad@x.y` is refused everywhere.
fn settle(session: &mut Session, event: Event, seen: &mut Seen) {
    let refused = |bad: bool| if bad { Reply::new(550, "5.7.1 No") } else { Reply::new(250, "yes") };
    match event {
        Event::Authenticate { user, secret } => {
            let good = user == "tim" && secret.expose() == b"secret";
            session.reply(if good { Reply::new(235, "yes") } else { Reply::new(535, "5.7.8 No") });
        }
        Event::Mail(from) => session.reply(refused(from.as_str() == "bad@x.y")),
        Event::Rcpt(to) => session.reply(refused(to.address.as_str() == "bad@x.y")),
        Event::Body { .. } => session.accept(),
        Event::Message(message) => {
            let to: Vec<_> = message.envelope.to.iter().map(|r| r.address.as_str()).collect();
            let envelope =
                format!("{} <{}>{}", message.protocol, message.envelope.from.as_str(), to.join(","));
            seen.messages.push((envelope, String::from_utf8_lossy(&message.raw).into()));
            session.reply(Reply::new(250, "2.0.0 Ok: queued as 1"));
        }
        Event::StartTls => session.tls_started(),
        Event::Input | Event::Close => {}
    }
}

fn drive(session: &mut Session, parts: &[&[u8]]) -> Seen {
    let mut seen = Seen::default();
    for part in parts {
        session.push(part);
        loop {
            let event = session.poll();
            seen.closed = event == Event::Close;
            if matches!(event, Event::Input | Event::Close) {
                break;
            }
            settle(session, event, &mut seen);
        }
        if seen.closed {
            break;
        }
    }
    seen.replies = String::from_utf8(session.take_output()).unwrap();
    seen
}

fn whole(settings: Settings, input: &[u8]) -> Seen {
    drive(&mut Session::new(settings, false), &[input])
}

/// The same is seen whatever the split.
fn run(settings: Settings, input: &[u8]) -> Seen {
    let want = whole(settings.clone(), input);
    for cut in 1..input.len().min(800) {
        let seen = drive(&mut Session::new(settings.clone(), false), &[&input[..cut], &input[cut..]]);
        assert_eq!(seen, want, "cut at {cut}");
    }
    let octets: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(drive(&mut Session::new(settings, false), &octets), want, "octet by octet");
    want
}

/// Input and the codes it is answered with.
fn check(input: &str, codes: &[u16]) -> Seen {
    let seen = run(settings(), input.as_bytes());
    assert_eq!(seen.codes(), codes, "{input:?}: {}", seen.replies);
    seen
}

const OPENING: &str = "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\n";
