//! Waiting for other programs: asked again in short steps, given up as an error.

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

const STEP: Duration = Duration::from_millis(5);

/// Asks until there is an answer.
pub(crate) fn until<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if start.elapsed() > limit {
            bail!("not within {limit:?}: {what}");
        }
        pause(STEP);
    }
}

/// The moment of a fault is by time, as the fault is no answer to anything.
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
