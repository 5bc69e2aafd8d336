//! A disk whose k-th call fails: nothing accepted is lost, nothing refused is stored.

use super::files::{Disk, Files, Out};
use crate::{
    AnyStore, Clock, Door, JobId, LeaseAsk, Meta, NewJob, Next, Priority, RecipientState, Settlement, Status,
    Store, StoreSettings,
};
use bytes::Bytes;
use envelope::{Address, Envelope, ReversePath};
use jiff::Timestamp;
use std::collections::HashSet;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

/// Which calls fail: from the first to before the second, counted over all files.
#[derive(Default)]
struct Plan {
    calls: AtomicU64,
    from: AtomicU64,
    until: AtomicU64,
    /// What the system says then; 0: EIO.
    code: AtomicI32,
}

impl Plan {
    fn fail(&self, from: u64, until: u64) {
        self.from.store(from, Ordering::SeqCst);
        self.until.store(until, Ordering::SeqCst);
    }

    fn call(&self) -> io::Result<()> {
        let n = self.calls.fetch_add(1, Ordering::SeqCst);
        let fails = (self.from.load(Ordering::SeqCst)..self.until.load(Ordering::SeqCst)).contains(&n);
        let code = match self.code.load(Ordering::SeqCst) {
            0 => 5,
            code => code,
        };
        if fails { Err(io::Error::from_raw_os_error(code)) } else { Ok(()) }
    }
}

struct Faulty(Arc<Plan>);

struct FaultyOut(Box<dyn Out>, Arc<Plan>);

impl Files for Faulty {
    fn create(&mut self, folder: &Path, path: &Path) -> io::Result<Box<dyn Out>> {
        self.0.call()?;
        Ok(Box::new(FaultyOut(Disk.create(folder, path)?, self.0.clone())))
    }
}

