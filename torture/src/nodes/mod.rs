//! Three nodes that share a queue in Redis, each over a network of its own, under a storm of blows:
//!
//! ```text
//! clients ──HTTP──▶ node 0, 1, 2 ──SMTP──▶ sink
//!                    │ a link each
//!                    ▼
//!                  Redis, every write synced
//! ```
//!
//! A round lasts some minutes, then all is mended, the queue drains, and the books are compared as for one service.

mod blow;
mod clients;
mod node;
mod storm;
mod watch;

use crate::chance::Chance;
use crate::judge::{self, Sum};
use crate::ledger::Ledger;
use crate::plan::Plan;
use crate::sink;
use crate::subject::Subject;
use crate::wait::{pause, until};
use anyhow::{Result, bail};
use blow::Kind;
use node::Node;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storm::Storm;
use tempfile::TempDir;
use testkit::{Api, Flavour, Redis};
use watch::{LEASE, Recoveries, SWEEP};

const NODES: usize = 3;
const CLIENTS: u64 = 12;
/// Of a round: Redis remembers 20,000 done mails, and all of a round are asked for at its end.
const ROUND: Duration = Duration::from_secs(150);
/// Microseconds that the sink takes at most before and after it notes a mail, so that some are always under way.
const SLOW: u64 = 200_000;
/// As much for a control: mail must wait when all is killed, or there is nothing to lose.
const SLOW_CONTROL: u64 = 2_000_000;
/// Seconds by which a node's clock may be wrong.
const SKEW: u64 = 300;
const STEP: Duration = Duration::from_millis(50);
/// All must be well, and the queue empty, within this after a round.
const DRAIN: Duration = Duration::from_secs(120);

/// What a run came to beside the books.
#[derive(Default)]
struct Total {
    sum: Sum,
    kinds: BTreeMap<Kind, u64>,
    recoveries: Recoveries,
    most_leased: u64,
}

/// Runs the plan; whether it came out clean, or the control was caught.
pub(crate) fn all(plan: &Plan) -> Result<bool> {
    println!("seed {}", plan.seed);
    let mut chance = Chance::new(plan.seed);
    let mut left = Duration::from_secs_f64(plan.minutes * 60.0);
    let (mut total, mut number) = (Total::default(), 0);
    while !left.is_zero() {
        let time = left.min(ROUND);
        left -= time;
        let came_to = round(number, plan, time, &mut chance)?;
        println!("round {number}: {}", line(&came_to));
        total.add(&came_to);
        number += 1;
    }
    println!("\nall {number} rounds: {}\n{}", line(&total), table(&total));
    Ok(verdict(plan, &total))
}

fn verdict(plan: &Plan, total: &Total) -> bool {
    if plan.control.is_some() {
        let caught = total.sum.lost > 0;
        println!(
            "control: {}",
            if caught { "caught, as it must be" } else { "NOT CAUGHT: this run proves nothing" }
        );
        return caught;
    }
    let clean = total.is_clean();
    println!("{}", if clean { "clean" } else { "BROKEN PROMISES" });
    clean
}

fn round(number: u32, plan: &Plan, time: Duration, chance: &mut Chance) -> Result<Total> {
    let ledger = Arc::new(Ledger::default());
    // A control's Redis writes nothing down.
    let (slow, log) = if plan.control.is_some() { (SLOW_CONTROL, "appendonly no") } else { (SLOW, "") };
    let relay = sink::open(&ledger, chance.next(), slow)?;
    let folder = TempDir::new()?;
    let redis = Redis::within(folder.path(), Flavour::Redis, log);
    let nodes: Result<Vec<Node>> = (0..NODES)
        .map(|n| {
            let skew = i64::try_from(chance.within(0, 2 * SKEW + 1))? - i64::try_from(SKEW)?;
            Node::new(plan, n, folder.path(), relay, redis.port(), skew)
        })
        .collect();
    let mut storm = Storm::new(nodes?, redis, &ledger);
    calm(&mut storm)?;
    let apis: Vec<Api> = storm.nodes.iter().map(|node| node.service.api().clone()).collect();
    let clients = clients::start(number, plan.seed, CLIENTS, &apis, &ledger);
    let blown = blow(&mut storm, plan.control.is_none(), Instant::now() + time, chance);
    let calmed = blown.and_then(|()| last(&mut storm, chance));
    ledger.end();
    for client in clients {
        if client.join().is_err() {
            eprintln!("torture: a client ended by panic");
        }
    }
    let settled = calmed.and_then(|()| drain(&mut storm));
    settled.inspect_err(|_| eprintln!("{}", storm.logs()))?;
    let Some(first) = storm.nodes.first() else { bail!("no nodes") };
    let said = first.service.said()?;
    let mut books = ledger.close();
    storm.blows.ids = std::mem::take(&mut books.ids);
    let total = Total {
        sum: judge::compare(&books, said.as_ref(), &storm.blows),
        kinds: storm.blows.kinds(),
        recoveries: storm.watch.recoveries,
        most_leased: storm.blows.most_leased(),
    };
    if plan.control.is_none() && !total.is_clean() {
        let path = std::env::temp_dir().join(format!("torture-{}-{number}", plan.seed));
        std::fs::write(&path, storm.account())?;
        eprintln!("blows and logs of this round: {}", path.display());
    }
    Ok(total)
}

