//! One mail: RSET when not the first, MAIL, RCPT, DATA or BDAT, the end (RFC 5321 3.3, RFC 2920,
//! RFC 3030).

mod begin;

pub use begin::{Begun, Text};

use super::outcome::class;
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
    pub(super) number: u64,
    commands: Vec<(Command, Expect)>,
    /// The next of `commands` when the server takes one at a time.
    next: usize,
    pipelined: bool,
    text: Text,
    results: Vec<Option<RecipientResult>>,
    accepted: Vec<usize>,
    mail_accepted: bool,
    content: Content,
    /// Octets came between 354 and the end of our text: what they begin is no answer to the end.
    early: bool,
}

impl Running {
    /// With BDAT replies to what stands before it may come at any time.
    pub(super) fn note_octets(&mut self) {
        self.early |= self.content == Content::Sending && self.text == Text::Data;
    }

    /// Whether DATA was said, or will be, and its 354 is not there: nothing may follow it.
    pub(super) fn awaits_go_ahead(&self) -> bool {
        !self.pipelined || self.text == Text::Data && self.content == Content::NotAsked
    }

    /// RFC 5321 4.3.2: 500 to 504 speak of the command.
    fn bdat_is_unknown(&self, reply: &Reply) -> bool {
        self.text == Text::Bdat && !self.accepted.is_empty() && (500..=504).contains(&reply.code)
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

    /// In LMTP the server went at this recipient's answer: to the others it had begun to deliver, or not.
    pub(super) fn cut_off_at(&mut self, recipient: usize, failure: &Failure) {
        let answered = |n: &usize| self.results.get(*n).is_some_and(Option::is_some);
        if self.accepted.iter().any(answered) {
            self.settle(&[recipient], &RecipientResult::NotAttempted(failure.clone()));
            self.settle(&self.accepted.clone(), &RecipientResult::Unknown(failure.clone()));
        }
    }

    /// The server took the text although it had refused the sender: nobody knows under whose name.
    fn doubt_all(&mut self) {
        for (n, place) in self.results.iter_mut().enumerate() {
            if matches!(place, Some(RecipientResult::Refused { .. })) {
                *place = None;
                self.accepted.push(n);
            }
        }
    }
}

impl Client {
    /// RFC 5321 4.1.1.5: RSET always succeeds; a server that says otherwise is not in step.
    pub(super) fn on_rset(&mut self, reply: Reply) -> Next {
        match class(&reply) {
            Some(Class::Success) => self.go_on(),
            _ => Err(self.wrong_kind(Phase::Reset, reply)),
        }
    }

