//! A line of so many milliseconds: octets go on after half of it, in order. Opening a connection is not delayed.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const READ: usize = 64 * 1024;

/// The port from which all goes to `port` and back, `round_trip` there and back.
pub fn start(port: u16, round_trip: Duration) -> io::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let own = listener.local_addr()?.port();
    let half = round_trip / 2;
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { continue };
            let Ok((near_too, far_too)) = near.try_clone().and_then(|n| Ok((n, far.try_clone()?))) else {
                continue;
            };
            carry(near, far, half);
            carry(far_too, near_too, half);
        }
    });
    Ok(own)
}

fn carry(mut from: TcpStream, mut to: TcpStream, time: Duration) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        let mut buffer = vec![0; READ];
        loop {
            // whoever waits for an acknowledgement waits as long as on a real line, and no longer
            rustix::net::sockopt::set_tcp_quickack(&from, true).ok();
            let Ok(read @ 1..) = from.read(&mut buffer) else { return };
            if sender.send((Instant::now() + time, buffer[..read].to_vec())).is_err() {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        to.set_nodelay(true).ok();
        for (due, octets) in receiver {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&octets).is_err() {
                break;
            }
        }
        to.shutdown(Shutdown::Both).ok();
    });
}
