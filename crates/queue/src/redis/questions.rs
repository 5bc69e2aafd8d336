//! What people ask.

use super::form::{self, Known};
use super::reply::{self, Row};
use super::wire::named;
use super::{PATIENCE, Shared, script};
use crate::Status;
use crate::error::{ContentError, StoreError};
use crate::job::JobId;
use crate::matching::{Brief, needs_no_text};
use crate::standing::view;
use crate::view::{Content, Filter, JobView, NodeStats, Page, Stats};
use jiff::SignedDuration;
use redis::Value;
use std::sync::atomic::Ordering;

/// Jobs one page holds at most.
const PAGE: usize = 1000;
/// Jobs looked at by one script.
const TOGETHER: usize = 256;

/// What `stats.lua` tells.
pub(super) struct Counts {
    by_status: Vec<u64>,
    unsettled: u64,
    oldest: Option<JobId>,
    octets: u64,
    /// `r` or `o`, and a name: what jobs that are not done go to.
    pub(super) routes: Vec<String>,
    nodes: Vec<NodeStats>,
}

/// What `look.lua` found.
struct Seen {
    jobs: Vec<Known>,
    /// With those that are gone.
    rows: usize,
    last: Option<JobId>,
}

impl Counts {
    pub(super) fn of(&self, status: Status) -> u64 {
        let place = Status::ALL.iter().position(|s| *s == status);
        place.and_then(|place| self.by_status.get(place)).copied().unwrap_or_default()
    }
}

impl Shared {
    /// Some jobs that stand there now; those that are gone are not among them.
    pub(super) async fn known_of(&self, ids: &[JobId]) -> Result<Vec<Known>, StoreError> {
        let mut cmd = self.wire.call(&script::LOOK);
        cmd.arg("");
        for id in ids {
            cmd.arg(named(*id));
        }
        let answer = self.wire.run(&script::LOOK, &cmd, PATIENCE).await?;
        self.read(answer).map(|seen| seen.jobs)
    }

    pub(super) async fn known(&self, id: JobId) -> Result<Option<Known>, StoreError> {
        Ok(self.known_of(&[id]).await?.pop())
    }

    /// Jobs of a set, newest first, that are older than one and newer than another; and where to go on.
    pub(super) async fn page(
        &self,
        set: &str,
        after: Option<JobId>,
        before: Option<JobId>,
        most: usize,
    ) -> Result<(Vec<Known>, Option<JobId>), StoreError> {
        let mut cmd = self.wire.call(&script::LOOK);
        let bound = |id: Option<JobId>, end: &str| id.map_or_else(|| end.to_owned(), |id| format!("({id}"));
        cmd.arg(set).arg(bound(after, "+")).arg(bound(before, "-")).arg(most);
        let answer = self.wire.run(&script::LOOK, &cmd, PATIENCE).await?;
        let Seen { jobs, rows, last } = self.read(answer)?;
        Ok((jobs, last.filter(|_| rows == most)))
    }

    /// The jobs of an answer.
    fn read(&self, answer: Value) -> Result<Seen, StoreError> {
        let rows = reply::list(answer)?;
        let (seen, mut last) = (rows.len(), None);
        let mut all = Vec::with_capacity(seen);
        for row in rows {
            let known = form::known(Row::of(row)?)?;
            last = Some(known.as_ref().map_or_else(|id| *id, |known| known.id));
            all.extend(known);
        }
        Ok(Seen { jobs: all, rows: seen, last })
    }

    pub(super) async fn get(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        if let Some(known) = self.known(id).await? {
            return Ok(Some(shown(known)));
        }
        let Some(filing) = &self.wire.ears.filing else { return Ok(None) };
        Ok(filing.find(id).await?.map(|(head, progress)| view(head, progress)))
    }

    pub(super) async fn list(&self, filter: Filter) -> Result<Page, StoreError> {
        let limit = filter.limit.clamp(1, PAGE);
        let set = if filter.status.is_some_and(|s| !s.is_final()) { "live" } else { "all" };
        let (mut jobs, mut after) = (Vec::new(), filter.after);
        loop {
            let many = if needs_no_text(&filter) { limit + 1 } else { TOGETHER };
            let (some, next) = self.page(set, after, filter.before, many.min(TOGETHER)).await?;
            let views = some.into_iter().map(shown);
            jobs.extend(views.filter(|view| Brief::of_view(view).matches(&filter)));
            match next {
                Some(next) if jobs.len() <= limit => after = Some(next),
                _ => break,
            }
        }
        if let Some(filing) = self.wire.ears.filing.as_ref().filter(|_| set == "all") {
            // A page full of jobs of Redis leaves room only for younger ones.
            let oldest = jobs.get(limit).map(|job| job.id);
            let before = filter.before.into_iter().chain(oldest).max();
            let found = filing.list(Filter { before, ..filter }, limit + 1).await?;
            jobs.extend(found.into_iter().map(|(head, progress)| view(head, progress)));
            jobs.sort_by_key(|job| std::cmp::Reverse(job.id));
            // Redis's word stands first, and is the newer one.
            jobs.dedup_by_key(|job| job.id);
        }
        let has_more = jobs.len() > limit;
        jobs.truncate(limit);
        Ok(Page { jobs, has_more })
    }

