//! Debian's OpenSMTPD as a null client: takes mail over SMTP on loopback and hands all of it to one relay.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Pid;

use crate::group::Group;
use crate::opensmtpd::{START, folders};
use crate::postfix::{greets, peers};
use crate::{free_port, until};

const PATIENCE: Duration = Duration::from_secs(30);
/// Unasked it waits 5 s between two connections to a relay.
const AT_ONCE: &str = "mta limit conn-delay-route 0\nmta limit reconn-delay-route 0\n";

/// Laid out under one folder, which may be a file system of its own; started and killed again and again.
#[derive(Debug)]
pub struct OpenSmtpdClient {
    folder: PathBuf,
    daemon: Option<Child>,
    port: u16,
}

impl OpenSmtpdClient {
    /// Writes its settings under `folder`; nothing runs yet.
    pub fn new(folder: &Path, relay: u16) -> Self {
        let port = free_port();
        folders(folder);
        let settings = format!(
            "listen on 127.0.0.1 port {port}\n{AT_ONCE}action out relay host smtp://127.0.0.1:{relay}\n\
             match from any for any action out\n"
        );
        fs::write(folder.join("smtpd.conf"), settings).expect("a writable folder");
        rustix::fs::sync();
        Self { folder: folder.to_owned(), daemon: None, port }
    }

    /// Starts it, after a kill on the same folder, and waits until it answers.
    pub fn start(&mut self) {
        let out = fs::File::options().create(true).append(true).open(self.folder.join("out"));
        let out = out.expect("a writable folder");
        let mut command = Command::new("unshare");
        command.args(["--mount", "--uts", "sh", "-e", "-c", START, "sh"]);
        command.arg(&self.folder).arg(peers().join("opensmtpd"));
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a file"))
            .stderr(out)
            .process_group(0);
        self.daemon = Some(command.spawn().expect("unshare starts"));
        let port = self.port;
        until("OpenSMTPD's greeting", PATIENCE, || greets(port).then_some(()));
    }

    /// Where it takes mail, unasked for a name.
    pub fn smtp_port(&self) -> u16 {
        self.port
    }

    /// All its processes.
    ///
    /// # Panics
    /// It does not run.
    pub fn group(&self) -> Group {
        Group(Pid::from_child(self.daemon.as_ref().expect("it runs")))
    }

    /// SIGKILL to all its processes.
    pub fn kill(&mut self) {
        if self.daemon.is_some() {
            self.group().kill();
        }
        if let Some(mut daemon) = self.daemon.take() {
            daemon.wait().expect("our child");
        }
    }

    /// Mails that wait or are under way.
    pub fn waiting(&self) -> usize {
        envelopes(&self.folder.join("var/spool/smtpd/queue"))
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("out")).unwrap_or_default()
    }
}

impl Drop for OpenSmtpdClient {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Envelopes in a folder and the folders in it; a message whose last envelope is gone may stay a while.
fn envelopes(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let count = |entry: fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => envelopes(&entry.path()),
        Ok(_) => usize::from(entry.file_name().len() == 16),
        // gone since
        Err(_) => 0,
    };
    entries.flatten().map(count).sum()
}
