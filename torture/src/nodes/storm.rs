//! The storm: blows by seed, several at once, each undone in its time, and never all nodes struck for long.

use super::blow::{Blow, Blows, Kind};
use super::node::{Node, State};
use super::watch::Watch;
use crate::chance::Chance;
use crate::ledger::Ledger;
use crate::subject::Subject;
use anyhow::{Result, bail};
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use testkit::Redis;

/// A node must answer after its start, and end after SIGTERM, within this.
const PATIENCE: Duration = Duration::from_secs(60);
/// Nodes under a blow at once; the others carry on.
const AT_ONCE: usize = 2;

pub(crate) struct Storm<'a> {
    pub(crate) nodes: Vec<Node>,
    pub(crate) redis: Redis,
    /// Redis is not well until then.
    outage: Option<(Kind, Instant)>,
    blow: Option<usize>,
    pub(crate) watch: Watch,
    pub(crate) blows: Blows,
    ledger: &'a Ledger,
    seen: BTreeSet<String>,
    /// Blows after which Redis was not yet asked what they struck, and the names of the nodes.
    unasked: Vec<(usize, Vec<String>)>,
}

impl<'a> Storm<'a> {
    pub(crate) fn new(nodes: Vec<Node>, redis: Redis, ledger: &'a Ledger) -> Self {
        let watch = Watch::new(redis.port());
        let (blows, seen) = (Blows::default(), BTreeSet::new());
        Self { nodes, redis, outage: None, blow: None, watch, blows, ledger, seen, unasked: Vec::new() }
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.outage.is_none() && self.nodes.iter().all(|node| node.state == State::Well)
    }

    /// What is due by now; `calm`: everything is.
    pub(crate) fn tick(&mut self, calm: bool) -> Result<()> {
        let now = Instant::now();
        let due = |until: Instant| calm || until <= now;
        if let Some((kind, until)) = self.outage
            && due(until)
        {
            match kind {
                Kind::RedisPause => self.redis.resume(),
                _ => self.redis.restart(),
            }
            self.outage = None;
            end(&mut self.blows, &mut self.blow);
        }
        for number in 0..self.nodes.len() {
            self.tend(number, due)?;
        }
        if self.outage.is_none() {
            self.ask_what_was_struck()?;
        }
        self.watch.look(self.outage.is_none())
    }

    /// What was asked for just before a blow is known only after it.
    fn ask_what_was_struck(&mut self) -> Result<()> {
        for (number, names) in std::mem::take(&mut self.unasked) {
            for name in names {
                let leased = self.watch.leases(std::slice::from_ref(&name))?;
                let Some(blow) = self.blows.all.get_mut(number) else { continue };
                let silent = match blow.kind {
                    Kind::Kill | Kind::AllKill => true,
                    Kind::Pause | Kind::Cut => blow.end.is_none(),
                    Kind::Sever | Kind::Stop | Kind::RedisKill | Kind::RedisPause => false,
                };
                if silent {
                    self.watch.fell_silent(&name, blow.begin, &leased);
                }
                blow.leased.extend(leased);
            }
        }
        Ok(())
    }

    fn tend(&mut self, number: usize, due: impl Fn(Instant) -> bool) -> Result<()> {
        let starting = self.nodes.iter().any(|node| matches!(node.state, State::Starting(_)));
        let Some(node) = self.nodes.get_mut(number) else { return Ok(()) };
        let died = !matches!(node.state, State::Down(_)) && node.service.has_died()?;
        match node.state {
            State::Ending(_) if died => return node.kill(Instant::now()),
            _ if died => {
                bail!("node {number} ended by itself while {:?}\n{}", node.state, node.service.log())
            }
            State::Starting(since) | State::Ending(since) if since.elapsed() > PATIENCE => {
                bail!("node {number} is still {:?} after {PATIENCE:?}\n{}", node.state, node.service.log())
            }
            State::Down(until) if due(until) && self.outage.is_none() && !starting => return node.start(),
            State::Starting(_) if node.service.answers() => {
                let names = self.watch.nodes()?;
                node.name = names.into_iter().find(|name| !self.seen.contains(name)).unwrap_or_default();
                self.seen.insert(node.name.clone());
            }
            State::Paused(until) if due(until) => {
                node.service.signal(Signal::CONT)?;
                self.watch.speaks(&node.name);
            }
            State::Cut(until) if due(until) => {
                node.link.heal();
                self.watch.speaks(&node.name);
            }
            _ => return Ok(()),
        }
        node.state = State::Well;
        end(&mut self.blows, &mut node.blow);
        Ok(())
    }

