//! The two directions of a connection over a [`Link`](crate::Link).

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;

use crate::link::{Fate, Shared};

const CHUNK: usize = 64 * 1024;
/// Octets kept of what went before, to find words that came in two pieces.
pub(crate) const MEMORY: usize = 64;

/// Both ends of a connection.
#[derive(Debug)]
pub(crate) struct Pair {
    client: TcpStream,
    server: TcpStream,
    /// What the server says from now on is lost. Held while a request that is to be lost so is on its way.
    mute: Mutex<bool>,
}

impl Pair {
    pub(crate) fn new(client: TcpStream, server: TcpStream) -> io::Result<Self> {
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        Ok(Pair { client, server, mute: Mutex::new(false) })
    }

    /// Both sides see it end.
    pub(crate) fn end(&self) {
        for stream in [&self.client, &self.server] {
            // gone already is what is wanted
            let _gone = stream.shutdown(Shutdown::Both).is_err();
        }
    }

    /// The client sees it end; the server is read to its end, so that it does all it was asked.
    fn lose(&self) -> io::Result<()> {
        self.client.shutdown(Shutdown::Both)?;
        self.server.shutdown(Shutdown::Write)?;
        io::copy(&mut &self.server, &mut io::sink()).map(drop)
    }
}

/// From the client to the server.
pub(crate) fn up(shared: &Shared, pair: &Pair) {
    // an error is the end of the connection
    let _ended = carry_up(shared, pair).is_err();
    shared.pass();
    let _gone = pair.server.shutdown(Shutdown::Write).is_err();
}

fn carry_up(shared: &Shared, pair: &Pair) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    let mut seen = Vec::new();
    loop {
        let length = (&pair.client).read(&mut chunk)?;
        if length == 0 {
            return Ok(());
        }
        shared.pass();
        let new = seen.len();
        seen.extend_from_slice(&chunk[..length]);
        match shared.asked(&seen, new) {
            Fate::Pass => (&pair.server).write_all(&chunk[..length])?,
            Fate::Unanswered => {
                let mut mute = pair.mute.lock().expect("no panic under the lock");
                *mute = true;
                (&pair.server).write_all(&chunk[..length])?;
            }
            Fate::Lost => pair.end(),
        }
        seen.drain(..seen.len().saturating_sub(MEMORY));
    }
}

/// From the server to the client.
pub(crate) fn down(shared: &Shared, pair: &Pair) {
    // an error is the end of the connection
    let _ended = carry_down(shared, pair).is_err();
    shared.pass();
    pair.end();
}

fn carry_down(shared: &Shared, pair: &Pair) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = (&pair.server).read(&mut chunk)?;
        if length == 0 {
            return Ok(());
        }
        shared.pass();
        if *pair.mute.lock().expect("no panic under the lock") {
            return pair.lose();
        }
        let passing = shared.answered(length);
        (&pair.client).write_all(&chunk[..passing])?;
        if passing < length {
            return pair.lose();
        }
    }
}