    pub(super) async fn content(&self, id: JobId) -> Result<Content, ContentError> {
        let mut cmd = redis::cmd("HMGET");
        cmd.arg(format!("{}j:{id}", self.wire.prefix)).arg("v").arg("x").arg("b");
        let error = |e: redis::RedisError| super::place::trouble(&self.wire.place, &e);
        let mut row = Row::of(self.wire.plain(&cmd).await.map_err(error)?)?;
        if row.value()? == Value::Nil {
            return match &self.wire.ears.filing {
                Some(filing) if filing.find(id).await?.is_some() => Err(ContentError::Gone),
                _ => Err(ContentError::NotFound),
            };
        }
        match (row.value()?, row.value()?) {
            (Value::Nil, _) => Err(ContentError::Gone),
            (header, body) => {
                Ok(Content { header: reply::octets(header)?.into(), body: reply::octets(body)?.into() })
            }
        }
    }

    pub(super) async fn counts(&self) -> Result<Counts, StoreError> {
        let cmd = self.wire.call(&script::STATS);
        let mut row = Row::of(self.wire.run(&script::STATS, &cmd, PATIENCE).await?)?;
        let mut by_status = vec![0; Status::ALL.len()];
        let mut pairs = reply::list(row.value()?)?.into_iter();
        while let (Some(place), Some(many)) = (pairs.next(), pairs.next()) {
            let place: usize = number(place)?;
            if let Some(slot) = by_status.get_mut(place) {
                *slot = number::<i64>(many)?.try_into().unwrap_or_default();
            }
        }
        let unsettled = row.number()?;
        let oldest = Some(row.text()?).filter(|id| !id.is_empty()).map(|id| reply::id(&id)).transpose()?;
        let octets = row.number()?;
        let routes = reply::list(row.value()?)?.into_iter().step_by(2);
        let routes = routes.map(|name| reply::octets(name).map(|o| String::from_utf8_lossy(&o).into_owned()));
        let routes = routes.collect::<Result<_, _>>()?;
        let nodes = reply::list(row.value()?)?.into_iter().map(|node| self.node(node));
        let nodes = nodes.collect::<Result<_, _>>()?;
        Ok(Counts { by_status, unsettled, oldest, octets, routes, nodes })
    }

    fn node(&self, value: Value) -> Result<NodeStats, StoreError> {
        let mut row = Row::of(value)?;
        let (name, left) = (row.text()?, row.number::<i64>()?);
        let leased = row.number()?;
        let life = i64::try_from(self.redis.lease.as_micros()).unwrap_or(i64::MAX);
        let silent = SignedDuration::from_micros(life.saturating_sub(left).max(0));
        Ok(NodeStats { this: name == self.wire.node, name, leased, silent, about: row.text()? })
    }

    pub(super) async fn stats(&self) -> Result<Stats, StoreError> {
        let counts = self.counts().await?;
        let oldest = match counts.oldest {
            Some(id) => self.known(id).await?.map(|known| known.head.created_at),
            None => None,
        };
        let word = |(status, many): (Status, &u64)| (status.word(), *many);
        Ok(Stats {
            by_status: Status::ALL.into_iter().zip(&counts.by_status).map(word).collect(),
            unsettled: counts.unsettled,
            oldest_unsettled: oldest,
            syncs: 0,
            accepted: self.accepted.load(Ordering::Relaxed),
            log_bytes: counts.octets,
            corrupt: self.corrupt.load(Ordering::Relaxed),
            filed: 0,
            unfiled: 0,
            nodes: counts.nodes,
        })
    }
}

fn shown(known: Known) -> JobView {
    let mut progress = known.progress;
    // A job that waits for its time says so until somebody looks; its time is over all the same.
    progress.history.sort_by_key(|attempt| attempt.at);
    view(known.head, progress)
}

fn number<N: std::str::FromStr>(value: Value) -> Result<N, StoreError> {
    let octets = reply::octets(value)?;
    std::str::from_utf8(&octets).ok().and_then(|t| t.parse().ok()).ok_or_else(|| reply::odd("a number"))
}
