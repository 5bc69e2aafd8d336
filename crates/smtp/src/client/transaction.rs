//! One mail: RSET when not the first, MAIL, RCPT, DATA, the end (RFC 5321 3.3, RFC 2920).

mod begin;

use super::{Client, Expect, Failure, Outcome, Output, Phase, RecipientResult};
use crate::{Command, Violation};
use envelope::{Class, Recipient, Reply, Ret, ReversePath};

type Next = Result<Option<Output>, Failure>;

/// A mail to send, without its text.
#[derive(Debug, Clone)]
pub struct Transaction {
    pub from: ReversePath,
    pub to: Vec<Recipient>,
    pub ret: Option<Ret>,
    /// In xtext.
    pub envid: Option<Box<str>>,
    /// Octets of header and body.
    pub size: u64,
    /// Whether the text has octets over 127.
    pub eight_bit: bool,
    /// Whether the header needs SMTPUTF8 whatever the addresses.
    pub utf8_header: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    NotAsked,
    Sending,
    Written,
}

/// A transaction on the wire.
#[derive(Debug)]
pub(super) struct Running {
    commands: Vec<(Command, Expect)>,
    /// The next of `commands` when the server takes one at a time.
    next: usize,
    pipelined: bool,
    results: Vec<Option<RecipientResult>>,
    accepted: Vec<usize>,
    mail_accepted: bool,
    content: Content,
    /// Octets came between 354 and the end of our text: what they begin is no answer to the end.
    early: bool,
}

impl Running {
    pub(super) fn note_octets(&mut self) {
        self.early |= self.content == Content::Sending;
    }

    fn settle(&mut self, recipients: &[usize], result: &RecipientResult) {
        for recipient in recipients {
            if let Some(place) = self.results.get_mut(*recipient) {
                place.get_or_insert_with(|| result.clone());
            }
        }
    }

    fn settle_all(&mut self, result: &RecipientResult) {
        for place in &mut self.results {
            place.get_or_insert_with(|| result.clone());
        }
    }
}

impl Client {
    /// RFC 5321 4.1.1.5: RSET always succeeds; a server that says otherwise is not in step.
    pub(super) fn on_rset(&mut self, reply: Reply) -> Next {
        if reply.is_positive() { self.go_on() } else { Err(self.wrong_kind(Phase::Reset, reply)) }
    }

    /// RFC 5321 4.1.1.2. Only this 2yz makes the later replies count.
    pub(super) fn on_mail(&mut self, reply: Reply) -> Next {
        let Some(running) = &mut self.running else { return Ok(None) };
        match reply.class() {
            Some(Class::Success) => {
                running.mail_accepted = true;
                self.go_on()
            }
            Some(_) => {
                running.settle_all(&RecipientResult::Refused { phase: Phase::Mail, reply });
                self.stop_or_drain()
            }
            None => Err(self.wrong_kind(Phase::Mail, reply)),
        }
    }

    /// RFC 5321 4.1.1.3.
    pub(super) fn on_rcpt(&mut self, recipient: usize, reply: Reply) -> Next {
        let Some(running) = &mut self.running else { return Ok(None) };
        match reply.class() {
            None => return Err(self.wrong_kind(Phase::Rcpt, reply)),
            Some(_) if !running.mail_accepted => {}
            Some(Class::Success) => running.accepted.push(recipient),
            Some(_) => running.settle(&[recipient], &RecipientResult::Refused { phase: Phase::Rcpt, reply }),
        }
        let last = !running.pipelined
            && running.accepted.is_empty()
            && running.commands.get(running.next).is_none_or(|(_, expect)| *expect == Expect::Data);
        if last { self.stop_or_drain() } else { self.go_on() }
    }