    /// Whether such a blow may fall now.
    pub(crate) fn may(&self, kind: Kind) -> bool {
        let struck = self.nodes.iter().filter(|node| node.state != State::Well).count();
        let starting = self.nodes.iter().any(|node| matches!(node.state, State::Starting(_)));
        match kind {
            Kind::AllKill => self.is_calm(),
            Kind::RedisKill | Kind::RedisPause => self.outage.is_none() && !starting,
            Kind::Kill | Kind::Pause | Kind::Cut | Kind::Sever | Kind::Stop => struck < AT_ONCE,
        }
    }

    pub(crate) fn strike(&mut self, kind: Kind, chance: &mut Chance) -> Result<()> {
        let well: Vec<usize> = (0..self.nodes.len())
            .filter(|n| self.nodes.get(*n).is_some_and(|n| n.state == State::Well))
            .collect();
        let node = match kind {
            Kind::RedisKill | Kind::RedisPause | Kind::AllKill => None,
            _ => well.get(usize::try_from(chance.within(0, well.len() as u64)).unwrap_or(0)).copied(),
        };
        let names: Vec<String> = match node {
            Some(number) => self.nodes.get(number).map(|node| node.name.clone()).into_iter().collect(),
            None => self.nodes.iter().map(|node| node.name.clone()).collect(),
        };
        let leased = if self.outage.is_some() { BTreeSet::new() } else { self.watch.leases(&names)? };
        self.ledger.fault();
        let number = self.blows.all.len();
        let begin = Instant::now();
        match node {
            Some(struck) => self.strike_node(kind, struck, number, chance)?,
            None => self.strike_redis(kind, number, chance)?,
        }
        self.blows.all.push(Blow { kind, node, begin, end: None, leased });
        self.unasked.push((number, names));
        Ok(())
    }

    fn strike_node(&mut self, kind: Kind, struck: usize, blow: usize, chance: &mut Chance) -> Result<()> {
        let Some(node) = self.nodes.get_mut(struck) else { return Ok(()) };
        let mut until = |low, high| Instant::now() + Duration::from_millis(chance.within(low, high));
        node.blow = Some(blow);
        match kind {
            Kind::Kill => node.kill(until(0, 25_000))?,
            Kind::Pause => {
                node.service.freeze()?;
                node.state = State::Paused(until(15_500, 30_000));
            }
            Kind::Cut => {
                node.link.cut();
                node.state = State::Cut(until(5_000, 40_000));
            }
            Kind::Sever => {
                node.link.sever();
                node.state = State::Cut(until(0, 3_000));
            }
            _ => {
                node.service.signal(Signal::TERM)?;
                node.state = State::Ending(Instant::now());
            }
        }
        Ok(())
    }

    fn strike_redis(&mut self, kind: Kind, blow: usize, chance: &mut Chance) -> Result<()> {
        let mut until = |low, high| Instant::now() + Duration::from_millis(chance.within(low, high));
        self.blow = Some(blow);
        if kind == Kind::RedisPause {
            self.redis.pause();
            self.outage = Some((kind, until(1_000, 12_000)));
            return Ok(());
        }
        self.redis.kill();
        self.outage = Some((kind, until(0, 5_000)));
        if kind == Kind::AllKill {
            for node in &mut self.nodes {
                node.kill(Instant::now())?;
            }
        }
        Ok(())
    }

    /// For whoever looks for the reason: each blow by its time since the first, and whole logs.
    pub(crate) fn account(&self) -> String {
        let start = self.blows.all.first().map_or_else(Instant::now, |blow| blow.begin);
        let since = |at: Instant| at.saturating_duration_since(start).as_secs_f64();
        let blows = self.blows.all.iter().map(|blow| {
            let end = blow.end.map(since);
            format!(
                "{:?} {:?} {:.2} to {end:.2?}, {} leased\n",
                blow.kind,
                blow.node,
                since(blow.begin),
                blow.leased.len()
            )
        });
        let logs =
            (0..).zip(&self.nodes).map(|(n, node)| format!("\nnode {n}:\n{}", node.service.whole_log()));
        let late = self.watch.late.iter().map(|(node, at)| format!("{:.2}: {node} late\n", since(*at)));
        blows.chain(late).chain(logs).chain([format!("\nRedis:\n{}", self.redis.log())]).collect()
    }

    /// The end of the logs of all.
    pub(crate) fn logs(&self) -> String {
        (0..)
            .zip(&self.nodes)
            .map(|(n, node)| format!("node {n}, {:?}:\n{}\n", node.state, node.service.log()))
            .collect()
    }
}

fn end(blows: &mut Blows, blow: &mut Option<usize>) {
    if let Some(blow) = blow.take().and_then(|number| blows.all.get_mut(number)) {
        blow.end = Some(Instant::now());
    }
}
