//! What a transaction says, and whether this server can take it at all.

use super::{Content, Running, Transaction};
use crate::client::{Client, Expect, Failure, Outcome, RecipientResult};
use crate::command::{Body, MailParameters, Orcpt, Path, RcptParameters, Xtext};
use crate::{Capabilities, Command, Violation, limits};
use envelope::{Class, EnhancedStatus, Recipient};

/// How the text travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// After 354, dot-stuffed (RFC 5321 4.1.1.4).
    Data,
    /// Behind BDAT in the same write, as it is (RFC 3030 2): one round trip, and none to wait for
    /// before the next mail.
    Bdat,
}

/// How a transaction began.
#[derive(Debug)]
pub enum Begun {
    /// Nothing was said: this server can take it for nobody.
    Refused(Outcome),
    /// Write these lines, and with [`Text::Bdat`] the text at once, then call
    /// [`Client::content_written`].
    Lines { transaction: u64, octets: Vec<u8>, text: Text },
}

impl Client {
    /// RFC 5321 3.3, RFC 2920 3.1, RFC 3030 2: begins a transaction on an idle session, or behind others when [`Client::may_overlap`]. With
    /// PIPELINING all commands go in one write; any but the first begins with RSET, because some
    /// servers would otherwise accept it under the sender of the one before. BDAT is used when
    /// `wanted` and offered.
    pub fn begin(&mut self, transaction: &Transaction, wanted: Text) -> Result<Begun, Failure> {
        let idle = self.pending.is_empty() && self.running.is_empty();
        if !idle && !self.may_overlap() || idle && !self.parser.is_empty() {
            return Err(self.violated(Violation::Unsolicited, None));
        }
        let results: Vec<_> = match refuse_whole(transaction, &self.caps) {
            Some(refusal) => vec![Some(refusal); transaction.to.len()],
            None => transaction.to.iter().map(|to| refuse_recipient(to, &self.caps)).collect(),
        };
        let pipelined = self.caps.pipelining;
        let bdat = wanted == Text::Bdat && pipelined && self.caps.chunking && !self.config.lmtp;
        let text = if bdat { Text::Bdat } else { Text::Data };
        let nobody = results.iter().all(Option::is_some);
        let mut running = Running {
            number: if nobody { 0 } else { self.transactions + 1 },
            commands: Vec::new(),
            next: 1,
            pipelined,
            text,
            results,
            accepted: Vec::new(),
            mail_accepted: false,
            content: if bdat { Content::Sending } else { Content::NotAsked },
            early: false,
        };
        if nobody {
            return Ok(Begun::Refused(self.outcome(running)));
        }
        let mut commands = commands(transaction, &running.results, &self.caps, text);
        if self.transactions > 0 {
            commands.insert(0, (Command::Rset, Expect::Rset));
        }
        self.transactions += 1;
        let number = running.number;
        self.transcript.begin(number);
        let octets = if pipelined {
            self.lines(number, &commands)
        } else {
            let first: Vec<_> = commands.first().cloned().into_iter().collect();
            running.commands = commands;
            self.lines(number, &first)
        };
        self.running.push_back(running);
        Ok(Begun::Lines { transaction: number, octets, text })
    }
}

fn commands(
    transaction: &Transaction,
    results: &[Option<RecipientResult>],
    caps: &Capabilities,
    text: Text,
) -> Vec<(Command, Expect)> {
    let Some(from) = Path::new(&transaction.from) else { return Vec::new() };
    let open = || transaction.to.iter().zip(results).enumerate().filter(|(_, (_, result))| result.is_none());
    let utf8 = transaction.utf8_header
        || !transaction.from.as_str().is_ascii()
        || open().any(|(_, (to, _))| to.address.needs_smtputf8());
    let parameters = MailParameters {
        size: caps.size.map(|_| transaction.size),
        body: (transaction.eight_bit && caps.eight_bit_mime).then_some(Body::EightBitMime),
        smtputf8: utf8 && caps.smtputf8,
        ret: transaction.ret.filter(|_| caps.dsn),
        envid: transaction
            .envid
            .as_deref()
            .filter(|_| caps.dsn)
            .and_then(|id| Xtext::parse(id, limits::ENVID)),
        auth: None,
    };
    let mut all = vec![(Command::Mail { from, parameters }, Expect::Mail)];
    for (n, (to, _)) in open() {
        let Some(path) = Path::forward(&to.address) else { continue };
        let mut parameters = RcptParameters::default();
        if caps.dsn {
            parameters.notify = to.notify;
            parameters.orcpt = to.orcpt.as_deref().and_then(Orcpt::parse);
        }
        all.push((Command::Rcpt { to: path, parameters }, Expect::Rcpt(n)));
    }
    all.push(match text {
        Text::Data => (Command::Data, Expect::Data),
        Text::Bdat => (Command::Bdat { octets: transaction.size, last: true }, Expect::End(None)),
    });
    all
}

/// What this server can take for nobody: RFC 1870 6.1, RFC 6152 3, RFC 6531 3.5.
fn refuse_whole(transaction: &Transaction, caps: &Capabilities) -> Option<RecipientResult> {
    if Path::new(&transaction.from).is_none() {
        return Some(undeliverable(1, 7, "the sender's address holds control characters"));
    }
    if caps.max_size().is_some_and(|bound| transaction.size > bound) {
        return Some(undeliverable(3, 4, "the message is larger than the server's SIZE"));
    }
    if (transaction.utf8_header || !transaction.from.as_str().is_ascii()) && !caps.smtputf8 {
        return Some(undeliverable(6, 7, "the message needs SMTPUTF8 and the server does not offer it"));
    }
    if transaction.eight_bit && !caps.eight_bit_mime {
        return Some(undeliverable(6, 3, "the message needs 8BITMIME and the server does not offer it"));
    }
    None
}

fn refuse_recipient(to: &Recipient, caps: &Capabilities) -> Option<RecipientResult> {
    if Path::forward(&to.address).is_none() {
        return Some(undeliverable(1, 3, "the address holds control characters"));
    }
    if to.address.needs_smtputf8() && !caps.smtputf8 {
        return Some(undeliverable(6, 7, "the address needs SMTPUTF8 and the server does not offer it"));
    }
    None
}

fn undeliverable(subject: u16, detail: u16, text: &str) -> RecipientResult {
    let status = EnhancedStatus { class: Class::Permanent, subject, detail };
    RecipientResult::Undeliverable { status, text: text.into() }
}
