//! Runs a target over mutated inputs, and says which input broke it.

use crate::mutate::Pool;
use crate::targets::Target;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// An input that takes longer than this, three times in a row, is a finding.
const SLOW: Duration = Duration::from_millis(500);
/// An input that takes longer than this never ends.
const STUCK: Duration = Duration::from_secs(30);

/// What went wrong, and with which input.
#[derive(Debug)]
pub struct Finding {
    pub what: String,
    pub input: Vec<u8>,
}

/// Runs one input; the panic's message when it breaks a promise.
pub fn once(target: &Target, input: &[u8]) -> Result<(), Finding> {
    catch_unwind(AssertUnwindSafe(|| (target.body)(input))).map_err(|panic| {
        let what = panic.downcast_ref::<String>().cloned();
        let what = what.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        Finding { what: what.unwrap_or_else(|| "it panicked".to_owned()), input: input.to_vec() }
    })
}

/// Runs `count` mutations of the corpus.
pub fn by_count(target: &Target, corpus: Vec<Vec<u8>>, seed: u64, count: usize) -> Result<(), Finding> {
    let mut pool = Pool::new(corpus, target.words, seed);
    (0..count).try_for_each(|_| once(target, &pool.next_input()))
}

/// Runs mutations until `time` is over; how many ran. `stuck` is called with an input that does not end.
pub fn by_time(
    target: &Target,
    corpus: Vec<Vec<u8>>,
    seed: u64,
    time: Duration,
    stuck: impl FnMut(Vec<u8>) + Send,
) -> Result<u64, Finding> {
    std::thread::scope(|scope| {
        let (told, heard) = mpsc::channel();
        scope.spawn(move || watch(&heard, stuck));
        run(target, Pool::new(corpus, target.words, seed), time, &told)
    })
}

fn run(target: &Target, mut pool: Pool, time: Duration, told: &Sender<Vec<u8>>) -> Result<u64, Finding> {
    let start = Instant::now();
    let mut ran = 0;
    while start.elapsed() < time {
        let input = pool.next_input();
        // The watcher is gone only when this function has returned.
        told.send(input.clone()).ok();
        let slow = || {
            let begin = Instant::now();
            once(target, &input).map(|()| begin.elapsed() > SLOW)
        };
        if slow()? && slow()? && slow()? {
            return Err(Finding { what: format!("it takes longer than {SLOW:?}"), input });
        }
        ran += 1;
    }
    Ok(ran)
}

fn watch(heard: &mpsc::Receiver<Vec<u8>>, mut stuck: impl FnMut(Vec<u8>)) {
    let mut last = Vec::new();
    loop {
        match heard.recv_timeout(STUCK) {
            Ok(input) => last = input,
            Err(RecvTimeoutError::Timeout) => stuck(std::mem::take(&mut last)),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
