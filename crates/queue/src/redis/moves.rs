//! What becomes of jobs: reckoned here, written if the job still stands as it stood.

use super::form::{self, Known};
use super::gather::{Gather, Wishes};
use super::reckon::{self, After, Moved};
use super::wire::named;
use super::{PATIENCE, STUBBORN, Shared, reply, script};
use crate::Status;
use crate::error::{ActError, StoreError};
use crate::job::JobId;
use crate::record::ControlKind;
use crate::settlement::{Attempt, Settlement};
use crate::store::{KnownRelays, Lease};
use crate::view::Action;
use jiff::Timestamp;
use redis::Cmd;
use std::sync::Arc;
use std::time::Duration;

/// What `move.lua` says of each.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Done,
    /// It does not stand as it stood any more.
    Stale,
    Gone,
}

/// A job that keeps changing under our hands is given up after so many tries.
const TRIES: usize = 16;
/// Jobs looked at together when a relay is well again.
const EASED_TOGETHER: usize = 1000;
/// Jobs moved by one script.
const TOGETHER: usize = 256;

/// A settled lease, as it is to be written.
pub(super) struct End {
    ticket: u64,
    known: Arc<Known>,
    after: After,
    attempt: Option<Attempt>,
}

pub(super) type Ends = Gather<Vec<End>, Result<(), StoreError>>;

/// Settlements in one question.
pub(super) const SETTLED_TOGETHER: usize = 512;

impl Shared {
    pub(super) async fn settle(
        self: &Arc<Self>,
        results: Vec<(Lease, Settlement)>,
    ) -> Result<(), StoreError> {
        let now = self.wire.now();
        let mut ends = Vec::with_capacity(results.len());
        for (lease, settlement) in results {
            let (id, ticket) = lease.into_key();
            let Some(known) = self.wire.leases.known(id, ticket) else {
                tracing::warn!(%id, "a settlement of a lease that ended; ignored");
                continue;
            };
            let attempt = settlement.attempt.clone();
            let after = reckon::settled(&known, settlement, now);
            ends.push(End { ticket, known, after, attempt });
        }
        if ends.is_empty() {
            return Ok(());
        }
        let many = ends.len();
        let (answer, first) = self.ends.add(ends, many);
        if first {
            let shared = self.clone();
            self.runtime.spawn(async move {
                while let Some(calls) = shared.ends.next() {
                    shared.end(calls).await;
                }
            });
        }
        answer.await.map_err(|_| StoreError::Closed)?
    }

    async fn end(&self, calls: Wishes<Vec<End>, Result<(), StoreError>>) {
        let call = self.call_name();
        let mut cmd = self.moving();
        let (mut ends, mut answers) = (Vec::new(), Vec::with_capacity(calls.len()));
        for (of_one, answer) in calls {
            ends.extend(of_one);
            answers.push(answer);
        }
        let written = self.write_ends(&mut cmd, &call, &ends).await;
        for End { known, ticket, .. } in &ends {
            if written.is_err() {
                // Its mail went out and nobody will know: it is not to go out again unmarked.
                self.give(known.id, *ticket, true).await;
            }
            self.wire.leases.ended(known.id, *ticket);
        }
        if ends.iter().any(|end| waits(&end.after)) {
            self.hurry.notify_one();
        }
        for answer in answers {
            // Who asked may have gone.
            drop(answer.send(written.clone()));
        }
    }

    async fn write_ends(&self, cmd: &mut Cmd, call: &str, ends: &[End]) -> Result<(), StoreError> {
        for End { known, after, attempt, .. } in ends {
            self.put_move(cmd, known, call, after, attempt.as_ref(), true)?;
        }
        let said = said(self.wire.run(&script::MOVE, cmd, STUBBORN).await?)?;
        for (End { known, .. }, said) in ends.iter().zip(said) {
            let (id, fence) = (known.id, known.version);
            match said {
                Said::Done => {}
                Said::Stale => tracing::warn!(%id, fence, "a settlement of a lease that ended; ignored"),
                Said::Gone => tracing::error!(%id, "the job was deleted from Redis by somebody else"),
            }
        }
        Ok(())
    }

    fn moving(&self) -> Cmd {
        let mut cmd = self.wire.call(&script::MOVE);
        cmd.arg(self.history_count());
        cmd
    }

