//! What is done to the service.

use crate::chance::Chance;
use crate::disk::{Disk, Place};
use crate::ledger::Ledger;
use crate::plan::Plan;
use crate::postrider::Service;
use crate::wait::{pause, until};
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// SIGKILL at a random moment.
    Kill,
    /// SIGKILL as a random sync begins.
    AtSync,
    /// One sync fails with EIO, and the next succeeds as if nothing had been; then SIGKILL.
    SyncFails,
    /// Syncs take 30 ms more; then SIGKILL.
    SlowSync,
    /// The disk's power is cut.
    PowerCut,
}

/// All faults of a plan, those of one process mixed.
pub(crate) fn list(plan: &Plan, chance: &mut Chance) -> (Vec<Fault>, Vec<Fault>) {
    let times = |fault, n: u32| std::iter::repeat_n(fault, n as usize);
    let mut process: Vec<Fault> = times(Fault::Kill, plan.kills)
        .chain(times(Fault::AtSync, plan.syncs))
        .chain(times(Fault::SyncFails, plan.errors))
        .chain(times(Fault::SlowSync, plan.slow))
        .collect();
    for last in (1..process.len()).rev() {
        process.swap(last, usize::try_from(chance.within(0, last as u64 + 1)).unwrap_or(0));
    }
    (process, times(Fault::PowerCut, plan.cuts).collect())
}

/// Lets the service work a while, does it, and starts it again.
pub(crate) fn befall(
    fault: Fault,
    service: &mut Service,
    place: &Place,
    ledger: &Ledger,
    chance: &mut Chance,
) -> Result<()> {
    work(ledger, chance)?;
    match fault {
        Fault::Kill => {}
        Fault::AtSync => {
            kill(service, ledger)?;
            // The count is per thread, and the log's thread is the one that syncs often.
            service.start(Some(&format!("signal=KILL:when={}", chance.within(1, 150))))?;
            let start = Instant::now();
            until("the service's end at a sync", Duration::from_secs(30), || {
                Ok((service.has_died()? || start.elapsed() > Duration::from_secs(5)).then_some(()))
            })?;
        }
        Fault::SyncFails | Fault::SlowSync => {
            kill(service, ledger)?;
            let inject = match fault {
                Fault::SlowSync => "delay_enter=30000".to_owned(),
                _ => format!("error=EIO:when={}", chance.within(5, 80)),
            };
            if service.start(Some(&inject))? {
                pause(Duration::from_millis(chance.within(500, 1_500)));
            }
        }
        Fault::PowerCut => {
            let Place::Disk(disk) = place else { bail!("a power cut needs a disk of its own") };
            // The machine stops as a whole. Left running, a sync under way during the ioctl may be told
            // that it succeeded, which no disk without power says.
            service.freeze()?;
            ledger.fault();
            disk.cut()?;
        }
    }
    if fault == Fault::PowerCut {
        service.kill()?
    } else {
        kill(service, ledger)?
    }
    if let (Fault::PowerCut, Place::Disk(disk)) = (fault, place) {
        Disk::restore(disk)?;
    }
    service.start(None)?;
    Ok(())
}

/// Until some mail more was accepted, and a random while.
fn work(ledger: &Ledger, chance: &mut Chance) -> Result<()> {
    let goal = ledger.count() + chance.within(1, 30);
    until("mail to be accepted", Duration::from_secs(60), || Ok((ledger.count() >= goal).then_some(())))?;
    pause(Duration::from_millis(chance.within(0, 300)));
    Ok(())
}

fn kill(service: &mut Service, ledger: &Ledger) -> Result<()> {
    ledger.fault();
    service.kill()
}
