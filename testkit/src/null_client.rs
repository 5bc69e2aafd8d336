//! Debian's Postfix as a null client: takes mail over SMTP on loopback and hands all of it to one relay.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Pid;

use crate::group::Group;
use crate::postfix::{folders, greets, peers};
use crate::postfix_settings::{AT_ONCE, POSTFIX_ID, START, group, null_client, null_services, passwd};
use crate::{free_port, until};

const PATIENCE: Duration = Duration::from_secs(30);
/// Where mail waits.
const WAITING: [&str; 5] = ["maildrop", "incoming", "active", "deferred", "hold"];

/// Laid out under one folder, which may be a file system of its own; started and killed again and again.
#[derive(Debug)]
pub struct NullClient {
    folder: PathBuf,
    master: Option<Child>,
    port: u16,
}

impl NullClient {
    /// Writes its settings under `folder`; nothing runs yet.
    pub fn new(folder: &Path, relay: u16) -> Self {
        Self::with(folder, relay, AT_ONCE)
    }

    /// With these lines of `main.cf` for when mail that was put off is tried again; empty: as Postfix does unasked.
    pub fn with(folder: &Path, relay: u16, waits: &str) -> Self {
        let port = free_port();
        folders(folder);
        let write = |name: &str, text: String| fs::write(folder.join(name), text).expect("a writable folder");
        write("etc/passwd", passwd());
        write("etc/group", group());
        write("conf/main.cf", null_client(folder, relay, waits));
        write("conf/master.cf", null_services(port));
        // Left to Postfix it is root's, and postsuper, which is not, ends instead of telling what a kill left behind.
        write("mail/log", String::new());
        chown(folder.join("mail/log"), Some(POSTFIX_ID), None)
            .expect("root is needed to give files to Postfix");
        rustix::fs::sync();
        Self { folder: folder.to_owned(), master: None, port }
    }

    /// Starts it, after a kill on the same folder, and waits until it answers.
    pub fn start(&mut self) {
        self.start_under("");
    }

    /// Its first process begun by a command that replaces itself with the words after it, such as strace's `-DD`.
    pub fn start_under(&mut self, command: &str) {
        let exec = format!("exec {command} ");
        let out = fs::File::options().create(true).append(true).open(self.folder.join("master.out"));
        let out = out.expect("a writable folder");
        let mut command = Command::new("unshare");
        // As `postfix start` does: the queue is checked before the master begins.
        let script = START.replace("exec ", &format!("\"$1/package/usr/sbin/postsuper\" -s\n{exec}"));
        command.args(["--mount", "sh", "-e", "-c", &script, "sh"]);
        command.arg(&self.folder).arg(peers().join("postfix"));
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("MAIL_CONFIG", self.folder.join("conf"))
            .env("LD_LIBRARY_PATH", self.folder.join("package/usr/lib/postfix"))
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a file"))
            .stderr(out)
            .process_group(0);
        self.master = Some(command.spawn().expect("unshare starts"));
        let port = self.port;
        until("the null client's greeting", PATIENCE, || greets(port).then_some(()));
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
        Group(Pid::from_child(self.master.as_ref().expect("it runs")))
    }

    /// SIGKILL to all its processes.
    pub fn kill(&mut self) {
        if self.master.is_some() {
            self.group().kill();
        }
        if let Some(mut master) = self.master.take() {
            master.wait().expect("our child");
        }
    }

    /// Mails that wait or are under way.
    pub fn waiting(&self) -> usize {
        // Until it is whole, a file lacks the bit for execution; one whose writer was killed stays so for a day.
        let whole = |mode| mode & 0o100 != 0;
        WAITING.iter().map(|name| files(&self.folder.join("queue").join(name), &whole)).sum()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("master.out")).unwrap_or_default()
    }
}

impl Drop for NullClient {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Files of such a mode in a folder and the folders in it.
pub(crate) fn files(folder: &Path, wanted: &dyn Fn(u32) -> bool) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let count = |entry: fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => files(&entry.path(), wanted),
        Ok(about) => usize::from(wanted(about.permissions().mode())),
        // gone since
        Err(_) => 0,
    };
    entries.flatten().map(count).sum()
}