/// Blow upon blow until then: the kinds as cards of a shuffled pack, so that none is long in coming.
fn blow(storm: &mut Storm<'_>, deals: bool, end: Instant, chance: &mut Chance) -> Result<()> {
    let mut pack: Vec<Kind> = Vec::new();
    let mut next = Instant::now() + Duration::from_secs(2);
    while Instant::now() < end {
        storm.tick(false)?;
        if deals && next <= Instant::now() {
            if pack.is_empty() {
                pack = Kind::PACK.to_vec();
            }
            let first = usize::try_from(chance.within(0, pack.len() as u64))?;
            let place =
                (first..pack.len()).chain(0..first).find(|n| pack.get(*n).is_some_and(|k| storm.may(*k)));
            if let Some(place) = place {
                storm.strike(pack.swap_remove(place), chance)?;
                next = Instant::now() + Duration::from_millis(chance.within(500, 5_000));
            }
        }
        pause(STEP);
    }
    Ok(())
}

/// All is mended, then all is killed at once, and mended again.
fn last(storm: &mut Storm<'_>, chance: &mut Chance) -> Result<()> {
    calm(storm)?;
    storm.strike(Kind::AllKill, chance)?;
    calm(storm)
}

fn calm(storm: &mut Storm<'_>) -> Result<()> {
    until("all nodes and Redis to be well", DRAIN, || {
        storm.tick(true)?;
        Ok(storm.is_calm().then_some(()))
    })
}

fn drain(storm: &mut Storm<'_>) -> Result<()> {
    until("an empty queue", DRAIN, || {
        storm.tick(true)?;
        pause(STEP);
        let unsettled = storm.nodes.first().and_then(|node| node.service.unsettled());
        Ok((unsettled == Some(0)).then_some(()))
    })
}

impl Total {
    fn is_clean(&self) -> bool {
        self.sum.is_clean() && self.recoveries.late == 0
    }

    fn add(&mut self, other: &Self) {
        self.sum.add(&other.sum);
        for (kind, count) in &other.kinds {
            *self.kinds.entry(*kind).or_default() += count;
        }
        self.recoveries.add(&other.recoveries);
        self.most_leased = self.most_leased.max(other.most_leased);
    }
}

fn line(total: &Total) -> String {
    let kinds: Vec<String> = total.kinds.iter().map(|(kind, n)| format!("{n} {kind:?}")).collect();
    let r = &total.recoveries;
    format!(
        "{} | {}; leased at a blow {} at most; recoveries {} of {} leases, late {}, longest {:.1} s, \
         {:.1} s where Redis was away, elsewhere {:.1} s",
        kinds.join(", "),
        total.sum.line(),
        total.most_leased,
        r.count,
        r.leases,
        r.late,
        r.ended.as_secs_f64(),
        r.at_last.as_secs_f64(),
        r.elsewhere.as_secs_f64()
    )
}

/// For docs/reliability.md.
fn table(total: &Total) -> String {
    let (s, r) = (&total.sum, &total.recoveries);
    let kinds: Vec<String> = total.kinds.iter().map(|(kind, n)| format!("{n} {kind:?}")).collect();
    let allowed = (LEASE + SWEEP).as_secs();
    let rows = [
        ("blows", kinds.join(", ")),
        ("mails attempted / accepted", format!("{} / {}", s.attempted, s.accepted)),
        ("lost", s.lost.to_string()),
        ("altered", s.altered.to_string()),
        ("delivered, but never sent, or told otherwise by the nodes", (s.strange + s.untrue).to_string()),
        ("delivered more than once", format!("{}, unmarked {}", s.repeats, s.unmarked)),
        ("the most by one blow / leased at one blow", format!("{} / {}", s.most, total.most_leased)),
        ("repeats that no blow explains", s.idle.to_string()),
        ("marked, but delivered once", s.marked_once.to_string()),
        ("nodes silent until their leases ended / leases", format!("{} / {}", r.count, r.leases)),
        ("longest until then, of the allowed", format!("{:.1} s of {allowed} s", r.ended.as_secs_f64())),
        ("the same where Redis was away meanwhile", format!("{:.1} s", r.at_last.as_secs_f64())),
        ("longest until all was leased elsewhere", format!("{:.1} s", r.elsewhere.as_secs_f64())),
    ];
    rows.iter().map(|(what, value)| format!("| {what} | {value} |\n")).collect()
}
