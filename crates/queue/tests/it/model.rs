//! Random work on a disk store with small segments, against a model that keeps everything in a map.
//! Every few steps the store is closed with its leases open and opened again.

use crate::bench::{Bench, at, job_to, retry_in, settings};
use crate::restart::reopen;
use postrider_queue::{
    ActError, Action, JobId, Lease, NewJob, Next, RecipientState, State, Status, Store, StoreSettings,
    lifecycle,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Step {
    Insert { recipients: usize, due_in: i64, lives: i64 },
    Lease(usize),
    Settle { which: usize, outcome: Outcome },
    Drop(usize),
    Act { which: usize, verb: Verb },
    Pass(i64),
    Reopen,
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    All(RecipientState),
    First(RecipientState),
    Retry(i64),
    Doubt,
    Hold,
}

#[derive(Debug, Clone, Copy)]
enum Verb {
    Cancel,
    Retry,
    Hold,
    Release,
    Reschedule(i64),
    Purge,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let last = prop_oneof![Just(RecipientState::Sent), Just(RecipientState::Failed)];
    let outcome = prop_oneof![
        4 => last.clone().prop_map(Outcome::All),
        2 => last.prop_map(Outcome::First),
        2 => (0..200_i64).prop_map(Outcome::Retry),
        1 => Just(Outcome::Doubt),
        1 => Just(Outcome::Hold),
    ];
    let verb = prop_oneof![
        Just(Verb::Cancel),
        Just(Verb::Retry),
        Just(Verb::Hold),
        Just(Verb::Release),
        (0..300_i64).prop_map(Verb::Reschedule),
        Just(Verb::Purge),
    ];
    let step = prop_oneof![
        6 => (1..4_usize, prop_oneof![3 => Just(0), 1 => 1..100_i64], 150..1000_i64)
            .prop_map(|(recipients, due_in, lives)| Step::Insert { recipients, due_in, lives }),
        4 => (1..4_usize).prop_map(Step::Lease),
        5 => (any::<usize>(), outcome).prop_map(|(which, outcome)| Step::Settle { which, outcome }),
        1 => any::<usize>().prop_map(Step::Drop),
        3 => (any::<usize>(), verb).prop_map(|(which, verb)| Step::Act { which, verb }),
        2 => (1..60_i64).prop_map(Step::Pass),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..80)
}

#[derive(Debug, Clone, PartialEq)]
struct Known {
    state: State,
    recipients: Vec<RecipientState>,
    attempts: u32,
    shown: usize,
    marked: bool,
    due: i64,
    ends: i64,
    born: i64,
    lives: i64,
}

impl Known {
    fn status(&self) -> Status {
        match self.state {
            State::Scheduled => Status::Scheduled,
            State::Ready => Status::Queued,
            State::Leased => Status::Sending,
            State::Deferred => Status::Deferred,
            State::Held => Status::Held,
            State::Settled | State::Dead => lifecycle::conclude(&self.recipients).1,
        }
    }

    fn is_final(&self) -> bool {
        matches!(self.state, State::Settled | State::Dead)
    }

    fn end(&mut self, as_what: RecipientState) {
        for slot in self.recipients.iter_mut().filter(|r| **r == RecipientState::Open) {
            *slot = as_what;
        }
        self.state = lifecycle::conclude(&self.recipients).0;
    }
}

struct World {
    bench: Bench,
    now: i64,
    jobs: BTreeMap<JobId, Known>,
    leases: Vec<Lease>,
}

fn small() -> StoreSettings {
    StoreSettings { segment_octets: 2048, ..settings() }
}

impl World {
    /// What time alone does.
    fn tick(&mut self) {
        for known in self.jobs.values_mut().filter(|k| !k.is_final() && k.state != State::Leased) {
            if known.ends <= self.now {
                known.end(RecipientState::Expired);
            } else if matches!(known.state, State::Scheduled | State::Deferred) && known.due <= self.now {
                known.state = State::Ready;
            }
        }
    }

    fn pick(&self, which: usize) -> Option<JobId> {
        self.jobs.keys().nth(which % self.jobs.len().max(1)).copied()
    }

    async fn step(mut self, step: Step) -> Self {
        match step {
            Step::Insert { recipients, due_in, lives } => self.insert(recipients, due_in, lives).await,
            Step::Lease(limit) => self.lease(limit).await,
            Step::Settle { which, outcome } if !self.leases.is_empty() => {
                let lease = self.leases.swap_remove(which % self.leases.len());
                self.settle(lease, outcome).await;
            }
            Step::Drop(which) if !self.leases.is_empty() => {
                let lease = self.leases.swap_remove(which % self.leases.len());
                self.jobs.get_mut(&lease.job.id).unwrap().state = State::Ready;
                drop(lease);
            }
            Step::Act { which, verb } => self.act(which, verb).await,
            Step::Pass(seconds) => {
                self.now += seconds;
                self.bench.set(self.now);
            }
            Step::Reopen => {
                for known in self.jobs.values_mut().filter(|k| k.state == State::Leased) {
                    (known.state, known.marked) = (State::Ready, true);
                }
                let (bench, report) = reopen(self.bench, small()).await;
                assert_eq!((report.torn, report.corrupt), (0, 0));
                // Those of an earlier end that were not touched since are told again.
                assert!(report.possible_duplicates >= self.leases.len() as u64);
                self.leases.clear();
                self.bench = bench;
            }
            Step::Settle { .. } | Step::Drop(_) => {}
        }
        self.tick();
        // One round more: a dropped lease is back, and what time does is done.
        self.bench.store.stats().await.unwrap();
        self.compare().await;
        self
    }

    async fn insert(&mut self, recipients: usize, due_in: i64, lives: i64) {
        let to: Vec<String> = (0..recipients).map(|n| format!("r{n}@example.org")).collect();
        let to: Vec<&str> = to.iter().map(String::as_str).collect();
        let (now, due, ends) = (self.now, self.now + due_in, self.now + lives);
        let new = NewJob { created_at: at(now), due_at: at(due), expires_at: at(ends), ..job_to(&to) };
        let id = self.bench.insert(new).await;
        let known = Known {
            state: State::Scheduled,
            recipients: vec![RecipientState::Open; recipients],
            attempts: 0,
            shown: 0,
            marked: false,
            due,
            ends,
            born: now,
            lives,
        };
        self.jobs.insert(id, known);
    }

    async fn lease(&mut self, limit: usize) {
        let ready = self.jobs.values().filter(|k| k.state == State::Ready).count();
        if ready == 0 {
            return self.bench.has_nothing_to_lease().await;
        }
        let leases = self.bench.lease(limit).await;
        assert_eq!(leases.len(), ready.min(limit));
        for lease in &leases {
            let known = self.jobs.get_mut(&lease.job.id).unwrap();
            assert_eq!(known.state, State::Ready);
            known.state = State::Leased;
            assert_eq!(lease.job.body, format!("body of {}\r\n", lease.job.id));
            assert_eq!((lease.job.attempts, lease.job.possible_duplicate), (known.attempts, known.marked));
            let open = (0..).zip(&known.recipients).filter(|(_, r)| **r == RecipientState::Open);
            assert_eq!(lease.job.open, open.map(|(i, _)| i).collect::<Vec<u32>>());
        }
        self.leases.extend(leases);
    }

    async fn settle(&mut self, lease: Lease, outcome: Outcome) {
        let (now, open) = (self.now, lease.job.open.clone());
        let known = self.jobs.get_mut(&lease.job.id).unwrap();
        let mut settlement = retry_in(30);
        (known.state, known.due) = (State::Deferred, now + 30);
        match outcome {
            Outcome::All(state) => settlement.finals = open.iter().map(|i| (*i, state)).collect(),
            Outcome::First(state) => settlement.finals = vec![(open[0], state)],
            Outcome::Retry(seconds) => {
                settlement.next = retry_in(seconds.unsigned_abs()).next;
                known.due = now + seconds;
            }
            Outcome::Doubt => (settlement.in_doubt, known.marked) = (true, true),
            Outcome::Hold => {
                settlement.next = Next::Hold("as the test says".into());
                known.state = State::Held;
                // Held work is due when it is released.
                known.due = known.due.min(now);
            }
        }
        for (index, state) in &settlement.finals {
            known.recipients[*index as usize] = *state;
        }
        (known.attempts, known.shown) = (known.attempts + 1, known.shown + 1);
        if !known.recipients.contains(&RecipientState::Open) {
            known.end(RecipientState::Open);
        }
        self.bench.settle(lease, settlement).await;
    }

    async fn act(&mut self, which: usize, verb: Verb) {
        let Some(id) = self.pick(which) else { return };
        let known = &self.jobs[&id];
        let waits = matches!(known.state, State::Scheduled | State::Ready | State::Deferred);
        let held = known.state == State::Held;
        let (action, applies) = match verb {
            Verb::Cancel => (Action::Cancel, waits || held),
            Verb::Retry => {
                let dead = matches!(known.status(), Status::Failed | Status::Expired);
                (Action::Retry, dead || matches!(known.state, State::Scheduled | State::Deferred))
            }
            Verb::Hold => (Action::Hold("by hand".into()), waits),
            Verb::Release => (Action::Release, held),
            Verb::Reschedule(seconds) => {
                (Action::Reschedule(at(self.now + seconds)), known.state == State::Scheduled)
            }
            Verb::Purge => (Action::Purge, known.is_final()),
        };
        let got = self.bench.store.act(id, action).await;
        assert_eq!(got.is_ok(), applies, "{verb:?} of {known:?}: {got:?}");
        if !applies {
            return assert!(matches!(got, Err(ActError::TooLate(_))), "{got:?}");
        }
        self.applied(id, verb);
    }

    fn applied(&mut self, id: JobId, verb: Verb) {
        let now = self.now;
        let known = self.jobs.get_mut(&id).unwrap();
        match verb {
            Verb::Cancel => known.end(RecipientState::Cancelled),
            Verb::Retry => {
                if known.is_final() {
                    // From creation to the new end: what another retry gives it.
                    let ends = now + known.lives;
                    (known.lives, known.ends) = (ends - known.born, ends);
                    for slot in &mut known.recipients {
                        if matches!(slot, RecipientState::Failed | RecipientState::Expired) {
                            *slot = RecipientState::Open;
                        }
                    }
                }
                (known.state, known.due) = (State::Ready, known.due.min(now));
            }
            Verb::Hold => known.state = State::Held,
            Verb::Release => {
                known.state = match (known.due > now, known.attempts) {
                    (false, _) => State::Ready,
                    (true, 0) => State::Scheduled,
                    (true, _) => State::Deferred,
                }
            }
            Verb::Reschedule(seconds) => {
                known.ends += (now + seconds - known.due).max(0);
                known.due = now + seconds;
            }
            Verb::Purge => drop(self.jobs.remove(&id)),
        }
    }

    async fn compare(&self) {
        for (id, known) in &self.jobs {
            let view = self.bench.view(*id).await;
            let states: Vec<_> = view.recipients.iter().map(|r| r.state).collect();
            assert_eq!(view.status, known.status(), "{id}: {known:?}");
            assert_eq!(states, known.recipients, "{id}: {known:?}");
            assert_eq!(view.possible_duplicate, known.marked, "{id}: {known:?}");
            assert_eq!(view.attempts.len(), known.shown, "{id}: {known:?}");
        }
        let stats = self.bench.store.stats().await.unwrap();
        let unsettled = self.jobs.values().filter(|k| !k.is_final()).count();
        assert_eq!(stats.unsettled, unsettled as u64);
        assert_eq!(stats.by_status.iter().map(|(_, n)| n).sum::<u64>(), self.jobs.len() as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_does_what_the_model_does(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::disk(small());
            let mut world = World { bench, now: 0, jobs: BTreeMap::new(), leases: Vec::new() };
            for step in steps {
                world = world.step(step).await;
            }
        });
    }
}
