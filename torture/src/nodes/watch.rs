//! What Redis says of the nodes' leases, asked past the nodes: who has what, and how long it takes until what a
//! silent node had is somebody else's.

use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use testkit::{RedisConnection, Reply};

/// Redis believes a node for the lease, and every node looks for silent ones each fifth of it.
pub(crate) const LEASE: Duration = Duration::from_secs(15);
pub(crate) const SWEEP: Duration = Duration::from_secs(3);
/// What the harness itself may take to see it, and a busy machine to do it.
const SLACK: Duration = Duration::from_secs(3);

/// Until a silent node's leases had ended, and until all its mail was leased elsewhere or done.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Recoveries {
    pub(crate) count: u64,
    pub(crate) leases: u64,
    /// The longest, where Redis was well all the time.
    pub(crate) ended: Duration,
    /// The longest of all.
    pub(crate) at_last: Duration,
    pub(crate) elsewhere: Duration,
    /// Leases that ended later than lease and sweep allow.
    pub(crate) late: u64,
}

impl Recoveries {
    pub(crate) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.leases += other.leases;
        self.ended = self.ended.max(other.ended);
        self.at_last = self.at_last.max(other.at_last);
        self.elsewhere = self.elsewhere.max(other.elsewhere);
        self.late += other.late;
    }
}

/// A node that fell silent.
struct Silent {
    node: String,
    since: Instant,
    /// Redis may have heard of it up to then: what it said while Redis stood still is heard when Redis goes on.
    heard: Instant,
    /// Redis was away meanwhile.
    is_disturbed: bool,
    ids: Vec<String>,
    is_over: bool,
}

pub(crate) struct Watch {
    port: u16,
    connection: Option<RedisConnection>,
    prefix: String,
    silent: Vec<Silent>,
    /// Since when Redis has been well: nothing can be given to anybody while it is not.
    well: Instant,
    pub(crate) recoveries: Recoveries,
    /// Names of nodes whose leases ended too late, and when that was seen.
    pub(crate) late: Vec<(String, Instant)>,
}

impl Watch {
    pub(crate) fn new(port: u16) -> Self {
        Self {
            port,
            connection: None,
            prefix: String::new(),
            silent: Vec::new(),
            well: Instant::now(),
            recoveries: Recoveries::default(),
            late: Vec::new(),
        }
    }

    /// Over the connection that is there, and over a new one when Redis was killed since.
    fn ask(&mut self, words: &[&str]) -> Result<Reply> {
        let answer = self.connection.as_mut().map(|connection| connection.command(words));
        if let Some(Ok(answer)) = answer {
            return Ok(answer);
        }
        let connection = self.connection.insert(RedisConnection::open(self.port)?);
        Ok(connection.command(words)?)
    }

    fn key(&mut self, rest: &str) -> Result<String> {
        if self.prefix.is_empty() {
            let keys = self.ask(&["KEYS", "postrider:*:nodes"])?.texts();
            let key = keys.first().context("no queue in Redis")?;
            self.prefix = key.trim_end_matches("nodes").to_owned();
        }
        Ok(format!("{}{rest}", self.prefix))
    }

    /// The names of the nodes that Redis knows.
    pub(crate) fn nodes(&mut self) -> Result<Vec<String>> {
        let key = self.key("nodes")?;
        Ok(self.ask(&["ZRANGE", &key, "0", "-1"])?.texts())
    }

    /// Ids of what these nodes have leased.
    pub(crate) fn leases(&mut self, nodes: &[String]) -> Result<BTreeSet<String>> {
        let mut all = BTreeSet::new();
        for node in nodes {
            let key = self.key(&format!("n:{node}"))?;
            all.extend(self.ask(&["HKEYS", &key])?.texts());
        }
        Ok(all)
    }

    /// The node has been silent since then, and Redis is well now; what the node has is to be somebody else's.
    pub(crate) fn fell_silent(&mut self, node: &str, since: Instant, ids: &BTreeSet<String>) {
        let ids: Vec<String> = ids.iter().cloned().collect();
        if ids.is_empty() {
            return;
        }
        self.silent.push(Silent {
            node: node.to_owned(),
            since,
            heard: Instant::now(),
            is_disturbed: self.well > since,
            ids,
            is_over: false,
        });
    }

    /// It speaks again: what it still has it may keep.
    pub(crate) fn speaks(&mut self, node: &str) {
        self.silent.retain(|silent| silent.node != node);
    }

    /// Looks at the silent; `redis`: whether it is well.
    pub(crate) fn look(&mut self, redis: bool) -> Result<()> {
        if !redis {
            self.well = Instant::now();
            self.silent.iter_mut().for_each(|silent| silent.is_disturbed = true);
            return Ok(());
        }
        let mut silent = std::mem::take(&mut self.silent);
        let looked: Result<()> = silent.iter_mut().try_for_each(|one| self.look_at(one));
        silent.retain(|one| !one.is_over || !one.ids.is_empty());
        self.silent = silent;
        looked
    }

    fn look_at(&mut self, silent: &mut Silent) -> Result<()> {
        let since = silent.since.elapsed();
        if !silent.is_over {
            let left = self.leases(std::slice::from_ref(&silent.node))?;
            silent.is_over = left.is_empty();
            let late = silent.heard.elapsed() > LEASE + SWEEP + SLACK && self.well.elapsed() > SWEEP + SLACK;
            if silent.is_over || late {
                self.recoveries.count += 1;
                self.recoveries.leases += silent.ids.len() as u64;
                self.recoveries.late += u64::from(late);
                self.recoveries.at_last = self.recoveries.at_last.max(since);
                if !silent.is_disturbed {
                    self.recoveries.ended = self.recoveries.ended.max(since);
                }
                if late {
                    eprintln!("{} leases of silent {} after {since:?}", left.len(), silent.node);
                    self.late.push((silent.node.clone(), Instant::now()));
                    silent.is_over = true;
                }
            }
        }
        let mut still = Vec::new();
        for id in std::mem::take(&mut silent.ids) {
            let key = self.key(&format!("j:{id}"))?;
            let state = self.ask(&["HMGET", &key, "s", "n"])?.texts();
            let [state, node] = state.as_slice() else { bail!("a job without state: {id}") };
            if state == "r" || (state == "l" && *node == silent.node) {
                still.push(id);
            } else {
                self.recoveries.elsewhere = self.recoveries.elsewhere.max(since);
            }
        }
        silent.ids = still;
        Ok(())
    }
}
