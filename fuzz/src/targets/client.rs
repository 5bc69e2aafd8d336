//! The client against a server that says anything: it comes to an end, every recipient has a result,
//! none is told delivered whose text was not written whole or by words that speak of the connection, and
//! what is kept of the server's words is bounded.

use smtp::client::{
    Begun, Client, Config, Failure, FailureKind, Outcome, Output, Phase, RecipientResult, Security, Text,
    Transaction,
};
use smtp::command::HelloName;
use smtp::sasl::Channel;
use std::collections::BTreeSet;

pub(super) const WORDS: &[&str] = &[
    "220 mx\r\n",
    "221 bye\r\n",
    "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n",
    "250-mx\r\n250-PIPELINING\r\n250 SMTPUTF8\r\n",
    "250 ok\r\n",
    "250 ok\r\n250 ok\r\n250 ok\r\n",
    "354 go\r\n",
    "421 going\r\n",
    "450 later\r\n",
    "503 no\r\n",
    "550 no\r\n",
    "250-mx\r\n250 AUTH PLAIN\r\n",
    "334 \r\n",
];

/// Recipients of each mail.
const RECIPIENTS: usize = 2;

struct Driver {
    client: Client,
    /// Transactions whose text is out.
    written: BTreeSet<u64>,
    begun: u64,
    ended: u64,
}

/// The first octet chooses the setting, the second how the rest is split; the rest is the server's.
pub(super) fn run(octets: &[u8]) {
    let [setting, step, said @ ..] = octets else { return };
    let config = Config {
        lmtp: setting & 1 != 0,
        hello: HelloName::localhost(),
        security: Security::Plain,
        private: true,
        credentials: None,
        pin: None,
        channel: Channel::default(),
        proven: None,
        sequential: setting & 2 != 0,
    };
    let text = if setting & 4 == 0 { Text::Data } else { Text::Bdat };
    let mut driver = Driver { client: Client::new(config), written: BTreeSet::new(), begun: 0, ended: 0 };
    for chunk in said.chunks(usize::from(*step).max(1)) {
        driver.client.receive(chunk);
        if !driver.obey(text) {
            return;
        }
    }
    driver.end(&Failure::new(FailureKind::Lost, Phase::End, None, "the end of the input"));
}

impl Driver {
    /// Does all that is asked; `false`: the connection is over.
    fn obey(&mut self, text: Text) -> bool {
        loop {
            match self.client.poll() {
                Ok(Output::Wait) => return true,
                Ok(Output::Ready) => {
                    if !self.begin(text) {
                        return false;
                    }
                }
                Ok(Output::Write(_)) => {}
                Ok(Output::Content(number)) => {
                    self.write(number);
                    if self.client.may_overlap() && !self.begin(text) {
                        return false;
                    }
                }
                Ok(Output::Done(number, outcome)) => {
                    self.check(number, &outcome);
                    let idle = self.client.under_way() == 0 && self.client.reusable();
                    if (idle || self.client.may_overlap()) && self.client.under_way() < 3 && !self.begin(text)
                    {
                        return false;
                    }
                }
                Ok(Output::StartTls | Output::Closed) => return false,
                Err(failure) => {
                    self.end(&failure);
                    return false;
                }
            }
        }
    }

    fn begin(&mut self, text: Text) -> bool {
        if self.begun > 50 {
            return true;
        }
        let address = |text: &str| text.parse::<envelope::Address>().ok();
        let transaction = Transaction {
            from: envelope::ReversePath(address("a@example.com")),
            to: ["b@example.org", "c@example.org"].into_iter().filter_map(address).map(Into::into).collect(),
            ret: None,
            envid: None,
            size: 10,
            eight_bit: false,
            utf8_header: false,
        };
        match self.client.begin(&transaction, text) {
            Ok(Begun::Lines { transaction, text, .. }) => {
                self.begun += 1;
                if text == Text::Bdat {
                    self.write(transaction);
                }
                true
            }
            Ok(Begun::Refused(outcome)) => {
                assert_eq!(outcome.recipients.len(), RECIPIENTS);
                true
            }
            Err(failure) => {
                self.end(&failure);
                false
            }
        }
    }

    fn write(&mut self, number: u64) {
        self.client.content_written(number);
        assert!(self.written.insert(number), "asked for a text twice");
    }

    fn check(&mut self, number: u64, outcome: &Outcome) {
        self.ended += 1;
        assert_eq!(number, self.ended, "in order, each once");
        assert_eq!(outcome.recipients.len(), RECIPIENTS);
        assert!(outcome.transcript.len() <= smtp::limits::TRANSCRIPT);
        let whole = self.written.contains(&number);
        for result in &outcome.recipients {
            match result {
                RecipientResult::Accepted(reply) => {
                    assert!(whole && reply.is_positive() && !matches!(reply.code, 220 | 221));
                    bounded(reply);
                }
                RecipientResult::Unknown(failure) => {
                    assert!(whole);
                    failure.reply.iter().for_each(bounded);
                }
                RecipientResult::Refused { reply, .. } => {
                    assert!(!reply.is_positive());
                    bounded(reply);
                }
                RecipientResult::NotAttempted(failure) => failure.reply.iter().for_each(bounded),
                RecipientResult::Undeliverable { .. } => {}
            }
        }
        if outcome.recipients.iter().all(|result| matches!(result, RecipientResult::Accepted(_))) {
            assert!(outcome.transcript.len() <= smtp::limits::TRANSCRIPT_SUCCESS);
        }
    }

    fn end(&mut self, failure: &Failure) {
        for (number, outcome) in self.client.abandon(failure) {
            self.check(number, &outcome);
        }
        assert_eq!(self.ended, self.begun, "each mail has an outcome");
    }
}

/// A mark of three octets says that there was more.
fn bounded(reply: &envelope::Reply) {
    let octets: usize = reply.lines.iter().map(|line| line.len()).sum();
    assert!(octets <= smtp::limits::REPLY_KEPT + 3);
}
