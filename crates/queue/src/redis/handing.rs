//! Mail on its way out: leases, and how they come back.

use super::form::{self, Known};
use super::reply::{self, Row};
use super::wire::Again;
use super::{STUBBORN, Shared, script};
use crate::engine::{Guard, Home};
use crate::error::StoreError;
use crate::job::JobId;
use crate::record::Head;
use crate::store::{Job, Lease, LeaseAsk};
use crate::{RecipientState, Status};
use bytes::Bytes;
use redis::Value;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Octets of messages after which a batch ends: a lessee has them in memory.
const LEASED_TOGETHER: usize = 4 << 20;
/// Between two tries while Redis cannot be asked.
const AGAIN: Duration = Duration::from_millis(200);

pub(super) async fn lease(shared: &Arc<Shared>, ask: LeaseAsk) -> Result<Vec<Lease>, StoreError> {
    let lessee = shared.wire.ears.lessee(&ask);
    loop {
        let taken = match shared.begin().await {
            Ok(()) => Whole::new(take(shared.clone(), ask.clone())).await,
            Err(error) => Err(error),
        };
        if taken.as_ref().is_ok_and(Vec::is_empty) {
            lessee.notified().await;
            continue;
        }
        let full = |leases: &Vec<Lease>| {
            let octets: usize = leases.iter().map(|l| l.job.header.len() + l.job.body.len()).sum();
            leases.len() >= ask.limit || octets >= LEASED_TOGETHER
        };
        if taken.as_ref().map_or(true, full) {
            // There may be more, or the same error, for the next who waits.
            lessee.notify_one();
        }
        return taken;
    }
}

type Giving = Pin<Box<dyn Future<Output = ()> + Send>>;
type Taking = Pin<Box<dyn Future<Output = Result<Vec<Lease>, StoreError>> + Send>>;

/// A call that is carried through even if its caller goes away: what it leased comes back by its guards.
struct Whole(Option<Taking>);

impl Whole {
    fn new(call: impl Future<Output = Result<Vec<Lease>, StoreError>> + Send + 'static) -> Self {
        Self(Some(Box::pin(call)))
    }
}

impl Future for Whole {
    type Output = Result<Vec<Lease>, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(call) = self.0.as_mut() else { return Poll::Ready(Err(StoreError::Closed)) };
        let done = call.as_mut().poll(context);
        if done.is_ready() {
            self.0 = None;
        }
        done
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if let Some(call) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(call);
        }
    }
}

async fn take(shared: Arc<Shared>, ask: LeaseAsk) -> Result<Vec<Lease>, StoreError> {
    let mut cmd = shared.wire.call(&script::LEASE);
    cmd.arg(ask.route.as_deref().unwrap_or_default())
        .arg(&*ask.relay)
        .arg(u8::from(ask.urgent))
        .arg(ask.limit.max(1))
        .arg(LEASED_TOGETHER);
    loop {
        let leasing = shared.wire.leases.leasing().await;
        let epoch = shared.wire.leases.epoch();
        // A node whose own leases would not count takes none.
        if shared.wire.leases.alive(shared.wire.steady()) {
            match shared.wire.once_leasing(&script::LEASE, &cmd).await {
                Ok(answer @ Value::Array(_)) => return shared.hand(answer, epoch),
                // Redis does not believe that we live, the connection was given up meanwhile, or nothing was found yet.
                Ok(_) => {}
                Err(Again::Never(failed)) => return Err(failed.into()),
                Err(Again::Later(error)) => {
                    tracing::debug!(%error, "no leases from Redis now");
                }
            }
        }
        drop(leasing);
        shared.open()?;
        shared.wire.heal().await;
        tokio::time::sleep(AGAIN).await;
    }
}

