//! The real Postfix, unpacked by `cargo xtask peers`, in a mount namespace with users of its own.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::postfix_settings::{
    DROP_ID, MAIL_ID, POSTFIX_ID, Ports, REALM, START, group, main_cf, master_cf, passwd, replaced, sasl,
};
use crate::{Certificate, free_port, until};

const PATIENCE: Duration = Duration::from_secs(30);

/// Where the peers were unpacked.
///
/// # Panics
/// They are missing: a test with real peers fails, it never skips.
pub fn peers() -> PathBuf {
    let path = std::env::var_os("POSTRIDER_PEERS").map(PathBuf::from);
    let path = path.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers"));
    let found = path.join("stamp").exists();
    assert!(found, "no peers in {}: run `cargo xtask peers` as root", path.display());
    path.canonicalize().expect("it exists")
}

/// A running Postfix that refuses refused@example.org, puts off later@example.org and takes nothing from
/// banned@example.com; its processes end when it is dropped.
#[derive(Debug)]
pub struct Postfix {
    folder: TempDir,
    master: Child,
    ports: Ports,
}

/// A mail in the maildir, Postfix's own trace lines taken off and CRLF put back.
#[derive(Debug, Clone)]
pub struct Delivered {
    pub from: String,
    pub to: String,
    pub bytes: Vec<u8>,
    /// How Postfix says it came: its `Received` field.
    pub received: String,
}

impl Postfix {
    pub const USER: &str = "user@example.net";
    pub const PASSWORD: &str = "a b:c'd%=";

    pub fn start() -> Self {
        Self::start_with("")
    }

    /// With further lines for `main.cf`, which replace its own.
    pub fn start_with(settings: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let ports = Ports { smtp: free_port(), smtps: free_port(), submission: free_port() };
        let peers = peers();
        lay_out(folder.path(), ports, settings);
        add_user(folder.path(), &peers.join("sasl"));
        let out = fs::File::create(folder.path().join("master.out")).expect("a writable folder");
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-e", "-c", START, "sh"])
            .arg(folder.path())
            .arg(peers.join("postfix"));
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("MAIL_CONFIG", folder.path().join("conf"))
            .env("LD_LIBRARY_PATH", folder.path().join("package/usr/lib/postfix"))
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a file"))
            .stderr(out)
            .process_group(0);
        let postfix = Postfix { master: command.spawn().expect("unshare starts"), folder, ports };
        for port in [ports.smtp, ports.submission] {
            until("Postfix's greeting", PATIENCE, || greets(port).then_some(()));
        }
        postfix
    }

    /// Plain, no sign-in needed.
    pub fn smtp_port(&self) -> u16 {
        self.ports.smtp
    }

    /// TLS at once, sign-in needed.
    pub fn smtps_port(&self) -> u16 {
        self.ports.smtps
    }

    /// STARTTLS and sign-in needed.
    pub fn submission_port(&self) -> u16 {
        self.ports.submission
    }

    /// Plain, on a socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("queue/public/door")
    }

    /// The certificate of both TLS listeners, its own authority.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("conf/cert.pem")
    }

    pub fn log(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        format!("{}{}", read("master.out"), read("mail/log"))
    }

    /// Everything delivered so far, in no order.
    pub fn mails(&self) -> Vec<Delivered> {
        let Ok(entries) = fs::read_dir(self.folder.path().join("mail/inbox/new")) else { return Vec::new() };
        entries.map(|entry| parse(&fs::read(entry.expect("a file").path()).expect("readable"))).collect()
    }

    /// Waits for the mail to one recipient.
    #[track_caller]
    pub fn mail_to(&self, recipient: &str) -> Delivered {
        until(&format!("the mail to {recipient} in Postfix's maildir"), PATIENCE, || {
            self.mails().into_iter().find(|mail| mail.to == recipient)
        })
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("log of Postfix:\n{}", self.log());
        }
        let group = Pid::from_child(&self.master);
        for signal in [Signal::TERM, Signal::KILL] {
            // gone already is what is wanted
            let _gone = kill_process_group(group, signal).is_err();
            if signal == Signal::TERM {
                self.master.wait().expect("our child");
            }
        }
    }
}

