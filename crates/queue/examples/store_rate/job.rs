//! A mail to measure with, and the time.

use bytes::Bytes;
use envelope::{Address, Envelope, ReversePath};
use jiff::Timestamp;
use postrider_queue::{Clock, Door, JobId, Meta, NewJob, Priority};

pub(crate) struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

pub(crate) fn job(body: &Bytes) -> NewJob {
    let now = Timestamp::now();
    let address = |text: &str| Address::parse(text).unwrap();
    NewJob {
        id: JobId(uuid::Uuid::now_v7()),
        project: "default".into(),
        envelope: Envelope::new(ReversePath(Some(address("a@example.com"))), [address("b@example.org")]),
        header: Bytes::from_static(b"From: a@example.com\r\nTo: b@example.org\r\nSubject: rate\r\n\r\n"),
        body: body.clone(),
        meta: Meta {
            message_id: "<x@example.com>".into(),
            subject: "rate".into(),
            from: "a@example.com".into(),
            to: vec!["b@example.org".into()],
            ..Meta::new(Door::Library)
        },
        created_at: now,
        due_at: now,
        expires_at: "2100-01-01T00:00:00Z".parse().unwrap(),
        priority: Priority::Normal,
        route: "default".into(),
        idempotency: None,
        eight_bit: false,
        utf8_header: false,
    }
}
