//! What each command does, and when it may come (RFC 5321 4.1.4).

use super::lines::Line;
use super::transaction::{Transaction, recipient};
use super::{Event, Phase, Question, Session};
use crate::command::{Body, Command, CommandError, MailParameters, Path, RcptParameters};
use crate::write_reply;
use envelope::Reply;

/// Verbs of HTTP: a browser was made to talk to us.
const HTTP: [&str; 8] = ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "CONNECT", "PATCH"];

impl Session {
    pub(super) fn next_command(&mut self) -> Option<Event> {
        let line = match self.lines.next(false) {
            Line::Partial => return Some(Event::Input),
            Line::Whole(line) => line,
            Line::BareLf => {
                self.refuse_with(500, "5.5.2 Lines must end in CRLF");
                return None;
            }
            Line::TooLong => {
                self.refuse_with(500, "5.5.2 Line too long");
                return None;
            }
            Line::Hostile => return self.hostile(),
        };
        self.commands += 1;
        if self.commands > crate::limits::COMMANDS {
            self.end(&Reply::new(421, "4.7.0 Too many commands"));
            return None;
        }
        match Command::parse(&line) {
            Ok(command) => self.obey(command),
            Err(CommandError::Unknown) if no_client(&line) => self.hostile(),
            Err(error) => {
                self.refuse(&error.reply());
                // Octets follow a BDAT; how many, we do not know.
                if line.get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case(b"BDAT")) {
                    self.phase = Phase::Closed;
                }
                None
            }
        }
    }

    /// Whoever this is, it does not speak SMTP.
    pub(super) fn hostile(&mut self) -> Option<Event> {
        self.end(&Reply::new(554, "5.5.1 This is an SMTP server"));
        None
    }

    fn obey(&mut self, command: Command) -> Option<Event> {
        match command {
            Command::Ehlo(name) => self.greet(name.as_str(), true),
            Command::Helo(name) => self.greet(name.as_str(), false),
            Command::Mail { from, parameters } => return self.mail(from, parameters),
            Command::Rcpt { to, parameters } => return self.rcpt(to, parameters),
            Command::Data => return self.data(),
            Command::Bdat { octets, last } => return self.bdat(octets, last),
            Command::Auth { mechanism, initial } => return self.auth(mechanism.as_str(), initial),
            Command::StartTls => self.start_tls(),
            Command::Rset => {
                self.transaction = None;
                self.say(250, "2.0.0 Ok");
            }
            Command::Noop => self.say(250, "2.0.0 Ok"),
            Command::Quit => self.end(&Reply::new(221, "2.0.0 Bye")),
            Command::Vrfy(_) => self.say(252, "2.5.0 Send some mail and see"),
            Command::Help => self.say(214, "2.0.0 RFC 5321"),
            Command::Expn(_) | Command::Lhlo(_) => self.refuse_with(502, "5.5.1 Command not implemented"),
        }
        None
    }

    fn greet(&mut self, name: &str, extended: bool) {
        self.transaction = None;
        self.hello = Some(name.into());
        self.extended = extended;
        let settings = &self.settings;
        let mut lines = vec![settings.hostname.clone()];
        if extended {
            lines.extend(["PIPELINING".into(), format!("SIZE {}", settings.max_size).into()]);
            lines.extend(["8BITMIME", "SMTPUTF8", "CHUNKING", "DSN"].map(Box::from));
            if settings.starttls && !self.tls {
                lines.push("STARTTLS".into());
            }
            if settings.private {
                lines.push("AUTH PLAIN LOGIN".into());
            }
            lines.push("ENHANCEDSTATUSCODES".into());
        }
        write_reply(&Reply { code: 250, lines }, &mut self.output);
    }

    fn start_tls(&mut self) {
        match () {
            () if self.tls => self.refuse_with(503, "5.5.1 TLS is already in use"),
            () if !self.settings.starttls => self.refuse_with(502, "5.5.1 TLS is not offered"),
            () if !self.extended => self.refuse_with(503, "5.5.1 Send EHLO first"),
            // What came in clear after STARTTLS must not be obeyed as if it had come in TLS.
            () if !self.lines.is_empty() => {
                self.end(&Reply::new(503, "5.5.1 Nothing may follow STARTTLS before TLS"));
            }
            () => {
                self.say(220, "2.0.0 Ready to start TLS");
                self.transaction = None;
                self.phase = Phase::Handshake;
            }
        }
    }

    fn mail(&mut self, from: Path, parameters: MailParameters) -> Option<Event> {
        let big = parameters.size.is_some_and(|octets| octets > self.settings.max_size as u64);
        let unicode = from.address().is_some_and(|a| a.needs_smtputf8()) && !parameters.smtputf8;
        let refusal = match () {
            () if self.hello.is_none() => Some((503, "5.5.1 Send EHLO first")),
            () if self.transaction.is_some() => Some((503, "5.5.1 A transaction is under way")),
            () if !self.settings.open && !self.authenticated => Some((530, "5.7.0 Authentication required")),
            () if parameters.body == Some(Body::BinaryMime) => Some((501, "5.6.3 BINARYMIME is not offered")),
            () if unicode => Some((553, "5.6.7 Say SMTPUTF8 for this address")),
            () if big => Some((552, "5.3.4 Message is too big")),
            () => None,
        };
        if let Some((code, text)) = refusal {
            self.wanted_login |= code == 530;
            self.refuse_with(code, text);
            return None;
        }
        let transaction = Transaction::new(from.into(), parameters);
        let event = Event::Mail(transaction.envelope.from.clone());
        self.ask(Question::Mail(transaction), event)
    }

    fn rcpt(&mut self, to: Path, parameters: RcptParameters) -> Option<Event> {
        let unicode = to.address().is_some_and(|address| address.needs_smtputf8());
        let refusal = match (&self.transaction, to.address()) {
            (None, _) => Some((503, "5.5.1 Send MAIL first")),
            (Some(t), _) if t.chunked => Some((503, "5.5.1 The message has begun")),
            (Some(t), _) if t.envelope.to.len() >= self.settings.max_recipients => {
                Some((452, "4.5.3 Too many recipients"))
            }
            (Some(t), _) if unicode && !t.smtputf8 => Some((553, "5.6.7 Say SMTPUTF8 for this address")),
            (Some(_), None) => Some((501, "5.1.3 Bad address syntax")),
            (Some(_), Some(address)) => {
                let recipient = recipient(address.clone(), parameters);
                return self.ask(Question::Rcpt(recipient.clone()), Event::Rcpt(recipient));
            }
        };
        if let Some((code, text)) = refusal {
            self.refuse_with(code, text);
        }
        None
    }

    fn data(&mut self) -> Option<Event> {
        let refusal = match &self.transaction {
            None => "5.5.1 Send MAIL first",
            Some(t) if t.chunked => "5.5.1 The message has begun by BDAT",
            Some(t) if t.envelope.to.is_empty() => "5.5.1 Send RCPT first",
            Some(t) => {
                let announced = t.size;
                return self.ask(Question::Data, Event::Body { announced });
            }
        };
        self.refuse_with(503, refusal);
        None
    }
}

/// A verb of HTTP or a header field: someone made another program talk to us.
fn no_client(line: &[u8]) -> bool {
    let verb = line.split(|b| *b == b' ').next().unwrap_or_default();
    let http = HTTP.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(verb));
    http || verb.len() > 1 && verb.ends_with(b":")
}
