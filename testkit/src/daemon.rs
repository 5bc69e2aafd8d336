//! The postrider binary as an operator runs it: a folder, an `app.ini`, signals.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{Api, free_port, until};

/// Start, stop and answers must come within this, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(30);

/// `postrider serve` on a folder of its own; ended by its pid when dropped.
#[derive(Debug)]
pub struct Daemon {
    binary: PathBuf,
    folder: TempDir,
    child: Option<Child>,
    pub api: Api,
    /// The name of its key, which no other daemon has: nodes of one queue share their keys.
    pub user: String,
    /// Of the SMTP door, on loopback and open to local senders.
    pub smtp_port: u16,
}

impl Daemon {
    /// Writes an `app.ini` from the lines of `[mailer]` and whole further sections, makes a key, and starts.
    pub fn start(binary: &Path, mailer: &str, sections: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let (http, smtp_port) = (free_port(), free_port());
        let config = format!(
            "[mailer]\nENABLED = true\nFROM = \"Shop\" <shop@example.com>\n{mailer}\n\
             [postrider]\nDATA_DIR = {}\n\
             [postrider.http]\nLISTEN = 127.0.0.1:{http}\n\
             [postrider.smtp]\nLISTEN = 127.0.0.1:{smtp_port}\nALLOW_LOCAL = true\n{sections}\n",
            folder.path().join("state").display()
        );
        std::fs::write(folder.path().join("app.ini"), config).expect("a writable folder");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, http));
        let api = Api { address, key: String::new() };
        let user = format!("tests-{http}");
        let mut daemon = Daemon { binary: binary.to_owned(), folder, child: None, api, user, smtp_port };
        daemon.api.key = daemon.key(&daemon.user);
        daemon.restart();
        daemon
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("app.ini")
    }

    /// A verb of the binary with this daemon's `--config`.
    pub fn verb(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(words).arg("--config").arg(self.config()).stdin(Stdio::null());
        command
    }

    /// Makes an API key; its user name over SMTP is `name`.
    pub fn key(&self, name: &str) -> String {
        let output = self.verb(&["key", "create", "--json", "--name", name]).output().expect("it starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "key create: {} {}", output.status, text(&output.stderr));
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        answer["key"].as_str().expect("a key").to_owned()
    }

    /// Starts it, after a kill on the same folder, and waits until it answers.
    pub fn restart(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let log = File::options().create(true).append(true).open(self.log_path()).expect("a log file");
        let err = log.try_clone().expect("a log file");
        let child = self.verb(&["serve"]).stdout(log).stderr(err).spawn().expect("the daemon starts");
        self.child = Some(child);
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.ended() {
                panic!("the daemon ended at once: {status}\n{}", self.log());
            }
            if self.api.get("/livez").is_ok_and(|answer| answer.status == 200) {
                return;
            }
            assert!(std::time::Instant::now() < deadline, "no answer from the daemon\n{}", self.log());
            std::thread::yield_now();
        }
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().and_then(|child| child.try_wait().expect("our child"))
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(self.child.as_ref().expect("it runs"))
    }

    /// SIGKILL; everything not on disk is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("our child");
            child.wait().expect("our child");
        }
    }

    /// SIGTERM, once for each call.
    pub fn terminate(&self) {
        kill_process(self.pid(), Signal::TERM).expect("our child");
    }

    /// Waits for the end a signal asked for.
    pub fn wait(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("it runs");
        until("the daemon's end", PATIENCE, || child.try_wait().expect("our child"))
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Resident memory in KiB.
    pub fn memory(&self) -> io::Result<u64> {
        self.status("VmRSS:")
    }

    /// The most that was resident since its start, in KiB.
    pub fn peak_memory(&self) -> io::Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> io::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid().as_raw_nonzero()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let size = line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok());
        size.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("log of the daemon:\n{}", self.log());
        }
        self.kill();
    }
}
