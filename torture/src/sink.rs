//! The relay of a run: takes every mail, a little slowly so that some are always under way, and notes it
//! before it answers.

use crate::chance::Chance;
use crate::ledger::Ledger;
use crate::wait::pause;
use anyhow::Result;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// The usual time, in microseconds, that it takes at most before and after it notes a mail.
pub(crate) const QUICK: u64 = 3_000;

/// Listens for as long as the process lives; returns the port.
pub(crate) fn open(ledger: &Arc<Ledger>, seed: u64, slow: u64) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let ledger = Arc::clone(ledger);
    std::thread::spawn(move || {
        for (number, stream) in (0..).zip(listener.incoming()) {
            let (Ok(stream), ledger) = (stream, Arc::clone(&ledger)) else { continue };
            // A client that is killed breaks its connection: that is the test.
            std::thread::spawn(move || session(&stream, &ledger, Chance::new(seed ^ number), slow));
        }
    });
    Ok(port)
}

const HELLO: &str =
    "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-CHUNKING\r\n250 ENHANCEDSTATUSCODES\r\n";
const OK: &str = "250 2.0.0 Ok\r\n";

fn session(stream: &TcpStream, ledger: &Ledger, mut chance: Chance, slow: u64) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    let (mut line, mut message, mut by) = (String::new(), Vec::new(), 0);
    writer.write_all(b"220 sink\r\n")?;
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let verb = words.first().map(|verb| verb.to_ascii_uppercase()).unwrap_or_default();
        match verb.as_str() {
            "EHLO" => {
                by = words.get(1).map_or(0, |name| number(name));
                writer.write_all(HELLO.as_bytes())?;
            }
            "DATA" => {
                writer.write_all(b"354 go on\r\n")?;
                message = dotted(&mut reader)?;
                take(&mut message, ledger, by, &mut chance, slow);
                writer.write_all(OK.as_bytes())?;
            }
            "BDAT" => {
                let size =
                    words.get(1).and_then(|size| size.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
                let read = reader.by_ref().take(size).read_to_end(&mut message)?;
                if (read as u64) < size {
                    return Ok(());
                }
                if words.get(2).is_some() {
                    take(&mut message, ledger, by, &mut chance, slow);
                }
                writer.write_all(OK.as_bytes())?;
            }
            "QUIT" => return writer.write_all(b"221 2.0.0 Bye\r\n"),
            "RSET" => {
                message.clear();
                writer.write_all(OK.as_bytes())?;
            }
            _ => writer.write_all(OK.as_bytes())?,
        }
    }
}

/// The node that greets so: `node2.example` is 2.
fn number(name: &str) -> usize {
    let digits = name.strip_prefix("node").and_then(|rest| rest.split('.').next());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn take(message: &mut Vec<u8>, ledger: &Ledger, by: usize, chance: &mut Chance, slow: u64) {
    pause(Duration::from_micros(chance.within(0, slow)));
    ledger.deliver(&String::from_utf8_lossy(message), by);
    pause(Duration::from_micros(chance.within(0, slow)));
    message.clear();
}

/// Reads up to the lone dot.
fn dotted(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let (mut message, mut line) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == b".\r\n" {
            return Ok(message);
        }
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}
