//! What befalls a run: mail, time, relays, operators, reloads, clocks; each by chance.

use super::script::Mode;
use super::world::{RELAYS, Submitted, World};
use crate::bench::job;
use jiff::SignedDuration;
use queue::{Action, JobId, NewJob, Priority, Store};
use send::TroubleKind;
use std::time::Duration;

const STEPS: u64 = 70;
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

impl World {
    pub(crate) async fn steps(&mut self) {
        for _ in 0..STEPS {
            match self.chance.below(100) {
                0..32 => self.submit().await,
                32..58 => {
                    let time = self.chance.time(Duration::from_secs(6 * HOUR));
                    self.pass(time).await;
                }
                58..72 => self.turn_relay(),
                72..84 => self.operate().await,
                84..90 => self.pause(),
                90..95 => self.exchange().await,
                95..96 => {
                    self.book.note("the worker dies");
                    self.worker = None;
                    self.worker = Some(self.start());
                }
                _ => self.jump(),
            }
            self.watch().await;
        }
    }

    async fn submit(&mut self) {
        let mut jobs = Vec::new();
        for _ in 0..=self.chance.below(4) {
            jobs.push(self.compose());
        }
        self.store.insert(jobs).await.unwrap();
    }

    fn compose(&mut self) -> NewJob {
        let id = self.fresh_id();
        let many = if self.chance.percent(60) { 1 } else { 2 + self.chance.below(3) };
        let to: Vec<String> = (0..many).map(|n| format!("u{n}@example.org")).collect();
        let wait = if self.chance.percent(70) { 0 } else { self.chance.below(2 * HOUR) };
        let lives = if self.chance.percent(75) { 120 * HOUR } else { 10 * MINUTE + self.chance.below(HOUR) };
        let due_at = self.now() + Duration::from_secs(wait);
        let (header, body) = Self::bytes(id);
        let new = NewJob {
            id,
            project: self.chance.of(&["one", "two", "three"]).into(),
            header,
            body,
            created_at: self.now(),
            due_at,
            expires_at: due_at + Duration::from_secs(lives),
            priority: self.chance.of(&[Priority::Urgent, Priority::Normal, Priority::Normal, Priority::Bulk]),
            route: self.chance.of(&["default", "default", "default", "bulk", "first", "second"]).into(),
            ..job(&to.iter().map(String::as_str).collect::<Vec<_>>())
        };
        self.book
            .note(&format!("submitted: {id} {:?} by {} to {to:?}, due at {due_at}", new.priority, new.route));
        self.jobs.insert(id, Submitted { to, ..Submitted::default() });
        new
    }

    fn turn_relay(&mut self) {
        let relay = self.chance.of(&RELAYS).0;
        let kinds = [TroubleKind::Unreachable, TroubleKind::Busy, TroubleKind::Auth, TroubleKind::Tls];
        let mode = match self.chance.below(20) {
            0..5 => Mode::Well,
            5..13 => Mode::Wild,
            13..16 => Mode::Down(self.chance.of(&kinds)),
            16 => Mode::Denies,
            17 => Mode::Bounces,
            18 => Mode::Leaves,
            _ => Mode::Hangs,
        };
        self.book.note(&format!("{relay} is now {mode:?}"));
        self.book.pages().modes.insert(relay, mode);
    }

    async fn operate(&mut self) {
        let ids: Vec<JobId> = self.jobs.iter().filter(|(_, j)| !j.purged).map(|(id, _)| *id).collect();
        if ids.is_empty() {
            return;
        }
        let deeds = [
            Action::Cancel,
            Action::Retry,
            Action::Retry,
            Action::Hold("by hand".into()),
            Action::Release,
            Action::Purge,
        ];
        let deed = self.chance.of(&deeds);
        // As an operator with a filter does: tried on some, until one applies.
        for _ in 0..6 {
            let id = self.chance.of(&ids);
            if self.act(id, deed.clone()).await {
                return;
            }
        }
    }

    fn pause(&mut self) {
        let relay = self.chance.of(&RELAYS).0;
        let what = self.chance.below(10);
        self.book.note(&format!("pausing {relay}: {what}"));
        match what {
            0..4 => drop(self.relays.pause(relay, "by hand")),
            4..8 => drop(self.relays.resume(relay)),
            8 => self.relays.pause_all(Some("all")),
            _ => self.relays.pause_all(None),
        }
    }

    /// A reload: a successor, and the worker before it drains beside it or first.
    async fn exchange(&mut self) {
        let before = self.succeed();
        let (grace, hurry) =
            (self.chance.time(Duration::from_secs(900)), self.chance.time(Duration::from_secs(900)));
        let (book, clock) = (self.book.clone(), self.clock.clone());
        let drain = async move {
            let drained = before.drain(grace, clock.pass(hurry)).await;
            book.note(&format!("drained: {drained:?}"));
        };
        if self.chance.percent(50) {
            self.retiring.spawn(drain);
        } else {
            drain.await;
        }
    }

    fn jump(&mut self) {
        let most = if self.chance.percent(50) { HOUR } else { 200 * HOUR };
        // Less is taken for a slow correction.
        let ahead = SignedDuration::from_secs(60 + self.chance.below(most) as i64);
        let by = if self.chance.percent(50) { ahead } else { -ahead };
        self.book.note(&format!("the clock is set by {by:?}"));
        self.clock.jump(by);
        self.store.poke();
    }
}
