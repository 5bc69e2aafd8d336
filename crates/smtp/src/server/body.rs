//! The body on its way in, by DATA or by BDAT (RFC 5321 4.1.1.4, RFC 3030).

use super::{Event, Message, Phase, Question, Session};
use crate::dot::Unstuffer;
use envelope::Reply;

const BARE: &str = "5.6.0 Lines must end in CRLF; a bare CR or LF is not taken";

/// How the octets that come are framed, and whether they still count.
#[derive(Debug)]
pub(super) struct Incoming {
    framing: Framing,
    /// The reply there will be instead of success; what comes is dropped.
    spoiled: Option<Reply>,
    dropped: usize,
}

#[derive(Debug)]
enum Framing {
    Dots(Unstuffer),
    Chunk { left: u64, last: bool },
}

impl Incoming {
    pub(super) fn dots() -> Self {
        Self { framing: Framing::Dots(Unstuffer::default()), spoiled: None, dropped: 0 }
    }

    pub(super) fn chunk(octets: u64, last: bool, spoiled: Option<Reply>) -> Self {
        Self { framing: Framing::Chunk { left: octets, last }, spoiled, dropped: 0 }
    }

    pub(super) fn spoil(&mut self, reply: Reply) {
        self.spoiled.get_or_insert(reply);
    }
}

impl Session {
    pub(super) fn next_body_octets(&mut self) -> Option<Event> {
        let Phase::Body(mut incoming) = std::mem::replace(&mut self.phase, Phase::Command) else {
            return None;
        };
        let done = match &mut incoming.framing {
            Framing::Dots(unstuffer) => {
                let mut dropped = Vec::new();
                let live = self.transaction.as_mut().filter(|_| incoming.spoiled.is_none());
                let out = live.map_or(&mut dropped, |transaction| &mut transaction.body);
                let Ok(fed) = unstuffer.feed(self.lines.rest(), out) else {
                    // Where this message ends is a matter of opinion, so nothing after it is obeyed.
                    self.end(&Reply::new(554, BARE));
                    return None;
                };
                incoming.dropped += dropped.len();
                self.lines.used(fed.consumed);
                fed.done
            }
            Framing::Chunk { left, .. } => {
                let rest = self.lines.rest();
                let count = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                let octets = rest.get(..count).unwrap_or_default();
                match self.transaction.as_mut().filter(|_| incoming.spoiled.is_none()) {
                    Some(transaction) => match transaction.line_ends.check(octets) {
                        Ok(()) => transaction.body.extend_from_slice(octets),
                        Err(_) => incoming.spoiled = Some(Reply::new(554, BARE)),
                    },
                    None => incoming.dropped += count,
                }
                *left -= count as u64;
                self.lines.used(count);
                *left == 0
            }
        };
        self.check_size(&mut incoming);
        if done {
            return self.body_done(incoming);
        }
        if incoming.dropped > self.settings.max_size {
            let reply = incoming.spoiled.unwrap_or_else(too_big);
            self.end(&reply);
            return None;
        }
        self.phase = Phase::Body(incoming);
        Some(Event::Input)
    }

    fn check_size(&mut self, incoming: &mut Incoming) {
        if self.transaction.as_ref().is_some_and(|t| t.body.len() > self.settings.max_size) {
            incoming.spoil(too_big());
        }
        if incoming.spoiled.is_some() {
            self.transaction = None;
        }
    }

    fn body_done(&mut self, incoming: Incoming) -> Option<Event> {
        let last = !matches!(incoming.framing, Framing::Chunk { last: false, .. });
        if let Some(reply) = incoming.spoiled {
            self.transaction = None;
            self.refuse(&reply);
            return None;
        }
        if !last {
            self.say(250, "2.0.0 Ok");
            return None;
        }
        let transaction = self.transaction.take()?;
        if transaction.line_ends.finish().is_err() {
            self.refuse_with(554, BARE);
            return None;
        }
        // RFC 5321 4.5.2 wants every octet carried; a NUL ends the line, or the message, at others.
        if memchr::memchr(0, &transaction.body).is_some() {
            self.refuse_with(554, "5.6.0 A message with NUL octets is not taken");
            return None;
        }
        let protocol = self.protocol(transaction.smtputf8);
        let message = Message { envelope: transaction.envelope, raw: transaction.body, protocol };
        self.ask(Question::Message, Event::Message(message))
    }

    /// BDAT: its octets follow whatever we think of it, so they are read even when it is refused.
    pub(super) fn bdat(&mut self, octets: u64, last: bool) -> Option<Event> {
        let max = self.settings.max_size as u64;
        if octets > max {
            self.end(&too_big());
            return None;
        }
        let refusal = match &mut self.transaction {
            None => Reply::new(503, "5.5.1 Send MAIL first"),
            Some(transaction) if transaction.envelope.to.is_empty() => {
                Reply::new(503, "5.5.1 Send RCPT first")
            }
            Some(transaction) if transaction.body.len() as u64 + octets > max => too_big(),
            Some(transaction) => {
                let first = !std::mem::replace(&mut transaction.chunked, true);
                let announced = if first { transaction.size.unwrap_or(0).max(octets) } else { octets };
                if octets > 0 {
                    self.commands = 0;
                }
                let question = Question::Chunk { octets, last };
                return self.ask(question, Event::Body { announced: Some(announced) });
            }
        };
        if refusal.code != 503 {
            self.transaction = None;
        }
        self.phase = Phase::Body(Incoming::chunk(octets, last, Some(refusal)));
        None
    }
}

fn too_big() -> Reply {
    Reply::new(552, "5.3.4 Message is too big")
}
