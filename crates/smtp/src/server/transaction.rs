//! One mail transaction: the envelope as it grows and the body so far (RFC 5321 3.3).

use crate::command::{MailParameters, RcptParameters};
use crate::dot::LineEnds;
use envelope::{Address, Envelope, Recipient, ReversePath};
use std::collections::HashSet;

#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) envelope: Envelope,
    pub(super) size: Option<u64>,
    pub(super) smtputf8: bool,
    pub(super) body: Vec<u8>,
    /// A BDAT was begun.
    pub(super) chunked: bool,
    pub(super) line_ends: LineEnds,
    seen: HashSet<Address>,
}

impl Transaction {
    pub(super) fn new(from: ReversePath, parameters: MailParameters) -> Self {
        let envid = parameters.envid.map(|envid| envid.as_str().into());
        Self {
            envelope: Envelope { from, to: Vec::new(), ret: parameters.ret, envid },
            size: parameters.size,
            smtputf8: parameters.smtputf8,
            body: Vec::new(),
            chunked: false,
            line_ends: LineEnds::default(),
            seen: HashSet::new(),
        }
    }

    /// A repeated address is kept once.
    pub(super) fn add(&mut self, recipient: Recipient) {
        if self.seen.insert(recipient.address.clone()) {
            self.envelope.to.push(recipient);
        }
    }
}

pub(super) fn recipient(address: Address, parameters: RcptParameters) -> Recipient {
    let orcpt = parameters.orcpt.map(|orcpt| orcpt.as_str().into());
    Recipient { address, notify: parameters.notify, orcpt }
}
