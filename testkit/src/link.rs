//! A network between a client and a server on loopback, for a test to cut, sever, or make lose one reply.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};

use crate::free_port;
use crate::link_pump::{MEMORY, Pair, down, up};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Open,
    Cut,
    Severed,
}

/// What is to go wrong, once.
#[derive(Debug)]
enum Loss {
    /// What the server says after so many more octets.
    After(usize),
    /// What it says to a request with these words in it.
    Reply(Vec<u8>),
    /// A request with these words in it.
    Request(Vec<u8>),
}

/// What becomes of octets from a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Pass,
    /// They go on, and what comes back does not.
    Unanswered,
    Lost,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    loss: Option<Loss>,
    lost: u64,
    listening: bool,
    pairs: Vec<Weak<Pair>>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    port: u16,
    target: u16,
    state: Mutex<State>,
    changed: Condvar,
}

/// A port that leads to another; gone with all its connections when dropped.
#[derive(Debug)]
pub struct Link {
    shared: Arc<Shared>,
}

impl Link {
    /// To a server on this port of the loopback, which need not run yet.
    pub fn to(target: u16) -> Self {
        let state = State { mode: Mode::Open, loss: None, lost: 0, listening: false, pairs: Vec::new() };
        let shared = Shared { port: free_port(), target, state: Mutex::new(state), changed: Condvar::new() };
        let link = Link { shared: Arc::new(shared) };
        link.listen();
        link
    }

    /// Where clients connect to.
    pub fn port(&self) -> u16 {
        self.shared.port
    }

    /// Connections now open.
    pub fn connections(&self) -> usize {
        self.shared.lock().pairs.iter().filter(|pair| pair.strong_count() > 0).count()
    }

    /// How often something was lost, as it was told to.
    pub fn lost(&self) -> u64 {
        self.shared.lock().lost
    }

    /// A partition: connections stay open and new ones are taken, and nothing passes, not even an end. What is said
    /// meanwhile arrives once it is healed.
    pub fn cut(&self) {
        self.shared.set(Mode::Cut);
    }

    /// All connections end now, and new ones are refused until it is healed.
    pub fn sever(&self) {
        let pairs = self.shared.set(Mode::Severed);
        pairs.iter().for_each(|pair| pair.end());
        // whoever waits for a connection looks at the mode when one comes; gone already is what is wanted
        let _woken = TcpStream::connect((Ipv4Addr::LOCALHOST, self.shared.port)).is_ok();
        drop(self.shared.wait(|state| !state.listening));
    }

    /// As in the beginning, with nothing to be lost.
    pub fn heal(&self) {
        self.shared.lock().loss = None;
        self.shared.set(Mode::Open);
        if !self.shared.lock().listening {
            self.listen();
        }
    }

    /// The server's next octets after so many are swallowed, and their connection ends: 0 loses the next reply whole,
    /// more leaves a part of it. All connections count together.
    pub fn lose_reply_after(&self, octets: usize) {
        self.lose(Loss::After(octets));
    }

    /// The next request that has these words in it is done and its connection ends without a reply, nor one to what
    /// was asked before it on that connection and not yet answered.
    pub fn lose_reply_to(&self, words: &str) {
        self.lose(Loss::Reply(wanted(words)));
    }

    /// The next request that has these words in it never arrives, and its connection ends: for the client the same
    /// as a lost reply.
    pub fn lose_request(&self, words: &str) {
        self.lose(Loss::Request(wanted(words)));
    }

    fn lose(&self, loss: Loss) {
        self.shared.lock().loss = Some(loss);
    }

    fn listen(&self) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.shared.port)).expect("our port");
        self.shared.lock().listening = true;
        let shared = Arc::clone(&self.shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if shared.lock().mode == Mode::Severed {
                    break;
                }
                // who cannot be connected finds its connection closed
                let _connected = client.and_then(|client| shared.connect(client)).is_ok();
            }
            drop(listener);
            shared.lock().listening = false;
            shared.changed.notify_all();
        });
    }
}

fn wanted(words: &str) -> Vec<u8> {
    assert!((1..=MEMORY).contains(&words.len()), "words of 1 to {MEMORY} octets");
    words.into()
}

impl Drop for Link {
    fn drop(&mut self) {
        self.sever();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic under the lock")
    }

    fn wait(&self, good: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let state = self.lock();
        self.changed.wait_while(state, |state| !good(state)).expect("no panic under the lock")
    }

    /// Returns the connections there are.
    fn set(&self, mode: Mode) -> Vec<Arc<Pair>> {
        let mut state = self.lock();
        state.mode = mode;
        self.changed.notify_all();
        state.pairs.iter().filter_map(Weak::upgrade).collect()
    }

    fn connect(self: &Arc<Self>, client: TcpStream) -> std::io::Result<()> {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, self.target))?;
        let pair = Arc::new(Pair::new(client, server)?);
        let mut state = self.lock();
        if state.mode == Mode::Severed {
            return Ok(());
        }
        state.pairs.retain(|pair| pair.strong_count() > 0);
        state.pairs.push(Arc::downgrade(&pair));
        drop(state);
        for pump in [up, down] {
            let (shared, pair) = (Arc::clone(self), Arc::clone(&pair));
            std::thread::spawn(move || pump(&shared, &pair));
        }
        Ok(())
    }

    /// Waits while it is cut.
    pub(crate) fn pass(&self) {
        drop(self.wait(|state| state.mode != Mode::Cut));
    }

    /// What becomes of a client's octets from `new` on; words may have begun before.
    pub(crate) fn asked(&self, octets: &[u8], new: usize) -> Fate {
        let has = |words: &[u8]| {
            let start = new.saturating_sub(words.len() - 1);
            octets[start..].windows(words.len()).any(|window| window == words)
        };
        let mut state = self.lock();
        let loss = state.loss.take_if(|loss| match loss {
            Loss::Reply(words) | Loss::Request(words) => has(words),
            Loss::After(_) => false,
        });
        state.lost += u64::from(loss.is_some());
        match loss {
            None => Fate::Pass,
            Some(Loss::Request(_)) => Fate::Lost,
            Some(_) => Fate::Unanswered,
        }
    }

    /// How many of the server's next octets pass; fewer than there are if the rest is lost.
    pub(crate) fn answered(&self, octets: usize) -> usize {
        let mut state = self.lock();
        let Some(Loss::After(left)) = &mut state.loss else { return octets };
        if octets <= *left {
            *left -= octets;
            return octets;
        }
        let passing = *left;
        state.loss = None;
        state.lost += 1;
        passing
    }
}
