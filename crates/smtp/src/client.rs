//! The client's state machine: bytes in, what to do next out.
//!
//! A driver owns socket, TLS and deadlines. It gives what it reads to [`Client::receive`], asks
//! [`Client::poll`] until that says [`Output::Wait`], and obeys. Each reply is matched to the oldest
//! entry of a queue of expected replies, each tagged with its transaction, so that one write may hold
//! many commands (RFC 2920) and a reply nobody waits for is seen as what it is.
//!
//! Several transactions may be under way at once, the oldest first. What each awaits:
//!
//! ```text
//! by DATA   RSET MAIL RCPT… DATA │ 354 ─▶ text and lone dot │ End       the next begins after the text
//! by BDAT   RSET MAIL RCPT… BDAT n LAST and the text        │ End       the next begins at once
//! ```
//! Invariants: every transaction but a connection's first begins with RSET in the same write, so that
//! no server takes it under the sender of the one before; RCPT and End count only if this
//! transaction's own MAIL was accepted; nothing follows DATA until its reply is there (RFC 2920 3.1);
//! after a transaction without accepted recipient nothing begins until all replies are in.

mod outcome;
mod session;
mod sign_in;
mod transaction;
mod transcript;

pub use outcome::{Failure, FailureKind, Outcome, Phase, RecipientResult};
pub use transaction::{Begun, Text, Transaction};

use crate::command::HelloName;
use crate::sasl::{Channel, Credentials, Mechanism, Proven, Secret};
use crate::{Capabilities, Command, ReplyParser, Violation};
use envelope::Reply;
use sign_in::SignIn;
use std::collections::VecDeque;
use transaction::Running;
use transcript::Transcript;

/// How the line is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Clear text.
    Plain,
    /// TLS by STARTTLS (RFC 3207); when not `required`, clear text if the server does not offer it
    /// and we have no credentials to protect.
    StartTls { required: bool },
    /// TLS from the first octet (RFC 8314 3); the driver makes it before it reads.
    Implicit,
}

/// What the client needs to know before the greeting.
#[derive(Debug, Clone)]
pub struct Config {
    /// Speak LMTP (RFC 2033): LHLO, and one reply per recipient at the end.
    pub lmtp: bool,
    pub hello: HelloName,
    pub security: Security,
    /// Loopback or unix socket: nobody can listen, so secrets may go in clear.
    pub private: bool,
    pub credentials: Option<Credentials>,
    /// The only mechanism to use.
    pub pin: Option<Mechanism>,
    /// What some mechanisms must know of the connection; the binding comes with [`Client::bind`].
    pub channel: Channel,
    /// What worked on an earlier connection: [`Client::proven`].
    pub proven: Option<Proven>,
    /// One command at a time, whatever the server offers.
    pub sequential: bool,
}

/// What the driver is to do.
#[derive(Debug)]
pub enum Output {
    /// Read more; nothing to do until then.
    Wait,
    /// Write these octets and flush.
    Write(Secret),
    /// Make TLS, then call [`Client::tls_done`].
    StartTls,
    /// The session stands: transactions may begin.
    Ready,
    /// Write this transaction's header and body dot-stuffed and the end of data, then call
    /// [`Client::content_written`]. Read meanwhile: the server may refuse in the middle.
    Content(u64),
    /// The transaction is over.
    Done(u64, Outcome),
    /// QUIT was answered.
    Closed,
}

/// The reply that is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Auth,
    Rset,
    Mail,
    Rcpt(usize),
    Data,
    /// To the end of data; in LMTP to this recipient's.
    End(Option<usize>),
    /// To a dot alone, sent because 354 came though no recipient was accepted (RFC 2920 3.1).
    LoneDot,
    Quit,
}

impl Expect {
    fn phase(self) -> Phase {
        match self {
            Self::Greeting => Phase::Greeting,
            Self::Ehlo | Self::Helo => Phase::Hello,
            Self::StartTls => Phase::Tls,
            Self::Auth => Phase::Auth,
            Self::Rset => Phase::Reset,
            Self::Mail => Phase::Mail,
            Self::Rcpt(_) => Phase::Rcpt,
            Self::Data => Phase::Data,
            Self::End(_) | Self::LoneDot => Phase::End,
            Self::Quit => Phase::Quit,
        }
    }
}

