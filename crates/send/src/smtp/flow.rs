//! Mails under way on a connection: begun one behind the other, written in gathered writes, read
//! meanwhile, each with its deadline.

use super::connection::{Connection, hear};
use super::limits::{IN_DOUBT, MINIMUM_RATE};
use super::outbox::{self, Outbox};
use super::parts::Places;
use super::tls;
use super::trust::Caution;
use crate::Mail;
use smtp::client::{Begun, Failure, FailureKind, Outcome, Output, Text, Transaction};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::AsyncWrite;
use tokio::time::{Instant, timeout_at};

/// A mail and whether a connection has died under it before.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) mail: Mail,
    pub(super) retried: bool,
    /// Of a part of a mail: the places of its recipients in the whole.
    pub(super) places: Option<Places>,
}

impl Job {
    pub(super) fn new(mail: Mail) -> Self {
        Self { mail, retried: false, places: None }
    }
}

/// A mail and what came of it.
pub(super) type Served = (Job, Outcome);

/// What flows on one connection.
#[derive(Debug)]
pub(super) struct Flow {
    outbox: Outbox,
    under_way: VecDeque<(u64, Job)>,
    /// Written and not flushed.
    unflushed: bool,
    /// Read, and nothing written since that would carry the acknowledgement.
    heard: bool,
    /// When octets were last written or a whole reply was read, or a mail began on the idle connection.
    moved: Instant,
    /// When the outbox must be empty.
    due: Instant,
    /// Nothing was heard since the connection was idle: it may be dead.
    pub(super) unproven: bool,
    /// Why nothing more goes over this connection.
    cut: Option<Failure>,
}

impl Flow {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            outbox: Outbox::default(),
            under_way: VecDeque::new(),
            unflushed: false,
            heard: false,
            moved: now,
            due: now,
            unproven: false,
            cut: None,
        }
    }
}

enum Moved {
    Read,
    Written,
}

impl Connection {
    pub(super) fn under_way(&self) -> usize {
        self.flow.under_way.len()
    }

    /// Whether any mail may begin behind those under way.
    pub(super) fn may_overlap(&self) -> bool {
        let alone = self.flow.under_way.iter().any(|(_, job)| job.mail.urgent);
        self.relay.trust.caution() == Caution::None
            && !alone
            && self.client.may_overlap()
            && self.may_go_on()
            && self.under_way() <= self.window()
    }

    fn window(&self) -> usize {
        self.relay.trust.window(self.relay.settings.max_in_doubt)
    }

    /// Whether this mail may begin behind those under way. Texts in doubt are bounded in number and
    /// octets; the commands of a mail by DATA may always follow, as its text waits for their answers.
    pub(super) fn has_room(&self, mail: &Mail) -> bool {
        if !self.may_overlap() || mail.urgent {
            return false;
        }
        match self.text(mail) {
            Text::Data => self.flow.under_way.len() <= 1,
            Text::Bdat => {
                let octets: u64 = self.flow.under_way.iter().map(|(_, job)| outbox::octets(&job.mail)).sum();
                self.under_way() < self.window() && octets + outbox::octets(mail) <= IN_DOUBT
            }
        }
    }

    /// By BDAT, unless the mail is large or the line may be dead: then nothing is sent unasked.
    fn text(&self, mail: &Mail) -> Text {
        let small = outbox::octets(mail) <= IN_DOUBT;
        let sure = !self.flow.unproven && self.relay.trust.caution() == Caution::None;
        let offered = self.client.capabilities().chunking && !self.relay.settings.lmtp;
        // Where one text may be in doubt, the next mail's commands may still go: by DATA its text waits.
        let behind = self.under_way() > 0 && self.window() == 1;
        if small && sure && offered && !behind { Text::Bdat } else { Text::Data }
    }

