//! What is done to the service.

use crate::chance::Chance;
use crate::disk::Place;
use crate::ledger::Ledger;
use crate::plan::Plan;
use crate::subject::{Inject, Subject};
use crate::wait::{pause, until};
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// SIGKILL at a random moment.
    Kill,
    /// SIGKILL as a random sync begins.
    AtSync,
    /// SIGKILL as a random write begins: to the log, or to whoever waits for an answer.
    AtWrite,
    /// One sync fails with EIO, and the next succeeds as if nothing had been; then SIGKILL.
    SyncFails,
    /// Syncs take 30 ms more; then SIGKILL.
    SlowSync,
    /// The wall clock is set by hours, forth and back; then SIGKILL.
    ClockSet,
    /// The disk is full for a while; nothing is started anew.
    DiskFull,
    /// The disk's power is cut.
    PowerCut,
}

/// All faults of a plan, mixed: those of one process, and those that want a disk.
pub(crate) fn list(plan: &Plan, chance: &mut Chance) -> (Vec<Fault>, Vec<Fault>) {
    let times = |fault, n: u32| std::iter::repeat_n(fault, n as usize);
    let mut process: Vec<Fault> = times(Fault::Kill, plan.kills)
        .chain(times(Fault::AtSync, plan.syncs))
        .chain(times(Fault::SyncFails, plan.errors))
        .chain(times(Fault::SlowSync, plan.slow))
        .chain(times(Fault::AtWrite, plan.writes))
        .chain(times(Fault::ClockSet, plan.clocks))
        .collect();
    let mut disk: Vec<Fault> =
        times(Fault::PowerCut, plan.cuts).chain(times(Fault::DiskFull, plan.full)).collect();
    for list in [&mut process, &mut disk] {
        for last in (1..list.len()).rev() {
            list.swap(last, usize::try_from(chance.within(0, last as u64 + 1)).unwrap_or(0));
        }
    }
    (process, disk)
}

/// Calls that sync, and calls that write.
const SYNCS: &str = "fdatasync,fsync";
const WRITES: &str = "write,writev";
/// Hours by which a clock is set, one after the other; the true time last.
const CLOCKS: [i64; 4] = [2, -2, 80_000, 0];

/// Lets the service work a while, does it, and starts it again.
pub(crate) fn befall(
    fault: Fault,
    service: &mut dyn Subject,
    place: &Place,
    ledger: &Ledger,
    chance: &mut Chance,
) -> Result<()> {
    work(ledger, chance)?;
    match (fault, place) {
        (Fault::Kill, _) => {}
        // The count is per thread, and the log's thread is the one that syncs and writes often.
        (Fault::AtSync, _) => until_call(service, ledger, SYNCS, chance.within(1, 150))?,
        (Fault::AtWrite, _) => until_call(service, ledger, WRITES, chance.within(1, 400))?,
        (Fault::SyncFails, _) => {
            let eio = Inject::Calls(SYNCS, format!("error=EIO:when={}", chance.within(5, 80)));
            anew(service, ledger, &eio, chance)?;
        }
        (Fault::SlowSync, _) => {
            anew(service, ledger, &Inject::Calls(SYNCS, "delay_enter=30000".to_owned()), chance)?;
        }
        (Fault::ClockSet, _) => {
            anew(service, ledger, &Inject::Clock, chance)?;
            for hours in CLOCKS {
                service.clock(hours)?;
                work(ledger, chance)?;
            }
        }
        (Fault::DiskFull, Place::Disk(disk)) => {
            ledger.fault();
            let full = disk.fill()?;
            pause(Duration::from_millis(chance.within(500, 2_500)));
            drop(full);
            // Mail is accepted again without a restart.
            return work(ledger, chance);
        }
        (Fault::PowerCut, Place::Disk(disk)) => {
            // The machine stops as a whole. Left running, a sync under way during the ioctl may be told
            // that it succeeded, which no disk without power says.
            service.freeze()?;
            ledger.fault();
            disk.cut()?;
            service.kill()?;
            disk.restore()?;
            return service.start(&Inject::Nothing).map(drop);
        }
        (Fault::DiskFull | Fault::PowerCut, Place::Folder(_)) => bail!("this fault needs a disk of its own"),
    }
    anew(service, ledger, &Inject::Nothing, chance)
}

/// Kills it and starts it so; a service that something is done to works a while before it is killed again.
fn anew(service: &mut dyn Subject, ledger: &Ledger, with: &Inject, chance: &mut Chance) -> Result<()> {
    ledger.fault();
    service.kill()?;
    if service.start(with)? && !matches!(with, Inject::Nothing) {
        pause(Duration::from_millis(chance.within(500, 1_500)));
    }
    Ok(())
}

/// Starts it so that it dies as the n-th call of one of its threads begins, and waits for that.
fn until_call(service: &mut dyn Subject, ledger: &Ledger, calls: &'static str, nth: u64) -> Result<()> {
    ledger.fault();
    service.kill()?;
    service.start(&Inject::Calls(calls, format!("signal=KILL:when={nth}")))?;
    let start = Instant::now();
    until("the service's end at a call", Duration::from_secs(30), || {
        Ok((service.has_died()? || start.elapsed() > Duration::from_secs(5)).then_some(()))
    })
}

/// Until some mail more was accepted, and a random while.
fn work(ledger: &Ledger, chance: &mut Chance) -> Result<()> {
    let goal = ledger.count() + chance.within(1, 30);
    until("mail to be accepted", Duration::from_secs(60), || Ok((ledger.count() >= goal).then_some(())))?;
    pause(Duration::from_millis(chance.within(0, 300)));
    Ok(())
}