    /// RFC 5321 4.1.1.4: 354 or a refusal. RFC 2920 3.1: 354 may come though nobody was accepted.
    pub(super) fn on_data(&mut self, reply: Reply) -> Next {
        let Some(running) = &mut self.running else { return Ok(None) };
        if reply.code != 354 {
            return match reply.class() {
                Some(Class::Transient | Class::Permanent) => {
                    running.settle_all(&RecipientResult::Refused { phase: Phase::Data, reply });
                    self.finish()
                }
                _ => Err(self.wrong_kind(Phase::Data, reply)),
            };
        }
        if running.accepted.is_empty() {
            self.expect(Expect::LoneDot);
            self.transcript.sent(".");
            return Ok(Some(Output::Write(crate::sasl::Secret::from(crate::dot::END.to_vec()))));
        }
        running.content = Content::Sending;
        running.early = !self.parser.is_empty();
        if self.config.lmtp {
            for recipient in running.accepted.clone() {
                self.expect(Expect::End(Some(recipient)));
            }
        } else {
            self.expect(Expect::End(None));
        }
        Ok(Some(Output::Content))
    }

    /// Header, body and the end of data were handed to the transport: from now on silence means
    /// that nobody knows (RFC 1047).
    pub fn content_written(&mut self) {
        if let Some(running) = &mut self.running {
            running.content = Content::Written;
        }
        self.transcript.sent("(message)");
    }

    /// RFC 5321 4.2.5: 2yz moves responsibility. RFC 2033 4.2: in LMTP for one recipient.
    pub(super) fn on_end(&mut self, recipient: Option<usize>, reply: Reply) -> Next {
        let Some(running) = &mut self.running else { return Ok(None) };
        let whole = running.content == Content::Written && !running.early;
        let result = match reply.class() {
            Some(Class::Success) if whole => RecipientResult::Accepted(reply),
            Some(Class::Success) => return Err(self.violated(Violation::EarlySuccess, Some(reply))),
            Some(_) => RecipientResult::Refused { phase: Phase::End, reply },
            None => return Err(self.wrong_kind(Phase::End, reply)),
        };
        // The server is no longer reading text, we were still sending it.
        self.reusable &= whole;
        match recipient {
            Some(recipient) => running.settle(&[recipient], &result),
            None => running.settle(&running.accepted.clone(), &result),
        }
        if self.pending.is_empty() { self.finish() } else { Ok(None) }
    }

    /// Nobody was accepted, so whatever this says nothing was delivered. A server that took it
    /// after refusing everything is not to be trusted with another mail.
    pub(super) fn on_lone_dot(&mut self, reply: Reply) -> Next {
        self.reusable &= !reply.is_positive();
        self.finish()
    }

    /// Ends the running transaction because the connection ended. `None` when there was none.
    pub fn abandon(&mut self, failure: Failure) -> Option<Outcome> {
        self.reusable = false;
        let mut running = self.running.take()?;
        self.transcript.note(&failure.text);
        if running.content == Content::Written && !failure.is_refusal() {
            running.settle(&running.accepted.clone(), &RecipientResult::Unknown(failure.clone()));
        }
        running.settle_all(&RecipientResult::NotAttempted(failure));
        Some(self.outcome(running))
    }

    /// Whether the end of data was sent, so that another attempt could deliver twice.
    pub fn in_doubt(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.content == Content::Written)
    }

    /// The next command for a server that takes one at a time.
    fn go_on(&mut self) -> Next {
        let Some(running) = self.running.as_mut().filter(|running| !running.pipelined) else {
            return Ok(None);
        };
        let command = running.commands.get(running.next).cloned();
        running.next += 1;
        Ok(command.map(|command| self.write(&[command])))
    }

    /// Nothing more to gain: done at once, or when the pipelined replies are in.
    fn stop_or_drain(&mut self) -> Next {
        if self.pending.is_empty() { self.finish() } else { Ok(None) }
    }

    fn finish(&mut self) -> Next {
        let outcome = self.running.take().map(|running| self.outcome(running));
        Ok(outcome.map(Output::Done))
    }

    fn outcome(&mut self, running: Running) -> Outcome {
        // Every way here settles all; a recipient forgotten by a mistake of ours is not delivered.
        let forgotten = || {
            let text = "no reply was recorded for this recipient";
            RecipientResult::NotAttempted(Failure::new(super::FailureKind::Lost, Phase::Rcpt, None, text))
        };
        let recipients: Vec<_> =
            running.results.into_iter().map(|result| result.unwrap_or_else(forgotten)).collect();
        let good = recipients.iter().all(|result| matches!(result, RecipientResult::Accepted(_)));
        let transcript = if good { self.transcript.brief() } else { self.transcript.whole() };
        Outcome { recipients, transcript: transcript.into() }
    }
}
