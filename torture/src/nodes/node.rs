//! One of the nodes: the service, its network to Redis, its clock, and what befalls it.

use crate::plan::Plan;
use crate::postrider::Service;
use crate::subject::{Inject, Subject};
use anyhow::Result;
use std::path::Path;
use std::time::Instant;
use testkit::Link;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Well,
    /// Started, and answers nothing yet.
    Starting(Instant),
    /// Asked to end.
    Ending(Instant),
    /// Gone until then.
    Down(Instant),
    Paused(Instant),
    /// Without Redis until then.
    Cut(Instant),
}

pub(crate) struct Node {
    pub(crate) service: Service,
    pub(crate) link: Link,
    skew: i64,
    /// Its name in Redis, a new one with each start.
    pub(crate) name: String,
    pub(crate) state: State,
    /// The blow it is under.
    pub(crate) blow: Option<usize>,
}

impl Node {
    /// Nothing runs yet. `skew`: seconds by which its wall clock is wrong.
    pub(crate) fn new(
        plan: &Plan,
        number: usize,
        folder: &Path,
        relay: u16,
        redis: u16,
        skew: i64,
    ) -> Result<Self> {
        let link = Link::to(redis);
        let hello = format!("HELO_HOSTNAME = node{number}.example\n");
        let queue = format!("[queue]\nTYPE = redis\nCONN_STR = redis://127.0.0.1:{}/0\n", link.port());
        let service = Service::new(plan, &folder.join(format!("node{number}")), relay, &hello, &queue)?;
        let state = State::Down(Instant::now());
        Ok(Self { service, link, skew, name: String::new(), state, blow: None })
    }

    pub(crate) fn start(&mut self) -> Result<()> {
        self.state = State::Starting(Instant::now());
        self.service.spawn(&Inject::Skew(self.skew))
    }

    pub(crate) fn kill(&mut self, until: Instant) -> Result<()> {
        self.service.kill()?;
        self.state = State::Down(until);
        Ok(())
    }
}
