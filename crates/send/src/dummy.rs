//! The way out that logs: every mail, whole, at INFO. Can be told to refuse and to fail.

mod script;

pub use script::DummyScript;

use crate::inbox::accepted;
use crate::{BoxStream, Mail, MailOutcome, RecipientOutcome, Sender, Trouble};
use envelope::{Address, Reply};
use futures_util::StreamExt;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// What to do with one mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Accept,
    /// The end of data is answered so, for all recipients.
    Refuse(Reply),
    /// The relay is in trouble before the mail.
    Trouble(Trouble),
    /// The mail was given and no answer came.
    Lost(Trouble),
    /// No outcome ever.
    Hang,
}

/// Logs and accepts, or follows a script. `Mail From: <from> To: [to] Body: <full raw message>` at
/// INFO is what the reference's dummy means; do not use it where bodies may not be logged.
#[derive(Debug, Default)]
pub struct DummySender {
    script: Mutex<VecDeque<Step>>,
    repeat: bool,
    calls: Mutex<Vec<Mail>>,
    recording: bool,
}

impl DummySender {
    pub fn new() -> Self {
        Self::default()
    }

    /// Follows these steps, one a mail, then accepts; keeps every mail for [`calls`](Self::calls).
    pub fn script(steps: Vec<Step>) -> Self {
        Self { script: Mutex::new(steps.into()), recording: true, ..Self::default() }
    }

    /// Follows a script and keeps nothing.
    pub fn follow(script: DummyScript) -> Self {
        Self { script: Mutex::new(script.steps.into()), repeat: script.repeat, ..Self::default() }
    }

    /// The mails seen so far; none without a script.
    pub fn calls(&self) -> Vec<Mail> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn step(&self, mail: &Mail) -> Step {
        tracing::info!("{}", line(mail));
        if self.recording {
            self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(mail.clone());
        }
        let mut steps = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        let next = steps.pop_front();
        if self.repeat {
            steps.extend(next.clone());
        }
        next.unwrap_or(Step::Accept)
    }

    async fn answer(&self, mail: Mail) -> MailOutcome {
        let outcome = match self.step(&mail) {
            Step::Accept => return accepted(&mail, "dummy"),
            Step::Refuse(reply) => RecipientOutcome::Refused { phase: crate::Phase::End, reply },
            Step::Trouble(trouble) => RecipientOutcome::NotAttempted(trouble),
            Step::Lost(trouble) => RecipientOutcome::Unknown(trouble),
            Step::Hang => std::future::pending().await,
        };
        MailOutcome::all(mail.ticket, mail.to.len(), outcome, "dummy")
    }
}

impl Sender for DummySender {
    fn send_batch<'a>(&'a self, mails: BoxStream<'a, Mail>) -> BoxStream<'a, MailOutcome> {
        mails.then(|mail| self.answer(mail)).boxed()
    }
}

fn line(mail: &Mail) -> String {
    let to: Vec<&str> = mail.to.iter().map(|to| Address::as_str(&to.address)).collect();
    let (header, body) = (String::from_utf8_lossy(&mail.header), String::from_utf8_lossy(&mail.body));
    format!("Mail From: {} To: [{}] Body: {header}{body}", mail.from.as_str(), to.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_the_reference_s() {
        let address = |text: &str| Address::parse(text).unwrap();
        let mail = Mail {
            ticket: 1,
            from: address("a@example.com").into(),
            to: vec![address("b@example.com").into(), address("c@example.com").into()],
            ret: None,
            envid: None,
            header: "Subject: x\r\n\r\n".into(),
            body: "hello\r\n".into(),
            eight_bit: false,
            utf8_header: false,
            urgent: false,
        };
        let want =
            "Mail From: a@example.com To: [b@example.com c@example.com] Body: Subject: x\r\n\r\nhello\r\n";
        assert_eq!(line(&mail), want);
    }
}
