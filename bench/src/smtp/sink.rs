//! A server that takes everything with as little work as can be: a thread a connection, a reply buffer, no copy.

use memchr::memmem;
use rustls::{ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

const READ: usize = 128 * 1024;
const HELLO: &[u8] = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 50000000\r\n";
const OK: &[u8] = b"250 2.0.0 Ok\r\n";

#[derive(Default)]
pub struct Sink {
    port: u16,
    /// Acknowledges at once; otherwise as the system does, which lets a small last packet wait.
    quick: bool,
    tls: Option<Arc<rustls::ServerConfig>>,
    count: AtomicU64,
    keeps: AtomicBool,
    kept: Mutex<Vec<Vec<u8>>>,
}

impl Sink {
    pub fn start(quick: bool, tls: Option<Arc<rustls::ServerConfig>>) -> io::Result<Arc<Self>> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let sink = Arc::new(Self { port, quick, tls, ..Self::default() });
        let shared = Arc::clone(&sink);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sink = Arc::clone(&shared);
                // a client that goes away ends its thread
                std::thread::spawn(move || sink.serve(stream).ok());
            }
        });
        Ok(sink)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    pub fn keep(&self, keep: bool) {
        self.keeps.store(keep, Ordering::SeqCst);
    }

    /// The mails kept, dots taken off.
    pub fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.kept.lock().expect("no panic under the lock"))
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let socket = stream.try_clone()?;
        match &self.tls {
            None => self.session(stream, &socket),
            Some(config) => {
                let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                self.session(StreamOwned::new(connection, stream), &socket)
            }
        }
    }

    fn session(&self, mut stream: impl Read + Write, socket: &TcpStream) -> io::Result<()> {
        let (mut input, mut at, mut filled) = (vec![0; READ], 0, 0);
        let mut out = b"220 sink ESMTP\r\n".to_vec();
        let mut state = State::Command;
        loop {
            while let Some(used) = self.step(&mut state, &input[at..filled], &mut out) {
                at += used;
            }
            if !out.is_empty() {
                stream.write_all(&out)?;
                stream.flush()?;
                out.clear();
            }
            if let State::End = state {
                return Ok(());
            }
            input.copy_within(at..filled, 0);
            (filled, at) = (filled - at, 0);
            if input.len() - filled < READ / 2 {
                input.resize(input.len() * 2, 0);
            }
            if self.quick {
                rustix::net::sockopt::set_tcp_quickack(socket, true)?;
            }
            match stream.read(&mut input[filled..])? {
                0 => return Ok(()),
                read => filled += read,
            }
        }
    }

    /// One command or text; `None`: more octets are needed.
    fn step(&self, state: &mut State, input: &[u8], out: &mut Vec<u8>) -> Option<usize> {
        match *state {
            State::End => None,
            State::Chunk(size) => {
                let text = input.get(..size)?;
                let kept = self.keeps.load(Ordering::Relaxed);
                self.took(if kept { text.to_vec() } else { Vec::new() });
                out.extend_from_slice(OK);
                *state = State::Command;
                Some(size)
            }
            State::Text => {
                let end = memmem::find(input, b"\r\n.\r\n")?;
                if self.keeps.load(Ordering::Relaxed) {
                    self.took(unstuffed(&input[..end + 2]));
                } else {
                    self.took(Vec::new());
                }
                out.extend_from_slice(OK);
                *state = State::Command;
                Some(end + 5)
            }
            State::Command => {
                let end = memchr::memchr(b'\n', input)? + 1;
                let line = &input[..end];
                match line.get(..4).unwrap_or_default() {
                    b"EHLO" | b"HELO" => out.extend_from_slice(HELLO),
                    b"DATA" => {
                        out.extend_from_slice(b"354 go on\r\n");
                        *state = State::Text;
                    }
                    b"BDAT" => {
                        let size = std::str::from_utf8(line).ok()?.split_ascii_whitespace().nth(1)?;
                        *state = State::Chunk(size.parse().ok()?);
                    }
                    b"QUIT" => {
                        out.extend_from_slice(b"221 2.0.0 Bye\r\n");
                        *state = State::End;
                    }
                    _ => out.extend_from_slice(OK),
                }
                Some(end)
            }
        }
    }

    fn took(&self, text: Vec<u8>) {
        self.count.fetch_add(1, Ordering::SeqCst);
        if self.keeps.load(Ordering::Relaxed) {
            self.kept.lock().expect("no panic under the lock").push(text);
        }
    }
}

enum State {
    Command,
    Text,
    Chunk(usize),
    End,
}

fn unstuffed(text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    lines.flat_map(|line| line.strip_prefix(b".").unwrap_or(line)).copied().collect()
}