pub(crate) fn greets(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut line = String::new();
    if stream.set_read_timeout(Some(PATIENCE)).is_err() {
        return false;
    }
    let read = BufReader::new(&stream).read_line(&mut line);
    read.is_ok() && line.starts_with("220") && stream.write_all(b"QUIT\r\n").is_ok()
}

/// The folders of a Postfix, with the owners it wants.
pub(crate) fn folders(folder: &Path) {
    let make = |name: &str, mode: u32, owner: u32, group: u32| {
        let path = folder.join(name);
        fs::create_dir_all(&path).expect("a writable folder");
        chown(&path, Some(owner), Some(group)).expect("root is needed to give files to Postfix");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("our folder");
    };
    fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("our folder");
    for name in ["etc", "conf", "conf/sasl", "package", "queue", "queue/pid"] {
        make(name, 0o755, 0, 0);
    }
    let queues = "active bounce corrupt defer deferred flush hold incoming private saved trace";
    for name in queues.split(' ') {
        make(&format!("queue/{name}"), 0o700, POSTFIX_ID, 0);
    }
    make("queue/maildrop", 0o730, POSTFIX_ID, DROP_ID);
    make("queue/public", 0o710, POSTFIX_ID, DROP_ID);
    make("state", 0o755, POSTFIX_ID, POSTFIX_ID);
    make("mail", 0o755, MAIL_ID, MAIL_ID);
}

fn lay_out(folder: &Path, ports: Ports, settings: &str) {
    folders(folder);
    let write = |name: &str, text: String| fs::write(folder.join(name), text).expect("a writable folder");
    write("etc/passwd", passwd());
    write("etc/group", group());
    write("conf/main.cf", replaced(&main_cf(folder), settings));
    write("conf/master.cf", master_cf(ports));
    write("conf/sasl/smtpd.conf", sasl(folder));
    Certificate::new().write(&folder.join("conf"));
}

fn add_user(folder: &Path, package: &Path) {
    let (user, base) = (Postfix::USER.split('@').next().unwrap_or(""), folder.join("conf/sasl/users"));
    let mut command = Command::new(package.join("usr/sbin/saslpasswd2"));
    command.args(["-p", "-c", "-u", REALM, "-f"]).arg(&base).arg(user).stdin(Stdio::piped());
    let mut child = command.spawn().expect("saslpasswd2 starts");
    child.stdin.take().expect("piped").write_all(Postfix::PASSWORD.as_bytes()).expect("it reads");
    assert!(child.wait().expect("our child").success(), "saslpasswd2 makes the user");
    chown(&base, Some(POSTFIX_ID), Some(POSTFIX_ID)).expect("our file");
}

/// Takes off Return-Path, X-Original-To, Delivered-To and the first Received, which Postfix put on top.
fn parse(file: &[u8]) -> Delivered {
    let mut mail =
        Delivered { from: String::new(), to: String::new(), bytes: Vec::new(), received: String::new() };
    let mut lines = file.split_inclusive(|&byte| byte == b'\n').peekable();
    while let Some(line) = lines.next_if(|_| mail.received.is_empty()) {
        let mut field = String::from_utf8_lossy(line).into_owned();
        while let Some(more) = lines.next_if(|line| line.starts_with(b"\t") || line.starts_with(b" ")) {
            field.push_str(&String::from_utf8_lossy(more));
        }
        let (name, value) = field.split_once(':').expect("a field of Postfix's");
        let value = value.trim().trim_start_matches('<').trim_end_matches('>').to_owned();
        match name {
            "Return-Path" => mail.from = value,
            "X-Original-To" => mail.to = value,
            "Received" => mail.received = value,
            _ => assert_eq!(name, "Delivered-To", "a field Postfix puts before its Received"),
        }
    }
    for line in lines {
        mail.bytes.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        mail.bytes.extend_from_slice(b"\r\n");
    }
    mail
}
