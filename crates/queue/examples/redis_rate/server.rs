//! The Redis that is measured.

use std::path::Path;
use testkit::{Flavour, Redis};

pub(crate) struct Server {
    pub(crate) redis: Redis,
}

impl Server {
    pub(crate) fn start(folder: &Path, flavour: Flavour) -> Self {
        // No rewrite of the log in the middle of a measurement.
        Self { redis: Redis::within(folder, flavour, "auto-aof-rewrite-percentage 0") }
    }

    /// Seconds of processor it has used.
    pub(crate) fn cpu(&self) -> f64 {
        ["used_cpu_user", "used_cpu_sys"].into_iter().map(|field| self.number(field)).sum()
    }

    pub(crate) fn memory(&self) -> f64 {
        self.number("used_memory")
    }

    /// Octets of its log.
    pub(crate) fn written(&self) -> f64 {
        self.number("aof_current_size")
    }

    fn number(&self, field: &str) -> f64 {
        self.redis.info(field).parse().unwrap()
    }
}
