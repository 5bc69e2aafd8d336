//! The real Redis and Valkey, unpacked by `cargo xtask peers`: plain and TLS on loopback, and a unix socket.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::{Builder, TempDir};

use crate::redis_reply::{RedisConnection, Reply};
use crate::redis_settings::{DATABASES, Flavour, Ports, quick_folder, sentinel, server};
use crate::warden::Warden;
use crate::{Certificate, Group, free_port, until};

const PATIENCE: Duration = Duration::from_secs(30);

/// A server that has every write on disk before its reply, unless its settings say otherwise. Its processes end when
/// it is dropped, and when the process that started it ends.
#[derive(Debug)]
pub struct Redis {
    flavour: Flavour,
    folder: TempDir,
    ports: Ports,
    password: Option<String>,
    words: &'static [&'static str],
    running: Option<Running>,
    databases: AtomicU32,
}

/// The warden goes first: until its server is waited for, no other process has that number.
#[derive(Debug)]
struct Running {
    warden: Warden,
    child: Child,
}

impl Redis {
    pub fn start(flavour: Flavour) -> Self {
        Self::with(flavour, "")
    }

    /// With lines of `redis.conf` after ours: `maxmemory 10mb`, `requirepass secret`, `replicaof 127.0.0.1 6379`.
    pub fn with(flavour: Flavour, lines: &str) -> Self {
        Self::within(&quick_folder(), flavour, lines)
    }

    /// With its data in a new folder under `parent`, such as one on the disk to be measured.
    pub fn within(parent: &Path, flavour: Flavour, lines: &str) -> Self {
        let mut redis = Self::new(parent, flavour, &[]);
        redis.password = lines.lines().find_map(|line| line.strip_prefix("requirepass ")).map(str::to_owned);
        Certificate::new().write(redis.folder.path());
        redis.settings(&server(redis.folder.path(), redis.ports, lines));
        redis.restart();
        redis
    }

    /// A copy of this one that follows it; returns when it has all that was written so far.
    pub fn replica(&self) -> Self {
        let secret = |word: &String| format!("\nrequirepass {word}\nmasterauth {word}");
        let secret = self.password.as_ref().map(secret).unwrap_or_default();
        let copy = Self::with(self.flavour, &format!("replicaof 127.0.0.1 {}{secret}", self.port()));
        until("a replica that has caught up", PATIENCE, || {
            (copy.info("master_link_status") == "up").then_some(())
        });
        copy
    }

    /// One for all tests of this process, which share it: each takes a database or a prefix of its own, and none
    /// kills it.
    pub fn shared(flavour: Flavour) -> &'static Self {
        static REDIS: OnceLock<Redis> = OnceLock::new();
        static VALKEY: OnceLock<Redis> = OnceLock::new();
        let place = match flavour {
            Flavour::Redis => &REDIS,
            Flavour::Valkey => &VALKEY,
        };
        place.get_or_init(|| Self::start(flavour))
    }

    /// The number of a database nobody in this process was given before.
    pub fn database(&self) -> u32 {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        assert!(number < DATABASES, "more than {DATABASES} databases of one server");
        number
    }

    /// A sentinel that watches the primary on this port.
    pub(crate) fn sentinel(flavour: Flavour, name: &str, primary: u16, quorum: u32) -> Self {
        let mut redis = Self::new(&quick_folder(), flavour, &["--sentinel"]);
        redis.settings(&sentinel(redis.folder.path(), redis.port(), name, primary, quorum));
        redis.restart();
        redis
    }

    fn new(parent: &Path, flavour: Flavour, words: &'static [&'static str]) -> Self {
        let folder = Builder::new().prefix("redis-").tempdir_in(parent).expect("a temporary folder");
        let ports = Ports { plain: free_port(), tls: free_port() };
        let databases = AtomicU32::new(0);
        Redis { flavour, folder, ports, password: None, words, running: None, databases }
    }

    fn settings(&self, text: &str) {
        std::fs::write(self.folder.path().join("conf"), text).expect("a writable folder");
    }

    /// Starts it, after a kill on the same data and ports, and waits until it takes commands.
    pub fn restart(&mut self) {
        assert!(self.running.is_none(), "it runs already");
        let log = File::options().create(true).append(true).open(self.folder.path().join("log"));
        let log = log.expect("a log file");
        let mut command = self.flavour.program();
        command.arg(self.folder.path().join("conf")).args(self.words).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a log file")).stderr(log).process_group(0);
        let child = command.spawn().expect("the server starts");
        let warden = Warden::over(Pid::from_child(&child), self.folder.path());
        self.running = Some(Running { warden, child });
        until("its PONG", PATIENCE, || {
            let running = self.running.as_mut()?;
            if let Some(status) = running.child.try_wait().expect("our child") {
                panic!("the server ended at once: {status}");
            }
            // an error is said while it reads its data
            let answer = self.try_command(&["PING"]).ok()?;
            (answer == Reply::Status("PONG".to_owned())).then_some(())
        });
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.running.as_ref().expect("it runs").child)
    }

    /// SIGKILL to it and its children; what it has not written is gone, what it has not synced is not.
    pub fn kill(&mut self) {
        if let Some(Running { warden, mut child }) = self.running.take() {
            Group(Pid::from_child(&child)).kill();
            drop(warden);
            child.wait().expect("our child");
        }
    }

    /// SIGSTOP: connections stay open and the system still takes new ones, but no one answers.
    pub fn pause(&self) {
        Group(self.pid()).freeze();
    }

    /// SIGCONT: what came in the meantime is done now.
    pub fn resume(&self) {
        kill_process_group(self.pid(), Signal::CONT).expect("our processes");
    }

    pub fn port(&self) -> u16 {
        self.ports.plain
    }

    /// TLS at once; no certificate is asked for.
    pub fn tls_port(&self) -> u16 {
        self.ports.tls
    }

    /// Plain.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Its certificate for `localhost` and `127.0.0.1`, its own authority.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// Of its data: `appendonlydir`, `dump.rdb`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A connection of its own, signed in.
    ///
    /// # Errors
    /// The server is away.
    pub fn connect(&self) -> io::Result<RedisConnection> {
        let mut connection = RedisConnection::open(self.port())?;
        if let Some(password) = &self.password {
            connection.command(&["AUTH", password])?;
        }
        Ok(connection)
    }

    /// One command on a connection of its own, in database 0.
    ///
    /// # Errors
    /// The server is away or died before its reply was whole: the command may or may not have been done.
    pub fn try_command(&self, words: &[&str]) -> io::Result<Reply> {
        self.connect()?.command(words)
    }

    /// One command that is answered; the answer may be an error.
    #[track_caller]
    pub fn command(&self, words: &[&str]) -> Reply {
        self.try_command(words).expect("the server answers")
    }

    /// A field of `INFO`; empty if there is none.
    #[track_caller]
    pub fn info(&self, field: &str) -> String {
        let text = self.command(&["INFO"]).text();
        let found = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        found.unwrap_or_default().to_owned()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("log of {:?}:\n{}", self.flavour, self.log());
        }
        self.kill();
    }
}
