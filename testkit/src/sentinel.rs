//! Redis Sentinel: watches a primary and puts a replica in its place when it is gone.

use std::time::Duration;

use crate::{Flavour, Redis, Reply, until};

const PATIENCE: Duration = Duration::from_secs(60);

/// One sentinel; several that watch the same primary find each other through it.
#[derive(Debug)]
pub struct Sentinel {
    server: Redis,
}

impl Sentinel {
    /// The name by which clients ask for the primary.
    pub const NAME: &str = "post";

    /// Watches a primary, which is called gone when `quorum` sentinels have not heard of it for half a second.
    /// Returns when it knows as many replicas as the primary has.
    pub fn start(flavour: Flavour, primary: &Redis, quorum: u32) -> Self {
        let server = Redis::sentinel(flavour, Self::NAME, primary.port(), quorum);
        let sentinel = Sentinel { server };
        let replicas = primary.info("connected_slaves");
        until("a sentinel that knows the replicas", PATIENCE, || {
            (sentinel.field("num-slaves")? == replicas).then_some(())
        });
        sentinel
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The server itself: to be killed, paused, asked.
    pub fn server(&mut self) -> &mut Redis {
        &mut self.server
    }

    /// Port of the primary, as it would tell a client now.
    pub fn primary(&self) -> u16 {
        let reply = self.server.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", Self::NAME]);
        reply.texts().pop().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// Waits until another is the primary.
    #[track_caller]
    pub fn failed_over_to(&self, replica: &Redis) {
        until("another primary", PATIENCE, || {
            (self.primary() == replica.port() && replica.info("role") == "master").then_some(())
        });
    }

    /// Waits until it knows so many others that watch the same primary.
    #[track_caller]
    pub fn knows_others(&self, count: usize) {
        until("the other sentinels", PATIENCE, || {
            (self.field("num-other-sentinels")? == count.to_string()).then_some(())
        });
    }

    /// What it knows of the primary.
    fn field(&self, name: &str) -> Option<String> {
        let reply = self.server.command(&["SENTINEL", "MASTER", Self::NAME]);
        let Reply::List(_) = reply else { return None };
        let mut words = reply.texts().into_iter();
        words.find(|word| word == name)?;
        words.next()
    }
}