/// A reply to come and the transaction it belongs to; 0 is the session itself.
#[derive(Debug, Clone, Copy)]
struct Pending {
    expect: Expect,
    transaction: u64,
}

/// One connection's client.
#[derive(Debug)]
pub struct Client {
    config: Config,
    parser: ReplyParser,
    pending: VecDeque<Pending>,
    caps: Capabilities,
    secured: bool,
    starttls_refused: bool,
    sign_in: Option<SignIn>,
    proven: Option<Proven>,
    /// Under way, the oldest first.
    running: VecDeque<Running>,
    /// A transaction found no recipient: nothing begins until all replies are in.
    draining: bool,
    /// Transactions begun on the wire.
    transactions: u64,
    /// Transactions that found no recipient; see [`crate::limits::BARREN`].
    barren: usize,
    answered: u64,
    reusable: bool,
    transcript: Transcript,
}

impl Client {
    /// A client that awaits the greeting (RFC 5321 3.1).
    pub fn new(config: Config) -> Self {
        let secured = config.security == Security::Implicit;
        Self {
            parser: ReplyParser::default(),
            pending: VecDeque::from([Pending { expect: Expect::Greeting, transaction: 0 }]),
            caps: Capabilities::default(),
            secured,
            starttls_refused: false,
            sign_in: None,
            proven: None,
            running: VecDeque::new(),
            draining: false,
            transactions: 0,
            barren: 0,
            answered: 0,
            reusable: true,
            transcript: Transcript::new(secured),
            config,
        }
    }

    /// Takes octets read from the peer. Call [`poll`](Self::poll) until it waits before the next call.
    pub fn receive(&mut self, octets: &[u8]) {
        self.running.iter_mut().for_each(Running::note_octets);
        self.parser.push(octets);
    }

    /// What to do next. An error ends the connection: hand it to [`abandon`](Self::abandon).
    pub fn poll(&mut self) -> Result<Output, Failure> {
        loop {
            match self.parser.next_reply() {
                Err(violation) => return Err(self.violated(violation, None)),
                Ok(None) => return Ok(Output::Wait),
                Ok(Some(reply)) => {
                    if let Some(output) = self.on_reply(reply)? {
                        return Ok(output);
                    }
                }
            }
        }
    }

    /// The oldest unanswered step, which the driver's deadline is about; `None` when idle.
    pub fn awaiting(&self) -> Option<Phase> {
        self.pending.front().map(|pending| pending.expect.phase())
    }

    /// Replies read so far: when it grows, the driver's deadline begins anew.
    pub fn answered(&self) -> u64 {
        self.answered
    }

    /// Transactions begun on this connection.
    pub fn transactions(&self) -> u64 {
        self.transactions
    }

    /// Whether the connection is idle and another transaction may begin on it.
    pub fn reusable(&self) -> bool {
        self.reusable && self.pending.is_empty() && self.running.is_empty() && self.parser.is_empty()
    }

    /// Whether so many transactions found no recipient that the next belongs on another connection.
    pub fn is_barren(&self) -> bool {
        self.barren >= crate::limits::BARREN
    }

    /// Whether another transaction may begin although some are under way.
    pub fn may_overlap(&self) -> bool {
        let asked = |running: &Running| running.awaits_go_ahead();
        let few = self.barren + self.running.len() < crate::limits::BARREN;
        self.reusable && few && !self.draining && self.caps.pipelining && !self.running.iter().any(asked)
    }

    /// Transactions under way.
    pub fn under_way(&self) -> usize {
        self.running.len()
    }

    /// What the server offers, as of the last EHLO.
    pub fn capabilities(&self) -> &Capabilities {
        &self.caps
    }

    /// What the TLS connection gives to bind a sign-in to; call it before [`tls_done`](Self::tls_done), or before
    /// the first poll where TLS comes first.
    pub fn bind(&mut self, exporter: Option<Secret>) {
        self.config.channel.binding = exporter;
    }

    /// Whether the line is encrypted.
    pub fn is_secured(&self) -> bool {
        self.secured
    }

    /// Whether the end of the connection has come, whatever is still under way: nothing may begin on it.
    pub fn is_spent(&self) -> bool {
        !self.reusable
    }

