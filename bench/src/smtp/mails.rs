//! The mails all clients send: rendered before, 7.3 KB each, some lines begin with a dot.

use anyhow::Result;
use bytes::Bytes;
use std::path::Path;

pub const FROM: &str = "bench@example.com";
pub const TO: &str = "sink@example.org";
/// Different mails; after the last the first comes again.
pub const POOL: usize = 32;

/// Header and body.
pub fn parts(n: usize) -> [Bytes; 2] {
    let n = n % POOL;
    let header = format!(
        "From: Bench <{FROM}>\r\nTo: <{TO}>\r\nSubject: Number {n}\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n\
         Message-ID: <{n}.bench@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    );
    let mut body = String::new();
    for line in 0..100 {
        let mark = if line % 20 == 0 { "." } else { "" };
        body.push_str(&format!(
            "{mark}{n:03} {line:03} a line of prose as mails have them, seventy octets long\r\n"
        ));
    }
    [header.into(), body.into()]
}

pub fn whole(n: usize) -> Vec<u8> {
    parts(n).concat()
}

/// For the clients that are no Rust.
pub fn write(folder: &Path) -> Result<()> {
    for n in 0..POOL {
        std::fs::write(folder.join(format!("{n}.eml")), whole(n))?;
    }
    Ok(())
}