    /// Done jobs that Redis remembers.
    pub(super) fn history_count(&self) -> usize {
        self.redis.history_count.min(self.settings.history_count)
    }

    fn put_move(
        &self,
        cmd: &mut Cmd,
        known: &Known,
        call: &str,
        after: &After,
        attempt: Option<&Attempt>,
        leased: bool,
    ) -> Result<(), StoreError> {
        cmd.arg(named(known.id)).arg(known.version).arg(call);
        let Some(Moved { state, due_at, expires_at, progress, only, trouble }) = after else {
            cmd.arg("").arg("").arg("").arg("").arg("").arg("").arg("").arg("").arg("").arg("");
            cmd.arg(u8::from(leased)).arg(1).arg(0);
            return Ok(());
        };
        let settled = progress.settled_at;
        let keep = self.settings.keeps(progress.status);
        let rest = settled.filter(|_| keep > Duration::ZERO).map(|at| crate::engine::later(at, keep));
        let micros = |at: Option<Timestamp>| at.map(|at| at.as_microsecond().to_string()).unwrap_or_default();
        cmd.arg(*state)
            .arg(form::status_number(progress.status))
            .arg(due_at.as_microsecond())
            .arg(expires_at.as_microsecond())
            .arg(u8::from(progress.doubt))
            .arg(only.as_deref().unwrap_or_default())
            .arg(form::progress(progress)?)
            .arg(attempt.map(form::attempt).transpose()?.unwrap_or_default())
            .arg(micros(settled))
            .arg(micros(rest))
            .arg(u8::from(leased))
            .arg(0)
            .arg(u8::from(*trouble));
        Ok(())
    }

    /// Writes what was reckoned of jobs that nobody has leased.
    async fn write(&self, moves: &[(Known, After)]) -> Result<Vec<Said>, StoreError> {
        let call = self.call_name();
        let mut cmd = self.moving();
        for (known, after) in moves {
            self.put_move(&mut cmd, known, &call, after, None, false)?;
        }
        said(self.wire.run(&script::MOVE, &cmd, PATIENCE).await?)
    }

    pub(super) async fn act(&self, id: JobId, action: &Action) -> Result<Status, ActError> {
        let action = match action {
            Action::Reschedule(at) => Action::Reschedule(form::time(self.wire.micros(*at))),
            other => other.clone(),
        };
        for _ in 0..TRIES {
            let Some(known) = self.known(id).await? else { return self.act_on_history(id, &action).await };
            if let Some(why) = &known.unread {
                return Err(StoreError::Format(format!("{id}: {why}")).into());
            }
            let before = known.progress.status;
            let after = reckon::acted(&known, &action, self.wire.now());
            let after = after.ok_or_else(|| ActError::TooLate(crate::engine::too_late(before, &action)))?;
            let status = after.as_ref().map_or(before, |moved| moved.progress.status);
            let waits = waits(&after);
            let purge = after.is_none();
            match self.write(&[(known, after)]).await?.first() {
                Some(Said::Done) => {
                    if waits {
                        self.hurry.notify_one();
                    }
                    if before.is_final() {
                        self.unfile(id).await?;
                    }
                    return Ok(status);
                }
                // Perhaps by an earlier try of this call.
                Some(Said::Gone) if purge => {
                    self.unfile(id).await?;
                    return Ok(status);
                }
                Some(Said::Gone) => return Err(ActError::NotFound),
                _ => {}
            }
        }
        Err(StoreError::Io(format!("{id} keeps changing; try again")).into())
    }

    /// A job of history can be purged, and nothing else.
    async fn act_on_history(&self, id: JobId, action: &Action) -> Result<Status, ActError> {
        let filing = self.wire.ears.filing.as_ref().ok_or(ActError::NotFound)?;
        let (_, progress) = filing.find(id).await?.ok_or(ActError::NotFound)?;
        if *action != Action::Purge {
            return Err(ActError::TooLate(crate::engine::too_late(progress.status, action)));
        }
        self.unfile(id).await?;
        Ok(progress.status)
    }

