//! The real Dovecot, unpacked by `cargo xtask peers`, in a mount namespace with users of its own: LMTP over TCP
//! and a unix socket, submission with STARTTLS and with TLS from the start, and its many SASL mechanisms.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;
use tempfile::TempDir;

use crate::dovecot_settings::{BOX_ID, Ports, START, conf, group, oauth2, passwd, users};
use crate::postfix::{greets, peers};
use crate::{Certificate, free_port, until};

const PATIENCE: Duration = Duration::from_secs(30);
const TOKEN_KEY: &[u8] = b"a key for the tokens of the tests";

/// A running Dovecot; its processes end when it is dropped.
#[derive(Debug)]
pub struct Dovecot {
    folder: TempDir,
    master: Child,
    ports: Ports,
}

/// A mail in a mailbox, Dovecot's own trace lines taken off and CRLF put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Of its `Return-Path`.
    pub from: String,
    pub bytes: Vec<u8>,
}

impl Dovecot {
    /// A user; `ada`, `bob` and `r0` to `r199` are others. The mailbox of `full` takes nothing.
    pub const USER: &str = "user@example.net";
    /// Of all users.
    pub const PASSWORD: &str = "a b/c'd%=";

    /// Submission has no relay behind it: who signed in is then let go.
    pub fn start() -> Self {
        Self::before(free_port())
    }

    /// Submission hands mail on to a relay, plain, on this port of the loopback.
    pub fn before(relay: u16) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let ports = Ports { lmtp: free_port(), submission: free_port(), submissions: free_port(), relay };
        lay_out(folder.path(), ports);
        let out = fs::File::create(folder.path().join("master.out")).expect("a writable folder");
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-e", "-c", START, "sh"])
            .arg(folder.path())
            .arg(peers().join("dovecot"))
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a file"))
            .stderr(out)
            .process_group(0);
        let dovecot = Dovecot { master: command.spawn().expect("unshare starts"), folder, ports };
        for port in [ports.lmtp, ports.submission] {
            until("Dovecot's greeting", PATIENCE, || greets(port).then_some(()));
        }
        dovecot
    }

    /// LMTP, plain.
    pub fn lmtp_port(&self) -> u16 {
        self.ports.lmtp
    }

    /// LMTP, plain, on a socket.
    pub fn lmtp_socket(&self) -> PathBuf {
        self.folder.path().join("base/lmtp")
    }

    /// STARTTLS and sign-in needed.
    pub fn submission_port(&self) -> u16 {
        self.ports.submission
    }

    /// TLS at once, sign-in needed.
    pub fn submissions_port(&self) -> u16 {
        self.ports.submissions
    }

    /// The certificate of all listeners, its own authority.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// An access token of this user that is good until the year 2100, for XOAUTH2 and OAUTHBEARER.
    pub fn token(user: &str) -> String {
        token(user, 4_102_444_800)
    }

    /// A token of this user that is no longer good.
    pub fn stale_token(user: &str) -> String {
        token(user, 1_000_000_000)
    }

    pub fn log(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        format!("{}{}", read("master.out"), read("log"))
    }

    /// What the mailbox of `name@example.net` holds, in no order.
    pub fn mailbox(&self, name: &str) -> Vec<Stored> {
        let home = self.folder.path().join("mail").join(name);
        let Ok(entries) = fs::read_dir(home.join("new")) else { return Vec::new() };
        entries.map(|entry| parse(&fs::read(entry.expect("a file").path()).expect("readable"))).collect()
    }

    /// Waits for a mail in a mailbox.
    #[track_caller]
    pub fn mail_to(&self, name: &str) -> Stored {
        until(&format!("a mail in the mailbox of {name}"), PATIENCE, || self.mailbox(name).pop())
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("log of Dovecot:\n{}", self.log());
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

/// A JSON Web Token (RFC 7519) signed with the key Dovecot was given.
fn token(user: &str, expires: u64) -> String {
    let part = |json: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let head = part(json!({"alg": "HS256", "typ": "JWT"}));
    let claims = part(json!({"sub": user, "email": user, "iat": 1_000_000_000 - 60, "exp": expires}));
    let signed = format!("{head}.{claims}");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, TOKEN_KEY), signed.as_bytes());
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
}

fn lay_out(folder: &Path, ports: Ports) {
    fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("our folder");
    for name in ["etc", "base", "state", "mail", "keys/default/HS256"] {
        fs::create_dir_all(folder.join(name)).expect("a writable folder");
    }
    chown(folder.join("mail"), Some(BOX_ID), Some(BOX_ID)).expect("root is needed to give files to Dovecot");
    let write = |name: &str, text: String| fs::write(folder.join(name), text).expect("a writable folder");
    write("etc/passwd", passwd());
    write("etc/group", group());
    write("dovecot.conf", conf(folder, ports));
    write("users", users(folder, Dovecot::PASSWORD));
    write("oauth2", oauth2(folder));
    write("keys/default/HS256/default", BASE64_STANDARD.encode(TOKEN_KEY));
    Certificate::new().write(folder);
}

/// Takes off Return-Path, Delivered-To and the first Received, which Dovecot put on top.
fn parse(file: &[u8]) -> Stored {
    let mut mail = Stored { from: String::new(), bytes: Vec::new() };
    let mut lines = file.split_inclusive(|&byte| byte == b'\n').peekable();
    let mut received = false;
    while let Some(line) = lines.next_if(|_| !received) {
        let field = String::from_utf8_lossy(line).into_owned();
        while lines.next_if(|line| line.starts_with(b"\t") || line.starts_with(b" ")).is_some() {}
        let (name, value) = field.split_once(':').expect("a field of Dovecot's");
        match name {
            "Return-Path" => value.trim().trim_matches(['<', '>']).clone_into(&mut mail.from),
            "Received" => received = true,
            _ => assert_eq!(name, "Delivered-To", "a field Dovecot puts before its Received"),
        }
    }
    for line in lines {
        mail.bytes.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        mail.bytes.extend_from_slice(b"\r\n");
    }
    mail
}
