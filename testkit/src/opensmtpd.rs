//! The real OpenSMTPD, unpacked by `cargo xtask peers`, in a mount namespace with users and a `/var` of its own:
//! its paths are built into it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::postfix::greets;
use crate::{Certificate, Taken, free_port, peers, until};

const PATIENCE: Duration = Duration::from_secs(30);
const DAEMON_ID: u32 = 12_521;
const QUEUE_ID: u32 = 12_522;
const BOX_ID: u32 = 12_523;
/// crypt(3) of [`OpenSmtpd::PASSWORD`], as `smtpctl encrypt` makes it.
const HASH: &str = "$6$oHkwuanerXly8uly$MrpgOK89diI6o1g7yMVYnyXyd0uZD3sf/gqFi48nztk3ehLsSC3Qa8WsUdr5lqrnEfmnYwN5Vl3xDPi2O02XD1";

/// Runs inside the namespaces as `sh -e -c SCRIPT sh FOLDER PACKAGE`. The package brings a C library newer than
/// the system's, so it is laid over `/usr` whole.
pub(crate) const START: &str = "\
hostname mx.example.net
mount --bind \"$1/passwd\" /etc/passwd
mount --bind \"$1/group\" /etc/group
mount --bind \"$1/var\" /var
mount -t overlay overlay -o \"lowerdir=$2/usr:/usr\" /usr
exec /usr/sbin/smtpd -d -f \"$1/smtpd.conf\"
";

/// A running OpenSMTPD that refuses refused@example.org, puts off later@example.org and takes nothing from
/// banned@example.com; its processes end when it is dropped.
#[derive(Debug)]
pub struct OpenSmtpd {
    folder: TempDir,
    daemon: Child,
    port: u16,
    tls_port: u16,
}

impl OpenSmtpd {
    pub const USER: &str = "user";
    pub const PASSWORD: &str = "a b,c=d%";

    pub fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let (port, tls_port) = (free_port(), free_port());
        lay_out(folder.path(), port, tls_port);
        let out = fs::File::create(folder.path().join("out")).expect("a writable folder");
        let mut command = Command::new("unshare");
        command.args(["--mount", "--uts", "sh", "-e", "-c", START, "sh"]);
        command.arg(folder.path()).arg(peers().join("opensmtpd"));
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a file"))
            .stderr(out)
            .process_group(0);
        let server = OpenSmtpd { daemon: command.spawn().expect("unshare starts"), folder, port, tls_port };
        until("OpenSMTPD's greeting", PATIENCE, || greets(port).then_some(()));
        server
    }

    /// Plain, or STARTTLS and then a sign-in for those who like; none is needed.
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

    /// Everything delivered so far, in no order.
    pub fn mails(&self) -> Vec<Taken> {
        let Ok(entries) = fs::read_dir(self.folder.path().join("mail/inbox/new")) else { return Vec::new() };
        entries.map(|entry| parse(&fs::read(entry.expect("a file").path()).expect("readable"))).collect()
    }
}

impl Drop for OpenSmtpd {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("log of OpenSMTPD:\n{}", self.log());
        }
        let group = Pid::from_child(&self.daemon);
        for signal in [Signal::TERM, Signal::KILL] {
            // gone already is what is wanted
            let _gone = kill_process_group(group, signal).is_err();
            if signal == Signal::TERM {
                self.daemon.wait().expect("our child");
            }
        }
    }
}

/// The folders of an OpenSMTPD, with the owners it wants, and its users.
pub(crate) fn folders(folder: &Path) {
    let make = |name: &str, mode: u32, owner: u32| {
        let path = folder.join(name);
        fs::create_dir_all(&path).expect("a writable folder");
        chown(&path, Some(owner), Some(owner)).expect("root is needed to give files to OpenSMTPD");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("our folder");
    };
    fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("our folder");
    for name in ["var", "var/run", "var/tmp", "var/lib/opensmtpd/empty"] {
        make(name, 0o755, 0);
    }
    make("var/spool/smtpd", 0o711, 0);
    make("mail", 0o755, BOX_ID);
    fs::write(folder.join("passwd"), passwd()).expect("a writable folder");
    fs::write(folder.join("group"), group()).expect("a writable folder");
}

fn lay_out(folder: &Path, port: u16, tls_port: u16) {
    folders(folder);
    let write = |name: &str, text: String| fs::write(folder.join(name), text).expect("a writable folder");
    write("users", format!("{} {HASH}\n", OpenSmtpd::USER));
    write("smtpd.conf", settings(folder, port, tls_port));
    let (_, key) = Certificate::new().write(folder);
    fs::set_permissions(key, Permissions::from_mode(0o600)).expect("our file");
}

fn passwd() -> String {
    format!(
        "root:x:0:0::/:/bin/sh\nopensmtpd:x:{DAEMON_ID}:{DAEMON_ID}::/:/bin/false\n\
         opensmtpq:x:{QUEUE_ID}:{QUEUE_ID}::/:/bin/false\nvmail:x:{BOX_ID}:{BOX_ID}::/:/bin/sh\n"
    )
}

fn group() -> String {
    format!("root:x:0:\nopensmtpd:x:{DAEMON_ID}:\nopensmtpq:x:{QUEUE_ID}:\nvmail:x:{BOX_ID}:\n")
}

/// Every recipient of every domain but two goes into one maildir.
fn settings(folder: &Path, port: u16, tls_port: u16) -> String {
    let at = folder.display();
    format!(
        "pki mx.example.net cert \"{at}/cert.pem\"
pki mx.example.net key \"{at}/key.pem\"
table who file:{at}/users
table nobody {{ \"refused@example.org\" }}
table all {{ \"@\" = \"vmail\" }}
table away {{ \"later@example.org\" }}
table banned {{ \"banned@example.com\" }}
filter stop phase mail-from match mail-from <banned> reject \"550 5.7.1 not from you\"
filter unknown phase rcpt-to match rcpt-to <nobody> reject \"550 5.1.1 nobody of that name\"
filter defer phase rcpt-to match rcpt-to <away> reject \"451 4.2.1 come again\"
filter refuse chain {{ stop, unknown, defer }}
listen on 127.0.0.1 port {port} tls pki mx.example.net auth-optional <who> filter refuse
listen on 127.0.0.1 port {tls_port} smtps pki mx.example.net auth <who> filter refuse
action inbox maildir \"{at}/mail/inbox\" virtual <all>
match from any for any action inbox
"
    )
}

/// OpenSMTPD writes Return-Path and Delivered-To on top.
fn parse(file: &[u8]) -> Taken {
    let mut lines = file.splitn(3, |&byte| byte == b'\n');
    let mut field = |name: &str| {
        let line = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let value = line.strip_prefix(name).unwrap_or_else(|| panic!("{name} expected in {line:?}"));
        value.trim_matches([' ', '<', '>']).to_owned()
    };
    let (from, to) = (field("Return-Path:"), field("Delivered-To:"));
    Taken { from, to, bytes: lines.next().unwrap_or_default().to_vec() }
}