impl Shared {
    fn hand(self: &Arc<Self>, answer: Value, epoch: u64) -> Result<Vec<Lease>, StoreError> {
        let mut leases = Vec::new();
        for row in reply::list(answer)? {
            let mut row = Row::of(row)?;
            let (id, fence) = (row.id()?, row.number::<u64>()?);
            match leased(id, fence, &mut row) {
                Ok((known, header, body)) => {
                    let job = job(&known, header, body);
                    let ticket = self.wire.leases.add(known);
                    leases.push(Lease::new(job, Guard::new(id, ticket, self.clone())));
                }
                Err(error) => self.unreadable(id, fence, &error),
            }
        }
        if epoch != self.wire.leases.epoch() {
            // Taken for dead while it was asked: back by their guards, if they are ours at all.
            leases.clear();
        }
        Ok(leases)
    }

    /// A job that this node cannot read is held, for a newer node or for a person; it is never dropped.
    fn unreadable(self: &Arc<Self>, id: JobId, fence: u64, error: &StoreError) {
        tracing::error!(%id, "a job in Redis cannot be read: {error}");
        self.corrupt.fetch_add(1, Ordering::Relaxed);
        let (shared, why) = (self.clone(), format!("this node cannot read it: {error}"));
        self.runtime.spawn(async move { shared.set_aside(id, fence, &why).await });
    }
}

/// A row of `lease.lua`.
fn leased(id: JobId, fence: u64, row: &mut Row) -> Result<(Known, Bytes, Bytes), StoreError> {
    let (head, progress) = (row.octets()?, row.octets()?);
    let (due, ends) = (row.number::<i64>()?, row.number::<i64>()?);
    let doubt = row.text()? == "1";
    let (header, body) = (row.bytes()?, row.bytes()?);
    let only = row.text()?;
    let head = Head { due_at: form::time(due), expires_at: form::time(ends), ..form::read_head(&head)? };
    let beside = form::Beside { status: Status::Sending, doubt, with_bytes: true };
    let progress = form::read_progress(&progress, &head, &beside)?;
    let only = (!only.is_empty()).then(|| only.as_str().into());
    Ok((Known { id, version: fence, head, progress, only, unread: None }, header, body))
}

fn job(known: &Known, header: Bytes, body: Bytes) -> Job {
    let Known { head, progress, .. } = known;
    let open = (0..).zip(&progress.recipients);
    Job {
        id: known.id,
        project: head.project.clone(),
        envelope: head.envelope.clone(),
        open: open.filter(|(_, r)| **r == RecipientState::Open).map(|(n, _)| n).collect(),
        header,
        body,
        meta: Arc::new(head.meta.clone()),
        created_at: head.created_at,
        expires_at: head.expires_at,
        priority: head.priority,
        attempts: progress.attempts,
        possible_duplicate: progress.doubt,
        route: head.route.clone(),
        pinned: known.only.is_some(),
        eight_bit: head.eight_bit,
        utf8_header: head.utf8_header,
    }
}

impl Home for Shared {
    fn give_back(&self, id: JobId, ticket: u64, begun: bool) {
        let Some(shared) = self.me.upgrade() else { return };
        let mut giving: Giving = Box::pin(async move { shared.give(id, ticket, begun).await });
        let _within = self.runtime.enter();
        // It is on its way before anything that is asked for after it.
        if giving.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            self.runtime.spawn(giving);
        }
    }

    fn holds(&self, id: JobId, ticket: u64) -> bool {
        self.wire.leases.hold(id, ticket, self.wire.steady())
    }
}

impl Shared {
    pub(super) async fn give(&self, id: JobId, ticket: u64, begun: bool) {
        let Some(known) = self.wire.leases.known(id, ticket) else { return };
        let mut cmd = self.wire.call(&script::GIVE);
        cmd.arg(id.to_string()).arg(known.version).arg(u8::from(begun));
        if let Err(error) = self.wire.run(&script::GIVE, &cmd, STUBBORN).await.map_err(StoreError::from) {
            tracing::warn!(%id, %error, "a lease could not be given back; it ends with this node's");
        }
        self.wire.leases.ended(id, ticket);
    }
}
