//! The wall clock as an argument.

use jiff::Timestamp;

/// Where long loops read the time; the server passes the real one, tests a manual one.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
}
