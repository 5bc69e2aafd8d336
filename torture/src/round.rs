//! A round: a fresh store, clients, some faults, then silence until the queue is empty, then the judgement.

use crate::chance::Chance;
use crate::clients::{self, Door};
use crate::disk::{Disk, Place};
use crate::fault::{self, Fault};
use crate::judge::{self, Sum};
use crate::ledger::Ledger;
use crate::plan::{PER_ROUND, Plan, Who};
use crate::sink;
use crate::subject::{self, Inject};
use crate::wait::until;
use anyhow::Result;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Clients of each door.
const CLIENTS: usize = 4;
/// An empty queue must be reached within this once nobody sends.
const DRAIN: Duration = Duration::from_secs(300);

/// Runs the plan; whether it came out clean.
pub(crate) fn all(plan: &Plan) -> Result<bool> {
    println!("seed {}", plan.seed);
    let mut chance = Chance::new(plan.seed);
    let (process, cuts) = fault::list(plan, &mut chance);
    let (mut sum, mut number) = (Sum::default(), 0);
    for (faults, cut) in [(&process, false), (&cuts, true)] {
        for faults in faults.chunks(PER_ROUND as usize) {
            let place = if cut { Place::Disk(Disk::new()?) } else { Place::folder()? };
            let came_to = round(number, plan, &place, faults, &mut chance)?;
            println!("round {number}: {} | {}", kinds(faults), came_to.line());
            sum.add(&came_to);
            number += 1;
        }
    }
    println!("\nall {number} rounds: {}", sum.line());
    println!("{}", row(plan, &sum));
    if plan.who != Who::Postrider {
        // What a peer promises is its affair.
        return Ok(true);
    }
    Ok(verdict(plan, &sum))
}

/// A control must be caught; everything else must be clean.
fn verdict(plan: &Plan, sum: &Sum) -> bool {
    if plan.control.is_none() {
        println!("{}", if sum.is_clean() { "clean" } else { "BROKEN PROMISES" });
        return sum.is_clean();
    }
    let caught = sum.lost + sum.untrue > 0;
    println!(
        "control: {}",
        if caught { "caught, as it must be" } else { "NOT CAUGHT: this run proves nothing" }
    );
    caught
}

fn round(number: u32, plan: &Plan, place: &Place, faults: &[Fault], chance: &mut Chance) -> Result<Sum> {
    let ledger = Arc::new(Ledger::default());
    let relay = sink::open(&ledger, chance.next(), sink::QUICK)?;
    let mut service = subject::open(plan, place, relay)?;
    service.start(&Inject::Nothing)?;
    let doors: Vec<Door> = (0..CLIENTS).flat_map(|_| service.doors()).collect();
    let clients = clients::start(number, plan.seed, &doors, &ledger);
    let befallen = faults.iter().try_for_each(|f| fault::befall(*f, &mut *service, place, &ledger, chance));
    ledger.end();
    for client in clients {
        if client.join().is_err() {
            eprintln!("torture: a client ended by panic");
        }
    }
    befallen.inspect_err(|_| eprintln!("{}", service.log()))?;
    let empty = until("an empty queue", DRAIN, || Ok((service.unsettled() == Some(0)).then_some(())));
    empty.inspect_err(|_| eprintln!("{}", service.log()))?;
    let (books, said) = (ledger.close(), service.said()?);
    Ok(judge::compare(&books, said.as_ref(), &*books.faults))
}

/// A row for docs/reliability.md.
fn row(plan: &Plan, s: &Sum) -> String {
    format!(
        "| {:?} | {} | {} | {} | {} | {} | {} | {} | {} |",
        plan.who, s.faults, s.accepted, s.lost, s.altered, s.strange, s.repeats, s.most, s.idle
    )
}

fn kinds(faults: &[Fault]) -> String {
    let mut count: BTreeMap<Fault, usize> = BTreeMap::new();
    for fault in faults {
        *count.entry(*fault).or_default() += 1;
    }
    count.iter().map(|(fault, n)| format!("{n} {fault:?}")).collect::<Vec<_>>().join(", ")
}