    /// Begins a mail; what was to be said waits in the outbox. `Some`: this server can take it for nobody.
    pub(super) fn begin(&mut self, job: Job) -> Result<Option<Served>, Box<(Job, Failure)>> {
        if self.flow.under_way.is_empty() {
            (self.flow.moved, self.flow.unproven) = (Instant::now(), self.client.transactions() > 0);
        }
        let mail = &job.mail;
        let transaction = Transaction {
            from: mail.from.clone(),
            to: mail.to.clone(),
            ret: mail.ret,
            envid: mail.envid.clone(),
            size: outbox::octets(mail),
            eight_bit: mail.eight_bit,
            utf8_header: mail.utf8_header,
        };
        let (transaction, octets, text) = match self.client.begin(&transaction, self.text(mail)) {
            Ok(Begun::Lines { transaction, octets, text }) => (transaction, octets, text),
            Ok(Begun::Refused(outcome)) => return Ok(Some((job, outcome))),
            Err(failure) => return Err(Box::new((job, failure))),
        };
        let now = Instant::now();
        self.more_to_write(now, octets.len() as u64);
        self.flow.outbox.lines(transaction, octets);
        if text == Text::Bdat {
            self.more_to_write(now, outbox::octets(mail));
            self.flow.outbox.whole(transaction, mail);
        }
        self.flow.under_way.push_back((transaction, job));
        Ok(None)
    }

    fn more_to_write(&mut self, now: Instant, octets: u64) {
        if self.flow.outbox.is_empty() {
            self.flow.due = now + self.relay.settings.deadlines.block;
        }
        self.flow.due += Duration::from_secs(octets / MINIMUM_RATE);
    }

    /// Moves octets until a mail is done or, `None`, the next may begin. May be dropped and called again.
    pub(super) async fn advance(&mut self) -> Result<Option<Served>, Failure> {
        if let Some(failure) = self.flow.cut.clone() {
            return Err(failure);
        }
        loop {
            if let Some(event) = self.hear_core()? {
                return Ok(event);
            }
            let deadline = self.flow_deadline();
            match timeout_at(deadline, self.move_octets()).await {
                Ok(Ok(Moved::Written)) => self.flow.moved = Instant::now(),
                Ok(Ok(Moved::Read)) => {}
                Ok(Err(error)) => return self.end_of_line(&error).await,
                Err(_) if self.flow.outbox.is_empty() => {
                    return Err(self.failure(FailureKind::Timeout, "no reply in time"));
                }
                Err(_) => {
                    return Err(self.failure(FailureKind::Timeout, "the peer takes our octets too slowly"));
                }
            }
        }
    }

    fn hear_core(&mut self) -> Result<Option<Option<Served>>, Failure> {
        let answered = self.client.answered();
        let output = self.client.poll()?;
        if self.client.answered() != answered {
            (self.flow.unproven, self.flow.moved) = (false, Instant::now());
        }
        match output {
            Output::Wait => Ok(None),
            Output::Write(octets) => {
                // The next command for a server that takes one at a time, or a dot alone.
                let front = self.flow.under_way.front().map_or(0, |(number, _)| *number);
                self.more_to_write(Instant::now(), octets.expose().len() as u64);
                self.flow.outbox.lines(front, octets.expose().to_vec());
                Ok(None)
            }
            Output::Content(number) => {
                self.in_step(number)?;
                if let Some((_, job)) = self.flow.under_way.iter().find(|(n, _)| *n == number) {
                    let octets = job.mail.size();
                    self.flow.outbox.stuffed(number, &job.mail);
                    self.flow.due = self.flow.due.max(Instant::now() + self.relay.settings.deadlines.block)
                        + Duration::from_secs(octets / MINIMUM_RATE);
                }
                Ok(Some(None))
            }
            Output::Done(number, outcome) => {
                self.in_step(number)?;
                self.stop_in_the_middle(number);
                self.last_used = Instant::now();
                self.relay.trust.answered();
                let at = self.flow.under_way.iter().position(|(n, _)| *n == number);
                let Some((_, job)) = at.and_then(|at| self.flow.under_way.remove(at)) else {
                    return Ok(None);
                };
                Ok(Some(Some((job, outcome))))
            }
            Output::StartTls | Output::Ready | Output::Closed => {
                Err(self.failure(FailureKind::Misbehaved, "the server answers what was not asked"))
            }
        }
    }

