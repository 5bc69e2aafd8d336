//! The wall clock as an argument.

use jiff::Timestamp;
use std::time::Duration;

/// Where long loops read the time; the server passes the real one, tests a manual one.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment, which nobody can set: what `now` gained beyond it is a jump of the
    /// wall clock. `None`: there is no such source, and every step of `now` is believed.
    fn steady(&self) -> Option<Duration> {
        None
    }
}