    /// Ends the lives of jobs.
    pub(super) async fn expire(&self, ids: &[JobId]) -> Result<(), StoreError> {
        let now = self.wire.now();
        for some in ids.chunks(TOGETHER) {
            let past = self.known_of(some).await?.into_iter().filter(|known| known.head.expires_at <= now);
            let (read, unread): (Vec<_>, Vec<_>) = past.partition(|known| known.unread.is_none());
            for known in unread {
                self.set_aside(known.id, known.version, &known.unread.unwrap_or_default()).await;
            }
            let moves: Vec<_> = read
                .into_iter()
                .map(|known| {
                    let after = reckon::controlled(&known, ControlKind::Expire, now);
                    (known, after)
                })
                .collect();
            if !moves.is_empty() {
                // One that was changed meanwhile is looked at again with the next sweep.
                self.write(&moves).await?;
            }
        }
        Ok(())
    }

    /// A job that cannot be read is put where people see it.
    pub(super) async fn set_aside(&self, id: JobId, fence: u64, why: &str) {
        let mut cmd = self.wire.call(&script::ASIDE);
        cmd.arg(named(id)).arg(fence).arg(why);
        if let Err(error) = self.wire.run(&script::ASIDE, &cmd, PATIENCE).await.map_err(StoreError::from) {
            tracing::error!(%id, %error, "it could not be held either");
        }
    }

    pub(super) async fn ease(&self, relay: &str, route: &str) -> Result<u64, StoreError> {
        let mut eased = 0;
        loop {
            let mut cmd = self.wire.call(&script::HURRY);
            cmd.arg(relay).arg(route).arg(EASED_TOGETHER);
            let mut row = reply::Row::of(self.wire.run(&script::HURRY, &cmd, PATIENCE).await?)?;
            let some: u64 = row.number()?;
            eased += some;
            // What may not go there stands before the rest: with nothing found it is not looked at twice.
            if row.text()? == "1" || some == 0 {
                return Ok(eased);
            }
        }
    }

    pub(super) async fn know(&self, known: &KnownRelays) -> Result<(), StoreError> {
        let counts = self.counts().await?;
        let route = |name: &str| known.routes.iter().any(|r| **r == *name);
        let relay = |name: &str| known.relays.iter().any(|r| **r == *name);
        let strange = counts.routes.iter().any(|name| match name.split_at_checked(1) {
            Some(("r", name)) => !route(name),
            Some((_, name)) => !relay(name),
            None => false,
        });
        if !strange && counts.of(Status::Held) == 0 {
            return Ok(());
        }
        let mut after = None;
        loop {
            let (jobs, next) = self.page("live", after, None, TOGETHER).await?;
            let now = self.wire.now();
            let moves = jobs.into_iter().filter(|job| job.unread.is_none()).filter_map(|job| {
                let after = placed(&job, now, &route, &relay)?;
                Some((job, after))
            });
            let moves: Vec<_> = moves.collect();
            if !moves.is_empty() {
                self.write(&moves).await?;
            }
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        Ok(())
    }
}

/// Whether there is a time to wake at.
fn waits(after: &After) -> bool {
    after.as_ref().is_some_and(|moved| moved.state == "w")
}

/// What the settings' routes and relays mean for a job; `None`: nothing.
fn placed(
    job: &Known,
    now: Timestamp,
    route: &impl Fn(&str) -> bool,
    relay: &impl Fn(&str) -> bool,
) -> Option<After> {
    let there = route(&job.head.route);
    let why = crate::engine::vanished(&job.head.route);
    let waits = matches!(job.progress.status, Status::Scheduled | Status::Queued | Status::Deferred);
    if job.progress.status == Status::Held && there && job.progress.held_because.as_deref() == Some(&why) {
        return Some(reckon::controlled(job, ControlKind::Release, now));
    }
    if waits && !there {
        tracing::warn!(id = %job.id, "{why}");
        return Some(reckon::controlled(job, ControlKind::Hold(why), now));
    }
    let lost = job.only.as_ref().is_some_and(|only| !relay(only));
    (lost && job.progress.status != Status::Sending).then(|| reckon::unpinned(job))
}

fn said(answer: redis::Value) -> Result<Vec<Said>, StoreError> {
    let one = |value| match reply::octets(value)?.as_slice() {
        b"done" => Ok(Said::Done),
        b"stale" => Ok(Said::Stale),
        b"gone" => Ok(Said::Gone),
        _ => Err(reply::odd("what became of a job")),
    };
    reply::list(answer)?.into_iter().map(one).collect()
}
