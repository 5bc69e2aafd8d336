//! Scheduler, worker, judge and breaker from a seed: relays that do what a seed says, an operator and clocks
//! that do so too, and a ledger that must add up once all is mended. The same seed makes the same run.

mod book;
mod chance;
mod clock;
mod ledger;
mod relay;
mod script;
mod steps;
mod watch;
mod world;

use tokio::runtime::Builder;
use world::World;

/// The seeds that are run. After changes of scheduler, worker or judge: some thousands of others.
const SEEDS: std::ops::Range<u64> = 0..200;

/// What a run leaves behind.
struct Ran {
    log: Vec<String>,
    faults: Vec<String>,
}

fn run(seed: u64) -> Ran {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(seed);
        world.steps().await;
        world.mend().await;
        ledger::check(&mut world).await;
        world.book.end()
    })
}

#[test]
fn whatever_befalls_it_the_ledger_adds_up() {
    for seed in SEEDS {
        let ran = run(seed);
        let (log, faults) = (ran.log.join("\n"), ran.faults.join("\n"));
        assert!(
            faults.is_empty(),
            "{log}\n\nThat was seed {seed}; to run it alone, set SEEDS to {seed}..{}:\n{faults}",
            seed + 1
        );
    }
}

#[test]
fn one_seed_makes_one_run() {
    for seed in 0..10 {
        let (once, again) = (run(seed), run(seed));
        let differs = once.log.iter().zip(&again.log).position(|(a, b)| a != b);
        assert_eq!(differs.map(|n| (&once.log[n], &again.log[n])), None, "seed {seed}");
        assert_eq!(once.log.len(), again.log.len());
        assert!(once.log.len() > 100, "{} lines", once.log.len());
    }
}