impl Out for FaultyOut {
    fn write_all_vectored(&mut self, parts: &mut [IoSlice<'_>]) -> io::Result<()> {
        if let Err(error) = self.1.call() {
            // Half of it reaches the disk, as with a disk that fills up.
            let half = parts.len() / 2;
            self.0.write_all_vectored(&mut parts[..half])?;
            return Err(error);
        }
        self.0.write_all_vectored(parts)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.1.call()?;
        self.0.sync()
    }

    fn cut(&mut self, octets: u64) -> io::Result<()> {
        self.0.cut(octets)
    }
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

fn settings() -> StoreSettings {
    StoreSettings { segment_octets: 6_000, space_floor: 0, ..StoreSettings::default() }
}

fn job(n: usize) -> NewJob {
    let address = |text: &str| Address::parse(text).unwrap();
    NewJob {
        id: JobId(uuid::Uuid::now_v7()),
        project: "default".into(),
        envelope: Envelope::new(ReversePath(None), [address("b@example.org")]),
        header: Bytes::from(format!("Subject: {n}\r\n\r\n")),
        body: Bytes::from(format!("{n}\r\n").repeat(60)),
        meta: Meta { subject: n.to_string(), ..Meta::new(Door::Library) },
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

fn sent() -> Settlement {
    Settlement {
        finals: vec![(0, RecipientState::Sent)],
        next: Next::RetryIn(Duration::MAX),
        attempt: None,
        counted: true,
        in_doubt: false,
        only: None,
    }
}

/// What a run of calls came to.
#[derive(Default)]
struct Ledger {
    accepted: Vec<(JobId, Bytes)>,
    refused: Vec<JobId>,
    settled: HashSet<JobId>,
}

/// Sixty inserts; after two of three of them a waiting job is leased and sent at once.
async fn work(store: &AnyStore) -> Ledger {
    let mut ledger = Ledger::default();
    for n in 0..60 {
        let new = job(n);
        let (id, body) = (new.id, new.body.clone());
        match store.insert(vec![new]).await {
            Ok(_) => ledger.accepted.push((id, body)),
            Err(_) => ledger.refused.push(id),
        }
        let counts = store.stats().await.unwrap().by_status;
        if n % 3 != 0 && counts.iter().any(|(s, n)| *s == "queued" && *n > 0) {
            let ask = LeaseAsk::new("default", 1);
            for lease in store.lease(ask).await.unwrap_or_default() {
                ledger.settled.insert(lease.job.id);
                store.settle(vec![(lease, sent())]).await.unwrap();
            }
        }
    }
    ledger
}

async fn check(from: u64, many: u64) {
    let (plan, folder) = (Arc::new(Plan::default()), tempfile::tempdir().unwrap());
    plan.fail(from, from + many);
    let files = Box::new(Faulty(plan.clone()));
    let (store, _) = AnyStore::open_disk_with(folder.path(), settings(), Arc::new(Fixed), files).unwrap();
    let ledger = work(&store).await;
    plan.fail(0, 0);
    let last = job(1000);
    let last_id = last.id;
    store.insert(vec![last]).await.unwrap();
    assert_eq!(store.refusing(), None);
    store.close().await.unwrap();

    let (store, report) = AnyStore::open_disk(folder.path(), settings(), Arc::new(Fixed)).unwrap();
    assert_eq!((report.corrupt, report.possible_duplicates), (0, 0), "{from}+{many}");
    for (id, body) in ledger.accepted {
        let view = store.get(id).await.unwrap().unwrap_or_else(|| panic!("{from}+{many}: {id} is lost"));
        if ledger.settled.contains(&id) {
            assert_eq!(view.status, Status::Sent, "{from}+{many}");
        } else {
            assert_eq!(view.status, Status::Queued, "{from}+{many}");
            assert_eq!(store.content(id).await.unwrap().body, body, "{from}+{many}");
        }
    }
    for id in ledger.refused {
        assert!(store.get(id).await.unwrap().is_none(), "{from}+{many}: {id} was refused and is there");
    }
    assert!(store.get(last_id).await.unwrap().is_some());
}

#[tokio::test]
async fn b1_7_a_call_that_fails_once_costs_its_callers_only() {
    for from in 0..150 {
        check(from, 1).await;
    }
}

#[tokio::test]
async fn b1_7_a_disk_that_fails_for_a_while_is_used_again_after_it() {
    for from in (0..150).step_by(7) {
        check(from, 12).await;
    }
}

#[tokio::test]
async fn regress_a_disk_that_fills_while_a_segment_is_freed_loses_nothing() {
    for from in (60..160).step_by(5) {
        check(from, 40).await;
    }
}

#[tokio::test]
async fn a_lease_that_is_not_on_record_is_not_handed_out() {
    let (plan, folder) = (Arc::new(Plan::default()), tempfile::tempdir().unwrap());
    let files = Box::new(Faulty(plan.clone()));
    let (store, _) = AnyStore::open_disk_with(folder.path(), settings(), Arc::new(Fixed), files).unwrap();
    store.insert(vec![job(1)]).await.unwrap();
    plan.fail(0, u64::MAX);
    let ask = || LeaseAsk::new("default", 1);
    assert!(store.lease(ask()).await.is_err());
    plan.fail(0, 0);
    let leased = tokio::time::timeout(Duration::from_secs(5), store.lease(ask())).await;
    assert_eq!(leased.unwrap().unwrap().len(), 1);
}

#[tokio::test]
async fn b1_9_no_inodes_no_quota_and_a_disk_made_read_only_are_as_a_full_one() {
    for (code, word) in [(28, "No space"), (122, "quota"), (30, "Read-only")] {
        let (plan, folder) = (Arc::new(Plan::default()), tempfile::tempdir().unwrap());
        let files = Box::new(Faulty(plan.clone()));
        let (store, _) = AnyStore::open_disk_with(folder.path(), settings(), Arc::new(Fixed), files).unwrap();
        store.insert(vec![job(1)]).await.unwrap();
        plan.code.store(code, Ordering::SeqCst);
        plan.fail(0, u64::MAX);
        let refused = store.insert(vec![job(2)]).await;
        assert!(refused.unwrap_err().to_string().contains(word), "{code}");
        let why = store.refusing();
        assert!(why.as_ref().is_some_and(|why| why.contains(word)), "what /readyz says: {why:?}");
        plan.fail(0, 0);
        store.insert(vec![job(3)]).await.unwrap();
        assert_eq!(store.refusing(), None);
        assert_eq!(store.stats().await.unwrap().unsettled, 2);
        store.close().await.unwrap();
        let (_, report) = AnyStore::open_disk(folder.path(), settings(), Arc::new(Fixed)).unwrap();
        assert_eq!((report.unsettled, report.corrupt), (2, 0));
    }
}
