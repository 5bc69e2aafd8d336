//! The server's side of SMTP (RFC 5321 with the extensions in [`Settings`]'s EHLO), without I/O.
//!
//! Bytes go in by [`Session::push`]; [`Session::poll`] says what to do next. Some events ask for a
//! decision, which [`Session::accept`] or [`Session::reply`] gives. What the client must see
//! collects in [`Session::take_output`]; it is written before anything is waited for.

mod auth;
mod body;
mod lines;
mod obey;
mod transaction;

use crate::sasl::Secret;
use crate::{limits, write_reply};
use auth::Exchange;
use body::Incoming;
use envelope::{Envelope, Recipient, Reply, ReversePath};
use lines::Lines;
use transaction::Transaction;

/// What the session must know of the door it stands in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Our name in greeting and EHLO.
    pub hostname: Box<str>,
    /// Octets of a message.
    pub max_size: usize,
    /// Recipients of a message.
    pub max_recipients: usize,
    /// Whether STARTTLS is offered.
    pub starttls: bool,
    /// Whether nobody can listen: TLS from the start, loopback or a unix socket. AUTH is offered
    /// and taken only then or after STARTTLS.
    pub private: bool,
    /// Whether MAIL is taken without AUTH.
    pub open: bool,
}

/// What the owner of the socket is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Write the output, then read and push more.
    Input,
    /// Check a login; `accept` or `reply`.
    Authenticate { user: String, secret: Secret },
    /// May this sender send? `accept` or `reply`.
    Mail(ReversePath),
    /// May this recipient be told? `accept` or `reply`.
    Rcpt(Recipient),
    /// Is there room for a body? `announced`: its octets, or those of this chunk, if known. `accept`
    /// or `reply`. While it arrives, [`Session::held`] tells its size.
    Body { announced: Option<u64> },
    /// A whole message; answered by `reply`, positive only when it is safe.
    Message(Message),
    /// Write the output, do the handshake, call `tls_started`.
    StartTls,
    /// Write the output and close.
    Close,
}

/// A message as it was received, dots removed.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    pub envelope: Envelope,
    pub raw: Vec<u8>,
    /// For the `Received` field (RFC 3848, RFC 6531 4.3): `ESMTPSA` and the like.
    pub protocol: String,
}

#[derive(Debug)]
enum Phase {
    Command,
    Auth(Exchange),
    Body(Incoming),
    /// An event waits for its decision.
    Decision(Question),
    /// STARTTLS was answered.
    Handshake,
    Closed,
}

/// What a decision is about.
#[derive(Debug)]
enum Question {
    Login,
    Mail(Transaction),
    Rcpt(Recipient),
    Data,
    Chunk { octets: u64, last: bool },
    Message,
}

/// One client's session.
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    lines: Lines,
    output: Vec<u8>,
    phase: Phase,
    hello: Option<Box<str>>,
    extended: bool,
    tls: bool,
    authenticated: bool,
    transaction: Option<Transaction>,
    errors: u32,
    logins: u32,
    commands: u32,
    /// MAIL was refused for want of a login.
    wanted_login: bool,
}

impl Session {
    /// A session whose greeting is in the output. `tls`: it began with a handshake.
    pub fn new(settings: Settings, tls: bool) -> Self {
        let mut session = Self {
            lines: Lines::default(),
            output: Vec::new(),
            phase: Phase::Command,
            hello: None,
            extended: false,
            tls,
            authenticated: false,
            transaction: None,
            errors: 0,
            logins: 0,
            commands: 0,
            wanted_login: false,
            settings,
        };
        session.say(220, format!("{} ESMTP", session.settings.hostname));
        session
    }

    /// Takes bytes as they came. Poll until [`Event::Input`] before pushing again: that is what
    /// bounds the memory.
    pub fn push(&mut self, bytes: &[u8]) {
        if matches!(self.phase, Phase::Handshake) && !bytes.is_empty() {
            self.phase = Phase::Closed;
        }
        self.lines.push(bytes);
    }

    /// The next thing to do. While a decision is open there is none: give it first.
    pub fn poll(&mut self) -> Event {
        loop {
            let step = match &mut self.phase {
                Phase::Command => self.next_command(),
                Phase::Auth(_) => self.next_auth_line(),
                Phase::Body(_) => self.next_body_octets(),
                Phase::Decision(_) => Some(Event::Input),
                Phase::Handshake => Some(Event::StartTls),
                Phase::Closed => Some(Event::Close),
            };
            if let Some(event) = step {
                return event;
            }
        }
    }

