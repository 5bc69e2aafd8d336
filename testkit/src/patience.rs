//! Waiting for other programs: asked again in short steps, given up loudly.

use std::net::TcpListener;
use std::time::{Duration, Instant};

const STEP: Duration = Duration::from_millis(20);

/// Asks until there is an answer; panics with `what` once `limit` has passed.
/// For the outside only (a port that opens, a file that appears), where no event can be awaited.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(STEP);
    }
}

/// A loopback port nobody listens on now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("it is bound").port()
}
