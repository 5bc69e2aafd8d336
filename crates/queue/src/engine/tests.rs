//! What only the engine can be asked: leases that came to their end while somebody still holds their keys.

use super::{Command, Engine};
use crate::{
    AnyStore, Attempt, AttemptRecipient, Clock, Door, JobId, Lease, LeaseAsk, Meta, NewJob, Next, Priority,
    RecipientState, Settlement, Status, Store, StoreError, StoreSettings,
};
use bytes::Bytes;
use envelope::{Address, Envelope, ReversePath};
use jiff::Timestamp;
use std::sync::Arc;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

fn job() -> NewJob {
    let address = |text: &str| Address::parse(text).unwrap();
    NewJob {
        id: JobId(uuid::Uuid::now_v7()),
        project: "default".into(),
        envelope: Envelope::new(ReversePath(Some(address("a@example.com"))), [address("b@example.org")]),
        header: Bytes::from_static(b"Subject: one\r\n\r\n"),
        body: Bytes::from_static(b"one\r\n"),
        meta: Meta::new(Door::Http),
        created_at: Timestamp::UNIX_EPOCH,
        due_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::MAX,
        priority: Priority::Normal,
        route: "default".into(),
        idempotency: None,
        eight_bit: false,
        utf8_header: false,
    }
}

fn outcome(state: RecipientState, who: &str) -> Settlement {
    let only = AttemptRecipient { index: 0, command: "RCPT".into(), reply: None, cause: None };
    Settlement {
        finals: vec![(0, state)],
        next: Next::RetryIn(std::time::Duration::MAX),
        attempt: Some(Attempt {
            at: Timestamp::UNIX_EPOCH,
            relay: "default".into(),
            peer: who.into(),
            recipients: vec![only],
            transcript: String::new(),
            remote_id: None,
        }),
        counted: true,
        in_doubt: false,
        only: None,
    }
}

async fn leased(store: &AnyStore) -> Lease {
    store.lease(LeaseAsk::new("default", 1)).await.unwrap().pop().unwrap()
}

async fn settle(engine: &Engine, key: (JobId, u64), settlement: Settlement) {
    let results = vec![(key.0, key.1, settlement)];
    engine.ask(|a| Command::Settle(results, a), || Err(StoreError::Closed)).await.unwrap();
}

/// Two hold a mail: one whose lease came back while it stood still, and one who leased it after that. Whichever
/// end the first reports, and whenever, only the second's counts.
async fn check(store: &AnyStore, begun: bool) {
    let engine = store.engine();
    let new = job();
    let id = new.id;
    store.insert(vec![new]).await.unwrap();
    let stale = leased(store).await.into_key();
    engine.commands.0.send(Command::Return(stale.0, stale.1, begun)).unwrap();

    settle(engine, stale, outcome(RecipientState::Failed, "stale")).await;
    assert_eq!(store.get(id).await.unwrap().unwrap().status, Status::Queued, "nobody has it");
    let second = leased(store).await;
    assert_eq!((second.job.id, second.job.possible_duplicate), (id, begun));
    settle(engine, stale, outcome(RecipientState::Failed, "stale")).await;
    engine.commands.0.send(Command::Return(stale.0, stale.1, begun)).unwrap();
    assert_eq!(store.get(id).await.unwrap().unwrap().status, Status::Sending, "the second has it");

    store.settle(vec![(second, outcome(RecipientState::Sent, "second"))]).await.unwrap();
    settle(engine, stale, outcome(RecipientState::Failed, "stale")).await;
    let view = store.get(id).await.unwrap().unwrap();
    let peers: Vec<_> = view.attempts.iter().map(|a| &*a.peer).collect();
    assert_eq!((view.status, &peers[..]), (Status::Sent, &["second"][..]), "one terminal record");
    assert_eq!(view.possible_duplicate, begun);
}

#[tokio::test]
async fn b1_16_the_end_of_a_lease_that_came_back_is_refused_by_its_fence() {
    let settings = || StoreSettings { space_floor: 0, ..StoreSettings::default() };
    let folder = tempfile::tempdir().unwrap();
    let disk = AnyStore::open_disk(folder.path(), settings(), Arc::new(Fixed)).unwrap().0;
    for store in [AnyStore::memory(settings(), Arc::new(Fixed)), disk] {
        for begun in [false, true] {
            check(&store, begun).await;
        }
    }
}
