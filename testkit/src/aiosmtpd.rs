//! The real aiosmtpd, fetched by `cargo xtask peers`: the server of many a Python program and its tests.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::postfix::greets;
use crate::{Certificate, Taken, free_port, peers, until};

const PATIENCE: Duration = Duration::from_secs(30);
const PROGRAM: &str = include_str!("aiosmtpd.py");

/// A running aiosmtpd that refuses refused@example.org; it ends when dropped.
#[derive(Debug)]
pub struct Aiosmtpd {
    folder: TempDir,
    python: Child,
    port: u16,
    tls_port: u16,
}

impl Aiosmtpd {
    pub const USER: &str = "user";
    pub const PASSWORD: &str = "a b,c=d%";

    pub fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        fs::create_dir(folder.path().join("mail")).expect("a writable folder");
        Certificate::new().write(folder.path());
        let (port, tls_port) = (free_port(), free_port());
        let out = fs::File::create(folder.path().join("out")).expect("a writable folder");
        let mut command = Command::new("python3");
        command.args(["-c", PROGRAM]).arg(folder.path()).args([port, tls_port].map(|port| port.to_string()));
        command
            .args([Self::USER, Self::PASSWORD])
            .env("PYTHONPATH", peers().join("python"))
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a file"))
            .stderr(out);
        let python = command.spawn().expect("python3 starts");
        let server = Aiosmtpd { folder, python, port, tls_port };
        until("aiosmtpd's greeting", PATIENCE, || greets(port).then_some(()));
        server
    }

    /// Plain or with STARTTLS, no sign-in needed.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// TLS at once, sign-in needed.
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// Its certificate, its own authority.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("out")).unwrap_or_default()
    }

    /// Everything taken so far, a copy for each recipient.
    pub fn mails(&self) -> Vec<Taken> {
        let entries = fs::read_dir(self.folder.path().join("mail")).expect("our folder");
        let files = entries.map(|entry| fs::read(entry.expect("a file").path()).expect("readable"));
        files.flat_map(|file| parse(&file)).collect()
    }
}

impl Drop for Aiosmtpd {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("log of aiosmtpd:\n{}", self.log());
        }
        self.python.kill().expect("our child");
        self.python.wait().expect("our child");
    }
}

fn parse(file: &[u8]) -> Vec<Taken> {
    let end = file.iter().position(|&byte| byte == b'\n').expect("a line of JSON");
    let envelope: serde_json::Value = serde_json::from_slice(&file[..end]).expect("JSON");
    let from = envelope["from"].as_str().expect("a sender");
    let to = envelope["to"].as_array().expect("recipients").iter();
    let to = to.map(|to| to.as_str().expect("an address"));
    to.map(|to| Taken { from: from.into(), to: to.into(), bytes: file[end + 1..].to_vec() }).collect()
}