    /// Says QUIT (RFC 5321 4.1.1.10). What comes back changes no outcome.
    pub fn quit(&mut self) -> Output {
        self.write(0, &[(Command::Quit, Expect::Quit)])
    }

    /// Adds a line of the driver's own to the transcript (connect, TLS, octets sent).
    pub fn note(&mut self, text: &str) {
        self.transcript.note(0, text);
    }

    /// The dialogue so far, for an error before any transaction.
    pub fn transcript(&self) -> String {
        self.transcript.whole(0)
    }

    fn on_reply(&mut self, reply: Reply) -> Result<Option<Output>, Failure> {
        self.answered += 1;
        let Some(Pending { expect, transaction }) = self.pending.pop_front() else {
            self.transcript.received(0, &reply);
            return Err(self.violated(Violation::Unsolicited, Some(reply)));
        };
        self.draining &= !self.pending.is_empty();
        self.transcript.received(transaction, &reply);
        // What these say is read, not kept.
        let reply = if matches!(expect, Expect::Ehlo | Expect::Auth) { reply } else { outcome::kept(reply) };
        if reply.code == 421 && expect != Expect::Quit {
            return Err(self.on_farewell(expect, reply));
        }
        // Replies come in order, and a transaction ends with its last one: it is the oldest.
        debug_assert!(transaction == 0 || self.running.front().is_some_and(|r| r.number == transaction));
        match expect {
            Expect::Greeting => self.on_greeting(reply),
            Expect::Ehlo => self.on_ehlo(reply),
            Expect::Helo => self.on_helo(reply),
            Expect::StartTls => self.on_starttls(reply),
            Expect::Auth => self.on_auth(reply),
            Expect::Rset => self.on_rset(reply),
            Expect::Mail => self.on_mail(reply),
            Expect::Rcpt(recipient) => self.on_rcpt(recipient, reply),
            Expect::Data => self.on_data(reply),
            Expect::End(recipient) => self.on_end(recipient, reply),
            Expect::LoneDot => self.on_lone_dot(reply),
            Expect::Quit => Ok(Some(Output::Closed)),
        }
    }

    /// RFC 5321 3.8: the server goes, whatever we asked. In LMTP it may have delivered to those behind the one it
    /// answers so, once it has answered for others (RFC 2033 4.2).
    fn on_farewell(&mut self, expect: Expect, reply: Reply) -> Failure {
        self.reusable = false;
        let text = "the server closes the connection";
        let failure = Failure::new(FailureKind::Busy, expect.phase(), Some(reply), text);
        if let (Expect::End(Some(recipient)), Some(running)) = (expect, self.running.front_mut()) {
            running.cut_off_at(recipient, &failure);
        }
        failure
    }

    /// Queues what is expected for each command and gives the bytes.
    fn write(&mut self, transaction: u64, commands: &[(Command, Expect)]) -> Output {
        Output::Write(Secret::from(self.lines(transaction, commands)))
    }

    fn lines(&mut self, transaction: u64, commands: &[(Command, Expect)]) -> Vec<u8> {
        let mut octets = Vec::with_capacity(commands.len() * 48);
        for (command, expect) in commands {
            self.expect(transaction, *expect);
            self.transcript.sent_command(transaction, command);
            command.write(&mut octets);
        }
        octets
    }

    fn expect(&mut self, transaction: u64, expect: Expect) {
        self.pending.push_back(Pending { expect, transaction });
    }

    fn violated(&mut self, violation: Violation, reply: Option<Reply>) -> Failure {
        self.reusable = false;
        let phase = self.awaiting().or(self.running.front().map(|_| Phase::End)).unwrap_or(Phase::Mail);
        Failure::new(
            FailureKind::Misbehaved,
            phase,
            reply,
            format!("the server broke the protocol: {violation}"),
        )
    }

    fn violated_at(&mut self, phase: Phase, violation: Violation, reply: Reply) -> Failure {
        Failure { phase, ..self.violated(violation, Some(reply)) }
    }

    fn wrong_kind(&mut self, phase: Phase, reply: Reply) -> Failure {
        self.reusable = false;
        let text = format!("the server broke the protocol: {}", Violation::WrongKind(reply.code));
        Failure::new(FailureKind::Misbehaved, phase, Some(reply), text)
    }
}