    /// Says yes to the last event, with the usual reply.
    pub fn accept(&mut self) {
        let Phase::Decision(question) = std::mem::replace(&mut self.phase, Phase::Command) else { return };
        match question {
            Question::Login => {
                self.authenticated = true;
                self.say(235, "2.7.0 Authentication succeeded");
            }
            Question::Mail(transaction) => {
                self.transaction = Some(transaction);
                self.say(250, "2.1.0 Ok");
            }
            Question::Rcpt(recipient) => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.add(recipient);
                }
                self.say(250, "2.1.5 Ok");
            }
            Question::Data => {
                self.say(354, "End data with <CR><LF>.<CR><LF>");
                self.reserve(|transaction| transaction.size.unwrap_or_default());
                self.phase = Phase::Body(Incoming::dots());
            }
            Question::Chunk { octets, last } => {
                self.reserve(|_| octets);
                self.phase = Phase::Body(Incoming::chunk(octets, last, None));
            }
            Question::Message => self.say(250, "2.0.0 Ok"),
        }
    }

    /// Answers the last event with a reply; a positive one where it is not about a message counts as
    /// `accept`.
    pub fn reply(&mut self, reply: Reply) {
        if reply.is_positive() && !matches!(self.phase, Phase::Decision(Question::Message)) {
            return self.accept();
        }
        let Phase::Decision(question) = std::mem::replace(&mut self.phase, Phase::Command) else { return };
        match question {
            Question::Chunk { octets, last } => {
                self.transaction = None;
                self.phase = Phase::Body(Incoming::chunk(octets, last, Some(reply)));
            }
            Question::Message => {
                self.commands = 0;
                if reply.is_positive() {
                    self.errors = 0;
                }
                write_reply(&reply, &mut self.output);
            }
            Question::Data => {
                self.transaction = None;
                self.refuse(&reply);
            }
            Question::Login => {
                self.logins += 1;
                self.refuse(&reply);
                if self.logins >= limits::LOGINS {
                    self.end(&Reply::new(421, "4.7.0 Too many failed logins"));
                }
            }
            Question::Mail(_) | Question::Rcpt(_) => self.refuse(&reply),
        }
    }

    /// What the client must see, in order.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// TLS is up: everything said before is forgotten (RFC 3207 4.2).
    pub fn tls_started(&mut self) {
        if matches!(self.phase, Phase::Handshake) {
            (self.phase, self.tls, self.settings.private) = (Phase::Command, true, true);
            (self.hello, self.authenticated, self.transaction) = (None, false, None);
            self.extended = false;
        }
    }

    /// Gives up the body that arrives, e.g. when there is no room for more of it. The rest is read
    /// and dropped, then this is the reply.
    pub fn spoil(&mut self, reply: Reply) {
        if let Phase::Body(incoming) = &mut self.phase {
            incoming.spoil(reply);
            self.transaction = None;
        }
    }

    /// Says a last reply and ends the session.
    pub fn end(&mut self, reply: &Reply) {
        write_reply(reply, &mut self.output);
        self.phase = Phase::Closed;
        self.transaction = None;
    }

    /// Octets of memory that the message that arrives takes.
    pub fn held(&self) -> usize {
        self.transaction.as_ref().map_or(0, |transaction| transaction.body.capacity())
    }

    /// Whether a message is on its way in, from DATA or the first BDAT to its reply.
    pub fn receiving(&self) -> bool {
        let body = matches!(self.phase, Phase::Body(_) | Phase::Decision(Question::Message));
        body || self.transaction.as_ref().is_some_and(|transaction| transaction.chunked)
    }

    /// Whether mail was refused because the client had not logged in.
    pub fn wanted_login(&self) -> bool {
        self.wanted_login
    }

    /// The name the client gave in EHLO or HELO.
    pub fn hello(&self) -> Option<&str> {
        self.hello.as_deref()
    }

    /// Makes the room once that the door has just granted, instead of growing into it.
    fn reserve(&mut self, octets: impl FnOnce(&Transaction) -> u64) {
        if let Some(transaction) = &mut self.transaction {
            let octets = usize::try_from(octets(transaction)).unwrap_or(usize::MAX);
            transaction.body.reserve(octets.min(self.settings.max_size));
        }
    }

    fn say(&mut self, code: u16, text: impl Into<Box<str>>) {
        write_reply(&Reply::new(code, text), &mut self.output);
    }

    /// A refusal; permanent ones count towards the end of our patience.
    fn refuse(&mut self, reply: &Reply) {
        write_reply(reply, &mut self.output);
        self.errors += u32::from(reply.code >= 500);
        if self.errors >= limits::ERRORS {
            self.end(&Reply::new(421, "4.7.0 Too many errors"));
        }
    }

    fn refuse_with(&mut self, code: u16, text: &'static str) {
        self.refuse(&Reply::new(code, text));
    }

    fn ask(&mut self, question: Question, event: Event) -> Option<Event> {
        self.phase = Phase::Decision(question);
        Some(event)
    }

    fn protocol(&self, smtputf8: bool) -> String {
        let base = match (smtputf8, self.extended) {
            (true, _) => "UTF8SMTP",
            (false, true) => "ESMTP",
            (false, false) => "SMTP",
        };
        let mark = |on: bool, letter: &'static str| if on { letter } else { "" };
        format!("{base}{}{}", mark(self.tls, "S"), mark(self.authenticated, "A"))
    }
}

#[cfg(test)]
mod tests;