    /// RFC 5321 4.1.1.2. Only this 2yz makes the later replies count.
    pub(super) fn on_mail(&mut self, reply: Reply) -> Next {
        let Some(running) = self.running.front_mut() else { return Ok(None) };
        match class(&reply) {
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

    /// RFC 5321 4.1.1.3. Without PIPELINING the last refusal of all ends the transaction before DATA.
    pub(super) fn on_rcpt(&mut self, recipient: usize, reply: Reply) -> Next {
        let Some(running) = self.running.front_mut() else { return Ok(None) };
        match class(&reply) {
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
        let Some(running) = self.running.front_mut() else { return Ok(None) };
        if reply.code != 354 {
            return match reply.class() {
                Some(Class::Transient | Class::Permanent) => {
                    running.settle_all(&RecipientResult::Refused { phase: Phase::Data, reply });
                    self.finish()
                }
                _ => Err(self.wrong_kind(Phase::Data, reply)),
            };
        }
        if !running.mail_accepted {
            // A text now, were it a dot alone, could leave under the sender of another mail.
            return Err(self.violated_at(Phase::Data, Violation::ForeignSender, reply));
        }
        let number = running.number;
        if running.accepted.is_empty() && self.config.lmtp {
            // RFC 2033 4.2: an answer for each recipient, so to a dot for nobody there would be none.
            self.reusable = false;
            return self.finish();
        }
        if running.accepted.is_empty() {
            self.expect(number, Expect::LoneDot);
            self.transcript.sent(number, ".");
            return Ok(Some(Output::Write(crate::sasl::Secret::from(crate::dot::END.to_vec()))));
        }
        running.content = Content::Sending;
        running.early = !self.parser.is_empty();
        if self.config.lmtp {
            for recipient in running.accepted.clone() {
                self.expect(number, Expect::End(Some(recipient)));
            }
        } else {
            self.expect(number, Expect::End(None));
        }
        Ok(Some(Output::Content(number)))
    }

    /// This transaction's text and its end were handed to the transport: from now on silence means
    /// that nobody knows (RFC 1047).
    pub fn content_written(&mut self, transaction: u64) {
        if let Some(running) = self.running.iter_mut().find(|running| running.number == transaction) {
            running.content = Content::Written;
            self.transcript.sent(transaction, "(message)");
        }
    }

    /// RFC 5321 4.2.5: 2yz moves responsibility. RFC 2033 4.2: in LMTP for one recipient.
    pub(super) fn on_end(&mut self, recipient: Option<usize>, reply: Reply) -> Next {
        let Some(running) = self.running.front_mut() else { return Ok(None) };
        let whole = running.content == Content::Written && !running.early;
        let more = self.pending.front().is_some_and(|next| matches!(next.expect, Expect::End(Some(_))));
        let surplus =
            running.text == Text::Bdat && self.pending.is_empty() && !may_be_farewell(self.parser.rest());
        let result = match class(&reply) {
            // One reply too many came somewhere before: this one answered a command, and the next is the word on
            // the text.
            Some(Class::Success) if surplus => {
                return Err(self.violated_at(Phase::End, Violation::Unsolicited, reply));
            }
            Some(Class::Success) if !whole => {
                return Err(self.violated_at(Phase::End, Violation::EarlySuccess, reply));
            }
            Some(Class::Success) if !running.mail_accepted => {
                running.doubt_all();
                return Err(self.violated_at(Phase::End, Violation::ForeignSender, reply));
            }
            Some(Class::Success) => RecipientResult::Accepted(reply),
            Some(_) if running.bdat_is_unknown(&reply) => return Err(self.without_bdat(reply)),
            Some(_) => RecipientResult::Refused { phase: Phase::End, reply },
            None => return Err(self.wrong_kind(Phase::End, reply)),
        };
        // A server that takes a text for nobody is not to be trusted with another mail; one that is no
        // longer reading the text of DATA while we are still sending it is not in step.
        let odd = running.accepted.is_empty() && matches!(result, RecipientResult::Accepted(_));
        self.reusable &= !odd && (whole || running.text == Text::Bdat);
        match recipient {
            Some(recipient) => running.settle(&[recipient], &result),
            None => running.settle(&running.accepted.clone(), &result),
        }
        if more { Ok(None) } else { self.finish() }
    }

    /// RFC 5321 4.3.2: the server offers CHUNKING and does not know BDAT, or something between us does not: that is no
    /// word on this mail, and what follows on the line was perhaps read as commands.
    fn without_bdat(&mut self, reply: Reply) -> Failure {
        let failure = self.violated_at(Phase::End, Violation::WrongKind(reply.code), reply);
        if let Some(running) = self.running.front_mut() {
            running.settle_all(&RecipientResult::NotAttempted(failure.clone()));
        }
        failure
    }

    /// RFC 2920 3.1: nobody was accepted, so whatever this says nothing was delivered. A server that took it
    /// after refusing everything is not to be trusted with another mail.
    pub(super) fn on_lone_dot(&mut self, reply: Reply) -> Next {
        self.reusable &= matches!(class(&reply), Some(Class::Transient | Class::Permanent));
        self.finish()
    }

    /// Ends all that is under way because the connection ended, the oldest first (RFC 1047; RFC 5321 4.2.5: without
    /// a 2yz the mail is still ours).
    pub fn abandon(&mut self, failure: &Failure) -> Vec<(u64, Outcome)> {
        self.reusable = false;
        self.pending.clear();
        let mut all = Vec::with_capacity(self.running.len());
        while let Some(mut running) = self.running.pop_front() {
            // What ended it was about the oldest; another one was at its text, or nothing of it counted yet.
            let phase = match running.content {
                _ if all.is_empty() => failure.phase,
                Content::Sending if !failure.is_farewell() => Phase::End,
                _ => Phase::Mail,
            };
            self.transcript.note(running.number, &failure.text);
            if running.content == Content::Written && !failure.is_farewell() {
                running.settle(&running.accepted.clone(), &RecipientResult::Unknown(failure.clone()));
                // Their RCPT may have been accepted, and we did not hear it.
                if running.text == Text::Bdat {
                    running.settle_all(&RecipientResult::Unknown(failure.clone()));
                }
            }
            running.settle_all(&RecipientResult::NotAttempted(Failure { phase, ..failure.clone() }));
            all.push((running.number, self.outcome(running)));
        }
        all
    }

    /// Texts sent and unanswered, so that another attempt could deliver twice.
    pub fn in_doubt(&self) -> usize {
        self.running.iter().filter(|running| running.content == Content::Written).count()
    }

    /// The next command for a server that takes one at a time (RFC 5321 4.3.1).
    fn go_on(&mut self) -> Next {
        let Some(running) = self.running.front_mut().filter(|running| !running.pipelined) else {
            return Ok(None);
        };
        let (number, command) = (running.number, running.commands.get(running.next).cloned());
        running.next += 1;
        Ok(command.map(|command| self.write(number, &[command])))
    }

    /// Nothing more to gain: done at once, or when the pipelined replies are in (RFC 2920 3.1).
    fn stop_or_drain(&mut self) -> Next {
        let running = self.running.front().map(|running| running.number);
        let more = self.pending.front().is_some_and(|next| Some(next.transaction) == running);
        if more { Ok(None) } else { self.finish() }
    }

    fn finish(&mut self) -> Next {
        let Some(running) = self.running.pop_front() else { return Ok(None) };
        self.draining |= running.accepted.is_empty() && !self.pending.is_empty();
        self.barren += usize::from(running.accepted.is_empty());
        let number = running.number;
        Ok(Some(Output::Done(number, self.outcome(running))))
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
        let number = running.number;
        let transcript = if good { self.transcript.brief(number) } else { self.transcript.whole(number) };
        self.transcript.end(number);
        Outcome { recipients, transcript: transcript.into() }
    }
}

/// Whether these octets are nothing, or could become 421: many a server says goodbye right behind its last word.
fn may_be_farewell(rest: &[u8]) -> bool {
    rest.iter().zip(b"421").all(|(octet, due)| octet == due)
}