    /// Answers to lines that are not out yet come from a peer that does not listen.
    fn in_step(&self, transaction: u64) -> Result<(), Failure> {
        if self.flow.outbox.holds_lines_of(transaction) {
            let text = "the server answers commands before they are sent";
            return Err(self.failure(FailureKind::Misbehaved, text));
        }
        Ok(())
    }

    /// A mail is over and its text is not out. The rest of a chunk is counted (RFC 3030 2); the rest of a text behind
    /// 354 would be commands to a server that reads on after its refusal, so it is not sent.
    fn stop_in_the_middle(&mut self, transaction: u64) {
        if self.client.is_spent() && self.flow.outbox.holds_text_of(transaction) {
            self.flow.outbox = Outbox::default();
            let text = "the relay refused a mail in the middle of its text, so the line is closed";
            self.flow.cut = Some(Failure::new(FailureKind::Lost, smtp::client::Phase::Mail, None, text));
        }
    }

    /// One read, or as many writes as the system takes now.
    async fn move_octets(&mut self) -> io::Result<Moved> {
        let Self { stream, client, flow, .. } = self;
        let Some(stream) = stream else { return Err(io::ErrorKind::NotConnected.into()) };
        poll_fn(|cx| {
            if let Poll::Ready(heard) = hear(stream, client, cx) {
                flow.heard = true;
                return Poll::Ready(heard.map(|()| Moved::Read));
            }
            let mut moved = false;
            while !flow.outbox.is_empty() {
                match Pin::new(&mut *stream).poll_write_vectored(cx, &flow.outbox.front()) {
                    Poll::Pending => break,
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Ready(Ok(taken)) => {
                        // Taken is as good as sent: from here on the peer may have the whole message.
                        flow.outbox.advance(taken, |number| client.content_written(number));
                        (moved, flow.unflushed) = (true, true);
                    }
                }
            }
            if flow.unflushed {
                match Pin::new(&mut *stream).poll_flush(cx) {
                    Poll::Ready(Ok(())) => flow.unflushed = false,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => {}
                }
            }
            let heard = std::mem::take(&mut flow.heard);
            if moved {
                return Poll::Ready(Ok(Moved::Written));
            }
            if heard && !flow.under_way.is_empty() {
                stream.acknowledge();
            }
            Poll::Pending
        })
        .await
    }

    /// The line broke; replies may have come before.
    async fn end_of_line(&mut self, error: &io::Error) -> Result<Option<Served>, Failure> {
        let limit = Instant::now() + self.relay.settings.deadlines.quit;
        let mut eof = error.kind() == io::ErrorKind::UnexpectedEof;
        loop {
            if let Some(event) = self.hear_core()? {
                return Ok(event);
            }
            let Some(stream) = self.stream.as_mut().filter(|_| !eof) else { break };
            let client = &mut self.client;
            let heard = timeout_at(limit, poll_fn(|cx| hear(stream, client, cx))).await;
            eof = !matches!(heard, Ok(Ok(())));
        }
        let cause = match error.kind() {
            io::ErrorKind::UnexpectedEof => "the connection broke: the peer closed the connection".to_owned(),
            _ => tls::broke(error),
        };
        Err(self.failure(FailureKind::Lost, &cause))
    }

    /// For the reply that is awaited since octets last moved, and for those to be written.
    fn flow_deadline(&self) -> Instant {
        let reply = self.flow.moved + self.deadline();
        if self.flow.outbox.is_empty() {
            return reply;
        }
        let block = self.flow.moved + self.relay.settings.deadlines.block;
        reply.min(block).min(self.flow.due)
    }

    /// Ends all mails under way because the connection ended, the oldest first.
    pub(super) fn abandon(&mut self, failure: &Failure) -> Vec<(Job, Outcome)> {
        let mut outcomes = self.client.abandon(failure);
        let jobs = std::mem::take(&mut self.flow.under_way);
        let of = |(number, job): (u64, Job)| {
            let at = outcomes.iter().position(|(n, _)| *n == number)?;
            Some((job, outcomes.swap_remove(at).1))
        };
        jobs.into_iter().filter_map(of).collect()
    }
}
