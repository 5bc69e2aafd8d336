//! Debian's nullmailer: its sender, and its SMTP door behind a listener of ours.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::process::Pid;

use crate::group::Group;
use crate::null_client::files;
use crate::postfix::peers;

/// Laid out under one folder, which may be a file system of its own; started and killed again and again.
#[derive(Debug)]
pub struct Nullmailer {
    folder: PathBuf,
    sender: Option<Child>,
    port: u16,
    /// The sender's process, 0 when none runs: whose group the door's programs join.
    running: Arc<AtomicI32>,
}

impl Nullmailer {
    /// Writes its settings under `folder` and opens its door; no sender runs yet.
    pub fn new(folder: &Path, relay: u16) -> Self {
        for name in ["conf", "queue/queue", "queue/tmp", "queue/failed"] {
            fs::create_dir_all(folder.join(name)).expect("a writable folder");
        }
        let made = Command::new("mkfifo").arg(folder.join("queue/trigger")).status().expect("mkfifo starts");
        assert!(made.success(), "mkfifo makes the trigger");
        let package = peers().join("nullmailer");
        std::os::unix::fs::symlink(package.join("usr/lib/nullmailer"), folder.join("protocols"))
            .expect("a writable folder");
        // The setuid bit would make it another user, who may not look at a prefix of ours.
        let program = folder.join("nullmailer-queue");
        fs::copy(package.join("usr/sbin/nullmailer-queue"), &program).expect("a writable folder");
        fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("our file");
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a writable folder");
        write("mailname", "example.com\n");
        write("conf/remotes", &format!("127.0.0.1 smtp --port={relay}\n"));
        write("conf/pausetime", "1\n");
        write("conf/maxpause", "1\n");
        rustix::fs::sync();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("it listens").port();
        let running = Arc::new(AtomicI32::new(0));
        let (running_too, home) = (Arc::clone(&running), folder.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                door(&home, &package, stream.into(), running_too.load(Ordering::SeqCst));
            }
        });
        Self { folder: folder.to_owned(), sender: None, port, running }
    }

    /// Starts the sender, after a kill on the same folder.
    pub fn start(&mut self) {
        let out = fs::File::options().create(true).append(true).open(self.folder.join("log"));
        let out = out.expect("a writable folder");
        let mut command = Command::new(peers().join("nullmailer/usr/sbin/nullmailer-send"));
        command
            .env("NULLMAILER_TEST_PREFIX", &self.folder)
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a file"))
            .stderr(out)
            .process_group(0);
        let child = command.spawn().expect("nullmailer-send starts");
        self.running.store(Pid::from_child(&child).as_raw_nonzero().get(), Ordering::SeqCst);
        self.sender = Some(child);
    }

    pub fn smtp_port(&self) -> u16 {
        self.port
    }

    /// All its processes.
    ///
    /// # Panics
    /// It does not run.
    pub fn group(&self) -> Group {
        Group(Pid::from_child(self.sender.as_ref().expect("it runs")))
    }

    /// SIGKILL to all its processes.
    pub fn kill(&mut self) {
        self.running.store(0, Ordering::SeqCst);
        if self.sender.is_some() {
            self.group().kill();
        }
        if let Some(mut sender) = self.sender.take() {
            sender.wait().expect("our child");
        }
    }

    /// Mails that wait or are under way.
    pub fn waiting(&self) -> usize {
        files(&self.folder.join("queue/queue"), &|_| true)
    }

    /// Mails it gave up.
    pub fn failed(&self) -> usize {
        files(&self.folder.join("queue/failed"), &|_| true)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Nullmailer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One client: its SMTP program, as inetd would start it. While nothing runs the client is turned away.
fn door(folder: &Path, package: &Path, stream: OwnedFd, sender: i32) {
    if sender == 0 {
        return;
    }
    let Ok(output) = stream.try_clone() else { return };
    let mut command = Command::new(package.join("usr/bin/nullmailer-smtpd"));
    command
        .env("NULLMAILER_QUEUE", folder.join("nullmailer-queue"))
        .env("NULLMAILER_TEST_PREFIX", folder)
        .stdin(stream)
        .stdout(output)
        .stderr(Stdio::null())
        .process_group(sender);
    // A sender that was killed in between has no group to join: the client finds its connection broken.
    let Ok(mut child) = command.spawn() else { return };
    std::thread::spawn(move || child.wait());
}
