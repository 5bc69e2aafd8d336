//! The real Exim, unpacked by `cargo xtask peers`, in a mount namespace with users of its own.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::postfix::greets;
use crate::{Certificate, free_port, peers, until};

const PATIENCE: Duration = Duration::from_secs(30);
const EXIM_ID: u32 = 12_511;

/// Runs inside the mount namespace as `sh -e -c SCRIPT sh FOLDER EXIM PORT`.
const START: &str = "\
mount --bind \"$1/passwd\" /etc/passwd
mount --bind \"$1/group\" /etc/group
exec \"$2\" -C \"$1/exim.conf\" -bdf -oX \"127.0.0.1.$3\"
";

/// A running Exim that refuses refused@example.org, puts off later@example.org and takes nothing from
/// banned@example.com; its processes end when it is dropped.
#[derive(Debug)]
pub struct Exim {
    folder: TempDir,
    daemon: Child,
    port: u16,
}

/// A mail in the maildir of Exim or OpenSMTPD, or in the hands of aiosmtpd: the envelope it was taken under, and the
/// text as the server keeps it, with LF in a maildir.
#[derive(Debug, Clone)]
pub struct Taken {
    pub from: String,
    pub to: String,
    /// All that follows the fields of the envelope, first of all the server's `Received` if it writes one.
    pub bytes: Vec<u8>,
}

impl Exim {
    /// May sign in; by the certificate in [`client`](Self::client) too.
    pub const USER: &str = "user";
    pub const PASSWORD: &str = "a b,c=d%";

    pub fn start() -> Self {
        Self::offering(true)
    }

    /// One to which every text goes by DATA.
    pub fn without_chunking() -> Self {
        Self::offering(false)
    }

    fn offering(chunking: bool) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let exim = peers().join("exim/usr/sbin/exim4");
        lay_out(folder.path(), &exim, chunking);
        let port = free_port();
        let out = fs::File::create(folder.path().join("daemon.out")).expect("a writable folder");
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-e", "-c", START, "sh"]);
        command.arg(folder.path()).arg(&exim).arg(port.to_string());
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a file"))
            .stderr(out)
            .process_group(0);
        let exim = Exim { daemon: command.spawn().expect("unshare starts"), folder, port };
        until("Exim's greeting", PATIENCE, || greets(port).then_some(()));
        exim
    }

    /// Its certificate, its own authority.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// Certificate and key of a client that Exim knows.
    pub fn client(&self) -> (PathBuf, PathBuf) {
        let folder = self.folder.path().join("client");
        (folder.join("cert.pem"), folder.join("key.pem"))
    }

    /// Plain or with STARTTLS, no sign-in needed.
    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn log(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        format!("{}{}{}", read("daemon.out"), read("log/mainlog"), read("log/paniclog"))
    }

    /// Everything delivered so far, in no order.
    pub fn mails(&self) -> Vec<Taken> {
        let Ok(entries) = fs::read_dir(self.folder.path().join("mail/inbox/new")) else { return Vec::new() };
        entries.map(|entry| parse(&fs::read(entry.expect("a file").path()).expect("readable"))).collect()
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("log of Exim:\n{}", self.log());
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

fn lay_out(folder: &Path, exim: &Path, chunking: bool) {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a writable folder");
    write("passwd", &format!("root:x:0:0::/:/bin/sh\nDebian-exim:x:{EXIM_ID}:{EXIM_ID}::/:/bin/false\n"));
    write("group", &format!("root:x:0:\nmail:x:8:\nDebian-exim:x:{EXIM_ID}:\n"));
    write("exim.conf", &settings(folder, exim, chunking));
    Certificate::new().write(folder);
    fs::create_dir(folder.join("client")).expect("a writable folder");
    Certificate::new().write(&folder.join("client"));
    for name in ["spool", "log", "mail"] {
        let path = folder.join(name);
        fs::create_dir(&path).expect("a writable folder");
        chown(&path, Some(EXIM_ID), Some(EXIM_ID)).expect("root is needed to give files to Exim");
    }
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder, open).expect("our folder");
}

/// Every recipient of every domain but two goes into one maildir, as Exim's own user: started with `-C` it has
/// no other once it is not root.
fn settings(folder: &Path, exim: &Path, chunking: bool) -> String {
    let chunking = if chunking { "*" } else { "" };
    let (at, exim) = (folder.display(), exim.display());
    format!(
        "primary_hostname = mx.example.net
exim_path = {exim}
spool_directory = {at}/spool
log_file_path = {at}/log/%slog
pid_file_path = {at}/spool/pid
keep_environment =
local_interfaces = 127.0.0.1
host_lookup =
rfc1413_hosts =
tls_advertise_hosts = *
tls_certificate = {at}/cert.pem
tls_privatekey = {at}/key.pem
tls_try_verify_hosts = *
tls_verify_certificates = {at}/client/cert.pem
smtp_accept_queue_per_connection = 0
chunking_advertise_hosts = {chunking}
acl_smtp_mail = mail
acl_smtp_rcpt = rcpt
begin acl
mail:
  deny senders = banned@example.com
       message = not from you
  accept
rcpt:
  defer recipients = later@example.org
       message = come again
  deny recipients = refused@example.org
       message = nobody of that name
  accept
begin routers
all:
  driver = accept
  transport = inbox
begin transports
inbox:
  driver = appendfile
  directory = {at}/mail/inbox
  maildir_format
  user = Debian-exim
  group = Debian-exim
  return_path_add
  envelope_to_add
{}",
        sign_in()
    )
}

/// Nobody has to; PLAIN and LOGIN are offered without TLS too.
fn sign_in() -> String {
    let (user, password) = (Exim::USER, Exim::PASSWORD);
    let both =
        |u: &str, p: &str| format!("${{if and{{{{eq{{{u}}}{{{user}}}}}{{eq{{{p}}}{{{password}}}}}}}}}");
    format!(
        "begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = {}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = User Name : Pass phrase, please
  server_condition = {}
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{if eq{{$auth1}}{{{user}}}{{{password}}}fail}}
external:
  driver = external
  public_name = EXTERNAL
  server_advertise_condition = $tls_in_certificate_verified
  server_condition = ${{if eq{{$auth1}}{{{user}}}}}
",
        both("$auth2", "$auth3"),
        both("$auth1", "$auth2")
    )
}

/// Exim writes Return-path and Envelope-to on top.
fn parse(file: &[u8]) -> Taken {
    let mut lines = file.splitn(3, |&byte| byte == b'\n');
    let mut field = |name: &str| {
        let line = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let value = line.strip_prefix(name).unwrap_or_else(|| panic!("{name} expected in {line:?}"));
        value.trim_matches([' ', '<', '>']).to_owned()
    };
    let (from, to) = (field("Return-path:"), field("Envelope-to:"));
    Taken { from, to, bytes: lines.next().unwrap_or_default().to_vec() }
}
