//! What the tests share: a mailer over a dummy that keeps what it was given.

use postrider::dummy::Step;
use postrider::{DummySender, Mailer, MailerBuilder, Message, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// Long enough on a busy machine; never waited for in full by a test that passes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn recorder() -> Arc<DummySender> {
    Arc::new(DummySender::script(Vec::new()))
}

pub(crate) fn scripted(steps: Vec<Step>) -> Arc<DummySender> {
    Arc::new(DummySender::script(steps))
}

pub(crate) fn builder(sender: &Arc<DummySender>) -> MailerBuilder {
    Mailer::builder().clock(Timestamp::now).from("Shop <shop@example.com>").sender(sender.clone())
}

pub(crate) fn message(subject: &str) -> Message {
    Message::new().to("ada@example.org").subject(subject).text("Hello\n")
}

/// The subjects that were handed over, in order.
pub(crate) fn subjects(sender: &DummySender) -> Vec<String> {
    let calls = sender.calls();
    let subject = |header: &[u8]| {
        let header = String::from_utf8_lossy(header).into_owned();
        header.lines().find_map(|line| line.strip_prefix("Subject: ").map(ToOwned::to_owned))
    };
    calls.iter().filter_map(|mail| subject(&mail.header)).collect()
}
